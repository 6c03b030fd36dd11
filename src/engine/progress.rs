//! What a watcher of a search sees.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::graph::{Node, RunState, Tree};
use crate::model::{Class, ErrorKind, Source, Window};

/// The state of a search at one moment. A newer one replaces an older one whole.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The tree so far.
    pub tree: Arc<Tree>,
    /// The goals, empty for a search of neighbors.
    pub goals: Arc<[Class]>,
    /// The time range of every query.
    pub window: Window,
    /// The moment that matters most, if the start has one.
    pub focus: Option<DateTime<Utc>>,
    /// Queries that have ended.
    pub done: usize,
    /// Queries made, also those of branches that led to no goal.
    pub total: usize,
    /// Time since the search began, or that it took.
    pub elapsed: Duration,
    /// Nothing more will come.
    pub finished: bool,
    /// It was given up, by the user or by the deadline, before all answers were in.
    pub cancelled: bool,
    /// Every back end, as it is now.
    pub sources: Vec<Source>,
    /// Rules that failed on an object for another reason than a missing value.
    pub faults: Vec<Fault>,
}

impl Snapshot {
    /// How many queries the tree shows, each counted once.
    pub fn shown(&self) -> usize {
        let runs = self.tree.nodes.iter().flat_map(|node| &node.runs);
        runs.map(|run| &run.query).collect::<HashSet<_>>().len()
    }

    /// Whether a query failed, timed out or was given up. A source that is not configured counts
    /// only if it is the cluster or a goal of the search: nobody asked for it else.
    pub fn partial(&self) -> bool {
        // Traces, flows and others are ways to a goal that not everybody has; nearly every way
        // leads through the cluster.
        let needed = |node: &Node| node.goal || node.class.domain() == "k8s";
        let runs =
            || self.tree.nodes.iter().flat_map(|node| node.runs.iter().map(move |run| (node, run)));
        self.cancelled
            || runs().any(|(node, run)| {
                let failed = run.failure().is_some_and(|error| {
                    error.kind != ErrorKind::Missing || (!self.goals.is_empty() && needed(node))
                });
                failed || run.state == RunState::Cancelled
            })
    }
}

/// A rule that failed on an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The rule.
    pub rule: Arc<str>,
    /// What went wrong.
    pub message: String,
    /// The object it was applied to, as `class id`.
    pub object: String,
}
