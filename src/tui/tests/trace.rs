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
use crate::model::{Found, Object, Severity, SourceState};

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

pub(super) fn spans() -> Vec<Object> {
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

pub(super) fn searched() -> Snapshot {
    let mut tree = Tree::default();
    let root = add(&mut tree, None, "", "alert:alert", vec![(*fixture::start()).clone()]);
    let found = spans().into_iter().filter(|span| span.text("/service") == Some("checkout"));
    add(&mut tree, Some(root), "AlertToFailedSpans", "trace:span", found.collect());
    let mut snapshot = snapshot(tree);
    snapshot.finished = true;
    snapshot
}

/// With the span `connect postgres` opened, and all of its trace here.
pub(super) fn opened(size: (u16, u16)) -> Driver {
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

/// The rows of a screen.
fn rows(driver: &Driver) -> Vec<String> {
    let terminal = driver.terminal();
    let buffer = terminal.backend().buffer();
    let area = buffer.area;
    let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect();
    (0..area.height).map(row).collect()
}

#[test]
fn what_failed_and_what_the_whole_waited_for_shows_without_colour_at_any_width() {
    for width in 40..=80 {
        let mut driver = opened((width, 24));
        driver.app.color = false;
        driver.press("g");
        let terminal = driver.terminal();
        let buffer = terminal.backend().buffer();
        let plain = buffer.content.iter().all(|cell| {
            (cell.fg, cell.bg) == (ratatui::style::Color::Reset, ratatui::style::Color::Reset)
        });
        assert!(plain, "colours at {width}");
        let selected = |y| {
            let reversed = ratatui::style::Modifier::REVERSED;
            (0..width).all(|x| buffer[(x, y)].modifier.contains(reversed))
        };
        let rows = rows(&driver);
        let head = rows.iter().position(|row| row.contains("TOOK")).expect("a ruler");
        let below = |row: usize| u16::try_from(head + 1 + row).expect("small");
        assert!((0..8).all(|row| selected(below(row)) == (row == 0)), "{width}: {rows:#?}");
        for (row, failed) in [true, false, false, true, false, true, true, false].iter().enumerate()
        {
            let text = &rows[head + 1 + row];
            assert_eq!(text.contains("! "), *failed, "{width}: {text:?}");
            let heavy = text.contains('━');
            // `fraud` runs beside what the whole waited for.
            assert_eq!(heavy, row != 4, "{width}: {text:?}");
            let took = text.trim_end();
            assert!(took.ends_with(" ms") || took.ends_with(" s"), "{width}: {text:?}");
        }
        assert!(rows[head + 1].contains('─'), "{width}: {rows:#?}");
    }
}

#[test]
fn a_trace_without_colours_is_drawn() {
    for (name, size) in [("trace-plain-60", (60, 20)), ("trace-plain-40", (40, 24))] {
        let mut driver = opened(size);
        driver.app.color = false;
        driver.press("g e");
        check(name, &driver);
    }
}

#[test]
fn nothing_that_a_span_tells_leaves_its_row() {
    let long = "x".repeat(1 << 20);
    let wide = "日本語👩‍💻".repeat(40_000);
    let combining = "e\u{301}".repeat(100_000);
    for text in [HOSTILE, &long, &wide, &combining, "a\nb\r\n\u{9b}2Jc", "", "\0"] {
        for size in [WIDE, SMALL, (40, 24)] {
            let draw = |evil: &str| {
                let mut all = spans();
                let start = all[0].body["startTimeUnixNano"].clone();
                let body = &mut all[1].body;
                body["name"] = evil.into();
                body["service"] = evil.into();
                body["status"] = json!({"code": "unset", "message": evil});
                body["attributes"] = json!({evil: evil, "list": [evil, {evil: evil}]});
                body["resource"] = json!({evil: evil});
                body["events"] =
                    json!([{"name": evil, "timeUnixNano": start, "attributes": {evil: evil}}]);
                body["links"] = json!([{"traceID": evil, "spanID": evil}]);
                let mut driver = opened(size);
                let asked = driver.app.view().and_then(|view| view.trace.as_ref()).expect("open");
                let (id, asked) = (driver.id(), Arc::clone(&asked.asked.id));
                driver.event(Event::Trace(id, asked, Ok(Found::all(all))));
                driver.press("g down");
                driver
            };
            let (plain, hostile) = (draw("plain"), draw(text));
            for keys in ["j k", "/ \"checkout enter esc", "enter", "G", "esc left"] {
                let mut driver = draw(text);
                driver.press(keys);
                for row in rows(&driver) {
                    assert!(!row.contains(char::is_control), "{keys}: {row:?}");
                }
            }
            let (plain, hostile) = (rows(&plain), rows(&hostile));
            let spans = plain.iter().position(|row| row.starts_with("─ Span")).unwrap_or(24);
            let changed: Vec<&String> = (0..spans)
                .filter(|row| plain[*row] != hostile[*row])
                .map(|row| &hostile[row])
                .collect();
            assert!(changed.len() <= 1, "{size:?}: {changed:#?}");
        }
    }
}

#[test]
fn all_log_lines_of_a_span_can_be_reached() {
    let mut driver = opened(WIDE);
    let asked = driver.app.view().and_then(|view| view.trace.as_ref()).expect("open");
    let (id, asked) = (driver.id(), Arc::clone(&asked.asked.id));
    let line = |at: usize| {
        let mut line = fixture::line(at, Severity::Info, 0, &format!("line number {at}."));
        line.body["pod"] = "checkout-0".into();
        line.time = Some(fixture::now() + chrono::TimeDelta::milliseconds(500));
        line
    };
    driver.event(Event::Lines(id, asked, Ok(Found::all((0..300).map(line).collect()))));
    let screen = driver.screen();
    assert!(screen.contains("Logs in its time: 300"), "{screen}");
    assert!(screen.contains("line number 3.") && !screen.contains("line number 299."), "{screen}");
    driver.press("enter G");
    assert!(driver.screen().contains("line number 299."), "{}", driver.screen());
}

/// The trace with links in the span that was opened.
fn linked(links: &serde_json::Value) -> Driver {
    let mut driver = opened(WIDE);
    let asked = driver.app.view().and_then(|view| view.trace.as_ref()).expect("open");
    let (id, asked) = (driver.id(), Arc::clone(&asked.asked.id));
    let mut all = spans();
    all[4].body["links"] = links.clone();
    driver.event(Event::Trace(id, asked, Ok(Found::all(all))));
    driver
}

const OTHER: &str = "65040764d6005ae10d313a235526acca";

#[test]
fn a_link_leads_to_its_trace_and_esc_back() {
    let mut driver = linked(&json!([{"traceID": OTHER, "spanID": "000000000000000b",
                                     "attributes": {"messaging.batch": "7"}}]));
    let screen = driver.screen();
    assert!(screen.contains(" o linked trace"), "{screen}");
    assert!(screen.contains("messaging.batch: 7"), "{screen}");
    let before = at(&driver);
    driver.press("o");
    let Some(Effect::Trace(id, asked)) = driver.effects.pop() else { panic!("not asked for") };
    assert_eq!(asked.text("/traceID"), Some(OTHER));
    assert!(driver.screen().contains("Trace 65040764"), "{}", driver.screen());
    let mut other: Vec<Object> = spans();
    for (at, span) in other.iter_mut().enumerate() {
        span.body["traceID"] = OTHER.into();
        span.id = format!("{OTHER}/{:016x}", at + 9).into();
    }
    driver.event(Event::Trace(id, Arc::clone(&asked.id), Ok(Found::all(other))));
    driver.event(Event::Lines(id, Arc::clone(&asked.id), Ok(Found::default())));
    // The span that the link names is selected.
    assert_eq!(at(&driver), ("redis".to_owned(), "HGETALL".to_owned()));
    driver.press("esc");
    assert_eq!(at(&driver), before);
    assert!(driver.screen().contains("Trace 9c1f4a7b"), "{}", driver.screen());
}

#[test]
fn several_links_are_a_choice_and_one_may_stay_in_the_trace() {
    let mut driver = linked(&json!([
        {"traceID": OTHER, "spanID": "000000000000000b"},
        {"traceID": TRACE, "spanID": "0000000000000003"},
    ]));
    driver.effects.clear();
    driver.press("o");
    assert!(driver.screen().contains("2 links; which to follow?"), "{}", driver.screen());
    driver.press("j enter");
    assert_eq!(at(&driver), ("redis".to_owned(), "HGETALL".to_owned()));
    assert!(driver.effects.is_empty());
    driver.press("o");
    assert!(driver.said().contains("links to no other"), "{}", driver.said());
}

#[test]
fn a_trace_whose_answer_was_given_up_for_another_is_asked_for_again() {
    let mut driver = Driver::exploring(WIDE, searched());
    driver.press("down 2 enter");
    driver.effects.clear();
    driver.press(".");
    driver.effects.clear();
    driver.press("[");
    assert!(driver.screen().contains("asking for the rest"), "{}", driver.screen());
    assert!(matches!(driver.effects.pop(), Some(Effect::Trace(..))));
}

#[test]
fn a_path_to_spans_tells_whose_they_are() {
    let mut tree = Tree::default();
    let root = add(&mut tree, None, "", "alert:alert", vec![(*fixture::start()).clone()]);
    let checkout = spans().into_iter().filter(|span| span.text("/service") == Some("checkout"));
    add(&mut tree, Some(root), "AlertToFailedSpans", "trace:span", checkout.collect());
    let mut many = spans();
    for at in 0..2_u64 {
        let mut span = span(20 + at, 0, "cron", "tick", (0, 90_000), "");
        span.body["traceID"] = format!("{OTHER}{at}").into();
        many.push(span);
    }
    add(&mut tree, Some(root), "ServiceToSpans", "trace:span", many);
    let mut snapshot = snapshot(tree);
    snapshot.finished = true;
    for (name, size) in [("spans-120", WIDE), ("spans-80", SMALL)] {
        let mut driver = Driver::exploring(size, snapshot.clone());
        driver.press("down");
        check(name, &driver);
    }
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
fn the_header_tells_of_a_source_that_fails_for_a_trace_alone() {
    let mut driver = Driver::exploring(WIDE, searched());
    driver.press("down 2 down enter");
    let Some(Effect::Trace(id, asked)) = driver.effects.pop() else { panic!("not asked for") };
    driver.event(Event::Trace(id, Arc::clone(&asked.id), Err("tempo: refused".to_owned())));
    assert!(matches!(driver.effects.last(), Some(Effect::LookAtSources)));
    driver.event(Event::Sources(vec![fixture::source("tempo", SourceState::Failed, 3, None)]));
    let screen = driver.screen();
    let header = screen.lines().nth(1).expect("a header");
    assert!(header.contains("tempo"), "{screen}");
    assert!(screen.contains("The trace cannot be had as a whole: tempo: refused"), "{screen}");
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
