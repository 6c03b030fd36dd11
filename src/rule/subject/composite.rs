//! Labels whose value must be taken apart, or whose meaning depends on the metric: `shop/db-0`,
//! `serviceMonitor/shop/web/0`, the `name` of an Application.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

use super::condition::{Conditions, Facts};
use crate::model::Domains;
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
    /// The class of what the term [`OBJECT`] names; `{x}` stands for the value of a label.
    class: Option<String>,
    /// That class is in no namespace.
    cluster: bool,
}

/// The term of an object of a class that the value tells.
pub(super) const OBJECT: &str = "object";

/// Terms that belong together, and the class of an object.
#[derive(Clone, Debug, Default)]
pub(in crate::rule) struct Parts {
    pub(in crate::rule) terms: BTreeMap<String, String>,
    /// As in a query, without the domain: `Rollout.argoproj.io`.
    pub(in crate::rule) class: Option<String>,
    /// The class is in no namespace.
    pub(in crate::rule) cluster: bool,
}

impl Composite {
    pub(super) fn read(node: &Node, domains: &Domains, reader: &mut Reader) -> Self {
        let mut read = Self::default();
        let known = ["when", "unless", "label", "join", "as", "beside", "class", "cluster"];
        for Entry { key, value, .. } in reader.fields(node, "a value", &known) {
            let mut words = |what| reader.words(value, what).into_iter().map(|w| w.text).collect();
            match key.as_str() {
                "when" => read.when = Conditions::read(value, reader),
                "unless" => read.unless = Conditions::read(value, reader),
                "label" => read.labels = words("label"),
                "join" => read.join = words("join"),
                "beside" => read.beside = value.value() == Value::Bool(true),
                "cluster" => read.cluster = value.value() == Value::Bool(true),
                "class" => {
                    let Some(word) = reader.word(value, "class") else { continue };
                    // What labels make up is known only when they are there.
                    if !word.text.contains('{')
                        && let Err(fault) = domains.class(&format!("k8s:{}", word.text))
                    {
                        reader.fault(word.at, fault.to_string());
                    }
                    read.class = Some(word.text);
                }
                _ => {
                    let Some(word) = reader.word(value, "as") else { continue };
                    read.shape(&word, reader);
                }
            }
        }
        if read.class.is_some() && read.pattern.is_none() {
            read.shape(&Word { text: format!("{{{OBJECT}}}"), at: node.at }, reader);
        }
        read
    }

    /// Takes over the pattern of the value.
    fn shape(&mut self, word: &Word, reader: &mut Reader) {
        let Some((pattern, terms)) = pattern(&word.text) else {
            reader.fault(word.at, "a pattern is like {namespace}/{pod}");
            return;
        };
        let terms = terms.into_iter().filter(|term| term != "namespace");
        self.terms = terms.map(|text| Word { text, at: word.at }).collect();
        self.pattern = Some(pattern);
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
        let class = match &self.class {
            Some(class) => Some(filled(class, labels)?),
            None => None,
        };
        let names = pattern.capture_names().flatten();
        let terms = names.map(|name| (name.to_owned(), found[name].to_owned())).collect();
        Some(Parts { terms, class, cluster: self.cluster })
    }
}

/// The name of a class, in which `{x}` is the value of the label; `None` if there is none, or if
/// its value can be no part of a name.
fn filled(class: &str, labels: &Map<String, Value>) -> Option<String> {
    let mut out = String::new();
    let mut rest = class;
    while let Some((before, after)) = rest.split_once('{') {
        let (label, after) = after.split_once('}')?;
        let value = labels.get(label)?.as_str().filter(|text| !text.is_empty())?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        value.bytes().all(plain).then_some(())?;
        out.extend([before, value]);
        rest = after;
    }
    Some(out + rest)
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
