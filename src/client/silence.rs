//! A server that gives no answer is not waited for over and over: after a few calls in a row
//! without any, those that follow fail at once for a while.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many calls in a row, so that one that asks for too much does not stop the others.
const CALLS: u32 = 2;

/// For how long.
const PAUSE: Duration = Duration::from_secs(20);

/// What is known of a server's silence.
#[derive(Debug, Default)]
pub(super) struct Silence(Mutex<Option<(u32, Instant)>>);

impl Silence {
    /// For how long it has been silent, if it need not be asked.
    pub(super) fn lasts(&self) -> Option<Duration> {
        let (calls, last) = (*self.lock())?;
        let since = last.elapsed();
        (calls >= CALLS && since < PAUSE).then_some(since)
    }

    /// A call has had no answer in its time.
    pub(super) fn goes_on(&self) {
        let mut known = self.lock();
        let calls = known.map_or(0, |(calls, _)| calls);
        *known = Some((calls.saturating_add(1), Instant::now()));
    }

    /// The server has said something, or it is to be asked whatever it did.
    pub(super) fn ends(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(u32, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_server_that_goes_on_being_silent_is_left_alone_and_not_for_ever() {
        let silence = Silence::default();
        silence.goes_on();
        assert_eq!(silence.lasts(), None, "one call may have asked for too much");
        silence.ends();
        silence.goes_on();
        assert_eq!(silence.lasts(), None, "there was an answer between them");
        silence.goes_on();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(silence.lasts(), Some(Duration::from_secs(5)));
        tokio::time::advance(PAUSE).await;
        assert_eq!(silence.lasts(), None);
        silence.goes_on();
        silence.ends();
        assert_eq!(silence.lasts(), None);
    }
}
