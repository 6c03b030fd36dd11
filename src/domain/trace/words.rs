//! Which attributes the spans of a server have, and what to call those that it lacks: the names of
//! Kubernetes things in OpenTelemetry are not those that older agents gave.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::TraceQl;
use crate::client::span::Tracer;
use crate::model::{Vocabulary, Window};

/// How far a window may reach beyond one whose attributes are known.
const NEARBY: TimeDelta = TimeDelta::hours(1);

/// How long it is taken for true what a server says.
const KEPT: Duration = Duration::from_mins(10);

/// What is known of the attributes of resources.
pub(super) struct Words {
    /// The names of each term, the first of which rules use.
    terms: Vec<Vec<String>>,
    known: Mutex<Option<Known>>,
}

struct Known {
    window: Window,
    at: Instant,
    names: Names,
}

/// Names of attributes; `None` if the server does not tell.
type Names = Arc<Option<BTreeSet<String>>>;

impl Words {
    pub(super) fn new(words: &Vocabulary) -> Self {
        let names = |term: &str| words.names("trace", term).to_vec();
        let terms = words.terms().map(names).filter(|names| !names.is_empty()).collect();
        Self { terms, known: Mutex::default() }
    }

    /// Forgets what was learned.
    pub(super) fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What is known for a window; `None` if nobody has asked yet.
    pub(super) fn known(&self, window: Window) -> Option<Names> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let serves = |known: &&Known| {
            let (start, end) = (known.window.start - NEARBY, known.window.end + NEARBY);
            start <= window.start && window.end <= end && known.at.elapsed() < KEPT
        };
        known.as_ref().filter(serves).map(|known| Arc::clone(&known.names))
    }

    /// The attributes that spans of a window have.
    pub(super) async fn learn(&self, tracer: &dyn Tracer, window: Window) -> Names {
        if let Some(known) = self.known(window) {
            return known;
        }
        // It only helps to ask: what is wrong with the server is told by its answers to searches.
        let names: Names = Arc::new(tracer.attributes(window).await.ok().flatten());
        let known = Known { window, at: Instant::now(), names: Arc::clone(&names) };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        names
    }

    /// The names of things that the server's spans have, the first of each term.
    pub(super) fn told(&self) -> Vec<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(names) = known.as_ref().and_then(|known| (*known.names).as_ref()) else {
            return Vec::new();
        };
        let first = |all: &Vec<String>| all.iter().find(|name| names.contains(*name)).cloned();
        let found: Vec<String> = self.terms.iter().filter_map(first).collect();
        if found.is_empty() {
            return vec!["no resource attribute that names a Pod or a service".to_owned()];
        }
        let by = if found.iter().any(|name| name.starts_with("k8s.")) {
            " of OpenTelemetry"
        } else {
            ""
        };
        vec![format!("resource attributes{by}: {}", found.join(", "))]
    }

    /// The query in the words of the server, if it lacks some that the query has and knows others
    /// for them.
    pub(super) fn translated(&self, query: &TraceQl, names: &BTreeSet<String>) -> Option<TraceQl> {
        query.renamed(|wanted| {
            let alike = self.terms.iter().find(|all| all.iter().any(|name| name == wanted))?;
            let other = alike.iter().find(|name| names.contains(*name));
            other.filter(|_| !names.contains(wanted)).cloned()
        })
    }

    /// What the server lacks that a query wants.
    pub(super) fn lacking(query: &TraceQl, names: &BTreeSet<String>) -> Option<String> {
        let wanted = query.resource_names();
        let lacking: Vec<&str> =
            wanted.iter().filter(|name| !names.contains(*name)).map(String::as_str).collect();
        (!lacking.is_empty())
            .then(|| format!("no span in this window has {}", lacking.join(" or ")))
    }
}
