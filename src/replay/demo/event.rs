//! Events, as the core API gives them.

use serde_json::{Value, json};

use super::clock::Ago;
use super::dice::{Dice, uid};
use super::source::Event;
use super::world::{World, metadata};

pub(super) fn add(world: &mut World, events: &[Event]) {
    for event in events {
        let (kind, reference) = event.on.split_once(' ').unwrap_or_default();
        let (namespace, name) = reference.split_once('/').unwrap_or(("", reference));
        if kind != "Pod" && !name.contains('#') {
            put(world, event, (kind, namespace, name), "");
            continue;
        }
        for pod in world.find(reference).into_iter().cloned().collect::<Vec<_>>() {
            let name = if kind == "Pod" { &pod.name } else { pod.owner_name() };
            put(world, event, (kind, namespace, name), &pod.node);
        }
    }
}

fn api(kind: &str) -> &'static str {
    match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => "apps/v1",
        "Job" | "CronJob" => "batch/v1",
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "PodDisruptionBudget" => "policy/v1",
        "Ingress" => "networking.k8s.io/v1",
        _ => "v1",
    }
}

/// Adds the Event of one object; `node` is where that is, if it is anywhere.
fn put(world: &mut World, event: &Event, (kind, namespace, name): (&str, &str, &str), node: &str) {
    let clock = world.clock;
    let last = event.last.unwrap_or(event.first);
    // Events of what has no namespace lie in `default`.
    let space = if namespace.is_empty() { "default" } else { namespace };
    let seed = format!("event {kind} {namespace}/{name} {} {:?}", event.reason, event.first);
    let own = format!("{name}.{}", Dice::of(&seed).hex(16));
    let (component, host) = event.from.split_once(' ').unwrap_or((&event.from, ""));
    let host = if component == "kubelet" && host.is_empty() { node } else { host };
    let mut involved = json!({"kind": kind, "apiVersion": api(kind), "name": name, "uid": uid(kind, namespace, name)});
    if !namespace.is_empty() {
        involved["namespace"] = namespace.into();
    }
    if let Some(container) = &event.container {
        involved["fieldPath"] = format!("spec.containers{{{container}}}").into();
    }
    let created = clock.text(event.first);
    let mut body = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": metadata("Event", space, &own, &created),
        "involvedObject": involved, "reason": event.reason, "message": world.named(&event.message),
        "type": if event.warning { "Warning" } else { "Normal" },
        "reportingComponent": component, "reportingInstance": host,
    });
    let times = if let Some(action) = &event.new_style {
        new_style(event, last, action, clock)
    } else {
        let mut source = json!({"component": component});
        if !host.is_empty() {
            source["host"] = host.into();
        }
        json!({
            "source": source, "firstTimestamp": clock.text(event.first),
            "lastTimestamp": clock.text(last), "count": event.count.unwrap_or(1),
            "eventTime": null,
        })
    };
    if let (Some(body), Value::Object(times)) = (body.as_object_mut(), times) {
        body.extend(times);
    }
    world.put(body);
}

fn new_style(event: &Event, last: Ago, action: &str, clock: super::clock::Clock) -> Value {
    let mut times = json!({
        "source": {}, "firstTimestamp": null, "lastTimestamp": null, "action": action,
        "eventTime": clock.micros(event.first),
    });
    if let Some(count) = event.count {
        times["series"] = json!({"count": count, "lastObservedTime": clock.micros(last)});
    }
    times
}
