//! What the panes read out of an object's body.
#![deny(clippy::disallowed_methods, reason = "pure room")]

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::widget::line::head;
use crate::graph::{Node, Traces};
use crate::model::Object;

/// What kind of rows an object makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A row of a table.
    Thing,
    /// A Kubernetes Event.
    Event,
    /// An alert.
    Alert,
    /// A line of a log.
    Log,
    /// A series of values.
    Series,
    /// A span of a trace.
    Span,
}

/// What kind of rows the objects of a node make.
pub(crate) fn kind(class: &crate::model::Class) -> Kind {
    match (class.domain(), class.kind()) {
        ("k8s", "Event") => Kind::Event,
        ("alert", _) => Kind::Alert,
        ("log", _) => Kind::Log,
        ("metric", "metric") => Kind::Series,
        ("trace", _) => Kind::Span,
        _ => Kind::Thing,
    }
}

/// The labels of an alert, a series or a log line.
pub(crate) fn labels(object: &Object) -> Option<&Map<String, Value>> {
    object
        .body
        .get("labels")
        .or(object.body.get("stream"))
        .unwrap_or_else(|| &object.body)
        .as_object()
}

/// The value of a term, as `pod`: the field of that name that every log line has, whatever the
/// labels of its stream are called, else the label of that name.
pub(crate) fn term<'o>(object: &'o Object, term: &str) -> Option<&'o str> {
    let own = || object.body.get(term)?.as_str();
    own().or_else(|| labels(object)?.get(term)?.as_str())
}

/// The three letters that say how bad it is: `ERR`, `WRN`, `INF`, `DBG`, `---`.
pub(crate) fn tag(object: &Object) -> &'static str {
    let level = object.text("/level").unwrap_or_default();
    let fine =
        ["debug", "trace"].contains(&level) && object.severity < crate::model::Severity::Warning;
    if fine && kind(&object.class) == Kind::Log { "DBG" } else { object.severity.tag() }
}

/// The name a person calls it by: `KubePodCrashLooping`, `db-0`.
pub(crate) fn name(object: &Object) -> &str {
    let named = match kind(&object.class) {
        Kind::Alert => object.text("/labels/alertname"),
        Kind::Series => object.text("/labels/__name__"),
        Kind::Log => term(object, "pod"),
        Kind::Span => object.text("/name"),
        Kind::Thing | Kind::Event => object.text("/metadata/name").or_else(|| told(object)),
    };
    named.unwrap_or_else(|| object.id.rsplit('/').next().unwrap_or(&object.id))
}

/// What is said of that which has no name but a number: who speaks to whom, the value of an exemplar.
fn told(object: &Object) -> Option<&str> {
    let preview = object.preview.as_str();
    match object.class.domain() {
        "netflow" => {
            let end = preview.match_indices(' ').nth(2).map_or(preview.len(), |(at, _)| at);
            preview.get(..end).filter(|name| !name.is_empty())
        }
        "metric" => Some(preview),
        _ => None,
    }
}

/// The namespace it is in, if it is in one.
pub(crate) fn namespace(object: &Object) -> Option<&str> {
    match object.class.domain() {
        "k8s" => object
            .text("/metadata/namespace")
            .or_else(|| object.id.split_once('/').map(|(namespace, _)| namespace)),
        _ => term(object, "namespace"),
    }
}

/// What it is about: `shop/db-0` for an alert, its place for anything else.
pub(crate) fn subject(object: &Object) -> String {
    let name = match kind(&object.class) {
        Kind::Alert => return object.about.clone(),
        Kind::Log => term(object, "pod"),
        Kind::Series => return name(object).to_owned(),
        Kind::Span => return format!("{} {}", head(service(object), 80), head(name(object), 80)),
        Kind::Thing | Kind::Event => Some(name(object)),
    };
    match (namespace(object), name) {
        (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    }
}

/// What an alert or an Event says.
pub(crate) fn message(object: &Object) -> &str {
    let notes = ["summary", "message", "description"];
    let note = |name: &&str| object.body.get("annotations")?.get(*name)?.as_str();
    match kind(&object.class) {
        Kind::Alert => notes.iter().find_map(note).unwrap_or_default(),
        Kind::Event => object.text("/message").or(object.text("/note")).unwrap_or(&object.preview),
        Kind::Span => object.text("/status/message").unwrap_or_default(),
        _ => plain_preview(object),
    }
}

/// The preview without the identity and status that stand beside it anyway.
fn plain_preview(object: &Object) -> &str {
    let mut rest = object.preview.as_str();
    for known in [object.class.kind(), &object.id, name(object), &object.status] {
        let cut = rest.strip_prefix(known).unwrap_or(rest);
        rest = if cut.is_empty() || cut.starts_with([' ', ':']) { cut } else { rest };
        rest = rest.trim_start_matches([' ', ':']);
    }
    rest
}

/// The state of an alert: `firing`, `pending`, `suppressed`; the status of anything else.
pub(crate) fn state(object: &Object) -> &str {
    if listed(object, "silencedBy") {
        return "silenced";
    }
    if listed(object, "inhibitedBy") {
        return "inhibited";
    }
    if !object.status.is_empty() && kind(&object.class) != Kind::Alert {
        return &object.status;
    }
    object.text("/state").or(object.text("/status/state")).unwrap_or(&object.status)
}

/// Whether an alert is silenced or inhibited.
pub(crate) fn suppressed(object: &Object) -> bool {
    ["suppressed", "silenced", "inhibited"].contains(&state(object))
}

/// The name of a span's service; empty if it does not tell.
pub(crate) fn service(object: &Object) -> &str {
    object.text("/service").unwrap_or_default()
}

/// How long a span took; empty for anything else.
pub(crate) fn took(object: &Object) -> String {
    nanos(object).map(crate::model::spent).unwrap_or_default()
}

/// The nanoseconds that a span took.
pub(crate) fn nanos(object: &Object) -> Option<i64> {
    object.body.get("durationNano").and_then(Value::as_i64)
}

/// Whether a list of an alert has something in it.
fn listed(object: &Object, key: &str) -> bool {
    let list = object.body.get(key).or(object.body.get("status").and_then(|s| s.get(key)));
    list.and_then(Value::as_array).is_some_and(|list| !list.is_empty())
}

/// The words for an alert's severity label: `CRITICAL`, `WARNING`.
pub(crate) fn severity_word(object: &Object) -> String {
    object
        .text("/labels/severity")
        .map_or_else(|| object.severity.word().to_uppercase(), str::to_uppercase)
}

/// The line of a log as it came.
pub(crate) fn text(object: &Object) -> &str {
    ["/body", "/line", "/message"]
        .iter()
        .find_map(|pointer| object.text(pointer))
        .unwrap_or(&object.preview)
}

/// The values of a series: a gap is `None`.
pub(crate) fn values(object: &Object) -> Vec<Option<f64>> {
    let pairs = object.body.get("values").and_then(Value::as_array);
    let value = |pair: &Value| match pair.get(1)? {
        Value::String(text) => text.parse().ok(),
        number => number.as_f64(),
    };
    pairs.into_iter().flatten().map(value).collect()
}

/// The values of a series with their times.
pub(crate) fn points(object: &Object) -> Vec<(Option<DateTime<Utc>>, String)> {
    let pairs = object.body.get("values").and_then(Value::as_array);
    let point = |pair: &Value| {
        let (seconds, value) = (pair.get(0)?.as_f64(), pair.get(1)?);
        Some((
            seconds.and_then(moment),
            value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        ))
    };
    pairs.into_iter().flatten().filter_map(point).collect()
}

#[allow(clippy::cast_possible_truncation, reason = "milliseconds of this age fit")]
fn moment(seconds: f64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis((seconds * 1000.0) as i64)
}

/// What is looked through by search and filter: what can be seen of an object, in its row or in
/// its labels. The id of an alert, a series or a line is a number that nobody sees.
pub(crate) fn hay(object: &Object) -> String {
    let (tag, name) = (tag(object), name(object));
    match kind(&object.class) {
        Kind::Log => format!("{tag} {name} {} {}", subject(object), text(object)),
        Kind::Alert => {
            let word = severity_word(object);
            let (about, state, said) = (&object.about, state(object), message(object));
            format!("{tag} {word} {name} {about} {state} {said} {}", values_of(labels(object)))
        }
        Kind::Series => format!("{tag} {name} {} {}", object.preview, values_of(labels(object))),
        Kind::Event => {
            let (kind, involved) = involved(object).unwrap_or_default();
            let reason = object.text("/reason").unwrap_or(&object.status);
            format!("{tag} {reason} {kind} {involved} {} {}", object.id, message(object))
        }
        Kind::Span => format!("{tag} {} {}", object.preview, object.id),
        Kind::Thing => {
            let labels = object.body.pointer("/metadata/labels").and_then(Value::as_object);
            let (status, preview) = (state(object), &object.preview);
            format!("{tag} {} {status} {preview} {}", object.id, values_of(labels))
        }
    }
}

/// The values of labels, one after the other.
fn values_of(labels: Option<&Map<String, Value>>) -> String {
    let values = labels.into_iter().flatten().filter_map(|(_, value)| value.as_str());
    values.collect::<Vec<_>>().join(" ")
}

/// The kind and the name of the object that an Event is about.
pub(crate) fn involved(object: &Object) -> Option<(&str, &str)> {
    let other = ["involvedObject", "regarding"].iter().find_map(|key| object.body.get(key))?;
    let part = |key: &str| other.get(key).and_then(Value::as_str).unwrap_or_default();
    Some((part("kind"), part("name")))
}

/// What a node is called in the tree and in the breadcrumb: `Pod db-0`, `Pods`, `log:application`,
/// `3 traces web GET /cart`. It takes as long as the node is big: see `Labels`.
pub(crate) fn label(node: &Node) -> String {
    let word = word(&node.class);
    if kind(&node.class) == Kind::Span {
        let traces = Traces::of(node.members.iter().map(|member| &*member.object));
        return traces.map_or(word, |traces| match traces.count {
            1 => format!("trace {}", traces.name()),
            count => format!("{count} traces {}", traces.name()),
        });
    }
    let mut names = node.members.iter().map(|member| name(&member.object));
    let same = match kind(&node.class) {
        Kind::Log | Kind::Event | Kind::Span => None,
        Kind::Series => family(names),
        Kind::Thing | Kind::Alert => {
            names.next().filter(|_| names.next().is_none()).map(str::to_owned)
        }
    };
    same.map_or_else(|| word.clone(), |name| format!("{word} {name}"))
}

/// The name of all these metrics, or how all of their names begin: `kubelet_volume_stats_*`.
fn family<'n>(mut names: impl Iterator<Item = &'n str>) -> Option<String> {
    let first = names.next()?;
    let mut common = first;
    for name in names.filter(|name| *name != first) {
        let same = common.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        let end = name.get(..same)?.rfind('_')? + 1;
        common = &first[..end];
    }
    Some(if common.len() == first.len() { first.to_owned() } else { format!("{common}*") })
}

/// What a class is called: `Pod`, `alert`, `log:application`.
pub(crate) fn word(class: &crate::model::Class) -> String {
    match class.domain() {
        "k8s" => class.kind().to_owned(),
        domain if domain == class.kind() => domain.to_owned(),
        _ => class.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::family;

    #[test]
    fn metrics_are_called_by_what_their_names_have_in_common() {
        for (names, expected) in [
            (&["up", "up"][..], Some("up")),
            (&["node_load1", "node_load5", "node_load15"], Some("node_*")),
            (
                &["volume_stats_used", "volume_stats_inodes", "volume_stats_used"],
                Some("volume_stats_*"),
            ),
            (&["up", "up_time"], None),
            (&["up", "kube_node_info"], None),
            (&[], None),
        ] {
            assert_eq!(family(names.iter().copied()).as_deref(), expected, "{names:?}");
        }
    }
}
