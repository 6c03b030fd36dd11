//! Everything that can happen to the explorer.
#![deny(clippy::disallowed_methods, reason = "pure room")]

use std::sync::Arc;

use chrono::{DateTime, Utc};
use crossterm::event::{KeyEvent, MouseEvent};

use super::effect::SearchId;
use super::world::{Listing, Start};
use crate::engine::Snapshot;
use crate::model::{Found, Source};

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// Time has passed.
    Tick(DateTime<Utc>),
    /// The alerts are here.
    Alerts(Listing),
    /// It is known what START names, or why not.
    Resolved(Result<Start, String>),
    /// A search has come to this.
    Snapshot(SearchId, Arc<Snapshot>),
    /// A search has ended without a last word.
    Lost(SearchId),
    /// The whole trace of a span that was opened in a search, by the span's id, or why not.
    Trace(SearchId, Arc<str>, Result<Found, String>),
    /// What the Pods of that trace said in it.
    Lines(SearchId, Arc<str>, Result<Found, String>),
    /// How the sources are doing.
    Sources(Vec<Source>),
}
