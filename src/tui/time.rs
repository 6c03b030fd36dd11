//! Times as a person reads and writes them. Everything is UTC.
#![deny(clippy::disallowed_methods, reason = "pure room")]

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use crate::model::Window;

/// A length of time in its greatest unit: `45s`, `14m`, `3h`, `12d`.
pub(crate) fn age(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A moment: `12:04:31.201`, or with its date.
pub(crate) fn clock(time: DateTime<Utc>, full: bool) -> String {
    time.format(if full { "%Y-%m-%d %H:%M:%S%.3f" } else { "%H:%M:%S%.3f" }).to_string()
}

/// A window: `11:45 – 12:33 UTC (48m)`, with dates where they matter.
pub(crate) fn span(window: Window, now: DateTime<Utc>) -> String {
    let (start, end) = (window.start, window.end);
    let dated = start.date_naive() != now.date_naive() || end.date_naive() != now.date_naive();
    let first = start.format(if dated { "%m-%d %H:%M" } else { "%H:%M" });
    let same = start.date_naive() == end.date_naive();
    let last = end.format(if dated && !same { "%m-%d %H:%M" } else { "%H:%M" });
    format!("{first} – {last} UTC ({})", age(window.length()))
}

/// The ranges offered, as their texts.
pub(crate) const PRESETS: &[&str] = &["5m", "15m", "1h", "6h", "24h"];

/// The window that a person wrote: `15m`, `1h30m` or `-2h` (until now), `11:30..12:00`,
/// `11:30-12:00`, `2026-11-23 11:30..now`, `-3h..-1h`. The error says what would be right.
pub(crate) fn parse_window(text: &str, now: DateTime<Utc>) -> Result<Window, String> {
    let text = text.trim();
    let window = match text.split_once("..").or_else(|| clocks(text)) {
        None => {
            let length = duration(text.trim_start_matches('-'))
                .ok_or_else(|| format!("{text:?} is no time range: write 15m, -2h, or from..to"))?;
            Window { start: now - length, end: now }
        }
        Some((from, to)) => {
            let (start, end) = (moment(from, now)?, moment(to, now)?);
            // A time of day that is still to come was meant of yesterday.
            let ahead = start > now && is_clock(from);
            let back = |time: DateTime<Utc>, text| {
                if ahead && time > now && is_clock(text) { time - DAY } else { time }
            };
            Window { start: back(start, from), end: back(end, to) }
        }
    };
    if window.start >= window.end {
        return Err("the range ends before it begins: write the earlier time first".to_owned());
    }
    Ok(window)
}

const DAY: TimeDelta = TimeDelta::days(1);

/// Whether a text is a time of day, without a date.
fn is_clock(text: &str) -> bool {
    text.contains(':') && !text.contains('-')
}

/// The two times of a day of `06:00-06:10`.
fn clocks(text: &str) -> Option<(&str, &str)> {
    let (from, to) = text.split_once('-')?;
    let from = from.trim();
    let digits = |c: char| c.is_ascii_digit() || c == ':';
    (from.contains(':') && from.chars().all(digits)).then_some((from, to))
}

/// A length of time: one part or several, as `1h30m`.
fn duration(text: &str) -> Option<TimeDelta> {
    let mut rest = text.trim();
    let mut sum = TimeDelta::zero();
    while !rest.is_empty() {
        let unit = rest.find(|c: char| !c.is_ascii_digit())?;
        let after = rest[unit..].find(|c: char| c.is_ascii_digit());
        let end = after.map_or(rest.len(), |at| unit + at);
        sum = sum.checked_add(&part(&rest[..unit], &rest[unit..end])?)?;
        rest = &rest[end..];
    }
    (sum > TimeDelta::zero()).then_some(sum)
}

fn part(number: &str, unit: &str) -> Option<TimeDelta> {
    let number: i64 = number.parse().ok().filter(|number| (1..=1_000_000).contains(number))?;
    match unit {
        "s" => TimeDelta::try_seconds(number),
        "m" | "min" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        "w" => TimeDelta::try_weeks(number),
        _ => None,
    }
}

fn moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    if text.is_empty() || text == "now" {
        return Ok(now);
    }
    if let Some(length) = text.strip_prefix('-').and_then(duration) {
        return Ok(now - length);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let text = text.trim_end_matches("UTC").trim_end_matches('Z').trim();
    for format in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Ok(time.and_utc());
        }
    }
    for format in ["%H:%M:%S", "%H:%M"] {
        if let Ok(time) = NaiveTime::parse_from_str(text, format) {
            return Ok(now.date_naive().and_time(time).and_utc());
        }
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    }
    Err(format!("{text:?} is no time: write 11:30, 2026-11-23 11:30, -2h or now (UTC)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-23T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn windows_are_read_as_written() {
        for (text, expected) in [
            ("15m", "11:45 – 12:00 UTC (15m)"),
            ("-2h", "10:00 – 12:00 UTC (2h)"),
            ("11:30..11:40", "11:30 – 11:40 UTC (10m)"),
            ("11:30 .. now", "11:30 – 12:00 UTC (30m)"),
            ("2026-11-22 23:00..2026-11-23T01:00:00Z", "11-22 23:00 – 11-23 01:00 UTC (2h)"),
            ("1h30m", "10:30 – 12:00 UTC (90m)"),
            ("06:00-06:10", "06:00 – 06:10 UTC (10m)"),
            ("06:00 - now", "06:00 – 12:00 UTC (6h)"),
            ("13:00-14:00", "11-22 13:00 – 14:00 UTC (60m)"),
            ("23:00-01:00", "11-22 23:00 – 11-23 01:00 UTC (2h)"),
            ("23:00..now", "11-22 23:00 – 11-23 12:00 UTC (13h)"),
            ("-3h..-1h", "09:00 – 11:00 UTC (2h)"),
            ("2026-11-20 10:00..2026-11-20 11:00", "11-20 10:00 – 11:00 UTC (60m)"),
        ] {
            let window = parse_window(text, now()).expect(text);
            assert_eq!(span(window, now()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_range_is_explained() {
        for (text, expected) in [
            ("", "write 15m, -2h, or from..to"),
            ("1h30", "write 15m"),
            ("15 parsecs", "write 15m, -2h, or from..to"),
            ("99999999999999h", "write 15m"),
            ("12:00..11:00", "ends before it begins"),
            ("noon..13:00", "\"noon\" is no time"),
        ] {
            let fault = parse_window(text, now()).expect_err(text);
            assert!(fault.contains(expected), "{text}: {fault}");
        }
    }

    #[test]
    fn ages_are_short() {
        for (seconds, expected) in
            [(-5, "0s"), (59, "59s"), (840, "14m"), (7_200, "2h"), (300_000, "3d")]
        {
            assert_eq!(age(TimeDelta::seconds(seconds)), expected);
        }
    }
}
