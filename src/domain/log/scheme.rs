//! In which words a Loki server tells where a line comes from: in labels of its streams, in
//! structured metadata, or in fields of lines that are JSON. Several collectors may write to one
//! server, each with a scheme of its own.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::client::loki::{Entry, Stream};
use crate::model::{MatchOp, Matcher, Vocabulary};

/// Labels that nearly every stream has one of, for servers whose streams name no namespace.
const ANCHORS: [&str; 6] = ["job", "service_name", "log_type", "exporter", "source", "app"];

/// Where a name is found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In a stream label.
    Label(String),
    /// In structured metadata.
    Metadata(String),
    /// In a field of a JSON line, by its path: `kubernetes.pod_name`.
    Field(String),
}

/// One way in which the server names things.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scheme {
    pub(super) namespace: Option<Place>,
    pub(super) pod: Place,
    pub(super) container: Option<Place>,
    /// A label that every stream of the scheme has.
    pub(super) anchor: String,
}

/// What is known of the words of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Schemes {
    /// The labels of its streams.
    pub(super) labels: BTreeSet<String>,
    /// Its schemes, those of labels alone first.
    pub(super) all: Vec<Scheme>,
}

impl Place {
    /// The name that a filter or matcher has to use.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Label(name) | Self::Metadata(name) => name.clone(),
            Self::Field(path) => {
                let steps = steps(path);
                // A key with dots is the name of an attribute, whatever it stands in.
                let whole = steps.last().filter(|last| last.contains('.'));
                whole.map_or_else(|| steps.join("_"), |last| (*last).to_owned()).replace('.', "_")
            }
        }
    }

    fn shown(&self) -> &str {
        match self {
            Self::Label(name) | Self::Metadata(name) | Self::Field(name) => name,
        }
    }
}

impl Scheme {
    fn places(&self) -> impl Iterator<Item = &Place> {
        self.namespace.iter().chain([&self.pod])
    }

    /// `labels of promtail or Alloy: namespace, pod`.
    fn told(&self, words: &Vocabulary) -> String {
        let of = |kind: fn(&Place) -> bool| -> Vec<&str> {
            self.places().filter(|place| kind(place)).map(Place::shown).collect()
        };
        let by = self.places().find_map(|place| words.collector(place.shown()));
        let by = by.map(|name| format!(" of {name}")).unwrap_or_default();
        let parts = [
            ("labels", of(|place| matches!(place, Place::Label(_)))),
            ("structured metadata", of(|place| matches!(place, Place::Metadata(_)))),
            ("JSON fields", of(|place| matches!(place, Place::Field(_)))),
        ];
        let parts = parts.iter().filter(|(_, names)| !names.is_empty()).enumerate();
        let part = |(at, (kind, names)): (usize, &(&str, Vec<&str>))| {
            let by = if at == 0 { by.as_str() } else { "" };
            format!("{kind}{by}: {}", names.join(", "))
        };
        parts.map(part).collect::<Vec<_>>().join("; ")
    }
}

impl Schemes {
    /// What the labels of a server's streams tell. A namespace label goes with the Pod label that
    /// is built alike: `k8s_namespace_name` with `k8s_pod_name`.
    pub(super) fn of(labels: BTreeSet<String>, words: &Vocabulary) -> Self {
        let there = |term: &str| {
            let names = words.names("log", term).iter();
            names.filter(|name| labels.contains(*name)).cloned().collect::<Vec<String>>()
        };
        let (namespaces, pods, containers) = (there("namespace"), there("pod"), there("container"));
        let container =
            |name: &str, term: &str| alike(&containers, "container", name, term).map(Place::Label);
        if namespaces.is_empty() {
            let alone = |pod: &String| Scheme {
                namespace: None,
                pod: Place::Label(pod.clone()),
                container: container(pod, "pod"),
                anchor: pod.clone(),
            };
            let all = pods.iter().map(alone).collect();
            return Self { labels, all };
        }
        let single = |pod: &&String| alike(&namespaces, "namespace", pod, "pod").is_none();
        let odd = pods.iter().find(single);
        let scheme = |namespace: &String| {
            let known = words.names("log", "pod");
            let paired = alike(&pods, "pod", namespace, "namespace");
            let pod = paired.or_else(|| odd.cloned()).map_or_else(
                || {
                    let name = alike(known, "pod", namespace, "namespace");
                    Place::Metadata(name.unwrap_or_else(|| "pod".to_owned()))
                },
                Place::Label,
            );
            Scheme {
                namespace: Some(Place::Label(namespace.clone())),
                pod,
                container: container(namespace, "namespace"),
                anchor: namespace.clone(),
            }
        };
        let all = namespaces.iter().map(scheme).collect();
        Self { labels, all }
    }

    /// The query for lines from which the rest can be learned; `None` if the labels tell all.
    pub(super) fn sample(&self) -> Option<String> {
        let anchor = if self.all.is_empty() {
            let usual = ANCHORS.into_iter().find(|name| self.labels.contains(*name));
            usual.or_else(|| self.labels.first().map(String::as_str))?
        } else {
            &self.all.iter().find(|scheme| !matches!(scheme.pod, Place::Label(_)))?.anchor
        };
        let any = Matcher::new(anchor, MatchOp::Regex, ".+").ok()?;
        Some(Matcher::selector(&[any]))
    }

    /// Takes over what lines show.
    pub(super) fn learn(&mut self, sample: &[Stream], words: &Vocabulary) {
        let mut found = BTreeSet::new();
        for stream in sample {
            let lines = stream.entries.iter();
            found.extend(lines.filter_map(|line| Self::seen(&stream.labels, line, words)));
        }
        if found.is_empty() {
            return;
        }
        self.all.retain(|known| {
            let guessed = !matches!(known.pod, Place::Label(_));
            !(guessed && found.iter().any(|seen| seen.anchor == known.anchor))
        });
        self.all.extend(found);
    }

    /// The scheme of a line.
    fn seen(labels: &Map<String, Value>, line: &Entry, words: &Vocabulary) -> Option<Scheme> {
        let json: Option<Value> = serde_json::from_str(&line.line).ok();
        let find = |term: &str| {
            let names = || words.names("log", term).iter();
            let label = names().find(|name| labels.contains_key(*name)).cloned();
            let has = |name: &&String| line.metadata.iter().any(|(key, _)| **key == ***name);
            let field = || {
                let mut paths = words.names("json", term).iter();
                paths.find(|path| at(json.as_ref(), path).is_some_and(Value::is_string)).cloned()
            };
            let metadata = || names().find(has).cloned().map(Place::Metadata);
            label.map(Place::Label).or_else(metadata).or_else(|| field().map(Place::Field))
        };
        let (namespace, pod) = (find("namespace"), find("pod")?);
        let label = |place: &Place| match place {
            Place::Label(name) => Some(name.clone()),
            _ => None,
        };
        let usual = ANCHORS.into_iter().map(str::to_owned).chain(labels.keys().cloned());
        let anchor = namespace
            .as_ref()
            .and_then(label)
            .or_else(|| label(&pod))
            .or_else(|| usual.into_iter().find(|name| labels.contains_key(name)))?;
        Some(Scheme { namespace, pod, container: find("container"), anchor })
    }

    /// Which words the server was found to use.
    pub(super) fn told(&self, words: &Vocabulary) -> String {
        let told: Vec<String> = self.all.iter().map(|scheme| scheme.told(words)).collect();
        told.join("; ")
    }
}

/// The keys of a path: `kubernetes.pod_name`, `resources["k8s.pod.name"]`.
fn steps(path: &str) -> Vec<&str> {
    match path.split_once("[\"") {
        Some((start, key)) => {
            let key = key.strip_suffix("\"]").unwrap_or(key);
            start.split('.').filter(|step| !step.is_empty()).chain([key]).collect()
        }
        None => path.split('.').collect(),
    }
}

fn at<'v>(json: Option<&'v Value>, path: &str) -> Option<&'v Value> {
    steps(path).into_iter().try_fold(json?, |value, step| value.get(step))
}

/// The name that differs from another only by the term in it.
fn alike(names: &[String], term: &str, other: &str, other_term: &str) -> Option<String> {
    names.iter().find(|name| name.replace(term, "") == other.replace(other_term, "")).cloned()
}
