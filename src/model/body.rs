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
    Packed(Packed),
    Line(Line),
}

/// JSON as text, which needs a tenth of the memory of the value.
#[derive(Clone)]
struct Packed {
    text: Box<str>,
    made: OnceLock<Box<Value>>,
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

    /// The same in little memory: as text, until somebody looks into it. A log line stays as it is.
    #[must_use]
    pub fn packed(self) -> Self {
        match self.0 {
            Kind::Whole(value) => {
                let text = value.to_string().into();
                Self(Kind::Packed(Packed { text, made: OnceLock::new() }))
            }
            kind => Self(kind),
        }
    }

    /// A body that was read: that of a log line if it has the shape of one, so that nothing of it
    /// is lost.
    pub fn of_line(value: Value) -> Self {
        match own_fields(&value) {
            Some((time, metadata)) => {
                let Value::Object(mut frame) = value else { return value.into() };
                let text = match frame.remove("body") {
                    Some(Value::String(text)) => text.into(),
                    _ => Text::default(),
                };
                frame.retain(|name, _| !Self::is_own(name));
                Self::line(Arc::new(frame.into()), time, text, metadata)
            }
            None => value.into(),
        }
    }

    /// Of a log line what it shares, its time, its text and its metadata.
    pub fn parts(&self) -> Option<(&Arc<Value>, DateTime<Utc>, &Text, &Fields)> {
        match &self.0 {
            Kind::Line(line) => Some((&line.frame, line.time, &line.text, &line.metadata)),
            Kind::Whole(_) | Kind::Packed(_) => None,
        }
    }

    /// Looks into the body; what has to be made for that is not kept.
    pub fn read<T>(&self, look: impl FnOnce(&Self) -> T) -> T {
        match &self.0 {
            Kind::Packed(packed) if packed.made.get().is_none() => look(&packed.value().into()),
            _ => look(self),
        }
    }

    /// The whole body.
    pub fn into_value(self) -> Value {
        match self.0 {
            Kind::Whole(value) => value,
            Kind::Packed(packed) => packed.value(),
            Kind::Line(line) => line.value(),
        }
    }

    /// What a log line shares with others of its stream and level: everything but `timestamp`,
    /// `body` and `metadata`. `None` for any other body.
    pub fn frame(&self) -> Option<&Arc<Value>> {
        match &self.0 {
            Kind::Line(line) => Some(&line.frame),
            Kind::Whole(_) | Kind::Packed(_) => None,
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
            Kind::Whole(_) | Kind::Packed(_) => None,
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
            Kind::Packed(packed) => packed.made.get_or_init(|| Box::new(packed.value())),
            Kind::Line(line) => line.made.get_or_init(|| Box::new(line.value())),
        }
    }

    /// The whole body, of which nothing is kept.
    pub fn to_value(&self) -> Value {
        match &self.0 {
            Kind::Whole(value) => value.clone(),
            Kind::Packed(packed) => packed.value(),
            Kind::Line(line) => line.value(),
        }
    }
}

impl Packed {
    fn value(&self) -> Value {
        // The text was printed from a value.
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// Time and metadata of a body of a log line, if a line that has them prints the same.
fn own_fields(body: &Value) -> Option<(DateTime<Utc>, Fields)> {
    body.get("body")?.as_str()?;
    let stamp = body.get("timestamp")?.as_str()?;
    let time = DateTime::parse_from_rfc3339(stamp).ok()?.to_utc();
    let metadata: Option<Fields> = body
        .get("metadata")?
        .as_object()?
        .iter()
        .map(|(name, value)| Some((Text::from(name.as_str()), Text::from(value.as_str()?))))
        .collect();
    (time.to_rfc3339_opts(SecondsFormat::Nanos, true) == stamp).then_some((time, metadata?))
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
        if !matches!(self.0, Kind::Whole(_)) {
            *self = std::mem::take(self).into_value().into();
        }
        match &mut self.0 {
            Kind::Whole(value) => value,
            Kind::Packed(_) | Kind::Line(_) => unreachable!("it was made whole above"),
        }
    }
}

impl Default for Body {
    fn default() -> Self {
        Self(Kind::Whole(Value::Null))
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
            Kind::Packed(packed) => packed.value().serialize(serializer),
            Kind::Line(line) => line.value().serialize(serializer),
        }
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Whole(value) => value.fmt(f),
            Kind::Packed(packed) => f.write_str(&packed.text),
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

    #[test]
    fn a_packed_body_reads_as_the_value_that_it_was() {
        let whole = json!({"metadata": {"name": "db-0"}, "spec": [1, 2.5, null, "x"]});
        let mut packed = Body::from(whole.clone()).packed();
        assert_eq!(
            packed.read(|body| body.text("/metadata/name").map(str::to_owned)),
            Some("db-0".to_owned())
        );
        assert_eq!(packed.to_string(), whole.to_string());
        assert_eq!(packed, Body::from(whole.clone()));
        assert_eq!(packed.text("/metadata/name"), Some("db-0"));
        packed["spec"] = json!([]);
        assert_eq!(packed.into_value(), json!({"metadata": {"name": "db-0"}, "spec": []}));
    }

    #[test]
    fn only_what_prints_the_same_becomes_a_line() {
        let line = json!({"timestamp": "2026-11-23T01:50:40.999368001Z", "body": "full",
            "metadata": {"trace_id": "1f"}, "pod": "db-0"});
        let read = Body::of_line(line.clone());
        assert_eq!(read.frame().map(|frame| &**frame), Some(&json!({"pod": "db-0"})));
        assert_eq!(read.to_value(), line);
        for (field, value) in [
            ("timestamp", json!("2026-11-23T01:50:40Z")),
            ("metadata", json!({"trace_id": 1})),
            ("body", json!(1)),
        ] {
            let mut other = line.clone();
            other[field] = value;
            let read = Body::of_line(other.clone());
            assert!(read.frame().is_none(), "{other}");
            assert_eq!(read.to_value(), other);
        }
    }
}
