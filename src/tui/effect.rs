//! Everything that the explorer asks of the world.
#![deny(clippy::disallowed_methods, reason = "pure room")]

use std::sync::Arc;

use super::world::SearchRequest;
use crate::model::Object;

/// Names a search for as long as the explorer runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SearchId(pub(crate) u64);

/// A wish of `update`, which the runner fulfils.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Ask for the alerts.
    LoadAlerts,
    /// Find out what a START names.
    Resolve(String, usize),
    /// Begin a search.
    Search(SearchId, SearchRequest),
    /// Give a search up.
    Cancel(SearchId),
    /// Ask what the user looks at first: a node, by its key.
    Prefer(SearchId, Arc<str>),
    /// Ask for the whole trace of a span, then for what its Pods said in it.
    Trace(SearchId, Arc<Object>),
    /// Forget what was kept from earlier calls.
    Refresh,
    /// Look how the sources are doing.
    LookAtSources,
    /// Put a text on the clipboard of the terminal.
    Copy(String),
    /// Take the mouse, or leave it to the terminal.
    Mouse(bool),
    /// Leave.
    Quit,
}
