//! Whether the demo's world holds together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{CLUSTER, INCIDENTS, LOGS, WORKLOADS, demo};
use crate::replay::Recording;

static DEMO: LazyLock<Recording> = LazyLock::new(|| demo(at("2026-11-23T12:00:00Z")));

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect(text)
}

/// The bodies of all classes of a domain.
fn all(recording: &'static Recording, domain: &str) -> Vec<(String, &'static Value)> {
    let of_domain = recording.bodies.iter().filter(|(class, _)| class.domain() == domain);
    of_domain
        .flat_map(|(class, list)| list.iter().map(|body| (class.to_string(), &**body)))
        .collect()
}

fn text<'v>(body: &'v Value, pointer: &str) -> &'v str {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `Kind namespace/name` of every object -> its uid.
fn objects() -> HashMap<String, &'static str> {
    let key = |body| {
        let (kind, name) = (text(body, "/kind"), text(body, "/metadata/name"));
        format!("{kind} {}/{name}", text(body, "/metadata/namespace"))
    };
    let found: Vec<_> = all(&DEMO, "k8s");
    let keys: HashMap<_, _> =
        found.iter().map(|(_, body)| (key(body), text(body, "/metadata/uid"))).collect();
    assert_eq!(keys.len(), found.len(), "two objects of one name");
    keys
}

fn pods() -> BTreeMap<String, &'static Value> {
    let of_pods = all(&DEMO, "k8s").into_iter().filter(|(class, _)| class == "k8s:Pod.v1");
    let key =
        |body| format!("{}/{}", text(body, "/metadata/namespace"), text(body, "/metadata/name"));
    of_pods.map(|(_, body)| (key(body), body)).collect()
}

fn time(body: &Value, pointer: &str) -> DateTime<Utc> {
    text(body, pointer).parse().unwrap_or_else(|_| panic!("{pointer} of {body}"))
}

#[test]
fn every_reference_leads_to_an_object() {
    let known = objects();
    let check = |key: String, uid: &str, from: &Value| {
        let found = known.get(&key).unwrap_or_else(|| panic!("{key} of {from}"));
        assert!(uid.is_empty() || *found == uid, "uid of {key}");
    };
    for (_, body) in all(&DEMO, "k8s") {
        let space = text(body, "/metadata/namespace");
        for owner in body["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
            let kind = text(owner, "/kind");
            let space = if kind == "Node" { "" } else { space };
            check(format!("{kind} {space}/{}", text(owner, "/name")), text(owner, "/uid"), body);
        }
        for place in ["/involvedObject", "/spec/claimRef"] {
            let Some(other) = body.pointer(place) else { continue };
            let (kind, name) = (text(other, "/kind"), text(other, "/name"));
            let key = format!("{kind} {}/{name}", text(other, "/namespace"));
            check(key, text(other, "/uid"), body);
        }
        if let Some(volume) = body.pointer("/spec/volumeName").and_then(Value::as_str) {
            check(format!("PersistentVolume /{volume}"), "", body);
        }
    }
    for (_, pod) in pods() {
        let space = text(pod, "/metadata/namespace");
        check(format!("Node /{}", text(pod, "/spec/nodeName")), "", pod);
        check(format!("ServiceAccount {space}/{}", text(pod, "/spec/serviceAccountName")), "", pod);
        for volume in pod["spec"]["volumes"].as_array().into_iter().flatten() {
            for (kind, pointer) in [
                ("PersistentVolumeClaim", "/persistentVolumeClaim/claimName"),
                ("ConfigMap", "/configMap/name"),
            ] {
                if let Some(name) = volume.pointer(pointer).and_then(Value::as_str) {
                    check(format!("{kind} {space}/{name}"), "", pod);
                }
            }
        }
        for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
            for source in container["envFrom"].as_array().into_iter().flatten() {
                let name = text(source, "/configMapRef/name");
                check(format!("ConfigMap {space}/{name}"), "", pod);
            }
            for variable in container["env"].as_array().into_iter().flatten() {
                if let Some(name) = variable.pointer("/valueFrom/secretKeyRef/name") {
                    check(format!("Secret {space}/{}", name.as_str().unwrap_or("?")), "", pod);
                }
            }
        }
    }
}

#[test]
fn every_line_and_series_has_its_pod() {
    let pods = pods();
    for (_, line) in all(&DEMO, "log") {
        let key = format!("{}/{}", text(line, "/namespace"), text(line, "/pod"));
        let pod = pods.get(&key).unwrap_or_else(|| panic!("{key} has a log and does not exist"));
        assert_eq!(pod["spec"]["nodeName"], line["node"], "{key}");
        let mut containers = pod["spec"]["containers"].as_array().into_iter().flatten();
        assert!(containers.any(|item| item["name"] == line["container"]), "container of {line}");
        let waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].as_str();
        assert!(!waiting.is_some_and(|why| why.contains("Image")), "{key} never ran: {line}");
        assert!(!left_over(line), "{line}");
    }
    for (_, series) in all(&DEMO, "metric") {
        let labels = &series["labels"];
        if let (Some(space), Some(pod)) = (labels["namespace"].as_str(), labels["pod"].as_str()) {
            let exporter = pod.starts_with("kube-prometheus-stack-kube-state-metrics");
            assert!(exporter || pods.contains_key(&format!("{space}/{pod}")), "{labels}");
        }
        let values = series["values"].as_array().expect("values");
        assert!(!values.is_empty(), "{labels}");
    }
}

/// Whether a placeholder was not understood.
fn left_over(line: &Value) -> bool {
    let body = text(line, "/body");
    let words = ["<iso>", "<pg>", "<int", "<hex", "<klog>", "<epoch>", "<pick", "{shop/", "{ip "];
    words.iter().any(|word| body.contains(word))
}

#[test]
fn every_alert_has_its_subject() {
    let known = objects();
    for (_, alert) in all(&DEMO, "alert") {
        let labels = &alert["labels"];
        let label = |name: &str| labels[name].as_str();
        let space = label("namespace").unwrap_or_default();
        let subject = [
            ("persistentvolumeclaim", "PersistentVolumeClaim"),
            ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
            ("deployment", "Deployment"),
            ("statefulset", "StatefulSet"),
            ("job_name", "Job"),
            ("pod", "Pod"),
            ("service", "Service"),
        ]
        .into_iter()
        .find_map(|(name, kind)| label(name).map(|name| format!("{kind} {space}/{name}")));
        if let Some(subject) = subject {
            assert!(known.contains_key(&subject), "{subject} of {labels}");
        }
        if let Some(node) = label("node") {
            assert!(known.contains_key(&format!("Node /{node}")), "{labels}");
        }
        let state = text(alert, "/state");
        let quiet = alert["silencedBy"] != serde_json::json!([])
            || alert["inhibitedBy"] != serde_json::json!([]);
        assert_eq!(state == "suppressed", quiet, "{alert}");
        assert_eq!(state == "pending", alert["startsAt"].is_null(), "{alert}");
    }
    let prints: BTreeSet<_> =
        all(&DEMO, "alert").iter().map(|(_, alert)| text(alert, "/fingerprint")).collect();
    assert_eq!(prints.len(), all(&DEMO, "alert").len(), "alerts of equal labels");
    for (_, alert) in all(&DEMO, "alert") {
        for by in alert["inhibitedBy"].as_array().into_iter().flatten() {
            assert!(prints.contains(by.as_str().unwrap_or_default()), "{alert}");
        }
    }
}

/// Of each incident: an alert by name and part of its labels, the Pods whose lines tell the
/// cause, and the words that do.
const CAUSES: [(&str, &str, &str, &str); 11] = [
    ("KubePersistentVolumeFillingUp", "data-postgres-0", "postgres-0", "has been inactive"),
    ("KubePodCrashLooping", "postgres-0", "postgres-0", "pg_wal/xlogtemp.29\": No space left"),
    ("ErrorBudgetBurn", "checkout", "checkout-", ":5432: connect: connection refused"),
    ("KubePodCrashLooping", "ledger-", "ledger-", "settlement.currency is missing"),
    ("KubeDeploymentReplicasMismatch", "ledger", "ledger-", "settlement.currency is missing"),
    ("KubernetesContainerOomKiller", "recommender-", "recommender-", "cache has no bound"),
    ("KubeNodeNotReady", "node-4", "redis-0", "disk is busy"),
    ("KubePodNotReady", "redis-0", "redis-0", "disk is busy"),
    ("KubeHpaMaxedOut", "search", "search-", "GreedyBot"),
    ("LogCollectorErrors", "vector-", "vector-", "Ingestion rate limit exceeded"),
    ("KubeJobFailed", "reconcile-", "reconcile-", "maintenance window"),
];

#[test]
fn every_incident_has_its_cause_near_its_alert() {
    let now = DEMO.manifest.recorded;
    for (name, label, pod, words) in CAUSES {
        let alert = all(&DEMO, "alert").into_iter().find(|(_, alert)| {
            text(alert, "/labels/alertname") == name && alert["labels"].to_string().contains(label)
        });
        let (_, alert) = alert.unwrap_or_else(|| panic!("{name} of {label}"));
        let since = time(alert, "/activeAt") - TimeDelta::minutes(15);
        let told = all(&DEMO, "log").into_iter().any(|(_, line)| {
            let at = time(line, "/timestamp");
            text(line, "/pod").starts_with(pod)
                && text(line, "/body").contains(words)
                && since <= at
                && at <= now
        });
        assert!(told, "{name} of {label}: no line of {pod} says {words:?}");
    }
}

#[test]
fn every_trace_belongs_to_pods_and_stands_in_their_logs() {
    let pods = pods();
    let mut spans: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (_, span) in all(&DEMO, "trace") {
        spans.entry(text(span, "/traceID")).or_default().push(span);
    }
    let ids = |trace: &str| -> BTreeSet<&str> {
        spans[trace].iter().map(|span| text(span, "/spanID")).collect()
    };
    for (trace, list) in &spans {
        let known = ids(trace);
        assert!((8..=25).contains(&list.len()) && known.len() == list.len(), "{trace}");
        let own = |span: &Value| {
            let resource = &span["resource"];
            let part = |name: &str| resource[name].as_str().unwrap_or_default();
            format!("{}/{}", part("k8s.namespace.name"), part("k8s.pod.name"))
        };
        for span in list {
            assert!(pods.contains_key(&own(span)), "{span}");
            let parent = span["parentSpanID"].as_str();
            assert!(parent.is_none_or(|parent| known.contains(parent)), "{span}");
            assert!(!span.to_string().contains("{ip "), "{span}");
            for link in span["links"].as_array().into_iter().flatten() {
                assert!(ids(text(link, "/traceID")).contains(text(link, "/spanID")), "{link}");
            }
        }
        let told = all(&DEMO, "log").into_iter().any(|(_, line)| {
            let pod = format!("{}/{}", text(line, "/namespace"), text(line, "/pod"));
            text(line, "/body").contains(trace) && list.iter().any(|span| own(span) == pod)
        });
        assert!(told, "{trace} stands in no log of its Pods");
    }
    let failed =
        |list: &&Vec<&Value>| list.iter().any(|span| text(span, "/status/code") == "error");
    assert_eq!((spans.len(), spans.values().filter(failed).count()), (3, 1));
}

#[test]
fn nothing_lies_in_the_future_and_all_times_move() {
    let later = at("2031-02-03T04:05:06Z");
    let other = demo(later);
    let limit = later.format("%Y-%m-%d %H:%M:%S").to_string();
    let times = regex::Regex::new(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d").expect("a pattern");
    for (class, bodies) in &other.bodies {
        for body in bodies.iter() {
            for found in times.find_iter(&body.to_string()) {
                let found = found.as_str().replace('T', " ");
                assert!(found <= limit, "{found} in a {class}");
            }
            let last = body["values"].as_array().and_then(|values| values.last());
            assert!(last.is_none_or(|sample| sample[0].as_i64() <= Some(later.timestamp())));
        }
    }
    let mut moved = DEMO.clone();
    moved.shift(later);
    for (class, bodies) in &other.bodies {
        for (moved, built) in moved.bodies(class).iter().zip(bodies.iter()) {
            assert_eq!(moved, built, "a {class} that was moved and one that was built");
        }
    }
    assert_eq!(moved, other);
}

#[test]
fn it_is_the_same_every_time_small_and_without_secrets() {
    assert_eq!(demo(DEMO.manifest.recorded), *DEMO);
    let sources = WORKLOADS.iter().chain(&INCIDENTS).chain(&LOGS).map(|text| text.len());
    assert!(sources.sum::<usize>() + CLUSTER.len() < 400_000);
    let counts: usize = DEMO.counts().map(|(_, count)| count).sum();
    assert!((5_000..40_000).contains(&counts), "{counts} objects");
    for (class, secret) in all(&DEMO, "k8s").iter().filter(|(class, _)| class == "k8s:Secret.v1") {
        assert!(secret.get("data").is_none(), "{class}");
    }
}
