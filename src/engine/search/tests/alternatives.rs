//! Alternatives with a known outcome. From object 0 to C1 1, else C2 1, else C1 3; from object 1 to
//! C1 4, else C2 4, else C1 6. Both of the first find nothing.

use std::sync::Arc;

use super::super::Bounds;
use super::drive::{Case, Drive, Pick};
use super::world::{World, world};
use crate::graph::{End, Node, RunState, Tree};

fn alternatives() -> World {
    World { bare: 3, ..world(&[(Some(0), 1, 1, 10, 1)]) }
}

fn case(world: World, goals: &[u8]) -> Case {
    Case { world, goals: goals.to_vec(), reach: 1, bounds: Bounds::default() }
}

fn found(case: &Case) -> Arc<Tree> {
    Drive::checked(case).finish(Pick(1), 1).search.tree()
}

fn runs(node: &Node) -> Vec<(&str, usize)> {
    node.runs.iter().map(|run| (run.query.selector_text(), run.count)).collect()
}

#[test]
fn the_next_is_asked_when_the_one_before_found_nothing() {
    let mut drive = Drive::checked(&case(alternatives(), &[]));
    let texts = |drive: &Drive| -> Vec<String> {
        drive.open.iter().map(|wanted| wanted.query.to_string()).collect()
    };
    assert_eq!(texts(&drive), ["k8s:C1:[1]", "k8s:C1:[4]"]);
    let first = drive.open[0].query.clone();
    drive.answer(&[first]);
    assert_eq!(texts(&drive), ["k8s:C1:[4]", "k8s:C2:[1]"]);
    let tree = drive.finish(Pick(1), 1).search.tree();
    let [_, before, after] = &tree.nodes[..] else { panic!("{tree:?}") };
    assert_eq!(runs(before), [("[1]", 0), ("[4]", 0)], "what was asked first is shown");
    assert_eq!(runs(after), [("[1]", 1), ("[4]", 1)]);
}

#[test]
fn a_failure_is_no_absence() {
    let world = World { broken: 1, ..alternatives() };
    let tree = found(&case(world, &[]));
    assert!(matches!(tree.nodes[1].runs[0].state, RunState::Failed(_)));
    assert_eq!(runs(&tree.nodes[2]), [("[4]", 1)], "only object 1 goes on");
}

#[test]
fn on_the_way_to_a_goal_what_comes_before_it_is_asked_as_well() {
    let tree = found(&case(alternatives(), &[2]));
    let keys: Vec<&str> = tree.nodes.iter().map(|node| &*node.key).collect();
    assert_eq!(keys, ["k8s:C0", "k8s:C0/R0>k8s:C2"], "what is no goal is left out");
    let broken = found(&case(World { broken: 1, ..alternatives() }, &[2]));
    assert_eq!(broken.nodes[1].key.as_ref(), "k8s:C0/R0>k8s:C1", "a failure stays");
    assert_eq!((broken.nodes[1].end, broken.nodes[1].goal), (Some(End::Reach), false));
    // What comes after the goal is of no use.
    let drive = Drive::checked(&case(world(&[(Some(0), 1, 1, 10, 1)]), &[3]));
    assert!(drive.open.is_empty());
}

#[test]
fn what_others_depend_on_is_asked_beyond_the_limit() {
    let bounds = Bounds { queries: 1, objects: 4 };
    let tree = found(&Case { bounds, ..case(alternatives(), &[]) });
    let states = |node: &Node| node.runs.iter().map(|run| run.state.word()).collect::<Vec<_>>();
    assert_eq!(states(&tree.nodes[1]), ["done", "done"]);
    assert_eq!(states(&tree.nodes[2]), ["done", "done"], "C1 6 depends on it");
}
