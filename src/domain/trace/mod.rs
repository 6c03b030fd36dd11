//! Traces: spans of requests, from Tempo or Jaeger.

mod object;
mod query;
mod select;
mod store;
mod traceql;
mod words;

use std::sync::Arc;

pub use query::SpanSelector;
use serde_json::Value;
pub use store::TraceStore;
pub use traceql::TraceQl;

use crate::model::{Class, Domain, Object, Query, SelectorError};

/// The domain `trace`.
#[derive(Clone, Copy, Debug)]
pub struct Trace;

impl Trace {
    /// The only class.
    pub fn all() -> Class {
        Class::new("trace", "span")
    }

    /// The ids of the traces that a query names, if it does.
    pub fn ids(query: &Query) -> Option<&[String]> {
        match query.selector()? {
            SpanSelector::Ids(ids) => Some(ids),
            SpanSelector::TraceQl(_) => None,
        }
    }
}

impl Domain for Trace {
    fn name(&self) -> &'static str {
        "trace"
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    fn classes(&self) -> Vec<Class> {
        vec![Self::all()]
    }

    fn class(&self, name: &str) -> Option<Class> {
        (name == "span").then(Self::all)
    }

    fn parse(&self, class: &Class, selector: &str) -> Result<Query, SelectorError> {
        Ok(Query::new(class.clone(), SpanSelector::parse(selector)?))
    }

    fn object(&self, class: &Class, body: Value) -> Object {
        object::object(class, body)
    }
}

/// Spans as objects, in the order of their ids.
fn objects(spans: Vec<crate::client::span::Span>) -> Vec<Arc<Object>> {
    let class = Trace::all();
    let mut all: Vec<Arc<Object>> =
        spans.into_iter().map(|span| Arc::new(object::object(&class, span.body()))).collect();
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all.dedup_by(|a, b| a.id == b.id);
    all
}

const ABOUT: &str = r#"Spans of requests, from Tempo or Jaeger.

The selector is one of

- TraceQL: `trace:span:{resource.service.name = "web" && status = error && duration > 1s}`.
  Spans that a search finds tell the most important of their fields; the failed and the slowest
  come first. Jaeger finds spans by comparisons that `&&` joins.
- Trace ids, separated by commas: `trace:span:65040764d6005ae10d313a235526acca` gives all spans of
  the trace, with all that is known of them, whatever the window. Leading zeros may be left out.

A span has `traceID`, `spanID`, `parentSpanID`, `name`, `kind`, `service`, `startTimeUnixNano` (a
string of digits), `durationNano` (a number), `status` (`code`, `message`), `resource`,
`attributes`, `events` and `links`.
"#;
