//! From an alert to the logs of its Pod, in the words of every collector that writes to a Loki.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use korrel8::client::http::HttpOptions;
use korrel8::client::loki::Loki as Client;
use korrel8::domain;
use korrel8::domain::log::LokiStore;
use korrel8::engine::{Engine, REACH, Request, Stores};
use korrel8::model::{Class, Store, Vocabulary};
use korrel8::replay::{Manifest, Recording, stores};
use korrel8::rule::RuleSet;
use serde_json::{Value, json};

use crate::ask::{ago, ask, now, scope};
use crate::fake::collectors::{COLLECTORS, Collector};
use crate::fake::http::Server;
use crate::fake::loki::{Line, Loki};

/// The Pod of the alert comes first; the others have names that could be taken for its own.
const PODS: [(&str, &str); 5] = [
    ("shop", "db-0"),
    ("shop", "db-00"),
    ("shop", "web-db-0"),
    ("pay", "db-0"),
    ("kube-system", "db-0"),
];

/// A server with one line of every Pod from each collector, and one of no Pod at all.
fn loki(collectors: &[&Collector]) -> Loki {
    let mut loki = Loki::new();
    for (nth, collector) in (0..).zip(collectors) {
        for (at, (namespace, pod)) in (1..).zip(PODS) {
            let text = format!("line of {namespace}/{pod}");
            collector.write(&mut loki, ago(10 * at + nth), (namespace, pod), &text);
        }
        collector.write_other(&mut loki, ago(5));
    }
    loki
}

fn loki_store(server: &Server) -> LokiStore {
    korrel8::client::install_tls();
    let options = HttpOptions::new("loki", &server.url, "--loki-url");
    LokiStore::new(Arc::new(Client::new(options).expect("a client")), &Vocabulary::builtin())
}

/// An engine over a cluster with the Pods, and a Loki.
fn engine(server: &Server) -> Engine {
    let domains = domain::all(&Vocabulary::builtin());
    let (rules, faults) = RuleSet::load(&domains, &RuleSet::builtin_files());
    assert!(faults.is_empty(), "the built-in rules load");
    let mut recording = Recording::new(Manifest::new(now(), "", ""));
    for (namespace, name) in PODS {
        let body = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"containers": [{"name": "C"}]},
        });
        recording.push(&Class::new("k8s", "Pod.v1"), body);
    }
    let mut all: Stores = stores(recording, &domains, "test", "test").into_iter().collect();
    all.insert("log".into(), Arc::new(loki_store(server)) as Arc<dyn Store>);
    Engine::new(domains, Arc::new(rules), all)
}

async fn check(collector: &Collector) {
    let loki = loki(&[collector]);
    let server = Server::start(move |request| loki.answer(request)).await;
    let engine = engine(&server);
    let body = json!({
        "labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": "db-0"},
        "annotations": {}, "state": "firing", "activeAt": now() - TimeDelta::minutes(20),
        "expression": "up",
    });
    let alert = engine.domains().object(&Class::new("alert", "alert"), body).expect("an alert");
    let request = Request {
        start: vec![Arc::new(alert)],
        asked: None,
        goals: vec![engine.domains().domain("log").expect("log").classes()],
        reach: REACH,
        scope: scope(1000),
        deadline: None,
    };
    let snapshot = engine.search(request).finish().await;
    let nodes = snapshot.tree.nodes.iter().filter(|node| node.class.domain() == "log");
    let mut lines: Vec<(String, String, String)> = Vec::new();
    for member in nodes.flat_map(|node| &node.members) {
        let text = |at: &str| member.object.text(at).unwrap_or_default().to_owned();
        lines.push((text("/namespace"), text("/pod"), text("/body")));
    }
    lines.dedup();
    let pods: Vec<(&str, &str)> = lines.iter().map(|(ns, pod, _)| (&**ns, &**pod)).collect();
    assert_eq!(pods, [("shop", "db-0")], "{}", collector.name);
    assert!(lines[0].2.contains("line of shop/db-0"), "{}", collector.name);
    let store = loki_store(&server);
    let nobody = "log:application:{namespace: shop, name: nobody}";
    let note = ask(&store, nobody, scope(5)).await.expect("an answer").note.expect("a note");
    assert!(note.contains(collector.told), "{}: {note}", collector.name);
    assert!(store.sources()[0].vocabulary.iter().any(|told| told.contains(collector.told)));
    let all = ask(&store, "log:application:{}", scope(9)).await.expect("an answer");
    let of = |line: &Value| (line["namespace"] != "kube-system").then_some(line["pod"].clone());
    let pods = all.objects.iter().filter_map(|line| of(&line.body)).count();
    assert_eq!(pods, all.objects.len(), "{}: system Pods are not of the class", collector.name);
    assert!(pods >= 4, "{}: {pods} lines", collector.name);
}

#[tokio::test]
async fn an_alert_leads_to_the_logs_of_its_pod_in_every_vocabulary() {
    for collector in &COLLECTORS {
        check(collector).await;
    }
}

/// Two collectors at one server, the first of which writes far more lines.
async fn check_both(noisy: &Collector, other: &Collector) {
    let mut loki = loki(&[noisy, other]);
    for at in 0..120 {
        noisy.write(&mut loki, ago(1) + at, ("noise", "noisy-0"), &format!("noise {at}"));
    }
    let server = Server::start(move |request| loki.answer(request)).await;
    let store = loki_store(&server);
    let both = format!("{} and {}", noisy.name, other.name);
    for (text, count) in [
        ("log:application:{namespace: shop, name: db-0}", 2),
        ("log:application:{namespace: shop}", 6),
        ("log:infrastructure:{}", 2),
    ] {
        let found = ask(&store, text, scope(500)).await.expect("an answer").objects;
        let pods = found.iter().filter(|line| line.text("/pod").is_some()).count();
        assert_eq!(pods, count, "{both}: {text}");
    }
}

#[tokio::test]
async fn two_collectors_at_one_server_are_both_understood_and_no_line_is_found_twice() {
    for (at, noisy) in COLLECTORS.iter().enumerate() {
        for step in [1, 4, 7, 11] {
            check_both(noisy, &COLLECTORS[(at + step) % COLLECTORS.len()]).await;
        }
    }
}

/// How a line tells its trace: in its text, or in metadata. Some libraries leave out leading zeros.
const TEXTS: [&str; 8] = [
    "slow traceID=38a20c75e6f32e1a3a156e9c5630cb2",
    "level=error trace_id=038a20c75e6f32e1a3a156e9c5630cb2 msg=x",
    "trace_id=038A20C75E6F32E1A3A156E9C5630CB2",
    r#"{"msg":"a","traceId":"038a20c75e6f32e1a3a156e9c5630cb2"}"#,
    r#"{"msg":"b","trace.id":"038a20c75e6f32e1a3a156e9c5630cb2"}"#,
    r#"{"msg":"c","trace":{"id":"038a20c75e6f32e1a3a156e9c5630cb2"}}"#,
    "traceparent: 00-038a20c75e6f32e1a3a156e9c5630cb2-d977ca725aa4d644-01",
    r#"{"otelTraceID":"038a20c75e6f32e1a3a156e9c5630cb2"}"#,
];
const METADATA: [(&str, &str); 6] = [
    ("trace_id", "038a20c75e6f32e1a3a156e9c5630cb2"),
    ("trace_id", "38a20c75e6f32e1a3a156e9c5630cb2"),
    ("traceID", "038A20C75E6F32E1A3A156E9C5630CB2"),
    ("traceId", "038a20c75e6f32e1a3a156e9c5630cb2"),
    ("TraceId", "038a20c75e6f32e1a3a156e9c5630cb2"),
    ("traceparent", "00-038a20c75e6f32e1a3a156e9c5630cb2-d977ca725aa4d644-01"),
];

#[tokio::test]
async fn the_lines_of_a_trace_are_found_in_every_vocabulary() {
    for collector in &COLLECTORS {
        let mut loki = loki(&[collector]);
        // The same of another trace is not meant.
        for first in ["38", "98"] {
            let of = |text: &str| text.replace("38a2", &format!("{first}a2"));
            let of = |text: &str| of(text).replace("38A2", &format!("{first}A2"));
            for text in TEXTS {
                collector.write(&mut loki, ago(2), ("shop", "db-0"), &of(text));
            }
            for (name, value) in METADATA {
                collector.write(&mut loki, ago(3), ("shop", "db-0"), &format!("by {name} {value}"));
                let last = loki.lines.last_mut().expect("a line");
                last.text = last.text.replace(value, &value.len().to_string());
                last.metadata.insert(name.to_owned(), of(value));
            }
        }
        let server = Server::start(move |request| loki.answer(request)).await;
        let id = "038a20c75e6f32e1a3a156e9c5630cb2";
        let text = format!("log:application:{{namespace: shop, name: db-0, trace: {id}}}");
        let found = ask(&loki_store(&server), &text, scope(50)).await.expect("an answer");
        let shown: Vec<&str> = found.objects.iter().filter_map(|line| line.text("/body")).collect();
        assert_eq!(shown.len(), TEXTS.len() + METADATA.len(), "{}: {shown:#?}", collector.name);
        assert!(!shown.iter().any(|line| line.contains("98a2")), "{}: {shown:#?}", collector.name);
    }
}

/// How journals are kept: labels and metadata of a line, and the line. `$host`, `$unit` and `$text`
/// stand for what it tells.
type Pairs = &'static [(&'static str, &'static str)];
const JOURNALS: [(&str, Pairs, Pairs, &str); 6] = [
    ("promtail", &[("node_name", "$host"), ("unit", "$unit")], &[], "$text"),
    ("Alloy", &[("job", "journal")], &[("node", "$host"), ("systemd_unit", "$unit")], "$text"),
    (
        "Fluent Bit",
        &[("job", "fluentbit")],
        &[],
        r#"{"_HOSTNAME":"$host","_SYSTEMD_UNIT":"$unit","MESSAGE":"$text"}"#,
    ),
    (
        "Vector",
        &[("source", "vector")],
        &[],
        r#"{"host":"$host","_SYSTEMD_UNIT":"$unit","message":"$text"}"#,
    ),
    (
        "OTel",
        &[("service_name", "unknown_service")],
        &[("k8s_node_name", "$host")],
        r#"{"_SYSTEMD_UNIT":"$unit","MESSAGE":"$text"}"#,
    ),
    (
        "OpenShift",
        &[("kubernetes_host", "$host"), ("log_type", "infrastructure")],
        &[],
        r#"{"message":"$text","systemd":{"t":{"SYSTEMD_UNIT":"$unit"}}}"#,
    ),
];

#[tokio::test]
async fn the_journal_of_a_node_is_found_however_it_is_kept() {
    for (name, labels, metadata, line) in JOURNALS {
        // Pods whose lines name a Node, too.
        let mut loki = loki(&[&COLLECTORS[7], &COLLECTORS[9], &COLLECTORS[0]]);
        for (at, (host, unit)) in (1..).zip([
            ("node-1", "kubelet.service"),
            ("node-1", "sshd.service"),
            ("node-10", "kubelet.service"),
            ("node-1", "crio"),
        ]) {
            let text = format!("{unit} of {host}");
            let fill = |own: &str| own.replace("$host", host).replace("$unit", unit);
            let fill = |own: &str| fill(own).replace("$text", &text);
            let pairs = |all: Pairs| -> BTreeMap<String, String> {
                all.iter().map(|(name, value)| ((*name).to_owned(), fill(value))).collect()
            };
            let (labels, metadata) = (pairs(labels), pairs(metadata));
            loki.lines.push(Line { nanos: ago(9 * at), text: fill(line), labels, metadata });
        }
        let server = Server::start(move |request| loki.answer(request)).await;
        let store = loki_store(&server);
        let text = "log:infrastructure:{node: node-1, units: [crio, kubelet]}";
        let found = ask(&store, text, scope(50)).await.expect("an answer");
        let shown: Vec<&str> = found.objects.iter().map(|line| line.preview.as_str()).collect();
        assert_eq!(shown, ["kubelet.service of node-1", "crio of node-1"], "{name}");
        let absent = "log:infrastructure:{node: node-1, units: [containerd]}";
        let found = ask(&store, absent, scope(50)).await.expect("an answer");
        assert_eq!(found.objects.len(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_server_without_journals_tells_where_to_look() {
    for collector in &COLLECTORS {
        let loki = loki(&[collector]);
        let server = Server::start(move |request| loki.answer(request)).await;
        let text = "log:infrastructure:{node: node-1, units: [kernel, kubelet]}";
        let found = ask(&loki_store(&server), text, scope(50)).await.expect("an answer");
        assert_eq!(found.objects.len(), 0, "{}", collector.name);
        let note = found.note.expect("a note");
        let advice = "on the Node node-1: journalctl -u kubelet or journalctl -k";
        assert!(note.ends_with(advice), "{}: {note}", collector.name);
    }
}
