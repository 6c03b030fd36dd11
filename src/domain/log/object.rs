//! Log objects: identity, time and preview of a line. Lines of one stream share everything but
//! their time, text and metadata.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::json::{JsonLine, json as parse};
use super::level::{keyed, level, word};
use super::place::{of_job, of_path};
use crate::model::{
    Body, Class, Fields, Object, Text, Vocabulary, clean, fingerprint, stable_hash, trace_id_of,
};

/// The longest preview, in characters.
const PREVIEW: usize = 400;

/// How many bytes of a text are looked at for its preview: escape sequences count too, so more is
/// looked at than is shown.
const LOOKED_AT: usize = PREVIEW * 8;

/// Where a line says where it comes from.
const TERMS: [&str; 4] = ["namespace", "pod", "container", "node"];

/// Makes objects of the lines of one stream.
///
/// ```
/// use korrel8::domain::log::{LogStream, pod_labels};
/// use korrel8::model::{Class, Vocabulary};
///
/// let labels = pod_labels("shop", "db-0", "db", None);
/// let words = Vocabulary::builtin();
/// let mut stream = LogStream::new(&Class::new("log", "application"), labels, false, &words);
/// let time = "2026-11-23T01:50:40.999368001Z".parse().unwrap();
/// let line = stream.object(time, "level=error msg=full".into(), [].into());
/// assert_eq!(line.text("/level"), Some("error"));
/// ```
#[derive(Debug)]
pub struct LogStream<'w> {
    class: Class,
    words: &'w Vocabulary,
    labels: Map<String, Value>,
    previous: bool,
    /// The level that the labels state.
    said: Option<&'static str>,
    /// The level that the log store guessed for the whole stream.
    guessed: Option<&'static str>,
    /// What the labels say of [`TERMS`].
    terms: [Option<Text>; 4],
    frames: HashMap<Shared, Frame>,
    /// Where ids are put together.
    id: String,
}

/// What lines that share a frame have in common, besides their stream.
type Shared = (Option<&'static str>, [Option<Text>; 4]);

#[derive(Clone, Debug)]
struct Frame {
    value: Arc<Value>,
    group: Arc<str>,
}

impl<'w> LogStream<'w> {
    /// A stream with labels (names to strings), of a container's previous run or not; `words` tell
    /// which labels name namespace, Pod, container and node.
    pub fn new(
        class: &Class,
        labels: Map<String, Value>,
        previous: bool,
        words: &'w Vocabulary,
    ) -> Self {
        let label = |name: &str| labels.get(name)?.as_str();
        let guessed = label("detected_level").and_then(word);
        let said = keyed(label);
        let terms = TERMS.map(|term| words.read("log", term, &labels).map(Text::from));
        let (frames, id) = (HashMap::new(), String::new());
        Self { class: class.clone(), words, labels, previous, said, guessed, terms, frames, id }
    }

    /// The object of a line; its metadata are sorted by name.
    pub fn object(&mut self, time: DateTime<Utc>, line: Text, metadata: Fields) -> Object {
        let field = |name: &str| field(&metadata, name);
        let parsed = parse(&line);
        let said = self.said.or_else(|| keyed(field));
        let guessed = self.guessed.or_else(|| field("detected_level").and_then(word));
        let level = level(&line, parsed.as_ref(), said, guessed);
        let preview = preview(&line, parsed);
        let frame = self.frame(level, &metadata);
        let id = &mut self.id;
        id.clear();
        identify(id, &frame.group, Some(time), &line);
        let fields = metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let trace = trace_id_of(fields, &line);
        let body = Body::line(frame.value, time, line, metadata);
        let mut object = Object::new(self.class.clone(), id.as_str(), body);
        object.group = of_trace(&frame.group, trace);
        object.time = Some(time);
        object.preview = preview;
        object
    }

    fn frame(&mut self, level: Option<&'static str>, metadata: &Fields) -> Frame {
        let mut terms = self.terms.clone();
        for (term, known) in TERMS.iter().zip(&mut terms).filter(|(_, known)| known.is_none()) {
            let names = self.words.names("log", term).iter();
            let values = names.filter_map(|name| field(metadata, name));
            *known = values.filter(|value| !value.is_empty()).map(Text::from).next();
        }
        self.complete(&mut terms, metadata);
        let shared = (level, terms);
        if let Some(frame) = self.frames.get(&shared) {
            return frame.clone();
        }
        let frame = self.new_frame(&shared);
        self.frames.insert(shared, frame.clone());
        frame
    }

    /// What the path of a log file and the name of a job say, where nothing else does.
    fn complete(&self, terms: &mut [Option<Text>; 4], metadata: &Fields) {
        let label = |name: &str| self.labels.get(name).and_then(Value::as_str);
        if terms[..3].iter().any(Option::is_none) {
            let mut names = self.words.names("log", "path").iter();
            let path =
                names.find_map(|name| of_path(label(name).or_else(|| field(metadata, name))?));
            let own = |[namespace, pod, _]: &[&str; 3]| {
                let fits = |known: &Option<Text>, name: &str| {
                    known.as_ref().is_none_or(|known| known.as_str() == name)
                };
                fits(&terms[0], namespace) && fits(&terms[1], pod)
            };
            for (at, name) in path.filter(own).into_iter().flatten().enumerate() {
                terms[at].get_or_insert_with(|| name.into());
            }
        }
        if terms[0].is_none() && terms[1].is_some() {
            terms[0] = label("job").and_then(of_job).map(Text::from);
        }
    }

    fn new_frame(&self, (level, terms): &Shared) -> Frame {
        let mut body = Map::new();
        for (name, value) in TERMS.iter().zip(terms) {
            body.extend(value.as_ref().map(|value| ((*name).to_owned(), value.as_str().into())));
        }
        body.extend(level.map(|level| ("level".to_owned(), level.into())));
        body.insert("labels".to_owned(), self.labels.clone().into());
        if self.previous {
            body.insert("previous".to_owned(), true.into());
        }
        let value = Value::from(body);
        Frame { group: group(&value), value: Arc::new(value) }
    }
}

fn field<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    fields.iter().find(|(known, _)| **known == *name).map(|(_, value)| value.as_str())
}

/// A log object from a body as a [`LogStream`] makes it.
pub(super) fn from_body(class: &Class, body: Body) -> Object {
    let time = match body.parts() {
        Some((_, time, ..)) => Some(time),
        None => body
            .text("/timestamp")
            .and_then(|time| Some(DateTime::parse_from_rfc3339(time).ok()?.to_utc())),
    };
    let line = body.line_text().cloned();
    let line = line.unwrap_or_else(|| body.text("/body").unwrap_or_default().into());
    let group = match body.frame() {
        Some(frame) => group(frame),
        None => group(&body),
    };
    let mut id = String::new();
    identify(&mut id, &group, time, &line);
    let mut object = Object::new(class.clone(), id, body);
    object.group = of_trace(&group, trace_id_of(fields(&object.body), &line));
    object.time = time;
    object.preview = preview(&line, parse(&line));
    object
}

/// The level of a line whose body does not say it.
pub(super) fn level_of(body: &Value) -> Option<&'static str> {
    let line = body.get("body")?.as_str()?;
    let of = |part: &'static str| move |name: &str| body.get(part)?.get(name)?.as_str();
    let (label, field) = (of("labels"), of("metadata"));
    let guess = label("detected_level").or_else(|| field("detected_level"));
    let said = keyed(label).or_else(|| keyed(field));
    level(line, parse(line).as_ref(), said, guess.and_then(word))
}

/// What is kept beside the line of a body.
pub(super) fn fields(body: &Body) -> impl Iterator<Item = (&str, &str)> {
    let all = body.get("metadata").and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

/// Rules see a line of a trace apart from the others of its stream.
fn of_trace(group: &Arc<str>, trace: Option<String>) -> Arc<str> {
    trace.map_or_else(|| Arc::clone(group), |trace| format!("{group} {trace}").into())
}

/// Writes what identifies a line: stream, time, and a hash that tells two lines of one
/// nanosecond apart well enough.
fn identify(id: &mut String, group: &str, time: Option<DateTime<Utc>>, line: &str) {
    let nanos = time.and_then(|time| time.timestamp_nanos_opt()).unwrap_or_default();
    let tail = stable_hash(line) & 0xffff_ffff;
    // Writing into a string has no way to fail.
    write!(id, "{group}-{nanos}-{tail:08x}").ok();
}

/// A hash of what every line of a stream has in common.
fn group(body: &Value) -> Arc<str> {
    let labels = body.get("labels").and_then(Value::as_object);
    let labels = labels.into_iter().flatten();
    let mut pairs: Vec<(&str, &str)> =
        labels.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect();
    for key in ["\0namespace", "\0pod", "\0container", "\0node"] {
        pairs.extend(body.get(&key[1..]).and_then(Value::as_str).map(|value| (key, value)));
    }
    pairs.sort_unstable();
    format!("{:016x}", fingerprint(pairs)).into()
}

/// The message of a line: of a JSON line its message field and its error, else the line itself.
/// A piece of the line, if it can be shown as it is.
fn preview(line: &Text, parsed: Option<JsonLine<'_>>) -> Text {
    match parsed.and_then(message) {
        Some(message) => shown(line, &message),
        None => shown(line, line),
    }
}

fn shown(line: &Text, text: &str) -> Text {
    let text = text.trim();
    let head = &text[..text.floor_char_boundary(LOOKED_AT)];
    let plain = head.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if plain && text.len() <= PREVIEW {
        return line.part(text).unwrap_or_else(|| text.into());
    }
    let cleaned = if plain { Cow::Borrowed(head) } else { Cow::Owned(clean(head)) };
    match cleaned.char_indices().nth(PREVIEW) {
        Some((end, _)) => format!("{}…", &cleaned[..end]).into(),
        None if head.len() < text.len() => (cleaned.into_owned() + "…").into(),
        None if *cleaned == *text => line.part(text).unwrap_or_else(|| text.into()),
        None => cleaned.into_owned().into(),
    }
}

fn message(line: JsonLine<'_>) -> Option<Cow<'_, str>> {
    // What a program wrote as JSON may stand as text in the JSON of a collector.
    if let Some(text) = line.message.as_deref().filter(|_| line.wraps)
        && let Some(inner) = parse(text).and_then(message)
    {
        return Some(inner.into_owned().into());
    }
    match (line.message, line.error) {
        (Some(message), Some(error)) if !message.contains(&*error) => {
            let cut = |text: &str| text[..text.floor_char_boundary(LOOKED_AT)].to_owned();
            Some(format!("{}: {}", cut(&message), cut(&error)).into())
        }
        (None, error) => error,
        (message, _) => message,
    }
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
#[path = "layout_tests.rs"]
mod layouts;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, metadata: &Value) -> Object {
        stream_line(text, pod_labels("shop", "db-0", "db", None), metadata)
    }

    fn stream_line(text: &str, labels: Map<String, Value>, metadata: &Value) -> Object {
        let time = DateTime::from_timestamp_nanos(1_795_398_640_999_368_001);
        let pairs = metadata.as_object().expect("a map").iter();
        let text_of = |value: &Value| Text::from(value.as_str().expect("a string"));
        let fields: Fields = pairs.map(|(k, v)| (Text::from(k.as_str()), text_of(v))).collect();
        let (class, words) = (Class::new("log", "application"), Vocabulary::builtin());
        LogStream::new(&class, labels, false, &words).object(time, text.into(), fields)
    }

    #[test]
    fn a_line_knows_where_it_comes_from() {
        let found = line("level=error msg=x", &json!({"k8s_node_name": "node-1"}));
        assert_eq!(found.text("/timestamp"), Some("2026-11-23T01:50:40.999368001Z"));
        assert_eq!(found.text("/level"), Some("error"));
        assert_eq!(found.text("/pod"), Some("db-0"));
        assert_eq!(found.text("/node"), Some("node-1"));
        let again = from_body(&found.class, Body::of_line(found.body.to_value()));
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

    #[test]
    fn what_the_writer_said_beats_what_was_guessed() {
        for (line, labels, metadata, expected) in [
            ("x", json!({"level": "ERROR"}), json!({}), Some("error")),
            ("x", json!({}), json!({"severity_text": "Information"}), Some("info")),
            ("x", json!({}), json!({"severity_number": "17"}), Some("error")),
            (
                "x",
                json!({}),
                json!({"severity_text": "Warn", "detected_level": "info"}),
                Some("warning"),
            ),
            ("level=info msg=error", json!({}), json!({"detected_level": "error"}), Some("info")),
            ("x", json!({}), json!({"detected_level": "critical"}), Some("fatal")),
            ("ERROR x", json!({}), json!({"detected_level": "unknown"}), Some("error")),
        ] {
            let map = labels.as_object().cloned().expect("a map");
            let made = stream_line(line, map, &metadata);
            assert_eq!(made.text("/level"), expected, "{line} {metadata}");
            let mut body = made.body.to_value();
            body.as_object_mut().expect("a map").remove("level");
            assert_eq!(level_of(&body), expected, "{line} {metadata}");
        }
    }

    #[test]
    fn previews_of_plain_lines_are_pieces_of_them() {
        for (text, shared) in [("a plain line", true), (r#"{"msg":"no"}"#, true), ("a\tb", false)] {
            let line = line(text, &json!({}));
            let whole = line.body.line_text().expect("a line");
            assert_eq!(whole.part(&line.preview).is_some(), shared, "{text}");
        }
    }
}
