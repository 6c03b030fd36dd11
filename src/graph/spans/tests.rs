//! Trees of odd traces.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::Class;

/// Milliseconds.
const MS: i64 = 1_000_000;

/// A span with its parent, its service, its start and its end in milliseconds.
fn span(id: &str, parent: &str, service: &str, start: i64, end: i64) -> Arc<Object> {
    let body = json!({
        "traceID": "t", "spanID": id, "parentSpanID": parent, "service": service,
        "startTimeUnixNano": (start * MS).to_string(), "durationNano": (end - start) * MS,
        "status": {"code": if service == "bad" { "error" } else { "unset" }},
        "resource": {"service.name": service},
    });
    Arc::new(Object::new(Class::new("trace", "span"), format!("t/{id}"), body))
}

/// `id@depth start-end` of every span, in milliseconds.
fn shape(tree: &SpanTree) -> Vec<String> {
    let line = |span: &SpanNode| {
        let id = span.object.text("/spanID").unwrap_or_default();
        format!("{id}@{} {}-{}", span.depth, span.start / MS, span.end / MS)
    };
    tree.spans.iter().map(line).collect()
}

fn place(tree: &SpanTree, id: &str) -> usize {
    tree.spans.iter().position(|span| span.object.text("/spanID") == Some(id)).unwrap()
}

#[test]
fn children_follow_their_parent_in_the_order_of_their_start() {
    let spans = [
        span("c", "a", "x", 160, 190),
        span("d", "b", "x", 120, 140),
        span("a", "", "x", 100, 200),
        span("b", "a", "x", 110, 150),
        span("b", "a", "x", 110, 150),
    ];
    let tree = SpanTree::new(&spans);
    assert_eq!(shape(&tree), ["a@0 0-100", "b@1 10-50", "d@2 20-40", "c@1 60-90"]);
    assert_eq!((tree.roots.clone(), tree.start, tree.length), (vec![0], 100 * MS, 100 * MS));
    assert_eq!(tree.spans[0].children, [1, 3]);
    assert_eq!(tree.spans.iter().map(|span| span.below).collect::<Vec<_>>(), [3, 1, 0, 0]);
    assert_eq!(tree.spans.iter().map(|span| span.own / MS).collect::<Vec<_>>(), [30, 20, 20, 30]);
}

#[test]
fn a_missing_parent_makes_an_orphan() {
    let tree = SpanTree::new(&[span("a", "", "x", 0, 9), span("b", "gone", "x", 1, 5)]);
    assert_eq!(shape(&tree), ["a@0 0-9", "b@0 1-5"]);
    assert_eq!((tree.spans[0].odd, tree.spans[1].odd), (None, Some(Odd::Orphan)));
}

#[test]
fn circles_are_cut_above_their_earliest_span() {
    let spans = [
        span("a", "c", "x", 1, 9),
        span("b", "a", "x", 2, 8),
        span("c", "b", "x", 3, 7),
        span("self", "self", "x", 4, 5),
        span("below", "c", "x", 4, 6),
    ];
    let tree = SpanTree::new(&spans);
    assert_eq!(shape(&tree), ["a@0 0-8", "b@1 1-7", "c@2 2-6", "below@3 3-5", "self@0 3-4"]);
    let odd: Vec<_> = tree.spans.iter().map(|span| span.odd).collect();
    assert_eq!(odd, [Some(Odd::Circle), None, None, None, Some(Odd::Circle)]);
}

#[test]
fn what_starts_before_it_was_called_is_moved_with_what_it_called() {
    let spans = [
        span("a", "", "front", 1000, 1100),
        span("b", "a", "back", 900, 960),
        span("c", "b", "back", 910, 950),
        span("d", "a", "front", 1010, 1020),
    ];
    let tree = SpanTree::new(&spans);
    assert_eq!(shape(&tree), ["a@0 0-100", "b@1 20-80", "c@2 30-70", "d@1 10-20"]);
    let skew: Vec<_> = tree.spans.iter().map(|span| span.skew / MS).collect();
    assert_eq!(skew, [0, 120, 120, 0]);
    // What is longer than its caller starts with it.
    let tree = SpanTree::new(&[span("a", "", "x", 10, 20), span("b", "a", "y", 0, 50)]);
    assert_eq!(shape(&tree), ["a@0 0-10", "b@1 0-50"]);
    // What is called and goes on afterwards is no fault of a clock.
    let tree = SpanTree::new(&[span("a", "", "x", 0, 10), span("b", "a", "y", 5, 50)]);
    assert_eq!(tree.spans[1].skew, 0);
}

#[test]
fn the_critical_path_is_what_the_whole_waited_for() {
    let spans = [
        span("a", "", "x", 0, 100),
        span("short", "a", "x", 10, 30),
        span("long", "a", "x", 10, 60),
        span("inner", "long", "x", 20, 50),
        span("last", "a", "x", 70, 90),
        span("later", "a", "x", 80, 200),
    ];
    let tree = SpanTree::new(&spans);
    let path = |id: &str| -> Vec<(i64, i64)> {
        let parts = &tree.spans[place(&tree, id)].critical;
        parts.iter().map(|(start, end)| (start / MS, end / MS)).collect()
    };
    assert_eq!(path("a"), [(0, 10), (60, 70), (90, 100)]);
    assert_eq!(path("long"), [(10, 20), (50, 60)]);
    assert_eq!(path("inner"), [(20, 50)]);
    assert_eq!(path("last"), [(70, 90)]);
    assert_eq!(path("short"), []);
    assert_eq!(path("later"), []);
}

#[test]
fn traces_are_named_by_where_the_worst_of_them_enters() {
    let spans = [
        span("a", "", "web", 0, 100),
        span("b", "a", "checkout", 1, 90),
        span("c", "b", "bad", 2, 20),
        span("d", "b", "bad", 30, 80),
    ];
    let mut slow = span("s", "", "cron", 0, 900).as_ref().clone();
    slow.body["traceID"] = "other".into();
    let slow = Arc::new(slow);
    let told = |spans: &[&Arc<Object>]| {
        Traces::of(spans.iter().map(|span| &***span)).map(|told| (told.count, told.name()))
    };
    let [a, b, c, d] = &spans;
    assert_eq!(told(&[d, &slow, c, a, b]), Some((2, "web".to_owned())));
    // As far as callers are there.
    assert_eq!(told(&[c, b, &slow]), Some((2, "checkout".to_owned())));
    assert_eq!(told(&[a, &slow]), Some((2, "cron".to_owned())));
    assert_eq!(told(&[]), None);
    let circle = [span("x", "y", "one", 0, 9), span("y", "x", "two", 0, 9)];
    assert!(told(&[&circle[0], &circle[1]]).is_some());
}

#[test]
fn failed_spans_are_found_in_both_directions_and_around() {
    let spans =
        [span("a", "", "bad", 0, 9), span("b", "a", "x", 1, 8), span("c", "b", "bad", 2, 7)];
    let tree = SpanTree::new(&spans);
    assert_eq!(tree.services(), ["bad", "x"]);
    assert_eq!((tree.next_failed(0), tree.next_failed(2)), (Some(2), Some(0)));
    assert_eq!((tree.previous_failed(2), tree.previous_failed(0)), (Some(0), Some(2)));
    assert_eq!(SpanTree::new(&[]).next_failed(0), None);
}

#[test]
fn a_long_chain_is_no_trouble() {
    let link = |at: i64| {
        let parent = if at == 0 { String::new() } else { (at - 1).to_string() };
        span(&at.to_string(), &parent, "x", at, 20_000 - at)
    };
    let spans: Vec<_> = (0..10_000).map(link).collect();
    let tree = SpanTree::new(&spans);
    assert_eq!(tree.spans.last().map(|span| span.depth), Some(9_999));
    assert_eq!(tree.spans[0].below, 9_999);
}

proptest! {
    /// Whatever parents and times are said: every span is there once, behind its parent, and no
    /// part of the critical path is counted twice.
    #[test]
    fn any_spans_make_a_tree(all in prop::collection::vec((0..12_usize, 0..50_i64, 0..50_i64, 0..3_u8), 0..12)) {
        let spans: Vec<_> = all.iter().enumerate().map(|(at, (parent, start, length, service))| {
            span(&at.to_string(), &parent.to_string(), &service.to_string(), *start, start + length)
        }).collect();
        let tree = SpanTree::new(&spans);
        prop_assert_eq!(tree.spans.len(), spans.len());
        for (at, span) in tree.spans.iter().enumerate() {
            prop_assert!(span.parent.is_none_or(|parent| parent < at));
            prop_assert_eq!(span.parent.is_none(), tree.roots.contains(&at));
            prop_assert!(span.start >= 0 && span.end <= tree.length && span.own >= 0);
            let long: i64 = span.critical.iter().map(|(start, end)| end - start).sum();
            prop_assert!(long <= span.duration());
        }
        let mut turned = spans.clone();
        turned.reverse();
        prop_assert_eq!(shape(&SpanTree::new(&turned)), shape(&tree));
    }
}
