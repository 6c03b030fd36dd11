//! What is kept of the pages of a list: for each query its objects in the window, up to the
//! limit, with a mark of what was cut.

use std::sync::Arc;

use chrono::TimeDelta;

use super::index::Index;
use super::plan::{Ask, Request};
use super::query::Selector;
use crate::model::{Cut, Found, Object, Query, Scope};

/// The objects kept so far, for each query of one request.
pub(super) struct Keep<'q> {
    queries: Vec<(&'q Query, Kept)>,
    index: Index,
    scope: Scope,
    /// The server has selected by labels and fields already.
    selected: bool,
    /// Every object has to be seen before some are chosen.
    events: bool,
    stopped: Option<(&'static str, Option<usize>)>,
}

#[derive(Default)]
struct Kept {
    objects: Vec<Arc<Object>>,
    /// Selected, but not there in the window.
    outside: usize,
}

impl<'q> Keep<'q> {
    pub(super) fn new(queries: Vec<&'q Query>, request: &Request, scope: Scope) -> Self {
        let selected = request.parts.is_empty() && matches!(request.ask, Ask::List { .. });
        let index = Index::new(queries.iter().map(|query| query.selector()), selected);
        Self {
            index,
            queries: queries.into_iter().map(|query| (query, Kept::default())).collect(),
            scope,
            selected,
            events: request.class.kind() == "Event",
            stopped: None,
        }
    }

    /// How many objects to ask for at once: no more than will be shown, if all will be.
    pub(super) fn page_size(&self, most: usize) -> usize {
        let all_shown = self.selected
            && !self.events
            && !self.queries.iter().any(|(query, _)| {
                query.selector::<Selector>().is_none_or(Selector::has_client_side)
            });
        if all_shown { self.scope.limit.clamp(1, most) } else { most }
    }

    /// Takes a page.
    pub(super) fn page(&mut self, objects: &[Arc<Object>]) {
        for object in objects {
            for place in self.index.candidates(object) {
                let (query, kept) = &mut self.queries[place];
                let wanted = match query.selector::<Selector>() {
                    Some(selector) if self.selected => selector.accepts_body(&object.body),
                    _ => query.matches(object) == Some(true),
                };
                if !wanted {
                    continue;
                }
                if self.scope.window.overlaps(object.time, object.end) {
                    kept.objects.push(Arc::clone(object));
                } else {
                    kept.outside += 1;
                }
            }
        }
    }

    /// Forgets all pages, for a list that begins anew.
    pub(super) fn clear(&mut self) {
        self.queries.iter_mut().for_each(|(_, kept)| *kept = Kept::default());
    }

    /// Whether no query needs another page.
    pub(super) fn full(&self) -> bool {
        self.queries.iter().all(|(query, kept)| {
            found_by_name(query, kept) || !self.events && kept.objects.len() >= self.scope.limit
        })
    }

    /// There were more pages, perhaps with this many objects.
    pub(super) fn stopped(&mut self, by: &'static str, remaining: Option<usize>) {
        self.stopped = Some((by, remaining));
    }

    /// The same answer for all queries: nothing, and why.
    pub(super) fn nothing(self, note: &str) -> Vec<Found> {
        let found = Found { note: Some(note.to_owned()), ..Found::default() };
        vec![found; self.queries.len()]
    }

    /// What was found for each query.
    pub(super) fn found(self) -> Vec<Found> {
        let Self { queries, scope, events, stopped, .. } = self;
        let of_query = |(query, kept): (&Query, Kept)| {
            let total = kept.objects.len();
            let whole = found_by_name(query, &kept);
            let objects = choose(kept.objects, scope, events);
            let cut = match stopped.filter(|_| !whole) {
                Some((by, remaining)) => {
                    let plain = query.selector_text() == "{}" || only_namespace(query);
                    let more = remaining.filter(|_| plain && kept.outside == 0);
                    let total = more.map(|more| more + total);
                    Some(Cut { shown: objects.len(), total, by })
                }
                None if objects.len() < total => {
                    Some(Cut { shown: objects.len(), total: Some(total), by: "limit" })
                }
                None => None,
            };
            let note = (kept.outside > 0)
                .then(|| format!("{} more outside of the time window", kept.outside));
            Found { objects, cut, missing: None, note }
        };
        queries.into_iter().map(of_query).collect()
    }
}

/// Whether the one object that a query can have was found.
fn found_by_name(query: &Query, kept: &Kept) -> bool {
    let selector = query.selector::<Selector>();
    let named = selector.is_some_and(|it| it.name.is_some() && it.namespace.is_some());
    named && kept.objects.len() + kept.outside > 0
}

fn only_namespace(query: &Query) -> bool {
    query.selector::<Selector>().is_some_and(|selector| {
        *selector == Selector { namespace: selector.namespace.clone(), ..Selector::default() }
    })
}

/// No more objects than the limit. Of Events those nearest to the focus and the newest, newest
/// first; of others the first ones in the order of the server, which is that of their names.
fn choose(mut objects: Vec<Arc<Object>>, scope: Scope, events: bool) -> Vec<Arc<Object>> {
    if events {
        objects.sort_by(|a, b| (b.time, &a.id).cmp(&(a.time, &b.id)));
    }
    if objects.len() <= scope.limit {
        return objects;
    }
    let Some(focus) = scope.focus.filter(|_| events) else {
        objects.truncate(scope.limit);
        return objects;
    };
    let mut older = objects.split_off(scope.limit / 2);
    older.sort_by_key(|event| event.time.map_or(TimeDelta::MAX, |time| (time - focus).abs()));
    older.truncate(scope.limit - objects.len());
    older.sort_by(|a, b| (b.time, &a.id).cmp(&(a.time, &b.id)));
    objects.append(&mut older);
    objects
}
