//! Searches whose answers take their time: a scheduler with a virtual clock, some queries at once,
//! and a deadline.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use proptest::prelude::*;

use super::drive::{Case, Drive, Pick, searches};
use crate::graph::RunState;
use crate::model::{Query, stable_hash};

/// Runs a search with `slots` queries under way at a time, the cheapest first; gives up at the
/// deadline. Returns it with the answers that came too late.
fn run(case: &Case, seed: u64, slots: usize, deadline: Option<u64>) -> (Drive, Vec<Query>) {
    let mut drive = Drive::new(case);
    let (mut running, mut begun) = (BinaryHeap::new(), HashSet::new());
    let mut now = 0;
    loop {
        drive.open.sort_by_key(|wanted| wanted.cost);
        let waiting: Vec<Query> = drive.open.iter().map(|wanted| wanted.query.clone()).collect();
        for query in waiting {
            if running.len() < slots && begun.insert(query.clone()) {
                let latency = Pick(stable_hash(query.text()) ^ seed).below(50);
                running.push(Reverse((now + u64::try_from(latency).expect("small"), query)));
            }
        }
        let Some(Reverse((at, query))) = running.pop() else { return (drive, Vec::new()) };
        if deadline.is_some_and(|deadline| at >= deadline) {
            drive.cancel();
            let late = running.into_iter().map(|Reverse((_, query))| query);
            return (drive, late.chain([query]).collect());
        }
        now = at;
        drive.answer(&[query]);
    }
}

proptest! {
    #![proptest_config(super::cases(1000))]

    #[test]
    fn the_tree_does_not_depend_on_latencies(
        case in searches(),
        (seed, pick) in (any::<u64>(), any::<u64>()),
        slots in 1..6usize,
    ) {
        let (mut drive, late) = run(&case, seed, slots, None);
        prop_assert!(drive.search.finished() && late.is_empty());
        let mut at_once = Drive::new(&case).finish(Pick(pick), 99).search;
        prop_assert_eq!(drive.search.tree(), at_once.tree());
    }

    #[test]
    fn nothing_is_pending_after_a_deadline(
        case in searches(),
        seed in any::<u64>(),
        (slots, deadline) in (1..6usize, 0..200u64),
    ) {
        let (mut drive, late) = run(&case, seed, slots, Some(deadline));
        prop_assert!(drive.search.finished());
        let tree = drive.search.tree();
        let runs = || tree.nodes.iter().flat_map(|node| &node.runs);
        prop_assert!(runs().all(|run| run.state != RunState::Pending));
        prop_assert_eq!(drive.search.cancelled(), runs().any(|run| run.state == RunState::Cancelled));
        drive.answer(&late);
        prop_assert_eq!(tree, drive.search.tree(), "what comes late changes nothing");
    }
}
