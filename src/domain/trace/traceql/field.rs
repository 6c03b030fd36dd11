//! What a TraceQL expression reads of a span, and what is known of it locally.

use std::fmt;

use serde_json::Value;

use crate::model::{quote, span_id, trace_id};

/// A value that expressions compare.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Static {
    /// A string.
    Text(String),
    /// A number; a duration is one of nanoseconds.
    Number(f64),
    /// A duration as it was written, in nanoseconds.
    Duration(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A status or a kind of span.
    Word(String),
    /// What is not there.
    Nil,
}

/// Where an attribute belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Any,
    Span,
    Resource,
    Event,
    Link,
    /// Only the server knows.
    Other(&'static str),
}

/// Something that can be read of a span.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    Attribute(Scope, String),
    /// By its usual name: `name` stands for `span:name` too.
    Intrinsic(&'static str),
}

const SCOPES: [(&str, Scope); 8] = [
    ("resource.", Scope::Resource),
    ("span.", Scope::Span),
    ("event.", Scope::Event),
    ("link.", Scope::Link),
    ("instrumentation.", Scope::Other("instrumentation")),
    ("parent.", Scope::Other("parent")),
    ("trace.", Scope::Other("trace")),
    (".", Scope::Any),
];

/// As they may be written, and the name that is used here.
const INTRINSICS: [(&str, &str); 30] = [
    ("name", "name"),
    ("span:name", "name"),
    ("status", "status"),
    ("span:status", "status"),
    ("statusMessage", "statusMessage"),
    ("span:statusMessage", "statusMessage"),
    ("kind", "kind"),
    ("span:kind", "kind"),
    ("duration", "duration"),
    ("span:duration", "duration"),
    ("trace:id", "trace:id"),
    ("span:id", "span:id"),
    ("span:parentID", "span:parentID"),
    ("event:name", "event:name"),
    ("link:traceID", "link:traceID"),
    ("link:spanID", "link:spanID"),
    ("instrumentation:name", "instrumentation:name"),
    ("rootName", "rootName"),
    ("trace:rootName", "rootName"),
    ("rootServiceName", "rootServiceName"),
    ("trace:rootService", "rootServiceName"),
    ("traceDuration", "traceDuration"),
    ("trace:duration", "traceDuration"),
    ("span:childCount", "span:childCount"),
    ("nestedSetLeft", "nestedSetLeft"),
    ("nestedSetRight", "nestedSetRight"),
    ("nestedSetParent", "nestedSetParent"),
    ("parent", "parent"),
    ("event:timeSinceStart", "event:timeSinceStart"),
    ("instrumentation:version", "instrumentation:version"),
];

/// All names of intrinsics.
pub(super) fn intrinsics() -> impl Iterator<Item = &'static str> {
    INTRINSICS.iter().map(|(name, _)| *name)
}

impl Field {
    /// The field of a word; `None` if there is none of this name.
    pub(super) fn of(word: &str) -> Option<Self> {
        if let Some((_, name)) = INTRINSICS.iter().find(|(name, _)| *name == word) {
            return Some(Self::Intrinsic(name));
        }
        let (prefix, scope) = SCOPES.iter().find(|(prefix, _)| word.starts_with(prefix))?;
        let name = &word[prefix.len()..];
        (!name.is_empty()).then(|| Self::Attribute(*scope, name.to_owned()))
    }

    /// All values that a span's body has for it; `None` if a body does not tell. Every comparison
    /// of what is not there fails.
    pub(super) fn read(&self, body: &Value) -> Option<Vec<Static>> {
        // A list is as good as each of its items.
        let attribute = |map: &str, name: &str| match body.get(map)?.get(name)? {
            Value::Array(items) => Some(items.iter().map(plain).collect()),
            value => Some(vec![plain(value)]),
        };
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let one = |value: Option<&str>| value.map(|text| vec![Static::Text(text.to_owned())]);
        let word = |pointer: &str, other: &str| {
            Some(vec![Static::Word(text(pointer).unwrap_or(other).to_owned())])
        };
        let events = body.get("partial").is_none() || body.get("events").is_some();
        let value = match self {
            Self::Attribute(Scope::Event | Scope::Link, _)
            | Self::Intrinsic("event:name" | "link:traceID" | "link:spanID")
                if !events =>
            {
                return None;
            }
            Self::Attribute(Scope::Span, name) => attribute("attributes", name),
            Self::Attribute(Scope::Resource, name) => attribute("resource", name),
            Self::Attribute(Scope::Any, name) => {
                attribute("attributes", name).or_else(|| attribute("resource", name))
            }
            Self::Attribute(Scope::Event, name) => {
                return Some(each(body, "events", &["attributes", name]));
            }
            Self::Attribute(Scope::Link, name) => {
                return Some(each(body, "links", &["attributes", name]));
            }
            Self::Intrinsic("event:name") => return Some(each(body, "events", &["name"])),
            Self::Intrinsic("link:traceID") => return Some(each(body, "links", &["traceID"])),
            Self::Intrinsic("link:spanID") => return Some(each(body, "links", &["spanID"])),
            Self::Intrinsic("name") => one(text("/name")),
            Self::Intrinsic("status") => word("/status/code", "unset"),
            Self::Intrinsic("statusMessage") => one(text("/status/message")),
            Self::Intrinsic("kind") => word("/kind", "unspecified"),
            Self::Intrinsic("duration") => body
                .get("durationNano")
                .and_then(Value::as_f64)
                .map(|nanos| vec![Static::Number(nanos)]),
            Self::Intrinsic("trace:id") => one(text("/traceID")),
            Self::Intrinsic("span:id") => one(text("/spanID")),
            Self::Intrinsic("span:parentID") => one(text("/parentSpanID")),
            Self::Intrinsic("instrumentation:name") => one(text("/scope")),
            Self::Attribute(Scope::Other(_), _) | Self::Intrinsic(_) => return None,
        };
        Some(value.unwrap_or_default())
    }

    /// A string as this field has it: ids with all their digits.
    pub(super) fn canonical(&self, text: &str) -> String {
        let id = match self {
            Self::Intrinsic("trace:id" | "link:traceID") => trace_id(text),
            Self::Intrinsic("span:id" | "span:parentID" | "link:spanID") => span_id(text),
            _ => None,
        };
        id.unwrap_or_else(|| text.to_owned())
    }
}

fn each(body: &Value, list: &str, path: &[&str]) -> Vec<Static> {
    let items = body.get(list).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| path.iter().try_fold(item, |at, key| at.get(key)).map(plain)).collect()
}

fn plain(value: &Value) -> Static {
    match value {
        Value::String(text) => Static::Text(text.clone()),
        Value::Bool(value) => Static::Bool(*value),
        Value::Number(number) => Static::Number(number.as_f64().unwrap_or(f64::NAN)),
        Value::Null => Static::Nil,
        other => Static::Text(other.to_string()),
    }
}

impl Field {
    /// Whether it is the id of a trace.
    pub(super) fn is_trace_id(&self) -> bool {
        matches!(self, Self::Intrinsic("trace:id" | "link:traceID"))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scope, name) = match self {
            Self::Intrinsic(name) => return f.write_str(name),
            Self::Attribute(scope, name) => (scope, name),
        };
        let prefix = SCOPES.iter().find(|(_, known)| known == scope).map_or(".", |(text, _)| text);
        let plain = |c: char| !c.is_whitespace() && !"{}()=~!<>&|^,`\"\\".contains(c);
        if name.chars().all(plain) {
            write!(f, "{prefix}{name}")
        } else {
            write!(f, "{prefix}{}", quote(name))
        }
    }
}

impl fmt::Display for Static {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&quote(text)),
            Self::Number(number) => write!(f, "{number}"),
            Self::Duration(nanos) => f.write_str(&duration(*nanos)),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Word(word) => f.write_str(word),
            Self::Nil => f.write_str("nil"),
        }
    }
}

/// A duration in the largest unit that gives a whole number.
fn duration(nanos: f64) -> String {
    let units = [("h", 3600e9), ("m", 60e9), ("s", 1e9), ("ms", 1e6), ("us", 1e3)];
    let whole = |(_, size): &&(&str, f64)| nanos >= *size && nanos % size == 0.0;
    match units.iter().find(whole) {
        Some((unit, size)) => format!("{}{unit}", nanos / size),
        None => format!("{nanos}ns"),
    }
}
