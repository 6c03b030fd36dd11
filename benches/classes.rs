//! A search in clusters of ever more kinds, on stores in memory: what is not touched must not
//! cost anything. Printed with the time itself.

use std::sync::Arc;
use std::time::Duration;

use korrel8::engine::Engine;
use korrel8::rule::RuleSet;

use crate::measure::{Row, median, ratio};
use crate::world;

const RUNS: usize = 21;

pub(crate) fn run() -> Vec<Row> {
    let tasks = tokio::runtime::Runtime::new().expect("a runtime");
    let took: Vec<(usize, Duration, usize)> = [42, 100, 300, 600]
        .into_iter()
        .map(|count| {
            let (took, nodes) = tasks.block_on(async { of(count).await });
            (count, took, nodes)
        })
        .collect();
    let (_, few, _) = took[0];
    let (_, many, _) = took[took.len() - 1];
    let all: Vec<String> = took
        .iter()
        .map(|(count, took, nodes)| format!("{count}: {took:.2?} for {nodes} nodes"))
        .collect();
    vec![
        Row {
            bench: "search of depth 2 at 600 classes".to_owned(),
            bound: "the same at 42 classes".to_owned(),
            target: 1.5,
            ratio: ratio(many, few),
            figures: format!("{}; median of {RUNS}", all.join(", ")),
        },
        Row {
            bench: "search of depth 2 at 600 classes".to_owned(),
            bound: "20 ms".to_owned(),
            target: 1.0,
            ratio: ratio(many, Duration::from_millis(20)),
            figures: format!("{many:.2?}; median of {RUNS}"),
        },
    ]
}

async fn of(count: usize) -> (Duration, usize) {
    let (domains, recording) = world::kinds(count);
    let (rules, faults) = RuleSet::load(&domains, &RuleSet::builtin_files());
    assert!(faults.is_empty(), "{faults:?}");
    let stores = world::stores(&recording, &domains);
    let engine = Engine::new(domains, Arc::new(rules), stores);
    let query = "k8s:Pod:{namespace: shop, name: web-5d4-0000}";
    let start = world::start(&engine, query).await;
    let nodes = world::end(&world::search(&engine, &start, &[], 2).await).tree.nodes.len();
    let took = median(RUNS, || {
        tokio::task::block_in_place(|| {
            let here = tokio::runtime::Handle::current();
            here.block_on(world::search(&engine, &start, &[], 2));
        });
    });
    (took, nodes)
}
