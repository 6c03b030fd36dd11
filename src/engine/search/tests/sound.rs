//! What a finished tree promises: reach, ends, provenance, and no object expanded twice.

use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::{Bounds, Rules as _};
use super::drive::{Case, Drive, Pick, searches};
use super::world::{class, number, worlds};
use crate::graph::{End, Node, Tree};

fn check_node(case: &Case, tree: &Tree, index: usize) -> Result<(), TestCaseError> {
    let node = &tree.nodes[index];
    prop_assert!(node.cost <= case.reach);
    let Some(parent) = node.parent else { return Ok(()) };
    let above = &tree.nodes[parent];
    prop_assert!(parent < index && above.children.contains(&index));
    prop_assert!(above.end.is_none(), "{} has ended", above.key);
    let on_path = tree.path(parent);
    let visited = on_path.iter().any(|&at| tree.nodes[at].class == node.class);
    prop_assert_eq!(visited, node.end == Some(End::Visited));
    for member in &node.members {
        let again = |&at: &usize| {
            let Node { class, members, .. } = &tree.nodes[at];
            *class == node.class && members.iter().any(|other| other.object.id == member.object.id)
        };
        prop_assert!(!on_path.iter().any(again), "{} is on its path", member.object.id);
        prop_assert!(!member.links.is_empty());
        for link in &member.links {
            let query = &node.runs[link.run].query;
            prop_assert_eq!(query.matches(&member.object), Some(true));
            let brought = case.world.answer(query).result.is_ok_and(|found| {
                found.objects.iter().any(|object| object.id == member.object.id)
            });
            prop_assert!(brought, "{query} did not bring {}", member.object.id);
            let from = &above.members[link.parent];
            prop_assert!(!from.seen, "rules were applied to an object seen elsewhere");
            let rule = usize::from(number(node.rule.as_ref().expect("a rule")));
            let made = case.world.apply(&from.object, &[rule]).remove(0).expect("queries");
            prop_assert!(case.world.asked(&made).contains(query));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(super::cases(1000))]

    #[test]
    fn what_is_found_is_within_reach_expanded_once_and_has_real_provenance(
        case in searches(),
        pick in any::<u64>(),
    ) {
        let tree = Drive::new(&case).finish(Pick(pick), 2).search.tree();
        let mut expanded = HashSet::new();
        for (index, node) in tree.nodes.iter().enumerate() {
            check_node(&case, &tree, index)?;
            prop_assert!(node.runs.len() < 99, "{} has too many queries", node.key);
            // With several goals, a path that still looks for one may take an object again.
            let ended = matches!(node.end, Some(End::Visited | End::Reach));
            let twice = ended || case.goals.len() > 1;
            for member in node.members.iter().filter(|member| !member.seen && !twice) {
                let key = (node.class.clone(), Arc::clone(&member.object.id));
                prop_assert!(expanded.insert(key), "{} is expanded twice", member.object.id);
            }
        }
    }

    #[test]
    fn several_goals_at_once_find_what_each_finds_alone(
        world in worlds(false),
        (first, second) in (1..6u8, 1..6u8),
        reach in 1..6u32,
        pick in any::<u64>(),
    ) {
        let found = |goals: &[u8], wanted: u8| -> HashSet<Arc<str>> {
            let (world, goals) = (world.clone(), goals.to_vec());
            let case = Case { world, goals, reach, bounds: Bounds::default() };
            let tree = Drive::new(&case).finish(Pick(pick), 2).search.tree();
            let nodes = tree.nodes.iter().filter(|node| node.class == class(wanted));
            nodes.flat_map(|node| &node.members).map(|m| Arc::clone(&m.object.id)).collect()
        };
        for goal in [first, second] {
            let (alone, together) = (found(&[goal], goal), found(&[first, second], goal));
            prop_assert!(alone.is_subset(&together), "{:?} of {:?}", together, alone);
        }
    }
}
