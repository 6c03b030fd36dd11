//! A search: a pure state machine. `new` gives the first queries, `receive` takes answers and
//! gives the next ones. The tree is a function of the start, the rules and the answers by query,
//! never of the order in which answers came. An answer changes only what follows from it: nodes
//! have a fixed order of turns, and those that it reaches have theirs again ([`settle`]).

mod alternatives;
mod draft;
mod expand;
mod few;
mod objects;
mod place;
mod queries;
mod settle;
mod show;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::plan::Plan;
use super::progress::Fault;
use crate::graph::{Node, Run, Shared, Tree, Weight};
use crate::model::{Alternatives, Answer, Class, Object, Query, Scope};
use draft::{Draft, Held, Turn};
use objects::Objects;
use queries::Queries;

/// What a search needs to know of the rules. Rules are named by their number, which also breaks
/// ties between paths of the same cost.
pub trait Rules: Send + Sync {
    /// The rules that start at a class, in order of their number.
    fn starting_at(&self, class: &Class) -> Vec<usize>;
    /// The name and cost of a rule.
    fn rule(&self, rule: usize) -> (Arc<str>, u32);
    /// The queries that each of the rules makes of an object, or what went wrong; empty where a
    /// rule does not apply.
    fn apply(&self, object: &Object, rules: &[usize]) -> Vec<Result<Alternatives, String>>;
    /// Sets an object's severity and status.
    fn judge(&self, _object: &mut Object) {}
}

/// Bounds on a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many queries one node may make; the rest are marked as skipped, but for those that say
    /// whether others are asked.
    pub queries: usize,
    /// How many objects of one node are expanded; those that look the same to every rule count
    /// as one.
    pub objects: usize,
}

impl Bounds {
    /// Bounds that go with a limit of objects per query: lifting one lifts the others.
    pub fn for_limit(limit: usize) -> Self {
        Self { queries: limit.max(LEAST), objects: limit.max(LEAST) }
    }
}

/// What a search may do at the least, however low its limit is.
const LEAST: usize = 200;

impl Default for Bounds {
    fn default() -> Self {
        Self::for_limit(1000)
    }
}

/// Where a search begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// Objects of one class.
    pub objects: Vec<Arc<Object>>,
    /// The query that found them and what became of it, if one did.
    pub asked: Option<Run>,
    /// What every call carries.
    pub scope: Scope,
}

/// A query that a search wants to be asked.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The query.
    pub query: Query,
    /// The node that wants it first. Its number stays the same throughout the search; it is not
    /// an index into the tree.
    pub node: usize,
    /// What a path through the node costs at the least: up to it, and from there to the nearest
    /// goal. What costs least should go first.
    pub cost: u32,
}

/// The state of a search.
pub struct Search {
    rules: Arc<dyn Rules>,
    plan: Plan,
    bounds: Bounds,
    start: Start,
    focus: DateTime<Utc>,
    queries: Queries,
    objects: Objects,
    drafts: Vec<Draft>,
    /// The drafts that are part of the tree, in its order.
    rows: Vec<usize>,
    /// Those that have their turn.
    turns: BinaryHeap<Reverse<(Arc<Turn>, usize)>>,
    wanted: Vec<Wanted>,
    faults: Vec<Fault>,
    faults_changed: bool,
    tree: Arc<Tree>,
    /// The tree is not up to date.
    changed: bool,
    over: bool,
}

impl Search {
    /// A search from objects of one class. Returns it with the queries to ask first.
    pub fn new(
        rules: Arc<dyn Rules>,
        plan: Plan,
        bounds: Bounds,
        start: Start,
    ) -> (Self, Vec<Wanted>) {
        let mut search = Self {
            rules,
            plan,
            bounds,
            focus: start.scope.focus.unwrap_or(start.scope.window.end),
            start,
            queries: Queries::default(),
            objects: Objects::default(),
            drafts: Vec::new(),
            rows: Vec::new(),
            turns: BinaryHeap::new(),
            wanted: Vec::new(),
            faults: Vec::new(),
            faults_changed: false,
            tree: Arc::default(),
            changed: true,
            over: false,
        };
        search.root();
        let first = search.settle_all();
        (search, first)
    }

    /// Takes answers, in any order and number; returns the queries that they call for, in the
    /// order of the turns of their nodes. An answer to a query that was not asked is ignored.
    pub fn receive(&mut self, answers: Vec<Answer>) -> Vec<Wanted> {
        if self.over {
            return Vec::new();
        }
        for answer in answers {
            if let Some(number) = self.queries.end(answer, &mut self.objects) {
                self.call_on(number);
                self.go_on(number);
            }
        }
        self.settle_all()
    }

    /// Gives up what is pending; what has been found stands.
    pub fn cancel(&mut self) {
        self.over = true;
        for number in self.queries.pending() {
            self.call_on(number);
        }
        self.settle_all();
    }

    /// Whether it may come to queries of a domain.
    pub fn comes_to(&self, domain: &str) -> bool {
        self.plan.comes_to(domain)
    }

    /// Whether nothing is pending.
    pub fn finished(&self) -> bool {
        self.over || self.queries.used().1 == 0
    }

    /// Whether it was given up while something was pending.
    pub fn cancelled(&self) -> bool {
        self.over && self.queries.used().1 > 0
    }

    /// (queries that have ended, all queries of the tree), each counted once.
    pub fn progress(&self) -> (usize, usize) {
        let (all, open) = self.queries.used();
        let all = all + usize::from(!self.drafts.is_empty() && self.start.asked.is_some());
        (all - open, all)
    }

    /// What has been found so far. What has not changed since the last call is shared with what
    /// that returned; where nothing has, it is the same tree.
    pub fn tree(&mut self) -> Arc<Tree> {
        if std::mem::take(&mut self.changed) {
            self.tree = Arc::new(self.show());
        }
        Arc::clone(&self.tree)
    }

    /// The rules that failed on an object, sorted.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter()
    }

    fn root(&mut self) {
        let Some(class) = self.start.objects.first().map(|object| object.class.clone()) else {
            return;
        };
        let node = Node {
            key: class.to_string().into(),
            parent: None,
            children: Vec::new(),
            rule: None,
            class,
            cost: 0,
            members: Shared::default(),
            runs: self.start.asked.iter().cloned().map(Shared::from).collect(),
            end: None,
            score: 0.0,
            left_out: 0,
            goal: false,
        };
        let mut draft = Draft::new(None, Turn::first(), node);
        self.outlook(&mut draft);
        self.drafts.push(draft);
        self.rows.push(0);
        let mut known = HashSet::new();
        for (place, object) in self.start.objects.clone().into_iter().enumerate() {
            let part = self.objects.part(object);
            if part.object.class == self.drafts[0].node.class && known.insert(part.number) {
                let weight = Weight::of(&part.object, self.focus);
                let held =
                    Held { at: self.drafts[0].shown.len(), ..Held::new(part, weight, (0, place)) };
                let held = self.hold(0, held);
                self.drafts[0].shown.push(((0, place), held));
                self.admit(0, held);
            }
        }
        self.mark(0);
    }

    /// Lets those that use a query look at it again.
    fn call_on(&mut self, query: usize) {
        let users = self.queries.get(query).users.to_vec();
        for (at, call) in users {
            self.drafts[at].work.answered.push(call);
            self.mark(at);
        }
    }

    fn settle_all(&mut self) -> Vec<Wanted> {
        while let Some(Reverse((_, at))) = self.turns.pop() {
            self.changed = true;
            self.settle(at);
        }
        if std::mem::take(&mut self.faults_changed) {
            let drafts = self.rows.iter().map(|&at| &self.drafts[at]);
            let faults: BTreeSet<&Fault> = drafts.flat_map(|draft| &draft.faults).collect();
            self.faults = faults.into_iter().cloned().collect();
        }
        std::mem::take(&mut self.wanted)
    }
}

#[cfg(test)]
mod tests;
