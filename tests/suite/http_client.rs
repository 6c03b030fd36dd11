//! Bad answers over HTTP: each becomes a failure with words and a next step.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use korrel8::client::http::{HttpClient, HttpOptions};
use korrel8::client::loki::Loki;
use korrel8::client::transport::Call;
use korrel8::model::{ErrorKind, SourceState, StoreError, Window};
use serde_json::{Value, json};

use crate::fake::http::{Fault, Response, Server};

fn options(url: &str) -> HttpOptions {
    korrel8::client::install_tls();
    let mut options = HttpOptions::new("prometheus", url, "--prometheus-url");
    options.backoff = Duration::from_millis(1);
    options
}

async fn call(options: HttpOptions) -> Result<Value, StoreError> {
    HttpClient::new(options)?.json(Call::new("/api/v1/rules")).await
}

async fn answered(response: Response) -> StoreError {
    let hangs = matches!(response.fault, Some(Fault::Hang));
    let server = Server::start(move |_| response.clone()).await;
    let mut options = options(&server.url);
    options.max_bytes = 1000;
    if hangs {
        options.timeout = Duration::from_millis(300);
    }
    call(options).await.unwrap_err()
}

#[tokio::test]
async fn every_bad_answer_has_a_kind_words_and_a_hint() {
    let html = "<!DOCTYPE html><html><title>Log in to \u{1b}[31mGrafana</title>";
    let prometheus = json!({"status": "error", "errorType": "bad_data",
        "error": "invalid parameter \"query\": 1:7: parse error: unclosed left parenthesis"});
    let status = json!({"kind": "Status", "message": "services \"x\" is forbidden"});
    let out_of_time =
        json!({"status": "error", "errorType": "timeout", "error": "query timed out"});
    let json = |status, body: &Value| Response::json(status, body);
    for (response, kind, words, hint) in [
        (Response::fault(Fault::Hang), ErrorKind::Timeout, "within 300ms", "--request-timeout"),
        (Response::fault(Fault::Drop), ErrorKind::BadAnswer, "broke off", ""),
        (Response::fault(Fault::Cut), ErrorKind::BadAnswer, "broke off", ""),
        (Response::fault(Fault::Huge(2000)), ErrorKind::TooLarge, "cap of 1000 bytes", "--since"),
        (Response::text(500, "boom\n"), ErrorKind::Server(500), "answered 500: boom", ""),
        (Response::text(500, ""), ErrorKind::Server(500), "answered 500 at http", ""),
        (
            Response::new(200, "text/html", html),
            ErrorKind::BadAnswer,
            "Log in to Grafana",
            "sub-path",
        ),
        (
            Response::text(404, "404 page not found"),
            ErrorKind::NotFound,
            "/api/v1/rules",
            "sub-path",
        ),
        (
            Response::text(200, "{\"status\": \"succ"),
            ErrorKind::BadAnswer,
            "breaks off after 16",
            "",
        ),
        (Response::text(200, "OK"), ErrorKind::BadAnswer, "\"OK\"", "sub-path"),
        (Response::text(200, ""), ErrorKind::BadAnswer, "with nothing", "sub-path"),
        (Response::new(200, "application/json", [b'{', 0xff, b'}']), ErrorKind::BadAnswer, "{", ""),
        (
            Response::text(401, "no org id\n"),
            ErrorKind::Unauthorized,
            "no org id",
            "prometheus.org_id",
        ),
        (Response::text(401, "Unauthorized"), ErrorKind::Unauthorized, "Unauthorized", "token"),
        (json(403, &status), ErrorKind::Forbidden, "services \"x\" is forbidden", ""),
        (json(400, &prometheus), ErrorKind::BadQuery, "bad_data: invalid parameter", ""),
        (json(400, &json!("bad matcher format: {oops")), ErrorKind::BadQuery, "): bad matcher", ""),
        (json(422, &json!({"code": 601, "message": "no"})), ErrorKind::BadQuery, "(422): no", ""),
        (json(503, &out_of_time), ErrorKind::Server(503), "timeout: query timed out", "window"),
        (Response::text(302, ""), ErrorKind::BadAnswer, "302", ""),
    ] {
        let shown = format!("{response:?}");
        let error = answered(response).await;
        assert_eq!(error.kind, kind, "{shown}: {error}");
        assert!(error.message.contains(words), "{shown}: {error}");
        assert!(error.hint.unwrap_or_default().contains(hint), "{shown}");
        assert!(!error.message.contains('\u{1b}'), "{shown}");
        assert_eq!(error.source_name, "prometheus");
    }
}

#[tokio::test]
async fn a_refused_connection_and_a_bad_url_say_what_to_check() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://me:secret@{}", listener.local_addr().unwrap());
    drop(listener);
    for (url, words, hint) in [
        (closed.as_str(), "refused", "runs"),
        ("localhost:9090", "not a URL", "http://localhost:9090"),
        ("http://me:secret@", "not a URL", "in full"),
        ("http://me:secret/of#mine@host:9090", "http://host:9090", "in full"),
        ("me:secret@host:9090", "\"host:9090\"", "in full"),
        ("ftp://x", "not a URL", "in full"),
    ] {
        let error = call(options(url)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable, "{url}");
        assert!(error.message.contains(words), "{url}: {error}");
        assert!(error.hint.unwrap_or_default().contains(hint), "{url}");
        assert!(!error.message.contains("secret"), "{}", error.message);
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    for (faulty, expected) in [(2, true), (3, false)] {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let server = Server::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            at if at < faulty && at % 2 == 0 => {
                Response::text(429, "too many outstanding requests").header("Retry-After", "0")
            }
            at if at < faulty => Response::fault(Fault::Drop),
            _ => Response::json(200, &json!({})),
        })
        .await;
        assert_eq!(call(options(&server.url)).await.is_ok(), expected);
        assert_eq!(seen.load(Ordering::SeqCst), 3);
    }
}

#[tokio::test]
async fn a_server_that_asks_for_more_time_than_there_is_has_the_last_word() {
    for wait in ["86400", "18446744073709551615", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let busy = Response::text(429, "come back tomorrow").header("Retry-After", wait);
        let server = Server::start(move |_| busy.clone()).await;
        let error = call(options(&server.url)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Server(429), "{wait}");
        assert!(error.message.contains("come back tomorrow"), "{error}");
        assert_eq!(server.requests().len(), 1, "{wait}");
    }
}

#[tokio::test]
async fn a_silent_server_is_not_waited_for_over_and_over() {
    let server = Server::start(|request| {
        if request.path == "/up" {
            Response::json(200, &json!({}))
        } else {
            Response::fault(Fault::Hang)
        }
    })
    .await;
    let mut options = options(&server.url);
    options.timeout = Duration::from_millis(50);
    options.concurrency = 1;
    let client = HttpClient::new(options).unwrap();
    let asked = || client.json::<Value>(Call::new("/api/v1/rules"));
    let all = futures::future::join_all((0..50).map(|_| asked())).await;
    let kinds = all.iter().map(|answer| answer.as_ref().unwrap_err().kind);
    assert!(kinds.clone().all(|kind| kind == ErrorKind::Timeout));
    assert_eq!(server.requests().len(), 2, "those that waited for their turn are not made");
    let last = asked().await.unwrap_err();
    assert!(last.message.contains("was not asked once more"), "{last}");
    client.forget();
    client.json::<Value>(Call::new("/up")).await.unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_not_tried_again() {
    let server = Server::start(|_| Response::text(500, "boom")).await;
    assert!(call(options(&server.url)).await.is_err());
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_prefix_and_a_login_reach_the_server() {
    let server = Server::start(|_| Response::json(200, &json!({}))).await;
    let with_user = server.url.replace("http://", "http://us%40er:pa%3Ass@");
    let mut options = options(&format!("{with_user}/prom/"));
    options.address.headers.push(("X-Scope-OrgID".to_owned(), "a|b".to_owned()));
    let client = HttpClient::new(options.clone()).unwrap();
    assert!(!client.source().url.contains("pa"), "{}", client.source().url);
    let call = Call::new("/api/v1/series").param("match[]", "up{a=\"ü&\"}");
    let _: Value = client.json(call).await.unwrap();
    options.address.bearer = Some("token".to_owned());
    let _: Value = HttpClient::new(options).unwrap().json(Call::new("/x")).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].path, "/prom/api/v1/series");
    assert_eq!(requests[0].param("match[]"), "up{a=\"ü&\"}");
    assert_eq!(requests[0].header("x-scope-orgid"), "a|b");
    assert!(requests[0].header("user-agent").starts_with("korrel8/"));
    assert_eq!(requests[0].header("authorization"), "Basic dXNAZXI6cGE6c3M=");
    assert_eq!(requests[1].header("authorization"), "Bearer token");
    assert!(requests.iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn a_certificate_is_trusted_by_its_authority_or_not_at_all() {
    let server = Server::start_tls(|_| Response::json(200, &json!({}))).await;
    let error = call(options(&server.url)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.hint.unwrap().contains("CA"), "{}", error.message);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(server.ca.as_ref().unwrap().as_bytes()).unwrap();
    let mut trusting = options(&server.url);
    trusting.address.ca_file = Some(file.path().to_owned());
    assert!(call(trusting).await.is_ok());
    let mut careless = options(&server.url);
    careless.address.insecure = true;
    assert!(call(careless).await.is_ok());
    let mut mistaken = options(&server.url);
    mistaken.address.ca_file = Some("/nonexistent/ca.pem".into());
    assert!(call(mistaken).await.unwrap_err().message.contains("/nonexistent/ca.pem"));
}

#[tokio::test]
async fn a_source_tells_how_it_is_doing() {
    let server = Server::start(|request| match request.path.as_str() {
        "/good" => Response::json(200, &json!({})),
        _ => Response::text(500, "boom"),
    })
    .await;
    let client = HttpClient::new(options(&server.url)).unwrap();
    assert_eq!(client.source().state, SourceState::Idle);
    let _: Value = client.json(Call::new("/good")).await.unwrap();
    let source = client.source();
    assert_eq!((source.state, source.calls, source.error), (SourceState::Ok, 1, None));
    assert_eq!((source.via.as_str(), source.found.as_str()), ("direct", "--prometheus-url"));
    assert_eq!(source.url, server.url);
    client.json::<Value>(Call::new("/bad")).await.unwrap_err();
    let source = client.source();
    assert_eq!((source.state, source.calls), (SourceState::Failed, 2));
    assert!(source.error.unwrap().contains("boom"));
}

#[tokio::test]
async fn a_redirect_is_followed_only_at_the_same_server() {
    let other = Server::start(|_| Response::json(200, &json!({}))).await;
    let away = format!("{}/api/v1/rules", other.url);
    let server = Server::start(move |request| match request.path.as_str() {
        "/near/api/v1/rules" => Response::text(302, "").header("Location", "/api/v1/rules"),
        "/far/api/v1/rules" => Response::text(302, "").header("Location", &away),
        "/loop/api/v1/rules" => Response::text(302, "").header("Location", &request.path),
        _ => Response::json(200, &json!({})),
    })
    .await;
    let at = |prefix: &str| {
        let mut options = options(&format!("{}/{prefix}", server.url));
        options.address.headers.push(("X-Api-Key".to_owned(), "secret".to_owned()));
        options
    };
    assert!(call(at("near")).await.is_ok());
    assert!(server.requests().iter().all(|request| request.header("x-api-key") == "secret"));
    let error = call(at("far")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadAnswer);
    assert!(error.message.contains(&other.url), "{error}");
    assert!(error.hint.unwrap().contains("change its URL"));
    assert!(other.requests().is_empty(), "another server sees none of our headers");
    assert!(call(at("loop")).await.unwrap_err().message.contains("too many redirects"));
}

#[tokio::test]
async fn words_that_an_answer_puts_into_a_failure_cannot_reach_the_terminal() {
    let escape = "\u{1b}[31mred";
    let of = |kind: &str, result: Value| json!({"status": "success", "data": {"resultType": kind, "result": result}});
    for body in [
        json!({"status": escape}),
        of(escape, json!([])),
        of("streams", json!(escape)),
        of("streams", json!([{"stream": escape}])),
    ] {
        let shown = body.to_string();
        let server = Server::start(move |_| Response::json(200, &body)).await;
        let loki = Loki::new(options(&server.url)).unwrap();
        let window = Window::last_hour(chrono::Utc::now());
        let error = loki.newest("{a=\"b\"}", window, 9).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadAnswer, "{shown}");
        assert!(error.message.contains("red"), "{shown}: {error}");
        assert!(!error.message.contains('\u{1b}'), "{shown}: {error:?}");
    }
}
