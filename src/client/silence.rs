//! A server that gives no answer is not waited for over and over: after two calls in turn, or many
//! at once, without any, those that follow fail at once for a while.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many calls in turn: those that were made together may all ask for too much.
const TURNS: u32 = 2;

/// How many calls, if they were made together.
const CALLS: u32 = 8;

/// For how long.
const PAUSE: Duration = Duration::from_secs(20);

/// What is known of a server's silence.
#[derive(Debug, Default)]
pub(super) struct Silence(Mutex<Option<Known>>);

#[derive(Clone, Copy, Debug)]
struct Known {
    turns: u32,
    calls: u32,
    /// When the last of them was given up.
    last: Instant,
}

impl Silence {
    /// For how long it has been silent, if it need not be asked.
    pub(super) fn lasts(&self) -> Option<Duration> {
        let known = (*self.lock())?;
        let since = known.last.elapsed();
        let silent = known.turns >= TURNS || known.calls >= CALLS;
        (silent && since < PAUSE).then_some(since)
    }

    /// A call that began at this moment has had no answer in its time.
    pub(super) fn goes_on(&self, began: Instant) {
        let mut known = self.lock();
        let (turns, calls) = match *known {
            None => (1, 1),
            Some(Known { turns, calls, last }) => {
                (turns + u32::from(began >= last), calls.saturating_add(1))
            }
        };
        *known = Some(Known { turns, calls, last: Instant::now() });
    }

    /// The server has said something, or it is to be asked whatever it did.
    pub(super) fn ends(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_server_that_goes_on_being_silent_is_left_alone_and_not_for_ever() {
        let silence = Silence::default();
        let call = || async {
            let began = Instant::now();
            tokio::time::advance(Duration::from_secs(10)).await;
            silence.goes_on(began);
        };
        call().await;
        assert_eq!(silence.lasts(), None, "one call may have asked for too much");
        silence.ends();
        call().await;
        assert_eq!(silence.lasts(), None, "there was an answer between them");
        call().await;
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(silence.lasts(), Some(Duration::from_secs(5)));
        tokio::time::advance(PAUSE).await;
        assert_eq!(silence.lasts(), None);
        call().await;
        silence.ends();
        assert_eq!(silence.lasts(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_were_made_together_count_only_if_they_are_many() {
        let silence = Silence::default();
        let began = Instant::now();
        for many in 1..=CALLS {
            tokio::time::advance(Duration::from_secs(1)).await;
            silence.goes_on(began);
            assert_eq!(silence.lasts().is_some(), many == CALLS, "{many}");
        }
    }
}
