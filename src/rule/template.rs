//! The language of rule templates: minijinja in which every printed value is JSON, a missing
//! value ends the template, and nothing runs or prints without bound.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use minijinja::value::{Object as Dynamic, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior};
use serde_json::Map;

use super::narrow::narrow;
use super::subject::{self, Parts, Subject};
use super::words::{class_name, is_word, label_name, one_line, stem};
use crate::model::{Vocabulary, escape_re2, trace_id_of};

/// Steps that one template may take on one object.
const FUEL: u64 = 200_000;

/// Bytes that one template may print for one object.
const OUTPUT: usize = 256 * 1024;

/// Where [`Labels`] stands in a template's root; no JSON field of a signal is called so.
const LABELS: &str = "$labels";

/// What the words `label` and `subject` read: the labels of the object and what they are about.
#[derive(Debug, Default)]
pub(super) struct Labels {
    /// The domain of the object, which is the kind of carrier in the vocabulary.
    pub(super) carrier: String,
    /// The labels without the messenger's.
    pub(super) own: Map<String, serde_json::Value>,
    /// The messenger's.
    pub(super) hidden: Map<String, serde_json::Value>,
    /// What the most specific of them names.
    pub(super) subject: Option<Subject>,
    /// What belongs to the subject.
    pub(super) beside: Vec<Parts>,
    /// What the component may be that the signal comes from: a list.
    pub(super) component: serde_json::Value,
}

impl Dynamic for Labels {}

impl Labels {
    /// The value of a term; the namespace is the subject's, if that is known.
    pub(super) fn read<'l>(&'l self, words: &Vocabulary, term: &str) -> Option<&'l str> {
        let subject = self.subject.as_ref().filter(|_| term == "namespace");
        let place = subject.and_then(|subject| subject.parts.terms.get(term));
        let read = || words.read(&self.carrier, term, &self.own);
        place.map(String::as_str).or_else(read)
    }

    /// The value of the subject, if it is of this term.
    pub(super) fn subject(&self, term: &str) -> Option<&str> {
        let subject = self.subject.as_ref().filter(|subject| subject.term == term)?;
        Some(subject.value.as_str())
    }
}

/// An environment without templates.
pub(super) fn environment(vocabulary: &Arc<Vocabulary>) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Json);
    env.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    env.set_fuel(Some(FUEL));
    env.set_formatter(|out, state, value| {
        if missing(value) {
            return Err(undefined());
        }
        if !matches!(state.auto_escape(), AutoEscape::Json) {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "values are always printed as JSON; autoescape cannot be changed",
            ));
        }
        minijinja::escape_formatter(out, state, value)
    });
    env.remove_filter("safe");
    // Names of fields in bodies must not mean functions where the field is missing.
    env.remove_global("namespace");
    env.remove_global("debug");
    env.add_function("class", class);
    env.add_function("re", |value: &Value| text(value).map(|text| escape_re2(&text)));
    env.add_function("line", |value: &Value| {
        let text = text(value)?;
        Ok::<_, Error>(Value::from_safe_string(one_line(&text)))
    });
    env.add_function("selector", selector);
    env.add_function("labelname", |value: &Value| {
        text(value).map(|text| Value::from_safe_string(label_name(&text)))
    });
    env.add_function("stem", |name: &Value| {
        stem(name.as_str().unwrap_or_default()).map_or(Value::UNDEFINED, Value::from)
    });
    label_words(&mut env, vocabulary);
    env.add_function("traceid", trace_id);
    let words = Arc::clone(vocabulary);
    env.add_function("attribute", move |term: &str| {
        let name = words.names("trace", term).first().ok_or_else(undefined)?;
        Ok::<_, Error>(Value::from_safe_string(format!("resource.{name}")))
    });
    let words = Arc::clone(vocabulary);
    env.add_function("narrow", move |state: &State<'_, '_>, expression: &Value| {
        let expression = text(expression)?;
        Ok::<_, Error>(with_labels(state, |labels| {
            let narrowed = narrow(&expression, labels, &words)?;
            Some(Value::from_safe_string(narrowed.replace(['\n', '\r'], " ")))
        }))
    });
    let words = Arc::clone(vocabulary);
    env.add_function("logclass", move |namespace: &Value| {
        let namespace = text(namespace)?;
        Ok::<_, Error>(Value::from_safe_string(words.log_class(&namespace).to_owned()))
    });
    env
}

/// The words that read labels.
fn label_words(env: &mut Environment<'static>, vocabulary: &Arc<Vocabulary>) {
    let words = Arc::clone(vocabulary);
    env.add_function("label", move |state: &State<'_, '_>, term: &str| {
        with_labels(state, |labels| labels.read(&words, term).map(Value::from))
    });
    let words = Arc::clone(vocabulary);
    env.add_function("messenger", move |state: &State<'_, '_>, term: &str| {
        with_labels(state, |labels| {
            words.read(&labels.carrier, term, &labels.hidden).map(Value::from)
        })
    });
    env.add_function("subject", |state: &State<'_, '_>, term: &str| {
        with_labels(state, |labels| labels.subject(term).map(Value::from))
    });
    env.add_function("beside", |state: &State<'_, '_>, term: &str| {
        with_labels(state, |labels| {
            let parts = labels.beside.iter().find(|parts| parts.terms.contains_key(term))?;
            Some(Value::from(minijinja::value::Serde(&parts.terms)))
        })
    });
    env.add_function("named", |state: &State<'_, '_>, name: &Value| {
        let name = text(name)?;
        let space = with_labels(state, |labels| {
            labels.subject.as_ref()?.namespace.as_deref().map(Value::from)
        });
        let space = (!space.is_undefined()).then_some(("namespace", space));
        Ok::<_, Error>(Value::from_pairs(space.into_iter().chain([("name", name.into())])))
    });
    env.add_function("subjectclass", |state: &State<'_, '_>| {
        with_labels(state, |labels| {
            let class = labels.subject.as_ref()?.parts.class.clone()?;
            Some(Value::from_safe_string(class))
        })
    });
    env.add_function("component", |state: &State<'_, '_>| {
        with_labels(state, |labels| Some(Value::from(minijinja::value::Serde(&labels.component))))
    });
    env.add_function("address", |value: &Value| {
        let parts = subject::address(&text(value)?);
        Ok::<_, Error>(Value::from(minijinja::value::Serde(&parts)))
    });
}

/// The root of a template: the fields of a body, and the labels.
pub(super) fn root(body: &serde_json::Value, labels: Arc<Labels>) -> Value {
    let fields = body.as_object().into_iter().flatten();
    let known = body.get("expression").is_some();
    let expression = if known { None } else { subject::expression(|field| body.get(field)) };
    let fields = fields
        .filter(|(name, _)| !is_word(name))
        .map(|(name, value)| (name.clone(), Value::from(minijinja::value::Serde(value))))
        .chain(expression.map(|text| ("expression".to_owned(), Value::from(text))))
        .chain([(LABELS.to_owned(), Value::from_dyn_object(labels))]);
    Value::from_pairs(fields)
}

/// What a template printed for a root; `Ok(None)` if a value is missing.
pub(super) fn render(
    env: &Environment<'_>,
    name: &str,
    root: &Value,
) -> Result<Option<String>, String> {
    let mut out = Bounded(Vec::new());
    let template = env.get_template(name).map_err(|fault| words(&fault))?;
    match template.render_captured_to(root.clone(), &mut out) {
        Ok(_) => Ok(Some(String::from_utf8_lossy(&out.0).into_owned())),
        Err(fault) if fault.kind() == ErrorKind::UndefinedError => Ok(None),
        Err(fault) if fault.kind() == ErrorKind::OutOfFuel => {
            Err(format!("the template takes more than {FUEL} steps"))
        }
        Err(_) if out.0.len() > OUTPUT => {
            Err(format!("the template prints more than {} KiB", OUTPUT / 1024))
        }
        Err(fault) => Err(words(&fault)),
    }
}

/// The line of a template on which a value is missing, if one is.
pub(super) fn missing_at(env: &Environment<'_>, name: &str, root: &Value) -> Option<usize> {
    let fault = env.get_template(name).ok()?.render(root.clone()).err()?;
    fault.line().filter(|_| fault.kind() == ErrorKind::UndefinedError)
}

/// What a fault of a template says, without its place.
pub(super) fn words(fault: &Error) -> String {
    let kind = fault.kind().to_string();
    fault.detail().map_or_else(|| kind.clone(), |detail| format!("{kind}: {detail}"))
}

/// Keeps what is written up to one write beyond [`OUTPUT`], which it refuses.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() <= OUTPUT {
            let room = (OUTPUT + 1).saturating_sub(self.0.len());
            self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        if self.0.len() > OUTPUT {
            Err(io::ErrorKind::FileTooLarge.into())
        } else {
            Ok(bytes.len())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn missing(value: &Value) -> bool {
    value.is_undefined() || value.is_none() || value.as_str() == Some("")
}

fn undefined() -> Error {
    Error::from(ErrorKind::UndefinedError)
}

fn text(value: &Value) -> Result<String, Error> {
    if missing(value) { Err(undefined()) } else { Ok(value.to_string()) }
}

fn with_labels(state: &State<'_, '_>, read: impl FnOnce(&Labels) -> Option<Value>) -> Value {
    let labels = state.lookup(LABELS);
    let labels = labels.as_ref().and_then(Value::downcast_object_ref::<Labels>);
    labels.and_then(read).unwrap_or(Value::UNDEFINED)
}

/// The trace that a log line belongs to.
fn trace_id(state: &State<'_, '_>) -> Value {
    let mut fields: Vec<(String, String)> = Vec::new();
    for map in ["metadata", "labels"].into_iter().filter_map(|name| state.lookup(name)) {
        for key in map.try_iter().into_iter().flatten() {
            let value = map.get_item(&key).unwrap_or_default();
            fields.extend(key.as_str().zip(value.as_str()).map(|(k, v)| (k.into(), v.into())));
        }
    }
    let line = state.lookup("body").unwrap_or_default();
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    trace_id_of(fields, line.as_str().unwrap_or_default()).map_or(Value::UNDEFINED, Value::from)
}

/// The name of a class, unquoted.
fn class(api_version: &Value, kind: &Value) -> Result<Value, Error> {
    let (api_version, kind) = (text(api_version)?, text(kind)?);
    let name = class_name(&api_version, &kind).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("{api_version:?} and {kind:?} name no kind of Kubernetes objects"),
        )
    })?;
    Ok(Value::from_safe_string(name))
}

/// A Kubernetes label selector as `labels` of a query: the map of `matchLabels`, or the text of a
/// selector where there are `matchExpressions`.
fn selector(selector: &Value) -> Result<Value, Error> {
    if missing(selector) {
        return Err(undefined());
    }
    let labels = selector.get_attr("matchLabels").unwrap_or_default();
    let rules = selector.get_attr("matchExpressions").unwrap_or_default();
    if !rules.is_true() {
        return Ok(if labels.is_true() {
            labels
        } else {
            Value::from_pairs([(); 0].map(|()| ("", "")))
        });
    }
    let mut parts = Vec::new();
    if labels.is_true() {
        for key in labels.try_iter()? {
            parts.push(format!("{key}={}", labels.get_item(&key)?));
        }
    }
    for rule in rules.try_iter()? {
        let key = text(&rule.get_attr("key")?)?;
        let values = || -> Result<String, Error> {
            let mut list = String::new();
            for value in rule.get_attr("values")?.try_iter()? {
                let comma = if list.is_empty() { "" } else { "," };
                write!(list, "{comma}{value}").map_err(|_| undefined())?;
            }
            Ok(list)
        };
        parts.push(match rule.get_attr("operator")?.as_str() {
            Some("In") => format!("{key} in ({})", values()?),
            Some("NotIn") => format!("{key} notin ({})", values()?),
            Some("Exists") => key,
            Some("DoesNotExist") => format!("!{key}"),
            _ => {
                return Err(Error::new(
                    ErrorKind::InvalidOperation,
                    format!("unknown operator of a label selector in {rule}"),
                ));
            }
        });
    }
    Ok(Value::from(parts.join(",")))
}
