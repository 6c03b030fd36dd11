//! Stores that answer from a recording, without a network and without a clock.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde_json::Value;

use super::pick;
use super::{Outcome, Recording};
use crate::model::{
    Answer, Class, Cut, Domains, ErrorKind, Found, Object, Query, Ranked, Scope, Source,
    SourceState, Store, StoreError,
};

/// Answers the queries of one domain from a recording.
///
/// A query is answered by the objects that it [matches](Query::matches); one that cannot be
/// decided locally by the answer that was recorded for it. Answers take no time of their own.
pub struct ReplayStore {
    shelves: Arc<Shelves>,
    calls: AtomicU64,
    /// The source, but for its calls.
    source: Source,
}

/// One store for each of the domains, by its name.
///
/// `found` says what brought the recording (`--replay` or `--demo`), `url` names the file. Each
/// store has one source of kind `replay`, named as its domain.
pub fn stores(
    recording: &Recording,
    domains: &Domains,
    found: &str,
    url: &str,
) -> Vec<(String, Arc<dyn Store>)> {
    let store = |name: &str| ReplayStore {
        shelves: Arc::new(Shelves::new(recording, domains, name)),
        calls: AtomicU64::new(0),
        source: Source {
            name: name.to_owned(),
            kind: "replay".to_owned(),
            via: "file".to_owned(),
            url: url.to_owned(),
            found: found.to_owned(),
            state: SourceState::Ok,
            ..Source::default()
        },
    };
    let names = domains.iter().map(|domain| domain.name());
    names.map(|name| (name.to_owned(), Arc::new(store(name)) as Arc<dyn Store>)).collect()
}

impl Store for ReplayStore {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let calls = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        self.calls.fetch_add(calls, Ordering::Relaxed);
        let shelves = Arc::clone(&self.shelves);
        let name = self.source.name.clone();
        let answer = move |Ranked { query, .. }| {
            let found = shelves.find(&query, &scope).ok_or_else(|| undecided(&query, &name));
            let result = shelves.as_it_was(&query, found);
            Answer { query, result, took: Duration::ZERO }
        };
        stream::iter(batch).map(answer).boxed()
    }

    fn sources(&self) -> Vec<Source> {
        vec![Source { calls: self.calls.load(Ordering::Relaxed), ..self.source.clone() }]
    }
}

fn undecided(query: &Query, source: &str) -> StoreError {
    let message = format!("{query} cannot be answered from a recording");
    StoreError::new(ErrorKind::BadQuery, source, message)
        .hint("only the server understands this selector; use one that names labels")
}

/// The objects of one domain by class, and the answers to its odd queries.
struct Shelves {
    domains: Domains,
    /// Objects are made of the bodies when their class is first asked for.
    classes: HashMap<Class, (Arc<Vec<Value>>, OnceLock<Shelf>)>,
    answers: HashMap<Arc<str>, (Class, Vec<usize>)>,
    outcomes: HashMap<Arc<str>, Outcome>,
}

struct Shelf {
    /// As recorded.
    objects: Vec<Arc<Object>>,
    /// Of log lines whose bodies all say where they come from.
    streams: Option<Streams>,
}

/// Places in `objects` by namespace and by namespace and Pod.
#[derive(Default)]
struct Streams {
    spaces: HashMap<String, Vec<usize>>,
    pods: HashMap<(String, String), Vec<usize>>,
}

impl Shelves {
    fn new(recording: &Recording, domains: &Domains, domain: &str) -> Self {
        let of_domain = recording.bodies.iter().filter(|(class, _)| class.domain() == domain);
        let classes = of_domain
            .map(|(class, bodies)| (class.clone(), (Arc::clone(bodies), OnceLock::new())))
            .collect();
        let domains = domains.clone();
        let answers = recording.answers.iter().filter(|(_, (class, _))| class.domain() == domain);
        let outcomes = recording.outcomes.iter().filter(|(_, (class, _))| class.domain() == domain);
        Self {
            domains,
            classes,
            answers: answers.map(|(text, at)| (text.clone(), at.clone())).collect(),
            outcomes: outcomes.map(|(text, (_, o))| (text.clone(), o.clone())).collect(),
        }
    }

    /// The same with the failures and cuts that were recorded.
    fn as_it_was(
        &self,
        query: &Query,
        found: Result<Found, StoreError>,
    ) -> Result<Found, StoreError> {
        let Some(outcome) = self.outcomes.get(query.text()) else { return found };
        if let Some(error) = &outcome.error {
            return Err(error.clone());
        }
        let mut found = found?;
        found.missing.clone_from(&outcome.missing);
        if let (None, Some((shown, total))) = (&found.cut, outcome.cut) {
            found.cut = Some(Cut { shown, total, by: "limit" });
        }
        Ok(found)
    }

    /// The answer, or `None` if the recording cannot tell.
    fn find(&self, query: &Query, scope: &Scope) -> Option<Found> {
        let of_class = self.classes.get(query.class()).map(|(bodies, shelf)| {
            shelf.get_or_init(|| Shelf::new(query.class(), bodies, &self.domains))
        });
        let recorded = self.answers.get(query.text());
        let found = match (of_class, recorded) {
            (None, _) => Vec::new(),
            (Some(all), Some((_, places))) => all.at(places),
            (Some(all), None) => all.matching(query)?,
        };
        let shown = found.iter().filter_map(|object| pick::in_window(object, &scope.window));
        Some(pick::limit(shown.collect(), scope))
    }
}

impl Shelf {
    fn new(class: &Class, bodies: &[Value], domains: &Domains) -> Self {
        let built = bodies.iter().filter_map(|body| domains.object(class, body.clone()).ok());
        let objects: Vec<_> = built.map(Arc::new).collect();
        let streams = (class.domain() == "log").then(|| Streams::new(&objects)).flatten();
        Self { objects, streams }
    }

    fn at(&self, places: &[usize]) -> Vec<Arc<Object>> {
        places.iter().filter_map(|at| self.objects.get(*at)).map(Arc::clone).collect()
    }

    /// The objects that the query selects, or `None` if it cannot be told for one of them.
    fn matching(&self, query: &Query) -> Option<Vec<Arc<Object>>> {
        let mut found = Vec::new();
        let mut take = |object: &Arc<Object>| {
            if query.matches(object)? {
                found.push(Arc::clone(object));
            }
            Some(())
        };
        match self.candidates(query) {
            Some(places) => places.iter().try_for_each(|at| take(&self.objects[*at]))?,
            None => self.objects.iter().try_for_each(take)?,
        }
        Some(found)
    }

    /// The places that can match, where the selector is JSON with a namespace.
    fn candidates(&self, query: &Query) -> Option<&[usize]> {
        let streams = self.streams.as_ref()?;
        let selector: Value = serde_json::from_str(query.selector_text()).ok()?;
        let namespace = selector.get("namespace")?.as_str()?.to_owned();
        let places = match selector.get("name").and_then(Value::as_str) {
            Some(pod) => streams.pods.get(&(namespace, pod.to_owned())),
            None => streams.spaces.get(&namespace),
        };
        Some(places.map_or(&[], Vec::as_slice))
    }
}

impl Streams {
    fn new(lines: &[Arc<Object>]) -> Option<Self> {
        let mut streams = Self::default();
        for (at, line) in lines.iter().enumerate() {
            let (space, pod) = (line.text("/namespace")?, line.text("/pod")?);
            streams.spaces.entry(space.to_owned()).or_default().push(at);
            streams.pods.entry((space.to_owned(), pod.to_owned())).or_default().push(at);
        }
        Some(streams)
    }
}
