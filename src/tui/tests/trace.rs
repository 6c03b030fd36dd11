//! The trace of a span: opened from the results, read, searched, folded and closed.

use std::sync::Arc;

use serde_json::json;

use super::super::effect::Effect;
use super::super::event::Event;
use super::super::fixture::{self, HOSTILE, add, object, snapshot};
use super::Driver;
use super::screens::{SMALL, WIDE, check};
use crate::engine::Snapshot;
use crate::graph::Tree;
use crate::model::{Found, Object, Severity};

const TRACE: &str = "9c1f4a7be2d35086b1f07ce4a8d2936e";

/// A span: number, parent, service, name, start and duration in milliseconds.
fn span(id: u64, parent: u64, service: &str, name: &str, at: (i64, i64), error: &str) -> Object {
    let start = fixture::now().timestamp_nanos_opt().expect("a time") + at.0 * 1_000_000;
    let status = if error.is_empty() {
        json!({"code": "unset"})
    } else {
        json!({"code": "error", "message": error})
    };
    let pod = format!("{service}-0");
    let mut body = json!({
        "traceID": TRACE, "spanID": format!("{id:016x}"), "name": name, "kind": "server",
        "service": service, "startTimeUnixNano": start.to_string(),
        "durationNano": at.1 * 1_000_000, "status": status,
        "attributes": {"http.request.method": "POST"},
        "resource": {"service.name": service, "k8s.pod.name": pod, "k8s.node.name": service},
    });
    if parent > 0 {
        body["parentSpanID"] = format!("{parent:016x}").into();
    }
    let severity = if error.is_empty() { Severity::None } else { Severity::Error };
    let mut span = object("trace:span", &format!("{TRACE}/{id:016x}"), severity, 0, body);
    span.preview = format!("{service} {name} {error}").into();
    span
}

fn spans() -> Vec<Object> {
    let mut failed = span(5, 4, "checkout", "connect postgres", (400, 300), "connection refused");
    failed.body["events"] = json!([{
        "name": "exception", "timeUnixNano": failed.body["startTimeUnixNano"],
        "attributes": {"exception.message": "dial tcp 10.0.0.7:5432: connection refused"},
    }]);
    vec![
        span(1, 0, "web", "POST /checkout", (0, 1000), "500 Internal Server Error"),
        span(2, 1, "cart", "GET /cart", (20, 60), ""),
        span(3, 2, "redis", "HGETALL", (25, 40), ""),
        span(4, 1, "checkout", "POST /api/checkout", (100, 850), "place order"),
        failed,
        span(6, 4, "fraud", "POST /score", (60, 100), ""),
        span(7, 99, "mailer", HOSTILE, (700, 200), ""),
        span(8, 4, "checkout", "connect postgres", (750, 150), "connection refused"),
    ]
}

fn searched() -> Snapshot {
    let mut tree = Tree::default();
    let root = add(&mut tree, None, "", "alert:alert", vec![(*fixture::start()).clone()]);
    let found = spans().into_iter().filter(|span| span.text("/service") == Some("checkout"));
    add(&mut tree, Some(root), "AlertToFailedSpans", "trace:span", found.collect());
    let mut snapshot = snapshot(tree);
    snapshot.finished = true;
    snapshot
}

/// With the span `connect postgres` opened, and all of its trace here.
fn opened(size: (u16, u16)) -> Driver {
    let mut driver = Driver::exploring(size, searched());
    driver.press("down 2 down enter");
    let Some(Effect::Trace(id, asked)) = driver.effects.pop() else { panic!("not asked for") };
    let known = driver.screen();
    assert!(known.contains("asking for the rest"), "{known}");
    let found = |objects: Vec<Object>| Ok(Found::all(objects));
    driver.event(Event::Trace(id, Arc::clone(&asked.id), found(spans())));
    let mut line = fixture::line(1, Severity::Error, 0, "connect failed: connection refused");
    line.body["pod"] = "checkout-0".into();
    line.time = Some(fixture::now() + chrono::TimeDelta::milliseconds(500));
    driver.event(Event::Lines(id, Arc::clone(&asked.id), found(vec![line])));
    driver
}

/// Which span is selected.
fn at(driver: &Driver) -> (String, String) {
    let trace = driver.app.view().and_then(|view| view.trace.as_ref()).expect("a trace");
    let span = &trace.selected().expect("a span").object;
    let part = |pointer: &str| span.text(pointer).unwrap_or_default().to_owned();
    (part("/service"), part("/name"))
}

#[test]
fn a_trace_is_drawn() {
    for (name, size) in [("trace-120", WIDE), ("trace-80", SMALL), ("trace-40", (40, 12))] {
        check(name, &opened(size));
    }
    let mut driver = opened(WIDE);
    driver.press("g down space G");
    check("trace-folded", &driver);
    let mut driver = opened(SMALL);
    driver.press("/ \"score enter enter");
    check("trace-deep", &driver);
}

#[test]
fn keys_lead_through_a_trace() {
    let mut driver = opened(WIDE);
    for (keys, service, name) in [
        ("g", "web", "POST /checkout"),
        ("e", "checkout", "POST /api/checkout"),
        ("e e", "checkout", "connect postgres"),
        ("e", "web", "POST /checkout"),
        ("E", "checkout", "connect postgres"),
        ("left", "checkout", "POST /api/checkout"),
        ("left left", "web", "POST /checkout"),
        ("left down", "mailer", HOSTILE),
        ("/ \"hgetall enter", "redis", "HGETALL"),
        ("esc left left down", "checkout", "POST /api/checkout"),
        ("right down", "fraud", "POST /score"),
    ] {
        driver.press(keys);
        assert_eq!(at(&driver), (service.to_owned(), name.to_owned()), "after {keys}");
    }
}

#[test]
fn esc_goes_from_the_inside_out_and_back_to_the_results() {
    let mut driver = opened(WIDE);
    driver.press("enter / \"x enter");
    let trace = |driver: &Driver| driver.app.view().is_some_and(|view| view.trace.is_some());
    driver.press("esc esc");
    assert!(trace(&driver));
    driver.press("esc");
    assert!(!trace(&driver));
    assert!(driver.screen().contains("SERVICE"), "{}", driver.screen());
    driver.press("enter 1");
    assert!(!trace(&driver));
}

#[test]
fn a_trace_that_cannot_be_had_shows_what_is_known() {
    let mut driver = Driver::exploring(WIDE, searched());
    driver.press("down 2 enter");
    let Some(Effect::Trace(id, asked)) = driver.effects.pop() else { panic!("not asked for") };
    let wrong = Err("tempo: 403 Forbidden".to_owned());
    driver.event(Event::Trace(id, Arc::clone(&asked.id), wrong));
    driver.event(Event::Lines(id, Arc::clone(&asked.id), Err("loki: no route".to_owned())));
    let screen = driver.screen();
    for part in ["tempo: 403 Forbidden", "3 spans", "No logs: loki: no route"] {
        assert!(screen.contains(part), "{part:?} is missing in\n{screen}");
    }
    driver.event(Event::Trace(id, Arc::clone(&asked.id), Ok(Found::default())));
    assert!(driver.screen().contains("does not have the trace"), "{}", driver.screen());
}

#[test]
fn any_size_and_a_huge_trace_can_be_drawn() {
    let mut driver = opened(WIDE);
    let Some(asked) = driver.app.view().and_then(|view| view.trace.as_ref()) else { panic!() };
    let (id, asked) = (driver.id(), Arc::clone(&asked.asked.id));
    let many = (0..10_000).map(|n| {
        let parent = if n == 0 { 0 } else { 1 + (n - 1) / 3 };
        let start = i64::try_from(n).expect("small");
        span(n + 1, parent, &format!("s{}", n % 40), "work", (start, 20_000 - start), "")
    });
    let found = Found::all(many.collect());
    driver.event(Event::Trace(id, asked, Ok(found)));
    for keys in ["G", "pgdn", "left left", "z", "z", "enter", "G", "esc", "/", "\"work", "enter"] {
        driver.press(keys);
        for size in [(40, 10), (41, 11), (99, 13), (100, 14), (250, 70), (1, 1), (120, 36)] {
            driver.event(Event::Resize(size.0, size.1));
            assert_eq!(driver.screen().lines().count(), usize::from(size.1), "{keys} {size:?}");
        }
    }
    assert!(driver.screen().contains("10000 spans"), "{}", driver.screen());
}

#[test]
fn what_belongs_to_no_trace_says_so() {
    let mut driver = opened(WIDE);
    driver.press("y");
    let Some(Effect::Copy(text)) = driver.effects.pop() else { panic!("nothing copied") };
    assert!(text.contains("connect postgres"), "{text}");
    driver.press("c");
    let Some(Effect::Copy(text)) = driver.effects.pop() else { panic!("nothing copied") };
    assert_eq!(text, format!("trace:span:{TRACE}"));
    driver.press("v");
    assert!(driver.said().contains("no meaning in a trace"), "{}", driver.said());
    driver.press("R");
    assert!(matches!(driver.effects.pop(), Some(Effect::Trace(..))));
    driver.press(".");
    let Some(Effect::Search(_, request)) = driver.effects.pop() else { panic!("no search") };
    assert_eq!(request.start[0].class.to_string(), "trace:span");
}
