//! What the server has answered to one request: the pages read so far, shared by all who need
//! them. Whoever needs more than is there asks for the next page; the others wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::plan::Ask;
use crate::client::kube::Refusal;
use crate::model::{Class, Object, Rank};

/// How long objects are taken for current: a walk from signal to signal goes on with what it has
/// seen, and a cluster hardly looks different a minute later.
const OBJECTS: Duration = Duration::from_mins(1);
/// The same for Events, which tell of what is going on.
const EVENTS: Duration = Duration::from_secs(15);
/// The same for a failure: long enough that not every query of a search runs into it.
const FAILURE: Duration = Duration::from_secs(10);

/// The answer to one request.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) class: Class,
    pub(super) ask: Ask,
    /// Of all who wait for it.
    pub(super) rank: Rank,
    /// Held by the one that asks for the next page.
    pub(super) turn: tokio::sync::Mutex<()>,
    state: Mutex<Pages>,
}

/// The pages read so far.
#[derive(Debug)]
pub(super) struct Pages {
    begun: Instant,
    pub(super) objects: Vec<Arc<Object>>,
    /// How many pages.
    pub(super) count: usize,
    /// Where the next page begins; empty at the first.
    pub(super) token: String,
    /// Nothing more will come.
    pub(super) whole: bool,
    /// Objects that are still to come, if the server has told.
    pub(super) remaining: Option<usize>,
    /// How often it had to be read anew, because the server lost the place of the next page.
    pub(super) restarts: usize,
    /// Bytes of all answers.
    pub(super) bytes: usize,
    /// Bytes that are held in memory, about.
    pub(super) weight: usize,
    failed: Option<(Instant, Refusal)>,
    /// The last time that someone needed it.
    pub(super) used: u64,
}

/// What a reader has seen of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) objects: usize,
    pub(super) restarts: usize,
    pub(super) count: usize,
}

impl Listing {
    pub(super) fn new(class: Class, ask: Ask) -> Self {
        let pages = Pages {
            begun: Instant::now(),
            objects: Vec::new(),
            count: 0,
            token: String::new(),
            whole: false,
            remaining: None,
            restarts: 0,
            bytes: 0,
            weight: 0,
            failed: None,
            used: 0,
        };
        let rank = Rank::join([]);
        Self { class, ask, rank, turn: tokio::sync::Mutex::default(), state: Mutex::new(pages) }
    }

    pub(super) fn pages(&self) -> MutexGuard<'_, Pages> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it can be used without being asked for again.
    pub(super) fn fresh(&self) -> bool {
        let pages = self.pages();
        let long = if self.class.kind() == "Event" { EVENTS } else { OBJECTS };
        let failed = pages.failed.as_ref().is_some_and(|(at, _)| at.elapsed() >= FAILURE);
        !failed && pages.begun.elapsed() < long
    }

    /// How old it is.
    pub(super) fn age(&self) -> Duration {
        self.pages().begun.elapsed()
    }

    /// Whether all objects are there, or someone is reading them.
    pub(super) fn listed(&self) -> bool {
        let pages = self.pages();
        pages.failed.is_none() && (pages.whole || self.turn.try_lock().is_err())
    }

    /// Whether nothing has come since someone has looked.
    pub(super) fn stands_at(&self, seen: Seen) -> bool {
        let pages = self.pages();
        pages.seen() == seen && pages.failed.is_none()
    }

    /// Notes that the server has refused it.
    pub(super) fn fail(&self, refusal: Refusal) {
        self.pages().failed = Some((Instant::now(), refusal));
    }
}

impl Pages {
    /// Why there is no answer.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        self.failed.as_ref().map(|(_, refusal)| refusal)
    }

    /// What is to be seen now.
    pub(super) fn seen(&self) -> Seen {
        Seen { objects: self.objects.len(), restarts: self.restarts, count: self.count }
    }

    /// Begins anew.
    pub(super) fn restart(&mut self) {
        self.objects.clear();
        self.token.clear();
        self.count = 0;
        self.remaining = None;
        self.restarts += 1;
    }
}
