//! The time range of a search.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A time range, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The earliest moment.
    pub start: DateTime<Utc>,
    /// The latest moment; later than `start`.
    pub end: DateTime<Utc>,
}

impl Window {
    /// How long before an alert became active its window starts.
    pub const LEAD: TimeDelta = TimeDelta::minutes(15);

    /// The last hour before `now`.
    pub fn last_hour(now: DateTime<Utc>) -> Self {
        Self { start: now - TimeDelta::hours(1), end: now }
    }

    /// From 15 minutes before the focus (an alert's start) until `now`.
    pub fn around(focus: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self { start: focus - Self::LEAD, end: now.max(focus + TimeDelta::minutes(1)) }
    }

    /// The same, with an hour more if it ends about now: clocks of servers may be ahead of ours,
    /// and what is there now is there whatever its time.
    #[must_use]
    pub fn reaching(self, now: DateTime<Utc>) -> Self {
        let open = self.end >= now - TimeDelta::minutes(1);
        Self { end: if open { self.end + TimeDelta::hours(1) } else { self.end }, ..self }
    }

    /// Whether a moment lies in the window.
    pub fn contains(&self, time: DateTime<Utc>) -> bool {
        self.start <= time && time <= self.end
    }

    /// Whether something that lived from `time` to `end` was there at some moment of the window;
    /// a missing time is no reason to leave it out.
    pub fn overlaps(&self, time: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>) -> bool {
        time.is_none_or(|time| time <= self.end) && end.is_none_or(|end| end >= self.start)
    }

    /// The length of the window.
    pub fn length(&self) -> TimeDelta {
        self.end - self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_until_now_reaches_what_is_ahead_the_same_way_whenever_it_is_asked() {
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().expect("a time");
        let window = Window::last_hour(now);
        let reached = window.reaching(now);
        assert!(reached.contains(now + TimeDelta::minutes(50)) && reached.start == window.start);
        assert_eq!(window.reaching(now + TimeDelta::seconds(30)), reached);
        assert_eq!(window.reaching(now + TimeDelta::minutes(2)), window, "it is over");
    }
}
