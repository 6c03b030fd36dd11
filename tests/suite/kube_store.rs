//! Kubernetes queries against an API server: what is asked, what is found, what is said.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use korrel8::client::kube::{Kube, KubeOptions};
use korrel8::domain::k8s::{K8s, KubeStore};
use korrel8::model::{Answer, Cut, Domains, ErrorKind, Query, Scope, Store, Window};
use serde_json::{Value, json};

use crate::fake::apiserver::ApiServer;
use crate::fake::http::Server;
use crate::kube_client::{Config, connect};

pub(crate) fn at(time: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("2026-11-23T{time}Z")).unwrap().to_utc()
}

pub(crate) fn scope(limit: usize) -> Scope {
    let window = Window { start: at("01:00:00"), end: at("02:00:00") };
    Scope { window, focus: None, limit }
}

fn object(kind: &str, api: &str, name: &str, more: &Value) -> Value {
    let mut object = json!({"kind": kind, "apiVersion": api,
        "metadata": {"name": name, "namespace": "shop",
            "creationTimestamp": "2026-11-23T00:30:00Z", "managedFields": [{}]}});
    merge(&mut object, more);
    object
}

fn merge(into: &mut Value, more: &Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}

pub(crate) fn pod(name: &str, more: &Value) -> Value {
    object("Pod", "v1", name, more)
}

fn pods(count: usize) -> Vec<Value> {
    (0..count).map(|place| pod(&format!("db-{place:04}"), &json!({}))).collect()
}

fn event(name: &str, of: &str, last: &str) -> Value {
    let more = json!({"involvedObject": {"name": of}, "type": "Warning", "reason": "BackOff",
        "lastTimestamp": format!("2026-11-23T{last}Z")});
    object("Event", "v1", name, &more)
}

async fn ask_as(kube: Kube, queries: &[String], scope: Scope) -> Vec<Answer> {
    let domain = K8s::new();
    let domains = Domains::new(vec![Arc::new(domain.clone())]);
    let batch: Vec<Query> = queries.iter().map(|text| domains.query(text).unwrap()).collect();
    let store = KubeStore::new(kube, domain);
    let answers: Vec<Answer> =
        store.fetch(batch.iter().cloned().map(Into::into).collect(), scope).collect().await;
    assert_eq!(answers.len(), batch.len(), "one answer for each query");
    let of = |query: &Query| answers.iter().find(|answer| answer.query == *query).unwrap().clone();
    batch.iter().map(of).collect()
}

async fn ask(server: &Server, queries: &[String], scope: Scope) -> Vec<Answer> {
    ask_as(connect(server).await, queries, scope).await
}

fn ids(answer: &Answer) -> Vec<&str> {
    answer.result.as_ref().unwrap().objects.iter().map(|object| &*object.id).collect()
}

fn one(query: &str) -> [String; 1] {
    [query.to_owned()]
}

#[tokio::test]
async fn objects_are_found_and_made_whole() {
    let server = ApiServer::with([
        pod(
            "db-0",
            &json!({"metadata": {"labels": {"app": "db"}}, "spec": {"nodeName": "n1",
            "volumes": [{"persistentVolumeClaim": {"claimName": "data-0"}}]}}),
        ),
        pod("web-0", &json!({"metadata": {"labels": {"app": "web", "canary": "yes"}}})),
        object("Service", "v1", "db", &json!({"spec": {"selector": {"app": "db"}}})),
        object(
            "PostgresCluster",
            "db.shop.example/v1",
            "pg",
            &json!({"status": {"phase": "Failed"}}),
        ),
    ])
    .start()
    .await;
    for (query, found) in [
        ("k8s:Pod:{namespace: shop, name: db-0}", vec!["shop/db-0"]),
        ("k8s:Pod:{namespace: shop, name: nope}", vec![]),
        ("k8s:Pod:{namespace: shop, name: db-0, labels: {app: web}}", vec![]),
        ("k8s:Pod:{name: web-0}", vec!["shop/web-0"]),
        ("k8s:Pod:{namespace: nowhere}", vec![]),
        ("k8s:Pod:{namespace: shop, labels: 'app,!canary'}", vec!["shop/db-0"]),
        ("k8s:Pod:{fields: {spec.nodeName: n1}}", vec!["shop/db-0"]),
        (
            "k8s:Pod:{match: {'spec.volumes[*].persistentVolumeClaim.claimName': data-0}}",
            vec!["shop/db-0"],
        ),
        ("k8s:Service:{namespace: shop, selects: {app: db, pod: x}}", vec!["shop/db"]),
        ("k8s:Service:{namespace: shop, selects: {app: web}}", vec![]),
        ("k8s:PostgresCluster.v1.db.shop.example:{namespace: shop}", vec!["shop/pg"]),
    ] {
        let answers = ask(&server, &one(query), scope(100)).await;
        assert_eq!(ids(&answers[0]), found, "{query}");
        for object in &answers[0].result.as_ref().unwrap().objects {
            assert!(object.text("/kind").is_some() && object.text("/apiVersion").is_some());
            assert!(object.body.pointer("/metadata/managedFields").is_none());
        }
    }
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    for expire in [0, 1] {
        let server = ApiServer { expire, ..ApiServer::with(pods(1200)) }.start().await;
        let answers = ask(&server, &one("k8s:Pod:{namespace: shop}"), scope(5000)).await;
        let found = answers[0].result.as_ref().unwrap();
        assert_eq!((found.objects.len(), &found.cut), (1200, &None), "expire {expire}");
        assert_eq!(server.requests().len(), 3 + 2 * expire, "a list that expires begins anew once");
    }
    let server = ApiServer { expire: 2, ..ApiServer::with(pods(1200)) }.start().await;
    let answers = ask(&server, &one("k8s:Pod:{namespace: shop}"), scope(5000)).await;
    assert!(answers[0].result.as_ref().unwrap_err().message.contains("too old"));
}

#[tokio::test]
async fn what_a_limit_cuts_is_told() {
    let server = ApiServer::with(pods(1200)).start().await;
    let cut = async |query: &str, limit| {
        let answers = ask(&server, &one(query), scope(limit)).await;
        let found = answers[0].result.as_ref().unwrap();
        assert_eq!(found.objects.len(), found.cut.as_ref().map_or(limit, |cut| cut.shown));
        found.cut.clone()
    };
    let shop = "k8s:Pod:{namespace: shop}";
    assert_eq!(cut(shop, 10).await, Some(Cut { shown: 10, total: Some(1200), by: "limit" }));
    assert_eq!(cut(shop, 700).await, Some(Cut { shown: 700, total: Some(1200), by: "limit" }));
    assert_eq!(cut(shop, 1200).await, None);
    let matched = "k8s:Pod:{namespace: shop, match: {metadata.namespace: shop}}";
    assert_eq!(cut(matched, 10).await, Some(Cut { shown: 10, total: None, by: "limit" }));
    let asked = server.requests();
    assert_eq!(asked[0].param("limit"), "10", "no more is read than is shown");
}

#[tokio::test]
async fn many_queries_are_few_requests() {
    let names: Vec<String> = (0..20).map(|place| format!("db-{place:04}")).collect();
    let events = names.iter().map(|name| event(&format!("{name}.1"), name, "01:30:00"));
    let server = ApiServer::with(pods(20).into_iter().chain(events)).start().await;
    let mut queries: Vec<String> = Vec::new();
    for name in &names {
        queries.push(format!("k8s:Pod:{{namespace: shop, name: {name}}}"));
        queries.push(format!(
            "k8s:Event:{{namespace: shop, fields: {{involvedObject.name: {name}}}}}"
        ));
        queries.push(format!("k8s:Service:{{namespace: shop, selects: {{app: {name}}}}}"));
    }
    let answers = ask(&server, &queries, scope(100)).await;
    for (place, name) in names.iter().enumerate() {
        assert_eq!(ids(&answers[3 * place]), [format!("shop/{name}")]);
        assert_eq!(ids(&answers[3 * place + 1]), [format!("shop/{name}.1")]);
        assert!(ids(&answers[3 * place + 2]).is_empty());
    }
    let shop = "/api/v1/namespaces/shop";
    assert_eq!(
        server.paths(),
        [format!("{shop}/events"), format!("{shop}/pods"), format!("{shop}/services")]
    );
}

#[tokio::test]
async fn a_list_much_longer_than_what_is_sought_is_given_up() {
    let named = |places: std::ops::Range<usize>| -> Vec<String> {
        let name = |place| format!("k8s:Pod:{{namespace: shop, name: db-{place:04}}}");
        places.map(name).collect()
    };
    let server = ApiServer::with(pods(2500)).start().await;
    let answers = ask(&server, &named(0..10), scope(100)).await;
    assert!(answers.iter().all(|answer| ids(answer).len() == 1));
    assert!(answers.iter().all(|answer| answer.result.as_ref().unwrap().cut.is_none()));
    assert_eq!(server.requests().len(), 1, "the first page has them all");
    let answers = ask(&server, &named(2490..2500), scope(100)).await;
    assert!(answers.iter().all(|answer| ids(answer).len() == 1));
    assert_eq!(server.requests().len(), 1 + 1 + 10, "the first page tells how long it is");
}

#[tokio::test]
async fn objects_outside_of_the_window_are_left_out() {
    let server = ApiServer::with([
        event("before", "db-0", "00:59:59"),
        event("first", "db-0", "01:00:00"),
        event("last", "db-0", "02:00:00"),
        event("after", "db-0", "02:00:01"),
        pod("old", &json!({"metadata": {"creationTimestamp": "2025-01-01T00:00:00Z"}})),
        pod("new", &json!({"metadata": {"creationTimestamp": "2026-11-23T02:30:00Z"}})),
    ])
    .start()
    .await;
    let queries =
        ["k8s:Event:{namespace: shop}".to_owned(), "k8s:Pod:{namespace: shop}".to_owned()];
    let answers = ask(&server, &queries, scope(100)).await;
    assert_eq!(ids(&answers[0]), ["shop/last", "shop/first"], "newest first");
    assert_eq!(ids(&answers[1]), ["shop/old"]);
    let note = answers[1].result.as_ref().unwrap().note.clone().unwrap();
    assert!(note.contains("1 more outside"), "{note}");
}

#[tokio::test]
async fn of_too_many_events_the_newest_and_nearest_stay() {
    let events =
        (10..50).map(|minute| event(&format!("e{minute}"), "x", &format!("01:{minute}:00")));
    let server = ApiServer::with(events).start().await;
    let near = Scope { focus: Some(at("01:20:00")), ..scope(4) };
    let answers = ask(&server, &one("k8s:Event:{namespace: shop}"), near).await;
    assert_eq!(ids(&answers[0]), ["shop/e49", "shop/e48", "shop/e21", "shop/e20"]);
    let cut = answers[0].result.as_ref().unwrap().cut.clone();
    assert_eq!(cut, Some(Cut { shown: 4, total: Some(40), by: "limit" }));
}

#[tokio::test]
async fn secrets_stay_secret() {
    let note = "kubectl.kubernetes.io/last-applied-configuration";
    let secret = json!({"data": {"password": "aHVudGVyMg=="},
        "metadata": {"annotations": {note: "{\"stringData\":{\"password\":\"hunter2\"}}"}}});
    let server = ApiServer::with([object("Secret", "v1", "login", &secret)]).start().await;
    for query in ["k8s:Secret:{namespace: shop, name: login}", "k8s:Secret:{namespace: shop}"] {
        let answers = ask(&server, &one(query), scope(100)).await;
        assert_eq!(ids(&answers[0]), ["shop/login"]);
        let body = answers[0].result.as_ref().unwrap().objects[0].body.to_string();
        assert!(!body.contains("hunter2") && !body.contains("aHVudGVyMg"), "{body}");
    }
    for request in server.requests() {
        assert!(
            request.header("accept").contains("as=PartialObjectMetadata"),
            "data is not asked for"
        );
    }
}

#[tokio::test]
async fn what_is_forbidden_is_said_with_a_next_step() {
    let server = ApiServer::with(pods(2)).start().await;
    let config = Config::new(&server);
    let options = KubeOptions { context: Some("limited".into()), ..config.options() };
    let kube = Kube::connect(&options).await.unwrap();
    for (query, words, hint) in [
        (
            "k8s:Pod:{}",
            "pods is forbidden: User \"viewer\" cannot list resource \"pods\" in API group \"\" at the cluster scope",
            "-n NAMESPACE",
        ),
        (
            "k8s:Deployment:{namespace: other}",
            "in the namespace \"other\"",
            "kubectl auth can-i list deployments.apps -n other",
        ),
        ("k8s:Node:{name: n1}", "cannot get resource \"nodes\"", "kubectl auth can-i get nodes"),
    ] {
        let answers = ask_as(kube.clone(), &one(query), scope(100)).await;
        let error = answers[0].result.as_ref().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Forbidden);
        assert!(error.message.contains(words), "{error}");
        assert!(error.hint.as_ref().unwrap().contains(hint), "{error:?}");
    }
    let answers = ask_as(kube.clone(), &one("k8s:Pod:{namespace: shop}"), scope(100)).await;
    assert_eq!(ids(&answers[0]).len(), 2);
}

#[tokio::test]
async fn who_may_get_but_not_list_still_gets() {
    let named = (0..9).map(|place| {
        let mut event = event(&format!("e{place}"), "x", "01:30:00");
        event["metadata"]["namespace"] = json!("other");
        event
    });
    let server = ApiServer::with(named).start().await;
    let config = Config::new(&server);
    let options = KubeOptions { context: Some("limited".into()), ..config.options() };
    let kube = Kube::connect(&options).await.unwrap();
    let queries: Vec<String> =
        (0..9).map(|place| format!("k8s:Event:{{namespace: other, name: e{place}}}")).collect();
    let answers = ask_as(kube, &queries, scope(100)).await;
    assert!(answers.iter().all(|answer| ids(answer).len() == 1));
    assert_eq!(server.requests().len(), 10);
}

#[tokio::test]
async fn kinds_that_the_cluster_lacks_are_no_failure() {
    let server = ApiServer::default().start().await;
    for query in [
        "k8s:Ingress:{namespace: shop}",
        "k8s:VirtualMachine.v1.kubevirt.io:{namespace: shop, name: vm}",
        "k8s:Deployment.v1beta1.apps:{namespace: shop}",
    ] {
        let answers = ask(&server, &one(query), scope(100)).await;
        let found = answers[0].result.as_ref().unwrap();
        assert!(found.objects.is_empty());
        assert!(found.note.as_ref().unwrap().contains("no such kind"), "{query}");
    }
}

#[tokio::test]
async fn a_field_that_the_server_does_not_know_is_refused_in_its_words() {
    let server = ApiServer::default().start().await;
    let query = one("k8s:Pod:{namespace: shop, fields: {status.hostIP: 10.0.0.1}}");
    let answers = ask(&server, &query, scope(100)).await;
    let error = answers[0].result.as_ref().unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadQuery);
    assert_eq!(error.message, "field label not supported: status.hostIP");
    assert!(error.hint.as_ref().unwrap().contains("match"));
}
