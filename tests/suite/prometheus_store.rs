//! Alerts and series from servers that answer as the recorded ones did.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use korrel8::client::alertmanager::Alertmanager;
use korrel8::client::http::HttpOptions;
use korrel8::client::prometheus::Prometheus;
use korrel8::domain::alert::AlertStore;
use korrel8::domain::metric::MetricStore;
use korrel8::model::{ErrorKind, Found, Scope, SourceState, Store, StoreError, Window};
use serde_json::{Value, json};

use crate::ask::{ask, ask_all, previews, scope};
use crate::fake::http::{Fault, Request, Response, Server};

fn options(kind: &str, server: &Server) -> HttpOptions {
    korrel8::client::install_tls();
    let mut options = HttpOptions::new(kind, &server.url, "test");
    options.timeout = Duration::from_millis(500);
    options.backoff = Duration::from_millis(1);
    options
}

fn prometheus(server: &Server) -> Arc<Prometheus> {
    Arc::new(Prometheus::new(options("prometheus", server)).unwrap())
}

fn alertmanager(server: &Server) -> Arc<Alertmanager> {
    Arc::new(Alertmanager::new(options("alertmanager", server)).unwrap())
}

pub(crate) fn rules(_: &Request) -> Response {
    let alert = |pod: &str, state: &str, at: &str| {
        json!({"labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": pod},
               "annotations": {"summary": "crashing"}, "state": state, "activeAt": at, "value": "1e+00"})
    };
    Response::json(
        200,
        &json!({"status": "success", "data": {"groups": [{"name": "g", "rules": [
            {"name": "KubePodCrashLooping", "query": "x > 0", "duration": 60, "health": "ok", "type": "alerting",
             "alerts": [alert("db-0", "firing", "2026-11-23T01:31:47.387158833Z"),
                        alert("db-1", "pending", "2026-11-23T01:40:00Z"),
                        alert("late", "firing", "2026-11-23T05:00:00Z")]},
            {"name": "Quiet", "query": "up", "duration": 0, "health": "ok", "type": "alerting", "alerts": []}]}]}}),
    )
}

fn sent(_: &Request) -> Response {
    Response::json(
        200,
        &json!([{"labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": "db-0", "cluster": "eu"},
                 "annotations": {}, "startsAt": "2026-11-23T01:32:47Z", "endsAt": "2026-11-23T02:00:00Z",
                 "fingerprint": "f0", "receivers": [{"name": "team"}], "generatorURL": "http://p/graph",
                 "status": {"state": "suppressed", "silencedBy": ["s"], "inhibitedBy": []}},
                {"labels": {"alertname": "Elsewhere"}, "annotations": {}, "startsAt": "2026-11-23T01:00:00Z",
                 "fingerprint": "f1", "receivers": [], "status": {"state": "active", "silencedBy": [], "inhibitedBy": []}}]),
    )
}

#[tokio::test]
async fn one_batch_asks_each_server_once_and_joins() {
    let (first, second) = (Server::start(rules).await, Server::start(sent).await);
    let store = AlertStore::new(Some(prometheus(&first)), Some(alertmanager(&second)));
    let texts =
        ["alert:alert:{}", "alert:alert:{pod: db-0}", r#"alert:alert:{pod=~"db-.*",pod!="db-0"}"#];
    let answers = ask_all(&store, &texts, scope(9)).await;
    assert_eq!(first.paths(), ["/api/v1/rules"]);
    assert_eq!(second.paths(), ["/api/v2/alerts"]);
    let all = answers[0].result.as_ref().unwrap();
    assert_eq!(
        previews(all),
        [
            "KubePodCrashLooping pending: crashing",
            "KubePodCrashLooping suppressed: crashing",
            "Elsewhere firing",
        ],
        "the newest first, and not what began after the window"
    );
    let joined = &answers[1].result.as_ref().unwrap().objects[0].body;
    assert_eq!(joined["expression"], "x > 0");
    assert_eq!(joined["externalLabels"], json!({"cluster": "eu"}));
    assert_eq!(joined["silencedBy"], json!(["s"]));
    assert_eq!(previews(answers[2].result.as_ref().unwrap()).len(), 1);
    ask(&store, texts[0], scope(9)).await.unwrap();
    assert_eq!(first.requests().len(), 1, "kept");
    store.refresh();
    let cut = ask(&store, texts[0], scope(2)).await.unwrap().cut.unwrap();
    assert_eq!((cut.shown, cut.total), (2, Some(3)));
    assert_eq!(first.requests().len(), 2);
}

#[tokio::test]
async fn alerts_of_a_server_whose_clock_is_ahead_are_there() {
    let ahead = |_: &Request| {
        let start = (Utc::now() + TimeDelta::minutes(10)).to_rfc3339();
        let rule = json!({"name": "Down", "query": "up == 0", "duration": 0, "health": "ok",
                          "type": "alerting", "alerts": [{"labels": {"alertname": "Down"}, "annotations": {}, "state": "firing",
                                      "activeAt": start, "value": "1"}]});
        let groups = json!({"groups": [{"name": "g", "rules": [rule]}]});
        Response::json(200, &json!({"status": "success", "data": groups}))
    };
    let server = Server::start(ahead).await;
    let store = AlertStore::new(Some(prometheus(&server)), None);
    let until = |end| Scope { window: Window::last_hour(end), focus: None, limit: 9 };
    let found = ask(&store, "alert:alert:{}", until(Utc::now())).await.unwrap();
    assert_eq!(found.objects.len(), 1);
    let past = until(Utc::now() - TimeDelta::minutes(20));
    let found = ask(&store, "alert:alert:{}", past).await.unwrap();
    assert!(found.objects.is_empty(), "it was not there then");
}

#[tokio::test]
async fn one_failing_server_leaves_the_others_alerts() {
    let (good_rules, good_sent) = (Server::start(rules).await, Server::start(sent).await);
    let bad = Server::start(|_| Response::fault(Fault::Hang)).await;
    let without_rules = AlertStore::new(Some(prometheus(&bad)), Some(alertmanager(&good_sent)));
    let found = ask(&without_rules, "alert:alert:{}", scope(9)).await.unwrap();
    assert_eq!(found.objects.len(), 2);
    let missing = found.missing.unwrap();
    assert_eq!((missing.kind, missing.source_name.as_str()), (ErrorKind::Timeout, "prometheus"));
    assert!(missing.message.starts_with("only what Alertmanager says, without expressions: "));
    let states: Vec<SourceState> = without_rules.sources().iter().map(|one| one.state).collect();
    assert_eq!(states, [SourceState::Failed, SourceState::Ok]);

    let without_sent = AlertStore::new(Some(prometheus(&good_rules)), Some(alertmanager(&bad)));
    let found = ask(&without_sent, "alert:alert:{pod: db-0}", scope(9)).await.unwrap();
    assert_eq!(found.objects[0].body["state"], "firing");
    let missing = found.missing.unwrap();
    assert_eq!((missing.kind, missing.source_name.as_str()), (ErrorKind::Timeout, "alertmanager"));
    assert!(missing.message.starts_with("only what Prometheus says, without silences: "));

    let neither = AlertStore::new(Some(prometheus(&bad)), Some(alertmanager(&bad)));
    let error = ask(&neither, "alert:alert:{}", scope(9)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    let error = ask(&AlertStore::new(None, None), "alert:alert:{}", scope(9)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Missing);
}

#[tokio::test]
async fn alerts_do_not_wait_long_for_a_server_that_hangs() {
    let (answers, hangs) =
        (Server::start(rules).await, Server::start(|_| Response::fault(Fault::Hang)).await);
    let mut patient = options("alertmanager", &hangs);
    patient.timeout = Duration::from_secs(3);
    let alertmanager = Arc::new(Alertmanager::new(patient).unwrap());
    let store = AlertStore::new(Some(prometheus(&answers)), Some(alertmanager));
    let found = ask(&store, "alert:alert:{}", scope(9)).await.unwrap();
    assert_eq!(found.objects.len(), 2);
    let missing = found.missing.unwrap();
    assert!(missing.message.contains("within 1.0s of the other's"), "{missing}");
    let failed = store.sources().into_iter().find(|source| source.name == "alertmanager").unwrap();
    assert_eq!(failed.state, SourceState::Failed);
}

#[tokio::test]
async fn a_failed_server_is_not_asked_again_at_once() {
    let good = Server::start(rules).await;
    let bad = Server::start(|_| Response::text(403, "no")).await;
    for store in [
        AlertStore::new(Some(prometheus(&good)), Some(alertmanager(&bad))),
        AlertStore::new(None, Some(alertmanager(&bad))),
    ] {
        let first = ask(&store, "alert:alert:{}", scope(9)).await;
        let calls = bad.requests().len();
        let second = ask(&store, "alert:alert:{}", scope(9)).await;
        assert_eq!(bad.requests().len(), calls);
        let failure = |answer: Result<Found, StoreError>| {
            answer.map_or_else(Some, |found| found.missing).map(|error| error.kind)
        };
        assert_eq!(failure(first), Some(ErrorKind::Forbidden));
        assert_eq!(failure(second), Some(ErrorKind::Forbidden));
        store.refresh();
        failure(ask(&store, "alert:alert:{}", scope(9)).await);
        assert!(bad.requests().len() > calls);
    }
}

/// A Prometheus with some series `kube_pod_info` and `up`.
fn metrics(request: &Request) -> Response {
    let pods = ["db-0", "db-1"].map(|pod| json!({"__name__": "kube_pod_info", "pod": pod}));
    let up = json!({"__name__": "up", "job": "x"});
    let many: Vec<Value> =
        (0..150).map(|n| json!({"__name__": "many", "n": n.to_string()})).collect();
    let of = |selector: &str| -> Vec<Value> {
        if selector.contains("many") {
            many.clone()
        } else if selector.contains("db-0") {
            pods[..1].to_vec()
        } else if selector.contains("kube_pod_info") {
            pods.to_vec()
        } else {
            vec![up.clone()]
        }
    };
    let selectors: Vec<&str> = request
        .query
        .iter()
        .filter(|(key, _)| key == "match[]")
        .map(|(_, text)| text.as_str())
        .collect();
    if selectors.iter().any(|text| text.contains("refuse")) {
        let error = "1:7: parse error: unexpected character: 'ö'";
        let body = json!({"status": "error", "errorType": "bad_data", "error": error});
        return Response::json(400, &body);
    }
    let data = if request.path == "/api/v1/series" {
        json!(selectors.iter().flat_map(|text| of(text)).collect::<Vec<_>>())
    } else {
        let values = json!([[1_795_398_281, "NaN"], [1_795_398_341, "+Inf"]]);
        let series = of(request.param("query")).into_iter();
        let result: Vec<Value> =
            series.map(|metric| json!({"metric": metric, "values": values})).collect();
        json!({"resultType": "matrix", "result": result})
    };
    Response::json(200, &json!({"status": "success", "data": data}))
}

#[tokio::test]
async fn queries_share_a_call_and_get_their_own_series_with_values() {
    let server = Server::start(metrics).await;
    let store = MetricStore::new(prometheus(&server));
    let texts = [
        "metric:metric:kube_pod_info",
        r#"metric:metric:kube_pod_info{pod="db-0"}"#,
        "metric:metric:rate(up[5m])",
    ];
    let answers = ask_all(&store, &texts, scope(50)).await;
    let names: Vec<Vec<&str>> =
        answers.iter().map(|answer| previews(answer.result.as_ref().unwrap())).collect();
    let (first, second) =
        (r#"+Inf kube_pod_info{pod="db-0"}"#, r#"+Inf kube_pod_info{pod="db-1"}"#);
    assert_eq!(names, [vec![first, second], vec![first], vec![r#"+Inf up{job="x"}"#]]);
    let body = &answers[1].result.as_ref().unwrap().objects[0].body;
    assert_eq!(body["values"], json!([[1_795_398_281, "NaN"], [1_795_398_341, "+Inf"]]));
    let series = server.paths().iter().filter(|path| path.ends_with("series")).count();
    assert_eq!(series, 1);
}

#[tokio::test]
async fn many_series_come_without_values_and_are_cut_visibly() {
    let server = Server::start(metrics).await;
    let store = MetricStore::new(prometheus(&server));
    let found = ask(&store, "metric:metric:many", scope(120)).await.unwrap();
    assert_eq!(found.objects.len(), 120);
    assert_eq!(found.objects[0].body["values"], json!([]));
    assert!(found.note.unwrap().contains("values are left out"));
    assert_eq!(found.cut.map(|cut| (cut.shown, cut.total)), Some((120, Some(150))));
    assert_eq!(server.paths(), ["/api/v1/series"]);
}

#[tokio::test]
async fn series_without_their_values_are_a_part_of_the_answer() {
    let server = Server::start(|request| {
        if request.path == "/api/v1/series" { metrics(request) } else { Response::text(403, "no") }
    })
    .await;
    let store = MetricStore::new(prometheus(&server));
    let found = ask(&store, "metric:metric:up", scope(9)).await.unwrap();
    assert_eq!(found.objects.len(), 1);
    let missing = found.missing.unwrap();
    assert_eq!(missing.kind, ErrorKind::Forbidden);
    assert!(missing.message.starts_with("values are missing: "), "{missing}");
    assert_eq!(found.note, None);
}

#[tokio::test]
async fn a_refused_selector_fails_its_own_query_only() {
    let server = Server::start(metrics).await;
    let store = MetricStore::new(prometheus(&server));
    let texts = ["metric:metric:refuse", "metric:metric:up"];
    let answers = ask_all(&store, &texts, scope(9)).await;
    let error = answers[0].result.as_ref().unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadQuery);
    assert!(error.message.contains("1:7: parse error"), "{error}");
    assert_eq!(previews(answers[1].result.as_ref().unwrap()).len(), 1);
}
