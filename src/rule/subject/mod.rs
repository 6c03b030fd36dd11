//! What labels are about: the most specific label names the subject, unless it belongs to the
//! messenger, the exporter that reports on somebody else.

mod address;
mod component;
mod composite;
mod condition;
mod expression;

use serde_json::{Map, Value, json};

use self::component::{Component, Scene};
use self::composite::{Composite, OBJECT};
use self::condition::{Conditions, Facts, Globs};
use self::expression::Reads;
use super::file::Reader;
use super::template::Labels;
use super::yaml::{Entry, Kind, Node};
use crate::model::{Domains, Object, Vocabulary, clean};

pub(super) use address::address;
pub(super) use composite::Parts;
pub(super) use expression::expression;

/// Labels of the target that is scraped. What an expression asks of them tells the exporter.
const TARGET: [&str; 7] =
    ["job", "instance", "service", "endpoint", "container", "metrics_path", "prometheus"];

/// The term of what no label names.
const COMPONENT: &str = "component";

/// The term of what is called like the scrape job, where nothing tells in which namespace.
const EXPORTER: &str = "exporter";

/// The sections `subjects` and `components` of the rule files.
#[derive(Clone, Debug, Default)]
pub(super) struct Subjects {
    /// Terms, the most specific first.
    order: Vec<String>,
    /// Terms for what is in no namespace, whatever the labels say.
    cluster: Vec<String>,
    /// Terms that mean nothing without a namespace.
    placed: Vec<String>,
    /// Metrics that tell of other things than the exporter.
    reports: Globs,
    messengers: Vec<Messenger>,
    values: Vec<Composite>,
    components: Vec<Component>,
}

/// Says when labels are about the exporter.
#[derive(Clone, Debug, Default)]
struct Messenger {
    /// All of these must hold.
    when: Conditions,
    /// None of these may hold.
    unless: Conditions,
    /// Names of labels that are the exporter's own.
    hides: Vec<String>,
}

/// What a signal is about.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) term: String,
    pub(super) value: String,
    /// Its namespace; `None` if it is in none or nothing tells.
    pub(super) namespace: Option<String>,
    /// The terms that stand in the same value.
    pub(super) parts: Parts,
}

impl Subjects {
    /// Takes over a section: its lists of terms replace, its other entries are added.
    pub(super) fn extend(
        &mut self,
        node: &Node,
        words: &Vocabulary,
        domains: &Domains,
        reader: &mut Reader,
    ) {
        let known = ["order", "cluster", "placed", "reports", "messengers", "values"];
        let mut lists = Vec::new();
        for Entry { key, value, .. } in reader.fields(node, "subjects", &known) {
            match key.as_str() {
                "order" | "cluster" | "placed" => lists.push((key, reader.words(value, key))),
                "reports" => self.reports = Globs::read(value, reader),
                "messengers" => {
                    let items = reader.items(value, "messengers");
                    self.messengers.extend(items.iter().map(|item| messenger(item, reader)));
                }
                _ => {
                    let items = reader.items(value, "values");
                    let read = items.iter().map(|item| Composite::read(item, domains, reader));
                    self.values.extend(read);
                }
            }
        }
        for (key, list) in lists {
            for word in &list {
                let values = self.values.iter().flat_map(|value| &value.terms);
                let terms = words.terms().chain(values.map(|term| term.text.as_str()));
                let terms: Vec<&str> = terms.chain([COMPONENT, EXPORTER, OBJECT]).collect();
                if !terms.contains(&word.text.as_str()) {
                    reader.fault(word.at, super::pattern::unknown("term", &word.text, terms));
                }
            }
            let list = list.into_iter().map(|word| word.text).collect();
            match key.as_str() {
                "order" => self.order = list,
                "cluster" => self.cluster = list,
                _ => self.placed = list,
            }
        }
    }

    /// Takes over a section `components`; one of a known name replaces it.
    pub(super) fn components(&mut self, node: &Node, reader: &mut Reader) {
        let Kind::Map(entries) = &node.kind else {
            reader.fault(node.at, "components must be a map: name -> component");
            return;
        };
        for Entry { key, value, .. } in entries {
            let read = Component::read(key, value, reader);
            match self.components.iter_mut().find(|known| known.name == *key) {
                Some(known) => *known = read,
                None => self.components.push(read),
            }
        }
    }

    /// The labels of an object, and what they are about.
    pub(super) fn read(&self, object: &Object, words: &Vocabulary) -> Labels {
        let carrier = object.class.domain().to_owned();
        // What labels are to other signals is the resource to a span.
        let place = if carrier == "trace" { "resource" } else { "labels" };
        let Some(all) = object.body.get(place).and_then(Value::as_object) else {
            return Labels { carrier, ..Labels::default() };
        };
        let reads = Reads::of(&object.body);
        let mut own = all.clone();
        for (name, value) in &reads.labels {
            if !TARGET.contains(&name.as_str()) && !own.contains_key(name) {
                own.insert(name.clone(), value.as_str().into());
            }
        }
        let everything = own.clone();
        let facts = Facts { body: &object.body, labels: &everything, reads: &reads };
        let mut hidden = Map::new();
        for messenger in &self.messengers {
            if messenger.when.all(facts) && !messenger.unless.any(facts) {
                for name in &messenger.hides {
                    hidden.extend(own.remove_entry(name));
                }
            }
        }
        let mut labels = Labels { carrier, own, hidden, ..Labels::default() };
        let (beside, values): (Vec<_>, Vec<_>) = self.values.iter().partition(|one| one.beside);
        let read = |values: Vec<&Composite>, from: &Map<String, Value>| -> Vec<Parts> {
            values.iter().filter_map(|value| value.parts(from, facts)).collect()
        };
        let values = read(values, &labels.own);
        labels.beside = read(beside, &everything);
        let job = labels.own.get("job").and_then(Value::as_str).map(str::to_owned);
        let job = job.or_else(|| reads.labels.get("job").cloned());
        let component = self.component(&everything, &reads);
        labels.component = component.map_or(json!([]), |found| places(found, all, &labels, words));
        // Where the namespace is the messenger's, what is scraped is the messenger too.
        let scraped = |_: &&str| !labels.hidden.contains_key("namespace");
        let component = component.map(|component| component.name.as_str()).filter(scraped);
        let exporter = job.as_deref().filter(scraped);
        let exporter = exporter.filter(|_| !self.reports.accept_any(&reads.metrics));
        let subject = self.order.iter().find_map(|term| {
            let told = match term.as_str() {
                COMPONENT => component,
                EXPORTER => exporter,
                _ => None,
            };
            self.subject(term, &values, &labels, told, words)
        });
        labels.subject = subject;
        labels
    }

    fn subject(
        &self,
        term: &str,
        values: &[Parts],
        labels: &Labels,
        told: Option<&str>,
        words: &Vocabulary,
    ) -> Option<Subject> {
        let parts = values.iter().find(|parts| parts.terms.contains_key(term)).cloned();
        let parts = parts.unwrap_or_default();
        let plain = || words.read(&labels.carrier, term, &labels.own);
        let part = parts.terms.get(term).map(String::as_str);
        let value = part.or(told).or_else(plain)?.to_owned();
        if self.placed.iter().any(|placed| placed == term)
            && words.read(&labels.carrier, "namespace", &labels.own).is_none()
        {
            return None;
        }
        let namespace = if parts.cluster || self.cluster.iter().any(|cluster| cluster == term) {
            None
        } else {
            let own = || words.read(&labels.carrier, "namespace", &labels.own);
            parts.terms.get("namespace").map(String::as_str).or_else(own).map(str::to_owned)
        };
        Some(Subject { term: term.to_owned(), value, namespace, parts })
    }

    /// The component that a signal comes from, unless it tells of something else.
    fn component(&self, labels: &Map<String, Value>, reads: &Reads) -> Option<&Component> {
        let told = labels.get("job").and_then(Value::as_str);
        let job = told.or_else(|| reads.labels.get("job").map(String::as_str));
        let others = self.reports.accept_any(&reads.metrics);
        let by_job = |one: &&Component| !others && one.is_scraped(job, reads);
        let mut all = self.components.iter();
        all.clone().find(by_job).or_else(|| all.find(|one| one.owns(reads)))
    }

    /// What a signal is about, for people: `shop/db-0`, `node-4`, empty if unknown.
    pub(super) fn about(&self, object: &Object, words: &Vocabulary) -> String {
        let labels = self.read(object, words);
        let Some(subject) = &labels.subject else { return String::new() };
        match subject.namespace.as_ref().filter(|_| subject.term != COMPONENT) {
            Some(namespace) => clean(&format!("{namespace}/{}", subject.value)),
            None => clean(&subject.value),
        }
    }
}

/// What a component may be, given the labels of a signal.
fn places(
    component: &Component,
    all: &Map<String, Value>,
    labels: &Labels,
    words: &Vocabulary,
) -> Value {
    let prometheus = all.get("prometheus").and_then(Value::as_str).unwrap_or_default();
    let stack = prometheus.split_once('/').map(|(namespace, _)| namespace);
    let scene = Scene {
        openshift: prometheus.starts_with("openshift-")
            || all.contains_key("openshift_io_alert_source"),
        namespace: words.read(&labels.carrier, "namespace", &labels.own),
        stack,
    };
    json!(component.places(&scene))
}

fn messenger(node: &Node, reader: &mut Reader) -> Messenger {
    let mut read = Messenger::default();
    for Entry { key, value, .. } in reader.fields(node, "a messenger", &["when", "unless", "hides"])
    {
        match key.as_str() {
            "when" => read.when = Conditions::read(value, reader),
            "unless" => read.unless = Conditions::read(value, reader),
            _ => read.hides = reader.words(value, "hides").into_iter().map(|w| w.text).collect(),
        }
    }
    read
}
