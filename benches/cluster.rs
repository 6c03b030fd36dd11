//! A recording behind HTTP: an API server, a Prometheus, an Alertmanager and a Loki that answer
//! from it, each request after a given time, so that the whole path of the clients is measured.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::{FutureExt as _, StreamExt as _};
use korrel8::client::alertmanager::Alertmanager;
use korrel8::client::http::HttpOptions;
use korrel8::client::kube::{Kube, KubeOptions};
use korrel8::client::loki::Loki;
use korrel8::client::prometheus::Prometheus;
use korrel8::domain::alert::AlertStore;
use korrel8::domain::k8s::{Catalog, K8s, KubeStore};
use korrel8::domain::log::LokiStore;
use korrel8::domain::metric::MetricStore;
use korrel8::engine::Stores;
use korrel8::model::{Domains, Object, Scope, Store, Vocabulary, parse_matchers};
use korrel8::replay::{Manifest, Recording};
use serde_json::{Map, Value, json};

use crate::http::{Request, Response, Server};
use crate::world;

/// What was asked and when: the server and the path, without parameters.
type Calls = Arc<Mutex<Vec<(Instant, String)>>>;

/// The domains that have servers.
pub(crate) const SERVED: [&str; 4] = ["alert", "k8s", "log", "metric"];

/// Servers that answer from one recording.
pub(crate) struct Cluster {
    /// Held only: a server ends with its value.
    _kube: Server,
    prometheus: Server,
    alertmanager: Server,
    loki: Server,
    config: tempfile::TempDir,
    calls: Calls,
    /// The servers have threads of their own.
    tasks: Option<tokio::runtime::Runtime>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(tasks) = self.tasks.take() {
            tasks.shutdown_background();
        }
    }
}

impl Cluster {
    pub(crate) async fn start(recording: &Recording, call: Duration) -> Self {
        let tasks = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (domains, _) = world::rules();
        let held = Arc::new(Held { stores: world::stores(recording, &domains), domains });
        let calls = Calls::default();
        let serve = |name: &'static str, answer: fn(&Held, &Request) -> Response| {
            let (held, calls) = (Arc::clone(&held), Arc::clone(&calls));
            let known = Mutex::new(HashMap::new());
            let answer = move |request: &Request| {
                let began = Instant::now();
                let text = format!("{name} {}", request.path);
                calls.lock().unwrap_or_else(PoisonError::into_inner).push((began, text));
                // What a server takes to work an answer out is no matter of its clients.
                let key = (request.path.clone(), request.query.clone());
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                let mut response =
                    known.entry(key).or_insert_with(|| answer(&held, request)).clone();
                drop(known);
                response.delay = call.saturating_sub(began.elapsed());
                response
            };
            tasks.spawn(Server::start(answer)).map(|server| server.expect("a server"))
        };
        let (kube, prometheus, alertmanager, loki) = tokio::join!(
            serve("kube", kube),
            serve("prometheus", prometheus),
            serve("alertmanager", |held, _| alerts(held)),
            serve("loki", loki)
        );
        let config = tempfile::tempdir().expect("a directory");
        let text = json!({"kind": "Config", "apiVersion": "v1", "current-context": "bench",
            "clusters": [{"name": "bench", "cluster": {"server": kube.url}}],
            "users": [{"name": "bench", "user": {"token": "bench"}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}]});
        std::fs::write(config.path().join("config"), text.to_string()).expect("a kubeconfig");
        Self { _kube: kube, prometheus, alertmanager, loki, config, calls, tasks: Some(tasks) }
    }

    /// The real stores, which know nothing yet, with so many calls at once to each server.
    pub(crate) async fn stores(&self, concurrency: usize) -> Stores {
        korrel8::client::install_tls();
        let options = KubeOptions {
            kubeconfig: Some(self.config.path().join("config")),
            concurrency: Some(concurrency),
            ..KubeOptions::default()
        };
        let client = Kube::connect(&options).await.expect("a client");
        let http = |kind: &str, server: &Server| {
            let options = HttpOptions::new(kind, &server.url, "bench");
            HttpOptions { concurrency, ..options }
        };
        let prometheus = Prometheus::new(http("prometheus", &self.prometheus)).expect("a client");
        let prometheus = Arc::new(prometheus);
        let alertmanager = Alertmanager::new(http("alertmanager", &self.alertmanager));
        let alertmanager = Arc::new(alertmanager.expect("a client"));
        let loki = Arc::new(Loki::new(http("loki", &self.loki)).expect("a client"));
        let words = Vocabulary::builtin();
        let (domains, _) = world::rules();
        // What has no server here has nothing to tell.
        let nothing = Recording::new(Manifest::new(world::now(), "nothing", ""));
        let mut stores = world::stores(&nothing, &domains);
        let mut put = |domain: &str, store: Arc<dyn Store>| stores.insert(domain.to_owned(), store);
        put("k8s", Arc::new(KubeStore::new(client, K8s::new())));
        put("metric", Arc::new(MetricStore::new(Arc::clone(&prometheus))));
        put("alert", Arc::new(AlertStore::new(Some(prometheus), Some(alertmanager))));
        put("log", Arc::new(LokiStore::new(loki, &words)));
        stores
    }

    /// What was asked since the last time that this was called.
    pub(crate) fn calls(&self) -> Vec<(Instant, String)> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The recording as stores.
struct Held {
    stores: Stores,
    domains: Domains,
}

impl Held {
    /// The objects of a query; none if it is none.
    fn find(&self, query: &str) -> Vec<Arc<Object>> {
        let Ok(query) = self.domains.query(query) else { return Vec::new() };
        let scope = Scope { limit: usize::MAX, ..world::scope() };
        let answers = self.stores[query.class().domain()].fetch(vec![query.into()], scope);
        let answers: Vec<_> = answers.collect::<Vec<_>>().now_or_never().unwrap_or_default();
        let found = answers.into_iter().filter_map(|answer| answer.result.ok());
        found.flat_map(|found| found.objects).collect()
    }
}

fn kube(held: &Held, request: &Request) -> Response {
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let (group, rest) = match parts[..] {
        ["api", _, ref rest @ ..] => ("", rest),
        ["apis", group, _, ref rest @ ..] => (group, rest),
        _ => return Response::text(404, "404 page not found\n"),
    };
    let (namespace, plural, name) = match *rest {
        ["namespaces", namespace, plural] => (Some(namespace), plural, None),
        ["namespaces", namespace, plural, name] => (Some(namespace), plural, Some(name)),
        [plural] => (None, plural, None),
        [plural, name] => (None, plural, Some(name)),
        _ => return Response::text(404, "404 page not found\n"),
    };
    let catalog = Catalog::builtin();
    let mut kinds = catalog.kinds();
    let Some(kind) = kinds.find(|kind| kind.plural == plural && kind.group == group) else {
        return Response::text(404, "404 page not found\n");
    };
    let mut selector = Map::new();
    selector.extend(namespace.map(|namespace| ("namespace".to_owned(), namespace.into())));
    selector.extend(name.map(|name| ("name".to_owned(), name.into())));
    let fields = request.param("fieldSelector").split(',').filter_map(|part| part.split_once('='));
    let fields: Map<String, Value> = fields.map(|(k, v)| (k.to_owned(), v.into())).collect();
    selector.insert("fields".to_owned(), fields.into());
    selector.insert("labels".to_owned(), request.param("labelSelector").into());
    let class = kind.class_name(kind.version());
    let found = held.find(&format!("k8s:{class}:{}", Value::from(selector)));
    if name.is_some() {
        return match found.first() {
            Some(object) => Response::json(200, &object.body),
            None => not_found(plural),
        };
    }
    let start: usize = request.param("continue").parse().unwrap_or(0);
    let limit = request.param("limit").parse().unwrap_or(usize::MAX);
    let end = start.saturating_add(limit).min(found.len());
    let mut meta = json!({"resourceVersion": "1"});
    if end < found.len() {
        meta["continue"] = end.to_string().into();
        meta["remainingItemCount"] = (found.len() - end).into();
    }
    let items: Vec<&Value> = found[start.min(end)..end].iter().map(|one| &*one.body).collect();
    Response::json(
        200,
        &json!({"kind": format!("{}List", kind.kind), "apiVersion": "v1",
        "metadata": meta, "items": items}),
    )
}

fn not_found(plural: &str) -> Response {
    Response::json(
        404,
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {},
        "status": "Failure", "message": format!("{plural} not found"), "reason": "NotFound",
        "details": {"kind": plural}, "code": 404}),
    )
}

fn prometheus(held: &Held, request: &Request) -> Response {
    let data = match request.path.as_str() {
        "/api/v1/rules" => rules(held),
        "/api/v1/series" => {
            let selectors = request.query.iter().filter(|(key, _)| key == "match[]");
            let found = selectors.flat_map(|(_, text)| held.find(&format!("metric:metric:{text}")));
            let found: BTreeMap<String, Value> =
                found.map(|one| (one.id.to_string(), one.body["labels"].clone())).collect();
            found.into_values().collect()
        }
        "/api/v1/query_range" => {
            let found = held.find(&format!("metric:metric:{}", request.param("query")));
            let series = found
                .iter()
                .map(|one| json!({"metric": one.body["labels"], "values": one.body["values"]}));
            json!({"resultType": "matrix", "result": series.collect::<Vec<_>>()})
        }
        _ => return Response::text(404, "404 page not found\n"),
    };
    Response::json(200, &json!({"status": "success", "data": data}))
}

fn rules(held: &Held) -> Value {
    let mut rules: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for alert in held.find("alert:alert:{}") {
        let text = |pointer: &str| alert.text(pointer).unwrap_or_default().to_owned();
        let rule = (text("/labels/alertname"), text("/expression"));
        rules.entry(rule).or_default().push(json!({"labels": alert.body["labels"],
            "annotations": alert.body["annotations"], "state": "firing",
            "activeAt": alert.body["activeAt"], "value": "1e+00"}));
    }
    let rules = rules.into_iter().map(|((name, expression), alerts)| {
        json!({"name": name, "query": expression, "duration": 60, "health": "ok",
            "type": "alerting", "alerts": alerts})
    });
    json!({"groups": [{"name": "bench", "rules": rules.collect::<Vec<_>>()}]})
}

fn alerts(held: &Held) -> Response {
    let all = held.find("alert:alert:{}").into_iter().map(|alert| {
        let start = alert.text("/startsAt").or(alert.text("/activeAt")).unwrap_or_default();
        json!({"labels": alert.body["labels"], "annotations": alert.body["annotations"],
            "startsAt": start, "endsAt": "2026-11-23T12:10:00Z", "fingerprint": alert.id,
            "receivers": [{"name": "team"}], "generatorURL": "",
            "status": {"state": "active", "silencedBy": [], "inhibitedBy": []}})
    });
    Response::json(200, &all.collect::<Vec<_>>().into())
}

fn loki(held: &Held, request: &Request) -> Response {
    let lines = |query: &str| -> Vec<Arc<Object>> {
        let classes = ["log:application", "log:infrastructure"].into_iter();
        classes.flat_map(|class| held.find(&format!("{class}:{query}"))).collect()
    };
    if request.path.ends_with("/labels") {
        let all = lines("{}");
        let names: BTreeSet<&String> = all
            .iter()
            .filter_map(|line| line.body["labels"].as_object())
            .flat_map(Map::keys)
            .collect();
        return Response::json(200, &json!({"status": "success", "data": names}));
    }
    let query = request.param("query");
    if parse_matchers(query).is_err() {
        return Response::text(400, "parse error");
    }
    let mut found = lines(query);
    found.sort_by_key(|line| std::cmp::Reverse(line.time));
    if request.param("direction") == "forward" {
        found.reverse();
    }
    found.truncate(request.param("limit").parse().unwrap_or(100));
    let mut streams: BTreeMap<String, (&Value, Vec<Value>)> = BTreeMap::new();
    for line in &found {
        let labels = &line.body["labels"];
        let nanos = line.time.and_then(|time| time.timestamp_nanos_opt()).unwrap_or_default();
        let entry = streams.entry(labels.to_string()).or_insert((labels, Vec::new()));
        entry.1.push(json!([nanos.to_string(), line.body["body"], {}]));
    }
    let streams = streams.into_values();
    let result: Vec<Value> =
        streams.map(|(stream, values)| json!({"stream": stream, "values": values})).collect();
    let data = json!({"resultType": "streams", "result": result, "stats": {}});
    Response::json(200, &json!({"status": "success", "data": data}))
}
