//! Network flows from a Loki, and incidents from a Prometheus.

use std::sync::Arc;
use std::time::Duration;

use korrel8::client::http::HttpOptions;
use korrel8::client::loki::Loki as Client;
use korrel8::client::prometheus::Prometheus;
use korrel8::domain::incident::IncidentStore;
use korrel8::domain::netflow::NetflowStore;
use serde_json::json;

use crate::ask::{ago, ask, ask_all, now, previews, scope};
use crate::fake::http::{Response, Server};
use crate::fake::loki::Loki;

fn options(kind: &str, server: &Server) -> HttpOptions {
    korrel8::client::install_tls();
    let mut options = HttpOptions::new(kind, &server.url, "config");
    options.backoff = Duration::from_millis(1);
    options
}

#[tokio::test]
async fn flows_of_a_conversation_are_one_object_with_sums() {
    let mut loki = Loki::new();
    for (at, bytes) in [(30, 900_000), (20, 300_000)] {
        let line = json!({"SrcK8S_Name": "web-0", "DstK8S_Name": "db-0", "DstPort": 5432, "Proto": 6, "Bytes": bytes});
        let labels = [("SrcK8S_Namespace", "shop"), ("DstK8S_Namespace", "shop")];
        loki.add(ago(at), &line.to_string(), &labels);
    }
    let server = Server::start(move |request| loki.answer(request)).await;
    let store = NetflowStore::new(Arc::new(Client::new(options("netflow", &server)).unwrap()));
    let found =
        ask(&store, r#"netflow:network:{SrcK8S_Namespace="shop"}"#, scope(10)).await.unwrap();
    assert_eq!(previews(&found), ["shop/web-0 -> shop/db-0:5432 TCP 1.2 MB in 2 flows"]);
    assert_eq!(found.objects[0].body["flows"], 2);
}

#[tokio::test]
async fn queries_that_differ_by_a_name_are_one_call() {
    let server = Server::start(|request| {
        if request.path.ends_with("labels") {
            return Response::json(
                200,
                &json!({"status": "success", "data": ["SrcK8S_Namespace"]}),
            );
        }
        let flow =
            |name: &str| json!([ago(5).to_string(), json!({"SrcK8S_Name": name}).to_string()]);
        let stream =
            json!({"stream": {"SrcK8S_Namespace": "shop"}, "values": [flow("a"), flow("b")]});
        Response::json(
            200,
            &json!({"status": "success", "data": {"resultType": "streams", "result": [stream]}}),
        )
    })
    .await;
    let store = NetflowStore::new(Arc::new(Client::new(options("netflow", &server)).unwrap()));
    let text = |name: &str| {
        format!(r#"netflow:network:{{SrcK8S_Namespace="shop"}} | json | SrcK8S_Name="{name}""#)
    };
    let texts = ["a", "b", "c"].map(text);
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let counts: Vec<usize> = ask_all(&store, &texts, scope(10))
        .await
        .into_iter()
        .map(|answer| answer.result.unwrap().objects.len())
        .collect();
    assert_eq!(counts, [1, 1, 0]);
    let asked: Vec<String> =
        server.requests().iter().map(|one| one.param("query").to_owned()).collect();
    assert_eq!(asked, ["", r#"{SrcK8S_Namespace="shop"} | json | SrcK8S_Name=~"a|b|c""#]);
}

#[tokio::test]
async fn a_loki_without_flows_is_not_asked_for_them() {
    let mut loki = Loki::new();
    loki.add(ago(5), "a log line", &[("namespace", "shop")]);
    let server = Server::start(move |request| loki.answer(request)).await;
    let store = NetflowStore::new(Arc::new(Client::new(options("loki", &server)).unwrap()));
    for _ in 0..2 {
        let found =
            ask(&store, r#"netflow:network:{SrcK8S_Namespace="shop"}"#, scope(10)).await.unwrap();
        assert!(found.note.unwrap().contains("no network flows"));
    }
    assert_eq!(server.paths(), ["/loki/api/v1/labels"]);
}

#[tokio::test]
async fn series_of_a_group_are_an_incident() {
    let at = now().timestamp();
    let server = Server::start(move |_| {
        let series = |id: &str, alert: &str, end: i64, value: &str| {
            json!({
                "metric": {"__name__": "cluster:health:components:map", "group_id": id, "type": "alert",
                    "component": "compute", "src_alertname": alert, "src_namespace": "shop"},
                "values": [[end - 600, "1"], [end, value]],
            })
        };
        let result = json!([series("one", "A", at, "2"), series("one", "B", at, "1"), series("two", "C", at - 1800, "1")]);
        Response::json(200, &json!({"status": "success", "data": {"resultType": "matrix", "result": result}}))
    })
    .await;
    let store =
        IncidentStore::new(Arc::new(Prometheus::new(options("prometheus", &server)).unwrap()));
    let texts = [
        "incident:incident:{id: one}",
        "incident:incident:{alertLabels: {alertname: C, namespace: shop, pod: x}}",
        "incident:incident:{alertLabels: {alertname: nope}}",
    ];
    let answers = ask_all(&store, &texts, scope(10)).await;
    let found: Vec<_> =
        answers.iter().map(|answer| previews(answer.result.as_ref().unwrap())).collect();
    assert_eq!(found, [vec!["critical: A, B (2 alerts)"], vec!["warning: C (1 alert)"], vec![]]);
    let two = &answers[1].result.as_ref().unwrap().objects[0];
    assert_eq!(two.end.unwrap().timestamp(), at - 1800);
    assert_eq!(answers[0].result.as_ref().unwrap().objects[0].end, None);
    assert_eq!(server.requests().len(), 1);
}
