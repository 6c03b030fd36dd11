//! One line that tells a person what a Kubernetes object is, in kubectl's words.

use serde_json::Value;

use super::pod;

/// The line for a body of a kind.
pub(super) fn preview(kind: &str, group: &str, body: &Value) -> String {
    let name = text(body, "/metadata/name");
    let facts = match (kind, group) {
        ("Pod", "") => return pod::preview(body),
        ("Event", "" | "events.k8s.io") => return event(body),
        ("Node", "") => node(body),
        ("Deployment" | "StatefulSet" | "ReplicaSet", "apps") | ("ReplicationController", "") => {
            replicas(body)
        }
        ("DaemonSet", "apps") => {
            ready(body, "/status/numberReady", "/status/desiredNumberScheduled")
        }
        ("Job", "batch") => job(body),
        ("CronJob", "batch") => cron_job(body),
        ("PersistentVolumeClaim", "") => {
            words(body, &["/status/phase", "/status/capacity/storage", "/spec/storageClassName"])
        }
        ("PersistentVolume", "") => volume(body),
        ("Service", "") => service(body),
        ("HorizontalPodAutoscaler", "autoscaling") => autoscaler(body),
        ("PodDisruptionBudget", "policy") => budget(body),
        ("ConfigMap", "") => keys(body),
        ("Secret", "") => words(body, &["/type"]),
        ("Namespace", "") => words(body, &["/status/phase"]),
        ("Ingress", "networking.k8s.io") => hosts(body),
        ("StorageClass", "storage.k8s.io") => words(body, &["/provisioner"]),
        _ => any(body),
    };
    if facts.is_empty() { name.to_owned() } else { format!("{name} {facts}") }
}

pub(super) fn text<'b>(body: &'b Value, pointer: &str) -> &'b str {
    body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn list<'b>(body: &'b Value, pointer: &str) -> &'b [Value] {
    body.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn number(body: &Value, pointer: &str) -> i64 {
    body.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// The texts at some places, with spaces between those that are there.
fn words(body: &Value, pointers: &[&str]) -> String {
    let found = pointers.iter().map(|pointer| text(body, pointer)).filter(|word| !word.is_empty());
    found.collect::<Vec<_>>().join(" ")
}

fn event(body: &Value) -> String {
    let message = [text(body, "/message"), text(body, "/note")];
    let message = message.into_iter().find(|words| !words.is_empty()).unwrap_or_default();
    let counts = ["/count", "/series/count", "/deprecatedCount"];
    let count = counts.map(|pointer| number(body, pointer)).into_iter().max().unwrap_or_default();
    let times = if count > 1 { format!(" x{count}") } else { String::new() };
    let head = words(body, &["/type", "/reason"]);
    format!("{head}{times}: {}", message.trim())
}

fn condition<'b>(body: &'b Value, kind: &str) -> Option<&'b Value> {
    list(body, "/status/conditions").iter().find(|item| text(item, "/type") == kind)
}

fn node(body: &Value) -> String {
    let mut facts = vec![match condition(body, "Ready").map(|ready| text(ready, "/status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }];
    if body.pointer("/spec/unschedulable") == Some(&Value::Bool(true)) {
        facts.push("SchedulingDisabled");
    }
    for pressure in ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"] {
        if condition(body, pressure).is_some_and(|found| text(found, "/status") == "True") {
            facts.push(pressure);
        }
    }
    facts.push(text(body, "/status/nodeInfo/kubeletVersion"));
    facts.retain(|fact| !fact.is_empty());
    facts.join(" ")
}

fn ready(body: &Value, ready: &str, wanted: &str) -> String {
    format!("{}/{} ready", number(body, ready), number(body, wanted))
}

fn replicas(body: &Value) -> String {
    let wanted = body.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let mut facts = format!("{}/{wanted} ready", number(body, "/status/readyReplicas"));
    let failing = condition(body, "Progressing").filter(|item| text(item, "/status") == "False");
    if let Some(reason) = failing.map(|item| text(item, "/reason")) {
        facts = format!("{facts} {reason}");
    }
    facts
}

fn job(body: &Value) -> String {
    let wanted = body.pointer("/spec/completions").and_then(Value::as_i64).unwrap_or(1);
    let over = ["Failed", "Complete", "Suspended"]
        .into_iter()
        .find_map(|kind| condition(body, kind).filter(|item| text(item, "/status") == "True"));
    let state = over.map_or("Running", |item| text(item, "/type"));
    let reason = over.map_or("", |item| text(item, "/reason"));
    let counts = format!("{state} {}/{wanted}", number(body, "/status/succeeded"));
    if state == "Failed" && !reason.is_empty() { format!("{counts} {reason}") } else { counts }
}

fn cron_job(body: &Value) -> String {
    let suspended = body.pointer("/spec/suspend") == Some(&Value::Bool(true));
    let active = list(body, "/status/active").len();
    let state = if suspended { " suspended" } else { "" };
    format!("{:?}{state} active {active}", text(body, "/spec/schedule"))
}

fn volume(body: &Value) -> String {
    let facts = words(body, &["/status/phase", "/spec/capacity/storage", "/spec/storageClassName"]);
    match text(body, "/spec/claimRef/name") {
        "" => facts,
        claim => format!("{facts} claim {}/{claim}", text(body, "/spec/claimRef/namespace")),
    }
}

fn service(body: &Value) -> String {
    let ports = list(body, "/spec/ports").iter().map(|port| {
        let protocol = text(port, "/protocol");
        format!("{}/{}", number(port, "/port"), if protocol.is_empty() { "TCP" } else { protocol })
    });
    let ports = ports.collect::<Vec<_>>().join(",");
    format!("{} {ports}", words(body, &["/spec/type", "/spec/clusterIP"])).trim().to_owned()
}

fn autoscaler(body: &Value) -> String {
    let target = words(body, &["/spec/scaleTargetRef/kind", "/spec/scaleTargetRef/name"]);
    let limited = condition(body, "ScalingLimited").filter(|item| text(item, "/status") == "True");
    let reason = limited.map_or("", |item| text(item, "/reason"));
    let facts = format!(
        "{target} {}/{} replicas {reason}",
        number(body, "/status/currentReplicas"),
        number(body, "/spec/maxReplicas"),
    );
    facts.trim().to_owned()
}

fn budget(body: &Value) -> String {
    let allowed = number(body, "/status/disruptionsAllowed");
    let healthy = number(body, "/status/currentHealthy");
    let wanted = number(body, "/status/desiredHealthy");
    format!("{healthy}/{wanted} healthy, {allowed} disruptions allowed")
}

fn keys(body: &Value) -> String {
    let maps =
        ["/data", "/binaryData"].into_iter().filter_map(|map| body.pointer(map)?.as_object());
    let keys: Vec<&str> = maps.flat_map(|map| map.keys()).map(String::as_str).collect();
    keys.join(",")
}

fn hosts(body: &Value) -> String {
    let rules = list(body, "/spec/rules").iter().map(|rule| text(rule, "/host"));
    rules.filter(|host| !host.is_empty()).collect::<Vec<_>>().join(",")
}

/// What most custom resources have: a phase, or whether they are ready.
fn any(body: &Value) -> String {
    let phase = words(body, &["/status/phase"]);
    if !phase.is_empty() {
        return phase;
    }
    let state = ["Ready", "Available"].into_iter().find_map(|kind| condition(body, kind));
    state.map_or(String::new(), |state| match text(state, "/status") {
        "True" => text(state, "/type").to_owned(),
        "False" => {
            let reason = text(state, "/reason");
            format!("Not{} {reason}", text(state, "/type")).trim().to_owned()
        }
        _ => String::new(),
    })
}
