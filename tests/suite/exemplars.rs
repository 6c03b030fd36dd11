//! Exemplars of series from a Prometheus, and from servers that only speak like one.

use std::sync::Arc;
use std::time::Duration;

use korrel8::client::http::HttpOptions;
use korrel8::client::prometheus::Prometheus;
use korrel8::domain::metric::MetricStore;
use korrel8::model::{ErrorKind, Matcher, SourceState, Store, parse_matchers};
use serde_json::{Value, json};

use crate::ask::{ask, ask_all, previews, scope};
use crate::fake::http::{Request, Response, Server};

const SLOW: &str = "65040764d6005ae10d313a235526acca";
const QUICK: &str = "038a20c75e6f32e1a3a156e9c5630cb2";

async fn start(
    answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> (Server, MetricStore) {
    korrel8::client::install_tls();
    let server = Server::start(answer).await;
    let mut options = HttpOptions::new("prometheus", &server.url, "test");
    options.backoff = Duration::from_millis(1);
    let store = MetricStore::new(Arc::new(Prometheus::new(options).unwrap()));
    (server, store)
}

/// A Prometheus with two series of a histogram, each with exemplars.
fn histogram(request: &Request) -> Response {
    let series = |le: &str, exemplars: Value| {
        let labels =
            json!({"__name__": "http_request_duration_seconds_bucket", "le": le, "pod": "web-0"});
        json!({"seriesLabels": labels, "exemplars": exemplars})
    };
    let one = |name: &str, id: &str, value: &str, time: f64| json!({"labels": {name: id}, "value": value, "timestamp": time});
    let all = [
        series("0.5", json!([one("traceID", QUICK, "0.31", 1_795_398_281.125)])),
        series(
            "+Inf",
            json!([
                one("trace_id", QUICK, "0.9", 1_795_398_291.5),
                one("trace_id", SLOW, "1.7", 1_795_398_285.0),
                one("user", "7", "0.8", 1_795_398_285.0),
            ]),
        ),
    ];
    let wanted: Vec<Vec<Matcher>> = request
        .param("query")
        .split(" or ")
        .map(|selector| parse_matchers(selector).expect("matchers").0)
        .collect();
    let selected = all.iter().filter(|series| {
        let label = |name: &str| series["seriesLabels"][name].as_str();
        wanted.iter().any(|matchers| Matcher::all(matchers, label))
    });
    let data: Vec<&Value> = selected.collect();
    Response::json(200, &json!({"status": "success", "data": data}))
}

const TEXTS: [&str; 3] = [
    r#"metric:exemplar:{"__name__":"http_request_duration_seconds_bucket","le":"+Inf","pod":"web-0"}"#,
    r#"metric:exemplar:http_request_duration_seconds_bucket{le="0.5"}"#,
    r#"metric:exemplar:rate(http_request_duration_seconds_bucket{pod="web-1"}[5m])"#,
];

#[tokio::test]
async fn one_call_brings_the_exemplars_of_many_queries_the_slowest_first() {
    let (server, store) = start(histogram).await;
    let together = ask_all(&store, &TEXTS, scope(9)).await;
    assert_eq!(server.paths(), ["/api/v1/query_exemplars"]);
    let traces = |at: usize| -> Vec<Option<&str>> {
        let found = together[at].result.as_ref().unwrap();
        found.objects.iter().map(|object| object.text("/traceID")).collect()
    };
    assert_eq!(traces(0), [Some(SLOW), Some(QUICK), None]);
    assert_eq!(traces(1), [Some(QUICK)]);
    assert!(traces(2).is_empty());
    for (text, merged) in TEXTS.iter().zip(&together) {
        let alone = ask(&store, text, scope(9)).await.unwrap();
        assert_eq!(merged.result.as_ref().unwrap().objects, alone.objects, "{text}");
    }
    let first = &together[0].result.as_ref().unwrap().objects[0];
    assert_eq!(first.body["labels"]["pod"], "web-0");
    assert_eq!(first.body["timestamp"], "2026-11-23T01:44:45.000Z");
    let cut = ask(&store, TEXTS[0], scope(1)).await.unwrap();
    assert_eq!(cut.objects.len(), 1);
    assert_eq!(cut.cut.map(|cut| (cut.shown, cut.total)), Some((1, Some(3))));
}

#[tokio::test]
async fn a_server_without_exemplars_spoils_nothing() {
    let refused = json!({"status": "error", "errorType": "execution", "error": "not here"});
    for (response, note) in [
        (Response::json(200, &json!({"status": "success", "data": []})), ""),
        (Response::json(200, &json!({"status": "success"})), ""),
        (Response::text(404, "404 page not found\n"), "does not offer"),
        (Response::text(403, "Forbidden"), "does not offer"),
        (Response::text(501, "not implemented"), "does not offer"),
        (Response::json(422, &refused), "not here"),
    ] {
        let shown = format!("{response:?}");
        let (_server, store) = start(move |_| response.clone()).await;
        for answer in ask_all(&store, &TEXTS, scope(9)).await {
            let found = answer.result.unwrap_or_else(|error| panic!("{error}: {shown}"));
            assert!(found.objects.is_empty() && found.missing.is_none(), "{shown}");
            assert!(found.note.unwrap_or_default().contains(note), "{shown}");
        }
        assert_eq!(store.sources()[0].state, SourceState::Ok, "{shown}");
    }
    let (_server, store) = start(|_| Response::text(500, "boom")).await;
    let error = ask(&store, TEXTS[0], scope(9)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Server(500));
}

#[tokio::test]
async fn series_are_found_without_asking_for_exemplars() {
    let (server, store) = start(|request| {
        let labels = json!({"__name__": "x_bucket", "le": "1"});
        let data = match request.path.as_str() {
            "/api/v1/series" => json!([labels]),
            _ => json!({"resultType": "matrix", "result": [{"metric": labels, "values": [[1_795_398_281, "1"]]}]}),
        };
        Response::json(200, &json!({"status": "success", "data": data}))
    })
    .await;
    let found = ask(&store, "metric:metric:x_bucket", scope(9)).await.unwrap();
    assert_eq!(previews(&found), [r#"1 x_bucket{le="1"}"#]);
    assert_eq!(server.paths(), ["/api/v1/query_range", "/api/v1/series"]);
}
