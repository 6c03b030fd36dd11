//! Merging many Pods into few calls of Loki changes no answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use korrel8::client::http::HttpOptions;
use korrel8::client::loki::Loki as Client;
use korrel8::domain::log::LokiStore;
use korrel8::model::{Answer, Scope, Store, Vocabulary};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::ask::{ago, ask_all, now, scope};
use crate::fake::http::Server;
use crate::fake::loki::Loki;

/// What is in the server, and what is asked.
#[derive(Clone, Debug)]
struct Case {
    /// Place of the Pod, container, tenths of a second ago.
    lines: Vec<(usize, usize, i64)>,
    /// Whether the name of the Pod is in structured metadata.
    metadata: bool,
    most: usize,
    limit: usize,
    focus: Option<i64>,
    asked: Vec<usize>,
}

/// Names that a regular expression could confuse, in two namespaces.
const PODS: [(&str, &str); 8] = [
    ("shop", "web-5c-a"),
    ("shop", "web-5c-b"),
    ("shop", "web-5c-ab"),
    ("shop", "web-5c"),
    ("shop", "a.b"),
    ("shop", "axb"),
    ("pay", "web-5c-a"),
    ("pay", "db-0"),
];

fn cases() -> impl Strategy<Value = Case> {
    // Half of the lines are of one noisy Pod.
    let pod = prop_oneof![Just(0_usize), 0..PODS.len()];
    let line = (pod, 0_usize..2, 0_i64..300);
    (
        prop::collection::vec(line, 0..120),
        any::<bool>(),
        4_usize..40,
        1_usize..9,
        prop::option::of(0_i64..320),
        prop::collection::btree_set(0..PODS.len(), 1..PODS.len()),
    )
        .prop_map(|(lines, metadata, most, limit, focus, asked)| {
            let asked = asked.into_iter().collect();
            Case { lines, metadata, most, limit, focus, asked }
        })
}

fn loki(case: &Case) -> Loki {
    let mut loki = Loki::new();
    loki.most = case.most;
    for (at, (pod, container, tenths)) in case.lines.iter().enumerate() {
        let (namespace, name) = PODS[*pod];
        let container = ["app", "proxy"][*container];
        let text = format!("{at} of {namespace}/{name}");
        let nanos = ago(0) - tenths * 100_000_000;
        if case.metadata {
            let labels = [("namespace", namespace), ("container", container)];
            loki.add_with(nanos, &text, &labels, &[("pod", name)]);
        } else {
            let labels = [("namespace", namespace), ("pod", name), ("container", container)];
            loki.add(nanos, &text, &labels);
        }
    }
    loki
}

/// Lines of an answer: their times, and the texts of those that are alone at their moment among
/// the lines of the Pod, since a server may cut between lines of one moment as it likes.
type Seen = (Vec<DateTime<Utc>>, Vec<String>, Option<&'static str>);

fn seen(answer: &Answer, case: &Case) -> Seen {
    let found = answer.result.as_ref().expect("an answer");
    let mut count: BTreeMap<(usize, i64), usize> = BTreeMap::new();
    for (pod, _, tenths) in &case.lines {
        *count.entry((*pod, *tenths)).or_default() += 1;
    }
    let alone = |text: &str| {
        let at: usize = text.split(' ').next().and_then(|at| at.parse().ok()).expect("a number");
        let (pod, _, tenths) = case.lines[at];
        count[&(pod, tenths)] == 1
    };
    let texts = found.objects.iter().filter_map(|line| line.text("/body"));
    (
        found.objects.iter().filter_map(|line| line.time).collect(),
        texts.filter(|text| alone(text)).map(str::to_owned).collect(),
        found.cut.as_ref().map(|cut| cut.by),
    )
}

/// A server whose content changes, and two stores that ask it.
struct Bed {
    holds: Arc<Mutex<Loki>>,
    calls: Arc<AtomicUsize>,
    _server: Server,
    merging: LokiStore,
    single: LokiStore,
}

impl Bed {
    async fn start() -> Self {
        korrel8::client::install_tls();
        let holds = Arc::new(Mutex::new(Loki::new()));
        let shared = Arc::clone(&holds);
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let server = Server::start(move |request| {
            counted.fetch_add(1, Ordering::Relaxed);
            shared.lock().expect("no panic").answer(request)
        })
        .await;
        let store = || {
            let mut options = HttpOptions::new("loki", &server.url, "--loki-url");
            options.timeout = Duration::from_mins(1);
            LokiStore::new(
                Arc::new(Client::new(options).expect("a client")),
                &Vocabulary::builtin(),
            )
        };
        Self { merging: store(), single: store(), holds, calls, _server: server }
    }
}

async fn check(bed: &Bed, case: Case) -> Result<(), TestCaseError> {
    *bed.holds.lock().expect("no panic") = loki(&case);
    bed.merging.refresh();
    bed.single.refresh();
    let before = bed.calls.load(Ordering::Relaxed);
    let texts: Vec<String> = case
        .asked
        .iter()
        .map(|at| PODS[*at])
        .map(|(space, pod)| format!("log:application:{{namespace: {space}, name: {pod}}}"))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let focus = case.focus.map(|tenths| now() - TimeDelta::milliseconds(tenths * 100));
    let scope = Scope { focus, ..scope(case.limit) };
    let merged = ask_all(&bed.merging, &texts, scope).await;
    let between = bed.calls.load(Ordering::Relaxed);
    for (text, merged) in texts.iter().zip(&merged) {
        let alone = ask_all(&bed.single, &[text], scope).await.remove(0);
        prop_assert_eq!(seen(merged, &case), seen(&alone, &case), "{}", text);
        let found = merged.result.as_ref().expect("an answer");
        prop_assert!(found.objects.len() <= case.limit);
        prop_assert!(found.objects.iter().all(|line| merged.query.matches(line) == Some(true)));
    }
    let (calls, alone) = (between - before, bed.calls.load(Ordering::Relaxed) - between);
    prop_assert!(calls <= 2 * alone + 2, "{calls} calls together, {alone} alone");
    Ok(())
}

#[test]
fn merged_and_unmerged_answers_are_equal() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let bed = runtime.block_on(Bed::start());
    let mut runner = TestRunner::new(Config { cases: 100, ..Config::default() });
    let result = runner.run(&cases(), |case| runtime.block_on(check(&bed, case)));
    result.unwrap_or_else(|failure| panic!("{failure}"));
}
