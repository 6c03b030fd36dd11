//! A search: a pure state machine. `new` gives the first queries, `receive` takes answers and
//! gives the next ones. The tree is a function of the start, the rules and the answers by query,
//! never of the order in which answers came: it is built anew from all answers known so far.

mod build;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::plan::Plan;
use super::progress::Fault;
use crate::graph::{Node, Run, Tree};
use crate::model::{Answer, Class, Found, Object, Query, Scope, StoreError};

/// What a search needs to know of the rules. Rules are named by their number, which also breaks
/// ties between paths of the same cost.
pub trait Rules: Send + Sync {
    /// The rules that start at a class, in order of their number.
    fn starting_at(&self, class: &Class) -> Vec<usize>;
    /// The name and cost of a rule.
    fn rule(&self, rule: usize) -> (Arc<str>, u32);
    /// The queries that each of the rules makes of an object, or what went wrong; empty where a
    /// rule does not apply.
    fn apply(&self, object: &Object, rules: &[usize]) -> Vec<Result<Vec<Query>, String>>;
    /// Sets an object's severity and status.
    fn judge(&self, _object: &mut Object) {}
}

/// Bounds on a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many queries one node may make; the rest are marked as skipped.
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

/// A class and a group of its objects that look the same to every rule.
type Group = (Class, Arc<str>);

/// The state of a search.
pub struct Search {
    rules: Arc<dyn Rules>,
    plan: Plan,
    bounds: Bounds,
    start: Start,
    answers: HashMap<Query, Reply>,
    applied: HashMap<Group, BTreeMap<usize, Arc<[Query]>>>,
    faults: BTreeSet<Fault>,
    /// The numbers of the nodes that there have been, by their keys.
    numbers: HashMap<Arc<str>, usize>,
    tree: Arc<Tree>,
    over: bool,
}

enum Reply {
    Pending,
    Ended(Result<Found, StoreError>, f64),
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
            start,
            answers: HashMap::new(),
            applied: HashMap::new(),
            faults: BTreeSet::new(),
            numbers: HashMap::new(),
            tree: Arc::default(),
            over: false,
        };
        let first = search.rebuild();
        (search, first)
    }

    /// Takes answers, in any order and number; returns the queries that they call for, those on
    /// cheap paths first. An answer to a query that was not asked is ignored.
    pub fn receive(&mut self, answers: Vec<Answer>) -> Vec<Wanted> {
        let mut changed = false;
        for answer in answers {
            let Some(reply) = self.answers.get_mut(&answer.query) else { continue };
            if !matches!(reply, Reply::Pending) || self.over {
                continue;
            }
            *reply = Reply::Ended(answer.result, answer.took.as_secs_f64());
            changed = true;
        }
        if changed { self.rebuild() } else { Vec::new() }
    }

    /// Gives up what is pending; what has been found stands.
    pub fn cancel(&mut self) {
        self.over = true;
        self.rebuild();
    }

    /// Whether nothing is pending.
    pub fn finished(&self) -> bool {
        self.over || !self.tree.nodes.iter().any(Node::pending)
    }

    /// Whether it was given up while something was pending.
    pub fn cancelled(&self) -> bool {
        self.tree.nodes.iter().any(Node::cancelled)
    }

    /// What has been found so far.
    pub fn tree(&self) -> Arc<Tree> {
        Arc::clone(&self.tree)
    }

    /// The rules that failed on an object, sorted.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter()
    }

    fn rebuild(&mut self) -> Vec<Wanted> {
        let (nodes, wanted) = build::build(self);
        let mut tree = Tree { nodes };
        tree.rank(self.start.scope.focus, self.start.scope.window);
        self.tree = Arc::new(tree);
        wanted
    }

    /// The queries that the rules make of an object, each rule asked once per group of objects.
    fn queries(&mut self, object: &Object, rules: &[usize]) -> Vec<Arc<[Query]>> {
        let key = (object.class.clone(), Arc::clone(&object.group));
        let known = self.applied.entry(key).or_default();
        let missing: Vec<usize> =
            rules.iter().copied().filter(|rule| !known.contains_key(rule)).collect();
        if !missing.is_empty() {
            let made = self.rules.apply(object, &missing);
            for (rule, made) in missing.into_iter().zip(made) {
                let queries = made.unwrap_or_else(|message| {
                    let (rule, _) = self.rules.rule(rule);
                    let object = format!("{} {}", object.class, object.id);
                    self.faults.insert(Fault { rule, message, object });
                    Vec::new()
                });
                known.insert(rule, queries.into());
            }
        }
        rules.iter().filter_map(|rule| known.get(rule).cloned()).collect()
    }
}

#[cfg(test)]
mod tests;
