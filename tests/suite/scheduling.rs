//! Who is asked when: the cheapest path first, nodes in turns, and nothing that goes on when
//! nobody wants it any more.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{BoxFuture, join_all};
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt};
use korrel8::client::http::{HttpClient, HttpOptions};
use korrel8::client::ranked;
use korrel8::client::transport::{Broken, Call, Reply, Transport};
use korrel8::domain;
use korrel8::domain::k8s::{K8s, KubeStore};
use korrel8::engine::{Engine, Request, Running, Stores};
use korrel8::graph::RunState;
use korrel8::model::{
    Answer, Domains, ErrorKind, Found, Object, Rank, Ranked, Scope, Source, Store, Vocabulary,
};
use korrel8::rule::RuleSet;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::fake::http::{Fault, Response, Server};
use crate::kube_client::connect;
use crate::kube_store::{pod, scope};

/// Answers when it is told to, and notes who called; `/busy` is told to come back later at first.
#[derive(Default)]
struct Wire {
    calls: Mutex<Vec<String>>,
    wait: Duration,
    busy: AtomicUsize,
}

struct Shared(Arc<Wire>);

#[async_trait]
impl Transport for Shared {
    async fn get(&self, call: &Call, _: usize) -> Result<Reply, Broken> {
        self.0.calls.lock().unwrap().push(call.path.clone());
        tokio::time::sleep(self.0.wait).await;
        let turned_away = call.path == "/busy"
            && self
                .0
                .busy
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        let status = if turned_away { 429 } else { 200 };
        let retry_after = turned_away.then_some(Duration::from_secs(4));
        Ok(Reply { status, retry_after, body: b"{}".to_vec(), ..Reply::default() })
    }

    fn url(&self, path: &str) -> String {
        format!("http://fake{path}")
    }

    fn via(&self) -> &'static str {
        "direct"
    }
}

/// A client that makes so many calls at a time, each of which takes a second.
fn client(concurrency: usize, busy: usize) -> (HttpClient, Arc<Wire>) {
    let wire =
        Arc::new(Wire { wait: Duration::from_secs(1), busy: busy.into(), ..Wire::default() });
    let options = HttpOptions { concurrency, ..HttpOptions::new("fake", "http://fake", "test") };
    (HttpClient::with(options, Arc::new(Shared(Arc::clone(&wire)))), wire)
}

async fn call(client: &HttpClient, rank: &Rank, path: &str) -> Result<Value, ErrorKind> {
    let work = client.json(Call::new(path));
    ranked(rank.clone(), work).await.map_err(|error| error.kind)
}

#[tokio::test(start_paused = true)]
async fn the_cheapest_goes_first_and_nodes_take_turns() {
    let (client, wire) = client(1, 0);
    let [many, few, cheap, open] = [3, 3, 1, 5].map(Rank::new);
    let mut calls = Vec::new();
    for place in 0..30 {
        calls.push((&many, format!("/many{place}")));
    }
    calls.extend([(&few, "/few".to_owned()), (&open, "/open".to_owned())]);
    calls.extend([(&cheap, "/cheap0".to_owned()), (&cheap, "/cheap1".to_owned())]);
    let all = calls.iter().map(|(rank, path)| call(&client, rank, path));
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(4500)).await;
        open.prefer(true);
    };
    let (answers, ()) = futures::join!(join_all(all), meanwhile);
    assert!(answers.iter().all(Result::is_ok), "waiting is not counted: {answers:?}");
    let order = wire.calls.lock().unwrap().clone();
    let first: Vec<&str> = order.iter().take(6).map(String::as_str).collect();
    assert_eq!(first, ["/cheap0", "/cheap1", "/many0", "/few", "/many1", "/open"]);
    assert_eq!(order.len(), 34);
}

#[tokio::test(start_paused = true)]
async fn a_merged_call_goes_with_its_best() {
    let (client, wire) = client(1, 0);
    let [dear, cheap, other] = [4, 1, 2].map(Rank::new);
    let merged = Rank::join([&dear, &cheap]);
    let calls = [(&dear, "/dear"), (&other, "/other"), (&merged, "/merged")];
    let all = calls.iter().map(|(rank, path)| call(&client, rank, path));
    join_all(all).await;
    assert_eq!(*wire.calls.lock().unwrap(), ["/merged", "/other", "/dear"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_pauses_lets_others_pass() {
    let (client, wire) = client(1, 1);
    let rank = Rank::default();
    let calls = ["/busy", "/a", "/b"].map(|path| call(&client, &rank, path));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(*wire.calls.lock().unwrap(), ["/busy", "/a", "/b", "/busy"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_given_up_while_it_waits_takes_no_turn() {
    let (client, wire) = client(1, 0);
    let rank = Rank::default();
    let mut first = Box::pin(call(&client, &rank, "/first"));
    let mut gone = Box::pin(call(&client, &rank, "/gone"));
    for _ in 0..3 {
        futures::future::poll_immediate(&mut first).await;
        futures::future::poll_immediate(&mut gone).await;
        tokio::task::yield_now().await;
    }
    drop(gone);
    drop(first);
    assert!(call(&client, &rank, "/last").await.is_ok(), "no turn was lost");
    assert_eq!(*wire.calls.lock().unwrap(), ["/first", "/last"]);
}

/// A store over objects that answers one query per permit, and counts what is open.
pub(crate) struct Stepped {
    pub(crate) objects: Vec<Object>,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) open: Arc<AtomicUsize>,
}

/// Something that is under way.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Store for Stepped {
    fn fetch(&self, batch: Vec<Ranked>, _: Scope) -> BoxStream<'static, Answer> {
        let objects = self.objects.clone();
        let answers = batch.into_iter().map(move |Ranked { query, .. }| {
            self.open.fetch_add(1, Ordering::SeqCst);
            let (open, permits) = (Open(Arc::clone(&self.open)), Arc::clone(&self.permits));
            let own = objects.iter().filter(|object| query.matches(object) == Some(true)).cloned();
            let found = Found::all(own.collect());
            async move {
                permits.acquire().await.unwrap().forget();
                drop(open);
                Answer { query, result: Ok(found), took: Duration::ZERO }
            }
        });
        let answers: futures::stream::FuturesUnordered<_> = answers.collect();
        answers.boxed()
    }

    fn sources(&self) -> Vec<Source> {
        Vec::new()
    }
}

pub(crate) fn world() -> (Arc<K8s>, Domains, Arc<RuleSet>) {
    let k8s = Arc::new(K8s::new());
    let domains = domain::with_k8s(Arc::clone(&k8s), &Vocabulary::builtin());
    let (rules, _) = RuleSet::load(&domains, &RuleSet::builtin_files());
    (k8s, domains, Arc::new(rules))
}

pub(crate) fn search(engine: &Engine, start: &Object, deadline: Option<Duration>) -> Running {
    engine.search(Request {
        start: vec![Arc::new(start.clone())],
        asked: None,
        goals: Vec::new(),
        reach: 3,
        scope: scope(100),
        deadline,
    })
}

pub(crate) fn objects(domains: &Domains) -> Vec<Object> {
    let class = domains.class("k8s:Pod").unwrap();
    let of = |name: &str| {
        let more = json!({"spec": {"nodeName": "n1", "containers": [{"name": "main"}]}});
        domains.object(&class, pod(name, &more)).unwrap()
    };
    let node = domains.class("k8s:Node").unwrap();
    let node = domains.object(&node, json!({"metadata": {"name": "n1"}})).unwrap();
    vec![of("db-0"), of("db-1"), node]
}

fn stepped() -> (Engine, Object, Arc<Semaphore>, Arc<AtomicUsize>) {
    let (_, domains, rules) = world();
    let objects = objects(&domains);
    let (permits, open) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let store = |_| {
        let objects = objects.clone();
        let store = Stepped { objects, permits: Arc::clone(&permits), open: Arc::clone(&open) };
        Arc::new(store) as Arc<dyn Store>
    };
    let names = domains.iter().map(|domain| domain.name().to_owned());
    let stores: Stores = names.map(|name| (name.clone(), store(name))).collect();
    (Engine::new(domains.clone(), rules, stores), objects[0].clone(), permits, open)
}

async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_search_dropped_at_any_step_leaves_nothing_running() {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let mut ended = 0;
    for step in 0..200 {
        let (engine, start, permits, open) = stepped();
        let before = tasks();
        let running = search(&engine, &start, None);
        settle().await;
        for _ in 0..step {
            permits.add_permits(1);
            settle().await;
        }
        if running.progress().borrow().finished {
            ended = step;
        } else {
            assert!(open.load(Ordering::SeqCst) > 0, "step {step}");
        }
        if step % 2 == 0 {
            running.cancel();
            let last = running.finish().await;
            assert!(last.finished && (last.cancelled || ended > 0), "step {step}");
        } else {
            drop(running);
        }
        settle().await;
        assert_eq!((open.load(Ordering::SeqCst), tasks()), (0, before), "step {step}");
        if ended > 0 {
            break;
        }
    }
    assert!(ended > 5, "the search came to its end after {ended} steps");
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_what_was_found_stands() {
    let (engine, start, permits, open) = stepped();
    permits.add_permits(4);
    let last = search(&engine, &start, Some(Duration::from_secs(30))).finish().await;
    assert!(last.cancelled && last.partial());
    assert!(last.done == 4 && last.total > 4);
    let runs = || last.tree.nodes.iter().flat_map(|node| &node.runs);
    assert_eq!(runs().filter(|run| run.state == RunState::Done).count(), 4);
    assert!(runs().any(|run| run.state == RunState::Cancelled));
    settle().await;
    assert_eq!(open.load(Ordering::SeqCst), 0);
}

/// A store that notes what it was asked to know beforehand, and for what.
struct Early(&'static str, Arc<Mutex<Vec<String>>>);

impl Store for Early {
    fn fetch(&self, batch: Vec<Ranked>, _: Scope) -> BoxStream<'static, Answer> {
        self.1.lock().unwrap().push(format!("{} fetch", self.0));
        let answer = |one: Ranked| Answer {
            query: one.query,
            result: Ok(Found::default()),
            took: Duration::ZERO,
        };
        futures::stream::iter(batch.into_iter().map(answer)).boxed()
    }

    fn prepare(&self, _: Scope, _: &Rank) -> Option<BoxFuture<'static, ()>> {
        let (name, noted) = (self.0, Arc::clone(&self.1));
        Some(async move { noted.lock().unwrap().push(format!("{name} prepare")) }.boxed())
    }

    fn sources(&self) -> Vec<Source> {
        Vec::new()
    }
}

#[tokio::test]
async fn stores_that_a_search_may_come_to_prepare_while_others_are_asked() {
    let (_, domains, rules) = world();
    for (goals, reach, expected) in [
        (&[][..], 1, &["k8s prepare", "k8s fetch", "log prepare", "log fetch"][..]),
        (&["log"], 5, &["k8s prepare", "k8s fetch", "log prepare", "log fetch"]),
        (&["k8s:Node"], 1, &["k8s prepare", "k8s fetch"]),
        (&[], 0, &[]),
    ] {
        let noted = Arc::new(Mutex::new(Vec::new()));
        let store = |name| Arc::new(Early(name, Arc::clone(&noted))) as Arc<dyn Store>;
        let stores = ["k8s", "log"].map(|name| (name.to_owned(), store(name)));
        let engine = Engine::new(domains.clone(), Arc::clone(&rules), stores.into());
        let goals = goals.iter().map(|goal| domains.goal(goal).unwrap()).collect();
        let start = vec![Arc::new(objects(&domains)[0].clone())];
        let (scope, deadline) = (scope(100), None);
        let request = Request { start, asked: None, goals, reach, scope, deadline };
        engine.search(request).finish().await;
        let noted = noted.lock().unwrap().clone();
        for word in expected {
            assert!(noted.iter().any(|noted| noted == word), "{word}: {noted:?}");
        }
        assert_eq!(noted.len(), expected.len(), "{noted:?}");
    }
}

#[tokio::test]
async fn a_dropped_search_closes_its_connections() {
    let server = Server::start(|_| Response::fault(Fault::Hang)).await;
    let (k8s, domains, rules) = world();
    let store: Arc<dyn Store> = Arc::new(KubeStore::new(connect(&server).await, (*k8s).clone()));
    let engine = Engine::new(domains.clone(), rules, [("k8s".to_owned(), store)].into());
    let running = search(&engine, &objects(&domains)[0], None);
    while server.hanging() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(running);
    while server.hanging() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
