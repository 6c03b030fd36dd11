//! In which order the queries of a search are asked: what lies on the cheapest path first, nodes
//! in turns, and before all what the user looks at.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::search::Wanted;
use crate::graph::{Node, RunState, Tree};
use crate::model::{Query, Rank, Ranked};

/// The ranks of what a search has asked and has no answer to.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// By the number of the node.
    ranks: HashMap<usize, Rank>,
    /// Which node wanted a query first.
    open: HashMap<Query, usize>,
    /// The key of the node that comes first, with all below it.
    preferred: Option<Arc<str>>,
    /// When the search gives up.
    until: Option<Instant>,
}

impl Order {
    /// The order of a search that gives up at some time, or never.
    pub(super) fn until(until: Option<Instant>) -> Self {
        Self { until, ..Self::default() }
    }

    /// The rank of what all nodes need.
    pub(super) fn first(&self) -> Rank {
        Rank::until(0, self.until)
    }

    /// Gives queries the ranks of their nodes.
    pub(super) fn rank(&mut self, wanted: Vec<Wanted>) -> Vec<Ranked> {
        wanted
            .into_iter()
            .map(|Wanted { query, node, cost }| {
                self.open.insert(query.clone(), node);
                let rank =
                    self.ranks.entry(node).or_insert_with(|| Rank::until(cost, self.until)).clone();
                Ranked { query, rank }
            })
            .collect()
    }

    /// Forgets a query that has its answer.
    pub(super) fn answered(&mut self, query: &Query) {
        self.open.remove(query);
    }

    /// Puts what a node waits for, and all below it, before the rest.
    pub(super) fn prefer(&mut self, key: Option<Arc<str>>, tree: &Tree) {
        self.preferred = key;
        self.apply(tree);
    }

    /// Whether a node comes first.
    pub(super) fn has_preference(&self) -> bool {
        self.preferred.is_some()
    }

    /// Marks what is preferred in a tree that has changed.
    pub(super) fn apply(&self, tree: &Tree) {
        let Some(key) = &self.preferred else { return };
        self.ranks.values().for_each(|rank| rank.prefer(false));
        let inside = |node: &&Node| {
            let rest = node.key.strip_prefix(&**key);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let runs = tree.nodes.iter().filter(inside).flat_map(|node| &node.runs);
        for run in runs.filter(|run| run.state == RunState::Pending) {
            let node = self.open.get(&run.query);
            if let Some(rank) = node.and_then(|node| self.ranks.get(node)) {
                rank.prefer(true);
            }
        }
    }
}
