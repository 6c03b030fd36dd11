//! What some spans are about, for a row that has no room for more.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::model::{Object, clean};

/// The traces that some spans belong to.
#[derive(Clone, Copy, Debug)]
pub struct Traces<'s> {
    /// How many there are.
    pub count: usize,
    /// Where the worst of them enters: of its failed spans the slowest, or of all if none failed,
    /// and from there up as far as callers are among the spans.
    pub entry: &'s Object,
}

/// The most characters of a service's or an operation's name.
const LONGEST: usize = 120;

impl<'s> Traces<'s> {
    /// Those of some spans; `None` if there are no spans.
    pub fn of(spans: impl Iterator<Item = &'s Object> + Clone) -> Option<Self> {
        let trace = |span: &'s Object| span.text("/traceID").unwrap_or_default();
        let worst = spans.clone().min_by_key(|span| {
            let took = span.body.get("durationNano").and_then(Value::as_i64);
            let failed = span.text("/status/code") == Some("error");
            (!failed, std::cmp::Reverse(took), &span.id)
        })?;
        let ids: HashSet<&str> = spans.clone().map(trace).collect();
        let of_worst = spans.filter(|span| trace(span) == trace(worst));
        let named: HashMap<&str, &Object> =
            of_worst.filter_map(|span| Some((span.text("/spanID")?, span))).collect();
        let mut entry = worst;
        // Callers may go round in a circle.
        for _ in 0..named.len() {
            let caller = entry.text("/parentSpanID").and_then(|id| named.get(id));
            let Some(caller) = caller else { break };
            entry = caller;
        }
        Some(Self { count: ids.len(), entry })
    }

    /// Service and operation of the entry: `web POST /checkout`; its id if it tells neither.
    pub fn name(&self) -> String {
        let part = |pointer| self.entry.text(pointer).filter(|text| !text.is_empty()).map(short);
        let parts: Vec<String> = ["/service", "/name"].into_iter().filter_map(part).collect();
        if parts.is_empty() { self.entry.id.to_string() } else { parts.join(" ") }
    }
}

/// What is clean and not too long of a text from a server.
fn short(text: &str) -> String {
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
    clean(&text[..end]) + if end < text.len() { "…" } else { "" }
}
