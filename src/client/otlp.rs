//! Traces as protobuf's JSON tells them: OpenTelemetry's messages, in which ids are base64, 64-bit
//! numbers are strings, enumerations are names, and what is zero is left out.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::span::{Event, Link, Span};
use crate::model::{span_id, trace_id};

/// The spans of one process.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ResourceSpans {
    resource: Resource,
    #[serde(alias = "instrumentationLibrarySpans", deserialize_with = "nullable")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    #[serde(deserialize_with = "nullable")]
    attributes: Vec<KeyValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ScopeSpans {
    #[serde(alias = "instrumentationLibrary")]
    scope: Scope,
    #[serde(deserialize_with = "nullable")]
    spans: Vec<RawSpan>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Scope {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawSpan {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    name: String,
    kind: Value,
    start_time_unix_nano: Value,
    end_time_unix_nano: Value,
    #[serde(deserialize_with = "nullable")]
    attributes: Vec<KeyValue>,
    #[serde(deserialize_with = "nullable")]
    events: Vec<RawEvent>,
    #[serde(deserialize_with = "nullable")]
    links: Vec<RawLink>,
    #[serde(deserialize_with = "nullable")]
    status: RawStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawEvent {
    time_unix_nano: Value,
    name: String,
    #[serde(deserialize_with = "nullable")]
    attributes: Vec<KeyValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawLink {
    trace_id: String,
    span_id: String,
    #[serde(deserialize_with = "nullable")]
    attributes: Vec<KeyValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawStatus {
    code: Value,
    message: String,
}

/// An attribute.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct KeyValue {
    pub(super) key: String,
    #[serde(deserialize_with = "nullable")]
    pub(super) value: AnyValue,
}

/// A typed value, of which one field is set.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct AnyValue {
    #[serde(rename = "stringValue")]
    string: Option<String>,
    #[serde(rename = "intValue")]
    int: Option<Value>,
    #[serde(rename = "boolValue")]
    boolean: Option<bool>,
    #[serde(rename = "doubleValue")]
    double: Option<Value>,
    #[serde(rename = "arrayValue")]
    array: Option<List<Self>>,
    #[serde(rename = "kvlistValue")]
    kvlist: Option<List<KeyValue>>,
    #[serde(rename = "bytesValue")]
    bytes: Option<String>,
}

#[derive(Deserialize)]
struct List<T> {
    #[serde(default = "Vec::new")]
    values: Vec<T>,
}

/// Takes `null` for what is usual.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

impl AnyValue {
    /// As plain JSON; bytes stay base64.
    pub(super) fn plain(self) -> Value {
        if let Some(text) = self.string.or(self.bytes) {
            return text.into();
        }
        if let Some(number) = self.int {
            return integer(&number).map_or(number, Value::from);
        }
        if let Some(value) = self.boolean {
            return value.into();
        }
        if let Some(list) = self.array {
            return list.values.into_iter().map(Self::plain).collect();
        }
        if let Some(list) = self.kvlist {
            return map(list.values).into();
        }
        self.double.unwrap_or_default()
    }
}

/// Attributes as a map.
pub(super) fn map(pairs: Vec<KeyValue>) -> Map<String, Value> {
    pairs.into_iter().map(|pair| (pair.key, pair.value.plain())).collect()
}

/// A number that may be written as a string; 0 if it is not there.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Null => Some(0),
        number => number.as_i64(),
    }
}

/// The word of an enumeration, in lower case and without the prefix; a number is its place.
pub(super) fn word(value: &Value, prefix: &str, words: &[&str]) -> String {
    if let Some(name) = value.as_str() {
        let name = name.strip_prefix(prefix).unwrap_or(name).to_lowercase();
        return if ["unspecified", "unset"].contains(&&*name) { String::new() } else { name };
    }
    let place = value.as_u64().and_then(|place| usize::try_from(place).ok());
    place.and_then(|place| words.get(place)).map(|word| (*word).to_owned()).unwrap_or_default()
}

const KINDS: [&str; 6] = ["", "internal", "server", "client", "producer", "consumer"];

/// The spans of all processes; what has no id is left out.
pub(super) fn spans(all: Vec<ResourceSpans>) -> Vec<Span> {
    let mut found = Vec::new();
    for process in all {
        let resource = map(process.resource.attributes);
        for library in process.scope_spans {
            let scope = library.scope.name;
            found.extend(library.spans.into_iter().filter_map(|raw| raw.read(&resource, &scope)));
        }
    }
    found
}

impl RawSpan {
    fn read(self, resource: &Map<String, Value>, scope: &str) -> Option<Span> {
        let start = integer(&self.start_time_unix_nano)?;
        let end = integer(&self.end_time_unix_nano)?;
        let parent = id(&self.parent_span_id, 8).and_then(|id| span_id(&id));
        let event = |raw: RawEvent| Event {
            time: integer(&raw.time_unix_nano).unwrap_or_default(),
            name: raw.name,
            attributes: map(raw.attributes),
        };
        let link = |raw: RawLink| {
            let trace = trace_id(&id(&raw.trace_id, 16)?)?;
            let span = span_id(&id(&raw.span_id, 8)?)?;
            Some(Link { trace, span, attributes: map(raw.attributes) })
        };
        Some(Span {
            trace: trace_id(&id(&self.trace_id, 16)?)?,
            id: span_id(&id(&self.span_id, 8)?)?,
            parent: parent.filter(|parent| parent.bytes().any(|digit| digit != b'0')),
            name: self.name,
            kind: word(&self.kind, "SPAN_KIND_", &KINDS),
            start,
            duration: end.saturating_sub(start).max(0),
            status: word(&self.status.code, "STATUS_CODE_", &["", "ok", "error"]),
            message: self.status.message,
            resource: resource.clone(),
            attributes: map(self.attributes),
            scope: scope.to_owned(),
            events: self.events.into_iter().map(event).collect(),
            links: self.links.into_iter().filter_map(link).collect(),
            partial: false,
        })
    }
}

/// An id of some bytes in hexadecimal digits. It may be written in them, or in base64, which has
/// another length.
fn id(text: &str, bytes: usize) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    if text.len() == bytes * 2 {
        return Some(text.to_owned());
    }
    let decoded = base64(text)?;
    Some(decoded.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The bytes of base64 text, of the usual alphabet or the one for URLs.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let (mut bits, mut have) = (0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push(u8::try_from((bits >> have) & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(given: Value, expected: &Value) {
        let value: AnyValue = serde_json::from_value(given).unwrap();
        assert_eq!(&value.plain(), expected);
    }

    #[test]
    fn values_are_plain() {
        check(json!({"stringValue": "x"}), &json!("x"));
        check(json!({"intValue": "500"}), &json!(500));
        check(json!({"intValue": 500}), &json!(500));
        check(json!({"boolValue": false}), &json!(false));
        check(json!({"doubleValue": 129.95}), &json!(129.95));
        check(
            json!({"arrayValue": {"values": [{"stringValue": "a"}, {"intValue": "1"}]}}),
            &json!(["a", 1]),
        );
        check(json!({"arrayValue": {}}), &json!([]));
        let nested =
            json!({"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": true}}]}});
        check(nested, &json!({"a": true}));
        check(json!({"bytesValue": "AAE="}), &json!("AAE="));
        check(json!({}), &json!(null));
    }

    #[test]
    fn ids_may_be_base64_or_hexadecimal() {
        assert_eq!(id("A4ogx15vMuGjoVbpxWMMsg==", 16).unwrap(), "038a20c75e6f32e1a3a156e9c5630cb2");
        assert_eq!(id("++36imIY8f8=", 8).unwrap(), "fbedfa8a6218f1ff");
        assert_eq!(id("fbedfa8a6218f1ff", 8).unwrap(), "fbedfa8a6218f1ff");
        assert_eq!(id("", 8), None);
        assert_eq!(id("not an id", 8), None);
    }

    #[test]
    fn enumerations_are_names_or_numbers() {
        assert_eq!(word(&json!("SPAN_KIND_SERVER"), "SPAN_KIND_", &KINDS), "server");
        assert_eq!(word(&json!(3), "SPAN_KIND_", &KINDS), "client");
        assert_eq!(word(&json!("STATUS_CODE_UNSET"), "STATUS_CODE_", &[]), "");
        assert_eq!(word(&Value::Null, "SPAN_KIND_", &KINDS), "");
        assert_eq!(word(&json!(17), "SPAN_KIND_", &KINDS), "");
    }
}
