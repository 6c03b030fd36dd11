//! A search in a cluster that serves a kind in another version than the rules knew at first.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use korrel8::domain;
use korrel8::domain::k8s::{Catalog, K8s, Kind};
use korrel8::engine::{Engine, Request};
use korrel8::model::{Answer, Found, Object, Ranked, Scope, Source, Store, Vocabulary, Window};
use korrel8::rule::RuleSet;
use serde_json::{Value, json};

/// Answers with those of its objects that a query selects.
struct Held(Vec<Object>);

impl Store for Held {
    fn fetch(&self, batch: Vec<Ranked>, _: Scope) -> BoxStream<'static, Answer> {
        let answer = |Ranked { query, .. }: Ranked| {
            let class = query.class();
            let own = self.0.iter().filter(|object| object.class == *class);
            let own = own.filter(|object| query.matches(object) == Some(true)).cloned();
            let found = Found::all(own.collect());
            Answer { query, result: Ok(found), took: Duration::ZERO }
        };
        stream::iter(batch.into_iter().map(answer).collect::<Vec<_>>()).boxed()
    }

    fn sources(&self) -> Vec<Source> {
        Vec::new()
    }
}

#[tokio::test]
async fn paths_lead_through_the_version_that_is_served() {
    let k8s = Arc::new(K8s::new());
    let domains = domain::with_k8s(Arc::clone(&k8s), &Vocabulary::builtin());
    let (rules, _) = RuleSet::load(&domains, &RuleSet::builtin_files());
    k8s.learn(Catalog::new(vec![Kind {
        group: "autoscaling".to_owned(),
        kind: "HorizontalPodAutoscaler".to_owned(),
        plural: "horizontalpodautoscalers".to_owned(),
        singular: "horizontalpodautoscaler".to_owned(),
        short: Vec::new(),
        namespaced: Some(true),
        versions: vec!["v1".to_owned()],
        served: true,
    }]));
    let object = |class: &str, body: Value| {
        let class = domains.class(class).expect("a class");
        domains.object(&class, body).expect("an object")
    };
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let meta = json!({"namespace": "shop", "name": "web"});
    let scaler = object(
        "k8s:HorizontalPodAutoscaler",
        json!({"metadata": meta, "spec": {"scaleTargetRef": target}}),
    );
    assert_eq!(scaler.class.name(), "HorizontalPodAutoscaler.v1.autoscaling");
    let deployment = object("k8s:Deployment", json!({"kind": "Deployment", "metadata": meta}));
    let labels = json!({"alertname": "X", "namespace": "shop", "horizontalpodautoscaler": "web"});
    let alert = object("alert:alert", json!({"labels": labels, "state": "firing"}));

    let stores: [(String, Arc<dyn Store>); 2] = [
        ("k8s".to_owned(), Arc::new(Held(vec![scaler.clone(), deployment.clone()]))),
        ("alert".to_owned(), Arc::new(Held(vec![alert.clone()]))),
    ];
    let engine = Engine::new(domains.clone(), Arc::new(rules), stores.into());
    for (start, goal, path) in [
        (&alert, "k8s:HorizontalPodAutoscaler", &["AlertToHPA"][..]),
        (&alert, "k8s:Deployment", &["AlertToHPA", "HPAToTarget"]),
        (&deployment, "alert:alert", &["WorkloadToHPA", "HPAToAlert"]),
    ] {
        let request = Request {
            start: vec![Arc::new(start.clone())],
            asked: None,
            goals: vec![vec![domains.class(goal).expect("a class")]],
            reach: 3,
            scope: Scope { window: Window::last_hour(Utc::now()), focus: None, limit: 9 },
            deadline: None,
        };
        let snapshot = engine.search(request).finish().await;
        assert_eq!(snapshot.faults, [], "{goal}");
        let tree = &snapshot.tree;
        let rules = |node: usize| {
            let nodes = tree.path(node).into_iter();
            nodes.filter_map(|node| tree.nodes[node].rule.as_deref()).collect::<Vec<_>>()
        };
        let led = (0..tree.nodes.len()).any(|node| {
            tree.nodes[node].goal && !tree.nodes[node].members.is_empty() && rules(node) == path
        });
        let all: Vec<_> = (0..tree.nodes.len()).map(rules).collect();
        assert!(led, "{goal}: {all:?}");
    }
}
