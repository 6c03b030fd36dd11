//! The spans of a trace as a tree, whatever is wrong with them: parents that are missing, circles
//! of parents, clocks that disagree, ids that come twice. Pure; made once, then read.

mod critical;
mod gist;
mod link;
#[cfg(test)]
mod tests;
mod time;

use std::sync::Arc;

pub use gist::Traces;

use crate::model::Object;

/// A trace as a tree of spans. Places in `spans` stand for spans everywhere.
#[derive(Clone, Debug, Default)]
pub struct SpanTree {
    /// Every span once, a parent before its children and those in the order of their start: the
    /// order in which a waterfall shows them.
    pub spans: Vec<SpanNode>,
    /// Spans without a parent among them, in the order of their start.
    pub roots: Vec<usize>,
    /// When the first span starts, in Unix nanoseconds.
    pub start: i64,
    /// How long it is from there to the end of the last span, in nanoseconds.
    pub length: i64,
}

/// A span in its place. Times are nanoseconds since [`SpanTree::start`].
#[derive(Clone, Debug)]
pub struct SpanNode {
    /// The span.
    pub object: Arc<Object>,
    /// The span that called it.
    pub parent: Option<usize>,
    /// What it called, in the order of their start.
    pub children: Vec<usize>,
    /// How many spans are above it.
    pub depth: usize,
    /// How many spans are below it, on all levels: they follow it in `spans`.
    pub below: usize,
    /// When it starts, after clocks were set right.
    pub start: i64,
    /// When it ends.
    pub end: i64,
    /// By how much its times were moved, since its clock differs from its parent's; 0 if they
    /// agree.
    pub skew: i64,
    /// How long it worked while nothing that it called did.
    pub own: i64,
    /// The parts of it on the critical path, from first to last: what the whole had to wait for.
    /// Start and end of each.
    pub critical: Vec<(i64, i64)>,
    /// Why it stands where it does, if that is not what it says.
    pub odd: Option<Odd>,
    /// Whether it failed.
    pub failed: bool,
}

/// What is wrong with the place of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// It names a parent that is not there: not sampled, cut by a limit, or still to come.
    Orphan,
    /// It is its own ancestor; the circle was cut above it.
    Circle,
}

impl SpanTree {
    /// The tree of spans, which may come in any order; one that comes twice is taken once. Spans
    /// of several traces give several roots.
    pub fn new(spans: &[Arc<Object>]) -> Self {
        let mut tree = link::link(spans);
        time::set(&mut tree);
        critical::mark(&mut tree);
        tree
    }

    /// The next failed span after a place, or the first of all if there is none after it.
    pub fn next_failed(&self, after: usize) -> Option<usize> {
        let failed = |place: &usize| self.spans[*place].failed;
        let last = self.spans.len();
        ((after + 1).min(last)..last).find(failed).or_else(|| (0..last).find(failed))
    }

    /// The last failed span before a place, or the last of all if there is none before it.
    pub fn previous_failed(&self, before: usize) -> Option<usize> {
        let failed = |place: &usize| self.spans[*place].failed;
        let last = self.spans.len();
        (0..before.min(last)).rev().find(failed).or_else(|| (0..last).rev().find(failed))
    }

    /// The names of the services, in the order of their first span.
    pub fn services(&self) -> Vec<&str> {
        let mut seen = std::collections::HashSet::new();
        self.spans.iter().map(SpanNode::service).filter(|name| seen.insert(*name)).collect()
    }
}

impl SpanNode {
    /// The name of its service; empty if it does not tell.
    pub fn service(&self) -> &str {
        self.object.text("/service").unwrap_or_default()
    }

    /// How long it takes, in nanoseconds.
    pub fn duration(&self) -> i64 {
        self.end - self.start
    }
}
