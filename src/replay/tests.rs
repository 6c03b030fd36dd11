//! Behaviour of recordings and their stores, over domains whose selectors are JSON maps of
//! pointers to values; the selector `{"odd": …}` cannot be decided locally.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use serde_json::{Map, Value, json};

use super::{Manifest, Recording, ReplayError, stores};
use crate::model::{
    Class, Domain, Domains, ErrorKind, Found, Object, Query, Scope, Selector, SelectorError,
    StoreError, Window,
};

/// Runs what never waits.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(work)
}

struct Fake(&'static str);

#[derive(Debug)]
struct Pointers(Map<String, Value>);

impl Selector for Pointers {
    fn text(&self) -> String {
        Value::from(self.0.clone()).to_string()
    }

    fn matches(&self, object: &Object) -> Option<bool> {
        if self.0.contains_key("odd") {
            return None;
        }
        Some(self.0.iter().all(|(key, value)| object.body.get(key) == Some(value)))
    }
}

impl Domain for Fake {
    fn name(&self) -> &'static str {
        self.0
    }

    fn about(&self) -> &'static str {
        "A domain for tests."
    }

    fn classes(&self) -> Vec<Class> {
        Vec::new()
    }

    fn class(&self, name: &str) -> Option<Class> {
        (name != "Nope").then(|| Class::new(self.0, name))
    }

    fn parse(&self, class: &Class, selector: &str) -> Result<Query, SelectorError> {
        let map = SelectorError::parse_yaml(selector)?;
        Ok(Query::new(class.clone(), Pointers(map)))
    }

    fn object(&self, class: &Class, body: Value) -> Object {
        let id = body["id"].as_str().or(body["timestamp"].as_str()).unwrap_or("?").to_owned();
        let time = ["timestamp", "activeAt", "created"]
            .iter()
            .find_map(|key| body[key].as_str()?.parse().ok());
        let end = body["end"].as_str().and_then(|end| end.parse().ok());
        Object { time, end, ..Object::new(class.clone(), id, body) }
    }
}

fn domains() -> Domains {
    Domains::new(
        ["k8s", "log", "metric", "alert"]
            .map(|name| Arc::new(Fake(name)) as Arc<dyn Domain>)
            .into(),
    )
}

fn at(clock: &str) -> DateTime<Utc> {
    format!("2026-11-23T{clock}Z").parse().expect(clock)
}

fn recording(objects: &[(&str, Value)]) -> Recording {
    let mut recording = Recording::new(Manifest::new(at("14:00:00"), "test", "a test"));
    for (class, body) in objects {
        recording.push(&domains().class(class).expect(class), body.clone());
    }
    recording
}

fn ask(
    recording: &Recording,
    query: &str,
    window: (&str, &str),
    limit: usize,
    focus: Option<&str>,
) -> Result<Found, StoreError> {
    let domains = domains();
    let query = domains.query(query).expect(query);
    let window = Window { start: at(window.0), end: at(window.1) };
    let scope = Scope { window, focus: focus.map(at), limit };
    let all = stores(recording.clone(), &domains, "--replay", "test.k8z");
    let (_, store) =
        all.into_iter().find(|(name, _)| name == query.class().domain()).expect("a store");
    let mut answers: Vec<_> = block_on(store.fetch(vec![query.into()], scope).collect());
    assert_eq!(store.sources()[0].calls, 1);
    answers.remove(0).result
}

fn ids(found: &Found) -> Vec<&str> {
    found.objects.iter().map(|object| &*object.id).collect()
}

fn check(recording: &Recording, query: &str, window: (&str, &str), expected: &[&str]) {
    let found = ask(recording, query, window, 100, None).expect(query);
    assert_eq!(ids(&found), expected, "{query} {window:?}");
}

#[test]
fn what_is_written_is_read_back() {
    let mut first = recording(&[
        ("k8s:Pod.v1", json!({"id": "a", "created": "2026-11-23T10:00:00Z"})),
        ("log:application", json!({"timestamp": "2026-11-23T13:00:00Z", "body": "x"})),
    ]);
    first.manifest.more.insert("window".to_owned(), json!({"start": 1}));
    let odd = domains().query("log:application:{odd: 1}").expect("parses");
    first.answer(&odd, &["2026-11-23T13:00:00Z".to_owned()], &domains());
    let bytes = first.write(&domains());
    assert_eq!(Recording::read(&bytes, &domains()).expect("reads"), first);
    let plain = zstd::decode_all(bytes.as_slice()).expect("is zstd");
    assert_eq!(Recording::read(&plain, &domains()).expect("reads plain lines"), first);
}

#[test]
fn secrets_stay_at_home() {
    let applied = "kubectl.kubernetes.io/last-applied-configuration";
    let secret = json!({
        "data": {"password": "aHVudGVyMg=="}, "stringData": {"p": "hunter2"},
        "metadata": {"name": "s", "annotations": {applied: "hunter2", "kept": "yes"}},
    });
    let bytes = recording(&[("k8s:Secret.v1", secret)]).write(&domains());
    let text = String::from_utf8(zstd::decode_all(bytes.as_slice()).expect("zstd")).expect("text");
    assert!(text.contains("kept"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("aHVu"), "{text}");
}

#[test]
fn garbage_is_refused_with_words() {
    let manifest = r#"{"korrel8":"recording","version":1,"recorded":"2026-11-23T14:00:00Z"}"#;
    let whole = recording(&[("k8s:Pod.v1", json!({"id": "a".repeat(500)}))]).write(&domains());
    let cut = &whole[..whole.len() - 7];
    let with = |line: &str| format!("{manifest}\n\n{line}\n").into_bytes();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "it is empty"),
        (b"\x7fELF\xff\xfe".to_vec(), "neither zstd nor text"),
        (b"apiVersion: v1".to_vec(), "first line is not JSON"),
        (b"{\"kind\": \"Pod\"}".to_vec(), "no manifest"),
        (br#"{"korrel8":"recording","version":2}"#.to_vec(), "version 2, this korrel8 reads"),
        (br#"{"korrel8":"recording","version":1}"#.to_vec(), "bad manifest"),
        (cut.to_vec(), "damaged"),
        (with("{"), "line 3 of the recording: not JSON"),
        (with("{\"a\": 1}"), "line 3 of the recording: neither {class, object}"),
        (with(r#"{"class": "k8s:Nope", "object": {}}"#), "line 3 of the recording: unknown class"),
        (with(r#"{"class": "foo:Pod", "object": {}}"#), "unknown domain \"foo\""),
        (with(r#"{"query": "k8s:Pod.v1:{a: 1}", "ids": ["x"]}"#), "no k8s:Pod.v1 with the id"),
    ];
    for (bytes, expected) in cases {
        let message = Recording::read(&bytes, &domains()).expect_err(expected).to_string();
        assert!(message.contains(expected), "{message}");
    }
    assert!(matches!(Recording::read(b"", &domains()), Err(ReplayError::Foreign(_))));
}

#[test]
fn times_of_all_kinds_move_and_answers_stay() {
    let mut moved = recording(&[
        ("k8s:Pod.v1", json!({"id": "a", "status": {"x": [{"at": "2026-11-23T10:00:00Z"}]}})),
        ("metric:metric", json!({"id": "m", "values": [[1_795_442_400, "1"]]})),
        (
            "log:application",
            json!({"timestamp": "2026-11-23T13:00:00Z", "body": "I1123 13:00:00.000001 1 x"}),
        ),
    ]);
    let odd = domains().query("log:application:{odd: 1}").expect("parses");
    moved.answer(&odd, &["2026-11-23T13:00:00Z".to_owned()], &domains());
    moved.shift("2026-11-24T15:00:00.9Z".parse().expect("a time"));
    assert_eq!(moved.manifest.recorded.to_rfc3339(), "2026-11-24T15:00:00+00:00");
    let body = |class| moved.bodies(&domains().class(class).expect(class))[0].clone();
    assert_eq!(body("k8s:Pod.v1")["status"]["x"][0]["at"], "2026-11-24T11:00:00Z");
    assert_eq!(body("metric:metric")["values"][0][0], 1_795_532_400);
    assert_eq!(body("log:application")["body"], "I1124 14:00:00.000001 1 x");
    let all = stores(moved.clone(), &domains(), "--replay", "f");
    let window = Window::last_hour(moved.manifest.recorded);
    let scope = Scope { window, focus: None, limit: 9 };
    let answer = block_on(all[1].1.fetch(vec![odd.into()], scope).next()).expect("an answer");
    assert_eq!(ids(&answer.result.expect("recorded")), ["2026-11-24T14:00:00Z"]);
}

#[test]
fn the_window_is_kept() {
    let data = recording(&[
        ("k8s:Pod.v1", json!({"id": "old", "created": "2026-11-20T10:00:00Z"})),
        ("k8s:Pod.v1", json!({"id": "late", "created": "2026-11-23T13:59:00Z"})),
        ("k8s:Event.v1", json!({"id": "e1", "timestamp": "2026-11-23T12:00:00Z"})),
        ("k8s:Event.v1", json!({"id": "e2", "timestamp": "2026-11-23T13:00:00Z"})),
        ("alert:alert", json!({"id": "fires", "activeAt": "2026-11-22T12:00:00Z"})),
        (
            "alert:alert",
            json!({"id": "over", "activeAt": "2026-11-22T12:00:00Z", "end": "2026-11-23T12:00:00Z"}),
        ),
        (
            "metric:metric",
            json!({"id": "m", "values": [[1_795_438_800, "1"], [1_795_442_400, "2"]]}),
        ),
    ]);
    let window = ("12:30:00", "13:30:00");
    check(&data, "k8s:Pod.v1:{}", window, &["old"]);
    check(&data, "k8s:Event.v1:{}", window, &["e2"]);
    check(&data, "alert:alert:{}", window, &["fires"]);
    check(&data, "metric:metric:{}", ("10:00:00", "11:00:00"), &[]);
    let found = ask(&data, "metric:metric:{}", window, 9, None).expect("found");
    assert_eq!(found.objects[0].body["values"], json!([[1_795_438_800, "1"]]));
}

#[test]
fn selectors_are_obeyed_and_undecidable_ones_refused() {
    let line = |pod: &str, time: &str| json!({"namespace": "shop", "pod": pod, "name": pod, "timestamp": time});
    let data = recording(&[
        ("log:application", line("a", "2026-11-23T13:00:00Z")),
        ("log:application", line("b", "2026-11-23T13:00:01Z")),
        ("log:infrastructure", line("a", "2026-11-23T13:00:02Z")),
    ]);
    let window = ("12:30:00", "13:30:00");
    let one = ["2026-11-23T13:00:01Z"];
    check(&data, "log:application:{namespace: shop, name: b}", window, &one);
    check(&data, "log:application:{namespace: shop, pod: b}", window, &one);
    check(&data, "log:application:{namespace: other, name: b}", window, &[]);
    check(&data, "log:audit:{}", window, &[]);
    let refused = ask(&data, "log:application:{odd: 1}", window, 9, None).expect_err("undecided");
    assert_eq!(refused.kind, ErrorKind::BadQuery);
    assert!(refused.message.contains("cannot be answered from a recording"), "{refused}");
}

#[test]
fn a_limit_keeps_the_newest_and_the_nearest() {
    let lines: Vec<_> = (0..60)
        .map(|minute| json!({"timestamp": format!("2026-11-23T13:{minute:02}:00Z")}))
        .map(|body| ("log:application", body))
        .collect();
    let data = recording(&lines);
    let window = ("13:00:00", "14:00:00");
    let found = ask(&data, "log:application:{}", window, 5, Some("13:20:00")).expect("found");
    let minutes: Vec<&str> = ids(&found).iter().map(|id| &id[14..16]).collect();
    assert_eq!(minutes, ["20", "21", "57", "58", "59"]);
    let cut = found.cut.expect("cut");
    assert_eq!((cut.shown, cut.total), (5, Some(60)));
    let found = ask(&data, "log:application:{}", window, 2, None).expect("found");
    assert_eq!(ids(&found), ["2026-11-23T13:58:00Z", "2026-11-23T13:59:00Z"]);
}
