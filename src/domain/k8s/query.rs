//! The selector of Kubernetes queries: `{namespace, name, labels, fields, match, selects}`.
//!
//! What the API server can select (`namespace`, `name`, `labels`, `fields`) and what only we can
//! (`match`, `selects`) is decided here for every object that is at hand.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::labels::Labels;
use super::selects::selects;
use crate::model::{self, Class, Compact, Demand, Object, Path, SelectorError, UniqueMap};

/// What a Kubernetes query selects. All parts that are given must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    /// The namespace; all of them if it is not given.
    pub namespace: Option<String>,
    /// The name of one object.
    pub name: Option<String>,
    /// Requirements on labels.
    pub labels: Labels,
    /// Fields that the API server can select by, as `spec.nodeName`; a missing field is empty.
    pub fields: BTreeMap<Path, String>,
    /// For each path the values of which one must be found there; `null` is found where nothing is.
    pub matching: BTreeMap<Path, Vec<Value>>,
    /// Labels that the object's own selector must select, as a Service does its Pods.
    pub selects: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    namespace: Option<String>,
    name: Option<String>,
    labels: Option<WrittenLabels>,
    fields: Option<UniqueMap<String>>,
    r#match: Option<UniqueMap<Value>>,
    selects: Option<UniqueMap<String>>,
}

enum WrittenLabels {
    Map(BTreeMap<String, String>),
    Text(String),
}

impl<'de> Deserialize<'de> for WrittenLabels {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = WrittenLabels;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of labels or a label selector")
            }
            fn visit_str<E>(self, text: &str) -> Result<WrittenLabels, E> {
                Ok(WrittenLabels::Text(text.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenLabels, A::Error> {
                UniqueMap::read(MapAccessDeserializer::new(map)).map(WrittenLabels::Map)
            }
        }
        from.deserialize_any(Either)
    }
}

#[derive(Serialize)]
struct Printed<'s> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, &'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<PrintedLabels<'s>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    r#match: BTreeMap<String, PrintedValues<'s>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selects: Option<&'s BTreeMap<String, String>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum PrintedLabels<'s> {
    Map(BTreeMap<&'s str, &'s str>),
    Text(String),
}

#[derive(Serialize)]
#[serde(untagged)]
enum PrintedValues<'s> {
    One(&'s Value),
    Any(&'s [Value]),
}

impl Selector {
    /// Reads a selector in JSON or YAML flow; of a cluster-scoped kind, so that a namespace means
    /// nothing, if `cluster` is set.
    pub fn parse(text: &str, cluster: bool) -> Result<Self, SelectorError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let written: Written = SelectorError::parse_yaml(text)?;
        if let Some("") = written.name.as_deref() {
            let offset = find_key(text, "name");
            let message = "the name is empty; leave `name` out to select all objects".to_owned();
            return Err(SelectorError { message, offset });
        }
        let fields = written.fields.unwrap_or_default().0.into_iter();
        let fields = fields
            .map(|(key, value)| Ok((path(text, &key)?, value)))
            .collect::<Result<_, SelectorError>>()?;
        let matching = written.r#match.unwrap_or_default().0.into_iter();
        let matching = matching
            .map(|(key, value)| Ok((path(text, &key)?, values(value))))
            .collect::<Result<_, SelectorError>>()?;
        Ok(Self {
            namespace: written.namespace.filter(|namespace| !cluster && !namespace.is_empty()),
            name: written.name,
            labels: written.labels.map_or(Ok(Labels::default()), |labels| read(labels, text))?,
            fields,
            matching,
            selects: written.selects.map(|UniqueMap(labels)| labels),
        })
    }

    /// Reads a text that is canonical already, for a kind whose namespace means something; `None`
    /// if it may not be. It reads nothing else than [`Selector::parse`] would.
    pub(super) fn canonical(text: &str) -> Option<Self> {
        let mut own = Self::default();
        Compact::read(text, |reader, key| {
            match key {
                "fields" => reader.entries(|reader, path| {
                    own.fields.insert(path.parse().ok()?, reader.text()?.to_owned());
                    Some(())
                })?,
                "labels" => own.labels = Labels::equal(reader.texts()?).ok()?,
                "match" => reader.entries(|reader, path| {
                    own.matching.insert(path.parse().ok()?, vec![reader.text()?.into()]);
                    Some(())
                })?,
                "name" => own.name = Some(some(reader)?),
                "namespace" => own.namespace = Some(some(reader)?),
                "selects" => own.selects = Some(reader.texts()?),
                _ => return None,
            }
            Some(())
        })?;
        Some(own)
    }

    /// Whether there are parts that the server cannot decide: `match` or `selects`.
    pub fn has_client_side(&self) -> bool {
        !self.matching.is_empty() || self.selects.is_some()
    }

    /// Whether it can be decided for an object at hand just as the server would: which fields of a
    /// kind it selects by is not known for all, and the others it refuses.
    pub(super) fn is_local(&self, class: &Class) -> bool {
        let known = |field: &str| match field.strip_prefix("metadata.") {
            Some(own) => matches!(own, "name" | "namespace"),
            None if class.kind() == "Pod" => matches!(field, "spec.nodeName" | "status.phase"),
            None => {
                class.kind() == "Event"
                    && (matches!(field, "type" | "reason") || field.starts_with("involvedObject."))
            }
        };
        self.fields.keys().all(|field| known(&field.to_string()))
    }

    /// Whether the parts that the server is not told of hold.
    pub(super) fn accepts_body(&self, body: &Value) -> bool {
        self.matching.iter().all(|(path, wanted)| {
            let found = path.find(body);
            found.is_empty() && wanted.contains(&Value::Null)
                || found.into_iter().any(|found| wanted.iter().any(|want| same(found, want)))
        }) && self.selects.as_ref().is_none_or(|labels| selects(body, labels))
    }
}

impl model::Selector for Selector {
    fn text(&self) -> String {
        let labels = (!self.labels.is_empty()).then(|| match self.labels.as_map() {
            Some(map) => PrintedLabels::Map(map),
            None => PrintedLabels::Text(self.labels.to_string()),
        });
        let matching = self.matching.iter().map(|(path, values)| {
            let printed = match &values[..] {
                [one] => PrintedValues::One(one),
                any => PrintedValues::Any(any),
            };
            (path.to_string(), printed)
        });
        let printed = Printed {
            fields: self.fields.iter().map(|(path, value)| (path.to_string(), &**value)).collect(),
            labels,
            r#match: matching.collect(),
            name: self.name.as_deref(),
            namespace: self.namespace.as_deref(),
            selects: self.selects.as_ref(),
        };
        serde_json::to_string(&printed).unwrap_or_default()
    }

    fn demands(&self) -> Vec<Demand> {
        let meta = |key: &str, value: &String| Demand::of(&["metadata", key], value);
        if let Some(name) = &self.name {
            return vec![meta("name", name)];
        }
        let mut all: Vec<Demand> =
            self.namespace.iter().map(|namespace| meta("namespace", namespace)).collect();
        let at = |place: Path, values: Vec<String>| Demand { places: vec![place], values };
        all.extend(self.labels.wanted().map(|(key, values)| {
            at(Path::of(&["metadata", "labels", key]), values.iter().cloned().collect())
        }));
        // A field that is missing is empty, and `source` may be a map.
        let fields = self
            .fields
            .iter()
            .filter(|(path, value)| !value.is_empty() && path.to_string() != "source");
        all.extend(fields.map(|(path, value)| at(path.clone(), vec![value.clone()])));
        all.extend(self.matching.iter().filter_map(|(path, values)| {
            let texts = values.iter().map(|value| scalar_text(value).map(Cow::into_owned));
            Some(at(path.clone(), texts.collect::<Option<_>>()?))
        }));
        all
    }

    fn matches(&self, object: &Object) -> Option<bool> {
        // The id is `namespace/name` or `name`. Comparing it is much cheaper than looking into the
        // body, which is only needed for names that no server would take.
        let (space, own) = match object.id.split_once('/') {
            Some((space, own)) => (Some(space), own),
            None => (None, &*object.id),
        };
        let is = |wanted: &Option<String>, known: Option<&str>, key: &str| match wanted.as_deref() {
            None => true,
            Some(wanted) if wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/') => {
                known == Some(wanted)
            }
            Some(wanted) => object.text(&format!("/metadata/{key}")) == Some(wanted),
        };
        let labels = || object.body.pointer("/metadata/labels").and_then(Value::as_object);
        Some(
            is(&self.name, Some(own), "name")
                && is(&self.namespace, space, "namespace")
                && (self.labels.is_empty() || self.labels.accept(labels()))
                && self.fields.iter().all(|(field, want)| field_is(&object.body, field, want))
                && self.accepts_body(&object.body),
        )
    }
}

/// A text that is not empty.
fn some(reader: &mut Compact<'_>) -> Option<String> {
    reader.text().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Where a key stands in the text of a selector.
fn find_key(text: &str, key: &str) -> Option<usize> {
    let part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let whole = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
        !part(before) && !part(text.as_bytes().get(at + key.len()))
    };
    text.match_indices(key).map(|(at, _)| at).find(|&at| whole(at))
}

fn path(text: &str, path: &str) -> Result<Path, SelectorError> {
    path.parse::<Path>()
        .map_err(|fault| SelectorError { message: fault.to_string(), offset: text.find(path) })
}

fn read(labels: WrittenLabels, text: &str) -> Result<Labels, SelectorError> {
    match labels {
        WrittenLabels::Map(map) => Labels::equal(map),
        WrittenLabels::Text(selector) => Labels::parse(&selector).map_err(|fault| {
            let start = text.find(&selector);
            let offset = start.zip(fault.offset).map(|(start, within)| start + within);
            SelectorError {
                message: format!("label selector: {}", fault.message),
                offset: offset.or_else(|| find_key(text, "labels")),
            }
        }),
    }
}

/// The values of one entry of `match`, sorted and each once.
fn values(value: Value) -> Vec<Value> {
    let Value::Array(mut many) = value else { return vec![value] };
    many.sort_by_cached_key(Value::to_string);
    many.dedup();
    many
}

/// Whether a value in an object is the wanted one; a number is also wanted by its digits.
fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Number(_) | Value::Bool(_), Value::String(text))
        | (Value::String(text), Value::Number(_) | Value::Bool(_)) => {
            let scalar = if found.is_string() { wanted } else { found };
            scalar.to_string().as_str() == text
        }
        _ => found == wanted,
    }
}

/// Whether a field that the server selects by has a value. A field that is missing is empty, and
/// an Event's `source` stands for the component in it.
fn field_is(body: &Value, field: &Path, wanted: &str) -> bool {
    field_text(body, field) == wanted
}

/// What the server compares a field with.
pub(super) fn field_text<'b>(body: &'b Value, field: &Path) -> Cow<'b, str> {
    match field.find(body).into_iter().next().unwrap_or(&Value::Null) {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Object(map) if field.to_string() == "source" => {
            Cow::Borrowed(map.get("component").and_then(Value::as_str).unwrap_or_default())
        }
        other => Cow::Owned(other.to_string()),
    }
}

/// What [`same`] values have in common: their text, for those that are not made of others.
pub(super) fn scalar_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(_) | Value::Bool(_) => Some(Cow::Owned(value.to_string())),
        _ => None,
    }
}
