//! In which words a Loki server tells where a line comes from: in labels of its streams, in
//! structured metadata, in fields of lines that are JSON, or in paths of log files. Several
//! collectors may write to one server, each with a scheme of its own.

use std::collections::BTreeSet;

use tokio::sync::OnceCell;

use super::journal::Journals;
use super::place::{Place, of_job, of_path};
use super::seen::Seen;
use crate::client::loki::Stream;
use crate::model::{MatchOp, Matcher, Vocabulary};

/// Labels that nearly every stream has one of, for servers whose streams name no namespace.
pub(super) const ANCHORS: [&str; 6] =
    ["job", "log_type", "exporter", "source", "app", "service_name"];

/// How many of these are looked at.
const LOOKED_AT: usize = 3;

/// The most schemes of one server.
const MOST: usize = 8;

/// One way in which the server names things.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scheme {
    /// How costly it is to select by it, in steps: 0 for labels, 1 for metadata, 2 for fields.
    cost: usize,
    pub(super) namespace: Option<Place>,
    pub(super) pod: Place,
    pub(super) container: Option<Place>,
    /// Where the Node is, if only reading the line tells.
    pub(super) node: Option<Place>,
    /// A label that every stream of the scheme has.
    pub(super) anchor: String,
    /// Labels of Pods that streams of more trusted schemes have, and these do not.
    pub(super) except: Vec<String>,
}

/// What is known of the words of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Schemes {
    /// The labels of its streams.
    pub(super) labels: BTreeSet<String>,
    /// Its schemes, those of labels alone first.
    pub(super) all: Vec<Scheme>,
    /// How it keeps journals of Nodes, once somebody has asked for one.
    pub(super) journals: OnceCell<Vec<Journals>>,
}

impl Scheme {
    fn new(namespace: Option<Place>, pod: Place, container: Option<Place>, anchor: String) -> Self {
        let cost = namespace.iter().chain([&pod]).map(|place| match place {
            Place::Label(_) | Place::Job(_) => 0,
            Place::Metadata(_) => 1,
            Place::Field(_) => 2,
            Place::Path(_) => 3,
        });
        let cost = cost.max().unwrap_or_default();
        Self { cost, namespace, pod, container, node: None, anchor, except: Vec::new() }
    }

    /// Whether streams alone tell all.
    fn is_indexed(&self) -> bool {
        self.cost == 0 && self.namespace.is_some()
    }

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
        let mut parts = [
            ("labels", of(|place| matches!(place, Place::Label(_) | Place::Job(_)))),
            ("structured metadata", of(|place| matches!(place, Place::Metadata(_)))),
            ("JSON fields", of(|place| matches!(place, Place::Field(_)))),
            ("paths of files", of(|place| matches!(place, Place::Path(_)))),
        ];
        for (_, names) in &mut parts {
            names.dedup();
        }
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
        let mut known = Self::default();
        if namespaces.is_empty() {
            let alone = |pod: &String| {
                Scheme::new(None, Place::Label(pod.clone()), container(pod, "pod"), pod.clone())
            };
            known.all = pods.iter().map(alone).collect();
        }
        let single = |pod: &&String| alike(&namespaces, "namespace", pod, "pod").is_none();
        let odd = pods.iter().find(single);
        let scheme = |namespace: &String| {
            let names = words.names("log", "pod");
            let paired = alike(&pods, "pod", namespace, "namespace");
            let pod = paired.or_else(|| odd.cloned()).map_or_else(
                || {
                    let name = alike(names, "pod", namespace, "namespace");
                    Place::Metadata(name.unwrap_or_else(|| "pod".to_owned()))
                },
                Place::Label,
            );
            let space = Some(Place::Label(namespace.clone()));
            Scheme::new(space, pod, container(namespace, "namespace"), namespace.clone())
        };
        known.all.extend(namespaces.iter().map(scheme));
        known.labels = labels;
        known.order();
        known
    }

    /// Puts the schemes that are cheapest to select by first, and keeps the streams of these out
    /// of the others.
    fn order(&mut self) {
        self.all.sort_by_key(|scheme| scheme.cost);
        let mut taken: Vec<String> = Vec::new();
        for scheme in &mut self.all {
            let own = |name: &&String| !matches!(&scheme.pod, Place::Label(pod) if pod == *name);
            scheme.except = taken.iter().filter(own).cloned().collect();
            if let (true, Place::Label(pod)) = (scheme.is_indexed(), &scheme.pod) {
                taken.push(pod.clone());
            }
        }
    }

    /// Selectors of streams of which lines have to be looked at: those that name a namespace and
    /// no Pod, and those that name neither. No stream is selected twice.
    pub(super) fn samples(&self) -> Vec<Vec<Matcher>> {
        let any = |name: &str| Matcher::new(name, MatchOp::Regex, ".+").ok();
        let none = |name: &String| Matcher::equal(name, "");
        let mut named: Vec<String> = Vec::new();
        let mut all = Vec::new();
        for scheme in &self.all {
            let mut selector: Vec<Matcher> = any(&scheme.anchor).into_iter().collect();
            let pod = match &scheme.pod {
                Place::Label(pod) if *pod != scheme.anchor => Some(pod),
                _ => None,
            };
            selector.extend(named.iter().chain(pod).map(none));
            all.push(selector);
            named.push(scheme.anchor.clone());
        }
        all.extend(self.strangers());
        all
    }

    /// Selectors of streams that name no namespace, as far as labels that are usual tell them.
    pub(super) fn strangers(&self) -> Vec<Vec<Matcher>> {
        let naming = |scheme: &&Scheme| {
            let mut places = scheme.namespace.iter().chain([&scheme.pod]);
            places.any(|place| is_label(place) && place.name() == scheme.anchor)
        };
        let named = self.all.iter().filter(naming).map(|scheme| scheme.anchor.clone());
        let mut named: Vec<String> = named.collect();
        named.sort();
        named.dedup();
        let usual = ANCHORS.into_iter().map(str::to_owned);
        let usual: Vec<String> = usual.filter(|name| self.labels.contains(name)).collect();
        let first = || self.labels.iter().find(|name| !named.contains(name)).cloned();
        let other = usual.is_empty() && self.all.is_empty();
        let anchors = if other { first().into_iter().collect() } else { usual };
        let mut all = Vec::new();
        let fresh = |name: &String| !named.contains(name);
        let anchors: Vec<String> = anchors.into_iter().filter(fresh).take(LOOKED_AT).collect();
        for anchor in anchors {
            let mut selector: Vec<Matcher> =
                Matcher::new(&anchor, MatchOp::Regex, ".+").into_iter().collect();
            selector.extend(named.iter().map(|name| Matcher::equal(name, "")));
            all.push(selector);
            named.push(anchor);
        }
        all
    }

    /// Stages that leave out lines of schemes that are known, so that others come to light.
    pub(super) fn unlike<'s>(schemes: impl Iterator<Item = &'s Scheme>) -> String {
        let mut stages = String::new();
        for place in schemes.map(|scheme| &scheme.pod).filter(|place| !is_label(place)) {
            if let Some(read) = place.read() {
                stages.push_str(&format!(" | json {read}"));
            }
            if let Some(absent) = place.there(false) {
                stages.push_str(&format!(" | {absent}"));
            }
        }
        stages
    }

    /// The schemes that some lines show.
    pub(super) fn shown(sample: &[Stream], words: &Vocabulary) -> BTreeSet<Scheme> {
        let mut found = BTreeSet::new();
        for stream in sample {
            let lines = stream.entries.iter();
            let seen = lines.map(|line| Seen::new(&stream.labels, line));
            found.extend(seen.filter_map(|line| Self::seen(&line, words)));
        }
        found
    }

    /// Takes over what lines show.
    pub(super) fn learn(&mut self, found: BTreeSet<Scheme>) {
        if found.is_empty() {
            return;
        }
        self.all.retain(|known| {
            let same = |seen: &Scheme| seen.anchor == known.anchor || seen.pod == known.pod;
            known.is_indexed() || !found.iter().any(same)
        });
        for seen in found {
            let same = |known: &&mut Scheme| {
                (&known.namespace, &known.pod, &known.anchor)
                    == (&seen.namespace, &seen.pod, &seen.anchor)
            };
            if let Some(known) = self.all.iter_mut().find(same) {
                // Not every line of a collector tells all.
                known.container = known.container.take().or(seen.container);
                known.node = known.node.take().or(seen.node);
            } else if self.all.len() < MOST {
                self.all.push(seen);
            }
        }
        self.order();
    }

    /// The scheme of a line.
    fn seen(line: &Seen<'_>, words: &Vocabulary) -> Option<Scheme> {
        let find = |term: &str, fit: &dyn Fn(&str) -> bool| {
            let places = line.places(words.names("log", term), words.names("json", term), fit);
            places.into_iter().next()
        };
        let plain = |term: &str| find(term, &|_| true);
        let path = find("path", &|path| of_path(path).is_some());
        let path = path.map(|place| Place::Path(Box::new(place)));
        let pod = plain("pod").or_else(|| path.clone())?;
        let job = || {
            let of_job = |name: &&str| line.label(name).and_then(of_job).is_some();
            Some("job").filter(of_job).map(|name| Place::Job(name.to_owned()))
        };
        let namespace = plain("namespace").or_else(|| path.clone()).or_else(job);
        let container = plain("container").or(path);
        let anchored = |place: &Place| place.indexed().then(|| place.name());
        let anchor = namespace
            .as_ref()
            .and_then(anchored)
            .or_else(|| anchored(&pod))
            .or_else(|| line.anchor(&ANCHORS))?;
        let node = plain("node").filter(|place| matches!(place, Place::Field(_)));
        Some(Scheme { node, ..Scheme::new(namespace, pod, container, anchor) })
    }

    /// Which words the server was found to use, scheme by scheme.
    pub(super) fn told(&self, words: &Vocabulary) -> Vec<String> {
        let journals = self.journals.get().into_iter().flatten().map(Journals::told);
        self.all.iter().map(|scheme| scheme.told(words)).chain(journals).collect()
    }
}

fn is_label(place: &Place) -> bool {
    matches!(place, Place::Label(_))
}

/// The name that differs from another only by the term in it.
fn alike(names: &[String], term: &str, other: &str, other_term: &str) -> Option<String> {
    names.iter().find(|name| name.replace(term, "") == other.replace(other_term, "")).cloned()
}
