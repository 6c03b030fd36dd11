//! Traces: requests as trees of spans, with the resource attributes that a collector adds.

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::clock::Ago;
use super::dice::Dice;
use super::world::World;
use crate::model::Class;

/// A request, as `assets/demo/traces.yaml` writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trace {
    /// 32 hexadecimal digits.
    pub id: String,
    pub ago: Ago,
    pub spans: Vec<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    /// The Pod, as in [`World::find`].
    pub on: String,
    pub name: String,
    pub kind: String,
    /// Start since that of the trace, and duration, in milliseconds.
    pub at: (f64, f64),
    /// What went wrong.
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub with: IndexMap<String, Value>,
    #[serde(default)]
    pub events: Vec<Moment>,
    /// A span of another trace: its id and the name of the span.
    #[serde(default)]
    pub link: Option<String>,
    #[serde(default)]
    pub calls: Vec<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moment {
    pub name: String,
    /// Milliseconds since the start of the span.
    pub at: f64,
    #[serde(default)]
    pub with: IndexMap<String, Value>,
}

pub(super) fn add(world: &mut World, traces: &[Trace]) {
    for trace in traces {
        let start = world.clock.time(trace.ago);
        for span in &trace.spans {
            put(world, trace, start, span, None);
        }
    }
}

fn put(world: &mut World, trace: &Trace, start: DateTime<Utc>, span: &Span, parent: Option<&str>) {
    let id = id(&trace.id, &format!("{} {}", span.name, span.at.0));
    let begins = nanos(start) + scaled(span.at.0);
    let mut body = json!({
        "traceID": trace.id, "spanID": id, "name": span.name, "kind": span.kind,
        "startTimeUnixNano": begins.to_string(), "durationNano": scaled(span.at.1),
        "status": {"code": "unset"}, "resource": resource(world, &span.on),
        "attributes": filled(world, &span.with),
    });
    body["service"] = body["resource"]["service.name"].clone();
    if let Some(parent) = parent {
        body["parentSpanID"] = parent.into();
    }
    if let Some(error) = &span.error {
        body["status"] = json!({"code": "error", "message": world.named(error)});
    }
    let event = |event: &Moment| {
        let time = (begins + scaled(event.at)).to_string();
        json!({"name": event.name, "timeUnixNano": time, "attributes": filled(world, &event.with)})
    };
    if !span.events.is_empty() {
        body["events"] = span.events.iter().map(event).collect();
    }
    if let Some((other, name)) = span.link.as_deref().and_then(|link| link.split_once(' ')) {
        body["links"] = json!([{"traceID": other, "spanID": linked(world, other, name)}]);
    }
    world.recording.push(&Class::new("trace", "span"), body);
    for call in &span.calls {
        put(world, trace, start, call, Some(&id));
    }
}

fn id(trace: &str, span: &str) -> String {
    Dice::of(&format!("span {trace} {span}")).hex(16)
}

/// The id of a span of another trace, which was added before.
fn linked(world: &World, trace: &str, name: &str) -> Value {
    let spans = world.recording.bodies(&Class::new("trace", "span"));
    let found = spans.iter().find(|span| span["traceID"] == trace && span["name"] == name);
    found.map(|span| span["spanID"].clone()).unwrap_or_default()
}

/// What an agent and a collector know of the process that made a span.
fn resource(world: &World, on: &str) -> Value {
    let Some(pod) = world.find(on).into_iter().next() else { return Value::Null };
    json!({
        "service.name": pod.workload, "service.namespace": pod.namespace,
        "k8s.namespace.name": pod.namespace, "k8s.pod.name": pod.name,
        "k8s.deployment.name": pod.workload, "k8s.container.name": pod.containers[0],
        "k8s.node.name": pod.node, "k8s.pod.ip": pod.ip,
    })
}

fn filled(world: &World, values: &IndexMap<String, Value>) -> Map<String, Value> {
    let fill = |value: &Value| match value {
        Value::String(text) => world.named(text).into(),
        other => other.clone(),
    };
    values.iter().map(|(key, value)| (key.clone(), fill(value))).collect()
}

fn nanos(time: DateTime<Utc>) -> i64 {
    time.timestamp_nanos_opt().unwrap_or_default()
}

#[allow(clippy::cast_possible_truncation, reason = "seconds at most")]
fn scaled(millis: f64) -> i64 {
    (millis * 1e6).round() as i64
}
