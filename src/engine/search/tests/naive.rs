//! Goal search against a search that follows every path within reach, whatever it leads to and
//! whoever has been there before.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::Rules as _;
use super::drive::{Case, Drive, Pick, in_worlds};
use super::world::class;
use crate::model::{Class, Object, Query};

/// Every node by its key, with the ids of its objects.
type Paths = BTreeMap<String, (Class, BTreeSet<String>)>;

/// A node on the way from the start: its class and objects.
type Step = (Class, Vec<Arc<Object>>);

fn all_paths(case: &Case) -> Paths {
    let start = case.world.start().objects;
    let mut paths = Paths::new();
    follow(case, &class(0).to_string(), 0, &[(class(0), start)], &mut paths);
    paths
}

fn follow(case: &Case, key: &str, spent: u32, way: &[Step], paths: &mut Paths) {
    let (here, objects) = way.last().expect("a node").clone();
    let ids = objects.iter().map(|object| object.id.to_string()).collect();
    paths.insert(key.to_owned(), (here.clone(), ids));
    let been = |class: &Class| way[..way.len() - 1].iter().any(|(other, _)| other == class);
    // A path ends at a class that it has been at, and when it has been at every goal.
    let goals = || case.goals.iter().map(|&goal| class(goal));
    let after_start: Vec<&Class> = way[1..].iter().map(|(class, _)| class).collect();
    let all = !case.goals.is_empty() && goals().all(|goal| after_start.contains(&&goal));
    if been(&here) || all {
        return;
    }
    for rule in case.world.starting_at(&here) {
        let (name, cost) = case.world.rule(rule);
        if spent + cost > case.reach {
            continue;
        }
        let made = objects.iter().flat_map(|object| case.world.apply(object, &[rule]).remove(0));
        let mut by_class: HashMap<Class, Vec<Query>> = HashMap::new();
        for query in made.flat_map(|made| case.world.asked(&made)) {
            by_class.entry(query.class().clone()).or_default().push(query);
        }
        for (goal, queries) in by_class {
            let mut found: Vec<Arc<Object>> = Vec::new();
            for object in queries.iter().filter_map(|query| case.world.answer(query).result.ok()) {
                for object in object.objects {
                    let on_path = way
                        .iter()
                        .filter(|(class, _)| *class == goal)
                        .flat_map(|(_, objects)| objects)
                        .any(|other| other.id == object.id);
                    if !on_path && found.iter().all(|other| other.id != object.id) {
                        found.push(object);
                    }
                }
            }
            let mut way = way.to_vec();
            way.push((goal.clone(), found));
            follow(case, &format!("{key}/{name}>{goal}"), spent + cost, &way, paths);
        }
    }
}

/// The objects of the goals, or all without goals.
fn of_goals<'p>(
    case: &Case,
    nodes: impl IntoIterator<Item = (&'p Class, Vec<String>)>,
) -> BTreeSet<(Class, String)> {
    let goal =
        |at: &Class| case.goals.is_empty() || case.goals.iter().any(|&goal| class(goal) == *at);
    let nodes = nodes.into_iter().filter(|(class, _)| goal(class));
    nodes.flat_map(|(class, ids)| ids.into_iter().map(|id| (class.clone(), id))).collect()
}

fn compare(case: &Case, pick: u64) -> Result<(), TestCaseError> {
    let tree = Drive::new(case).finish(Pick(pick), 3).search.tree();
    let paths = all_paths(case);
    for node in &tree.nodes {
        let Some((_, ids)) = paths.get(&*node.key) else {
            return Err(TestCaseError::fail(format!("{} is no path", node.key)));
        };
        for member in &node.members {
            prop_assert!(ids.contains(&*member.object.id), "{}: {}", node.key, member.object.id);
        }
    }
    let ids = |node: &crate::graph::Node| {
        node.members.iter().map(|member| member.object.id.to_string()).collect()
    };
    let found = of_goals(case, tree.nodes.iter().skip(1).map(|node| (&node.class, ids(node))));
    let root = class(0).to_string();
    let there = paths.iter().filter(|(key, _)| **key != root);
    let there =
        of_goals(case, there.map(|(_, (class, ids))| (class, ids.iter().cloned().collect())));
    if case.world.acyclic {
        prop_assert_eq!(found, there);
    } else {
        prop_assert!(found.is_subset(&there));
    }
    Ok(())
}

proptest! {
    #![proptest_config(super::cases(1000))]

    #[test]
    fn without_cycles_all_is_found_that_any_path_leads_to(
        case in in_worlds(true, false),
        pick in any::<u64>(),
    ) {
        compare(&case, pick)?;
    }

    #[test]
    fn what_is_found_in_cycles_lies_on_allowed_paths(
        case in in_worlds(false, false),
        pick in any::<u64>(),
    ) {
        compare(&case, pick)?;
    }
}
