//! Labels whose value must be taken apart, or whose meaning depends on the metric: `shop/db-0`,
//! `serviceMonitor/shop/web/0`, the `name` of an Application.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

use super::condition::{Conditions, Facts};
use crate::rule::file::{Reader, Word};
use crate::rule::yaml::{Entry, Node};

/// How the value of a label tells terms.
#[derive(Clone, Debug, Default)]
pub(super) struct Composite {
    when: Conditions,
    unless: Conditions,
    /// The labels that may have the value, the most trusted first.
    labels: Vec<String>,
    /// Labels whose values make it up, with dots between them.
    join: Vec<String>,
    /// The pattern of the value; terms are groups of it.
    pattern: Option<Regex>,
    /// The terms, but for the namespace.
    pub(super) terms: Vec<Word>,
    /// It tells what belongs to the subject, and never the subject.
    pub(super) beside: bool,
}

/// Terms that belong together.
pub(in crate::rule) type Parts = BTreeMap<String, String>;

impl Composite {
    pub(super) fn read(node: &Node, reader: &mut Reader) -> Self {
        let mut read = Self::default();
        let known = ["when", "unless", "label", "join", "as", "beside"];
        for Entry { key, value, .. } in reader.fields(node, "a value", &known) {
            let mut words = |what| reader.words(value, what).into_iter().map(|w| w.text).collect();
            match key.as_str() {
                "when" => read.when = Conditions::read(value, reader),
                "unless" => read.unless = Conditions::read(value, reader),
                "label" => read.labels = words("label"),
                "join" => read.join = words("join"),
                "beside" => read.beside = value.value() == Value::Bool(true),
                _ => {
                    let Some(word) = reader.word(value, "as") else { continue };
                    match pattern(&word.text) {
                        Some((pattern, terms)) => {
                            let terms = terms.into_iter().filter(|term| term != "namespace");
                            let word = |text| Word { text, at: word.at };
                            read.terms = terms.map(word).collect();
                            read.pattern = Some(pattern);
                        }
                        None => reader.fault(word.at, "a pattern is like {namespace}/{pod}"),
                    }
                }
            }
        }
        read
    }

    /// The terms that the labels of a signal tell.
    pub(super) fn parts(&self, labels: &Map<String, Value>, facts: Facts<'_>) -> Option<Parts> {
        let label = |name: &String| labels.get(name)?.as_str().filter(|text| !text.is_empty());
        let value = if self.join.is_empty() {
            self.labels.iter().find_map(label)?.to_owned()
        } else {
            self.join.iter().map(label).collect::<Option<Vec<_>>>()?.join(".")
        };
        let pattern = self.pattern.as_ref()?;
        let found = pattern.captures(&value)?;
        if !self.when.all(facts) || self.unless.any(facts) {
            return None;
        }
        let names = pattern.capture_names().flatten();
        Some(names.map(|name| (name.to_owned(), found[name].to_owned())).collect())
    }
}

/// The regular expression of a pattern, and its terms. `{x}` is as much as has no separator in
/// it, or everything if the pattern has no other text, or a uid if it ends so; `*` is anything.
fn pattern(text: &str) -> Option<(Regex, Vec<String>)> {
    let whole = text.starts_with('{') && text.find('}') == Some(text.len() - 1);
    let part = if whole { ".+" } else { "[^/:;_]+" };
    let mut out = String::from("^(?s:");
    let mut terms = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (term, after) = after.split_once('}')?;
        out.push_str(&regex::escape(before).replace("\\*", ".*"));
        let part = if term.ends_with("uid") { "[0-9a-f-]{32,36}" } else { part };
        out.extend(["(?<", term, ">", part, ")"]);
        terms.push(term.to_owned());
        rest = after;
    }
    out.push_str(&regex::escape(rest).replace("\\*", ".*"));
    out.push_str(")$");
    (!terms.is_empty()).then_some(())?;
    Some((Regex::new(&out).ok()?, terms))
}
