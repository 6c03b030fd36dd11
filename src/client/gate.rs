//! Who may make the next call: so many at a time, and of those that wait the one with the best
//! [`Rank`]. A call that sleeps before it is made again waits here again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::model::Rank;

/// Calls in flight at once if nothing else is said.
pub const CONCURRENCY: usize = 16;

tokio::task_local! {
    static RANK: Rank;
}

/// The same work, whose calls wait for their turn by this rank.
pub async fn ranked<T>(rank: Rank, work: impl Future<Output = T>) -> T {
    RANK.scope(rank, work).await
}

/// How much of this time is left until nobody wants the answer any more.
pub(super) fn until_useless(left: Duration) -> Duration {
    let deadline = RANK.try_with(Rank::deadline).ok().flatten().map(Instant::from_std);
    deadline.map_or(left, |end| left.min(end.saturating_duration_since(Instant::now())))
}

/// A bound on calls in flight to one server.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    waiting: Vec<Waiter>,
}

/// A call that waits. It has gone away if its channel is closed.
#[derive(Debug)]
struct Waiter {
    rank: Rank,
    turn: oneshot::Sender<Slot>,
}

/// The right to make a call, which ends when it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    gate: Option<Gate>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.change(|state| state.free += 1);
            gate.pass();
        }
    }
}

impl Gate {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free: most.max(1), waiting: Vec::new() })))
    }

    /// Waits for a turn.
    pub(super) async fn enter(&self) -> Slot {
        let rank = RANK.try_with(Rank::clone).unwrap_or_default();
        let (turn, given) = oneshot::channel();
        self.change(|state| state.waiting.push(Waiter { rank, turn }));
        // Those that come at the same moment are all here before the first one passes.
        yield_now().await;
        self.pass();
        // Nobody drops a sender but for a receiver that is gone.
        given.await.unwrap_or(Slot { gate: None })
    }

    /// Lets those pass for whom there is room, the best first.
    fn pass(&self) {
        while let Some(Waiter { rank, turn }) = self.change(State::next) {
            rank.begin();
            // One that went away gives its slot back by dropping it.
            if let Err(mut slot) = turn.send(Slot { gate: Some(self.clone()) }) {
                slot.gate = None;
                self.change(|state| state.free += 1);
            }
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn next(&mut self) -> Option<Waiter> {
        if self.free == 0 {
            return None;
        }
        self.waiting.retain(|waiter| !waiter.turn.is_closed());
        let ranks = self.waiting.iter().enumerate();
        let (best, _) = ranks.min_by_key(|(at, waiter)| (waiter.rank.place(), *at))?;
        self.free -= 1;
        // In order, so that of equals the first one stays first.
        Some(self.waiting.remove(best))
    }
}
