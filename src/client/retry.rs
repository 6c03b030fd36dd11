//! When a call is made again, and how long it may take in all: one policy for every server.
//!
//! The server's own wish, `Retry-After`, goes before our pause. A wait that the time of the call
//! or of its search does not allow is not begun: then the last answer is the answer.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Longer than anyone waits, and short enough to be added to any time.
const YEAR: Duration = Duration::from_hours(365 * 24);

/// How often and how soon a call is made again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    /// How often at most.
    pub(super) most: u32,
    /// The pause before the first time; twice as long before each further one.
    pub(super) backoff: Duration,
}

impl Retry {
    /// What is usual.
    pub(super) const USUAL: Self = Self { most: 2, backoff: Duration::from_millis(200) };

    /// How long to wait before the call is made again, if it was made again `made` times, the
    /// server asks for a wait, and this much time is left; `None` to give up.
    pub(super) fn pause(
        self,
        made: u32,
        asked: Option<Duration>,
        left: Duration,
    ) -> Option<Duration> {
        let own = || self.backoff.saturating_mul(2_u32.saturating_pow(made));
        let pause = asked.unwrap_or_else(own);
        (made < self.most && pause < left).then_some(pause)
    }
}

/// Whether the same call may have another status a little later.
pub(super) fn may_pass(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

/// A timeout that can be counted with.
pub(super) fn bounded(timeout: Duration) -> Duration {
    timeout.min(YEAR)
}

/// How long to wait by a `Retry-After` header, which is in seconds or an HTTP date.
pub(super) fn retry_after(header: &str, now: DateTime<Utc>) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = DateTime::parse_from_rfc2822(header).ok()?;
    Some((then.to_utc() - now).to_std().unwrap_or_default())
}

/// A hint for one that was told to wait.
pub(super) fn patience(source: &str, wait: Duration) -> String {
    match wait.as_secs() {
        seconds @ 0..86_400 => format!("{source} asks to be left alone for {} s", seconds.max(1)),
        _ => format!("{source} asks to be left alone for a day or longer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_fits_into_the_time_that_is_left() {
        let [short, long] = [10, 60].map(Duration::from_secs);
        let millis = Duration::from_millis;
        for (made, asked, left, pause) in [
            (0, None, short, Some(millis(200))),
            (1, None, short, Some(millis(400))),
            (2, None, short, None),
            (0, None, millis(100), None),
            (0, Some(Duration::ZERO), short, Some(Duration::ZERO)),
            (0, Some(millis(7000)), short, Some(millis(7000))),
            (2, Some(millis(7000)), short, None),
            (0, Some(long), short, None),
            (0, Some(Duration::MAX), short, None),
            (0, Some(Duration::ZERO), Duration::ZERO, None),
        ] {
            assert_eq!(Retry::USUAL.pause(made, asked, left), pause, "{made} {asked:?} {left:?}");
        }
    }

    #[test]
    fn servers_say_how_long_to_wait_in_two_ways() {
        let now = DateTime::parse_from_rfc3339("2026-11-23T01:00:00Z").expect("a time").to_utc();
        for (header, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("18446744073709551615", Some(u64::MAX)),
            ("Mon, 23 Nov 2026 01:00:30 GMT", Some(30)),
            ("Mon, 23 Nov 2026 00:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(header, now), expected, "{header}");
        }
    }
}
