//! A log line's identity, time and preview, and its body from what a log store gives.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::level;
use crate::model::{Class, Object, Vocabulary, clean, fingerprint, stable_hash};

/// The longest preview, in characters.
const PREVIEW: usize = 400;

/// A line as a log store gives it.
#[derive(Clone, Debug, Default)]
pub struct LogLine {
    /// When it was written.
    pub time: DateTime<Utc>,
    /// The line, untouched.
    pub line: String,
    /// The labels of its stream: names to strings.
    pub labels: Map<String, Value>,
    /// What the store keeps for the line alone: names to strings.
    pub metadata: Map<String, Value>,
    /// Whether a container's previous run wrote it.
    pub previous: bool,
}

/// A log object from a line; `words` tell which labels name its namespace, Pod, container, node.
pub fn object(class: &Class, line: LogLine, words: &Vocabulary) -> Object {
    let mut body = Map::new();
    let time = line.time.to_rfc3339_opts(SecondsFormat::Nanos, true);
    body.insert("timestamp".to_owned(), time.into());
    if let Some(level) = level(&line.line, &line.labels, &line.metadata) {
        body.insert("level".to_owned(), level.into());
    }
    for term in ["namespace", "pod", "container", "node"] {
        let read = |labels| words.read("log", term, labels).map(str::to_owned);
        if let Some(value) = read(&line.labels).or_else(|| read(&line.metadata)) {
            body.insert(term.to_owned(), value.into());
        }
    }
    body.insert("body".to_owned(), line.line.into());
    body.insert("labels".to_owned(), line.labels.into());
    body.insert("metadata".to_owned(), line.metadata.into());
    if line.previous {
        body.insert("previous".to_owned(), true.into());
    }
    from_body(class, body.into())
}

/// A log object from a body as [`object`] makes it.
pub(super) fn from_body(class: &Class, body: Value) -> Object {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let line = text("body").unwrap_or_default();
    let time = text("timestamp")
        .and_then(|time| DateTime::parse_from_rfc3339(time).ok())
        .map(|time| time.to_utc());
    let group = format!("{:016x}", stream(&body));
    let nanos = time.and_then(|time| time.timestamp_nanos_opt()).unwrap_or_default();
    // The low half tells two lines of one nanosecond apart well enough.
    let tail = stable_hash(line) & 0xffff_ffff;
    let preview = preview(line);
    let mut object = Object::new(class.clone(), format!("{group}-{nanos}-{tail:08x}"), body);
    object.group = group.into();
    object.time = time;
    object.preview = preview.into();
    object
}

/// The level of a line whose body does not say it.
pub(super) fn level_of(body: &Value) -> Option<&'static str> {
    let none = Map::new();
    let map = |key: &str| body.get(key).and_then(Value::as_object).unwrap_or(&none);
    level(body.get("body")?.as_str()?, map("labels"), map("metadata"))
}

/// A hash of what every line of a stream has in common.
fn stream(body: &Value) -> u64 {
    let labels = body.get("labels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    let mut pairs: Vec<(&str, &str)> =
        labels.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect();
    for key in ["\0namespace", "\0pod", "\0container", "\0node"] {
        pairs.extend(body.get(&key[1..]).and_then(Value::as_str).map(|value| (key, value)));
    }
    pairs.sort_unstable();
    fingerprint(pairs)
}

/// The message of a line: of a JSON line its message field and its error, else the line itself.
fn preview(line: &str) -> String {
    let message = level::json(line).and_then(|fields| message(&fields));
    let text = message.as_deref().unwrap_or(line).trim();
    // Escape sequences count too, so more is looked at than is shown.
    let head = &text[..text.floor_char_boundary(PREVIEW * 8)];
    let cleaned = clean(head);
    match cleaned.char_indices().nth(PREVIEW) {
        Some((end, _)) => format!("{}…", &cleaned[..end]),
        None if head.len() < text.len() => cleaned + "…",
        None => cleaned,
    }
}

const MESSAGES: [&str; 9] =
    ["msg", "message", "body", "@message", "short_message", "MESSAGE", "event", "text", "@m"];

const ERRORS: [&str; 7] =
    ["error", "err", "exception", "reason", "error.message", "exception.message", "stack_trace"];

fn message(fields: &Map<String, Value>) -> Option<String> {
    let found = |keys: &[&str]| keys.iter().find_map(|key| words(fields.get(*key)?));
    let message = found(&MESSAGES);
    let error = found(&ERRORS);
    match (message, error) {
        (Some(message), Some(error)) if !message.contains(&error) => {
            Some(format!("{message}: {error}"))
        }
        (None, error) => error,
        (message, _) => message,
    }
}

fn words(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.as_str(),
        Value::Object(parts) => parts.get("message").or_else(|| parts.get("msg"))?.as_str()?,
        _ => return None,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The body that a log object has, for stores that know Pods and not labels.
///
/// ```
/// use korrel8::domain::log::pod_labels;
///
/// assert_eq!(pod_labels("shop", "db-0", "db", Some("node-1"))["pod"], "db-0");
/// ```
pub fn pod_labels(
    namespace: &str,
    pod: &str,
    container: &str,
    node: Option<&str>,
) -> Map<String, Value> {
    let mut labels = Map::new();
    for (name, value) in [
        ("namespace", Some(namespace)),
        ("pod", Some(pod)),
        ("container", Some(container)),
        ("node", node),
    ] {
        labels.extend(value.map(|value| (name.to_owned(), json!(value))));
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, metadata: &Value) -> Object {
        let line = LogLine {
            time: DateTime::from_timestamp_nanos(1_795_398_640_999_368_001),
            line: text.to_owned(),
            labels: pod_labels("shop", "db-0", "db", None),
            metadata: metadata.as_object().cloned().expect("a map"),
            previous: false,
        };
        object(&Class::new("log", "application"), line, &Vocabulary::builtin())
    }

    #[test]
    fn a_line_knows_where_it_comes_from() {
        let found = line("level=error msg=x", &json!({"k8s_node_name": "node-1"}));
        assert_eq!(found.text("/timestamp"), Some("2026-11-23T01:50:40.999368001Z"));
        assert_eq!(found.text("/level"), Some("error"));
        assert_eq!(found.text("/pod"), Some("db-0"));
        assert_eq!(found.text("/node"), Some("node-1"));
        let again = from_body(&found.class, found.body.to_value());
        assert_eq!(again, found);
    }

    #[test]
    fn lines_of_one_nanosecond_differ_and_their_stream_does_not() {
        let (one, two) = (line("a", &json!({})), line("b", &json!({"trace_id": "1"})));
        assert_ne!(one.id, two.id);
        assert_eq!(one.group, two.group);
        assert_ne!(one.group, line("a", &json!({"k8s_node_name": "node-1"})).group);
    }

    #[test]
    fn previews_are_messages_that_fit() {
        for (text, expected) in [
            ("plain \u{1b}[31mred\u{1b}[0m", "plain red"),
            (r#"{"msg":"no","err":"disk full"}"#, "no: disk full"),
            (r#"{"message":"no: disk full","error":{"message":"disk full"}}"#, "no: disk full"),
            (r#"{"a":1}"#, r#"{"a":1}"#),
            (r#"{"msg":"two\nlines"}"#, "two lines"),
            ("", ""),
        ] {
            assert_eq!(line(text, &json!({})).preview, expected, "{text}");
        }
        let long = line(&"é".repeat(1 << 20), &json!({}));
        assert_eq!(long.preview.chars().count(), PREVIEW + 1);
    }
}
