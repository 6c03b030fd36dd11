//! The critical path: from the end of a trace back to its start, always the span that ended last
//! before the work above it could go on.

use std::cmp::Reverse;

use super::SpanTree;

/// Marks the critical path of every root.
pub(super) fn mark(tree: &mut SpanTree) {
    let mut open: Vec<(usize, i64)> =
        tree.roots.iter().map(|root| (*root, tree.spans[*root].end)).collect();
    // From a span's end, or the moment until which its caller waited for it, backwards.
    while let Some((place, until)) = open.pop() {
        let span = &tree.spans[place];
        let (from, mut at) = (span.start, until.min(span.end));
        let mut children: Vec<(i64, i64, usize)> = span
            .children
            .iter()
            .map(|child| (tree.spans[*child].start, tree.spans[*child].end, *child))
            // What outlasts its caller is not waited for.
            .filter(|(start, end, _)| start < end && *end <= span.end)
            .collect();
        children.sort_unstable_by_key(|(start, end, child)| (Reverse(*end), *start, *child));
        let mut parts = Vec::new();
        for (start, end, child) in children {
            if end > at || start < from {
                continue;
            }
            if end < at {
                parts.push((end, at));
            }
            open.push((child, end));
            at = start;
        }
        if from < at {
            parts.push((from, at));
        }
        parts.reverse();
        tree.spans[place].critical = parts;
    }
}
