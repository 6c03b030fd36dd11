//! Who called whom: parents by their ids, circles cut, everything in the order of a waterfall.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::{Odd, SpanNode, SpanTree};
use crate::model::Object;

/// A tree whose spans have their own times, in Unix nanoseconds.
pub(super) fn link(spans: &[Arc<Object>]) -> SpanTree {
    let mut seen = HashSet::new();
    // What a search told a part of may be there as a whole, too.
    let mut given: Vec<&Arc<Object>> = spans.iter().collect();
    given.sort_by_key(|span| span.body.get("partial").is_some());
    let mut all: Vec<SpanNode> =
        given.into_iter().filter(|span| seen.insert(Arc::clone(&span.id))).map(node).collect();
    all.sort_by(|a, b| {
        let key = |span: &SpanNode| (span.start, Reverse(span.end));
        key(a).cmp(&key(b)).then_with(|| a.object.id.cmp(&b.object.id))
    });
    parents(&mut all);
    cut_circles(&mut all);
    in_order(all)
}

fn node(object: &Arc<Object>) -> SpanNode {
    let start = match object.body.get("startTimeUnixNano") {
        Some(Value::String(digits)) => digits.parse().ok(),
        other => other.and_then(Value::as_i64),
    };
    let start: i64 = start.unwrap_or_default();
    let duration = object.body.get("durationNano").and_then(Value::as_i64).unwrap_or_default();
    SpanNode {
        object: Arc::clone(object),
        parent: None,
        children: Vec::new(),
        depth: 0,
        below: 0,
        start,
        end: start.saturating_add(duration.max(0)),
        skew: 0,
        own: 0,
        critical: Vec::new(),
        odd: None,
        failed: object.text("/status/code") == Some("error"),
    }
}

fn parents(all: &mut [SpanNode]) {
    let named: HashMap<&str, usize> =
        all.iter().enumerate().map(|(place, span)| (&*span.object.id, place)).collect();
    let found: Vec<(Option<usize>, Option<Odd>)> = all
        .iter()
        .map(|span| {
            let Some(parent) = span.object.text("/parentSpanID").filter(|id| !id.is_empty()) else {
                return (None, None);
            };
            let trace = span.object.text("/traceID").unwrap_or_default();
            let parent = named.get(format!("{trace}/{parent}").as_str()).copied();
            (parent, parent.is_none().then_some(Odd::Orphan))
        })
        .collect();
    for (span, (parent, odd)) in all.iter_mut().zip(found) {
        (span.parent, span.odd) = (parent, odd);
    }
}

/// Takes the parent from the earliest span of every circle.
fn cut_circles(all: &mut [SpanNode]) {
    // For each span the walk that came by first.
    let mut walk_of: Vec<Option<usize>> = vec![None; all.len()];
    for first in 0..all.len() {
        let mut at = Some(first);
        while let Some(place) = at.filter(|place| walk_of[*place].is_none()) {
            walk_of[place] = Some(first);
            at = all[place].parent;
        }
        let Some(met) = at.filter(|place| walk_of[*place] == Some(first)) else { continue };
        let mut earliest = met;
        let mut next = all[met].parent;
        while let Some(place) = next.filter(|place| *place != met) {
            earliest = earliest.min(place);
            next = all[place].parent;
        }
        all[earliest].parent = None;
        all[earliest].odd = Some(Odd::Circle);
    }
}

/// Spans so that each stands before its children; they come in the order of their start.
fn in_order(all: Vec<SpanNode>) -> SpanTree {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    let mut open: Vec<usize> = Vec::new();
    for (place, span) in all.iter().enumerate() {
        match span.parent {
            Some(parent) => children[parent].push(place),
            None => open.push(place),
        }
    }
    open.reverse();
    let mut order = Vec::with_capacity(all.len());
    while let Some(place) = open.pop() {
        order.push(place);
        open.extend(children[place].iter().rev());
    }
    let mut place_of = vec![0; all.len()];
    for (new, old) in order.iter().enumerate() {
        place_of[*old] = new;
    }
    let mut old: Vec<Option<SpanNode>> = all.into_iter().map(Some).collect();
    let mut tree = SpanTree::default();
    for place in order {
        let Some(mut span) = old[place].take() else { continue };
        span.parent = span.parent.map(|parent| place_of[parent]);
        span.children = children[place].iter().map(|child| place_of[*child]).collect();
        span.depth = span.parent.map_or(0, |parent| tree.spans[parent].depth + 1);
        if span.parent.is_none() {
            tree.roots.push(tree.spans.len());
        }
        tree.spans.push(span);
    }
    for place in (0..tree.spans.len()).rev() {
        if let Some(parent) = tree.spans[place].parent {
            tree.spans[parent].below += tree.spans[place].below + 1;
        }
    }
    tree
}
