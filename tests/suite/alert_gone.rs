//! Alerts about what is gone, and about what a label names only in part: they lead to what the
//! cluster still has of it, and what is there is not asked for twice.

use std::sync::Arc;

use korrel8::domain;
use korrel8::engine::{Engine, Request, Stores};
use korrel8::model::{Class, Vocabulary};
use korrel8::replay::{Manifest, Recording, stores};
use korrel8::rule::RuleSet;
use serde_json::{Value, json};

use crate::ask::{now, scope};

fn engine() -> Engine {
    let domains = domain::all(&Vocabulary::builtin());
    let (rules, faults) = RuleSet::load(&domains, &RuleSet::builtin_files());
    assert!(faults.is_empty(), "the built-in rules load");
    let mut recording = Recording::new(Manifest::new(now(), "", ""));
    for (class, name) in [
        ("Deployment.v1.apps", "web"),
        ("Deployment.v1.apps", "orders"),
        ("StatefulSet.v1.apps", "db"),
        ("DaemonSet.v1.apps", "agent"),
        ("CronJob.v1.batch", "backup"),
        ("ReplicaSet.v1.apps", "cart-7c9d8b6f5d"),
        ("Deployment.v1.apps", "cart"),
        ("Service.v1", "mail"),
        ("Pod.v1", "db-1"),
    ] {
        let body = json!({"metadata": {"namespace": "shop", "name": name}});
        recording.push(&Class::new("k8s", class), body);
    }
    let node = json!({
        "metadata": {"name": "worker-1"},
        "status": {"addresses": [
            {"type": "InternalIP", "address": "10.0.0.21"},
            {"type": "Hostname", "address": "ip-10-0-0-21.internal"},
        ]},
    });
    recording.push(&Class::new("k8s", "Node.v1"), node);
    let stores: Stores = stores(recording, &domains, "test", "test").into_iter().collect();
    Engine::new(domains, Arc::new(rules), stores)
}

/// What is found one step from an alert of these labels, and all classes of the cluster that were
/// asked for.
async fn step(labels: Value) -> (Vec<String>, Vec<String>) {
    let engine = engine();
    let body = json!({"labels": labels, "state": "firing", "activeAt": now()});
    let alert = engine.domains().object(&Class::new("alert", "alert"), body).expect("an alert");
    let request = Request {
        start: vec![Arc::new(alert)],
        asked: None,
        goals: Vec::new(),
        reach: 1,
        scope: scope(100),
        deadline: None,
    };
    let snapshot = engine.search(request).finish().await;
    let nodes = snapshot.tree.nodes.iter().filter(|node| node.class.domain() == "k8s");
    let kind = |class: &Class| class.name().split('.').next().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    let mut asked = Vec::new();
    for node in nodes {
        asked.extend(node.runs.iter().map(|_| kind(&node.class)));
        found.extend(
            node.members.iter().map(|one| format!("{}/{}", kind(&node.class), one.object.id)),
        );
    }
    asked.sort_unstable();
    (found, asked)
}

async fn check(labels: Value, expected: &[&str]) {
    let (found, _) = step(labels.clone()).await;
    assert_eq!(found, expected, "{labels}");
}

#[tokio::test]
async fn a_pod_that_is_gone_leads_to_what_made_it() {
    let pod = |name: &str| json!({"namespace": "shop", "pod": name});
    check(pod("web-5d4f9c-x2x1z"), &["Deployment/shop/web"]).await;
    check(pod("db-0"), &["StatefulSet/shop/db"]).await;
    check(pod("agent-x7k2p"), &["DaemonSet/shop/agent"]).await;
    check(pod("backup-29231520-bx4kq"), &["CronJob/shop/backup"]).await;
    // What is nearer hides what is further.
    check(pod("cart-7c9d8b6f5d-w8nzq"), &["ReplicaSet/shop/cart-7c9d8b6f5d"]).await;
    // A word at the end is part of the name.
    check(pod("web-canary"), &[]).await;
    // Without a namespace a stem might name anybody's.
    check(json!({"pod": "web-5d4f9c-x2x1z"}), &[]).await;
}

#[tokio::test]
async fn a_pod_that_is_there_is_all_that_is_asked_for() {
    let (found, asked) = step(json!({"namespace": "shop", "pod": "db-1", "service": "mail"})).await;
    assert_eq!((found, asked), (vec!["Pod/shop/db-1".to_owned()], vec!["Pod".to_owned()]));
}

#[tokio::test]
async fn the_service_of_a_pod_that_is_gone_is_tried_last() {
    let labels = |pod: &str, service: &str| {
        let instance = "10.0.0.21:8080";
        json!({"namespace": "shop", "pod": pod, "service": service, "instance": instance})
    };
    check(labels("db-0", "mail"), &["StatefulSet/shop/db"]).await;
    check(labels("mail-5d4f9c-x2x1z", "mail"), &["Service/shop/mail"]).await;
    check(labels("queue-5d4f9c-x2x1z", "orders"), &["Deployment/shop/orders"]).await;
    // The address is where the messenger was asked.
    check(labels("queue-5d4f9c-x2x1z", "queue"), &[]).await;
}

#[tokio::test]
async fn other_things_that_are_gone_lead_on_as_well() {
    let labels = |name: &str, value: &str| json!({"namespace": "shop", name: value});
    check(labels("job_name", "backup-29231520"), &["CronJob/shop/backup"]).await;
    check(labels("replicaset", "web-7c9d8b6f5d"), &["Deployment/shop/web"]).await;
    check(labels("service", "orders"), &["Deployment/shop/orders"]).await;
    check(labels("job", "orders"), &["Deployment/shop/orders"]).await;
}

#[tokio::test]
async fn a_node_is_found_by_whatever_it_is_called() {
    for name in ["worker-1", "ip-10-0-0-21.internal", "10.0.0.21"] {
        check(json!({"node": name}), &["Node/worker-1"]).await;
        check(json!({"job": "node-exporter", "instance": name}), &["Node/worker-1"]).await;
    }
}
