//! Times of the demo, written as how long ago they were: `41d`, `3h20m`, `26m12.5s`.

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, de};

/// How long before the demo's "now".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ago(pub TimeDelta);

impl Ago {
    /// Reads `1d2h3m4.5s` with or without a minus before it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().trim_start_matches('-');
        let mut millis: i64 = 0;
        while !rest.is_empty() {
            let unit = rest.find(|c: char| c.is_ascii_alphabetic())?;
            let number: f64 = rest[..unit].parse().ok()?;
            let scale = match &rest[unit..=unit] {
                "d" => 86_400_000.0,
                "h" => 3_600_000.0,
                "m" => 60_000.0,
                "s" => 1000.0,
                _ => return None,
            };
            #[allow(clippy::cast_possible_truncation, reason = "days at most")]
            let part = (number * scale).round() as i64;
            millis += part;
            rest = &rest[unit + 1..];
        }
        TimeDelta::try_milliseconds(millis).map(Self)
    }
}

impl<'de> Deserialize<'de> for Ago {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("{text:?} is no duration")))
    }
}

/// The demo's "now".
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub now: DateTime<Utc>,
}

impl Clock {
    pub(super) fn time(self, ago: Ago) -> DateTime<Utc> {
        self.now - ago.0
    }

    /// As Kubernetes writes times.
    pub(super) fn text(self, ago: Ago) -> String {
        self.time(ago).trunc_subsecs(0).to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// As new-style Events write times.
    pub(super) fn micros(self, ago: Ago) -> String {
        self.time(ago).to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    pub(super) fn unix(self, ago: Ago) -> i64 {
        self.time(ago).timestamp()
    }
}
