//! Spans from a Tempo and from a Jaeger: which calls are made, what is cut, what is said of faults.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use korrel8::client::http::HttpOptions;
use korrel8::client::jaeger::Jaeger;
use korrel8::client::span::Tracer;
use korrel8::client::tempo::Tempo;
use korrel8::domain::trace::TraceStore;
use korrel8::graph::{Odd, SpanTree};
use korrel8::model::{ErrorKind, Scope, SourceState, Vocabulary, Window};
use serde_json::{Value, json};

use crate::ask::{ago, ask, ask_all, now, previews, scope};
use crate::fake::http::{Fault, Request, Response, Server};

const TRACE: &str = "038a20c75e6f32e1a3a156e9c5630cb2";

fn options(server: &Server) -> HttpOptions {
    korrel8::client::install_tls();
    let mut options = HttpOptions::new("tempo", &server.url, "--tempo-url");
    options.backoff = Duration::from_millis(1);
    options
}

fn store_of(tracer: impl Tracer + 'static) -> TraceStore {
    TraceStore::new(Arc::new(tracer), &Vocabulary::builtin())
}

async fn start(
    answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> (Server, TraceStore) {
    let server = Server::start(answer).await;
    let store = store_of(Tempo::new(options(&server)).unwrap());
    (server, store)
}

/// A span as Tempo writes it in a trace: base64 ids, numbers in strings.
fn span(id: &str, parent: &str, name: &str, millis: i64) -> Value {
    json!({
        "traceId": "A4ogx15vMuGjoVbpxWMMsg==", "spanId": id, "parentSpanId": parent, "name": name,
        "kind": "SPAN_KIND_SERVER", "startTimeUnixNano": ago(60).to_string(),
        "endTimeUnixNano": (ago(60) + millis * 1_000_000).to_string(),
        "attributes": [{"key": "http.response.status_code", "value": {"intValue": "500"}}],
        "events": [{"timeUnixNano": "1", "name": "exception", "attributes": []}],
        "status": {"message": "insert order failed", "code": "STATUS_CODE_ERROR"},
    })
}

fn batches() -> Value {
    let spans = [
        span("++36imIY8f8=", "", "POST /checkout", 1633),
        span("3Otw0VPrQjw=", "++36imIY8f8=", "INSERT", 700),
    ];
    let resource = json!({"attributes": [
        {"key": "service.name", "value": {"stringValue": "checkout"}},
        {"key": "k8s.pod.name", "value": {"stringValue": "checkout-1"}},
    ]});
    json!([{"resource": resource, "scopeSpans": [{"scope": {"name": "http"}, "spans": spans}]}])
}

/// A span as Tempo writes it in a search, of which one of `matched` is told.
fn found(trace: &str, matched: usize, failed: bool, millis: i64) -> Value {
    let status = if failed { "error" } else { "unset" };
    let set = json!({"matched": matched, "spans": [{
        "spanID": "fbedfa8a6218f1ff", "name": "GET /", "startTimeUnixNano": ago(60).to_string(),
        "durationNanos": (millis * 1_000_000).to_string(),
        "attributes": [
            {"key": "service.name", "value": {"stringValue": "web"}},
            {"key": "status", "value": {"stringValue": status}},
            {"key": "kind", "value": {"stringValue": "server"}},
            {"key": "span:parentID", "value": {"stringValue": "0a5e9ee"}},
            {"key": "http.route", "value": {"stringValue": "/"}},
        ],
    }]});
    json!({"traceID": trace, "spanSet": set, "spanSets": [set]})
}

fn traces(all: &[Value]) -> Response {
    Response::json(200, &json!({"traces": all, "metrics": {}}))
}

fn asked(server: &Server) -> Vec<String> {
    server
        .requests()
        .iter()
        .map(|request| request.param("q").to_owned())
        .filter(|q| !q.is_empty())
        .collect()
}

#[tokio::test]
async fn a_trace_is_whole_and_its_ids_are_hexadecimal() {
    let (server, store) =
        start(|_| Response::json(200, &json!({"trace": {"resourceSpans": batches()}}))).await;
    let found = ask(&store, "trace:span:38a20c75e6f32e1a3a156e9c5630cb2", scope(10)).await.unwrap();
    assert_eq!(
        previews(&found),
        [
            "checkout POST /checkout 1.63 s error: insert order failed",
            "checkout INSERT 700 ms error: insert order failed"
        ]
    );
    let body = &found.objects[1].body;
    assert_eq!(body["traceID"], TRACE);
    assert_eq!(body["parentSpanID"], "fbedfa8a6218f1ff");
    assert_eq!(body["kind"], "server");
    assert_eq!(body["attributes"]["http.response.status_code"], 500);
    assert_eq!(body["resource"]["k8s.pod.name"], "checkout-1");
    assert_eq!(body["events"][0]["name"], "exception");
    assert_eq!(server.paths(), [format!("/api/v2/traces/{TRACE}")]);
    assert_eq!(store_state(&store), SourceState::Ok);
}

fn store_state(store: &TraceStore) -> SourceState {
    korrel8::model::Store::sources(store)[0].state
}

#[tokio::test]
async fn answers_may_be_packed() {
    let (server, store) = start(|request| match request.path.as_str() {
        "/api/search" => traces(&[found(TRACE, 1, true, 5)]).gzip(),
        _ => Response::json(200, &json!({"trace": {"resourceSpans": batches()}})).gzip(),
    })
    .await;
    let whole = ask(&store, &format!("trace:span:{TRACE}"), scope(10)).await.unwrap();
    assert_eq!(previews(&whole)[0], "checkout POST /checkout 1.63 s error: insert order failed");
    let searched = ask(&store, "trace:span:{ status = error }", scope(10)).await.unwrap();
    assert_eq!(previews(&searched), ["web GET / 5.00 ms error"]);
    assert!(server.requests().iter().all(|one| one.header("accept-encoding").contains("gzip")));
    // One that breaks off, or is none at all, is told as such.
    for spoil in [|body: &mut Vec<u8>| body.truncate(90), |body: &mut Vec<u8>| body.fill(7)] {
        let (_server, store) = start(move |_| {
            let mut response = Response::json(200, &json!({"trace": {"resourceSpans": batches()}}));
            response = response.gzip();
            spoil(&mut response.body);
            response
        })
        .await;
        let error = ask(&store, &format!("trace:span:{TRACE}"), scope(10)).await.unwrap_err();
        assert!(error.message.contains("tempo"), "{error}");
    }
}

#[tokio::test]
async fn an_old_tempo_is_asked_in_its_way_and_not_in_two() {
    let answer = |request: &Request| match request.path.as_str() {
        path if path.starts_with("/api/v2/") => Response::text(404, "404 page not found\n"),
        path if path.ends_with(TRACE) => Response::json(200, &json!({"batches": batches()})),
        _ => Response::text(404, ""),
    };
    let (server, store) = start(answer).await;
    let text = format!("trace:span:{TRACE}");
    assert_eq!(ask(&store, &text, scope(10)).await.unwrap().objects.len(), 2);
    let absent = ask(&store, "trace:span:abab", scope(10)).await.unwrap();
    assert!(absent.objects.is_empty() && absent.note.unwrap().contains("is not there"));
    assert_eq!(server.paths().iter().filter(|path| path.starts_with("/api/v2")).count(), 1);
    assert_eq!(store_state(&store), SourceState::Ok);
}

#[tokio::test]
async fn an_empty_answer_is_a_trace_that_is_not_there_and_another_trace_is_none() {
    let (_server, store) = start(|request| {
        let known = request.path.ends_with("cafe");
        let spans = if known { json!({"resourceSpans": batches()}) } else { json!({}) };
        Response::json(200, &json!({"trace": spans, "metrics": {}}))
    })
    .await;
    for id in ["abab", "cafe"] {
        let found = ask(&store, &format!("trace:span:{id}"), scope(10)).await.unwrap();
        assert_eq!(found.objects.len(), 0, "{id}");
    }
}

#[tokio::test]
async fn a_trace_that_many_queries_name_is_fetched_once() {
    let (server, store) =
        start(|_| Response::json(200, &json!({"trace": {"resourceSpans": batches()}}))).await;
    let one = format!("trace:span:{TRACE}");
    let two = format!("trace:span:{TRACE},abab");
    for answer in ask_all(&store, &[&one, &two], scope(10)).await {
        assert_eq!(answer.result.unwrap().objects.len(), 2);
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn many_traces_are_searched_for_at_once_and_the_rest_one_by_one() {
    let ids: Vec<String> = (1..=40).map(|at| format!("{at:032x}")).collect();
    let known = ids.clone();
    let (server, store) = start(move |request| match request.path.as_str() {
        "/api/search" => {
            let named = |id: &&String| {
                request.param("q").contains(&format!("\"{}\"", id.trim_start_matches('0')))
            };
            let asked = known.iter().filter(named).take(39);
            traces(&asked.map(|id| found(id, 1, false, 5)).collect::<Vec<_>>())
        }
        _ => Response::json(200, &json!({"trace": {}})),
    })
    .await;
    let texts: Vec<String> = ids.iter().map(|id| format!("trace:span:{id}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let answers = ask_all(&store, &texts, scope(100)).await;
    let there = answers.iter().filter(|answer| answer.result.as_ref().unwrap().objects.len() == 1);
    assert_eq!(there.count(), 39);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn of_many_traces_only_the_long_one_is_cut() {
    let ids: Vec<String> = (1..=40).map(|at| format!("{at:032x}")).collect();
    let (server, store) = start(move |request| match request.path.as_str() {
        "/api/search" => {
            let all = (1..=40)
                .map(|at| found(&format!("{at:x}"), if at == 7 { 30 } else { 1 }, false, 5));
            traces(&all.collect::<Vec<_>>())
        }
        _ => panic!("{}", request.path),
    })
    .await;
    let texts: Vec<String> = ids.iter().map(|id| format!("trace:span:{id}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for (answer, id) in ask_all(&store, &texts, scope(100)).await.iter().zip(&ids) {
        let found = answer.result.as_ref().unwrap();
        assert_eq!(found.missing, None, "{id}: nothing failed");
        let cut = found.cut.as_ref().map(|cut| (cut.shown, cut.total));
        assert_eq!(cut, id.ends_with("07").then_some((1, Some(30))), "{id}");
    }
    assert!(server.requests()[0].param("q").contains("trace:id = \"7\""), "without zeros");
}

#[tokio::test]
async fn of_many_traces_that_were_never_sampled_only_a_few_are_fetched() {
    let (server, store) = start(|request| match request.path.as_str() {
        "/api/search" => traces(&[]),
        _ => Response::json(200, &json!({"trace": {}})),
    })
    .await;
    let texts: Vec<String> = (1..=400).map(|at| format!("trace:span:{at:032x}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let answers = ask_all(&store, &texts, scope(100)).await;
    let told = |answer: &korrel8::model::Answer| {
        let found = answer.result.as_ref().unwrap();
        found.objects.is_empty() && found.note.as_ref().unwrap().contains("was not sampled")
    };
    assert!(answers.len() == 400 && answers.iter().all(told));
    assert_eq!(server.requests().len(), 8 + 16, "searches for 50 each, and some in full");
}

#[tokio::test]
async fn a_higher_limit_asks_for_more_of_each_trace_and_then_for_more_traces() {
    let (server, store) = start(|_| traces(&[found("a1", 700, false, 5)])).await;
    for (limit, traces, spans, by) in [
        (1000, 50, 20, "limit"),
        (5000, 250, 100, "server limit"),
        (25_000, 1250, 100, "server limit"),
    ] {
        let found = ask(&store, "trace:span:{}", scope(limit)).await.unwrap();
        let first = server.requests();
        let first = &first[first.len() - 3];
        let asked = (first.param("limit"), first.param("spss"));
        assert_eq!(asked, (traces.to_string().as_str(), spans.to_string().as_str()), "{limit}");
        assert_eq!(found.cut.unwrap().by, by, "{limit}");
    }
}

#[tokio::test]
async fn a_search_tells_the_worst_first_with_fields_in_their_scopes() {
    let (server, store) = start(|_| {
        traces(&[found("a1", 1, false, 50), found("a2", 1, true, 5), found("a3", 1, false, 70)])
    })
    .await;
    let text = r#"trace:span:{resource.service.name = "web"}"#;
    let found = ask(&store, text, scope(100)).await.unwrap();
    assert_eq!(
        previews(&found),
        ["web GET / 5.00 ms error", "web GET / 70.0 ms", "web GET / 50.0 ms"]
    );
    assert_eq!(found.cut, None);
    let body = &found.objects[0].body;
    assert_eq!(body["traceID"], format!("{:0>32}", "a2"));
    assert_eq!(body["parentSpanID"], "0000000000a5e9ee");
    assert_eq!(
        (&body["resource"]["service.name"], &body["attributes"]["http.route"]),
        (&json!("web"), &json!("/"))
    );
    assert_eq!(body["partial"], true);
    let request = &server.requests()[0];
    assert!(request.param("q").starts_with(r#"{ resource.service.name = "web" } | select(name, "#));
    assert!(request.param("q").contains("resource.k8s.pod.name"));
    let end: i64 = request.param("end").parse().unwrap();
    assert_eq!((request.param("start").len(), end), (10, now().timestamp() + 1));
}

#[tokio::test]
async fn a_search_that_is_cut_asks_for_failed_and_slow_ones_too() {
    let (server, store) = start(|request| {
        let query = request.param("q");
        if query.contains("status = error") {
            traces(&[found("bb", 1, true, 1)])
        } else if query.contains("duration > 60000000ns") {
            traces(&[found("cc", 1, false, 900)])
        } else {
            let many: Vec<Value> =
                (1..=20).map(|at| found(&format!("{at}"), 1, false, 60)).collect();
            traces(&many)
        }
    })
    .await;
    let text = r#"trace:span:{resource.service.name = "web"}"#;
    let found = ask(&store, text, scope(20)).await.unwrap();
    assert_eq!(
        &previews(&found)[..3],
        ["web GET / 1.00 ms error", "web GET / 900 ms", "web GET / 60.0 ms"]
    );
    let cut = found.cut.unwrap();
    assert_eq!((cut.shown, cut.total), (20, None));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn spans_that_the_server_only_counts_are_a_cut_with_a_total() {
    let (_server, store) = start(|_| traces(&[found("a1", 7, false, 5)])).await;
    let found = ask(&store, "trace:span:{}", scope(50)).await.unwrap();
    let cut = found.cut.unwrap();
    assert_eq!((cut.shown, cut.total, cut.by), (1, Some(7), "limit"));
}

#[tokio::test]
async fn an_older_server_is_asked_for_less() {
    let (server, store) = start(|request| {
        if request.param("q").contains("span:parentID") {
            return Response::text(
                400,
                "invalid TraceQL query: parse error at line 1, col 90: syntax error",
            );
        }
        traces(&[found("a1", 1, false, 5)])
    })
    .await;
    for _ in 0..2 {
        assert_eq!(ask(&store, "trace:span:{}", scope(50)).await.unwrap().objects.len(), 1);
    }
    assert_eq!(asked(&server).len(), 3);
}

#[tokio::test]
async fn a_refused_query_is_told_in_the_servers_words() {
    let words = "invalid TraceQL query: binary operations must operate on the same type";
    let (server, store) = start(move |_| Response::text(400, words)).await;
    let error = ask(&store, "trace:span:{ span.a + 1 = \"x\" }", scope(10)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadQuery);
    assert!(error.message.contains(words), "{error}");
    assert_eq!(asked(&server).last().unwrap(), "{ (span.a + 1) = \"x\" }");
    assert_eq!(store_state(&store), SourceState::Ok);
}

#[tokio::test]
async fn a_server_that_answers_with_something_else_is_a_failed_source() {
    let (_server, store) = start(|_| Response::json(200, &json!({"hello": "world"}))).await;
    let error = ask(&store, "trace:span:{}", scope(10)).await.unwrap_err();
    assert!(error.message.contains("something else"), "{error}");
    assert_eq!(store_state(&store), SourceState::Failed);
}

#[tokio::test]
async fn a_new_window_without_spans_may_only_be_too_new() {
    let (_server, store) = start(|_| traces(&[])).await;
    let old = ask(&store, "trace:span:{}", scope(10)).await.unwrap();
    assert!(old.objects.is_empty());
    assert_eq!(old.note, None);
    let fresh = Scope { window: Window::last_hour(chrono::Utc::now()), ..scope(10) };
    let found = ask(&store, "trace:span:{}", fresh).await.unwrap();
    assert!(found.note.unwrap().contains("half a minute"));
}

#[tokio::test]
async fn faults_of_servers_and_networks_are_told() {
    let html = "<html><title>Log in</title></html>";
    let cases: Vec<(Response, ErrorKind, &str)> = vec![
        (Response::text(401, "no org id"), ErrorKind::Unauthorized, "--tempo-org-id"),
        (Response::text(403, "denied"), ErrorKind::Forbidden, "may not read"),
        (Response::new(200, "text/html", html), ErrorKind::BadAnswer, "HTML page"),
        (Response::json(200, &json!({"hello": "world"})), ErrorKind::BadAnswer, ""),
        (
            Response::new(200, "application/json", r#"{"traces":[{"traceID":"#),
            ErrorKind::BadAnswer,
            "breaks off",
        ),
        (Response::text(404, "404 page not found\n"), ErrorKind::NotFound, "sub-path"),
        (Response::text(500, "boom"), ErrorKind::Server(500), "boom"),
    ];
    for (response, kind, words) in cases {
        for text in ["trace:span:{}", "trace:span:abab"] {
            let shown = format!("{text} {response:?}");
            let response = response.clone();
            let (_server, store) = start(move |_| response.clone()).await;
            let error = ask(&store, text, scope(10)).await.expect_err(&shown);
            assert_eq!(error.kind, kind, "{shown}");
            assert!(error.advice().contains(words), "{}: {shown}", error.advice());
        }
    }
    let (_server, store) = start(|_| Response::fault(Fault::Cut)).await;
    assert!(ask(&store, "trace:span:{}", scope(10)).await.is_err());
}

#[tokio::test]
async fn the_tenant_is_a_header_and_the_gateway_a_prefix() {
    let server = Server::start(|_| traces(&[])).await;
    let mut options = options(&server);
    options.address.url += "/api/traces/v1/platform/tempo";
    options.address.headers = vec![("X-Scope-OrgID".to_owned(), "shop".to_owned())];
    let store = store_of(Tempo::new(options).unwrap());
    ask(&store, "trace:span:{}", scope(10)).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.path, "/api/traces/v1/platform/tempo/api/search");
    assert_eq!(request.header("x-scope-orgid"), "shop");
}

#[tokio::test]
async fn a_huge_trace_is_cut_in_sight_and_the_worst_is_kept() {
    let mut spans: Vec<Value> = (0..10_000)
        .map(|at| {
            let mut one = span(&format!("{at:016x}"), "ffffffffffffffff", "work", 1);
            one["status"] = json!({});
            one
        })
        .collect();
    spans.push(span("ffffffffffffffff", "", "root", 90_000));
    let batch = json!([{"resource": {}, "scopeSpans": [{"spans": spans}]}]);
    let (_server, store) =
        start(move |_| Response::json(200, &json!({"trace": {"resourceSpans": batch}}))).await;
    let text = format!("trace:span:{TRACE}");
    let found = ask(&store, &text, scope(100)).await.unwrap();
    let cut = found.cut.unwrap();
    assert_eq!((cut.shown, cut.total), (100, Some(10_001)));
    assert!(found.objects.iter().any(|span| span.text("/name") == Some("root")));
    let whole = ask(&store, &text, scope(20_000)).await.unwrap();
    let tree = SpanTree::new(&whole.objects);
    assert_eq!((tree.roots.len(), tree.spans[0].below), (1, 10_000));
    assert!(tree.spans.iter().all(|span| span.odd != Some(Odd::Orphan)));
}

/// A Jaeger with one trace of two spans, of which one failed.
fn jaeger(request: &Request) -> Response {
    let tag = |key: &str, value: Value| json!({"key": key, "type": "string", "value": value});
    let start = ago(60) / 1000;
    let trace = json!({
        "traceID": "38a20c75e6f32e1a3a156e9c5630cb2",
        "spans": [
            {"traceID": "38a20c75e6f32e1a3a156e9c5630cb2", "spanID": "1", "operationName": "GET /",
             "references": null, "startTime": start, "duration": 5000, "processID": "p1", "warnings": null,
             "tags": [tag("span.kind", json!("server")), tag("http.status_code", json!(200))], "logs": null},
            {"traceID": "38a20c75e6f32e1a3a156e9c5630cb2", "spanID": "2", "operationName": "SELECT",
             "references": [{"refType": "CHILD_OF", "traceID": "38a20c75e6f32e1a3a156e9c5630cb2", "spanID": "1"}],
             "startTime": start + 10, "duration": 700, "processID": "p1",
             "tags": [tag("error", json!(true)), tag("otel.status_description", json!("timeout"))],
             "logs": [{"timestamp": start + 20, "fields": [tag("event", json!("exception"))]}]},
        ],
        "processes": {"p1": {"serviceName": "web", "tags": [tag("k8s.pod.name", json!("web-0"))]}},
    });
    let missing = json!({"data": null, "errors": [{"code": 404, "msg": "trace not found"}]});
    match request.path.as_str() {
        "/api/services" => Response::json(200, &json!({"data": ["web", "db"], "errors": null})),
        "/api/traces" if request.param("service") == "web" => {
            Response::json(200, &json!({"data": [trace]}))
        }
        "/api/traces" => Response::json(200, &json!({"data": []})),
        path if path.ends_with("cb2") => Response::json(200, &json!({"data": [trace]})),
        _ => Response::json(404, &missing),
    }
}

#[tokio::test]
async fn jaeger_finds_by_what_it_understands_and_the_rest_is_selected_here() {
    let server = Server::start(jaeger).await;
    let store = store_of(Jaeger::new(options(&server)).unwrap());
    let text = r#"trace:span:{resource.service.name = "web" && status = error && duration > 500us && resource.k8s.pod.name = "web-0"}"#;
    let found = ask(&store, text, scope(10)).await.unwrap();
    assert_eq!(previews(&found), ["web SELECT 700 µs error: timeout"]);
    assert_eq!(found.cut, None);
    let body = &found.objects[0].body;
    assert_eq!(
        (&body["parentSpanID"], &body["events"][0]["name"]),
        (&json!("0000000000000001"), &json!("exception"))
    );
    let request = &server.requests()[0];
    let sent: BTreeMap<&str, &str> = ["service", "tags", "minDuration"]
        .into_iter()
        .map(|name| (name, request.param(name)))
        .collect();
    assert_eq!(sent["service"], "web");
    assert_eq!(sent["minDuration"], "500us");
    assert_eq!(
        serde_json::from_str::<Value>(sent["tags"]).unwrap(),
        json!({"error": "true", "k8s.pod.name": "web-0"})
    );
}

#[tokio::test]
async fn jaeger_without_a_service_is_asked_for_each_and_knows_whole_traces() {
    let server = Server::start(jaeger).await;
    let store = store_of(Jaeger::new(options(&server)).unwrap());
    assert_eq!(ask(&store, "trace:span:{}", scope(10)).await.unwrap().objects.len(), 2);
    assert_eq!(server.requests().len(), 3);
    assert_eq!(
        ask(&store, &format!("trace:span:{TRACE}"), scope(10)).await.unwrap().objects.len(),
        2
    );
    let absent = ask(&store, "trace:span:abab", scope(10)).await.unwrap();
    assert!(absent.objects.is_empty() && absent.note.is_some());
    let error = ask(&store, "trace:span:{} >> { status = error }", scope(10)).await.unwrap_err();
    assert!(error.kind == ErrorKind::BadQuery && error.advice().contains("&&"), "{error}");
}

/// A Tempo whose spans have some resource attributes, and that finds a span by `resource.pod` only.
async fn tempo_with(tags: &'static [&'static str]) -> (Server, TraceStore) {
    start(move |request| {
        if request.path == "/api/v2/search/tags" {
            let scopes =
                json!([{"name": "resource", "tags": tags}, {"name": "span", "tags": ["x"]}]);
            return Response::json(200, &json!({"scopes": scopes, "metrics": {}}));
        }
        let hit = request.param("q").contains(r#"resource.pod = "web-1""#);
        traces(&if hit { vec![found(TRACE, 1, false, 5)] } else { vec![] })
    })
    .await
}

const OF_POD: &str = r#"trace:span:{ resource.k8s.pod.name = "web-1" && status != error }"#;

#[tokio::test]
async fn spans_are_found_in_the_attributes_that_the_server_has() {
    let (server, store) = tempo_with(&["namespace", "pod", "service.name"]).await;
    let found = ask(&store, OF_POD, scope(10)).await.unwrap();
    assert_eq!(found.objects.len(), 1);
    let other = r#"{ resource.pod = "web-1" && status != error }"#;
    assert_eq!(found.note, Some(format!("asked for {other}")));
    // What is known once is used at once.
    let before = asked(&server).len();
    assert_eq!(ask(&store, OF_POD, scope(10)).await.unwrap().objects.len(), 1);
    assert_eq!(asked(&server).len(), before + 1);
    let sources = korrel8::model::Store::sources(&store);
    assert_eq!(sources[0].vocabulary, ["resource attributes: namespace, pod, service.name"]);
}

#[tokio::test]
async fn a_search_for_attributes_that_no_span_has_is_told_so() {
    let (_server, store) = tempo_with(&["k8s.namespace.name", "service.name"]).await;
    let found = ask(&store, OF_POD, scope(10)).await.unwrap();
    assert_eq!(found.note.as_deref(), Some("no span in this window has k8s.pod.name"));
    let sources = korrel8::model::Store::sources(&store);
    let told = "resource attributes of OpenTelemetry: k8s.namespace.name, service.name";
    assert_eq!(sources[0].vocabulary, [told]);
    // An old server has no list of attributes.
    let (_server, old) = start(|request| match request.path.as_str() {
        "/api/v2/search/tags" => Response::text(404, "404 page not found"),
        _ => traces(&[]),
    })
    .await;
    assert_eq!(ask(&old, OF_POD, scope(10)).await.unwrap().note, None);
    assert_eq!(korrel8::model::Store::sources(&old)[0].vocabulary, [""; 0]);
}
