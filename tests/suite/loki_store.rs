//! Log lines from a Loki: which labels are asked for, what is merged, what is cut.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use korrel8::client::http::HttpOptions;
use korrel8::client::loki::Loki as Client;
use korrel8::domain::log::LokiStore;
use korrel8::model::{ErrorKind, Kept, Rank, Scope, SourceState, Store, Vocabulary};

use crate::ask::{ago, ask, ask_all, now, previews, scope};
use crate::fake::http::{Fault, Response, Server};
use crate::fake::loki::Loki;

fn store_with(server: &Server, change: impl FnOnce(&mut HttpOptions)) -> LokiStore {
    korrel8::client::install_tls();
    let mut options = HttpOptions::new("loki", &server.url, "--loki-url");
    options.backoff = Duration::from_millis(1);
    change(&mut options);
    LokiStore::new(Arc::new(Client::new(options).unwrap()), &Vocabulary::builtin())
}

async fn start(loki: Loki) -> (Server, LokiStore) {
    let server = Server::start(move |request| loki.answer(request)).await;
    let store = store_with(&server, |_| {});
    (server, store)
}

/// The LogQL of all calls so far, but those for a hundred lines that show the server's words.
fn asked(server: &Server) -> Vec<String> {
    let queries = server.requests().into_iter().filter(|one| one.path.ends_with("query_range"));
    let queries = queries.filter(|one| one.param("limit") != "100");
    queries.map(|one| one.param("query").to_owned()).collect()
}

#[tokio::test]
async fn a_pods_lines_come_newest_first_with_level_and_metadata() {
    let mut loki = Loki::new();
    let labels = [("namespace", "shop"), ("pod", "db-0"), ("container", "db")];
    loki.add(ago(60), "older", &labels);
    loki.add_with(
        ago(30),
        r#"{"level":"error","msg":"disk full"}"#,
        &labels,
        &[("trace_id", "ab")],
    );
    loki.add(ago(20), "other", &[("namespace", "shop"), ("pod", "web-0")]);
    loki.add(ago(7200), "too old", &labels);
    let (server, store) = start(loki).await;
    let found =
        ask(&store, "log:application:{namespace: shop, name: db-0}", scope(10)).await.unwrap();
    assert_eq!(previews(&found), ["disk full", "older"]);
    assert_eq!(found.cut, None);
    let body = &found.objects[0].body;
    assert_eq!(body["level"], "error");
    assert_eq!(body["container"], "db");
    assert_eq!(body["metadata"]["trace_id"], "ab");
    assert_eq!(body["labels"].get("trace_id"), None);
    assert_eq!(asked(&server), [r#"{namespace="shop",pod="db-0"}"#]);
    assert_eq!(store.sources()[0].state, SourceState::Ok);
}

#[tokio::test]
async fn every_spelling_that_the_server_has_is_asked_for() {
    let mut loki = Loki::new();
    loki.add(ago(3), "promtail", &[("namespace", "shop"), ("pod", "db-0")]);
    loki.add(ago(2), "otlp", &[("k8s_namespace_name", "shop"), ("k8s_pod_name", "db-0")]);
    let (_server, store) = start(loki).await;
    let found =
        ask(&store, "log:application:{namespace: shop, name: db-0}", scope(10)).await.unwrap();
    assert_eq!(previews(&found), ["otlp", "promtail"]);
}

#[tokio::test]
async fn a_pod_in_structured_metadata_is_found() {
    let mut loki = Loki::new();
    loki.add_with(ago(2), "mine", &[("namespace", "shop")], &[("pod", "db-0")]);
    loki.add_with(ago(1), "not mine", &[("namespace", "shop")], &[("pod", "db-1")]);
    let (_server, store) = start(loki).await;
    let texts = [
        "log:application:{namespace: shop, name: db-0}",
        "log:application:{namespace: shop, name: db-1}",
    ];
    let answers = ask_all(&store, &texts, scope(10)).await;
    assert_eq!(previews(answers[0].result.as_ref().unwrap()), ["mine"]);
    assert_eq!(previews(answers[1].result.as_ref().unwrap()), ["not mine"]);
}

#[tokio::test]
async fn a_spelling_that_fails_is_told_as_a_missing_part() {
    let mut loki = Loki::new();
    loki.add(ago(3), "promtail", &[("namespace", "shop"), ("pod", "db-0")]);
    loki.add(ago(2), "otlp", &[("k8s_namespace_name", "shop"), ("k8s_pod_name", "db-0")]);
    let server = Server::start(move |request| {
        if request.param("query").contains(r#"k8s_pod_name="db-0""#) {
            return Response::text(403, "not for you");
        }
        loki.answer(request)
    })
    .await;
    let store = store_with(&server, |_| {});
    let text = "log:application:{namespace: shop, name: db-0}";
    let found = ask(&store, text, scope(10)).await.unwrap();
    assert_eq!(previews(&found), ["promtail"]);
    let missing = found.missing.unwrap();
    assert_eq!(missing.kind, ErrorKind::Forbidden);
    assert!(missing.message.starts_with("a part is missing: "), "{missing}");
}

#[tokio::test]
async fn many_pods_are_few_calls() {
    let mut loki = Loki::new();
    for pod in 0..150 {
        let pod = format!("web-57dbfd5fd5-{pod:05}");
        loki.add(ago(9), &pod, &[("namespace", "shop"), ("pod", &pod)]);
    }
    let (server, store) = start(loki).await;
    let texts: Vec<String> = (0..150)
        .map(|pod| format!("log:application:{{namespace: shop, name: web-57dbfd5fd5-{pod:05}}}"))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for (at, answer) in ask_all(&store, &texts, scope(50)).await.iter().enumerate() {
        let found = answer.result.as_ref().unwrap();
        assert_eq!(previews(found), [format!("web-57dbfd5fd5-{at:05}")]);
    }
    assert_eq!(asked(&server).len(), 1);
    assert_eq!(server.paths().iter().filter(|path| path.ends_with("labels")).count(), 1);
    ask(&store, texts[0], scope(50)).await.unwrap();
    assert_eq!(server.paths().iter().filter(|path| path.ends_with("labels")).count(), 1);
    store.refresh();
    ask(&store, texts[0], scope(50)).await.unwrap();
    assert_eq!(server.paths().iter().filter(|path| path.ends_with("labels")).count(), 2);
}

#[tokio::test]
async fn a_noisy_pod_does_not_starve_the_others() {
    let mut loki = Loki::new();
    loki.most = 100;
    for at in 0..500 {
        loki.add(ago(10) + at, &format!("noise {at}"), &[("namespace", "shop"), ("pod", "noisy")]);
    }
    for pod in ["a", "b", "c", "d"] {
        loki.add(ago(600), pod, &[("namespace", "shop"), ("pod", pod)]);
    }
    let (_server, store) = start(loki).await;
    let texts = ["a", "b", "noisy", "c", "d"]
        .map(|pod| format!("log:application:{{namespace: shop, name: {pod}}}"));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let answers = ask_all(&store, &texts, scope(20)).await;
    for (at, pod) in [(0, "a"), (1, "b"), (3, "c"), (4, "d")] {
        let found = answers[at].result.as_ref().unwrap();
        assert_eq!(previews(found), [pod]);
        assert_eq!(found.cut, None);
    }
    let noisy = answers[2].result.as_ref().unwrap();
    assert_eq!(noisy.objects.len(), 20);
    assert_eq!(noisy.objects[0].preview, "noise 499");
    assert_eq!(noisy.cut.as_ref().map(|cut| cut.by), Some("limit"));
}

#[tokio::test]
async fn lines_near_the_focus_are_kept_besides_the_newest() {
    let mut loki = Loki::new();
    for second in 1..=1000 {
        loki.add(ago(second), &format!("{second}"), &[("namespace", "shop"), ("pod", "db-0")]);
    }
    let (_server, store) = start(loki).await;
    let focus = Some(now() - TimeDelta::seconds(500));
    let scope = Scope { focus, ..scope(6) };
    for text in [
        "log:application:{namespace: shop, name: db-0}",
        r#"log:application:{namespace="shop"} |= "0" "#,
    ] {
        let found = ask(&store, text, scope).await.unwrap();
        let seconds: Vec<i64> =
            previews(&found).iter().map(|text| text.parse().expect("a number")).collect();
        assert_eq!(seconds.len(), 6, "{text}");
        assert!(seconds[..3].iter().all(|second| *second <= 30), "{text}: {seconds:?}");
        let near = &seconds[3..];
        assert!(near.iter().all(|second| (470..530).contains(second)), "{text}: {seconds:?}");
        assert!(near.iter().any(|second| *second < 500), "after: {text}: {seconds:?}");
        assert!(near.iter().any(|second| *second >= 500), "before: {text}: {seconds:?}");
        assert!(found.cut.is_some(), "{text}");
    }
}

#[tokio::test]
async fn a_quiet_side_of_the_focus_leaves_its_part_to_the_other() {
    let mut loki = Loki::new();
    for second in (1..=20).chain(501..=520) {
        loki.add(ago(second), &format!("{second}"), &[("namespace", "shop"), ("pod", "db-0")]);
    }
    loki.add(ago(499), "499", &[("namespace", "shop"), ("pod", "db-0")]);
    let (_server, store) = start(loki).await;
    let scope = Scope { focus: Some(now() - TimeDelta::seconds(500)), ..scope(8) };
    let found = ask(&store, r#"log:application:{namespace="shop"}"#, scope).await.unwrap();
    assert_eq!(previews(&found), ["1", "2", "3", "4", "20", "499", "501", "502"]);
    let focus = Some(now() - TimeDelta::seconds(530));
    let found =
        ask(&store, r#"log:application:{namespace="shop"}"#, Scope { focus, ..scope }).await;
    assert_eq!(previews(&found.unwrap()), ["1", "2", "3", "4", "517", "518", "519", "520"]);
}

#[tokio::test]
async fn a_server_that_ignores_the_limit_is_cut_here() {
    let mut loki = Loki::new();
    loki.always = Some(50);
    for second in 1..=1000 {
        loki.add(ago(second), &format!("{second}"), &[("namespace", "shop"), ("pod", "db-0")]);
    }
    let (_server, store) = start(loki).await;
    let focus = Some(now() - TimeDelta::seconds(500));
    let scope = Scope { focus, ..scope(6) };
    let found = ask(&store, r#"log:application:{namespace="shop"}"#, scope).await.unwrap();
    assert_eq!(found.objects.len(), 6);
    assert!(found.cut.is_some());
}

#[tokio::test]
async fn the_limit_of_the_server_takes_more_calls_and_no_lines() {
    let mut loki = Loki::new();
    loki.most = 30;
    for at in 0..100 {
        loki.add(ago(10) + at, "x", &[("namespace", "shop"), ("pod", "db-0")]);
    }
    let (server, store) = start(loki).await;
    let found = ask(&store, r#"log:application:{pod="db-0"}"#, scope(100)).await.unwrap();
    assert_eq!((found.objects.len(), found.cut), (100, None));
    assert!(asked(&server).len() < 10, "{}", asked(&server).len());
}

#[tokio::test]
async fn more_lines_of_one_moment_than_the_server_gives_are_told_of() {
    let mut loki = Loki::new();
    loki.most = 30;
    for at in 0..100 {
        loki.add(ago(10), &format!("{at}"), &[("namespace", "shop"), ("pod", "db-0")]);
    }
    let (_server, store) = start(loki).await;
    let found = ask(&store, r#"log:application:{pod="db-0"}"#, scope(100)).await.unwrap();
    assert_eq!(found.objects.len(), 30);
    assert_eq!(found.cut.as_ref().map(|cut| cut.by), Some("server limit"));
}

#[tokio::test]
async fn a_failed_list_of_labels_is_not_asked_for_again_at_once() {
    let server = Server::start(|_| Response::text(403, "not for you")).await;
    let store = store_with(&server, |_| {});
    for name in ["db-0", "db-1"] {
        let text = format!("log:application:{{namespace: shop, name: {name}}}");
        let error = ask(&store, &text, scope(5)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Forbidden);
    }
    assert_eq!(server.requests().len(), 1);
    store.refresh();
    ask(&store, "log:application:{namespace: shop}", scope(5)).await.unwrap_err();
    assert_eq!(server.requests().len(), 2, "after a refresh it is asked again");
}

#[tokio::test]
async fn names_of_labels_that_were_asked_for_beforehand_are_not_asked_for_again() {
    let mut loki = Loki::new();
    loki.add(ago(9), "x", &[("namespace", "shop"), ("pod", "db-0")]);
    let (server, store) = start(loki).await;
    let early = store.prepare(scope(5), &Rank::default()).expect("something to ask");
    let (found, ()) =
        futures::join!(ask(&store, "log:application:{namespace: shop}", scope(5)), early);
    assert_eq!(found.unwrap().objects.len(), 1);
    assert_eq!(server.paths().iter().filter(|path| path.ends_with("labels")).count(), 1);
    assert!(store.prepare(scope(5), &Rank::default()).is_none(), "they are known");
}

#[tokio::test]
async fn the_names_of_labels_are_known_for_the_next_search_too() {
    let mut loki = Loki::new();
    loki.add(ago(9), "x", &[("namespace", "shop"), ("pod", "db-0")]);
    let (server, store) = start(loki).await;
    let labels = || server.paths().iter().filter(|path| path.ends_with("labels")).count();
    let mut later = scope(5);
    ask(&store, "log:application:{namespace: shop}", later).await.unwrap();
    later.window.end += TimeDelta::minutes(5);
    ask(&store, "log:application:{namespace: shop}", later).await.unwrap();
    assert_eq!((labels(), store.sources()[0].kept), (1, Some(Kept::aged(0))));
    later.window.start -= TimeDelta::days(2);
    ask(&store, "log:application:{namespace: shop}", later).await.unwrap();
    assert_eq!(labels(), 2, "another window may have other labels");
}

#[tokio::test]
async fn pods_of_several_namespaces_are_one_call() {
    let mut loki = Loki::new();
    let spaces = ["pay", "shop", "web"];
    for space in spaces {
        loki.add(ago(9), space, &[("namespace", space), ("pod", "db-0")]);
    }
    let (server, store) = start(loki).await;
    let texts = spaces.map(|space| format!("log:application:{{namespace: {space}, name: db-0}}"));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let answers = ask_all(&store, &texts, scope(5)).await;
    for (answer, space) in answers.iter().zip(spaces) {
        assert_eq!(previews(answer.result.as_ref().unwrap()), [space]);
    }
    assert_eq!(asked(&server), [r#"{namespace=~"pay|shop|web",pod="db-0"}"#]);
}

#[tokio::test]
async fn nothing_found_says_why() {
    let mut loki = Loki::new();
    loki.add(ago(9), "x", &[("namespace", "shop"), ("pod", "db-0")]);
    let (_server, store) = start(loki).await;
    for (text, words) in [
        (
            "log:application:{namespace: shop, labels: {tier: x}}",
            "no stream label for the Pod label tier",
        ),
        ("log:application:{namespace: shop, name: db-0, previous: true}", "previous"),
        (
            "log:application:{namespace: shop, name: gone}",
            r#"asked Loki for {namespace="shop",pod="gone"}"#,
        ),
    ] {
        let found = ask(&store, text, scope(5)).await.unwrap();
        assert!(found.objects.is_empty(), "{text}");
        assert!(found.note.as_ref().is_some_and(|note| note.contains(words)), "{:?}", found.note);
    }
    let (_server, empty) = start(Loki::new()).await;
    let found = ask(&empty, "log:application:{namespace: shop}", scope(5)).await.unwrap();
    assert!(found.note.unwrap().contains("no logs at all"));
}

#[tokio::test]
async fn lines_of_other_classes_are_not_meant_where_no_namespace_is_named() {
    let mut loki = Loki::new();
    loki.add(ago(9), "app", &[("namespace", "shop"), ("pod", "db-0")]);
    loki.add(ago(8), "infra", &[("namespace", "kube-system"), ("pod", "dns-0")]);
    let (_server, store) = start(loki).await;
    for (text, expected) in [("log:application:{}", "app"), ("log:infrastructure:{}", "infra")] {
        assert_eq!(previews(&ask(&store, text, scope(5)).await.unwrap()), [expected]);
    }
}

#[tokio::test]
async fn hostile_lines_stay_what_they_are() {
    let long = "x".repeat(1 << 20);
    let lines = ["\u{1b}[31mred\u{1b}[0m [red]", "tab\tnul\0 日本 🍵", "", &long];
    let mut loki = Loki::new();
    for (at, line) in lines.iter().enumerate() {
        let second = i64::try_from(at).unwrap() + 1;
        loki.add(ago(second), line, &[("namespace", "shop"), ("pod", "db-0")]);
    }
    let (_server, store) = start(loki).await;
    let found = ask(&store, "log:application:{namespace: shop}", scope(9)).await.unwrap();
    let bodies: Vec<&str> = found.objects.iter().filter_map(|line| line.text("/body")).collect();
    assert_eq!(bodies, lines);
    assert_eq!(previews(&found)[..3], ["red [red]", "tab    nul  日本 🍵", ""]);
    assert!(previews(&found)[3].chars().count() < 500);
}

#[tokio::test]
async fn a_window_of_one_moment_or_of_the_future_is_no_failure() {
    let mut loki = Loki::new();
    loki.add(ago(0), "now", &[("namespace", "shop"), ("pod", "db-0")]);
    let (_server, store) = start(loki).await;
    let mut moment = scope(5);
    moment.window.start = moment.window.end;
    let found = ask(&store, "log:application:{namespace: shop}", moment).await.unwrap();
    assert_eq!(previews(&found), ["now"]);
    let mut ahead = scope(5);
    ahead.window.end += TimeDelta::hours(5);
    let found = ask(&store, "log:application:{namespace: shop}", ahead).await.unwrap();
    assert_eq!(previews(&found), ["now"]);
}

#[tokio::test]
async fn a_tenant_is_named_or_asked_for() {
    let mut loki = Loki::new();
    loki.tenant = Some("team".to_owned());
    loki.add(ago(9), "x", &[("namespace", "shop"), ("pod", "db-0")]);
    let (server, store) = start(loki).await;
    let error = ask(&store, "log:application:{namespace: shop}", scope(5)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.contains("no org id"), "{error}");
    assert!(error.hint.unwrap().contains("--loki-org-id"));
    let store = store_with(&server, |options| {
        options.address.headers.push(("X-Scope-OrgID".to_owned(), "team".to_owned()));
    });
    let found = ask(&store, "log:application:{namespace: shop}", scope(5)).await.unwrap();
    assert_eq!(previews(&found), ["x"]);
}

#[tokio::test]
async fn the_words_of_a_refused_query_are_shown() {
    let (_server, store) = start(Loki::new()).await;
    let text = r#"log:application:{a="x"} | bogus stage"#;
    let error = ask(&store, text, scope(5)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadQuery);
    assert!(error.message.contains("parse error at line 1, col 8"), "{error}");
}

#[tokio::test]
async fn bytes_that_are_no_utf8_spoil_one_character_only() {
    let server = Server::start(|request| {
        if request.path.ends_with("labels") {
            return Response::text(200, r#"{"status":"success","data":["namespace","pod"]}"#);
        }
        let mut body = br#"{"status":"success","data":{"resultType":"streams","result":[
            {"stream":{"namespace":"shop"},"values":[["1795398880000000000","bad "#
            .to_vec();
        body.extend([0xff, 0xfe]);
        body.extend(br#" byte"]]}]}}"#);
        Response::new(200, "application/json", body)
    })
    .await;
    let store = store_with(&server, |_| {});
    let found = ask(&store, "log:application:{namespace: shop}", scope(5)).await.unwrap();
    assert_eq!(previews(&found), ["bad \u{fffd}\u{fffd} byte"]);
    assert_eq!(found.objects[0].time, DateTime::from_timestamp(1_795_398_880, 0));
}

#[tokio::test]
async fn a_failing_server_fails_every_query_with_its_words() {
    let server = Server::start(|_| Response::fault(Fault::Hang)).await;
    let store = store_with(&server, |options| options.timeout = Duration::from_millis(50));
    let texts = ["log:application:{namespace: shop}", r#"log:application:{a="x"}"#];
    for answer in ask_all(&store, &texts, scope(5)).await {
        let error = answer.result.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Timeout);
        assert!(error.message.contains(&server.url), "{error}");
    }
    let source = store.sources().remove(0);
    assert_eq!(source.state, SourceState::Failed);
    assert!(source.calls >= 2);
}
