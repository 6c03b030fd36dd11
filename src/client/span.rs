//! A span in OpenTelemetry's words, whatever server it came from, and a server of traces.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use crate::model::{Source, StoreError, Window};

/// One operation of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// 32 hexadecimal digits.
    pub trace: String,
    /// 16 hexadecimal digits.
    pub id: String,
    /// The span that called it; `None` for the first of a trace, and if it was not told.
    pub parent: Option<String>,
    /// What was done, as `GET /cart/{id}`; empty if it was not told.
    pub name: String,
    /// `internal`, `server`, `client`, `producer` or `consumer`; empty if unknown.
    pub kind: String,
    /// Unix nanoseconds.
    pub start: i64,
    /// Nanoseconds.
    pub duration: i64,
    /// `ok` or `error`; empty if nobody set it.
    pub status: String,
    /// What goes with the status.
    pub message: String,
    /// Attributes of what was traced, as `k8s.pod.name`.
    pub resource: Map<String, Value>,
    /// Attributes of the span itself.
    pub attributes: Map<String, Value>,
    /// The name of the library that made the span; empty if unknown.
    pub scope: String,
    /// What happened in it.
    pub events: Vec<Event>,
    /// Spans of other traces that it belongs to.
    pub links: Vec<Link>,
    /// Whether a search told only a part of it.
    pub partial: bool,
}

/// A moment in a span, as an exception.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Unix nanoseconds.
    pub time: i64,
    /// Its attributes.
    pub attributes: Map<String, Value>,
}

/// Another span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// Its trace.
    pub trace: String,
    /// Its id.
    pub span: String,
    /// What goes with the link.
    pub attributes: Map<String, Value>,
}

impl Span {
    /// The body of its object, as `rules/README.md` tells.
    pub fn body(self) -> Value {
        let nanos = |time: i64| Value::from(time.to_string());
        let service = self.resource.get("service.name").cloned();
        let code = if self.status.is_empty() { "unset".to_owned() } else { self.status };
        let mut status = json!({"code": code});
        if !self.message.is_empty() {
            status["message"] = self.message.into();
        }
        let mut body = json!({
            "traceID": self.trace,
            "spanID": self.id,
            "startTimeUnixNano": nanos(self.start),
            "durationNano": self.duration,
            "status": status,
        });
        for (key, text) in [("name", self.name), ("kind", self.kind), ("scope", self.scope)] {
            if !text.is_empty() {
                body[key] = text.into();
            }
        }
        let optional = [("parentSpanID", self.parent.map(Value::from)), ("service", service)];
        for (key, value) in optional {
            if let Some(value) = value {
                body[key] = value;
            }
        }
        body["resource"] = self.resource.into();
        body["attributes"] = self.attributes.into();
        if !self.events.is_empty() {
            let event = |event: Event| json!({"name": event.name, "timeUnixNano": nanos(event.time), "attributes": event.attributes});
            body["events"] = self.events.into_iter().map(event).collect();
        }
        if !self.links.is_empty() {
            let link = |link: Link| json!({"traceID": link.trace, "spanID": link.span, "attributes": link.attributes});
            body["links"] = self.links.into_iter().map(link).collect();
        }
        if self.partial {
            body["partial"] = true.into();
        }
        body
    }
}

/// What spans are looked for.
#[derive(Clone, Debug)]
pub struct Search {
    /// The query as the user wrote it, for servers that know TraceQL.
    pub traceql: String,
    /// What to tell of each span besides: `name`, `resource.k8s.pod.name`. Empty if the query
    /// cannot be added to.
    pub select: Vec<String>,
    /// Names of attributes, without a scope, that belong to the resource.
    pub resource: Vec<String>,
    /// The same as far as a server without TraceQL understands it; `None` if it cannot.
    pub terms: Option<Terms>,
    /// The time range.
    pub window: Window,
    /// The most traces.
    pub traces: usize,
    /// The most spans of one trace.
    pub spans: usize,
}

/// Conditions that all have to hold. They may select more than is wanted, but never less.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// The value of `resource.service.name`.
    pub service: Option<String>,
    /// The name of the span.
    pub name: Option<String>,
    /// Attributes of span or resource.
    pub tags: Vec<(String, String)>,
    /// Only failed spans.
    pub failed: bool,
    /// The shortest duration in nanoseconds.
    pub shortest: Option<i64>,
    /// The longest duration in nanoseconds.
    pub longest: Option<i64>,
}

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The spans.
    pub spans: Vec<Span>,
    /// How many spans were found in each trace, of which `spans` may be a part.
    pub matched: BTreeMap<String, usize>,
    /// Whether there may be more traces.
    pub more: bool,
    /// What else a person should know.
    pub note: Option<String>,
}

/// The spans of a trace.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The spans.
    pub spans: Vec<Span>,
    /// Why spans are missing, if the server cut the trace.
    pub missing: Option<StoreError>,
}

/// A server of traces.
#[async_trait]
pub trait Tracer: Send + Sync {
    /// All spans of a trace; `None` if the server does not have it.
    async fn trace(&self, id: &str) -> Result<Option<Trace>, StoreError>;

    /// Spans that a query selects.
    async fn search(&self, wanted: &Search) -> Result<Page, StoreError>;

    /// The names of the attributes of resources that spans of a window have; `None` if the server
    /// does not tell.
    async fn attributes(&self, _window: Window) -> Result<Option<BTreeSet<String>>, StoreError> {
        Ok(None)
    }

    /// The TraceQL that selects some traces by their ids, if this server can be asked for many at
    /// once.
    fn by_ids(&self, ids: &[&str]) -> Option<String>;

    /// Forgets that it gave no answer.
    fn forget(&self);

    /// How it is doing.
    fn source(&self) -> Source;
}
