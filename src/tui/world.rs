//! The world outside of the explorer: what it may ask for.
//!
//! The explorer knows no domains, stores or clients. The command line implements [`World`] over
//! an engine, tests implement it over values.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::engine::Snapshot;
use crate::graph::Run;
use crate::model::{Class, Cut, Found, Object, Source, StoreError, Window};

/// What the explorer asks for. No method blocks.
pub trait World: Send + Sync + 'static {
    /// Where we are, for the header.
    fn place(&self) -> Place;

    /// The time. A recording of long ago answers with its own end, so that ages make sense.
    fn now(&self) -> DateTime<Utc>;

    /// The alerts to begin with: firing, pending and suppressed ones, in any order.
    fn alerts(&self) -> BoxFuture<'static, Listing>;

    /// What a START names: a query, `kind/name`, `alert/NAME` or the URL of an alert. The error
    /// says what is wrong with the text or why its objects cannot be asked for.
    /// `lift` multiplies the usual limit.
    fn resolve(&self, start: String, lift: usize) -> BoxFuture<'static, Result<Start, String>>;

    /// Starts a search. It ends when its handle is dropped.
    fn search(&self, request: SearchRequest) -> Live;

    /// All spans of the trace that a span belongs to. The error says why they cannot be had.
    fn trace(&self, span: Arc<Object>) -> BoxFuture<'static, Result<Found, String>>;

    /// The log lines of some spans of one trace.
    fn lines(&self, spans: Vec<Arc<Object>>) -> BoxFuture<'static, Result<Found, String>>;

    /// Every back end, as it is now.
    fn sources(&self) -> Vec<Source>;

    /// Forgets what was kept from earlier calls.
    fn refresh(&self);
}

/// Where we are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The kubeconfig context, or `demo`, or the name of a recording.
    pub context: String,
    /// The namespace that is looked at; `None` for all.
    pub namespace: Option<String>,
}

/// The alerts to begin with.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The alerts.
    pub alerts: Vec<Arc<Object>>,
    /// Sources that could not be asked, and why.
    pub errors: Vec<StoreError>,
    /// Every back end, as it is after asking.
    pub sources: Vec<Source>,
}

/// What a START names.
#[derive(Clone, Debug)]
pub struct Start {
    /// The query behind it, and what became of it.
    pub asked: Option<Arc<Run>>,
    /// The objects; the user chooses if there are several.
    pub objects: Vec<Arc<Object>>,
}

impl Start {
    /// How many objects match, in words.
    pub(super) fn matching(&self) -> String {
        let here = self.objects.len();
        match self.asked.as_ref().and_then(|run| run.cut.as_ref()) {
            None => format!("{here} objects match"),
            Some(Cut { total: Some(all), .. }) => format!("{here} of {all} objects that match"),
            Some(Cut { total: None, .. }) => format!("the first {here} objects that match"),
        }
    }

    /// Whether they are the spans of one trace, which is one thing.
    pub(super) fn is_trace(&self) -> bool {
        let id = |object: &Arc<Object>| {
            (object.class.domain() == "trace").then(|| object.text("/traceID").map(str::to_owned))
        };
        let first = self.objects.first().and_then(id).flatten();
        first.is_some() && self.objects.iter().all(|object| id(object).flatten() == first)
    }
}

/// What to search for.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// Where it begins: at least one object, all of one class.
    pub start: Vec<Arc<Object>>,
    /// The query that brought them, if there was one, and what became of it.
    pub asked: Option<Arc<Run>>,
    /// Classes to look for; empty for all neighbors.
    pub goals: Vec<Class>,
    /// The budget of a path; `None` for the usual one.
    pub reach: Option<u32>,
    /// The time range; `None` for the one that fits the start.
    pub window: Option<Window>,
    /// The moment that matters most, if it is that of an earlier step; `None` for the one that
    /// fits the start.
    pub focus: Option<DateTime<Utc>>,
    /// How many objects one query may bring, as a multiple of the usual limit; at least 1.
    pub lift: usize,
}

/// A search under way.
pub struct Live {
    /// Its state; a newer one replaces an older one. It ends with [`Snapshot::finished`].
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Dropping it cancels the search.
    pub handle: Box<dyn Handle>,
}

/// What keeps a search alive.
pub trait Handle: Send {
    /// Asks what a node of the tree waits for, and all below it, before the rest.
    fn prefer(&self, key: &str);
}
