//! A search where every call takes 50 ms: in memory, where a store makes one call per class and
//! namespace, and over HTTP, where the calls are those of the real clients. The bound is the
//! longest chain of calls of which each needs the answer of the one before.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::stream::{self, BoxStream, StreamExt as _};
use korrel8::engine::Stores;
use korrel8::model::{Answer, Judge, Query, Ranked, Scope, Source, Store};
use tokio::sync::Semaphore;

use crate::cluster::Cluster;
use crate::measure::{Row, ratio};
use crate::world::{self, States};

/// What one call takes.
const CALL: Duration = Duration::from_millis(50);

/// What one call takes where its time is told in whole calls.
const UNHURRIED: Duration = Duration::from_millis(500);

/// How many calls a source has in flight.
pub(crate) const CONCURRENCY: usize = 16;

const RUNS: usize = 5;

/// From where to what: a name, the query of the start, goals, reach.
type Case = (&'static str, &'static str, &'static [&'static str], u32);

const CASES: [Case; 2] = [
    ("depth 3 from a Pod", "k8s:Pod:{namespace: shop, name: postgres-0}", &[], 3),
    ("alert -> logs", "alert:alert:{alertname: KubePodCrashLooping, pod: postgres-0}", &["log"], 5),
];

pub(crate) fn run() -> Vec<Row> {
    let demo = korrel8::replay::demo(world::now());
    let (domains, _) = world::rules();
    let known = ready(world::stores(&demo, &domains));
    let tasks = tokio::runtime::Runtime::new().expect("a runtime");
    let mut rows = Vec::new();
    for case in CASES {
        let chain = chain(&known, case);
        let run = || tasks.block_on(timed(slow(&known, CONCURRENCY), &known, case));
        let took = (0..RUNS).map(|_| run()).collect();
        rows.push(row(case, "in memory", chain, took));
    }
    tasks.block_on(async {
        let cluster = Cluster::start(&demo, CALL).await;
        let unhurried = Cluster::start(&demo, UNHURRIED).await;
        for case in CASES {
            let chain = calls_in_turn(&unhurried, &known, case).await;
            let mut took = Vec::new();
            // The first run makes the answers of the servers.
            for run in 0..=RUNS {
                let stores = cluster.stores(CONCURRENCY).await;
                cluster.calls();
                let began = Instant::now();
                let found = timed(stores, &known, case).await;
                if run == 1 {
                    tell(began, cluster.calls());
                }
                if run > 0 {
                    took.push(found);
                }
            }
            rows.push(row(case, "over HTTP", chain, took));
        }
        rows
    })
}

/// The same over HTTP: calls so slow, and as many at once as there are, that nothing else counts.
async fn calls_in_turn(cluster: &Cluster, known: &Stores, case: Case) -> u32 {
    let unbound = || cluster.stores(Semaphore::MAX_PERMITS);
    // The first run makes the answers of the servers.
    timed(unbound().await, known, case).await;
    let (took, _) = timed(unbound().await, known, case).await;
    eprintln!("  {} over HTTP, {UNHURRIED:?} per call: {took:?}", case.0);
    whole(ratio(took, UNHURRIED).floor())
}

/// The same stores, which have at hand what they have answered before.
fn ready(stores: Stores) -> Stores {
    let ready = |store| Arc::new(Ready { store, known: Arc::default() }) as Arc<dyn Store>;
    stores.into_iter().map(|(name, store)| (name, ready(store))).collect()
}

/// Stores whose every call takes its time.
fn slow(known: &Stores, slots: usize) -> Stores {
    let slow = |store: &Arc<dyn Store>| Arc::new(Slow::new(Arc::clone(store), slots));
    known.iter().map(|(name, store)| (name.clone(), slow(store) as Arc<dyn Store>)).collect()
}

/// How many calls have to be made one after the other: the time of a search, on a clock that runs
/// only while all wait, that makes each call as soon as it is known and any number at once.
fn chain(known: &Stores, (_, from, goals, reach): Case) -> u32 {
    let mut clock = tokio::runtime::Builder::new_current_thread();
    let clock = clock.enable_all().start_paused(true);
    let (tasks, all) = (clock.build().expect("a runtime"), Semaphore::MAX_PERMITS);
    let found = tasks.block_on(async {
        let start = world::start(&world::engine(known.clone()), from).await;
        world::search(&world::engine(slow(known, all)), &start, goals, reach).await
    });
    whole(ratio(world::end(&found).elapsed, CALL).round())
}

fn whole(calls: f64) -> u32 {
    (1..100).find(|number| f64::from(*number) >= calls).expect("a short chain")
}

/// A search with stores that know nothing yet, and how long it took.
async fn timed(stores: Stores, known: &Stores, case: Case) -> (Duration, States) {
    let (_, from, goals, reach) = case;
    let start = world::start(&world::engine(known.clone()), from).await;
    let engine = world::engine(stores);
    // As in the program, where that is done while the start is asked for.
    engine.rules().warm();
    let began = Instant::now();
    let found = world::search(&engine, &start, goals, reach).await;
    (began.elapsed(), found)
}

fn row(case: Case, how: &str, chain: u32, mut took: Vec<(Duration, States)>) -> Row {
    took.sort_by_key(|(took, _)| *took);
    let (took, found) = &took[RUNS / 2];
    let end = world::end(found);
    Row {
        bench: format!("search, 50 ms per call, {}, {how}", case.0),
        bound: "longest chain of dependent calls x 50 ms".to_owned(),
        target: 1.3,
        ratio: ratio(*took, CALL * chain),
        figures: format!(
            "{took:.0?} to {chain} x 50 ms; {} queries, {} nodes; median of {RUNS}",
            end.total,
            end.tree.nodes.len()
        ),
    }
}

/// Which calls were made after how many others had been waited for.
fn tell(began: Instant, calls: Vec<(Instant, String)>) {
    let mut steps: BTreeMap<(u128, String), usize> = BTreeMap::new();
    for (at, call) in calls {
        let step = at.duration_since(began).as_millis() / CALL.as_millis();
        *steps.entry((step, call)).or_default() += 1;
    }
    for ((step, call), count) in steps {
        eprintln!("  step {step}: {count} x {call}");
    }
}

/// A store that works an answer out once only: what that takes is no matter of a search.
struct Ready {
    store: Arc<dyn Store>,
    known: Arc<Mutex<HashMap<Query, Answer>>>,
}

impl Store for Ready {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let known = self.known.lock().expect("no panic");
        let all: Option<Vec<Answer>> =
            batch.iter().map(|one| known.get(&one.query).cloned()).collect();
        if let Some(all) = all {
            return stream::iter(all).boxed();
        }
        let known = Arc::clone(&self.known);
        let keep = move |answer: &Answer| {
            known.lock().expect("no panic").insert(answer.query.clone(), answer.clone());
        };
        self.store.fetch(batch, scope).inspect(keep).boxed()
    }

    fn judge_by(&self, judge: &Judge) {
        self.store.judge_by(judge);
    }

    fn sources(&self) -> Vec<Source> {
        self.store.sources()
    }
}

/// A store whose every call takes its time. One call answers all queries of a batch that are for
/// one class and namespace.
struct Slow {
    inner: Arc<dyn Store>,
    slots: Arc<Semaphore>,
}

impl Slow {
    fn new(inner: Arc<dyn Store>, slots: usize) -> Self {
        Self { inner, slots: Arc::new(Semaphore::new(slots)) }
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
