//! The HTTP API of Loki: its labels, and lines in a time range.

mod answer;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::http::{HttpClient, HttpOptions};
use super::prometheus::Success;
use super::transport::Call;
use crate::model::{ErrorKind, Fields, Source, StoreError, Text, Window, clean};

/// The most lines that Loki gives by default (`max_entries_limit_per_query`).
pub const MOST_LINES: usize = 5000;

/// A Loki server.
pub struct Loki {
    http: HttpClient,
    /// The most lines that it gives, as far as that is known.
    most: AtomicUsize,
}

/// A line of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it was written.
    pub time: DateTime<Utc>,
    /// The line.
    pub line: Text,
    /// Structured metadata and labels that the query parsed from the line, sorted by name.
    pub metadata: Fields,
}

/// Lines with one set of labels, in the order of the answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stream {
    /// The labels.
    pub labels: Map<String, Value>,
    /// The lines.
    pub entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Names {
    #[serde(rename = "status")]
    _status: Success,
    #[serde(default)]
    data: Vec<String>,
}

/// The streams of an answer of `query_range`; an answer that is not lines has none.
///
/// ```
/// let text = r#"{"status":"success","data":{"resultType":"streams","result":[
///     {"stream":{"pod":"db-0"},"values":[["1795398640999368001","disk full"]]}]}}"#;
/// let streams = korrel8::client::loki::streams(text).unwrap();
/// assert_eq!(&*streams[0].entries[0].line, "disk full");
/// ```
pub fn streams(text: &str) -> Result<Vec<Stream>, serde_json::Error> {
    Ok(match answer::read(text)? {
        answer::Answered::Lines(streams) => streams,
        answer::Answered::Other(_) => Vec::new(),
    })
}

impl Loki {
    /// A server; fails if its address cannot be understood.
    pub fn new(options: HttpOptions) -> Result<Self, StoreError> {
        Ok(Self::with(HttpClient::new(options)?))
    }

    /// A server behind a client.
    pub fn with(http: HttpClient) -> Self {
        Self { http, most: AtomicUsize::new(MOST_LINES) }
    }

    /// How it is doing.
    pub fn source(&self) -> Source {
        self.http.source()
    }

    /// The name of the source.
    pub fn name(&self) -> &str {
        self.http.name()
    }

    /// Forgets what was learned of the server: its limits, and that it gave no answer.
    pub fn forget(&self) {
        self.http.forget();
        self.most.store(MOST_LINES, Ordering::Relaxed);
    }

    /// The names of stream labels in a window; none if there is no stream in it.
    pub async fn labels(&self, window: Window) -> Result<BTreeSet<String>, StoreError> {
        let call = ranged(Call::new("/loki/api/v1/labels"), window);
        let names: Names = self.http.json(call).await?;
        Ok(names.data.into_iter().collect())
    }

    /// The newest lines of a window, at most `limit` of them or as many as the server allows, and
    /// how many were asked for in the end.
    pub async fn newest(
        &self,
        query: &str,
        window: Window,
        limit: usize,
    ) -> Result<(Vec<Stream>, usize), StoreError> {
        self.first(query, window, limit, "backward").await
    }

    /// The same for the oldest lines of a window.
    pub async fn oldest(
        &self,
        query: &str,
        window: Window,
        limit: usize,
    ) -> Result<(Vec<Stream>, usize), StoreError> {
        self.first(query, window, limit, "forward").await
    }

    async fn first(
        &self,
        query: &str,
        window: Window,
        limit: usize,
        direction: &str,
    ) -> Result<(Vec<Stream>, usize), StoreError> {
        let mut limit = limit.clamp(1, self.most.load(Ordering::Relaxed));
        loop {
            match self.range(query, window, limit, direction).await {
                Err(error) if too_many(&error) && limit > 1 => {
                    limit = allowed(&error).filter(|most| *most < limit).unwrap_or(limit / 2);
                    self.most.fetch_min(limit.max(1), Ordering::Relaxed);
                    limit = limit.max(1);
                }
                result => return Ok((result?, limit)),
            }
        }
    }

    async fn range(
        &self,
        query: &str,
        window: Window,
        limit: usize,
        direction: &str,
    ) -> Result<Vec<Stream>, StoreError> {
        let call = ranged(Call::new("/loki/api/v1/query_range"), window)
            .param("query", query)
            .param("limit", limit.to_string())
            .param("direction", direction)
            .header("X-Loki-Response-Encoding-Flags", "categorize-labels");
        match self.http.parsed(call, answer::read).await? {
            answer::Answered::Lines(streams) => Ok(streams),
            answer::Answered::Other(kind) => {
                let words = format!("the query gives a {}, not lines", clean(&kind));
                Err(StoreError::new(ErrorKind::BadAnswer, self.name(), words))
            }
        }
    }
}

/// Whether the server refuses the number of lines that it was asked for.
fn too_many(error: &StoreError) -> bool {
    error.kind == ErrorKind::BadQuery && error.message.contains("max entries limit")
}

/// The limit that such a refusal names: `… (5000 > 1000)`.
fn allowed(error: &StoreError) -> Option<usize> {
    let (_, number) = error.message.rsplit_once("> ")?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The end is excluded by Loki and included by a window, and must be after the start.
fn ranged(call: Call, window: Window) -> Call {
    let end = window.end.max(window.start) + TimeDelta::nanoseconds(1);
    let nanos = |time: DateTime<Utc>| time.timestamp_nanos_opt().unwrap_or_default().to_string();
    call.param("start", nanos(window.start)).param("end", nanos(end))
}
