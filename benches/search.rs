//! A search where every call takes 50 ms: in memory, where a store makes one call per class and
//! namespace, and over HTTP, where the calls are those of the real clients. The bound is the
//! longest chain of calls of which each needs the answer of the one before.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, BoxStream, StreamExt as _};
use korrel8::engine::{Engine, Stores};
use korrel8::graph::{RunState, Tree};
use korrel8::model::{Answer, Query, Ranked, Scope, Source, Store};
use tokio::sync::Semaphore;

use crate::cluster::Cluster;
use crate::measure::{Row, ratio};
use crate::world;

/// What one call takes.
const CALL: Duration = Duration::from_millis(50);

/// How many calls a source has in flight.
const CONCURRENCY: usize = 16;

const RUNS: usize = 5;

pub(crate) fn run() -> Vec<Row> {
    let tasks = tokio::runtime::Runtime::new().expect("a runtime");
    tasks.block_on(async {
        let demo = korrel8::replay::demo(world::now());
        let (domains, _) = world::rules();
        let slow: Stores = world::stores(&demo, &domains)
            .into_iter()
            .map(|(name, store)| (name, Arc::new(Slow::new(store)) as Arc<dyn Store>))
            .collect();
        let memory = world::engine(slow);
        let mut rows = Vec::new();
        rows.extend(both(&memory, "in memory").await);
        let cluster = Cluster::start(&demo, CALL).await;
        let engine = cluster.engine().await;
        rows.extend(both(&engine, "over HTTP").await);
        rows
    })
}

async fn both(engine: &Engine, how: &str) -> Vec<Row> {
    let pod = "k8s:Pod:{namespace: shop, name: postgres-0}";
    let alert = "alert:alert:{alertname: KubePodCrashLooping, pod: postgres-0}";
    vec![
        row(engine, &format!("depth 3 from a Pod, {how}"), pod, &[], 3).await,
        row(engine, &format!("alert -> logs, {how}"), alert, &["log"], 5).await,
    ]
}

async fn row(engine: &Engine, bench: &str, from: &str, goals: &[&str], reach: u32) -> Row {
    let start = world::start(engine, from).await;
    let mut took = Vec::new();
    for _ in 0..RUNS {
        engine.refresh();
        let began = Instant::now();
        let found = world::search(engine, &start, goals, reach).await;
        took.push((began.elapsed(), found));
    }
    took.sort_by_key(|(took, _)| *took);
    let (took, found) = &took[RUNS / 2];
    let chain = found.iter().map(|state| chain(&state.tree)).max().unwrap_or(0);
    let bound = CALL * chain;
    let queries = found.iter().map(|state| state.total).max().unwrap_or(0);
    Row {
        bench: format!("search, 50 ms per call, {bench}"),
        bound: "longest chain of dependent calls x 50 ms".to_owned(),
        target: 1.3,
        ratio: ratio(*took, bound),
        figures: format!(
            "{took:.0?} to {chain} x 50 ms; {queries} queries, {} nodes; median of {RUNS}",
            world::end(found).tree.nodes.len()
        ),
    }
}

/// How many calls, one after the other, were needed at the least: a query can be made as soon as
/// any node that asks it has an object in its parent.
fn chain(tree: &Tree) -> u32 {
    let mut level: HashMap<&Query, u32> = HashMap::new();
    loop {
        let mut nodes: Vec<u32> = Vec::new();
        let mut changed = false;
        for node in &tree.nodes {
            let Some(parent) = node.parent else {
                nodes.push(0);
                continue;
            };
            let mut earliest = u32::MAX;
            for run in node.runs.iter().filter(|run| run.state == RunState::Done) {
                let known = level.entry(&run.query).or_insert(u32::MAX);
                let here = nodes[parent].saturating_add(1);
                changed |= here < *known;
                *known = here.min(*known);
                earliest = earliest.min(*known);
            }
            nodes.push(earliest);
        }
        if !changed {
            return level.values().copied().filter(|level| *level < u32::MAX).max().unwrap_or(0);
        }
    }
}

/// A store whose every call takes its time. One call answers all queries of a batch that are for
/// one class and namespace.
struct Slow {
    inner: Arc<dyn Store>,
    slots: Arc<Semaphore>,
}

impl Slow {
    fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, slots: Arc::new(Semaphore::new(CONCURRENCY)) }
    }
}

impl Store for Slow {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let mut calls: BTreeMap<_, Vec<Ranked>> = BTreeMap::new();
        for query in batch {
            calls.entry(pair(&query.query)).or_default().push(query);
        }
        let calls: Vec<_> = calls
            .into_values()
            .map(|queries| {
                let (inner, slots) = (Arc::clone(&self.inner), Arc::clone(&self.slots));
                async move {
                    let slot = slots.acquire_owned().await.expect("slots stay open");
                    tokio::time::sleep(CALL).await;
                    drop(slot);
                    inner.fetch(queries, scope)
                }
            })
            .collect();
        let open = calls.len().max(1);
        stream::iter(calls).buffer_unordered(open).flatten().boxed()
    }

    fn sources(&self) -> Vec<Source> {
        self.inner.sources()
    }
}

/// The class of a query, and the namespace if it names one.
pub(crate) fn pair(query: &Query) -> (String, Option<String>) {
    let selector: serde_json::Value =
        serde_json::from_str(query.selector_text()).unwrap_or_default();
    let namespace = selector.get("namespace").and_then(|value| value.as_str());
    (query.class().to_string(), namespace.map(str::to_owned))
}
