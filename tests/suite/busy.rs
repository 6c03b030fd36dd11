//! Back ends that are busy and ask to be left alone: they are asked again if there is time for it,
//! and hold nobody if there is not.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use korrel8::client::http::{HttpClient, HttpOptions};
use korrel8::client::loki::Loki;
use korrel8::client::transport::{Broken, Call, Reply, Transport};
use korrel8::domain::k8s::KubeStore;
use korrel8::domain::log::LokiStore;
use korrel8::engine::{Engine, Snapshot};
use korrel8::graph::{Run, RunState};
use korrel8::model::{ErrorKind, Store, Vocabulary};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::fake::http::{Response, Server};
use crate::kube_client::connect;
use crate::scheduling::{Stepped, objects, search, world};

/// A Loki that turns away the calls of a path for some time, and notes when it was called there.
struct Busy {
    path: &'static str,
    wait: Duration,
    called: Arc<Mutex<Vec<Instant>>>,
}

#[async_trait]
impl Transport for Busy {
    async fn get(&self, call: &Call, _: usize) -> Result<Reply, Broken> {
        let body = match call.path.as_str() {
            "/loki/api/v1/labels" => json!({"status": "success", "data": ["namespace", "pod"]}),
            _ => json!({"status": "success", "data": {"resultType": "streams", "result": []}}),
        };
        if call.path.ends_with(self.path) {
            let mut called = self.called.lock().unwrap();
            called.push(Instant::now());
            if called[0].elapsed() < self.wait {
                let (body, retry_after) = (b"slow down".to_vec(), Some(self.wait));
                return Ok(Reply { status: 429, retry_after, body, ..Reply::default() });
            }
        }
        Ok(Reply { status: 200, body: body.to_string().into_bytes(), ..Reply::default() })
    }

    fn url(&self, path: &str) -> String {
        format!("http://fake{path}")
    }

    fn via(&self) -> &'static str {
        "direct"
    }
}

/// What became of the queries of a domain.
fn of_domain<'s>(snapshot: &'s Snapshot, domain: &str) -> Vec<&'s Run> {
    let nodes = snapshot.tree.nodes.iter().filter(|node| node.class.domain() == domain);
    nodes.flat_map(|node| node.runs.iter().map(|run| &**run)).collect()
}

fn too_busy(run: &Run) -> bool {
    let told = |hint: &String| hint.contains("left alone for 8 s");
    matches!(&run.state, RunState::Failed(error) if error.kind == ErrorKind::Server(429)
        && error.message.contains("slow down") && error.hint.as_ref().is_some_and(told))
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_only_if_the_search_has_the_time() {
    let second = Duration::from_secs;
    for path in ["/labels", "/query_range"] {
        for (deadline, again) in [(None, true), (Some(second(30)), true), (Some(second(5)), false)]
        {
            let (_, domains, rules) = world();
            let objects = objects(&domains);
            let k8s: Arc<dyn Store> = Arc::new(Stepped {
                objects: objects.clone(),
                permits: Arc::new(Semaphore::new(1000)),
                open: Arc::new(AtomicUsize::new(0)),
            });
            let called = Arc::new(Mutex::new(Vec::new()));
            let busy = Busy { path, wait: second(8), called: Arc::clone(&called) };
            let options = HttpOptions::new("loki", "http://fake", "test");
            let loki = Loki::with(HttpClient::with(options, Arc::new(busy)));
            let log: Arc<dyn Store> =
                Arc::new(LokiStore::new(Arc::new(loki), &Vocabulary::builtin()));
            let stores = BTreeMap::from([("k8s".to_owned(), k8s), ("log".to_owned(), log)]);
            let engine = Engine::new(domains, rules, stores);
            let last = search(&engine, &objects[0], deadline).finish().await;
            let what = format!("{path}, deadline {deadline:?}: {:?}", of_domain(&last, "log"));
            assert!(!last.cancelled, "{what}");
            let (pods, lines) = (of_domain(&last, "k8s"), of_domain(&last, "log"));
            assert!(pods.iter().all(|run| run.state == RunState::Done), "{what}");
            let called = called.lock().unwrap();
            if again {
                assert!(lines.iter().all(|run| run.state == RunState::Done), "{what}");
                let waited = called.iter().map(|at| *at - called[0]);
                assert!(waited.max() >= Some(second(8)), "{what}");
            } else {
                assert!(lines.iter().any(|run| too_busy(run)), "{what}");
                assert!(last.partial() && last.elapsed < second(1), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_busy_cluster_does_not_hold_the_search() {
    let server = Server::start(|request| {
        let busy = json!({"kind": "Status", "status": "Failure", "message": "slow down",
            "reason": "TooManyRequests", "code": 429});
        let none = json!({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": []});
        if request.path.contains("/events") {
            Response::json(429, &busy).header("Retry-After", "8")
        } else {
            Response::json(200, &none)
        }
    })
    .await;
    let (k8s, domains, rules) = world();
    let store: Arc<dyn Store> = Arc::new(KubeStore::new(connect(&server).await, (*k8s).clone()));
    let engine = Engine::new(domains.clone(), rules, [("k8s".to_owned(), store)].into());
    let start = &objects(&domains)[0];
    let last = search(&engine, start, Some(Duration::from_secs(7))).finish().await;
    let runs = of_domain(&last, "k8s");
    assert!(!last.cancelled && last.partial(), "{runs:?}");
    assert!(runs.iter().any(|run| too_busy(run)), "{runs:?}");
    let events = server.requests().iter().filter(|one| one.path.contains("/events")).count();
    assert_eq!(events, 1, "it is left alone");
}
