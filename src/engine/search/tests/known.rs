//! Searches with a known outcome.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::{Bounds, Search};
use super::drive::{Case, Drive, Pick, shape};
use super::world::{World, class, start, world};
use crate::graph::{End, Tree};

fn case(world: World, goals: &[u8], reach: u32) -> Case {
    Case { world, goals: goals.to_vec(), reach, bounds: Bounds::default() }
}

fn found(world: &World, goals: &[u8], reach: u32) -> Arc<Tree> {
    Drive::checked(&case(world.clone(), goals, reach)).finish(Pick(1), 1).search.tree()
}

#[test]
fn a_path_ends_on_a_class_that_it_has_visited_and_leaves_out_its_own_objects() {
    let world = world(&[(Some(0), 1, 1, 7, 4), (Some(1), 0, 1, 1, 1), (Some(0), 2, 1, 7, 4)]);
    let tree = found(&world, &[], 5);
    let back = tree.find("k8s:C0/R0>k8s:C1/R1>k8s:C0").expect("the way back");
    assert_eq!(tree.nodes[back].end, Some(End::Visited));
    assert!(tree.nodes[back].children.is_empty());
    assert!(tree.nodes[back].members.iter().all(|m| !["0", "1"].contains(&&*m.object.id)));
}

#[test]
fn goals_keep_only_branches_that_reach_them() {
    let world = world(&[(Some(0), 1, 1, 7, 4), (Some(1), 2, 1, 7, 4), (Some(0), 3, 1, 7, 4)]);
    let tree = found(&world, &[2], 5);
    let keys: Vec<&str> = tree.nodes.iter().map(|node| &*node.key).collect();
    assert_eq!(keys, ["k8s:C0", "k8s:C0/R0>k8s:C1", "k8s:C0/R0>k8s:C1/R1>k8s:C2"]);
    assert!(tree.nodes[2].goal);
    assert_eq!(found(&world, &[2], 1).nodes.len(), 1, "the reach is too short");
}

#[test]
fn a_path_may_cost_all_of_the_reach_and_no_more() {
    let world = world(&[(Some(0), 1, 2, 7, 4), (Some(1), 2, 3, 7, 4)]);
    let goal = "k8s:C0/R0>k8s:C1/R1>k8s:C2";
    for goals in [&[2][..], &[2, 3], &[]] {
        let there = |reach| found(&world, goals, reach).find(goal).is_some();
        assert_eq!([4, 5, 6].map(there), [false, true, true], "{goals:?}");
    }
}

#[test]
fn what_goes_first_is_on_the_cheapest_path_to_a_goal() {
    let world = world(&[(Some(0), 1, 1, 7, 4), (Some(1), 2, 1, 7, 4), (Some(0), 2, 3, 7, 4)]);
    let drive = Drive::new(&case(world, &[2], 5));
    let costs: Vec<(u32, usize)> =
        drive.open.iter().map(|wanted| (wanted.cost, wanted.node)).collect();
    assert_eq!(costs, [(2, 1), (2, 1), (3, 2), (3, 2)]);
}

#[test]
fn a_goal_that_a_path_has_been_at_makes_no_query_urgent() {
    // Behind the goal C1 only the other goal C3 counts, which costs 3 more from C4.
    let world = world(&[
        (Some(0), 1, 1, 7, 4),
        (Some(1), 4, 1, 7, 4),
        (Some(4), 1, 1, 7, 9),
        (Some(4), 3, 3, 7, 4),
    ]);
    let mut drive = Drive::new(&case(world, &[1, 3], 9));
    let first: Vec<_> = drive.open.iter().map(|wanted| wanted.query.clone()).collect();
    drive.answer(&first);
    let costs: Vec<u32> = drive.open.iter().map(|wanted| wanted.cost).collect();
    assert_eq!(costs, [5, 5]);
}

#[test]
fn towards_a_goal_no_path_goes_back_to_where_it_has_been() {
    let world = world(&[
        (Some(0), 1, 1, 7, 4),
        (Some(1), 0, 1, 7, 9),
        (Some(1), 2, 1, 7, 4),
        (Some(0), 2, 1, 7, 4),
    ]);
    let mut drive = Drive::checked(&case(world, &[2], 9));
    while !drive.open.is_empty() {
        let open: Vec<_> = drive.open.iter().map(|wanted| wanted.query.clone()).collect();
        assert!(open.iter().all(|query| *query.class() != class(0)), "{open:?}");
        drive.answer(&open);
    }
}

#[test]
fn a_cheaper_path_that_is_late_takes_an_object_away() {
    let world = world(&[
        (Some(0), 1, 2, 7, 4),
        (Some(0), 2, 1, 7, 4),
        (Some(2), 1, 2, 7, 0),
        (Some(1), 3, 1, 7, 4),
    ]);
    let mut drive = Drive::checked(&case(world, &[], 5));
    let (dear, cheap) = ("k8s:C0/R1>k8s:C2/R2>k8s:C1/R3>k8s:C3", "k8s:C0/R0>k8s:C1/R3>k8s:C3");
    let asks = |drive: &Drive, of: u8| {
        let wanted = drive.open.iter().map(|wanted| wanted.query.clone());
        wanted.filter(|query| *query.class() == class(of)).collect::<Vec<_>>()
    };
    let (early, late) = (asks(&drive, 2), asks(&drive, 1));
    drive.answer(&early);
    let next: Vec<_> = asks(&drive, 1).into_iter().filter(|query| !late.contains(query)).collect();
    drive.answer(&next);
    let tree = drive.search.tree();
    assert!(tree.find(dear).is_some() && tree.find(cheap).is_none(), "{:#?}", shape(&tree));
    drive.answer(&late);
    let tree = drive.search.tree();
    assert!(tree.find(cheap).is_some(), "{:#?}", shape(&tree));
    drive.finish(Pick(1), 1);
}

#[test]
fn what_does_not_change_is_shared() {
    let world = world(&[(Some(0), 1, 1, 7, 4), (Some(0), 2, 1, 7, 4)]);
    let mut drive = Drive::new(&case(world, &[], 1));
    let before = drive.search.tree();
    assert!(Arc::ptr_eq(&before, &drive.search.tree()));
    let first = drive.open[0].query.clone();
    drive.answer(&[first]);
    let after = drive.search.tree();
    assert!(!after.nodes[1].members.is_empty() && !after.nodes[1].runs.same(&before.nodes[1].runs));
    assert!(after.nodes[1].runs[1].same(&before.nodes[1].runs[1]), "the other query of the node");
    assert!(after.nodes[2].runs.same(&before.nodes[2].runs), "the other node");
    assert!(after.nodes[0].members.same(&before.nodes[0].members), "the start");
}

#[test]
fn cancelled_searches_keep_what_they_have() {
    let world = world(&[(Some(0), 1, 1, 7, 4), (Some(1), 2, 1, 7, 4)]);
    let start = start(vec![world.object(&class(0), 0, "start")]);
    let rules = Arc::new(world.clone());
    let (mut search, open) = Search::new(rules, world.plan(&[], 5), Bounds::default(), start);
    let next = search.receive(vec![world.answer(&open[0].query)]);
    assert_eq!(next.len(), 1);
    search.cancel();
    assert!(search.finished() && search.cancelled());
    let tree = search.tree();
    assert_eq!((tree.nodes[1].members.len(), tree.nodes[2].badge().as_str()), (1, "cancelled"));
    assert!(search.receive(vec![world.answer(&next[0].query)]).is_empty(), "late answers");
    assert_eq!(search.tree().nodes[2].members.len(), 0);
}

#[test]
fn limits_are_visible() {
    let case = Case {
        bounds: Bounds { queries: 1, objects: 1 },
        ..case(world(&[(Some(0), 1, 1, 2, 2)]), &[], 5)
    };
    let drive = Drive::new(&case);
    assert_eq!(drive.open.len(), 1);
    let tree = drive.finish(Pick(1), 1).search.tree();
    assert_eq!((tree.nodes[1].left_out, tree.nodes[1].truncated()), (1, true));
    assert_eq!(tree.nodes[1].badge(), "1+");
}

#[test]
fn a_goal_that_one_path_has_been_at_is_still_looked_for_on_another() {
    // The cheaper way to the objects of C2 leads through the goal C1, the other one does not;
    // more of C1 lies behind C2.
    let world = world(&[
        (Some(0), 1, 1, 7, 24),
        (Some(1), 2, 1, 7, 24),
        (Some(0), 4, 1, 7, 24),
        (Some(4), 2, 2, 7, 24),
        (Some(2), 1, 1, 7, 9),
        (Some(2), 3, 1, 7, 24),
    ]);
    let ids = |goals: &[u8]| -> HashSet<String> {
        let tree = found(&world, goals, 6);
        let goals = tree.nodes.iter().filter(|node| node.class == class(1));
        goals.flat_map(|node| &node.members).map(|m| m.object.id.to_string()).collect()
    };
    let all: HashSet<String> = ["0", "1", "3", "4"].into_iter().map(str::to_owned).collect();
    assert_eq!(ids(&[1]), all);
    assert_eq!(ids(&[1, 3]), all);
}
