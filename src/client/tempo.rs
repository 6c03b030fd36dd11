//! The HTTP API of Tempo: traces by id and searches in TraceQL, of old servers and new ones.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::http::{HttpClient, HttpOptions};
use super::otlp::{self, KeyValue, ResourceSpans, integer, nullable};
use super::span::{Page, Search, Span, Trace, Tracer};
use super::transport::Call;
use crate::model::{ErrorKind, Source, StoreError, Window, clean, span_id, trace_id};

/// A Tempo server.
pub struct Tempo {
    http: HttpClient,
    /// Whether the server turned out to have no version 2 of traces by id.
    old: AtomicBool,
    /// Whether it turned out not to know all that we like to be told of spans.
    plain: AtomicBool,
}

#[derive(Deserialize)]
struct Second {
    // Without it, this is no answer of Tempo; an empty one is a trace that is not there.
    trace: Resources,
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Resources {
    #[serde(deserialize_with = "nullable")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
struct First {
    #[serde(alias = "resourceSpans")]
    batches: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    traces: Option<Vec<FoundTrace>>,
    // One of both is always there.
    metrics: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FoundTrace {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(deserialize_with = "nullable")]
    span_set: Set,
    #[serde(deserialize_with = "nullable")]
    span_sets: Vec<Set>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Set {
    #[serde(deserialize_with = "nullable")]
    spans: Vec<FoundSpan>,
    matched: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FoundSpan {
    #[serde(rename = "spanID")]
    span_id: String,
    name: String,
    start_time_unix_nano: Value,
    duration_nanos: Value,
    #[serde(deserialize_with = "nullable")]
    attributes: Vec<KeyValue>,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(deserialize_with = "nullable")]
    scopes: Vec<TagScope>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TagScope {
    name: String,
    #[serde(deserialize_with = "nullable")]
    tags: Vec<String>,
}

impl Tempo {
    /// A server; fails if its address cannot be understood.
    pub fn new(options: HttpOptions) -> Result<Self, StoreError> {
        Ok(Self::with(HttpClient::new(options)?))
    }

    /// A server behind a client.
    pub fn with(http: HttpClient) -> Self {
        Self { http, old: AtomicBool::new(false), plain: AtomicBool::new(false) }
    }

    async fn second(&self, id: &str) -> Result<Option<Trace>, StoreError> {
        let call = Call::new(&format!("/api/v2/traces/{id}"));
        let Some(found) = self.http.find::<Second>(call, |status, _| status == 404).await? else {
            return self.first(id).await;
        };
        let spans = otlp::spans(found.trace.resource_spans);
        let missing = found.status.eq_ignore_ascii_case("partial").then(|| {
            let name = self.http.name();
            let words = format!("{name} gives a part of trace {id}: {}", clean(&found.message));
            StoreError::new(ErrorKind::TooLarge, name, words)
                .hint("the trace is larger than the server's limit, max_bytes_per_trace")
        });
        Ok((!spans.is_empty()).then_some(Trace { spans, missing }))
    }

    async fn first(&self, id: &str) -> Result<Option<Trace>, StoreError> {
        let call = Call::new(&format!("/api/traces/{id}"));
        let found = self.http.find::<First>(call, not_there).await?;
        self.old.store(true, Ordering::Relaxed);
        let spans = found.map(|found| otlp::spans(found.batches)).unwrap_or_default();
        Ok((!spans.is_empty()).then_some(Trace { spans, missing: None }))
    }

    async fn ask(&self, query: &str, wanted: &Search) -> Result<Page, StoreError> {
        let call = Call::new("/api/search")
            .param("q", query)
            .param("limit", wanted.traces.max(1).to_string())
            .param("spss", wanted.spans.max(1).to_string());
        let call = ranged(call, wanted.window);
        let found: Found = self.http.json(call).await?;
        if found.traces.is_none() && found.metrics.is_none() {
            let words = format!("{} answered a search with something else", self.http.name());
            let error = StoreError::new(ErrorKind::BadAnswer, self.http.name(), words)
                .hint("check its URL: a sub-path may be missing");
            return Err(self.http.disowned(error));
        }
        Ok(page(found.traces.unwrap_or_default(), wanted))
    }
}

/// A call for a window, whose end is included.
fn ranged(call: Call, window: Window) -> Call {
    let start = window.start.timestamp();
    let end = window.end.timestamp().saturating_add(1).max(start + 1);
    call.param("start", start.max(0).to_string()).param("end", end.max(1).to_string())
}

/// Whether a refusal means the trace, not the path.
fn not_there(status: u16, body: &str) -> bool {
    status == 404 && (body.trim().is_empty() || body.contains("trace not found"))
}

#[async_trait]
impl Tracer for Tempo {
    async fn trace(&self, id: &str) -> Result<Option<Trace>, StoreError> {
        if self.old.load(Ordering::Relaxed) { self.first(id).await } else { self.second(id).await }
    }

    async fn search(&self, wanted: &Search) -> Result<Page, StoreError> {
        let query = &wanted.traceql;
        if wanted.select.is_empty() {
            return self.ask(query, wanted).await;
        }
        if !self.plain.load(Ordering::Relaxed) {
            let more = format!("{query} | select({})", wanted.select.join(", "));
            match self.ask(&more, wanted).await {
                Err(error) if error.kind == ErrorKind::BadQuery => {}
                result => return result,
            }
        }
        // An old server knows fewer intrinsics. If it still refuses, its words are about the
        // query as the user wrote it.
        let known = |name: &&String| !name.contains(':');
        let known: Vec<&str> = wanted.select.iter().filter(known).map(String::as_str).collect();
        match self.ask(&format!("{query} | select({})", known.join(", ")), wanted).await {
            Err(error) if error.kind == ErrorKind::BadQuery => self.ask(query, wanted).await,
            result => {
                self.plain.fetch_or(result.is_ok(), Ordering::Relaxed);
                result
            }
        }
    }

    async fn attributes(&self, window: Window) -> Result<Option<BTreeSet<String>>, StoreError> {
        let call = ranged(Call::new("/api/v2/search/tags"), window).param("scope", "resource");
        // Old servers have no such list.
        let found = self.http.find::<Tags>(call, |status, _| status == 404).await?;
        let tags = |found: Tags| {
            let scopes = found.scopes.into_iter().filter(|scope| scope.name == "resource");
            scopes.flat_map(|scope| scope.tags).collect()
        };
        Ok(found.map(tags))
    }

    fn by_ids(&self, ids: &[&str]) -> Option<String> {
        // Older servers find no id with leading zeros.
        let bare = ids.iter().map(|id| id.trim_start_matches('0'));
        let each: Vec<String> = bare.map(|id| format!("trace:id = \"{id}\"")).collect();
        (!self.plain.load(Ordering::Relaxed)).then(|| format!("{{ {} }}", each.join(" || ")))
    }

    fn forget(&self) {
        self.http.forget();
    }

    fn source(&self) -> Source {
        self.http.source()
    }
}

fn page(traces: Vec<FoundTrace>, wanted: &Search) -> Page {
    let mut page = Page { more: traces.len() >= wanted.traces, ..Page::default() };
    for found in traces {
        let Some(trace) = trace_id(&found.trace_id) else { continue };
        let sets = if found.span_sets.is_empty() { vec![found.span_set] } else { found.span_sets };
        for set in sets {
            let told = set.spans.len();
            let matched = integer(&set.matched).and_then(|all| usize::try_from(all).ok());
            *page.matched.entry(trace.clone()).or_default() += matched.unwrap_or(told).max(told);
            page.spans.extend(set.spans.into_iter().filter_map(|span| span.read(&trace, wanted)));
        }
    }
    page
}

impl FoundSpan {
    /// A span from what was told: attributes come without their scope, intrinsics among them.
    fn read(self, trace: &str, wanted: &Search) -> Option<Span> {
        let mut fields = otlp::map(self.attributes);
        // What a span lacks of the selected is told as this word.
        fields.retain(|_, value| value != "nil");
        let mut text = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| fields.remove(*name));
            found.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let name = text(["span:name", "name"]);
        let kind = text(["span:kind", "kind"]);
        let status = text(["span:status", "status"]);
        let message = text(["span:statusMessage", "statusMessage"]);
        let parent = text(["span:parentID", "parentID"]);
        let (resource, attributes): (Map<_, _>, Map<_, _>) =
            fields.into_iter().partition(|(name, _)| wanted.resource.contains(name));
        let known = |word: String| {
            if ["unset", "unspecified"].contains(&&*word) { String::new() } else { word }
        };
        Some(Span {
            trace: trace.to_owned(),
            id: span_id(&self.span_id)?,
            parent: span_id(&parent).filter(|id| id.bytes().any(|digit| digit != b'0')),
            name: if self.name.is_empty() { name } else { self.name },
            kind: known(kind),
            start: integer(&self.start_time_unix_nano)?,
            duration: integer(&self.duration_nanos)?,
            status: known(status),
            message,
            resource,
            attributes,
            partial: true,
            ..Span::default()
        })
    }
}
