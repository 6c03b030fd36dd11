//! Stores that answer from a recording, without a network and without a clock.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::lines::shared;
use super::pick;
use super::{Outcome, Recording};
use crate::model::{
    Answer, Body, Class, Cut, Domains, ErrorKind, Found, Judge, Lookup, Object, Query, Ranked,
    Scope, Source, SourceState, Store, StoreError,
};

/// The most objects of a class that are kept as values: to look into text takes longer, and so few
/// need little memory.
const FEW: usize = 2000;

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
    mut recording: Recording,
    domains: &Domains,
    found: &str,
    url: &str,
) -> Vec<(String, Arc<dyn Store>)> {
    let mut store = |name: &str| {
        let shelves = Arc::new(Shelves::new(&mut recording, domains, name));
        let fault = shelves.fault();
        let source = Source {
            name: name.to_owned(),
            kind: "replay".to_owned(),
            via: "file".to_owned(),
            url: url.to_owned(),
            found: found.to_owned(),
            state: if fault.is_none() { SourceState::Ok } else { SourceState::Failed },
            error: fault.map(|fault| format!("when this was recorded: {}", fault.advice())),
            failure: fault.map(|fault| fault.kind),
            ..Source::default()
        };
        ReplayStore { shelves: Arc::clone(&shelves), calls: AtomicU64::new(0), source }
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

    fn judge_by(&self, judge: &Judge) {
        self.shelves.judge.get_or_init(|| Arc::clone(judge));
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
    judge: OnceLock<Judge>,
    classes: HashMap<Class, Shelf>,
    answers: HashMap<Arc<str>, (Class, Vec<usize>)>,
    outcomes: HashMap<Arc<str>, Outcome>,
}

/// The objects of a class, as recorded, made of their bodies when the class is first asked for.
struct Shelf {
    bodies: Mutex<Arc<Vec<Body>>>,
    objects: OnceLock<Vec<Arc<Object>>>,
    lookup: Lookup,
}

impl Shelves {
    fn new(recording: &mut Recording, domains: &Domains, domain: &str) -> Self {
        let of_domain = recording.bodies.iter_mut().filter(|(class, _)| class.domain() == domain);
        let shelf = |bodies: &mut Arc<Vec<Body>>| Shelf {
            bodies: Mutex::new(std::mem::take(bodies)),
            objects: OnceLock::new(),
            lookup: Lookup::default(),
        };
        let classes = of_domain.map(|(class, bodies)| (class.clone(), shelf(bodies))).collect();
        let domains = domains.clone();
        let answers = recording.answers.iter().filter(|(_, (class, _))| class.domain() == domain);
        let outcomes = recording.outcomes.iter().filter(|(_, (class, _))| class.domain() == domain);
        Self {
            domains,
            judge: OnceLock::new(),
            classes,
            answers: answers.map(|(text, at)| (text.clone(), at.clone())).collect(),
            outcomes: outcomes.map(|(text, (_, o))| (text.clone(), o.clone())).collect(),
        }
    }

    /// Why there is nothing of the domain, if its source failed when this was recorded.
    fn fault(&self) -> Option<&StoreError> {
        let faults = self.outcomes.values().filter_map(|outcome| outcome.error.as_ref());
        let faults = faults.filter(|fault| fault.kind != ErrorKind::BadQuery);
        faults.min_by_key(|fault| &fault.message).filter(|_| self.classes.is_empty())
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
        let Some(shelf) = self.classes.get(query.class()) else { return Some(Found::default()) };
        let objects = shelf.objects(query.class(), &self.domains, self.judge.get());
        let recorded = self.answers.get(query.text());
        let places = match recorded {
            Some((_, places)) => Cow::Borrowed(places.as_slice()),
            None => Cow::Owned(shelf.lookup.select(objects, query)?),
        };
        let found = places.iter().filter_map(|at| objects.get(*at));
        let shown = found.filter_map(|object| pick::in_window(object, &scope.window));
        Some(pick::limit(shown.collect(), scope))
    }
}

impl Shelf {
    fn objects(&self, class: &Class, domains: &Domains, judge: Option<&Judge>) -> &[Arc<Object>] {
        self.objects.get_or_init(|| {
            let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
            // What nobody else holds is moved, so that no body is there twice.
            let bodies = Arc::unwrap_or_clone(std::mem::take(&mut *bodies));
            let (mut groups, many) = (HashSet::new(), bodies.len() > FEW);
            let object = |body: Body| {
                let mut object = domains.object_of(class, body).ok()?;
                if let Some(judge) = judge {
                    judge(&mut object);
                    object.judged = true;
                }
                if many {
                    object.body = object.body.packed();
                }
                object.group = shared(&mut groups, &object.group);
                Some(Arc::new(object))
            };
            bodies.into_iter().filter_map(object).collect()
        })
    }
}
