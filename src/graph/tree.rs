//! The tree of rule paths: what a search has found so far.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::shared::{Links, Shared};
use crate::model::{Class, Cut, Found, Object, Query, Severity, StoreError, Window};

/// What a search has found. The first node is the root, which holds the start; every other node
/// is (parent node, rule, class), and stands after its parent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// The nodes; indexes into it are node numbers, good for this tree only.
    pub nodes: Vec<Node>,
}

/// The objects that one rule found from the parent's objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Names the node across trees of one search: the rules and classes from the root to here.
    pub key: Arc<str>,
    /// The number of the parent; `None` for the root.
    pub parent: Option<usize>,
    /// The numbers of the children, in the order of their rules. See [`Tree::ranked`].
    pub children: Vec<usize>,
    /// The rule that led here; `None` for the root.
    pub rule: Option<Arc<str>>,
    /// What the objects are.
    pub class: Class,
    /// What the path from the root has cost.
    pub cost: u32,
    /// The objects, in a stable order.
    pub members: Shared<Vec<Member>>,
    /// The queries that the rule made, in a stable order.
    pub runs: Shared<Vec<Shared<Run>>>,
    /// Why the path ends here, if it does.
    pub end: Option<End>,
    /// How many of the parent's objects the rule was not applied to because of a limit.
    pub left_out: usize,
    /// How much it matters, 0 to 1.
    pub score: f64,
    /// Whether the class is one of the search's goals.
    pub goal: bool,
}

/// Why a path does not go on from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The path has been at this class before.
    Visited,
    /// All its objects are expanded elsewhere, on a cheaper path.
    Seen,
    /// What rules there are would cost more than the reach.
    Reach,
    /// No rule starts here, or none of them applied.
    Leaf,
}

/// An object in a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The object.
    pub object: Arc<Object>,
    /// How it came here: at least one link, but for the start.
    pub links: Links,
    /// It is expanded on a cheaper path elsewhere in the tree.
    pub seen: bool,
}

/// How an object came to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    /// Index of the object in the parent's members to which the rule was applied.
    pub parent: usize,
    /// Index in the node's runs of the query that brought it.
    pub run: usize,
}

/// A query of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The query.
    pub query: Query,
    /// What became of it.
    pub state: RunState,
    /// How many objects it brought.
    pub count: usize,
    /// What a limit cut off.
    pub cut: Option<Cut>,
    /// Why a part of the answer is missing, if a source failed while another answered.
    pub missing: Option<StoreError>,
    /// A remark of the store.
    pub note: Option<String>,
    /// How long it took, in seconds, once it has ended.
    pub seconds: Option<f64>,
}

/// What became of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum RunState {
    /// Asked, or about to be.
    Pending,
    /// Answered.
    Done,
    /// Not answered, and why.
    Failed(StoreError),
    /// Given up by the user or by the deadline of the search.
    Cancelled,
    /// Not asked because of the limit of queries per node.
    Skipped,
}

impl RunState {
    /// The word used in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Failed(error) if error.kind == crate::model::ErrorKind::Timeout => "timeout",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }
}

impl Run {
    /// A query that is still to be answered.
    pub fn pending(query: Query) -> Self {
        Self {
            query,
            state: RunState::Pending,
            count: 0,
            cut: None,
            missing: None,
            note: None,
            seconds: None,
        }
    }

    /// What became of a query, by its answer.
    pub fn answered(query: Query, result: &Result<Found, StoreError>, seconds: f64) -> Self {
        let mut run = Self { seconds: Some(seconds), ..Self::pending(query) };
        match result {
            Ok(found) => {
                run.state = RunState::Done;
                run.count = found.objects.len();
                run.cut.clone_from(&found.cut);
                run.missing.clone_from(&found.missing);
                run.note = found.note.clone().or_else(|| run.elsewhere());
            }
            Err(error) => run.state = RunState::Failed(error.clone()),
        }
        run
    }

    /// Where else to look for what no store has.
    pub fn elsewhere(&self) -> Option<String> {
        let nothing = self.state == RunState::Done && self.count == 0;
        nothing.then(|| self.query.elsewhere()).flatten()
    }

    /// Why the query, or a part of its answer, failed.
    pub fn failure(&self) -> Option<&StoreError> {
        match &self.state {
            RunState::Failed(error) => Some(error),
            _ => self.missing.as_ref(),
        }
    }
}

impl Node {
    /// The worst severity among the objects.
    pub fn severity(&self) -> Severity {
        self.members.iter().map(|member| member.object.severity).max().unwrap_or_default()
    }

    /// Whether an answer is still to come.
    pub fn pending(&self) -> bool {
        self.runs.iter().any(|run| run.state == RunState::Pending)
    }

    /// The first failure among the queries.
    pub fn failure(&self) -> Option<&StoreError> {
        self.runs.iter().find_map(|run| run.failure())
    }

    /// Whether there is something to do although nothing was found: to look elsewhere.
    pub fn leads_elsewhere(&self) -> bool {
        self.members.is_empty() && self.runs.iter().any(|run| run.elsewhere().is_some())
    }

    /// Whether a query was given up.
    pub fn cancelled(&self) -> bool {
        self.runs.iter().any(|run| run.state == RunState::Cancelled)
    }

    /// Whether something was cut off or not asked for.
    pub fn truncated(&self) -> bool {
        let cut = |run: &Shared<Run>| run.cut.is_some() || run.state == RunState::Skipped;
        self.left_out > 0 || self.runs.iter().any(cut)
    }

    /// What stands for the count in a tree, exactly one of: `…` while pending, a count, the kind
    /// of failure, or `cancelled`. A partial count is marked: `12+…`, `12 of 200`, `12 !403`.
    pub fn badge(&self) -> String {
        let count = self.members.len();
        if self.pending() {
            return if count == 0 { "…".to_owned() } else { format!("{count}+…") };
        }
        if let Some(error) = self.failure() {
            let word = error.kind.word();
            return if count == 0 { word.to_owned() } else { format!("{count} !{word}") };
        }
        if self.cancelled() {
            return if count == 0 { "cancelled".to_owned() } else { format!("{count} cancelled") };
        }
        let mut total = Some(0);
        for run in &self.runs {
            let all = match &run.cut {
                Some(cut) => cut.total,
                None => Some(run.count),
            };
            total = total.zip(all).map(|(sum, all)| sum + all);
        }
        match total {
            _ if !self.truncated() => count.to_string(),
            Some(total) if total > count => format!("{count} of {total}"),
            _ => format!("{count}+"),
        }
    }
}

impl Tree {
    /// The root, which holds the start; `None` only in an empty tree.
    pub fn root(&self) -> Option<&Node> {
        self.nodes.first()
    }

    /// The number of the node with a key.
    pub fn find(&self, key: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.key.as_ref() == key)
    }

    /// The node numbers from the root to a node, both included.
    pub fn path(&self, node: usize) -> Vec<usize> {
        let mut path = vec![node];
        let mut at = node;
        while let Some(parent) = self.nodes.get(at).and_then(|node| node.parent) {
            path.push(parent);
            at = parent;
        }
        path.reverse();
        path
    }

    /// The objects along the path that brought a member, from the start down to the member:
    /// (node number, member index). Where several led to it, the first link is followed.
    pub fn provenance(&self, node: usize, member: usize) -> Vec<(usize, usize)> {
        let mut chain = vec![(node, member)];
        let (mut node, mut member) = (node, member);
        while let Some(parent) = self.nodes[node].parent {
            let Some(link) = self.nodes[node].members[member].links.first() else { break };
            (node, member) = (parent, link.parent);
            chain.push((node, member));
        }
        chain.reverse();
        chain
    }

    /// A node's children, what matters most first.
    pub fn ranked(&self, node: usize) -> Vec<usize> {
        let mut children = self.nodes[node].children.clone();
        children.sort_by(|&a, &b| {
            let (a, b) = (&self.nodes[a], &self.nodes[b]);
            b.score.total_cmp(&a.score).then_with(|| a.key.cmp(&b.key))
        });
        children
    }

    /// Sets every node's [`Node::score`]: worst severity here or below, nearness of that to the
    /// focus, cost of the path, and count.
    pub fn rank(&mut self, focus: Option<DateTime<Utc>>, window: Window) {
        let focus = focus.unwrap_or(window.end);
        let own = |node: &Node| {
            let mut gist = Gist::default();
            node.members.iter().for_each(|member| gist.add(Weight::of(&member.object, focus)));
            gist.score(node, window)
        };
        let own: Vec<f64> = self.nodes.iter().map(own).collect();
        self.rank_by(&own);
    }

    /// Sets every node's score from what each is worth for itself, by its number.
    pub(crate) fn rank_by(&mut self, own: &[f64]) {
        for index in (0..self.nodes.len()).rev() {
            let below = self.nodes[index].children.iter().map(|&child| self.nodes[child].score);
            let below = below.fold(0.0, f64::max) * 0.98;
            self.nodes[index].score = own[index].max(below);
        }
    }

    /// (queries that have ended, all queries), each query text counted once.
    pub fn progress(&self) -> (usize, usize) {
        let mut ended = std::collections::HashMap::new();
        for run in self.nodes.iter().flat_map(|node| &node.runs) {
            let open = matches!(run.state, RunState::Pending | RunState::Cancelled);
            ended.insert(&run.query, !open);
        }
        (ended.values().filter(|ended| **ended).count(), ended.len())
    }
}

/// What counts of an object for the score of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weight {
    severity: Severity,
    /// Seconds between the object's time and the focus; the greatest number if it has no time.
    away: u64,
}

impl Weight {
    pub(crate) fn of(object: &Object, focus: DateTime<Utc>) -> Self {
        let away = |time: DateTime<Utc>| (time - focus).num_seconds().unsigned_abs();
        Self { severity: object.severity, away: object.time.map_or(u64::MAX, away) }
    }
}

/// What counts of a node's objects for its score: how many, the worst, and the nearest of those.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gist {
    count: u32,
    worst: Option<Weight>,
}

impl Gist {
    pub(crate) fn add(&mut self, weight: Weight) {
        self.count = self.count.saturating_add(1);
        let rank = |weight: Weight| (weight.severity, std::cmp::Reverse(weight.away));
        if self.worst.is_none_or(|worst| rank(worst) < rank(weight)) {
            self.worst = Some(weight);
        }
    }

    /// What the objects are worth in a node, 0 to 1.
    pub(crate) fn score(self, node: &Node, window: Window) -> f64 {
        let Some(worst) = self.worst else { return 0.0 };
        let severity = match worst.severity {
            Severity::Error => 1.0,
            Severity::Warning => 0.66,
            Severity::Info => 0.33,
            Severity::None => 0.2,
        };
        let span = seconds(window.length().num_seconds().unsigned_abs()).max(60.0);
        let timed = worst.away != u64::MAX;
        let near = if timed { 1.0 / (1.0 + 4.0 * seconds(worst.away) / span) } else { 0.25 };
        let cheap = 1.0 / f64::from(node.cost.max(1));
        let few = 1.0 / (1.0 + (f64::from(self.count) / 10.0).ln_1p());
        let score = 0.55 * severity + 0.2 * near + 0.15 * cheap + 0.1 * few;
        if node.end == Some(End::Visited) { score * 0.6 } else { score }
    }
}

#[allow(clippy::cast_precision_loss, reason = "seconds of a window are far below 2^52")]
fn seconds(whole: u64) -> f64 {
    whole as f64
}
