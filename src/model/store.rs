//! A store: something that answers queries of a domain.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Judge, Object, Query, Rank, Ranked, Source, Window};

/// What every call of a search carries besides the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The time range.
    pub window: Window,
    /// The moment that matters most, an alert's start: where a limit cuts, the objects nearest
    /// to it are kept, as well as the newest.
    pub focus: Option<DateTime<Utc>>,
    /// How many objects one query may bring.
    pub limit: usize,
}

impl Scope {
    /// The same with a window that [reaches](Window::reaching) what is there now.
    #[must_use]
    pub fn reaching(self, now: DateTime<Utc>) -> Self {
        Self { window: self.window.reaching(now), ..self }
    }
}

/// Something that answers queries of a domain.
pub trait Store: Send + Sync {
    /// Answers a batch: one [`Answer`] for each query, in any order, as they become known.
    /// Dropping the stream cancels what is still under way. The store merges what it can, makes
    /// calls in the order of their ranks with a bound on how many are in flight, and gives every
    /// call a timeout and a byte cap.
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer>;

    /// Asks for what it has to know before it can answer any query, while others are at work. A
    /// search that may come to this store lets it begin at once, with the rank of all of its work;
    /// `None` if there is nothing.
    fn prepare(&self, _scope: Scope, _rank: &Rank) -> Option<BoxFuture<'static, ()>> {
        None
    }

    /// The back ends behind it, as they are now.
    fn sources(&self) -> Vec<Source>;

    /// Takes what judges objects. A store that keeps objects judges them before it keeps them, so
    /// that they can be shown as they are kept, without a copy.
    fn judge_by(&self, _judge: &Judge) {}

    /// Forgets what was kept from earlier calls.
    fn refresh(&self) {}
}

/// What became of one query.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The query.
    pub query: Query,
    /// Its objects, or why there are none.
    pub result: Result<Found, StoreError>,
    /// How long it took.
    pub took: Duration,
}

/// The objects of one query.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The objects, each once.
    pub objects: Vec<Arc<Object>>,
    /// What was cut off, if anything.
    pub cut: Option<Cut>,
    /// Why a part of the answer is missing, if a source failed while another answered.
    pub missing: Option<StoreError>,
    /// A remark worth showing, such as the request that was really made or why nothing can be
    /// there.
    pub note: Option<String>,
}

impl Found {
    /// Objects of which none was cut off.
    pub fn all(objects: Vec<Object>) -> Self {
        Self { objects: objects.into_iter().map(Arc::new).collect(), ..Self::default() }
    }
}

/// What a limit cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How many objects are left.
    pub shown: usize,
    /// How many there were, if that is known.
    pub total: Option<usize>,
    /// What cut: `limit`, `byte cap`, `server limit`.
    pub by: &'static str,
}

/// Why a query has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct StoreError {
    /// What kind of failure it was.
    pub kind: ErrorKind,
    /// Which source failed, as [`Source::name`].
    pub source_name: String,
    /// What happened, with the server's own words.
    pub message: String,
    /// What to do next, if there is something.
    pub hint: Option<String>,
}

impl StoreError {
    /// A failure without a hint.
    pub fn new(kind: ErrorKind, source: &str, message: impl Into<String>) -> Self {
        Self { kind, source_name: source.to_owned(), message: message.into(), hint: None }
    }

    /// What happened and what to do next, in one line.
    pub fn advice(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} ({hint})", self.message),
            None => self.message.clone(),
        }
    }

    /// The same with a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
    /// No such source is configured.
    Missing,
    /// No connection: refused, DNS, TLS.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// 401.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404 where the path or the kind is unknown; a missing object is no failure.
    NotFound,
    /// 400, 422: the server refuses the query.
    BadQuery,
    /// 429, 5xx.
    Server(u16),
    /// An answer that cannot be understood: HTML, truncated JSON.
    BadAnswer,
    /// More bytes than the cap.
    TooLarge,
}

impl ErrorKind {
    /// A word short enough for a tree: `403`, `timeout`, `error`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "none",
            Self::Unreachable => "down",
            Self::Timeout => "timeout",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::NotFound => "404",
            Self::BadQuery => "refused",
            Self::Server(429) => "429",
            Self::Server(503) => "503",
            Self::Server(_) | Self::BadAnswer => "error",
            Self::TooLarge => "too big",
        }
    }
}
