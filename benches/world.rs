//! The worlds that searches are measured in: the demo, one of many Pods, one of many kinds.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use korrel8::domain::k8s::{Catalog, K8s, Kind};
use korrel8::engine::{Engine, Request, Snapshot, Stores, objects};
use korrel8::model::{Class, Domains, Object, Scope, Vocabulary, Window};
use korrel8::replay::{Manifest, Recording};
use korrel8::rule::RuleSet;
use serde_json::{Value, json};

/// The moment at which everything happens.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

/// Everything that may be there, without a limit that matters.
pub(crate) fn scope() -> Scope {
    let window = Window { start: now() - TimeDelta::days(1), end: now() };
    Scope { window, focus: None, limit: 1000 }
}

/// All domains and the built-in rules.
pub(crate) fn rules() -> (Domains, RuleSet) {
    let domains = korrel8::domain::all(&Vocabulary::builtin());
    let (rules, faults) = RuleSet::load(&domains, &RuleSet::builtin_files());
    assert!(faults.is_empty(), "{faults:?}");
    (domains, rules)
}

/// An engine with the built-in rules.
pub(crate) fn engine(stores: Stores) -> Engine {
    let (domains, rules) = rules();
    Engine::new(domains, Arc::new(rules), stores)
}

/// Stores that answer from a recording.
pub(crate) fn stores(recording: &Recording, domains: &Domains) -> Stores {
    korrel8::replay::stores(recording.clone(), domains, "bench", "").into_iter().collect()
}

/// The objects of a query.
pub(crate) async fn start(engine: &Engine, query: &str) -> Vec<Arc<Object>> {
    let query = engine.domains().query(query).expect("a query");
    let found = objects(&engine.get(vec![query], scope()).await);
    assert!(!found.is_empty(), "there is nothing to start from");
    found
}

/// What a search went through: every state that was published, the last one being the end.
/// Branches that lead to no goal are in the earlier ones only.
pub(crate) type States = Vec<Arc<Snapshot>>;

/// A search to its end; for neighbors if there are no goals.
pub(crate) async fn search(
    engine: &Engine,
    start: &[Arc<Object>],
    goals: &[&str],
    reach: u32,
) -> States {
    let goal = |goal: &&str| engine.domains().goal(goal).expect("a goal");
    let request = Request {
        start: start.to_vec(),
        asked: None,
        goals: goals.iter().map(goal).collect(),
        reach,
        scope: scope(),
        deadline: None,
    };
    let running = engine.search(request);
    let mut progress = running.progress();
    let mut states = States::new();
    loop {
        let state = Arc::clone(&progress.borrow_and_update());
        let finished = state.finished;
        states.push(state);
        if finished || progress.changed().await.is_err() {
            return states;
        }
    }
}

/// The last of the states.
pub(crate) fn end(states: &States) -> &Snapshot {
    states.last().expect("a search has an end")
}

/// An alert about a Deployment of many Pods, each with Events and lines, on twenty nodes.
pub(crate) fn wide(pods: usize) -> Recording {
    let mut world = Recording::new(Manifest::new(now(), "wide", "many Pods"));
    let (born, later) = ("2026-11-23T10:00:00Z", "2026-11-23T11:50:00Z");
    let labels = json!({"alertname": "KubeDeploymentReplicasMismatch", "namespace": "shop",
        "deployment": "web", "severity": "warning"});
    let expression = "kube_deployment_spec_replicas != kube_deployment_status_replicas_available";
    add(
        &mut world,
        "alert:alert",
        json!({"labels": labels, "annotations": {}, "state": "firing",
        "expression": expression, "activeAt": later, "startsAt": later, "value": "1"}),
    );
    let object = |kind: &str, api: &str, name: &str, more: Value| {
        let mut body = json!({"kind": kind, "apiVersion": api, "metadata": {"name": name,
            "uid": format!("uid-{name}"), "creationTimestamp": born}});
        merge(&mut body, more);
        body
    };
    let selector = json!({"matchLabels": {"app": "web"}});
    add(
        &mut world,
        "k8s:Deployment.v1.apps",
        object(
            "Deployment",
            "apps/v1",
            "web",
            json!({"metadata": {"namespace": "shop"}, "spec": {"selector": selector}}),
        ),
    );
    let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
        "uid": "uid-web", "controller": true}]);
    add(
        &mut world,
        "k8s:ReplicaSet.v1.apps",
        object(
            "ReplicaSet",
            "apps/v1",
            "web-5d4",
            json!({"metadata": {"namespace": "shop", "ownerReferences": owner},
            "spec": {"selector": selector}}),
        ),
    );
    for node in 0..20 {
        add(&mut world, "k8s:Node.v1", object("Node", "v1", &format!("node-{node}"), json!({})));
    }
    let owner = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d4",
        "uid": "uid-web-5d4", "controller": true}]);
    for number in 0..pods {
        let name = format!("web-5d4-{number:04}");
        add(
            &mut world,
            "k8s:Pod.v1",
            object(
                "Pod",
                "v1",
                &name,
                json!({
            "metadata": {"namespace": "shop", "ownerReferences": owner, "labels": {"app": "web"}},
            "spec": {"nodeName": format!("node-{}", number % 20), "containers": [{"name": "web"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "web",
                "ready": true, "restartCount": 0, "state": {"running": {}}}]}}),
            ),
        );
        add(
            &mut world,
            "k8s:Event.v1",
            object(
                "Event",
                "v1",
                &format!("{name}.1"),
                json!({
            "metadata": {"namespace": "shop"}, "type": "Warning", "reason": "Unhealthy",
            "message": "Readiness probe failed", "lastTimestamp": later,
            "involvedObject": {"kind": "Pod", "apiVersion": "v1", "namespace": "shop",
                "name": name}}),
            ),
        );
        for line in 0..3 {
            let time = format!("2026-11-23T11:5{line}:{:02}.{number:09}Z", number % 60);
            add(
                &mut world,
                "log:application",
                json!({"timestamp": time, "body": "request failed",
                "labels": {"namespace": "shop", "pod": name, "container": "web"},
                "namespace": "shop", "pod": name, "container": "web"}),
            );
        }
    }
    world
}

/// A domain that knows so many kinds, and a world with objects of all of them: each custom object
/// is owned by one of the next kind, and the Pod by the first.
pub(crate) fn kinds(count: usize) -> (Domains, Recording) {
    let k8s = K8s::new();
    let mut kinds: Vec<Kind> = Catalog::builtin().kinds().cloned().collect();
    let usual = kinds.len();
    for kind in &mut kinds {
        kind.served = true;
    }
    let custom = count.saturating_sub(usual);
    kinds.extend((0..custom).map(|number| Kind {
        group: group(number),
        kind: format!("Widget{number}"),
        plural: format!("widget{number}s"),
        singular: format!("widget{number}"),
        short: Vec::new(),
        namespaced: Some(true),
        versions: vec!["v1".to_owned()],
        served: true,
    }));
    k8s.learn(Catalog::new(kinds));
    let mut world = wide(20);
    for number in 0..custom {
        let next = (number + 1) % custom;
        for object in 0..3 {
            let body = json!({"kind": format!("Widget{number}"),
                "apiVersion": format!("{}/v1", group(number)),
                "metadata": {"name": format!("w{object}"), "namespace": "shop",
                    "creationTimestamp": "2026-11-23T10:00:00Z",
                    "ownerReferences": [{"apiVersion": format!("{}/v1", group(next)),
                        "kind": format!("Widget{next}"), "name": format!("w{object}")}]}});
            add(&mut world, &format!("k8s:Widget{number}.v1.{}", group(number)), body);
        }
    }
    (korrel8::domain::with_k8s(Arc::new(k8s), &Vocabulary::builtin()), world)
}

fn group(number: usize) -> String {
    format!("group{}.example", number % 20)
}

fn add(world: &mut Recording, class: &str, body: Value) {
    let (domain, name) = class.split_once(':').expect("domain:name");
    world.push(&Class::new(domain, name), body);
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}
