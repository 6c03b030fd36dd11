//! From an alert over a Deployment to 500 Pods, their logs, Events and nodes: how many calls are
//! made, against the pairs of class and namespace that have to be touched.

use std::collections::{BTreeMap, BTreeSet};

use korrel8::graph::RunState;

use crate::cluster::Cluster;
use crate::measure::Row;
use crate::search::pair;
use crate::world;

const PODS: usize = 500;

pub(crate) fn run() -> Vec<Row> {
    let tasks = tokio::runtime::Runtime::new().expect("a runtime");
    tasks.block_on(async {
        let cluster = Cluster::start(&world::wide(PODS), std::time::Duration::ZERO).await;
        let engine = cluster.engine().await;
        let start = world::start(&engine, "alert:alert:{deployment: web}").await;
        engine.refresh();
        let before = cluster.calls();
        let goals = ["log", "k8s:Event", "k8s:Node"];
        let found = world::search(&engine, &start, &goals, 5).await;
        let calls = cluster.calls().split_off(before.len());
        let trees = found.iter().map(|state| &state.tree);
        let runs = trees.flat_map(|tree| tree.nodes.iter()).flat_map(|node| &node.runs);
        let asked = runs.filter(|run| matches!(run.state, RunState::Done | RunState::Failed(_)));
        let queries: BTreeSet<_> = asked.map(|run| run.query.clone()).collect();
        let pairs: BTreeSet<_> = queries.iter().map(pair).collect();
        let found = world::end(&found);
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for call in &calls {
            *kinds.entry(call.clone()).or_default() += 1;
        }
        for (call, count) in &kinds {
            eprintln!("  {count} x {call}");
        }
        let lines = |name: &str| {
            let nodes = found.tree.nodes.iter().filter(|node| node.class.to_string() == name);
            nodes.map(|node| node.members.len()).max().unwrap_or(0)
        };
        let failed = found.tree.nodes.iter().filter(|node| node.failure().is_some()).count();
        vec![Row {
            bench: format!("wide: alert -> Deployment -> {PODS} Pods -> logs, Events, nodes"),
            bound: "pairs of class and namespace that were asked for".to_owned(),
            target: 2.0,
            ratio: count(calls.len()) / count(pairs.len()),
            figures: format!(
                "{} calls for {} queries to {} pairs; {} Pods, {} lines, {} Events, {} Nodes found; {failed} nodes failed; {:.0?}; once",
                calls.len(),
                queries.len(),
                pairs.len(),
                lines("k8s:Pod.v1"),
                lines("log:application"),
                lines("k8s:Event.v1"),
                lines("k8s:Node.v1"),
                found.elapsed,
            ),
        }]
    })
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
