//! What a line tells of where its server keeps names: the labels of its stream, its metadata and,
//! if it is JSON, its fields.

use serde_json::{Map, Value};

use super::place::{Place, steps};
use crate::client::loki::Entry;

/// A line that is looked at.
pub(super) struct Seen<'l> {
    labels: &'l Map<String, Value>,
    line: &'l Entry,
    json: Option<Value>,
}

impl<'l> Seen<'l> {
    pub(super) fn new(labels: &'l Map<String, Value>, line: &'l Entry) -> Self {
        Self { labels, line, json: serde_json::from_str(&line.line).ok() }
    }

    /// The value of a label.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).and_then(Value::as_str)
    }

    fn metadata(&self, name: &str) -> Option<&str> {
        let pair = self.line.metadata.iter().find(|(key, _)| **key == *name);
        pair.map(|(_, value)| value.as_str())
    }

    fn field(&self, path: &str) -> Option<&str> {
        steps(path).into_iter().try_fold(self.json.as_ref()?, |at, step| at.get(step))?.as_str()
    }

    /// All places of some names where a value fits; of labels and metadata by `names`, of fields
    /// by `paths`.
    pub(super) fn places<N: AsRef<str>>(
        &self,
        names: &[N],
        paths: &[N],
        fit: impl Fn(&str) -> bool,
    ) -> Vec<Place> {
        let is = |value: Option<&str>| value.is_some_and(|value| !value.is_empty() && fit(value));
        let of = |names: &[N], has: &dyn Fn(&str) -> bool, make: fn(String) -> Place| {
            let there = names.iter().map(AsRef::as_ref).filter(|name| has(name));
            there.map(|name| make(name.to_owned())).collect::<Vec<_>>()
        };
        [
            of(names, &|name| is(self.label(name)), Place::Label),
            of(names, &|name| is(self.metadata(name)), Place::Metadata),
            of(paths, &|path| is(self.field(path)), Place::Field),
        ]
        .concat()
    }

    /// A label that the stream has: the first of some, or any.
    pub(super) fn anchor(&self, usual: &[&str]) -> Option<String> {
        let usual = usual.iter().copied().find(|name| self.labels.contains_key(*name));
        usual.map(str::to_owned).or_else(|| self.labels.keys().next().cloned())
    }
}
