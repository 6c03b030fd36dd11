//! The HTTP API that Jaeger's own page uses: services, searches by tags, traces by id.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures::future::join_all;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::http::{HttpClient, HttpOptions};
use super::otlp::nullable;
use super::span::{Event, Link, Page, Search, Span, Terms, Trace, Tracer};
use super::transport::Call;
use crate::model::{ErrorKind, Source, StoreError, clean, span_id, trace_id};

/// How many services are searched if the query names none: Jaeger searches one at a time.
const SERVICES: usize = 30;

/// A Jaeger query service.
pub struct Jaeger {
    http: HttpClient,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
    #[serde(default, deserialize_with = "nullable")]
    errors: Vec<Said>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    msg: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawTrace {
    #[serde(deserialize_with = "nullable")]
    spans: Vec<RawSpan>,
    #[serde(deserialize_with = "nullable")]
    processes: BTreeMap<String, Process>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Process {
    service_name: String,
    #[serde(deserialize_with = "nullable")]
    tags: Vec<Tag>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tag {
    key: String,
    value: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawSpan {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    /// Of an older form.
    #[serde(rename = "parentSpanID")]
    parent_span_id: String,
    operation_name: String,
    #[serde(deserialize_with = "nullable")]
    references: Vec<Reference>,
    /// Unix microseconds.
    start_time: i64,
    /// Microseconds.
    duration: i64,
    #[serde(deserialize_with = "nullable")]
    tags: Vec<Tag>,
    #[serde(deserialize_with = "nullable")]
    logs: Vec<Log>,
    #[serde(rename = "processID")]
    process_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reference {
    ref_type: String,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Log {
    timestamp: i64,
    #[serde(deserialize_with = "nullable")]
    fields: Vec<Tag>,
}

impl Jaeger {
    /// A server; fails if its address cannot be understood.
    pub fn new(options: HttpOptions) -> Result<Self, StoreError> {
        Ok(Self::with(HttpClient::new(options)?))
    }

    /// A server behind a client.
    pub fn with(http: HttpClient) -> Self {
        Self { http }
    }

    /// The services to search, and whether these are not all.
    async fn services(&self) -> Result<(Vec<String>, bool), StoreError> {
        let mut all: Vec<String> = self.data(Call::new("/api/services")).await?;
        all.sort();
        let more = all.len() > SERVICES;
        all.truncate(SERVICES);
        Ok((all, more))
    }

    async fn data<T: Default + DeserializeOwned>(&self, call: Call) -> Result<T, StoreError> {
        let answer: Answer<T> = self.http.json(call).await?;
        if let (None, Some(said)) = (&answer.data, answer.errors.first()) {
            let words = format!("{} says: {}", self.http.name(), clean(&said.msg));
            let error = StoreError::new(ErrorKind::BadAnswer, self.http.name(), words);
            return Err(self.http.disowned(error));
        }
        Ok(answer.data.unwrap_or_default())
    }

    async fn of_service(
        &self,
        service: &str,
        terms: &Terms,
        wanted: &Search,
    ) -> Result<Vec<RawTrace>, StoreError> {
        let micros = |nanos: i64| format!("{}us", nanos / 1000);
        let mut tags: Map<String, Value> =
            terms.tags.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        if terms.failed {
            tags.insert("error".to_owned(), "true".into());
        }
        let mut call = Call::new("/api/traces")
            .param("service", service)
            .param("start", wanted.window.start.timestamp_micros().to_string())
            .param("end", wanted.window.end.timestamp_micros().to_string())
            .param("limit", wanted.traces.max(1).to_string());
        if !tags.is_empty() {
            call = call.param("tags", Value::from(tags).to_string());
        }
        if let Some(name) = &terms.name {
            call = call.param("operation", name);
        }
        if let Some(shortest) = terms.shortest {
            call = call.param("minDuration", micros(shortest));
        }
        if let Some(longest) = terms.longest {
            call = call.param("maxDuration", micros(longest.saturating_add(999)));
        }
        self.data(call).await
    }
}

#[async_trait]
impl Tracer for Jaeger {
    async fn trace(&self, id: &str) -> Result<Option<Trace>, StoreError> {
        let call = Call::new(&format!("/api/traces/{id}"));
        let absent = |status, body: &str| status == 404 && body.contains("trace not found");
        let found = self.http.find::<Answer<Vec<RawTrace>>>(call, absent).await?;
        let traces = found.and_then(|answer| answer.data).unwrap_or_default();
        let spans: Vec<Span> = traces.into_iter().flat_map(RawTrace::read).collect();
        Ok((!spans.is_empty()).then_some(Trace { spans, missing: None }))
    }

    async fn search(&self, wanted: &Search) -> Result<Page, StoreError> {
        let Some(terms) = &wanted.terms else {
            let words = "Jaeger cannot answer this: it only finds spans by service, name, \
                         attributes, status and duration that all hold";
            return Err(StoreError::new(ErrorKind::BadQuery, self.http.name(), words).hint(
                "join comparisons with &&, as {resource.service.name = \"web\" && status = error}",
            ));
        };
        let (services, mut more) = match &terms.service {
            Some(service) => (vec![service.clone()], false),
            None => self.services().await?,
        };
        let note = more.then(|| {
            format!("only the first {SERVICES} services were searched; name one with resource.service.name")
        });
        let calls = services.iter().map(|service| self.of_service(service, terms, wanted));
        let mut found: BTreeMap<(String, String), Span> = BTreeMap::new();
        for traces in join_all(calls).await {
            let traces = traces?;
            more |= traces.len() >= wanted.traces;
            let spans = traces.into_iter().flat_map(RawTrace::read);
            found.extend(spans.map(|span| ((span.trace.clone(), span.id.clone()), span)));
        }
        let spans: Vec<Span> = found.into_values().collect();
        let mut matched = BTreeMap::new();
        for span in &spans {
            *matched.entry(span.trace.clone()).or_default() += 1;
        }
        Ok(Page { spans, matched, more, note })
    }

    fn by_ids(&self, _: &[&str]) -> Option<String> {
        None
    }

    fn forget(&self) {
        self.http.forget();
    }

    fn source(&self) -> Source {
        self.http.source()
    }
}

impl RawTrace {
    fn read(self) -> Vec<Span> {
        let resources: BTreeMap<String, Map<String, Value>> = self
            .processes
            .into_iter()
            .map(|(id, process)| {
                let mut resource = map(process.tags);
                resource.insert("service.name".to_owned(), process.service_name.into());
                (id, resource)
            })
            .collect();
        self.spans.into_iter().filter_map(|span| span.read(&resources)).collect()
    }
}

fn map(tags: Vec<Tag>) -> Map<String, Value> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn nanos(micros: i64) -> i64 {
    micros.saturating_mul(1000)
}

impl RawSpan {
    fn read(self, resources: &BTreeMap<String, Map<String, Value>>) -> Option<Span> {
        let trace = trace_id(&self.trace_id)?;
        let mut attributes = map(self.tags);
        let mut text = |name: &str| match attributes.remove(name) {
            Some(Value::String(text)) => text,
            Some(value) => value.to_string(),
            None => String::new(),
        };
        let kind = text("span.kind");
        let code = text("otel.status_code");
        let failed = text("error") == "true";
        let message = text("otel.status_description");
        let library = text("otel.library.name");
        let scope = text("otel.scope.name");
        let status = if failed { "error".to_owned() } else { code.to_lowercase() };
        let (mut parent, mut links) = (span_id(&self.parent_span_id), Vec::new());
        for reference in self.references {
            let Some(span) = span_id(&reference.span_id) else { continue };
            let Some(other) = trace_id(&reference.trace_id) else { continue };
            let child = reference.ref_type == "CHILD_OF";
            if other == trace && (child || parent.is_none()) {
                parent = Some(span);
            } else {
                links.push(Link { trace: other, span, attributes: Map::new() });
            }
        }
        Some(Span {
            trace,
            id: span_id(&self.span_id)?,
            parent: parent.filter(|id| id.bytes().any(|digit| digit != b'0')),
            name: self.operation_name,
            kind,
            start: nanos(self.start_time),
            duration: nanos(self.duration.max(0)),
            status: if status == "unset" { String::new() } else { status },
            message,
            resource: resources.get(&self.process_id).cloned().unwrap_or_default(),
            attributes,
            scope: if scope.is_empty() { library } else { scope },
            events: self.logs.into_iter().map(Log::read).collect(),
            links,
            partial: false,
        })
    }
}

impl Log {
    fn read(self) -> Event {
        let mut attributes = map(self.fields);
        let name = attributes.remove("event").and_then(|name| name.as_str().map(str::to_owned));
        Event {
            name: name.unwrap_or_else(|| "log".to_owned()),
            time: nanos(self.timestamp),
            attributes,
        }
    }
}
