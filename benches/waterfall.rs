//! A trace of 10,000 spans in the explorer: keys and frames against those of a trace that just
//! fills the screen, and opening it against reading its spans from JSON.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::KeyCode::{self, Char, Down, Enter, Left, Right};
use korrel8::engine::Snapshot;
use korrel8::graph::{Links, Member, Node, SpanTree, Tree};
use korrel8::model::{Class, Object, Severity, Window};
use korrel8::tui::Bare;
use serde_json::{Value, json};

use crate::measure::{Row, clock, in_turn, median};

/// How many spans are many, and how many log lines name the trace.
const MANY: usize = 10_000;

/// How many are few: more than there are rows.
const FEW: usize = 60;

/// The screen.
const SIZE: (u16, u16) = (120, 36);

/// How often each figure is taken.
const TIMES: usize = 21;

/// A millisecond in nanoseconds.
const MS: usize = 1_000_000;

/// Which span calls which: the number of a caller by that of a span.
type Shape = (&'static str, fn(usize) -> usize);

const SHAPES: &[Shape] = &[
    ("each calls three", |at| (at - 1) / 3),
    ("one calls all", |_| 0),
    ("each calls the next", |at| at - 1),
];

/// Keys by what they are for; each begins and ends in the same place.
const KEYS: &[(&str, &[KeyCode])] = &[
    ("down and up", &[Down, Char('k')]),
    ("end and top", &[Char('G'), Char('g')]),
    ("next failed and back", &[Char('e'), Char('E')]),
    ("fold and unfold all", &[Left, Right]),
    ("detail and back", &[Enter, KeyCode::Esc]),
];

fn now() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

fn nanos(at: usize) -> i64 {
    now().timestamp_nanos_opt().expect("a time") + i64::try_from(at).expect("small")
}

/// The body of a span: called one after the other, long enough for what they call.
fn body(at: usize, caller: Option<usize>, all: usize) -> Value {
    let service = format!("service-{}", at % 40);
    let failed = at % 97 == 5;
    let mut body = json!({
        "traceID": "9c1f4a7be2d35086b1f07ce4a8d2936e", "spanID": format!("{:016x}", at + 1),
        "name": format!("POST /api/v1/items/{}", at % 300), "kind": "server", "service": service,
        "startTimeUnixNano": nanos(at * MS).to_string(), "durationNano": (all - at) * MS,
        "status": {"code": if failed { "error" } else { "unset" }},
        "attributes": {"http.request.method": "POST", "http.response.status_code": 200,
                       "url.path": format!("/api/v1/items/{at}"), "server.address": service},
        "resource": {"service.name": service, "k8s.namespace.name": "shop",
                     "k8s.pod.name": format!("{service}-0"), "k8s.node.name": "node-1"},
    });
    if let Some(caller) = caller {
        body["parentSpanID"] = format!("{:016x}", caller + 1).into();
    }
    body
}

fn span(body: Value) -> Arc<Object> {
    let part = |key: &str| body[key].as_str().expect("text").to_owned();
    let id = format!("{}/{}", part("traceID"), part("spanID"));
    let preview = format!("{} {}", part("service"), part("name"));
    let severity = if body["status"]["code"] == "error" { Severity::Error } else { Severity::None };
    let mut span = Object::new(Class::new("trace", "span"), id, body);
    span.time = Some(now());
    span.preview = preview.into();
    span.severity = severity;
    Arc::new(span)
}

fn bodies(all: usize, calls: fn(usize) -> usize) -> Vec<Value> {
    (0..all).map(|at| body(at, at.checked_sub(1).map(|_| calls(at)), all)).collect()
}

/// Lines of all services, one a span.
fn lines(all: usize) -> Vec<Arc<Object>> {
    let line = |at: usize| {
        let pod = format!("service-{}-0", at % 40);
        let text = format!("level=info msg=\"request {at} took a while\" items=7 user=42");
        let body = json!({"body": text, "pod": pod, "namespace": "shop", "container": "app"});
        let mut line = Object::new(Class::new("log", "application"), format!("line-{at}"), body);
        line.time = Some(now() + TimeDelta::milliseconds(i64::try_from(at).expect("small")));
        line.preview = text.into();
        Arc::new(line)
    };
    (0..all).map(line).collect()
}

/// What a search from an alert found: one span.
fn found(alert: &Arc<Object>, span: &Arc<Object>) -> Snapshot {
    let node = |parent: Option<usize>, object: &Arc<Object>| Node {
        key: if parent.is_some() { "/spans".into() } else { "".into() },
        parent,
        children: if parent.is_some() { Vec::new() } else { vec![1] },
        rule: parent.map(|_| "AlertToFailedSpans".into()),
        class: object.class.clone(),
        cost: u32::from(parent.is_some()),
        members: vec![Member { object: Arc::clone(object), links: Links::default(), seen: false }]
            .into(),
        runs: Vec::new().into(),
        end: None,
        left_out: 0,
        score: 1.0,
        goal: false,
    };
    let tree = Tree { nodes: vec![node(None, alert), node(Some(0), span)] };
    Snapshot {
        tree: Arc::new(tree),
        goals: Arc::new([]),
        window: Window::last_hour(now()),
        focus: None,
        done: 1,
        total: 1,
        elapsed: Duration::ZERO,
        finished: true,
        cancelled: false,
        sources: Vec::new(),
        faults: Vec::new(),
    }
}

/// The explorer with a trace open.
fn opened(spans: &[Arc<Object>], lines: &[Arc<Object>]) -> Bare {
    let labels = json!({"labels": {"alertname": "ErrorBudgetBurn"}, "state": "firing"});
    let alert = Arc::new(Object::new(Class::new("alert", "alert"), "alert", labels));
    let mut bare = Bare::new(SIZE, now(), Arc::clone(&alert), found(&alert, &spans[0]));
    bare.press(&[Down, Enter, Enter]);
    bare.answer(spans.to_vec(), lines.to_vec());
    let screen: String = bare.frame().content.iter().map(ratatui::buffer::Cell::symbol).collect();
    assert!(screen.contains(&format!("{} spans", spans.len())), "not opened: {screen}");
    bare
}

/// Keys and frames of a trace of many spans.
pub(crate) fn run() -> Vec<Row> {
    let mut rows = Vec::new();
    for (shape, calls) in SHAPES {
        let objects = |all| bodies(all, *calls).into_iter().map(span).collect::<Vec<_>>();
        let (many, few) = (objects(MANY), objects(FEW));
        let (all, some) = (lines(MANY), lines(FEW));
        let (mut big, mut small) = (opened(&many, &all), opened(&few, &some));
        let mut worst = (0.0, String::new());
        for (name, keys) in KEYS {
            let frames = u32::try_from(keys.len()).expect("few");
            let pair = in_turn(
                TIMES,
                || {
                    let pressed = clock(|| {
                        for key in *keys {
                            big.press(&[*key]);
                            std::hint::black_box(big.frame());
                        }
                    });
                    pressed / frames
                },
                || {
                    clock(|| {
                        std::hint::black_box(small.frame());
                    })
                },
            );
            let (took, plain, measured) = (pair.took, pair.bound, pair.ratio);
            eprintln!("  {shape}, {name}: {took:?} to {plain:?}, {measured:.2}x");
            if measured > worst.0 {
                worst = (
                    measured,
                    format!("{name}: {} µs to {} µs", took.as_micros(), plain.as_micros()),
                );
            }
        }
        rows.push(Row {
            bench: format!("waterfall of 10,000 spans, {shape}: a key and its frame"),
            bound: format!("a frame of a trace of {FEW} spans"),
            target: 3.0,
            ratio: worst.0,
            figures: format!("worst of {} keys, {}; median of {TIMES}", KEYS.len(), worst.1),
        });
        let text = serde_json::to_vec(&bodies(MANY, *calls)).expect("JSON");
        let tree = median(TIMES, || drop(std::hint::black_box(SpanTree::new(&many))));
        let opening = in_turn(
            TIMES,
            || clock(|| big.answer(many.clone(), all.clone())),
            || {
                clock(|| {
                    drop(std::hint::black_box(
                        serde_json::from_slice::<Value>(&text).expect("JSON"),
                    ));
                })
            },
        );
        let typed = median(TIMES, || {
            big.press(&[Char('/'), Char('7')]);
            std::hint::black_box(big.frame());
            big.press(&[KeyCode::Esc]);
        });
        let (open, read) = (opening.took, opening.bound);
        eprintln!("  {shape}: tree {tree:?}, opening {open:?}, JSON {read:?}, search {typed:?}");
        rows.push(Row {
            bench: format!("waterfall of 10,000 spans, {shape}: opening it"),
            bound: "`serde_json::from_slice::<Value>` of the spans".to_owned(),
            target: 1.0,
            ratio: opening.ratio,
            figures: format!(
                "{} ms, of which {} ms for the tree, to {} ms; a search's later letters {} ms; \
                 median of {TIMES}",
                open.as_millis(),
                tree.as_millis(),
                read.as_millis(),
                typed.as_millis()
            ),
        });
    }
    rows
}
