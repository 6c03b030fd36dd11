//! The search against rule sets and data made up by proptest: no clock, no tasks.

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::engine::plan::Outline;
use crate::graph::{End, Place, RuleGraph};
use crate::model::{ErrorKind, Selector, Window};

/// Selects objects whose number is in a list.
#[derive(Debug)]
struct Numbers(Vec<u8>);

impl Selector for Numbers {
    fn text(&self) -> String {
        json!(self.0).to_string()
    }

    fn matches(&self, object: &Object) -> Option<bool> {
        Some(self.0.iter().any(|number| *object.id == *number.to_string()))
    }
}

fn class(number: u8) -> Class {
    Class::new("k8s", &format!("C{number}"))
}

fn object(class_number: u8, number: u8) -> Arc<Object> {
    Arc::new(Object::new(class(class_number), number.to_string(), Value::Null))
}

fn start(objects: Vec<Arc<Object>>) -> Start {
    let window = Window::last_hour(chrono::DateTime::UNIX_EPOCH);
    Start { objects, asked: None, scope: Scope { window, focus: None, limit: 100 } }
}

/// From objects of one class to numbered objects of another.
#[derive(Clone, Debug)]
struct Arrow {
    start: Option<u8>,
    goal: u8,
    cost: u32,
    step: u8,
}

#[derive(Clone, Debug)]
struct World {
    arrows: Vec<Arrow>,
    objects: u8,
    broken: u8,
}

impl Rules for World {
    fn starting_at(&self, at: &Class) -> Vec<usize> {
        let from = |arrow: &Arrow| arrow.start.is_none_or(|start| class(start) == *at);
        (0..self.arrows.len()).filter(|&index| from(&self.arrows[index])).collect()
    }

    fn rule(&self, rule: usize) -> (Arc<str>, u32) {
        (format!("R{rule}").into(), self.arrows[rule].cost)
    }

    fn apply(&self, object: &Object, rules: &[usize]) -> Vec<Result<Vec<Query>, String>> {
        let number: u8 = object.id.parse().expect("a number");
        let made = |&rule: &usize| {
            let arrow = &self.arrows[rule];
            let to = number.wrapping_mul(3).wrapping_add(arrow.step) % self.objects;
            match arrow.step % 5 {
                0 => Ok(vec![]),
                1 => Ok(vec![Query::new(class(arrow.goal), Numbers(vec![to, number]))]),
                2 => Ok(vec![
                    Query::new(class(arrow.goal), Numbers(vec![to])),
                    Query::new(class(arrow.goal), Numbers(vec![number])),
                ]),
                3 => Err(format!("fault of {rule}")),
                _ => Ok(vec![Query::new(class(arrow.goal), Numbers(vec![to]))]),
            }
        };
        rules.iter().map(made).collect()
    }
}

impl World {
    fn outlines(&self) -> Arc<[Outline]> {
        let place = |number: Option<u8>| match number {
            Some(number) => Place::Class(class(number)),
            None => Place::Any("k8s".to_owned()),
        };
        let outline = |(index, arrow): (usize, &Arrow)| Outline {
            name: format!("R{index}").into(),
            start: vec![place(arrow.start)],
            goal: vec![place(Some(arrow.goal))],
            cost: arrow.cost,
        };
        self.arrows.iter().enumerate().map(outline).collect()
    }

    fn plan(&self, goals: &[u8], reach: u32) -> Plan {
        let outlines = self.outlines();
        if goals.is_empty() {
            return Plan::neighbors(outlines, reach);
        }
        let mut graph = RuleGraph::default();
        for (index, rule) in outlines.iter().enumerate() {
            graph.add(index, &rule.name, &rule.start, &rule.goal, rule.cost);
        }
        let groups = goals.iter().map(|&goal| vec![class(goal)]).collect();
        Plan::goals_of(outlines, &graph, groups, reach)
    }

    fn answer(&self, query: &Query) -> Answer {
        let numbers = query.selector::<Numbers>().expect("numbers");
        let class_number = query.class().name()[1..].parse().expect("a number");
        let result = if numbers.0.iter().sum::<u8>() % 11 == self.broken {
            Err(StoreError::new(ErrorKind::Timeout, "fake", "no answer"))
        } else {
            Ok(Found {
                objects: numbers.0.iter().map(|&number| object(class_number, number)).collect(),
                ..Found::default()
            })
        };
        Answer { query: query.clone(), result, took: Duration::from_millis(5) }
    }

    /// Runs a search whose answers come in the order that `pick` says, in batches of `batch`.
    fn search(&self, goals: &[u8], reach: u32, mut pick: u64, batch: usize) -> Search {
        let start = start(vec![object(0, 0), object(0, 1)]);
        let rules = Arc::new(self.clone());
        let (mut search, mut open) =
            Search::new(rules, self.plan(goals, reach), Bounds::default(), start);
        let mut asked = HashSet::new();
        while !open.is_empty() {
            let mut answers = Vec::new();
            for _ in 0..batch.min(open.len()) {
                pick = pick.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let index = usize::try_from(pick >> 33).expect("31 bits") % open.len();
                let query = open.swap_remove(index).query;
                assert!(asked.insert(query.clone()), "{query} was asked twice");
                answers.push(self.answer(&query));
            }
            open.extend(search.receive(answers));
        }
        assert!(search.finished());
        search
    }
}

fn shape(tree: &Tree) -> Vec<String> {
    let node = |node: &Node| {
        let members: Vec<String> = node
            .members
            .iter()
            .map(|member| format!("{}{:?}{}", member.object.id, member.links, member.seen))
            .collect();
        let runs: Vec<String> =
            node.runs.iter().map(|run| format!("{} {:?}", run.query, run.state)).collect();
        format!("{} {:?} {members:?} {runs:?} {:?}", node.key, node.parent, node.end)
    };
    tree.nodes.iter().map(node).collect()
}

fn worlds() -> impl Strategy<Value = World> {
    let arrow = (proptest::option::weighted(0.8, 0..6u8), 0..6u8, 1..4u32, 0..30u8)
        .prop_map(|(start, goal, cost, step)| Arrow { start, goal, cost, step });
    (proptest::collection::vec(arrow, 1..14), 2..9u8, 0..30u8)
        .prop_map(|(arrows, objects, broken)| World { arrows, objects, broken })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_does_not_depend_on_the_order_of_answers(
        world in worlds(),
        goals in proptest::collection::vec(1..6u8, 0..3),
        reach in 1..6u32,
        (pick, other) in (any::<u64>(), any::<u64>()),
        batch in 1..5usize,
    ) {
        let first = world.search(&goals, reach, pick, 1);
        let second = world.search(&goals, reach, other, batch);
        prop_assert_eq!(shape(&first.tree()), shape(&second.tree()));
        prop_assert_eq!(
            first.faults().collect::<Vec<_>>(),
            second.faults().collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_is_found_is_within_reach_expanded_once_and_has_real_provenance(
        world in worlds(),
        goals in proptest::collection::vec(1..6u8, 0..3),
        reach in 1..6u32,
        pick in any::<u64>(),
    ) {
        let search = world.search(&goals, reach, pick, 2);
        let tree = search.tree();
        let mut expanded = HashSet::new();
        for (index, node) in tree.nodes.iter().enumerate() {
            prop_assert!(node.cost <= reach);
            let Some(parent) = node.parent else { continue };
            prop_assert!(parent < index);
            prop_assert!(tree.nodes[parent].children.contains(&index));
            prop_assert!(tree.nodes[parent].end.is_none(), "{} has ended", tree.nodes[parent].key);
            let classes: Vec<_> =
                tree.path(parent).iter().map(|&at| tree.nodes[at].class.clone()).collect();
            prop_assert_eq!(classes.contains(&node.class), node.end == Some(End::Visited));
            for member in &node.members {
                prop_assert!(!member.links.is_empty());
                for link in &member.links {
                    let query = &node.runs[link.run].query;
                    prop_assert_eq!(query.matches(&member.object), Some(true));
                    let from = &tree.nodes[parent].members[link.parent];
                    prop_assert!(!from.seen, "rules were applied to an object seen elsewhere");
                    let rule: usize = node.rule.as_ref().expect("a rule")[1..].parse().expect("");
                    let made = world.apply(&from.object, &[rule]).remove(0).expect("queries");
                    prop_assert!(made.contains(query));
                }
            }
        }
        // With several goals, a path that still looks for one may take an object again.
        for node in tree.nodes.iter().filter(|node| node.end.is_none() && goals.len() < 2) {
            for member in node.members.iter().filter(|member| !member.seen) {
                let key = (node.class.clone(), member.object.id.clone());
                prop_assert!(expanded.insert(key), "expanded twice");
            }
        }
    }

    #[test]
    fn several_goals_at_once_find_what_each_finds_alone(
        world in worlds(),
        (first, second) in (1..6u8, 1..6u8),
        reach in 1..6u32,
        pick in any::<u64>(),
    ) {
        let found = |goals: &[u8], wanted: u8| -> HashSet<Arc<str>> {
            let tree = world.search(goals, reach, pick, 2).tree();
            let nodes = tree.nodes.iter().filter(|node| node.class == class(wanted));
            nodes.flat_map(|node| &node.members).map(|m| Arc::clone(&m.object.id)).collect()
        };
        for goal in [first, second] {
            let (alone, together) = (found(&[goal], goal), found(&[first, second], goal));
            prop_assert!(alone.is_subset(&together), "{:?} of {:?}", together, alone);
        }
    }
}

fn world(arrows: &[(Option<u8>, u8, u32, u8)]) -> World {
    let arrow =
        |&(start, goal, cost, step): &(Option<u8>, u8, u32, u8)| Arrow { start, goal, cost, step };
    World { arrows: arrows.iter().map(arrow).collect(), objects: 8, broken: 99 }
}

#[test]
fn a_path_ends_on_a_class_that_it_has_visited_and_leaves_out_its_own_objects() {
    let world = world(&[(Some(0), 1, 1, 4), (Some(1), 0, 1, 1), (Some(0), 2, 1, 4)]);
    let tree = world.search(&[], 5, 1, 1).tree();
    let back = tree.find("k8s:C0/R0>k8s:C1/R1>k8s:C0").expect("the way back");
    assert_eq!(tree.nodes[back].end, Some(End::Visited));
    assert!(tree.nodes[back].children.is_empty());
    assert!(tree.nodes[back].members.iter().all(|m| !["0", "1"].contains(&&*m.object.id)));
}

#[test]
fn goals_keep_only_branches_that_reach_them() {
    let world = world(&[(Some(0), 1, 1, 4), (Some(1), 2, 1, 4), (Some(0), 3, 1, 4)]);
    let search = world.search(&[2], 5, 1, 1);
    let keys: Vec<String> = search.tree().nodes.iter().map(|node| node.key.to_string()).collect();
    assert_eq!(keys, ["k8s:C0", "k8s:C0/R0>k8s:C1", "k8s:C0/R0>k8s:C1/R1>k8s:C2"]);
    assert!(search.tree().nodes[2].goal);
    assert_eq!(world.search(&[2], 1, 1, 1).tree().nodes.len(), 1, "the reach is too short");
}

#[test]
fn an_object_on_two_paths_is_expanded_on_the_cheaper_one() {
    let world =
        world(&[(Some(0), 1, 2, 4), (Some(0), 2, 1, 4), (Some(2), 1, 2, 9), (Some(1), 3, 1, 4)]);
    let tree = world.search(&[], 5, 7, 1).tree();
    let cheap = tree.find("k8s:C0/R0>k8s:C1/R3>k8s:C3");
    assert!(cheap.is_some(), "{:?}", shape(&tree));
}

#[test]
fn cancelled_searches_keep_what_they_have() {
    let world = world(&[(Some(0), 1, 1, 4), (Some(1), 2, 1, 4)]);
    let start = start(vec![object(0, 0)]);
    let plan = world.plan(&[], 5);
    let (mut search, open) = Search::new(Arc::new(world.clone()), plan, Bounds::default(), start);
    let next = search.receive(vec![world.answer(&open[0].query)]);
    assert_eq!(next.len(), 1);
    search.cancel();
    assert!(search.finished() && search.cancelled());
    let tree = search.tree();
    assert_eq!((tree.nodes[1].members.len(), tree.nodes[2].badge().as_str()), (1, "cancelled"));
    assert!(
        search.receive(vec![world.answer(&next[0].query)]).is_empty(),
        "late answers are ignored"
    );
    assert_eq!(search.tree().nodes[2].members.len(), 0);
}

#[test]
fn limits_are_visible() {
    let world = world(&[(Some(0), 1, 1, 2)]);
    let bounds = Bounds { queries: 1, objects: 1 };
    let start = start(vec![object(0, 0), object(0, 1)]);
    let (mut search, open) =
        Search::new(Arc::new(world.clone()), world.plan(&[], 5), bounds, start);
    assert_eq!(open.len(), 1);
    search.receive(vec![world.answer(&open[0].query)]);
    let tree = search.tree();
    assert_eq!((tree.nodes[1].left_out, tree.nodes[1].truncated()), (1, true));
    assert_eq!(tree.nodes[1].badge(), "1+");
}

#[test]
fn a_goal_that_one_path_has_been_at_is_still_looked_for_on_another() {
    // The cheaper way to the objects of C2 leads through the goal C1, the other one does not;
    // more of C1 lies behind C2.
    let world = world(&[
        (Some(0), 1, 1, 24),
        (Some(1), 2, 1, 24),
        (Some(0), 4, 1, 24),
        (Some(4), 2, 2, 24),
        (Some(2), 1, 1, 9),
        (Some(2), 3, 1, 24),
    ]);
    let found = |goals: &[u8]| -> HashSet<String> {
        let tree = world.search(goals, 6, 1, 1).tree();
        let goals = tree.nodes.iter().filter(|node| node.class == class(1));
        goals.flat_map(|node| &node.members).map(|m| m.object.id.to_string()).collect()
    };
    let all: HashSet<String> = ["0", "1", "3", "4"].into_iter().map(str::to_owned).collect();
    assert_eq!(found(&[1]), all);
    assert_eq!(found(&[1, 3]), all);
}
