//! Runs a search over a made-up world, next to the reference.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::{Bounds, Search, Wanted};
use super::reference::Reference;
use super::world::{CLASSES, World, worlds};
use crate::engine::progress::Fault;
use crate::graph::{RunState, Tree};
use crate::model::Query;

/// What is searched for in a world.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) world: World,
    pub(super) goals: Vec<u8>,
    pub(super) reach: u32,
    pub(super) bounds: Bounds,
}

/// Cases; low limits only where they are `bounded`.
pub(super) fn in_worlds(acyclic: bool, bounded: bool) -> impl Strategy<Value = Case> {
    let goals = proptest::collection::vec(1..CLASSES, 0..4);
    let low = (1..5usize, 1..4usize).prop_map(|(queries, objects)| Bounds { queries, objects });
    let bounds = proptest::option::weighted(0.4, low);
    (worlds(acyclic), goals, 1..7u32, bounds).prop_map(move |(world, goals, reach, bounds)| Case {
        world,
        goals,
        reach,
        bounds: bounds.filter(|_| bounded).unwrap_or_default(),
    })
}

pub(super) fn searches() -> impl Strategy<Value = Case> {
    in_worlds(false, true)
}

/// A search under way, with the queries that it has asked for.
pub(super) struct Drive {
    pub(super) case: Case,
    pub(super) search: Search,
    pub(super) open: Vec<Wanted>,
    asked: HashSet<Query>,
    reference: Option<Reference>,
}

impl Drive {
    pub(super) fn new(case: &Case) -> Self {
        let plan = || case.world.plan(&case.goals, case.reach);
        let rules = Arc::new(case.world.clone());
        let start = case.world.start();
        let (search, open) = Search::new(rules, plan(), case.bounds, start);
        let mut drive = Self {
            case: case.clone(),
            search,
            open: Vec::new(),
            asked: HashSet::new(),
            reference: None,
        };
        drive.want(open);
        drive
    }

    /// The same, to be compared with the reference after every step.
    pub(super) fn checked(case: &Case) -> Self {
        let mut drive = Self::new(case);
        drive.reference = Some(Reference {
            rules: Arc::new(case.world.clone()),
            plan: case.world.plan(&case.goals, case.reach),
            bounds: case.bounds,
            start: case.world.start(),
            answers: HashMap::new(),
            over: false,
        });
        drive.compare(&drive.asked.clone());
        drive
    }

    fn want(&mut self, wanted: Vec<Wanted>) {
        for wanted in wanted {
            let query = &wanted.query;
            assert!(self.asked.insert(query.clone()), "{query} was asked twice");
            assert!(wanted.cost <= self.case.reach, "{query} leads nowhere within reach");
            self.open.push(wanted);
        }
    }

    /// Answers some of the open queries.
    pub(super) fn answer(&mut self, queries: &[Query]) {
        let answers: Vec<_> = queries.iter().map(|query| self.case.world.answer(query)).collect();
        self.open.retain(|wanted| !queries.contains(&wanted.query));
        if let Some(reference) = &mut self.reference {
            for answer in answers.iter().filter(|_| !reference.over) {
                reference.answers.insert(answer.query.clone(), Some(answer.clone()));
            }
        }
        let wanted = self.search.receive(answers);
        let new = wanted.iter().map(|wanted| wanted.query.clone()).collect();
        self.want(wanted);
        self.compare(&new);
    }

    /// Answers open queries, those that `pick` says, some at once.
    pub(super) fn step(&mut self, pick: &mut Pick, most: usize) {
        let many = 1 + pick.below(most);
        let mut batch = Vec::new();
        for _ in 0..many.min(self.open.len()) {
            batch.push(self.open.swap_remove(pick.below(self.open.len())).query);
        }
        self.answer(&batch);
    }

    pub(super) fn cancel(&mut self) {
        self.search.cancel();
        if let Some(reference) = &mut self.reference {
            reference.over = true;
        }
        self.compare(&HashSet::new());
    }

    /// Runs it to its end.
    pub(super) fn finish(mut self, mut pick: Pick, most: usize) -> Self {
        while !self.open.is_empty() {
            self.step(&mut pick, most);
        }
        assert!(self.search.finished() && !self.search.cancelled());
        self
    }

    fn compare(&mut self, wanted: &HashSet<Query>) {
        let Some(reference) = &mut self.reference else { return };
        let built = reference.build();
        let tree = self.search.tree();
        assert!(*tree == built.tree, "{:#?}\nis not\n{:#?}", shape(&tree), shape(&built.tree));
        assert_eq!(*wanted, built.wanted);
        let faults: BTreeSet<Fault> = self.search.faults().cloned().collect();
        assert_eq!(faults, built.faults);
        assert_eq!(self.search.progress(), built.progress);
        let is = |state: RunState| {
            let mut runs = tree.nodes.iter().flat_map(|node| &node.runs);
            runs.any(|run| run.state == state)
        };
        assert_eq!(self.search.cancelled(), is(RunState::Cancelled));
        assert_eq!(self.search.finished(), !is(RunState::Pending));
    }
}

/// Numbers that look random.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pick(pub(super) u64);

impl Pick {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("31 bits") % end.max(1)
    }
}

/// A tree as text, for messages.
pub(super) fn shape(tree: &Tree) -> Vec<String> {
    let node = |node: &crate::graph::Node| {
        let members: Vec<String> = node
            .members
            .iter()
            .map(|m| format!("{} {} {:?} {}", m.object.id, m.object.preview, m.links, m.seen))
            .collect();
        let runs: Vec<String> =
            node.runs.iter().map(|run| format!("{} {:?}", run.query, run.state)).collect();
        let (parent, left_out) = (node.parent, node.left_out);
        let rest = format!("{:?} {} {left_out}", node.end, node.score);
        format!("{} {parent:?} {members:?} {runs:?} {rest}", node.key)
    };
    tree.nodes.iter().map(node).collect()
}
