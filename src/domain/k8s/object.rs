//! A body from the API server -> identity, times and preview.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::catalog::parts;
use super::preview::preview;
use crate::model::{Class, Object, clean, redact_secret};

/// An object of a class. Items of a list lack `kind` and `apiVersion`, so they come from the
/// class; `managedFields` and what a Secret keeps secret are taken out.
pub(super) fn object(class: &Class, mut body: Value) -> Object {
    let (kind, version, group) = parts(class.name());
    if kind == "Secret" {
        redact_secret(&mut body);
    }
    if let Some(map) = body.as_object_mut() {
        let meta = map.get_mut("metadata").and_then(Value::as_object_mut);
        meta.and_then(|meta| meta.remove("managedFields"));
        let api = if group.is_empty() { version.into() } else { format!("{group}/{version}") };
        map.insert("kind".into(), kind.into());
        map.insert("apiVersion".into(), api.into());
    }
    let text = |pointer| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let name = text("/metadata/name");
    let id = match text("/metadata/namespace") {
        "" => clean(name),
        namespace => clean(&format!("{namespace}/{name}")),
    };
    let is_event = kind == "Event" && matches!(group, "" | "events.k8s.io");
    let time = if is_event { event_time(&body) } else { None };
    let time = time.or_else(|| time_at(&body, "/metadata/creationTimestamp"));
    let preview = clean(&preview(kind, group, &body));
    let mut object = Object::new(class.clone(), id, body);
    object.time = time;
    object.end = time.filter(|_| is_event);
    object.preview = preview.into();
    object
}

/// When an Event happened last, in either API group's words.
fn event_time(body: &Value) -> Option<DateTime<Utc>> {
    let fields = [
        "/lastTimestamp",
        "/series/lastObservedTime",
        "/deprecatedLastTimestamp",
        "/eventTime",
        "/firstTimestamp",
        "/deprecatedFirstTimestamp",
    ];
    fields.into_iter().filter_map(|field| time_at(body, field)).max()
}

/// The time at a JSON pointer, if there is one and it is one.
pub(super) fn time_at(body: &Value, pointer: &str) -> Option<DateTime<Utc>> {
    let text = body.pointer(pointer)?.as_str()?;
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}
