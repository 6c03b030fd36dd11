//! From an alert over a Deployment to 500 Pods, their logs, Events and nodes: how many calls are
//! made, against the pairs of class and namespace that have to be touched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use korrel8::model::{Answer, Judge, Query, Rank, Ranked, Scope, Source, Store};

use crate::cluster::{Cluster, SERVED};
use crate::measure::Row;
use crate::search::{CONCURRENCY, pair};
use crate::world;

const PODS: usize = 500;

const ALERT: &str = "alert:alert:{deployment: web}";

/// The queries that came to stores.
type Asked = Arc<Mutex<BTreeSet<Query>>>;

pub(crate) fn run() -> Vec<Row> {
    let tasks = tokio::runtime::Runtime::new().expect("a runtime");
    tasks.block_on(async {
        let cluster = Cluster::start(&world::wide(PODS), std::time::Duration::ZERO).await;
        let start = world::start(&world::engine(cluster.stores(CONCURRENCY).await), ALERT).await;
        let asked = Asked::default();
        let noting = |(name, inner): (String, Arc<dyn Store>)| {
            let served = SERVED.contains(&&*name);
            let noted = |inner| Arc::new(Noting { inner, asked: Arc::clone(&asked) }) as _;
            (name, if served { noted(inner) } else { inner })
        };
        let stores = cluster.stores(CONCURRENCY).await;
        let engine = world::engine(stores.into_iter().map(noting).collect());
        cluster.calls();
        let goals = ["log", "k8s:Event", "k8s:Node"];
        let found = world::search(&engine, &start, &goals, 5).await;
        let calls = cluster.calls();
        let queries = asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let pairs: BTreeSet<_> = queries.iter().map(pair).collect();
        let found = world::end(&found);
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for (_, call) in &calls {
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

/// A store that notes what it is asked.
struct Noting {
    inner: Arc<dyn Store>,
    asked: Asked,
}

impl Store for Noting {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.extend(batch.iter().map(|one| one.query.clone()));
        drop(asked);
        self.inner.fetch(batch, scope)
    }

    fn prepare(&self, scope: Scope, rank: &Rank) -> Option<BoxFuture<'static, ()>> {
        self.inner.prepare(scope, rank)
    }

    fn judge_by(&self, judge: &Judge) {
        self.inner.judge_by(judge);
    }

    fn sources(&self) -> Vec<Source> {
        self.inner.sources()
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
