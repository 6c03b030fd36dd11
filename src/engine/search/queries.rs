//! Every query of a search, each once: who uses it and what became of it.

use std::collections::HashMap;
use std::sync::Arc;

use super::draft::State;
use super::few::Few;
use super::objects::{Objects, Part};
use crate::graph::{Run, RunState, Shared};
use crate::model::{Answer, Class, Query};

/// The queries by number. A query keeps its answer even when nobody uses it any more, so that
/// none runs twice.
#[derive(Default)]
pub(super) struct Queries {
    numbers: HashMap<Query, usize>,
    classes: HashMap<Class, usize>,
    all: Vec<Asked>,
    /// How many are used by a call, and how many of those are waited for.
    used: (usize, usize),
}

/// A query.
pub(super) struct Asked {
    /// The number of its class among those of queries.
    pub(super) class: usize,
    pub(super) reply: Reply,
    /// What a node shows of it: pending until it has ended.
    pub(super) run: Shared<Run>,
    /// The objects of its class that it brought, each once.
    pub(super) parts: Arc<[Part]>,
    /// The calls that use it, as (draft, call).
    pub(super) users: Few<(usize, usize)>,
    /// What goes on if it finds nothing, as (group, its number among the tries there).
    pub(super) waits: Few<(usize, usize)>,
    /// How many calls show it, and how many of those are not skipped.
    shown: (usize, usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Unasked,
    Pending,
    Ended,
}

impl Asked {
    pub(super) fn query(&self) -> &Query {
        &self.run.query
    }

    pub(super) fn user(&self, draft: usize) -> Option<usize> {
        self.users.iter().find(|user| user.0 == draft).map(|user| user.1)
    }

    /// Whether it was answered in full, and there is nothing.
    pub(super) fn found_nothing(&self) -> bool {
        let Run { state, missing, cut, .. } = &*self.run;
        let whole = *state == RunState::Done && missing.is_none() && cut.is_none();
        self.reply == Reply::Ended && whole && self.parts.is_empty()
    }

    /// What a node shows that does not wait for it.
    pub(super) fn marked(&self, state: RunState) -> Shared<Run> {
        Run { state, ..Run::pending(self.query().clone()) }.into()
    }

    /// What it adds to (all queries used, those waited for).
    fn tally(&self) -> (usize, usize) {
        let waited = self.shown.1 > 0 && self.reply == Reply::Pending;
        (usize::from(self.shown.0 > 0), usize::from(waited))
    }
}

impl Queries {
    pub(super) fn number(&mut self, query: Query) -> usize {
        if let Some(&number) = self.numbers.get(&query) {
            return number;
        }
        let classes = self.classes.len();
        self.all.push(Asked {
            class: *self.classes.entry(query.class().clone()).or_insert(classes),
            reply: Reply::Unasked,
            run: Run::pending(query.clone()).into(),
            parts: Arc::default(),
            users: Few::None,
            waits: Few::None,
            shown: (0, 0),
        });
        let number = self.all.len() - 1;
        self.numbers.insert(query, number);
        number
    }

    pub(super) fn get(&self, number: usize) -> &Asked {
        &self.all[number]
    }

    pub(super) fn users(&mut self, number: usize) -> &mut Few<(usize, usize)> {
        &mut self.all[number].users
    }

    pub(super) fn waits(&mut self, number: usize) -> &mut Few<(usize, usize)> {
        &mut self.all[number].waits
    }

    /// Those that are waited for.
    pub(super) fn pending(&self) -> Vec<usize> {
        (0..self.all.len()).filter(|&number| self.all[number].reply == Reply::Pending).collect()
    }

    pub(super) fn ask(&mut self, number: usize) {
        self.change(number, |asked| asked.reply = Reply::Pending);
    }

    /// Takes an answer to a query that was asked and not answered yet; tells its number.
    pub(super) fn end(&mut self, answer: Answer, objects: &mut Objects) -> Option<usize> {
        let number = *self.numbers.get(&answer.query)?;
        if self.all[number].reply != Reply::Pending {
            return None;
        }
        let seconds = answer.took.as_secs_f64();
        let run = Run::answered(answer.query, &answer.result, seconds);
        let found = answer.result.map(|found| found.objects).unwrap_or_default();
        let mut parts: Vec<Part> = Vec::with_capacity(found.len());
        let mut known = std::collections::HashSet::with_capacity(found.len());
        for object in found.into_iter().filter(|object| object.class == *run.query.class()) {
            let part = objects.part(object);
            if known.insert(part.number) {
                parts.push(part);
            }
        }
        self.change(number, |asked| {
            asked.reply = Reply::Ended;
            asked.run = run.into();
            asked.parts = parts.into();
        });
        Some(number)
    }

    /// A call of a query goes from one state to another; `None` is no call.
    pub(super) fn count(&mut self, number: usize, from: Option<State>, to: Option<State>) {
        let weight = |state: Option<State>| {
            let needed = state.is_some_and(|state| state != State::Skipped);
            (usize::from(state.is_some()), usize::from(needed))
        };
        let (from, to) = (weight(from), weight(to));
        self.change(number, |asked| {
            asked.shown.0 = asked.shown.0 + to.0 - from.0;
            asked.shown.1 = asked.shown.1 + to.1 - from.1;
        });
    }

    fn change(&mut self, number: usize, change: impl FnOnce(&mut Asked)) {
        let asked = &mut self.all[number];
        let before = asked.tally();
        change(asked);
        let after = asked.tally();
        self.used.0 = self.used.0 + after.0 - before.0;
        self.used.1 = self.used.1 + after.1 - before.1;
    }

    /// How many queries are used by a node, and how many of those are waited for.
    pub(super) fn used(&self) -> (usize, usize) {
        self.used
    }
}
