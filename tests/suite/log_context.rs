//! Which logs an alert asks for: those of the container's previous run after a crash, never those
//! of a proxy alone, and the journal of a Node, whether a store has it or not.

use std::sync::Arc;

use chrono::TimeDelta;
use korrel8::domain;
use korrel8::engine::{Engine, REACH, Request, Snapshot, Stores};
use korrel8::model::{Class, Vocabulary};
use korrel8::replay::{Manifest, Recording, stores};
use korrel8::rule::RuleSet;
use serde_json::{Value, json};

use crate::ask::{now, scope};

/// A goal search from an alert to logs, in a cluster with a Pod that crashed, a Pod that did not,
/// and a Node in trouble; with a line of each run of a container, and no journal.
async fn search(labels: &Value, expression: &str) -> Arc<Snapshot> {
    let domains = domain::all(&Vocabulary::builtin());
    let (rules, _) = RuleSet::load(&domains, &RuleSet::builtin_files());
    let mut recording = Recording::new(Manifest::new(now(), "", ""));
    for (name, restarts) in [("db-0", 4), ("web-0", 0)] {
        let status = |name: &str| json!({"name": name, "restartCount": restarts});
        let names = ["db", "kube-rbac-proxy-main"];
        let body = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"nodeName": "node-1", "containers": names.map(|name| json!({"name": name}))},
            "status": {"containerStatuses": names.map(status)},
        });
        recording.push(&Class::new("k8s", "Pod.v1"), body);
        for (container, previous) in [("db", false), ("db", true), ("kube-rbac-proxy-main", false)]
        {
            let mut line = json!({
                "body": "one line", "timestamp": now() - TimeDelta::minutes(1),
                "namespace": "shop", "pod": name, "container": container,
            });
            if previous {
                line["previous"] = true.into();
            }
            recording.push(&Class::new("log", "application"), line);
        }
    }
    let node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"},
        "status": {
            "conditions": [{"type": "Ready", "status": "False"}],
            "nodeInfo": {"containerRuntimeVersion": "cri-o://1.31.2"},
        },
    });
    recording.push(&Class::new("k8s", "Node.v1"), node);
    let all: Stores = stores(recording, &domains, "test", "test").into_iter().collect();
    let engine = Engine::new(domains, Arc::new(rules), all);
    let body = json!({
        "labels": labels, "annotations": {}, "state": "firing", "expression": expression,
        "activeAt": now() - TimeDelta::minutes(20),
    });
    let alert = engine.domains().object(&Class::new("alert", "alert"), body).expect("an alert");
    let request = Request {
        start: vec![Arc::new(alert)],
        asked: None,
        goals: vec![engine.domains().domain("log").expect("log").classes()],
        reach: REACH,
        scope: scope(100),
        deadline: None,
    };
    engine.search(request).finish().await
}

/// The queries for logs that were asked, and the notes on them.
fn asked(snapshot: &Snapshot) -> Vec<(String, String)> {
    let nodes = snapshot.tree.nodes.iter().filter(|node| node.class.domain() == "log");
    let runs = nodes.flat_map(|node| node.runs.iter());
    runs.map(|run| (run.query.to_string(), run.note.clone().unwrap_or_default())).collect()
}

#[tokio::test]
async fn a_crash_loop_asks_for_the_run_before_and_for_no_container_of_a_proxy() {
    for (pod, crashed) in [("db-0", true), ("web-0", false)] {
        for container in ["db", "kube-rbac-proxy", "kube-rbac-proxy-main", "kube-rbac-proxy-self"] {
            let labels = json!({
                "alertname": "KubePodCrashLooping", "namespace": "shop", "pod": pod, "uid": "u-1",
                "container": container, "job": "kube-state-metrics",
            });
            let expression =
                "kube_pod_container_status_waiting_reason{reason=\"CrashLoopBackOff\"}";
            let queries = asked(search(&labels, expression).await.as_ref());
            let own = format!("\"name\":\"{pod}\"");
            let previous =
                |query: &str| query.contains(&own) && query.contains("\"previous\":true");
            let found = queries.iter().any(|(query, _)| previous(query));
            assert_eq!(found, crashed, "{pod} {container}: {queries:#?}");
            let plain = format!("log:application:{{\"name\":\"{pod}\",\"namespace\":\"shop\"}}");
            assert!(queries.iter().any(|(query, _)| *query == plain), "{queries:#?}");
            let narrow = |(query, _): &(String, String)| query.contains("kube-rbac-proxy");
            assert!(!queries.iter().any(narrow), "{queries:#?}");
        }
    }
}

#[tokio::test]
async fn an_alert_on_a_node_names_the_unit_that_no_store_has() {
    for (name, expression, units) in [
        ("KubeNodeNotReady", "kube_node_status_condition == 0", "-u crio -u kubelet"),
        ("NodeClockNotSynchronising", "node_timex_sync_status == 0", "-u chronyd"),
        ("NodeRAIDDiskFailure", "node_md_disks{state=\"failed\"} > 0", "journalctl -k"),
    ] {
        let labels = json!({"alertname": name, "node": "node-1"});
        let snapshot = search(&labels, expression).await;
        let queries = asked(&snapshot);
        let told = |(query, note): &(String, String)| {
            query.contains("\"node\":\"node-1\"")
                && note.contains("journalctl")
                && note.contains(units)
        };
        assert!(queries.iter().any(told), "{name}: {queries:#?}");
    }
}
