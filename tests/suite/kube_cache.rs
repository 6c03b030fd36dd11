//! What is kept of the cluster's answers: asked once, used by later searches, never beyond its age.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use korrel8::client::kube::{Kube, KubeOptions};
use korrel8::domain;
use korrel8::domain::k8s::{K8s, KubeStore};
use korrel8::engine::{Engine, Stores, objects};
use korrel8::model::{
    Answer, Domains, ErrorKind, Kept, Object, Query, Severity, Store, Vocabulary,
};
use korrel8::rule::RuleSet;
use serde_json::{Value, json};

use crate::fake::apiserver::ApiServer;
use crate::fake::http::Server;
use crate::kube_client::{Config, connect};
use crate::kube_store::{pod, scope};

/// Pods of two kinds, each in a known state.
fn pods(count: usize) -> Vec<Value> {
    let app = |place: usize| if place.is_multiple_of(2) { "a" } else { "b" };
    let one = |place: usize| {
        let meta = json!({"uid": place.to_string(), "resourceVersion": "7",
            "labels": {"app": app(place)}});
        pod(&format!("db-{place:04}"), &json!({"metadata": meta, "status": {"phase": "Failed"}}))
    };
    (0..count).map(one).collect()
}

async fn ask(store: &KubeStore, text: &str) -> Answer {
    let domains = Domains::new(vec![Arc::new(K8s::new())]);
    let query: Query = domains.query(text).unwrap();
    store.fetch(vec![query.into()], scope(1000)).next().await.expect("an answer")
}

fn found(answer: &Answer) -> &[Arc<Object>] {
    &answer.result.as_ref().expect("an answer").objects
}

async fn store(server: &Server) -> KubeStore {
    KubeStore::new(connect(server).await, K8s::new())
}

fn kept(store: &KubeStore) -> Option<Kept> {
    store.sources()[0].kept
}

/// Lets time go by without waiting for it.
async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_whole_list_answers_what_is_asked_later() {
    let server = ApiServer::with(pods(600)).start().await;
    let store = store(&server).await;
    assert_eq!(kept(&store), None);
    let all = ask(&store, "k8s:Pod:{namespace: shop}").await;
    assert_eq!((found(&all).len(), server.requests().len()), (600, 2), "two pages");
    for (query, count) in [
        ("k8s:Pod:{namespace: shop}", 600),
        ("k8s:Pod:{namespace: shop, name: db-0007}", 1),
        ("k8s:Pod:{namespace: shop, name: nope}", 0),
        ("k8s:Pod:{namespace: shop, labels: app=a}", 300),
        ("k8s:Pod:{namespace: shop, match: {status.phase: Failed}}", 600),
        ("k8s:Pod:{namespace: shop, fields: {status.phase: Running}}", 0),
    ] {
        let answer = ask(&store, query).await;
        assert_eq!(found(&answer).len(), count, "{query}");
        let known = |object: &Arc<Object>| found(&all).iter().any(|had| Arc::ptr_eq(had, object));
        assert!(found(&answer).iter().take(3).all(known), "{query}: no copies");
    }
    assert_eq!(server.requests().len(), 2, "nothing was asked again");
    let kept = kept(&store).expect("something is kept");
    assert_eq!((kept.lists, kept.objects), (1, 0));
    assert!(kept.bytes > 600 * 500, "{kept}");
    // What only the server can decide is asked.
    let odd = ask(&store, "k8s:Pod:{namespace: shop, fields: {spec.hostNetwork: x}}").await;
    assert!(odd.result.is_err());
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn at_the_same_time_it_is_asked_once() {
    let server = ApiServer::with(pods(1200)).start().await;
    let store = store(&server).await;
    let (all, same, one, some) = futures::join!(
        ask(&store, "k8s:Pod:{namespace: shop}"),
        ask(&store, "k8s:Pod:{namespace: shop, match: {status.phase: Failed}}"),
        ask(&store, "k8s:Pod:{namespace: shop, name: db-0001}"),
        ask(&store, "k8s:Pod:{namespace: shop, labels: app=b}"),
    );
    let counts = [&all, &same, &one, &some].map(|answer| found(answer).len());
    assert_eq!(counts, [1000, 1000, 1, 600]);
    assert!(all.result.as_ref().unwrap().cut.is_some(), "a limit is told as ever");
    assert!(server.requests().len() <= 4, "{:?}", server.requests().len());
}

#[tokio::test]
async fn someone_who_goes_away_leaves_the_list_to_others() {
    let server = ApiServer::with(pods(1200)).start().await;
    let store = store(&server).await;
    for polls in 0..20 {
        store.refresh();
        let mut first = Box::pin(ask(&store, "k8s:Pod:{namespace: shop, match: {a: b}}"));
        for _ in 0..polls {
            futures::future::poll_immediate(&mut first).await;
            tokio::task::yield_now().await;
        }
        let second = ask(&store, "k8s:Pod:{namespace: shop}");
        drop(first);
        assert_eq!(found(&second.await).len(), 1000, "after {polls} polls");
    }
}

#[tokio::test]
async fn nothing_is_used_beyond_its_age() {
    let event = json!({"kind": "Event", "apiVersion": "v1", "metadata": {"name": "e",
        "namespace": "shop"}, "lastTimestamp": "2026-11-23T01:30:00Z"});
    let server = ApiServer::with(pods(2).into_iter().chain([event])).start().await;
    let store = store(&server).await;
    let mut calls = Vec::new();
    let mut seen = Vec::new();
    for seconds in [0, 10, 10, 35, 10] {
        pass(seconds).await;
        let before = server.requests().len();
        seen.push(ask(&store, "k8s:Pod:{namespace: shop}").await);
        ask(&store, "k8s:Event:{namespace: shop}").await;
        let after = server.requests();
        let paths: Vec<&str> = after[before..]
            .iter()
            .map(|request| request.path.rsplit('/').next().unwrap())
            .collect();
        calls.push(paths.join(" "));
    }
    assert_eq!(calls, ["pods events", "", "events", "events", "pods"]);
    let [first, last] = [&seen[0], &seen[4]].map(|answer| Arc::clone(&found(answer)[0]));
    assert!(Arc::ptr_eq(&first, &last), "what has not changed is there once");
    pass(50).await;
    let kept = kept(&store).expect("kept").to_string();
    assert!(kept.starts_with("2 lists, 0.1 MiB, oldest 60 s"), "{kept}");
}

#[tokio::test]
async fn it_is_asked_anew_where_the_user_wants_it() {
    let server = ApiServer::with(pods(2)).start().await;
    let store = store(&server).await;
    for calls in 1..4 {
        ask(&store, "k8s:Pod:{namespace: shop}").await;
        ask(&store, "k8s:Pod:{namespace: shop, name: db-0000}").await;
        assert_eq!(server.requests().len(), calls);
        store.refresh();
        assert_eq!(kept(&store), None);
    }
}

#[tokio::test]
async fn what_was_used_last_stays() {
    let mut objects = pods(100);
    for (place, object) in objects.iter_mut().enumerate() {
        object["metadata"]["namespace"] = format!("ns-{}", place / 20).into();
    }
    let server = ApiServer::with(objects).start().await;
    let store = store(&server).await;
    let list = |place: usize| format!("k8s:Pod:{{namespace: ns-{place}}}");
    ask(&store, &list(0)).await;
    let one = kept(&store).expect("kept").bytes;
    let store = store.keeping(3 * one + one / 2);
    for place in [0, 1, 0, 2, 0, 3, 0, 4, 0] {
        ask(&store, &list(place)).await;
        let kept = kept(&store).expect("kept");
        assert!(kept.bytes <= 3 * one + one / 2, "{kept}");
    }
    let asked = |name: &str| {
        let path = format!("/api/v1/namespaces/{name}/pods");
        server.requests().iter().filter(|request| request.path == path).count()
    };
    assert_eq!(asked("ns-0"), 2, "once before the room was small, and once after");
    ask(&store, &list(1)).await;
    assert_eq!(asked("ns-1"), 2, "it was not used for the longest time");
}

#[tokio::test]
async fn a_refusal_is_kept_for_a_short_time() {
    let server = ApiServer::with(pods(2)).start().await;
    let config = Config::new(&server);
    let options = KubeOptions { context: Some("limited".into()), ..config.options() };
    let store = KubeStore::new(Kube::connect(&options).await.unwrap(), K8s::new());
    for (seconds, calls) in [(0, 1), (0, 1), (5, 1), (6, 2)] {
        pass(seconds).await;
        let answer = ask(&store, "k8s:Pod:{namespace: other}").await;
        assert_eq!(answer.result.unwrap_err().kind, ErrorKind::Forbidden);
        assert_eq!(server.requests().len(), calls, "after {seconds} s more");
    }
}

#[tokio::test]
async fn many_small_batches_become_a_list_in_the_end() {
    let server = ApiServer::with(pods(60)).start().await;
    let store = store(&server).await;
    for place in 0..60 {
        let query = format!("k8s:Pod:{{namespace: shop, name: db-{place:04}}}");
        assert_eq!(found(&ask(&store, &query).await).len(), 1);
    }
    let paths = server.paths();
    assert_eq!(paths.iter().filter(|path| path.ends_with("/pods")).count(), 1);
    assert!(paths.len() < 20, "{paths:?}");
}

#[tokio::test]
async fn what_was_spent_before_a_refresh_makes_no_list() {
    let server = ApiServer::with(pods(60)).start().await;
    let store = store(&server).await;
    for place in 0..60 {
        let query = format!("k8s:Pod:{{namespace: shop, name: db-{place:04}}}");
        assert_eq!(found(&ask(&store, &query).await).len(), 1);
        store.refresh();
    }
    assert!(server.paths().iter().all(|path| !path.ends_with("/pods")), "{:?}", server.paths());
}

#[tokio::test]
async fn what_is_known_of_sizes_from_before_a_refresh_finds_no_less() {
    let (few, many) = (pods(1), pods(1200));
    let grown = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&grown);
    let answerers = [few, many].map(|objects| ApiServer::with(objects).answerer());
    let server =
        Server::start(move |request| answerers[usize::from(now.load(Ordering::SeqCst))](request))
            .await;
    let store = store(&server).await;
    assert_eq!(found(&ask(&store, "k8s:Pod:{namespace: shop}").await).len(), 1);
    grown.store(true, Ordering::SeqCst);
    store.refresh();
    // By what was known, a list of all would be cheapest.
    let domains = Domains::new(vec![Arc::new(K8s::new())]);
    let query =
        |place: usize| domains.query(&format!("k8s:Pod:{{namespace: shop, name: db-{place:04}}}"));
    let batch = [1, 700, 1100].map(|place| query(place).unwrap().into()).to_vec();
    let answers: Vec<Answer> = store.fetch(batch, scope(1000)).collect().await;
    assert!(answers.iter().all(|answer| found(answer).len() == 1), "{answers:?}");
    assert_eq!(server.requests().len(), 1 + 1 + 3, "a page of the list, and each on its own");
}

#[tokio::test]
async fn objects_are_judged_once_and_shown_as_they_are_kept() {
    let server = ApiServer::with(pods(3)).start().await;
    let k8s = Arc::new(K8s::new());
    let domains = domain::with_k8s(Arc::clone(&k8s), &Vocabulary::builtin());
    let (rules, _) = RuleSet::load(&domains, &RuleSet::builtin_files());
    let store = KubeStore::new(connect(&server).await, (*k8s).clone());
    let stores: Stores = [("k8s".to_owned(), Arc::new(store) as Arc<dyn Store>)].into();
    let engine = Engine::new(domains.clone(), Arc::new(rules), stores);
    let query = domains.query("k8s:Pod:{namespace: shop}").unwrap();
    let first = objects(&engine.get(vec![query.clone()], scope(10)).await);
    let second = objects(&engine.get(vec![query], scope(10)).await);
    assert_eq!(first.len(), 3);
    for (first, second) in first.iter().zip(&second) {
        assert!(Arc::ptr_eq(first, second));
        assert_eq!(first.severity, Severity::Error);
    }
}
