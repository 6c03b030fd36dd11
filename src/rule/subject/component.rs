//! Components: what only the meaning of an alert tells. Which metrics and scrape jobs are a
//! component's own, and what it is in each distribution.

use serde_json::{Map, Value, json};

use super::condition::Globs;
use super::expression::Reads;
use crate::model::Matcher;
use crate::rule::file::Reader;
use crate::rule::yaml::{Entry, Kind, Node};

/// An entry of the section `components`.
#[derive(Clone, Debug, Default)]
pub(super) struct Component {
    /// For people.
    pub(super) name: String,
    /// The metrics that tell of it.
    metrics: Globs,
    /// Scrape jobs that have its name.
    jobs: Globs,
    /// A few of those, which a regular expression for the label `job` may name.
    named: Vec<String>,
    /// Its job alone tells nothing, since most of its metrics are about others.
    reporter: bool,
    /// What it may be: `{kind, apiVersion, namespace, name, labels}`.
    is: Vec<Map<String, Value>>,
}

/// Where a signal comes from, as far as its labels tell.
pub(super) struct Scene<'l> {
    /// Only what is in a namespace of OpenShift can be meant.
    pub(super) openshift: bool,
    /// The namespace of the labels.
    pub(super) namespace: Option<&'l str>,
    /// The namespace of the Prometheus that evaluated the alert.
    pub(super) stack: Option<&'l str>,
}

impl Component {
    pub(super) fn read(name: &str, node: &Node, reader: &mut Reader) -> Self {
        let mut read = Self { name: name.to_owned(), ..Self::default() };
        for Entry { key, value, .. } in
            reader.fields(node, "a component", &["metrics", "jobs", "reporter", "is"])
        {
            match key.as_str() {
                "reporter" => read.reporter = value.value() == Value::Bool(true),
                "metrics" => read.metrics = Globs::read(value, reader),
                "jobs" => {
                    read.jobs = Globs::read(value, reader);
                    let words = reader.words(value, "jobs").into_iter().map(|word| word.text);
                    read.named = words.filter(|word| !word.contains('*')).collect();
                }
                _ => {
                    let items = reader.items(value, "is");
                    read.is = items.iter().filter_map(|item| object(item, reader)).collect();
                }
            }
        }
        read
    }

    pub(super) fn owns(&self, reads: &Reads) -> bool {
        self.metrics.accept_any(&reads.metrics)
    }

    /// Whether it is scraped under a job, which labels may tell, or the expression.
    pub(super) fn is_scraped(&self, job: Option<&str>, reads: &Reads) -> bool {
        let asked = |job: &Matcher| self.named.iter().any(|name| job.is_match(name));
        let silent = self.reporter && reads.metrics.is_empty();
        !silent && (job.is_some_and(|job| self.jobs.accept(job)) || reads.jobs.iter().any(asked))
    }

    /// What it may be, for templates: `{kind, apiVersion, select, pods}`.
    pub(super) fn places(&self, scene: &Scene<'_>) -> Vec<Value> {
        let place = |object: &Map<String, Value>| {
            let mut select = object.clone();
            let kind = select.remove("kind")?;
            let api = select.remove("apiVersion").unwrap_or_else(|| "v1".into());
            let cluster = select.remove("cluster").is_some();
            let stack = select.remove("beside").is_some();
            let home = scene.namespace.or(scene.stack.filter(|_| stack));
            match select.get("namespace").and_then(Value::as_str) {
                Some(own) if scene.openshift && !own.starts_with("openshift-") => return None,
                None if stack && home.is_none() => return None,
                None if !cluster => {
                    select.extend(home.map(|home| ("namespace".to_owned(), home.into())));
                }
                _ => {}
            }
            // Which of its Pods has an address; where there is one on each Node, the Node tells more.
            let one = matches!(kind.as_str(), Some("Pod" | "Deployment" | "StatefulSet"));
            let text = |key: &str| select.get(key).cloned().unwrap_or_else(|| json!({}));
            let pods = json!({"labels": text("labels"), "match": text("match")});
            let pods = (one && !select.contains_key("name")).then_some(pods);
            Some(json!({"kind": kind, "apiVersion": api, "select": select, "pods": pods}))
        };
        self.is.iter().filter_map(place).collect()
    }
}

fn object(node: &Node, reader: &mut Reader) -> Option<Map<String, Value>> {
    let known = ["kind", "apiVersion", "cluster", "beside", "namespace", "name", "labels", "match"];
    let fields = reader.fields(node, "an object of a component", &known);
    let there = |wanted: &str| fields.iter().any(|entry| entry.key == wanted);
    if !there("kind") || !["name", "labels", "match"].into_iter().any(there) {
        if matches!(node.kind, Kind::Map(_)) {
            reader.fault(node.at, "an object of a component needs kind, and name, labels or match");
        }
        return None;
    }
    Some(fields.iter().map(|entry| (entry.key.clone(), entry.value.value())).collect())
}
