//! A search in clusters of ever more kinds, on stores in memory: what is not touched must not
//! cost anything. Printed with the time itself.

use std::sync::Arc;
use std::time::Duration;

use korrel8::engine::Engine;
use korrel8::model::Object;
use korrel8::rule::RuleSet;

use crate::measure::{Row, clock, in_turn, ratio};
use crate::world;

const RUNS: usize = 21;

/// An engine, and where a search begins.
type World = (Engine, Vec<Arc<Object>>);

pub(crate) fn run() -> Vec<Row> {
    let tasks = tokio::runtime::Runtime::new().expect("a runtime");
    let worlds = [42, 100, 300, 600].map(|count| (count, tasks.block_on(of(count))));
    let search = |(engine, start): &World| tasks.block_on(world::search(engine, start, &[], 2));
    let few = &worlds[0].1;
    let mut all = Vec::new();
    let mut most = None;
    for (count, world) in &worlds {
        let nodes = world::end(&search(world)).tree.nodes.len();
        let pair = in_turn(RUNS, || clock(|| drop(search(world))), || clock(|| drop(search(few))));
        all.push(format!("{count}: {:.2?} for {nodes} nodes", pair.took));
        most = Some(pair);
    }
    let most = most.expect("a world");
    vec![
        Row {
            bench: "search of depth 2 at 600 classes".to_owned(),
            bound: "the same at 42 classes".to_owned(),
            target: 1.5,
            ratio: most.ratio,
            figures: format!("{}; median of {RUNS}", all.join(", ")),
        },
        Row {
            bench: "search of depth 2 at 600 classes".to_owned(),
            bound: "20 ms".to_owned(),
            target: 1.0,
            ratio: ratio(most.took, Duration::from_millis(20)),
            figures: format!("{:.2?}; median of {RUNS}", most.took),
        },
    ]
}

async fn of(count: usize) -> World {
    let (domains, recording) = world::kinds(count);
    let (rules, faults) = RuleSet::load(&domains, &RuleSet::builtin_files());
    assert!(faults.is_empty(), "{faults:?}");
    let stores = world::stores(&recording, &domains);
    let engine = Engine::new(domains, Arc::new(rules), stores);
    let start = world::start(&engine, "k8s:Pod:{namespace: shop, name: web-5d4-0000}").await;
    (engine, start)
}
