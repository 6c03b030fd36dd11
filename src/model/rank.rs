//! How soon a call is to be made. The rank of a call can change while it waits: it is shared by
//! the search that wants the answer and the client that makes the call.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Query;

/// How soon a call is to be made. Clones are the same rank; all queries of one node of the tree
/// have one, so that nodes get turns and not queries.
#[derive(Clone, Debug)]
pub struct Rank(Arc<Mutex<Vec<Arc<Node>>>>);

/// What wants an answer.
#[derive(Debug)]
struct Node {
    cost: u32,
    until: Option<Instant>,
    preferred: AtomicBool,
    begun: AtomicU32,
}

impl Default for Rank {
    /// What is asked outside of a search: it comes before all but what a user looks at.
    fn default() -> Self {
        Self::new(0)
    }
}

impl Rank {
    /// The rank of one node, by the cost of the path that it is on.
    pub fn new(cost: u32) -> Self {
        Self::until(cost, None)
    }

    /// The same of a search that gives up at some time: an answer that is later is of no use.
    pub fn until(cost: u32, until: Option<Instant>) -> Self {
        let (preferred, begun) = (AtomicBool::new(false), AtomicU32::new(0));
        let node = Node { cost, until, preferred, begun };
        Self(Arc::new(Mutex::new(vec![Arc::new(node)])))
    }

    /// The rank of one call that answers many queries: that of the best of them, at any time.
    pub fn join<'r>(ranks: impl IntoIterator<Item = &'r Self>) -> Self {
        let joined = Self(Arc::default());
        ranks.into_iter().for_each(|rank| joined.add(rank));
        joined
    }

    /// Lets a call also serve what another rank belongs to.
    pub fn add(&self, other: &Self) {
        if Arc::ptr_eq(&self.0, &other.0) {
            return;
        }
        let others = other.nodes().clone();
        let mut nodes = self.nodes();
        for node in others {
            if !nodes.iter().any(|known| Arc::ptr_eq(known, &node)) {
                nodes.push(node);
            }
        }
    }

    /// Puts it before all that is not preferred, or back.
    pub fn prefer(&self, preferred: bool) {
        self.nodes().iter().for_each(|node| node.preferred.store(preferred, Ordering::Relaxed));
    }

    /// Notes that a call of this rank begins, which puts others of the same cost before the next.
    pub fn begin(&self) {
        self.nodes().iter().for_each(|node| {
            node.begun.fetch_add(1, Ordering::Relaxed);
        });
    }

    /// The place in a queue, lowest first: preferred or not, cost, calls begun before.
    pub fn place(&self) -> (bool, u32, u32) {
        let place = |node: &Arc<Node>| {
            let preferred = node.preferred.load(Ordering::Relaxed);
            (!preferred, node.cost, node.begun.load(Ordering::Relaxed))
        };
        self.nodes().iter().map(place).min().unwrap_or_default()
    }

    /// When the last of those who want the answer gives up; `None` if one of them never does.
    pub fn deadline(&self) -> Option<Instant> {
        let nodes = self.nodes();
        let all: Option<Vec<Instant>> = nodes.iter().map(|node| node.until).collect();
        all?.into_iter().max()
    }

    fn nodes(&self) -> MutexGuard<'_, Vec<Arc<Node>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A query and how soon it is to be answered.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// The query.
    pub query: Query,
    /// Its rank.
    pub rank: Rank,
}

impl From<Query> for Ranked {
    fn from(query: Query) -> Self {
        Self { query, rank: Rank::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_best_of_many_counts_and_nodes_take_turns() {
        let [cheap, dear, other] = [1, 3, 3].map(Rank::new);
        let merged = Rank::join([&dear, &other, &dear]);
        assert!(cheap.place() < merged.place());
        dear.begin();
        assert!(merged.place() < dear.place(), "the other node had no call yet");
        merged.begin();
        assert_eq!((dear.place().2, other.place().2), (2, 1));
        dear.prefer(true);
        assert!(merged.place() < cheap.place() && dear.place() < cheap.place());
        dear.prefer(false);
        merged.add(&cheap);
        assert_eq!(merged.place(), cheap.place());
    }

    #[test]
    fn an_answer_is_of_use_until_the_last_one_gives_up() {
        let now = Instant::now();
        let [soon, later] = [1, 2].map(|seconds| now + Duration::from_secs(seconds));
        let [one, two] = [soon, later].map(|until| Rank::until(0, Some(until)));
        for (ranks, expected) in [
            (&[][..], None),
            (&[&one], Some(soon)),
            (&[&one, &two], Some(later)),
            (&[&one, &two, &Rank::new(0)], None),
        ] {
            assert_eq!(Rank::join(ranks.iter().copied()).deadline(), expected, "{ranks:?}");
        }
    }
}
