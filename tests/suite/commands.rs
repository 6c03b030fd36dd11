//! The commands: their documents, their words and their exit codes, on a recording of the demo.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;

use korrel8::model::{ErrorKind, StoreError, Vocabulary};
use korrel8::replay::{Manifest, Outcome, Recording};
use serde_json::{Value, json};

use crate::fake::http::Server;
use crate::run::{command, folder, recording, replay, run};

fn json(args: &[&str]) -> Value {
    let done = replay(args);
    assert_eq!(done.code, Some(0), "{args:?}: {}", done.err);
    serde_json::from_str(&done.out).expect("one JSON document")
}

fn node<'d>(document: &'d Value, class: &str) -> &'d Value {
    let nodes = document["nodes"].as_array().expect("nodes");
    nodes.iter().find(|node| node["class"] == class).unwrap_or_else(|| panic!("no {class}"))
}

fn ids(node: &Value) -> BTreeSet<&str> {
    let objects = node["objects"].as_array().expect("objects");
    objects.iter().filter_map(|object| object["id"].as_str()).collect()
}

fn rules(document: &Value) -> Vec<Vec<&str>> {
    let paths = document["paths"].as_array().expect("paths");
    let names = |path: &Value| -> Vec<String> {
        let rules = path["rules"].as_array().expect("rules");
        rules.iter().filter_map(|rule| rule.as_str().map(str::to_owned)).collect()
    };
    paths
        .iter()
        .map(|path| {
            names(path).into_iter().map(|name| &*Box::leak(name.into_boxed_str())).collect()
        })
        .collect()
}

#[test]
fn an_alert_on_a_claim_leads_to_the_logs_of_the_pod_that_mounts_it() {
    let found = json(&["goals", "alert/KubePersistentVolumeFillingUp", "log", "-o", "json"]);
    assert!(rules(&found).contains(&vec!["AlertToPVC", "PVCToPods", "PodToLogs"]));
    assert_eq!(ids(node(&found, "k8s:Pod.v1")), BTreeSet::from(["shop/postgres-0"]));
    let logs = node(&found, "log:application");
    assert!(logs["count"].as_u64().expect("a count") > 20);
    assert_eq!(logs["severity"], "error");
    let previews: Vec<&str> = logs["objects"]
        .as_array()
        .expect("objects")
        .iter()
        .filter_map(|object| object["preview"].as_str())
        .collect();
    assert!(previews.iter().any(|line| line.contains("No space left on device")));
}

#[test]
fn the_document_of_a_search_has_the_shape_of_the_contract() {
    let found =
        json(&["goals", "alert/KubePersistentVolumeFillingUp", "log", "-o", "json", "--objects"]);
    let keys: Vec<&String> = found.as_object().expect("a map").keys().collect();
    assert_eq!(
        keys,
        ["complete", "edges", "goals", "nodes", "paths", "seconds", "sources", "start", "window"]
    );
    assert_eq!(found["start"]["class"], "alert:alert");
    assert_eq!(
        found["start"]["query"],
        r#"alert:alert:{"alertname":"KubePersistentVolumeFillingUp"}"#
    );
    assert_eq!(
        found["goals"],
        serde_json::json!(["log:application", "log:audit", "log:infrastructure"])
    );
    assert_eq!(found["complete"], true);
    let claim = node(&found, "k8s:PersistentVolumeClaim.v1");
    assert_eq!(claim["truncated"], false);
    assert_eq!(claim["objects"][0]["id"], "shop/data-postgres-0");
    assert_eq!(claim["objects"][0]["object"]["kind"], "PersistentVolumeClaim");
    let query = &claim["queries"][0];
    assert_eq!(
        query["query"],
        r#"k8s:PersistentVolumeClaim.v1:{"name":"data-postgres-0","namespace":"shop"}"#
    );
    assert_eq!((&query["count"], &query["state"]), (&1.into(), &"done".into()));
    assert!(query["error"].is_null() && query["seconds"].is_number());
    let edges = found["edges"].as_array().expect("edges");
    let edge = edges.iter().find(|edge| edge["rule"] == "PVCToPods").expect("the rule");
    assert_eq!(edge["links"], serde_json::json!([["shop/data-postgres-0", "shop/postgres-0"]]));
    assert_eq!((&edge["start"], &edge["goal"]), (&claim["class"], &"k8s:Pod.v1".into()));
    let path = &found["paths"][0];
    assert_eq!(
        path["classes"].as_array().expect("classes").len(),
        path["rules"].as_array().expect("rules").len() + 1
    );
    assert!(path["score"].as_f64().expect("a score") > 0.0);
    for source in found["sources"].as_array().expect("sources") {
        assert!(
            ["name", "kind", "via", "url", "state", "calls", "error"]
                .iter()
                .all(|key| source.get(key).is_some())
        );
    }
}

#[test]
fn the_other_stories_work() {
    let deploy =
        json(&["goals", "alert/KubeDeploymentRolloutStuck", "log", "k8s:Event", "-o", "json"]);
    assert!(rules(&deploy).iter().any(|path| path.starts_with(&["AlertToDeployment"])));
    assert!(ids(node(&deploy, "k8s:Pod.v1")).iter().all(|id| id.starts_with("shop/web-")));
    assert!(!ids(node(&deploy, "k8s:Event.v1")).is_empty());

    let pod =
        json(&["goals", "alert/KubePodCrashLooping", "-n", "payments", "k8s:Event", "-o", "json"]);
    assert!(rules(&pod).contains(&vec!["AlertToPod", "AllToEvent"]));

    let metric = "metric:metric:log_collector_error_count_total";
    let metric = json(&["goals", metric, "log", "-o", "json"]);
    assert!(rules(&metric).iter().any(|path| path.first() == Some(&"MetricToPod")));

    let near = json(&["neighbors", "pod/postgres-0", "-n", "shop", "-o", "json"]);
    for class in [
        "alert:alert",
        "k8s:StatefulSet.v1.apps",
        "k8s:Node.v1",
        "k8s:Service.v1",
        "metric:metric",
        "k8s:Event.v1",
        "k8s:PersistentVolumeClaim.v1",
        "log:application",
    ] {
        assert!(node(&near, class)["count"].as_u64() > Some(0), "{class}");
    }

    let event =
        r#"k8s:Event:{"namespace": "shop", "fields": {"involvedObject.name": "postgres-0"}}"#;
    let event = json(&["goals", event, "k8s:Pod", "-o", "json"]);
    assert_eq!(ids(node(&event, "k8s:Pod.v1")), BTreeSet::from(["shop/postgres-0"]));
}

#[test]
fn every_answer_is_the_same_twice() {
    let args = ["neighbors", "alert/ErrorBudgetBurn", "-o", "json"];
    let strip = |mut document: Value| {
        document["seconds"] = Value::Null;
        for node in document["nodes"].as_array_mut().expect("nodes") {
            for query in node["queries"].as_array_mut().expect("queries") {
                query["seconds"] = Value::Null;
            }
        }
        document
    };
    assert_eq!(strip(json(&args)), strip(json(&args)));
}

#[test]
fn the_tree_for_people() {
    let done = replay(&["goals", "alert/KubePersistentVolumeFillingUp", "k8s:Pod"]);
    let settings = insta::Settings::clone_current();
    settings.bind(|| {
        let text = regex::Regex::new(r"\d+\.\ds\n")
            .expect("a regex")
            .replace(&done.out, "0.0s\n")
            .into_owned();
        insta::assert_snapshot!("goals_text", text);
    });
    assert!(done.err.contains("START matches 2 objects, all are taken"), "{}", done.err);
}

#[test]
fn graphs_and_names() {
    let goals = ["goals", "alert/KubePersistentVolumeFillingUp", "k8s:Pod", "-o"];
    let print = |format: &str| replay(&[&goals[..], &[format]].concat()).out;
    let dot = print("dot");
    assert!(dot.starts_with("digraph korrel8 {"));
    assert!(dot.contains(r#""k8s:PersistentVolumeClaim.v1" -> "k8s:Pod.v1" [label="PVCToPods"]"#));
    assert!(print("mermaid").contains("-->|PVCToPods|"));
    assert!(print("name").contains("k8s:Pod.v1 shop/postgres-0\n"));
    assert!(
        print("yaml").contains("class: k8s:Pod.v1")
            || print("yaml").contains("class: \"k8s:Pod.v1\"")
    );
}

#[test]
fn objects_of_a_query() {
    let pods = json(&[
        "get",
        "k8s:Pod:{namespace: shop, labels: app.kubernetes.io/name=postgres}",
        "-o",
        "json",
    ]);
    assert_eq!(pods[0]["metadata"]["name"], "postgres-0");
    let lines = replay(&[
        "get",
        "log:application:{namespace: shop, name: postgres-0}",
        "-o",
        "ndjson",
        "--limit",
        "5",
    ]);
    assert_eq!(lines.out.lines().count(), 5);
    assert!(lines.err.contains("5 of"), "the cut is told: {}", lines.err);
    for line in lines.out.lines() {
        assert_eq!(serde_json::from_str::<Value>(line).expect("JSON")["pod"], "postgres-0");
    }
    let secret = json(&["get", "k8s:Secret:{namespace: shop}", "-o", "json"]);
    assert!(secret[0].get("data").is_none());
    fails(&["get", "k8s:Pod:{name: nobody}"], 4, &["nothing matches from 2026-11-23T11:00:00"]);
}

fn fails(args: &[&str], code: i32, words: &[&str]) {
    let done = replay(args);
    assert_eq!(done.code, Some(code), "{args:?}: {}{}", done.out, done.err);
    for word in words {
        assert!(done.err.contains(word), "{args:?} does not say {word:?} but: {}", done.err);
    }
    assert!(!done.err.contains('\u{1b}'), "escape bytes in {:?}", done.err);
    assert!(!done.err.contains("panicked"), "{}", done.err);
}

#[test]
fn json_never_controls_a_terminal_and_loses_nothing() {
    let said = "a\u{9b}31mb\u{202e}c\u{7f}";
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod",
                         "metadata": {"name": "x", "namespace": "shop"}});
    pod["metadata"]["annotations"] = json!({"said": said});
    let now = "2026-11-23T12:00:00Z".parse().expect("a time");
    let domains = korrel8::domain::all(&Vocabulary::builtin());
    let mut recording = Recording::new(Manifest::new(now, "x", "x"));
    recording.push(&domains.class("k8s:Pod").expect("a class"), pod);
    let path = folder().join("active.k8z");
    std::fs::write(&path, recording.write(&domains)).expect("written");
    for format in ["json", "ndjson"] {
        let path = path.to_str().expect("UTF-8");
        let done = run(&["--replay", path, "get", "k8s:Pod:{}", "-o", format]);
        assert!(!done.out.contains(|c| c != '\n' && korrel8::model::is_active(c)), "{}", done.out);
        let all: Value = serde_json::from_str(&done.out).expect("JSON");
        let body = if format == "json" { &all[0] } else { &all };
        assert_eq!(body["metadata"]["annotations"]["said"], said);
    }
}

#[test]
fn a_recording_tells_which_source_had_failed() {
    let now = "2026-11-23T12:00:00Z".parse().expect("a time");
    let domains = korrel8::domain::all(&Vocabulary::builtin());
    let mut recording = Recording::new(Manifest::new(now, "x", "x"));
    let query = domains.query("log:application:{namespace: shop}").expect("a query");
    let error = StoreError::new(ErrorKind::Forbidden, "loki", "loki answered 403");
    let outcome = Outcome { error: Some(error), ..Outcome::default() };
    recording.outcome(&query, outcome);
    let path = folder().join("failed.k8z");
    std::fs::write(&path, recording.write(&domains)).expect("written");
    let done = run(&["--replay", path.to_str().expect("UTF-8"), "sources", "-o", "json"]);
    assert_eq!(done.code, Some(3), "{}", done.err);
    let sources: Value = serde_json::from_str(&done.out).expect("JSON");
    let state = |name: &str| {
        let of = |source: &&Value| source["name"] == name;
        sources.as_array().and_then(|all| all.iter().find(of)).expect("a source").clone()
    };
    assert_eq!((&state("log")["state"], &state("k8s")["state"]), (&json!("failed"), &json!("ok")));
    assert_eq!(state("log")["error"], "when this was recorded: loki answered 403");
}

#[test]
fn a_recording_is_never_written_over() {
    let path = folder().join("there.k8z");
    std::fs::write(&path, "precious").expect("written");
    let file = path.to_str().expect("UTF-8");
    fails(&["record", "pod/postgres-0", "-n", "shop", "-o", file], 1, &["is there already"]);
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "precious");
}

#[test]
fn an_address_that_is_none_is_told_and_an_empty_one_says_nothing() {
    let done = run(&["--prometheus-url", "nonsense", "sources"]);
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("\"nonsense\" is not a URL of prometheus"), "{}", done.err);
    let out = command(&["sources"]).env("KORREL8_PROMETHEUS_URL", "").output().expect("runs");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!said.contains("is not a URL"), "{said}");
}

#[test]
fn what_cannot_be_understood_ends_with_2_and_says_why() {
    fails(&["get", "k8z:Pod:{}"], 2, &["unknown domain \"k8z\"", "k8s, alert, log, metric"]);
    fails(&["get", "k8s:Pood:{}"], 2, &["unknown class \"Pood\"", "did you mean Pod.v1"]);
    fails(&["get", "k8s:Pod"], 2, &["is not a query", "DOMAIN:CLASS:SELECTOR"]);
    fails(&["get", "k8s:Pod:{namespace: [}"], 2, &["bad selector of k8s:Pod.v1", "^"]);
    fails(&["get", "k8s:Pod:{nmespace: shop}"], 2, &["nmespace", "namespace"]);
    fails(&["get", "metric:metric:sum(up"], 2, &["bad selector of metric:metric"]);
    fails(&["get", "log:application:{app=\"x\""], 2, &["bad selector of log:application"]);
    fails(&["get", "alert:alert:{alertname=~\"(\"}"], 2, &["bad selector of alert:alert"]);
    fails(&["goals", "alert/Watchdog", "logg"], 2, &["unknown domain \"logg\""]);
    fails(&["goals", "alert/Watchdog", "log:app"], 2, &["unknown class \"app\"", "application"]);
    fails(&["goals", "db-0", "log"], 2, &["cannot make sense of the start", "kind/name"]);
    fails(&["goals", "pood/x", "log"], 2, &["unknown kind \"pood\"", "Pod.v1"]);
    fails(&["goals", "alert/Watchdog", "log", "-o", "xml"], 2, &["no -o \"xml\"", "json"]);
    fails(&["goals", "alert/Watchdog", "log", "--since", "soon"], 2, &["--since \"soon\"", "30m"]);
    fails(&["goals", "alert/Watchdog", "log", "--limit", "0"], 2, &["0"]);
    fails(&["goals", "alert/Watchdog", "log", "--wrong"], 2, &["--wrong"]);
    let reversed = ["--start", "2026-01-02T00:00:00Z", "--end", "2026-01-01T00:00:00Z"];
    fails(
        &[&["neighbors", "pod/x"], &reversed[..]].concat(),
        2,
        &["the start must be before the end"],
    );
    fails(&["list", "nothing"], 2, &["unknown domain"]);
    fails(&["describe", "nothing"], 2, &["unknown domain"]);
    fails(&["rules", "try", "--class", "k8s:Nope"], 2, &["unknown class"]);
}

#[test]
fn a_start_that_matches_nothing_ends_with_4() {
    fails(&["goals", "alert/Nobody", "log"], 4, &["nothing matches alert/Nobody"]);
    fails(&["neighbors", "pod/nobody", "-n", "shop"], 4, &["looked in namespace shop"]);
    let done = replay(&["goals", "alert/Nobody", "log", "-o", "json"]);
    let document: Value = serde_json::from_str(&done.out).expect("still a document");
    assert_eq!(document["nodes"], serde_json::json!([]));
    assert_eq!(done.code, Some(4));
}

#[test]
fn recordings_that_are_none_are_refused_in_words() {
    let garbage = folder().join("garbage.k8z");
    std::fs::write(&garbage, [0, 159, 146, 150, 255]).expect("written");
    let done = run(&["--replay", garbage.to_str().expect("UTF-8"), "neighbors", "pod/x"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(done.err.contains("garbage.k8z"), "{}", done.err);
    let done = run(&["--replay", "/nowhere/x.k8z", "neighbors", "pod/x"]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("cannot read the recording /nowhere/x.k8z"), "{}", done.err);
    let bytes = std::fs::read(recording()).expect("the recording");
    let cut = folder().join("cut.k8z");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).expect("written");
    let done = run(&["--replay", cut.to_str().expect("UTF-8"), "neighbors", "pod/x"]);
    assert_eq!(done.code, Some(1), "{}", done.err);
}

#[test]
fn what_was_recorded_can_be_explored_again() {
    let file = folder().join("incident.k8z");
    let file = file.to_str().expect("UTF-8");
    let done = replay(&["record", "alert/KubePersistentVolumeFillingUp", "-o", file]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let twice = replay(&["record", "alert/KubePersistentVolumeFillingUp", "-o", file]);
    assert_eq!(twice.code, Some(1), "a file is never overwritten");
    let search = ["goals", "alert/KubePersistentVolumeFillingUp", "log", "-o", "json"];
    let again = run(&[&["--replay", file], &search[..]].concat());
    assert_eq!(again.code, Some(0), "{}", again.err);
    let again: Value = serde_json::from_str(&again.out).expect("JSON");
    assert_eq!(ids(node(&again, "log:application")), ids(node(&json(&search), "log:application")));
    fails(&["record", "alert/Watchdog"], 2, &["needs the file to write"]);
}

#[test]
fn spans_of_a_recording_make_the_same_tree_and_the_same_waterfall() {
    let file = folder().join("spans.k8z");
    let file = file.to_str().expect("UTF-8");
    let done = replay(&["record", "alert/ErrorBudgetBurn", "-o", file]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let again = |args: &[&str]| run(&[&["--replay", file], args].concat());
    // The last line tells how long it took.
    let tree = |done: crate::run::Run| {
        let lines = done.out.lines().rev().skip(1).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    for search in [
        &["goals", "alert/ErrorBudgetBurn", "trace"][..],
        &["neighbors", "alert/ErrorBudgetBurn", "--depth", "3"],
    ] {
        assert_eq!(tree(again(search)), tree(replay(search)), "{search:?}");
    }
    let found = json(&["goals", "alert/ErrorBudgetBurn", "trace", "-o", "json"]);
    let spans = ids(node(&found, "trace:span"));
    let traces: BTreeSet<&str> = spans.iter().filter_map(|id| id.split('/').next()).collect();
    assert!(traces.len() > 1, "{traces:?}");
    let waterfall = |done: crate::run::Run| -> Vec<String> {
        let body = |line: &str| serde_json::from_str::<Value>(line).expect("a span");
        let class = korrel8::model::Class::new("trace", "span");
        let domains = korrel8::domain::all(&korrel8::model::Vocabulary::builtin());
        let object =
            |body: Value| Arc::new(domains.object_of(&class, body.into()).expect("a span"));
        let spans: Vec<_> = done.out.lines().map(body).map(object).collect();
        let row = |span: &korrel8::graph::SpanNode| {
            let (object, place) = (&span.object, (span.depth, span.start, span.end, span.own));
            format!("{place:?} {:?} {} {}", span.critical, object.preview, *object.body)
        };
        korrel8::graph::SpanTree::new(&spans).spans.iter().map(row).collect()
    };
    for id in traces {
        let query = format!("trace:span:{id}");
        let whole = waterfall(replay(&["get", &query, "-o", "ndjson"]));
        assert!(whole.len() > 3, "{whole:#?}");
        assert_eq!(waterfall(again(&["get", &query, "-o", "ndjson"])), whole);
    }
}

#[test]
fn kubeconfigs_that_are_missing_or_broken_are_told() {
    let done = run(&["neighbors", "pod/x"]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("kubeconfig") && done.err.contains("--demo"), "{}", done.err);
    let broken = folder().join("broken-kubeconfig");
    std::fs::write(&broken, "clusters: [\n  : :").expect("written");
    let path = broken.to_str().expect("UTF-8");
    let done = run(&["--kubeconfig", path, "neighbors", "pod/x"]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("broken-kubeconfig"), "{}", done.err);
    let done = run(&["--kubeconfig", "/nowhere/config", "sources"]);
    assert_eq!(done.code, Some(3), "the table is printed all the same");
    assert!(done.out.contains("/nowhere/config"), "{}", done.out);
    let fine = folder().join("kubeconfig");
    std::fs::write(&fine, "{apiVersion: v1, kind: Config, clusters: [], contexts: [], users: []}")
        .expect("written");
    let path = fine.to_str().expect("UTF-8");
    let done = run(&["--kubeconfig", path, "--context", "prod", "get", "k8s:Pod:{}"]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("prod"), "{}", done.err);
    let done = run(&["describe", "log"]);
    assert_eq!(done.code, Some(0), "telling about itself needs no cluster: {}", done.err);
}

#[test]
fn what_cannot_be_understood_is_told_before_a_missing_kubeconfig() {
    for args in [
        &["get", "nonsense:class:x"][..],
        &["get", "k8s:Pod:{namespace"],
        &["get", "metric:metric:sum("],
        &["goals", "pod/x", "nonsense"],
        &["neighbors", "nonsense"],
    ] {
        let done = run(args);
        assert_eq!(done.code, Some(2), "{args:?}: {}", done.err);
        assert!(!done.err.contains("kubeconfig"), "{args:?}: {}", done.err);
    }
}

#[test]
fn secrets_do_not_show_in_messages() {
    let settings = folder().join("secret.yaml");
    std::fs::write(&settings, "loki:\n  token: hunter2\n  ulr: x\n").expect("written");
    let settings = settings.to_str().expect("UTF-8");
    for args in [
        &["--config", settings, "config", "show"][..],
        &["--prometheus-url", "http://me:hun/ter2@h:1", "get", "alert:alert:{}"],
        &["--prometheus-url", "me:hunter2@h:1", "config", "show"],
        &[
            "goals",
            "http://me:hunter2@am/#/nothing",
            "log",
            "--prometheus-url",
            "http://127.0.0.1:1",
        ],
    ] {
        let done = run(args);
        let all = format!("{}{}", done.out, done.err);
        assert!(!all.contains("hunter2") && !all.contains("ter2"), "{args:?}: {all}");
    }
    let help = command(&["--help"]).env("KORREL8_LOKI_URL", "http://me:hunter2@l").output();
    assert!(!String::from_utf8_lossy(&help.expect("runs").stdout).contains("hunter2"));
}

#[test]
fn a_start_that_was_cut_says_so() {
    let done = replay(&["neighbors", "k8s:Pod:{namespace: shop}", "--limit", "2", "-o", "json"]);
    let document: Value = serde_json::from_str(&done.out).expect("JSON");
    assert_eq!(node(&document, "k8s:Pod.v1")["truncated"], true);
    assert!(done.err.contains("2 are taken (--limit lifts it)"), "{}", done.err);
}

#[test]
fn alerts_of_nodes_are_seen_from_every_namespace() {
    let seen = replay(&["goals", "alert/KubeNodeNotReady", "k8s:Node", "-n", "shop"]);
    assert_eq!(seen.code, Some(0), "{}", seen.err);
    fails(&["goals", "alert/KubePersistentVolumeFillingUp", "log", "-n", "payments"], 4, &["-A"]);
}

#[test]
fn faults_in_rules_come_all_at_once_with_their_places() {
    let file = folder().join("faulty.yaml");
    std::fs::write(
        &file,
        "rules:
  - name: One
    start: k8s:Pood
    goal: k8s:Node
    query: 'k8s:Node:{name: {{ spec.nodeName }}}'
  - name: Two
    start: k8s:Pod
    goal: k8s:Node
    query: 'k8s:Node:{name: {{ spec.nodeName }'
  - name: Three
    start: k8s:Pod
    gaol: k8s:Node
    query: 'k8s:Node:{name: x}'
",
    )
    .expect("written");
    let path = file.to_str().expect("UTF-8");
    let done = run(&["rules", "check", path]);
    assert_eq!(done.code, Some(1));
    for word in ["faulty.yaml:3", "Pood", "faulty.yaml:9", "faulty.yaml:12", "gaol", "^"] {
        assert!(done.err.contains(word), "{word}: {}", done.err);
    }
    let used = replay(&["--rules", path, "goals", "pod/postgres-0", "k8s:Node", "-n", "shop"]);
    assert_eq!(used.code, Some(0), "the other rules still work: {}", used.err);
    assert_eq!(run(&["rules", "check"]).code, Some(0));
}

#[test]
fn own_rules_are_followed() {
    let file = folder().join("own.yaml");
    std::fs::write(
        &file,
        "rules:
  - name: PodToItsNamespaceQuota
    about: Quotas of the namespace.
    start: k8s:Pod
    goal: k8s:ResourceQuota
    query: 'k8s:ResourceQuota:{namespace: {{ metadata.namespace }}}'
disable: [PodToNode]
",
    )
    .expect("written");
    let path = file.to_str().expect("UTF-8");
    let pod = r#"{"metadata": {"namespace": "shop", "name": "db-0"}, "spec": {"nodeName": "n1"}}"#;
    let mut child = command(&["--rules", path, "rules", "try", "--class", "k8s:Pod", "-o", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    child.stdin.take().expect("stdin").write_all(pod.as_bytes()).expect("written");
    let done = child.wait_with_output().expect("ends");
    let made: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let made = made.as_array().expect("a list");
    let own = made.iter().find(|entry| entry["rule"] == "PodToItsNamespaceQuota").expect("it");
    assert_eq!(own["queries"], serde_json::json!([r#"k8s:ResourceQuota.v1:{"namespace":"shop"}"#]));
    assert!(!made.iter().any(|entry| entry["rule"] == "PodToNode"), "it is disabled");
}

#[test]
fn lists_and_descriptions() {
    let domains = json(&["list", "-o", "json"]);
    let names: Vec<&str> =
        domains.as_array().expect("list").iter().filter_map(|d| d["name"].as_str()).collect();
    assert_eq!(names, ["k8s", "alert", "log", "metric", "trace", "netflow", "incident"]);
    let classes = json(&["list", "log", "-o", "json"]);
    assert_eq!(classes, serde_json::json!(["application", "audit", "infrastructure"]));
    assert!(replay(&["describe", "k8s"]).out.contains("namespace"));
    let rules = replay(&["rules", "--start", "k8s:PersistentVolumeClaim", "--goal", "k8s:Pod"]);
    assert!(
        rules.out.contains("PVCToPods: k8s:PersistentVolumeClaim.v1 -> k8s:Pod.v1"),
        "{}",
        rules.out
    );
    assert!(replay(&["rules", "--graph"]).out.starts_with("digraph rules {"));
    let sources = json(&["sources", "-o", "json"]);
    assert!(sources.as_array().expect("list").iter().all(|source| source["state"] == "ok"));
    assert!(run(&["completions", "bash"]).out.contains("korrel8"));
    assert!(run(&["man"]).out.contains(".TH"));
    assert!(run(&["config", "path"]).out.contains("config.yaml"));
    assert!(run(&["config", "show"]).out.contains("request_timeout: 10"));
}

#[test]
fn secrets_in_settings_are_not_shown() {
    let file = folder().join("config.yaml");
    std::fs::write(&file, "loki: {url: 'http://me:hunter2@loki:3100', token: hunter3}\n")
        .expect("written");
    let done = run(&["--config", file.to_str().expect("UTF-8"), "config", "show"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains("loki:3100") && !done.out.contains("hunter"), "{}", done.out);
    std::fs::write(&file, "loki: {uri: x}\n").expect("written");
    let done = run(&["--config", file.to_str().expect("UTF-8"), "config", "show"]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("uri") && done.err.contains("config.yaml"), "{}", done.err);
}

#[test]
fn a_closed_pipe_is_no_crash() {
    let path = recording().to_str().expect("UTF-8");
    let mut child =
        command(&["--replay", path, "neighbors", "alert/ErrorBudgetBurn", "-o", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
    drop(child.stdout.take());
    let done = child.wait_with_output().expect("ends");
    let words = String::from_utf8_lossy(&done.stderr);
    assert!(!words.contains("panicked") && !words.contains("Broken pipe"), "{words}");
    assert_eq!(done.status.code(), Some(0));
}

#[test]
fn the_explorer_asks_for_a_terminal() {
    let done = replay(&[]);
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("needs a terminal"), "{}", done.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_without_their_silences_are_a_partial_answer() {
    let prometheus = Server::start(crate::prometheus_store::rules).await;
    let urls = ["--prometheus-url", &prometheus.url, "--alertmanager-url", "http://127.0.0.1:1"];
    for args in [&["get", "alert:alert:{}"][..], &["goals", "alert/KubePodCrashLooping", "metric"]]
    {
        let done = run(&[&urls[..], args].concat());
        assert_eq!(done.code, Some(3), "{args:?}: {}{}", done.out, done.err);
        assert!(done.err.contains("without silences"), "{args:?}: {}", done.err);
    }
}
