//! Which spans of those that were found are kept, in which order.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::model::{Object, Vocabulary};

/// What is worth knowing of a span that a search finds, besides what the vocabulary names.
const FIELDS: [&str; 12] = [
    "name",
    "kind",
    "status",
    "statusMessage",
    "span:parentID",
    "span.http.request.method",
    "span.http.response.status_code",
    "span.http.status_code",
    "span.rpc.grpc.status_code",
    "span.url.path",
    "span.db.system",
    "span.server.address",
];

/// The fields that a search asks for, and which resource attributes are among them.
pub(super) fn fields(words: &Vocabulary) -> (Vec<String>, Vec<String>) {
    let mut resource: Vec<String> =
        words.terms().flat_map(|term| words.names("trace", term)).cloned().collect();
    resource.sort();
    resource.dedup();
    let scoped = resource.iter().map(|name| format!("resource.{name}"));
    let fields = FIELDS.iter().map(|name| (*name).to_owned()).chain(scoped).collect();
    (fields, resource)
}

/// Failed spans first, then the slowest.
pub(super) fn rank(spans: &mut [Arc<Object>]) {
    spans.sort_by_cached_key(|span| {
        let failed = span.text("/status/code") == Some("error");
        (Reverse(failed), Reverse(duration(span)), Arc::clone(&span.id))
    });
}

/// As many as the limit allows: the failed and the slowest, in the order of their start, so that
/// a parent stands before its children.
pub(super) fn whole(mut spans: Vec<Arc<Object>>, limit: usize) -> Vec<Arc<Object>> {
    if spans.len() > limit {
        rank(&mut spans);
        spans.truncate(limit);
    }
    spans.sort_by_cached_key(|span| {
        let trace = span.text("/traceID").unwrap_or_default().to_owned();
        (trace, span.time, Reverse(duration(span)), Arc::clone(&span.id))
    });
    spans
}

/// In nanoseconds.
pub(super) fn duration(span: &Object) -> i64 {
    span.body.get("durationNano").and_then(serde_json::Value::as_i64).unwrap_or_default()
}
