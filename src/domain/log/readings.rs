//! The logs that were read, shared by all who want them: queries of one batch, and later ones of
//! the same search. Whoever comes first reads, the others wait; what was read is kept for a short
//! while, bounded in bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::pod_lines::{Extent, Log};
use crate::client::ranked;
use crate::model::{Kept, Rank, StoreError, Window};

/// How long a log is taken for current. Its window is that of one search, so nothing new is missed.
const AGE: Duration = Duration::from_mins(1);
/// The same for a failure.
const FAILURE: Duration = Duration::from_secs(10);
/// Bytes that are kept.
const ROOM: usize = 32 << 20;

/// The log of one run of a container, in a window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wish {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: String,
    pub(super) previous: bool,
    pub(super) window: Window,
    /// The lines after this moment of it, up to a bound in bytes.
    pub(super) around: Option<chrono::DateTime<chrono::Utc>>,
}

/// What is kept, and what is being read.
#[derive(Debug, Default)]
pub(super) struct Readings(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    all: HashMap<Wish, Vec<Arc<Reading>>>,
    bytes: usize,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Reading {
    begun: Instant,
    extent: Extent,
    /// Of all who wait for it.
    rank: Rank,
    /// Held by the one who reads.
    turn: tokio::sync::Mutex<()>,
    done: OnceLock<Result<Arc<Log>, StoreError>>,
}

impl Readings {
    /// A log with what is wanted: a known one or, once, what `read` gives for an extent; `None`
    /// from it is for this caller alone.
    pub(super) async fn log<R>(
        &self,
        wish: &Wish,
        wanted: Extent,
        rank: &Rank,
        read: impl Fn(Extent) -> R,
    ) -> Result<Option<Arc<Log>>, StoreError>
    where
        R: Future<Output = Result<Option<Log>, StoreError>>,
    {
        loop {
            let reading = self.reading(wish, wanted);
            reading.rank.add(rank);
            let _turn = reading.turn.lock().await;
            match reading.done.get() {
                Some(Ok(log)) if log.serves(wanted) => return Ok(Some(Arc::clone(log))),
                Some(Ok(_)) => {}
                Some(Err(fault)) => return Err(fault.clone()),
                None => {
                    let result = ranked(reading.rank.clone(), read(reading.extent)).await;
                    let Some(result) = result.map(|log| log.map(Arc::new)).transpose() else {
                        return Ok(None);
                    };
                    self.keep(&reading, &result);
                    return result.map(Some);
                }
            }
        }
    }

    /// One that serves, or will serve unless its log is too long; a new one if there is none.
    fn reading(&self, wish: &Wish, wanted: Extent) -> Arc<Reading> {
        let mut inner = self.inner();
        if let Some(known) =
            inner.all.get(wish).and_then(|all| all.iter().find(|one| one.may(wanted)))
        {
            return Arc::clone(known);
        }
        let new = Arc::new(Reading {
            begun: Instant::now(),
            extent: wanted,
            rank: Rank::join([]),
            turn: tokio::sync::Mutex::default(),
            done: OnceLock::new(),
        });
        inner.all.entry(wish.clone()).or_default().push(Arc::clone(&new));
        new
    }

    fn keep(&self, reading: &Reading, result: &Result<Arc<Log>, StoreError>) {
        // Only the one whose turn it is comes here.
        reading.done.get_or_init(|| result.clone());
        let mut inner = self.inner();
        inner.bytes += reading.bytes();
        if inner.bytes > ROOM || inner.swept.is_none_or(|swept| swept.elapsed() > AGE) {
            inner.sweep();
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        *self.inner() = Inner::default();
    }

    /// How much is kept.
    pub(super) fn kept(&self) -> Option<Kept> {
        let inner = self.inner();
        let done = inner.all.values().flatten().filter(|one| one.is_fresh() && one.bytes() > 0);
        let (bytes, age) = done.fold((0, None), |(bytes, age), one| {
            (bytes + one.bytes(), age.max(Some(one.begun.elapsed().as_secs())))
        });
        age.map(|age| Kept { bytes, ..Kept::aged(age) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Drops what is too old or wanted by nobody, and the oldest if there is too much.
    fn sweep(&mut self) {
        let used = |one: &Arc<Reading>| one.done.get().is_some() || Arc::strong_count(one) > 1;
        let fresh = self.all.values().flatten().filter(|one| one.is_fresh());
        let mut known: Vec<_> = fresh.map(|one| (one.begun, one.bytes())).collect();
        known.sort_unstable_by_key(|(begun, _)| std::cmp::Reverse(*begun));
        // A little less than there is room for, so that this is not done for each log.
        let (mut bytes, mut since) = (0, None);
        for (begun, more) in known {
            if bytes + more > ROOM - ROOM / 8 {
                break;
            }
            (bytes, since) = (bytes + more, Some(begun));
        }
        self.all.retain(|_, readings| {
            readings.retain(|one| {
                let stays = one.done.get().is_none() || since.is_some_and(|at| one.begun >= at);
                stays && one.is_fresh() && used(one)
            });
            !readings.is_empty()
        });
        self.bytes = self.all.values().flatten().map(|one| one.bytes()).sum();
        self.swept = Some(Instant::now());
    }
}

impl Reading {
    /// Whether it has what is wanted, or will have it if its log is not too long.
    fn may(&self, wanted: Extent) -> bool {
        let serves = match self.done.get() {
            Some(Ok(log)) => log.serves(wanted),
            Some(Err(_)) => true,
            None => self.extent.covers(wanted),
        };
        serves && self.is_fresh()
    }

    fn is_fresh(&self) -> bool {
        match self.done.get() {
            Some(Ok(_)) => self.begun.elapsed() < AGE,
            Some(Err(_)) => self.begun.elapsed() < FAILURE,
            None => true,
        }
    }

    fn bytes(&self) -> usize {
        self.done.get().and_then(|done| done.as_ref().ok()).map_or(0, |log| log.bytes())
    }
}
