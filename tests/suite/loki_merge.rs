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
    /// Place of the Pod, container, tenths of a second ago, the trace that is named.
    lines: Vec<(usize, usize, i64, usize)>,
    /// Whether the name of the Pod is in structured metadata.
    metadata: bool,
    most: usize,
    limit: usize,
    focus: Option<i64>,
    /// Pods, each with a trace or, by 0, all of its lines.
    asked: Vec<(usize, usize)>,
}

/// Traces that lines name, in their text or in metadata; the first stands for none.
const TRACES: [&str; 4] = [
    "",
    "65040764d6005ae10d313a235526acca",
    "000000000000000000000000ab12cd34",
    "65040764d6005ae10d313a235526accb",
];

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
    let line = (pod, 0_usize..2, 0_i64..300, 0..TRACES.len());
    let asked = (0..PODS.len(), 0..TRACES.len());
    (
        prop::collection::vec(line, 0..120),
        any::<bool>(),
        4_usize..40,
        1_usize..9,
        prop::option::of(0_i64..320),
        prop::collection::btree_set(asked, 1..12),
    )
        .prop_map(|(lines, metadata, most, limit, focus, asked)| {
            let asked = asked.into_iter().collect();
            Case { lines, metadata, most, limit, focus, asked }
        })
}

fn loki(case: &Case) -> Loki {
    let mut loki = Loki::new();
    loki.most = case.most;
    for (at, (pod, container, tenths, trace)) in case.lines.iter().enumerate() {
        let (namespace, name) = PODS[*pod];
        let container = ["app", "proxy"][*container];
        let mut text = format!("{at} of {namespace}/{name}");
        let nanos = ago(0) - tenths * 100_000_000;
        let mut metadata = Vec::new();
        if at % 7 == 3 {
            metadata.push(("detected_level", "error"));
        }
        match TRACES[*trace] {
            "" => {}
            // Every other line tells the id as a field of its own.
            id if at % 2 == 0 => metadata.push(("trace_id", id)),
            id => text += &format!(" trace_id={}", id.trim_start_matches('0')),
        }
        if case.metadata {
            let labels = [("namespace", namespace), ("container", container)];
            metadata.push(("pod", name));
            loki.add_with(nanos, &text, &labels, &metadata);
        } else {
            let labels = [("namespace", namespace), ("pod", name), ("container", container)];
            loki.add_with(nanos, &text, &labels, &metadata);
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
    for (pod, _, tenths, _) in &case.lines {
        *count.entry((*pod, *tenths)).or_default() += 1;
    }
    let alone = |text: &str| {
        let at: usize = text.split(' ').next().and_then(|at| at.parse().ok()).expect("a number");
        let (pod, _, tenths, _) = case.lines[at];
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
        .map(|(pod, trace)| (PODS[*pod], TRACES[*trace]))
        .map(|((space, pod), trace)| {
            let of = if trace.is_empty() { String::new() } else { format!(", trace: \"{trace}\"") };
            format!("log:application:{{namespace: {space}, name: {pod}{of}}}")
        })
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

#[tokio::test]
async fn lines_of_many_traces_are_asked_for_in_few_calls() {
    let bed = Bed::start().await;
    let id = |at: usize| format!("{:032x}", 0xfeed_0000_0000_u64 + at as u64);
    let labels = [("namespace", "shop"), ("pod", "web-5c-a"), ("container", "app")];
    for at in 0..300 {
        let nanos = ago(0) - i64::try_from(at).expect("small") * 100_000_000;
        let mut holds = bed.holds.lock().expect("no panic");
        if at % 2 == 0 {
            holds.add(nanos, &format!("trace_id={} took 3ms", id(at)), &labels);
        } else {
            holds.add_with(nanos, "took 3ms", &labels, &[("trace_id", &id(at))]);
        }
    }
    let texts: Vec<String> = (0..300)
        .map(|at| {
            format!("log:application:{{namespace: shop, name: web-5c-a, trace: \"{}\"}}", id(at))
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let answers = ask_all(&bed.merging, &texts, scope(100)).await;
    for (answer, text) in answers.iter().zip(&texts) {
        assert_eq!(answer.result.as_ref().expect("an answer").objects.len(), 1, "{text}");
    }
    let calls = bed.calls.load(Ordering::Relaxed);
    assert!(calls < 60, "{calls} calls for 300 traces");
}

#[tokio::test]
async fn errors_are_among_the_lines_however_many_there_are() {
    let bed = Bed::start().await;
    let labels = [("namespace", "shop"), ("pod", "web-5c-a"), ("container", "app")];
    for at in 0..3000 {
        let nanos = ago(0) - i64::from(at) * 100_000_000;
        let level = if at > 2900 && at % 20 == 0 { "error" } else { "info" };
        let mut holds = bed.holds.lock().expect("no panic");
        holds.add_with(nanos, &format!("{at}"), &labels, &[("detected_level", level)]);
    }
    let text = "log:application:{namespace: shop, name: web-5c-a}";
    let focus = Some(now() - TimeDelta::seconds(100));
    for scope in [scope(100), Scope { focus, ..scope(100) }] {
        let answer = ask_all(&bed.merging, &[text], scope).await.remove(0);
        let found = answer.result.expect("an answer");
        let level = |line: &&Arc<korrel8::model::Object>| {
            line.text("/metadata/detected_level") == Some("error")
        };
        assert_eq!(found.objects.iter().filter(level).count(), 4);
        assert_eq!(found.objects.len(), 100, "and as many as the limit");
        assert!(found.objects.iter().any(|line| line.text("/body") == Some("0")), "the newest");
        let times: Vec<_> = found.objects.iter().map(|line| line.time).collect();
        assert!(times.is_sorted_by(|a, b| a >= b), "newest first");
    }
}
