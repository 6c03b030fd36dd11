//! Merged requests find what each query finds alone: random objects, queries and limits, asked
//! together and one by one of the same API server.

use std::sync::{Arc, Mutex};

use futures::StreamExt;
use korrel8::client::kube::Kube;
use korrel8::domain::k8s::{K8s, KubeStore};
use korrel8::model::{Answer, Domains, Query, Scope, Store};
use serde_json::{Value, json};

use crate::fake::apiserver::ApiServer;
use crate::fake::http::{Request, Response, Server};
use crate::kube_client::connect;
use crate::kube_store::{at, scope};

/// Cases in one run.
const CASES: u64 = 40;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides.max(1)
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

const SPACES: [&str; 3] = ["shop", "pay", "kube-system"];

fn object(dice: &mut Dice, kind: &str, place: usize) -> Value {
    let mut object = json!({"kind": kind, "apiVersion": "v1", "metadata": {
        "name": format!("{}-{place:03}", dice.pick(&["db", "web"])),
        "namespace": dice.pick(&SPACES),
        "uid": format!("{kind}-{place}"), "resourceVersion": place.to_string(),
        "creationTimestamp": dice.pick(&["2026-11-23T00:30:00Z", "2026-11-23T02:30:00Z"])}});
    let mut labels = json!({});
    for key in ["app", "tier"] {
        if dice.below(4) > 0 {
            labels[key] = dice.pick(&["a", "b", "c"]).into();
        }
    }
    if dice.below(8) > 0 {
        object["metadata"]["labels"] = labels;
    }
    match kind {
        "Pod" => {
            if dice.below(5) > 0 {
                object["spec"]["nodeName"] = dice.pick(&["n1", "n2"]).into();
            }
            object["status"]["phase"] = dice.pick(&["Running", "Failed"]).into();
            let claim = dice.pick(&["data-0", "data-1"]);
            object["spec"]["volumes"] = json!([{"persistentVolumeClaim": {"claimName": claim}}]);
        }
        "Event" => {
            let of = format!("db-{:03}", dice.below(40));
            object["involvedObject"] =
                json!({"kind": "Pod", "name": of, "uid": dice.below(40).to_string()});
            object["type"] = dice.pick(&["Normal", "Warning"]).into();
            let minute = 10 + dice.below(45);
            object["lastTimestamp"] = format!("2026-11-23T01:{minute}:00Z").into();
        }
        _ => object["spec"]["selector"] = json!({"app": dice.pick(&["a", "b", "c"])}),
    }
    object
}

fn query(dice: &mut Dice) -> String {
    let kind = dice.pick(&["Pod", "Pod", "Event", "Service"]);
    let mut selector = json!({});
    if dice.below(12) > 0 {
        selector["namespace"] = dice.pick(&SPACES).into();
    }
    match dice.below(6) {
        0 | 1 => {
            let base = dice.pick(&["db", "web"]);
            selector["name"] = format!("{base}-{:03}", dice.below(45)).into();
        }
        2 => {
            selector["labels"] = dice
                .pick(&["app=a", "app=b,tier=c", "!tier", "app", "tier=a,!app", "app=c"])
                .into();
        }
        3 if kind == "Pod" => {
            let field = dice.pick(&["spec.nodeName", "status.phase"]);
            selector["fields"][field] = dice.pick(&["n1", "Running", ""]).into();
        }
        3 | 4 if kind == "Event" => {
            let field = dice.pick(&["involvedObject.name", "involvedObject.uid", "type", "reason"]);
            let of = format!("db-{:03}", dice.below(40));
            let uid = dice.below(40).to_string();
            selector["fields"][field] = dice.pick(&[&of, &uid, "Warning"]).into();
        }
        4 if kind == "Service" => selector["selects"] = json!({"app": dice.pick(&["a", "b"])}),
        4 => {
            let path = "spec.volumes[*].persistentVolumeClaim.claimName";
            selector["match"][path] = dice.pick(&["data-0", "nope"]).into();
        }
        _ => {}
    }
    // What no server selects by is refused, merged or not.
    if dice.below(25) == 0 {
        selector["fields"]["spec.unknown"] = "x".into();
    }
    format!("k8s:{kind}:{selector}")
}

/// A server whose objects change from case to case.
type Answerer = Arc<dyn Fn(&Request) -> Response + Send + Sync>;

async fn answers(store: &KubeStore, batch: &[Query], scope: Scope) -> Vec<Answer> {
    let asked = batch.iter().cloned().map(Into::into).collect();
    let mut answers: Vec<Answer> = store.fetch(asked, scope).collect().await;
    assert_eq!(answers.len(), batch.len(), "one answer for each query");
    answers.sort_by_key(|answer| batch.iter().position(|query| *query == answer.query));
    answers
}

fn ids(answer: &Answer) -> Result<Vec<&str>, &str> {
    match &answer.result {
        Ok(found) => Ok(found.objects.iter().map(|object| &*object.id).collect()),
        Err(error) => Err(&error.message),
    }
}

fn compare(case: u64, what: &str, alone: &Answer, merged: &Answer) {
    let query = &alone.query;
    assert_eq!(ids(alone), ids(merged), "case {case}, {what}: {query}");
    let (Ok(alone), Ok(merged)) = (&alone.result, &merged.result) else { return };
    let total = |cut: &Option<korrel8::model::Cut>| cut.as_ref().map(|cut| (cut.shown, cut.total));
    match (total(&alone.cut), total(&merged.cut)) {
        // What was not read counts as if it were all in the window.
        (Some((_, Some(told))), Some((_, Some(read)))) => {
            assert!(read <= told, "case {case}, {what}: {query}: {read} of {told}");
        }
        // Alone it may end where the limit is reached, without a look at whether more match.
        (alone, merged) => assert!(
            alone.is_some() || merged.is_none(),
            "case {case}, {what}: {query}: {alone:?} {merged:?}"
        ),
    }
}

#[tokio::test]
async fn merged_and_single_requests_find_the_same() {
    let current: Arc<Mutex<Answerer>> =
        Arc::new(Mutex::new(Arc::new(ApiServer::default().answerer())));
    let shown = Arc::clone(&current);
    let server = Server::start(move |request| {
        let answerer = Arc::clone(&*shown.lock().unwrap());
        answerer(request)
    })
    .await;
    let kube: Kube = connect(&server).await;
    let domain = K8s::new();
    let domains = Domains::new(vec![Arc::new(domain.clone())]);
    let (mut single, mut together) = (0, 0);
    for case in 0..CASES {
        let mut dice = Dice(case);
        let count = [0, 3, 30, 60, 120, 560][dice.below(6)];
        let mut objects: Vec<Value> = (0..count)
            .map(|place| {
                let kind = dice.pick(&["Pod", "Pod", "Event", "Service"]);
                object(&mut dice, kind, place)
            })
            .collect();
        objects.sort_by_key(|object| {
            let text = |field: &str| object["metadata"][field].as_str().unwrap().to_owned();
            (text("namespace"), text("name"))
        });
        let mut queries: Vec<Query> =
            (0..=dice.below(30)).map(|_| domains.query(&query(&mut dice)).unwrap()).collect();
        queries.sort();
        queries.dedup();
        let focus = (dice.below(2) == 0).then(|| at("01:30:00"));
        let scope = Scope { focus, ..scope([2, 7, 1000][dice.below(3)]) };
        let expire = dice.below(2);
        let api = ApiServer { expire, ..ApiServer::with(objects) };
        let serve = |api: &ApiServer| {
            *current.lock().unwrap() = Arc::new(api.clone().answerer());
            server.requests().len()
        };
        let before = serve(&api);
        let mut alone = Vec::new();
        for query in &queries {
            let store = KubeStore::new(kube.clone(), domain.clone());
            alone.extend(answers(&store, std::slice::from_ref(query), scope).await);
        }
        let middle = serve(&api);
        let store = KubeStore::new(kube.clone(), domain.clone());
        let merged = answers(&store, &queries, scope).await;
        let after = server.requests().len();
        let again = answers(&store, &queries, scope).await;
        // A few at a time, on a store that learns from batch to batch.
        let _ = serve(&api);
        let store = KubeStore::new(kube.clone(), domain.clone());
        let mut in_steps = Vec::new();
        for some in queries.chunks(3) {
            in_steps.extend(answers(&store, some, scope).await);
        }
        for (place, alone) in alone.iter().enumerate() {
            compare(case, "merged", alone, &merged[place]);
            compare(case, "from what is kept", alone, &again[place]);
            compare(case, "in steps", alone, &in_steps[place]);
        }
        (single, together) = (single + middle - before, together + after - middle);
    }
    assert!(together * 4 < single * 3, "{together} requests in place of {single}");
}
