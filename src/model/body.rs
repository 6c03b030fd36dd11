//! What a store said of an object: JSON, or a log line that becomes JSON only when somebody needs
//! all of it. A hundred thousand lines share what their streams have in common.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::Text;

/// Names and values that a log store keeps for one line alone.
pub type Fields = Arc<[(Text, Text)]>;

/// The fields that a line does not share.
const OWN: [&str; 3] = ["body", "metadata", "timestamp"];

/// The body of an object. It reads as a [`Value`] everywhere; for a log line that makes the value
/// and keeps it, which [`Body::get`], [`Body::text`], [`Body::frame`] and [`Body::to_value`] avoid.
#[derive(Clone)]
pub struct Body(Kind);

#[derive(Clone)]
enum Kind {
    Whole(Value),
    Line(Line),
}

#[derive(Clone)]
struct Line {
    frame: Arc<Value>,
    time: DateTime<Utc>,
    text: Text,
    metadata: Fields,
    made: OnceLock<Box<Value>>,
}

impl Body {
    /// The body of a log line: `frame` is an object with all fields that it shares with others,
    /// to which come `timestamp`, `body` (the text) and `metadata` (an object of strings).
    pub fn line(frame: Arc<Value>, time: DateTime<Utc>, text: Text, metadata: Fields) -> Self {
        Self(Kind::Line(Line { frame, time, text, metadata, made: OnceLock::new() }))
    }

    /// What a log line shares with others of its stream and level: everything but `timestamp`,
    /// `body` and `metadata`. `None` for any other body.
    pub fn frame(&self) -> Option<&Arc<Value>> {
        match &self.0 {
            Kind::Line(line) => Some(&line.frame),
            Kind::Whole(_) => None,
        }
    }

    /// Whether a field of a log line stands outside of its [`frame`](Self::frame).
    pub fn is_own(field: &str) -> bool {
        OWN.contains(&field)
    }

    /// The text of a log line, to be shared.
    pub fn line_text(&self) -> Option<&Text> {
        match &self.0 {
            Kind::Line(line) => Some(&line.text),
            Kind::Whole(_) => None,
        }
    }

    /// A field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        match &self.0 {
            Kind::Line(line) if !Self::is_own(field) => line.frame.get(field),
            _ => self.as_value().get(field),
        }
    }

    /// What is at a JSON pointer such as `/metadata/name`.
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        let first = pointer.strip_prefix('/').and_then(|rest| rest.split('/').next());
        match (&self.0, first) {
            (Kind::Line(line), Some(field)) if !Self::is_own(field) => line.frame.pointer(pointer),
            _ => self.as_value().pointer(pointer),
        }
    }

    /// The string at a JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        match &self.0 {
            Kind::Line(line) if pointer == "/body" => Some(&line.text),
            _ => self.pointer(pointer)?.as_str(),
        }
    }

    /// The whole body, which is kept.
    pub fn as_value(&self) -> &Value {
        match &self.0 {
            Kind::Whole(value) => value,
            Kind::Line(line) => line.made.get_or_init(|| Box::new(line.value())),
        }
    }

    /// The whole body, of which nothing is kept.
    pub fn to_value(&self) -> Value {
        match &self.0 {
            Kind::Whole(value) => value.clone(),
            Kind::Line(line) => line.value(),
        }
    }
}

impl Line {
    fn value(&self) -> Value {
        let mut body = self.frame.as_object().cloned().unwrap_or_default();
        let time = self.time.to_rfc3339_opts(SecondsFormat::Nanos, true);
        body.insert("timestamp".to_owned(), time.into());
        body.insert("body".to_owned(), self.text.as_str().into());
        let metadata: Map<String, Value> = self
            .metadata
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_str().into()))
            .collect();
        body.insert("metadata".to_owned(), metadata.into());
        body.into()
    }

    fn same(&self, other: &Self) -> bool {
        self.frame == other.frame
            && self.time == other.time
            && self.text == other.text
            && self.metadata == other.metadata
    }
}

impl Deref for Body {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.as_value()
    }
}

impl DerefMut for Body {
    fn deref_mut(&mut self) -> &mut Value {
        if let Kind::Line(line) = &mut self.0 {
            let made = line.made.take();
            let value = made.map_or_else(|| line.value(), |made| *made);
            self.0 = Kind::Whole(value);
        }
        match &mut self.0 {
            Kind::Whole(value) => value,
            Kind::Line(_) => unreachable!("a line was made whole above"),
        }
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self(Kind::Whole(value))
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Line(one), Kind::Line(two)) => one.same(two),
            (Kind::Whole(one), Kind::Whole(two)) => one == two,
            _ => self.to_value() == other.to_value(),
        }
    }
}

impl PartialEq<Value> for Body {
    fn eq(&self, other: &Value) -> bool {
        self.as_value() == other
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Kind::Whole(value) => value.serialize(serializer),
            Kind::Line(line) => line.value().serialize(serializer),
        }
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Whole(value) => value.fmt(f),
            Kind::Line(line) => line.value().fmt(f),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_reads_as_the_json_that_it_stands_for() {
        let frame = Arc::new(json!({"level": "error", "labels": {"pod": "db-0"}}));
        let time = DateTime::from_timestamp_nanos(1_795_398_640_999_368_001);
        let fields: Fields = [(Text::from("trace_id"), Text::from("1f"))].into();
        let mut body = Body::line(frame, time, "disk full".into(), fields);
        let whole = json!({
            "timestamp": "2026-11-23T01:50:40.999368001Z", "level": "error", "body": "disk full",
            "labels": {"pod": "db-0"}, "metadata": {"trace_id": "1f"},
        });
        assert_eq!(body, Body::from(whole.clone()));
        assert_eq!(body.to_string(), whole.to_string());
        assert_eq!(serde_json::to_value(&body).ok(), Some(whole.clone()));
        for pointer in ["/body", "/level", "/labels/pod", "/metadata/trace_id", "/timestamp", "/x"]
        {
            let expected = whole.pointer(pointer).and_then(Value::as_str);
            assert_eq!(body.text(pointer), expected, "{pointer}");
            assert_eq!(body.pointer(pointer), whole.pointer(pointer), "{pointer}");
        }
        body["level"] = "info".into();
        assert_eq!(body["level"], "info");
        assert_eq!(body["body"], "disk full");
    }
}
