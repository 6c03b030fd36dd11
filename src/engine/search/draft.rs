//! A node in the making. Drafts, calls and objects keep their numbers as long as they are there;
//! the order in which a tree shows them is kept apart, so that one that comes or goes moves none
//! of the others.

use std::collections::HashMap;
use std::sync::Arc;

use super::few::Few;
use super::objects::Part;
use crate::engine::progress::Fault;
use crate::graph::{Node, Run, Shared, Weight};
use crate::model::{Class, Object};

/// When a node's turn is: cheapest first, then by the parent's turn, rule and class. It does not
/// depend on what came when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// The costs of the nodes from here up to the root.
    costs: Vec<u32>,
    /// The rules and classes from the root down to here.
    steps: Vec<(usize, Class)>,
}

impl Turn {
    pub(super) fn first() -> Self {
        Self { costs: vec![0], steps: Vec::new() }
    }

    pub(super) fn then(&self, cost: u32, rule: usize, class: &Class) -> Self {
        let costs = std::iter::once(cost).chain(self.costs.iter().copied()).collect();
        let step = (rule, class.clone());
        Self { costs, steps: self.steps.iter().cloned().chain([step]).collect() }
    }

    /// Where the node stands in a tree: by the parent's turn, then by rule and class.
    pub(super) fn row(&self) -> (&[u32], &[(usize, Class)]) {
        (&self.costs[1..], &self.steps)
    }
}

/// A node in the making.
pub(super) struct Draft {
    pub(super) parent: Option<usize>,
    pub(super) turn: Arc<Turn>,
    /// What is known of the node; its place in a tree is set when it is shown.
    pub(super) node: Node,
    /// What a path through here costs at the least.
    pub(super) total: u32,
    /// Which goals the path has been at.
    pub(super) reached: u64,
    /// The draft further up that has the same class; then the path ends here.
    pub(super) above: Option<usize>,
    /// The drafts further down that have the same class.
    pub(super) echoes: Vec<usize>,
    /// The rules worth following, sorted.
    pub(super) rules: Vec<usize>,
    pub(super) outlook: Outlook,
    /// The children by rule and class.
    pub(super) ways: HashMap<(usize, usize), Way>,
    pub(super) calls: Vec<Call>,
    pub(super) spare_calls: Vec<usize>,
    /// The calls in the order shown.
    pub(super) order: Vec<usize>,
    pub(super) held: Vec<Held>,
    pub(super) spare_held: Vec<usize>,
    /// The objects in the order shown, as (place of the call, place in its answer), object.
    pub(super) shown: Vec<((usize, usize), usize)>,
    /// How many objects are not expanded elsewhere.
    pub(super) open: usize,
    /// How many of those no rule is applied to because of a limit.
    pub(super) held_back: usize,
    pub(super) faults: Vec<Fault>,
    pub(super) work: Work,
    pub(super) stale: Stale,
    /// What the objects are worth for themselves.
    pub(super) own: f64,
    /// A query is not answered, or failed.
    pub(super) undone: bool,
    /// A query tells where else to look for what was not found.
    pub(super) elsewhere: bool,
}

/// How a path may go on from a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// By rules that start there.
    Open,
    /// No rule starts there.
    Leaf,
    /// A path may not go there: it only tells whether alternatives are asked.
    Probe,
}

/// A rule and a class to which it leads from a draft.
#[derive(Clone, Copy)]
pub(super) struct Way {
    /// A path may go there.
    pub(super) open: bool,
    pub(super) child: Option<usize>,
}

/// What is to be looked at when the draft's turn comes.
#[derive(Default)]
pub(super) struct Work {
    /// It has its turn.
    pub(super) queued: bool,
    /// Calls came or went, or the parent's objects changed places.
    pub(super) calls: bool,
    /// Calls that have an answer now.
    pub(super) answered: Vec<usize>,
    /// Objects that may have come onto the path or left it.
    pub(super) held: Vec<usize>,
    /// Objects that make more queries, since others found nothing.
    pub(super) due: Vec<usize>,
}

/// What has changed since it was shown last.
#[derive(Default)]
pub(super) struct Stale {
    pub(super) runs: bool,
    pub(super) members: bool,
}

/// A query of a draft.
pub(super) struct Call {
    pub(super) query: usize,
    /// The parent's objects that made it, as (object, place among what was made of it); none if
    /// the call has gone.
    pub(super) makers: Few<(usize, usize)>,
    /// Its place in the order shown.
    pub(super) at: usize,
    /// Whether other queries are asked depends on it.
    pub(super) guard: bool,
    /// `None` before its first turn.
    pub(super) state: Option<State>,
    /// It was answered without a failure.
    pub(super) done: bool,
    pub(super) run: Shared<Run>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Ended,
    Cancelled,
    Skipped,
}

/// An object of a draft.
pub(super) struct Held {
    pub(super) part: Part,
    pub(super) weight: Weight,
    /// Where it comes from, as (call, place in its answer); nowhere if it has gone.
    pub(super) sources: Few<(usize, usize)>,
    /// Its place in the order shown; `NOWHERE` if it is not.
    pub(super) at: usize,
    /// The group under which rules were applied to it; `NOWHERE` if none were.
    pub(super) expanded: usize,
    /// How much of what is due in that group it makes.
    pub(super) makes: usize,
    /// It came since the last turn.
    pub(super) fresh: bool,
    /// It is expanded on a cheaper path.
    pub(super) seen: bool,
    /// It is on the path already, so it is not shown.
    pub(super) barred: bool,
}

/// No number.
pub(super) const NOWHERE: usize = usize::MAX;

impl Held {
    pub(super) fn new(part: Part, weight: Weight, source: (usize, usize)) -> Self {
        Self {
            part,
            weight,
            sources: Few::One(source),
            at: NOWHERE,
            expanded: NOWHERE,
            makes: 0,
            fresh: true,
            seen: false,
            barred: false,
        }
    }

    pub(super) fn object(&self) -> &Arc<Object> {
        &self.part.object
    }
}

impl Draft {
    pub(super) fn new(parent: Option<usize>, turn: Turn, node: Node) -> Self {
        Self {
            parent,
            turn: Arc::new(turn),
            node,
            total: 0,
            reached: 0,
            above: None,
            echoes: Vec::new(),
            rules: Vec::new(),
            outlook: Outlook::Open,
            ways: HashMap::new(),
            calls: Vec::new(),
            spare_calls: Vec::new(),
            order: Vec::new(),
            held: Vec::new(),
            spare_held: Vec::new(),
            shown: Vec::new(),
            open: 0,
            held_back: 0,
            faults: Vec::new(),
            work: Work::default(),
            stale: Stale { runs: true, members: true },
            own: 0.0,
            undone: false,
            elsewhere: false,
        }
    }

    /// Whether it is part of the tree.
    pub(super) fn alive(&self) -> bool {
        self.parent.is_none() || !self.order.is_empty()
    }

    /// Whether no path goes on from here, whatever the rules say.
    pub(super) fn dead_end(&self) -> bool {
        self.outlook == Outlook::Probe || self.above.is_some()
    }

    /// Gives back the memory of a draft that is no longer part of the tree.
    pub(super) fn clear(&mut self) {
        self.calls = Vec::new();
        self.spare_calls = Vec::new();
        self.order = Vec::new();
        self.held = Vec::new();
        self.spare_held = Vec::new();
        self.shown = Vec::new();
        self.node.members = Shared::default();
        self.node.runs = Shared::default();
        self.stale = Stale { runs: true, members: true };
    }
}
