//! The selector of logs: the Pods and containers that wrote them, or LogQL.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::journal::Journal;
use super::object::fields;
use crate::model::{
    Body, Compact, Demand, LogQl, Object, Selector, SelectorError, UniqueMap, is_matchers,
    trace_id, trace_id_of,
};

/// Which log lines.
#[derive(Clone, Debug)]
pub enum LogSelector {
    /// Those of some Pods; every log store understands this.
    Pods(PodLogs),
    /// Those in the journal of a Node; for stores that collect journals.
    Journal(Journal),
    /// Those that a LogQL query selects; for Loki only.
    LogQl(LogQl),
}

/// The logs of some Pods. What is left out is not restricted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PodLogs {
    /// The names of containers, sorted; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<String>,
    /// Labels of the Pods.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "UniqueMap::read")]
    pub labels: BTreeMap<String, String>,
    /// The name of the Pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace of the Pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Whether only the lines of the containers' previous run are meant.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub previous: bool,
    /// The trace that the lines belong to: 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl LogSelector {
    /// Reads the Pods or the journal of a text that is canonical already; `None` if it may not be.
    pub(super) fn canonical(text: &str) -> Option<Self> {
        let mut pods = PodLogs::default();
        let mut journal = Journal::default();
        let (mut of_pods, mut of_node) = (false, false);
        Compact::read(text, |reader, key| {
            match key {
                "node" => reader.text()?.clone_into(&mut journal.node),
                "units" => journal.units = reader.list()?,
                "containers" => pods.containers = reader.list()?,
                "labels" => pods.labels = reader.texts()?,
                "name" => pods.name = Some(reader.text()?.to_owned()),
                "namespace" => pods.namespace = Some(reader.text()?.to_owned()),
                _ => return None,
            }
            of_pods |= !matches!(key, "node" | "units");
            of_node |= key == "node";
            Some(())
        })?;
        match (of_pods, of_node) {
            (true, false) if journal.units.is_empty() => Some(Self::Pods(pods)),
            (false, true) => Some(Self::Journal(journal)),
            _ => None,
        }
    }

    /// Reads `{namespace: …, name: …}`, `{node: …, units: […]}` or `{namespace="…"} |= "…"`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let text = text.trim();
        if is_matchers(text) {
            return LogQl::parse(text).map(Self::LogQl);
        }
        if !text.starts_with('{') {
            return Err(SelectorError::at(
                0,
                "a log selector starts with {: write {namespace: shop, name: db-0}, or LogQL \
                 that gives lines, as {namespace=\"shop\"} |= \"error\"",
            ));
        }
        // The name of a key may be written with escapes.
        let named = text.contains("node") || text.contains('\\');
        let journal = named.then(|| SelectorError::parse_yaml::<Journal>(text));
        if let Some(Ok(mut journal)) = journal {
            journal.units.sort();
            journal.units.dedup();
            return Ok(Self::Journal(journal));
        }
        let journal = journal.and_then(Result::err).filter(|_| text.contains("node:"));
        let mut pods: PodLogs =
            SelectorError::parse_yaml(text).map_err(|fault| journal.unwrap_or(fault))?;
        pods.containers.sort();
        pods.containers.dedup();
        if let Some(trace) = &mut pods.trace {
            *trace = trace_id(trace).ok_or_else(|| {
                SelectorError::new("trace is an id of up to 32 hexadecimal digits")
            })?;
        }
        Ok(Self::Pods(pods))
    }
}

impl Selector for LogSelector {
    fn text(&self) -> String {
        match self {
            Self::Pods(pods) => serde_json::to_string(pods).unwrap_or_default(),
            Self::Journal(journal) => serde_json::to_string(journal).unwrap_or_default(),
            Self::LogQl(query) => query.text(),
        }
    }

    fn elsewhere(&self) -> Option<String> {
        match self {
            Self::Journal(journal) => Some(journal.advice("nothing of this journal was found")),
            Self::Pods(_) | Self::LogQl(_) => None,
        }
    }

    fn matches(&self, object: &Object) -> Option<bool> {
        match self {
            Self::Pods(pods) => pods.matches(&object.body),
            Self::Journal(journal) => journal.matches(&object.body),
            Self::LogQl(query) => {
                let labels = object.body.get("labels");
                let label = |name: &str| labels?.get(name)?.as_str();
                query.matches(object.text("/body").unwrap_or_default(), label)
            }
        }
    }

    fn demands(&self) -> Vec<Demand> {
        let Self::Pods(pods) = self else { return Vec::new() };
        let wanted = [("pod", &pods.name), ("namespace", &pods.namespace)];
        let given = wanted.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
        given.map(|(key, value)| Demand::of(&[key], value)).collect()
    }
}

impl PodLogs {
    /// Whether a log line's body is selected; `None` if it does not tell the container. A line
    /// that does not carry the label of its Pod is not selected by it.
    fn matches(&self, body: &Body) -> Option<bool> {
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let same = |wanted: &Option<String>, key: &str| {
            wanted.as_deref().is_none_or(|wanted| text(key) == Some(wanted))
        };
        let previous = body.get("previous").and_then(Value::as_bool).unwrap_or(false);
        if !same(&self.namespace, "namespace")
            || !same(&self.name, "pod")
            || self.previous && !previous
        {
            return Some(false);
        }
        let container = text("container");
        if let Some(container) = container
            && !self.containers.is_empty()
            && !self.containers.iter().any(|wanted| wanted == container)
        {
            return Some(false);
        }
        let labelled = self.labels.iter().all(|(name, wanted)| {
            pod_label(body.get("labels"), name).is_some_and(|value| value == wanted)
        });
        let known = self.containers.is_empty() || container.is_some();
        let line = || trace_id_of(fields(body), body.text("/body").unwrap_or_default());
        if labelled && (self.trace.is_none() || self.trace == line()) {
            known.then_some(true)
        } else {
            Some(false)
        }
    }
}

/// The value of a Pod's label, under any of the names that log stores give to it.
fn pod_label<'l>(labels: Option<&'l Value>, name: &str) -> Option<&'l str> {
    let labels = labels?;
    label_names(name).iter().find_map(|name| labels.get(name)?.as_str())
}

/// The names under which a Pod's label may appear on a stream.
pub(super) fn label_names(name: &str) -> Vec<String> {
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let mut names = vec![name.to_owned(), safe.clone()];
    for prefix in ["kubernetes_labels_", "k8s_pod_label_", "k8s_pod_labels_", "label_", "labels_"] {
        names.push(format!("{prefix}{safe}"));
    }
    names.dedup();
    names
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
