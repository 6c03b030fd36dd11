//! Logs of Pods through the API server.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use korrel8::client::http::HttpOptions;
use korrel8::client::kube::{Kube, KubeOptions};
use korrel8::client::loki::Loki;
use korrel8::domain::k8s::{K8s, KubeStore};
use korrel8::domain::log::{Backed, Log, LokiStore, PodLogStore, PodSource};
use korrel8::model::{
    Answer, Cut, Domains, ErrorKind, Found, Query, Scope, SourceState, Store, Vocabulary, Window,
};
use serde_json::{Value, json};

use crate::fake::apiserver::ApiServer;
use crate::fake::http::{Response, Server};
use crate::kube_client::{Config, connect};
use crate::kube_store::{at, pod, scope};

fn cluster() -> ApiServer {
    let db = json!({"metadata": {"labels": {"app": "db"}},
        "spec": {"nodeName": "n1", "initContainers": [{"name": "setup"}],
            "containers": [{"name": "db"}, {"name": "metrics"}],
            "ephemeralContainers": [{"name": "debugger"}]},
        "status": {"containerStatuses": [
            {"name": "db", "restartCount": 3, "state": {"running": {}},
                "lastState": {"terminated": {"exitCode": 1, "finishedAt": "2026-11-23T01:06:00Z"}}}, {"name": "metrics", "restartCount": 0}]}});
    let web =
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web"}]}});
    let mut system = pod("dns", &json!({"spec": {"containers": [{"name": "dns"}]}}));
    system["metadata"]["namespace"] = json!("kube-system");
    let mut server = ApiServer::with([pod("db-0", &db), pod("web-0", &web), system]);
    for (pod, container, previous, lines) in [
        ("db-0", "setup", false, vec![("2026-11-23T01:00:01.5Z", "ready")]),
        (
            "db-0",
            "db",
            false,
            vec![
                ("2026-11-23T00:59:59Z", "too early"),
                ("2026-11-23T01:10:00Z", "level=error msg=\"disk full\""),
                ("2026-11-23T01:20:00Z", "\u{1b}[31mpanic\u{1b}[0m"),
                ("2026-11-23T02:00:01Z", "too late"),
            ],
        ),
        ("db-0", "db", true, vec![("2026-11-23T01:05:00Z", "last words")]),
        ("db-0", "metrics", false, vec![]),
        ("db-0", "debugger", false, vec![("2026-11-23T01:15:00Z", "# df")]),
        ("dns", "dns", false, vec![("2026-11-23T01:01:00Z", "NXDOMAIN")]),
    ] {
        server.logs.insert((pod, container, previous), lines);
    }
    server
}

fn store(kube: &Kube) -> PodLogStore {
    let domain = K8s::new();
    let pods = KubeStore::new(kube.clone(), domain.clone());
    let pods = PodSource::new(Arc::new(pods), Arc::new(domain));
    PodLogStore::new(kube, pods, &Vocabulary::builtin())
}

async fn ask_as(kube: &Kube, query: &str, scope: Scope) -> Answer {
    let words = Vocabulary::builtin();
    let domains = Domains::new(vec![Arc::new(Log::new(&words))]);
    let query: Query = domains.query(query).unwrap();
    let store = store(kube);
    let mut answers: Vec<Answer> = store.fetch(vec![query.into()], scope).collect().await;
    assert_eq!(answers.len(), 1);
    assert_eq!(store.sources()[0].name, "pod-logs");
    answers.remove(0)
}

async fn ask(server: &Server, query: &str) -> Found {
    ask_as(&connect(server).await, query, scope(100)).await.result.unwrap()
}

fn lines(found: &Found) -> Vec<String> {
    let text = |object: &Value, key: &str| object[key].as_str().unwrap().to_owned();
    let line = |body: &Value| format!("{}: {}", text(body, "container"), text(body, "body"));
    found.objects.iter().map(|object| line(&object.body)).collect()
}

#[tokio::test]
async fn where_a_log_store_fails_the_pods_are_read() {
    let server = cluster().start().await;
    let kube = connect(&server).await;
    let words = Vocabulary::builtin();
    let domains = Domains::new(vec![Arc::new(Log::new(&words))]);
    let queries = ["{namespace: shop, name: db-0}", "{namespace: shop, name: nobody}"]
        .map(|selector| domains.query(&format!("log:application:{selector}")).unwrap());
    for (status, read) in [(503, true), (403, true), (400, false)] {
        let loki = Server::start(move |_| Response::text(status, "no")).await;
        let mut options = HttpOptions::new("loki", &loki.url, "test");
        options.backoff = Duration::from_millis(1);
        let first = LokiStore::new(Arc::new(Loki::new(options).unwrap()), &words);
        let store = Backed::new(Arc::new(first), Arc::new(store(&kube)));
        let batch = queries.iter().cloned().map(Into::into).collect();
        let answers: Vec<Answer> = store.fetch(batch, scope(100)).collect().await;
        assert_eq!(answers.len(), 2, "{status}");
        for answer in answers {
            if !read {
                assert_eq!(answer.result.unwrap_err().kind, ErrorKind::BadQuery);
                continue;
            }
            let found = answer.result.unwrap();
            let of_db = answer.query == queries[0];
            assert_eq!(lines(&found).iter().any(|line| line == "debugger: # df"), of_db);
            let missing = found.missing.unwrap();
            assert_eq!(missing.source_name, "loki");
            assert!(missing.message.starts_with("read from the Pods instead: "), "{missing}");
        }
        let names: Vec<String> = store.sources().into_iter().map(|one| one.name).collect();
        assert_eq!(names, if read { vec!["loki", "pod-logs"] } else { vec!["loki"] });
    }
}

#[tokio::test]
async fn all_containers_are_read_newest_first() {
    let server = cluster().start().await;
    let found = ask(&server, "log:application:{namespace: shop, name: db-0}").await;
    assert_eq!(
        lines(&found),
        [
            "db: \u{1b}[31mpanic\u{1b}[0m",
            "debugger: # df",
            "db: level=error msg=\"disk full\"",
            "db: last words",
            "setup: ready",
        ]
    );
    let newest = &found.objects[0];
    assert_eq!((newest.text("/pod"), newest.text("/node")), (Some("db-0"), Some("n1")));
    assert_eq!(newest.preview, "panic");
    assert_eq!((&found.cut, &found.note), (&None, &None));
    let asked = server.requests();
    let log = asked.iter().find(|request| request.path.ends_with("/log")).unwrap();
    assert_eq!(log.param("timestamps"), "true");
    assert_eq!(log.param("sinceTime"), "2026-11-23T01:00:00Z");
}

#[tokio::test]
async fn selectors_choose_pods_and_containers() {
    let server = cluster().start().await;
    for (query, expected) in [
        (
            "log:application:{namespace: shop, labels: {app: db}, containers: [setup]}",
            vec!["setup: ready"],
        ),
        ("log:application:{name: db-0, containers: [debugger, absent]}", vec!["debugger: # df"]),
        ("log:application:{namespace: shop, name: gone}", vec![]),
        ("log:application:{namespace: kube-system}", vec![]),
        ("log:infrastructure:{namespace: kube-system}", vec!["dns: NXDOMAIN"]),
        ("log:infrastructure:{}", vec!["dns: NXDOMAIN"]),
        ("log:audit:{}", vec![]),
    ] {
        assert_eq!(lines(&ask(&server, query).await), expected, "{query}");
    }
}

#[tokio::test]
async fn what_is_found_matches_its_query() {
    let server = cluster().start().await;
    let kube = connect(&server).await;
    for query in [
        "log:application:{namespace: shop, name: db-0}",
        "log:application:{namespace: shop, labels: {app: db}, containers: [db]}",
        "log:application:{namespace: shop, name: db-0, previous: true}",
    ] {
        let answer = ask_as(&kube, query, scope(100)).await;
        let found = answer.result.unwrap();
        assert!(!found.objects.is_empty());
        for object in &found.objects {
            assert_eq!(answer.query.matches(object), Some(true), "{query}");
        }
    }
}

#[tokio::test]
async fn the_previous_run_is_read_where_there_was_one() {
    let server = cluster().start().await;
    let query = "log:application:{namespace: shop, name: db-0, previous: true}";
    let found = ask(&server, query).await;
    assert_eq!(lines(&found), ["db: last words"]);
    assert_eq!(found.note, None, "no previous run is nothing to remark");
    let asked = server.requests();
    assert!(!asked.iter().any(|request| request.param("container") == "metrics"));
}

#[tokio::test]
async fn one_container_that_fails_does_not_spoil_the_rest() {
    let mut server = cluster();
    server.logs.remove(&("db-0", "metrics", false));
    let server = server.start().await;
    let found = ask(&server, "log:application:{namespace: shop, name: db-0}").await;
    assert_eq!(found.objects.len(), 5);
    let note = found.note.unwrap();
    assert!(note.contains("shop/db-0 metrics") && note.contains("connection refused"), "{note}");
    let missing = found.missing.unwrap();
    assert_eq!((missing.kind, &*missing.source_name), (ErrorKind::Server(500), "pod-logs"));
    assert!(missing.message.contains("shop/db-0 metrics"), "{missing}");
    let kube = connect(&server).await;
    let answer = ask_as(&kube, "log:application:{namespace: shop, name: web-0}", scope(100)).await;
    assert_eq!(answer.result.unwrap_err().kind, ErrorKind::Server(500), "none could be read");
    assert_eq!(kube.source().state, SourceState::Ok, "the logs are a source of their own");
}

#[tokio::test]
async fn a_limit_keeps_the_newest_and_says_so() {
    let server = cluster().start().await;
    let kube = connect(&server).await;
    let query = "log:application:{namespace: shop, name: db-0, containers: [db]}";
    let found = ask_as(&kube, query, scope(2)).await.result.unwrap();
    assert_eq!(lines(&found), ["db: \u{1b}[31mpanic\u{1b}[0m", "db: last words"]);
    assert_eq!(found.cut, Some(Cut { shown: 2, total: Some(3), by: "limit" }));
    // In a window that lasts, the server itself cuts: the rest is not known.
    let now = chrono::Utc::now().max(at("23:00:00"));
    let window = Window { end: now, ..scope(1).window };
    let mut server = cluster();
    let many: Vec<_> = (0..50).map(|_| ("2026-11-23T01:10:00Z", "again")).collect();
    server.logs.insert(("db-0", "db", false), many);
    let server = server.start().await;
    let kube = connect(&server).await;
    let found = ask_as(&kube, query, Scope { window, ..scope(10) }).await.result.unwrap();
    assert_eq!(found.cut, Some(Cut { shown: found.objects.len(), total: None, by: "limit" }));
}

#[tokio::test]
async fn logs_that_may_not_be_read_are_said() {
    let server = cluster().start().await;
    let config = Config::new(&server);
    let options = KubeOptions { context: Some("limited".into()), ..config.options() };
    let kube = Kube::connect(&options).await.unwrap();
    let answer =
        ask_as(&kube, "log:infrastructure:{namespace: kube-system, name: dns}", scope(9)).await;
    let error = answer.result.unwrap_err();
    assert_eq!((error.kind, &*error.source_name), (ErrorKind::Forbidden, "pod-logs"));
}

#[tokio::test]
async fn logql_needs_loki() {
    let server = cluster().start().await;
    let kube = connect(&server).await;
    let answer = ask_as(&kube, "log:application:{namespace=\"shop\"} |= \"x\"", scope(9)).await;
    let error = answer.result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadQuery);
    assert!(error.hint.unwrap().contains("--loki-url"));
    assert!(server.requests().is_empty());
}

/// A Pod without containers: it is listed, and has no log to read.
fn bare(number: usize) -> Value {
    pod(&format!("bare-{number:05}"), &json!({}))
}

#[tokio::test]
async fn pods_are_listed_in_pages_and_a_cut_is_told() {
    let query = "log:application:{namespace: shop}";
    for (count, pages, cut) in [(501, 2, None), (10_001, 20, Some("page cap"))] {
        let server = ApiServer::with((0..count).map(bare)).start().await;
        let found = ask(&server, query).await;
        assert_eq!(found.cut.map(|cut| cut.by), cut, "{count}");
        let lists = server.requests();
        assert_eq!(lists.len(), pages, "{count}");
        assert!(lists.iter().all(|request| request.param("limit") == "500"));
    }
}

#[tokio::test]
async fn a_list_of_pods_that_expires_is_begun_anew_once() {
    let web = json!({"spec": {"containers": [{"name": "web"}]}});
    for (expire, lines) in [(1, Some(1)), (2, None)] {
        let mut server = ApiServer::with((0..500).map(bare).chain([pod("web-0", &web)]));
        server.expire = expire;
        server.logs.insert(("web-0", "web", false), vec![("2026-11-23T01:10:00Z", "hello")]);
        let server = server.start().await;
        let kube = connect(&server).await;
        let answer = ask_as(&kube, "log:application:{namespace: shop}", scope(100)).await;
        assert_eq!(answer.result.ok().map(|found| found.objects.len()), lines, "{expire}");
    }
}

/// The logs that were asked for: container, `sinceTime`, `tailLines` and `limitBytes`.
fn asked(server: &Server) -> Vec<[String; 4]> {
    let logs = server.requests().into_iter().filter(|request| request.path.ends_with("/log"));
    let words = ["container", "sinceTime", "tailLines", "limitBytes"];
    logs.map(|request| words.map(|word| request.param(word).to_owned())).collect()
}

#[tokio::test]
async fn lines_around_the_focus_are_read_where_the_newest_do_not_reach() {
    let now = chrono::Utc::now().max(at("23:00:00"));
    let window = Window { end: now, ..scope(1).window };
    let query = "log:application:{namespace: shop, name: db-0, containers: [db, setup]}";
    for (focus, since) in [
        (Some(at("01:10:30")), Some("2026-11-23T01:05:30Z")),
        (Some(at("01:03:00")), Some("2026-11-23T01:00:00Z")),
        (Some(at("01:45:00")), None),
        (Some(at("00:30:00")), None),
        (None, None),
    ] {
        let mut server = cluster();
        let many = (0..50).map(|_| ("2026-11-23T01:40:00Z", "again"));
        let early = [("2026-11-23T01:10:00Z", "boom"), ("2026-11-23T01:11:00Z", "ouch")];
        server.logs.insert(("db-0", "db", false), early.into_iter().chain(many).collect());
        let server = server.start().await;
        let kube = connect(&server).await;
        let scope = Scope { window, focus, limit: 10 };
        let found = ask_as(&kube, query, scope).await.result.unwrap();
        assert!(found.cut.is_some(), "{focus:?}");
        let shown = lines(&found);
        assert!(shown.contains(&"db: again".to_owned()), "the newest stay: {shown:?}");
        assert_eq!(shown.contains(&"db: boom".to_owned()), since.is_some(), "{shown:?}");
        let mut pieces = asked(&server);
        pieces.retain(|piece| piece[2].is_empty());
        let expected: Vec<[&str; 4]> =
            since.into_iter().map(|since| ["db", since, "", "262144"]).collect();
        assert_eq!(pieces, expected, "{focus:?}");
    }
}

#[tokio::test]
async fn the_logs_of_a_batch_have_a_budget_of_bytes() {
    let names: Vec<Value> = (0..20).map(|at| json!({"name": format!("c{at}")})).collect();
    let many = pod("many", &json!({"spec": {"containers": names}}));
    let mut server = ApiServer::with([many]);
    for at in 0..20 {
        let name: &'static str = format!("c{at}").leak();
        server.logs.insert(("many", name, false), vec![("2026-11-23T01:10:00Z", "hello")]);
    }
    let server = server.start().await;
    let kube = connect(&server).await;
    let words = Vocabulary::builtin();
    let domains = Domains::new(vec![Arc::new(Log::new(&words))]);
    let query = domains.query("log:application:{namespace: shop, name: many}").unwrap();
    for (budget, read, by) in
        [(1 << 20, 20, None), (26, 16, Some("byte cap")), (0, 0, Some("byte cap"))]
    {
        let store = store(&kube).budget(budget);
        let answers: Vec<Answer> =
            store.fetch(vec![query.clone().into()], scope(100)).collect().await;
        let found = answers[0].result.clone().unwrap();
        assert_eq!(found.objects.len(), read, "{budget}");
        assert_eq!(found.cut.map(|cut| cut.by), by, "{budget}");
        let unread = format!("{} logs not read", 20 - read);
        assert_eq!(found.note.is_some_and(|note| note.contains(&unread)), by.is_some());
    }
}

/// Five hundred Pods, of which one is noisy and one cannot be read.
fn crowd() -> ApiServer {
    let pods = (0..500).map(|at| {
        pod(
            &format!("web-{at:03}"),
            &json!({"metadata": {"labels": {"part": format!("p{}", at / 50)}},
            "spec": {"nodeName": "n1", "containers": [{"name": "web"}]}}),
        )
    });
    let mut server = ApiServer::with(pods);
    for at in (0..500).filter(|at| *at != 9) {
        let name: &'static str = format!("web-{at:03}").leak();
        let count = if at == 7 { 900 } else { at % 40 };
        server.logs.insert((name, "web", false), vec![("2026-11-23T01:10:00Z", name); count]);
    }
    server
}

#[tokio::test]
async fn queries_of_a_batch_share_what_is_read_and_get_what_each_gets_alone() {
    let words = Vocabulary::builtin();
    let domains = Domains::new(vec![Arc::new(Log::new(&words))]);
    let query = |selector: String| domains.query(&format!("log:application:{selector}")).unwrap();
    let named = (0..500).map(|at| query(format!("{{namespace: shop, name: web-{at:03}}}")));
    let labelled = (0..10).map(|at| query(format!("{{namespace: shop, labels: {{part: p{at}}}}}")));
    let batch: Vec<Query> = labelled.chain(named).collect();
    let now = chrono::Utc::now().max(at("23:00:00"));
    let last = Scope { window: Window { end: now, ..scope(1).window }, ..scope(100) };
    for scope in [scope(100), scope(7), last] {
        let server = crowd().start().await;
        let kube = connect(&server).await;
        let asked_for = batch.iter().cloned().map(Into::into).collect();
        let answers: Vec<Answer> = store(&kube).fetch(asked_for, scope).collect().await;
        assert_eq!(answers.len(), batch.len());
        assert_eq!(asked(&server).len(), 500, "each log once");
        for query in batch.iter().take(24).step_by(2).chain(&batch[17..20]) {
            let merged = answers.iter().find(|answer| answer.query == *query).unwrap();
            let alone = store(&kube).fetch(vec![query.clone().into()], scope);
            let alone: Vec<Answer> = alone.collect().await;
            assert_eq!(format!("{:?}", merged.result), format!("{:?}", alone[0].result), "{query}");
        }
    }
}
