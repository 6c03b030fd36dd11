//! Times since the start of the trace, with clocks set right: what starts before it was called
//! was timed by another clock, and is moved into its caller with all that it called itself.

use super::SpanTree;

/// Sets the times of all spans, and how long each worked itself.
pub(super) fn set(tree: &mut SpanTree) {
    for place in 0..tree.spans.len() {
        let Some(parent) = tree.spans[place].parent else { continue };
        let above = &tree.spans[parent];
        let (start, end, moved) = (above.start, above.end, above.skew);
        let same_clock = clock(tree, place) == clock(tree, parent);
        let span = &mut tree.spans[place];
        // A clock that was found wrong above is wrong here too.
        let mut skew = if same_clock { moved } else { 0 };
        if span.start.saturating_add(skew) < start {
            // As much time before it as after it, if it fits; that is as good a guess as any.
            let room = (end - start).saturating_sub(span.end - span.start).max(0);
            skew = start.saturating_sub(span.start).saturating_add(room / 2);
        }
        span.skew = skew;
        span.start = span.start.saturating_add(skew);
        span.end = span.end.saturating_add(skew);
    }
    let first = tree.spans.iter().map(|span| span.start).min().unwrap_or_default();
    let last = tree.spans.iter().map(|span| span.end).max().unwrap_or_default();
    tree.start = first;
    tree.length = last.saturating_sub(first);
    for span in &mut tree.spans {
        span.start = span.start.saturating_sub(first);
        span.end = span.end.saturating_sub(first);
    }
    for place in 0..tree.spans.len() {
        tree.spans[place].own = own(tree, place);
    }
}

/// What tells whether two spans were timed by one clock: their Pod, their host, or their service.
fn clock(tree: &SpanTree, place: usize) -> Option<&str> {
    let resource = tree.spans[place].object.body.get("resource");
    let name = |name: &str| resource?.get(name)?.as_str();
    ["k8s.node.name", "host.name", "k8s.pod.name", "service.name"].into_iter().find_map(name)
}

/// The time of a span that none of its children covers.
fn own(tree: &SpanTree, place: usize) -> i64 {
    let span = &tree.spans[place];
    let mut parts: Vec<(i64, i64)> = span
        .children
        .iter()
        .map(|child| &tree.spans[*child])
        .map(|child| (child.start.max(span.start), child.end.min(span.end)))
        .filter(|(start, end)| start < end)
        .collect();
    parts.sort_unstable();
    let (mut covered, mut reached) = (0, span.start);
    for (start, end) in parts {
        covered += (end - start.max(reached)).max(0);
        reached = reached.max(end);
    }
    span.duration() - covered
}
