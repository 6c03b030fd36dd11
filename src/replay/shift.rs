//! Moves times that stand inside of text, keeping each spelling and its precision.
//!
//! Only whole seconds are added, so fractions stay as they were written; an offset such as
//! `+02:00` stays too, since wall clocks move by the same amount everywhere.

use std::borrow::Cow;
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use regex::{Captures, Regex};
use serde_json::Value;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Numbers further from the recording than this are no times.
const PLAUSIBLE_SECONDS: i64 = 400 * 24 * 3600;

/// One alternative per spelling: ISO 8601 with `T` or a space; slashes; klog; access logs;
/// RFC 2822 and redis; syslog; Unix seconds, milliseconds or nanoseconds under a key that says time.
#[allow(clippy::expect_used, reason = "a constant pattern, compiled by every test")]
static TIMES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?P<iso>\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2})",
        r"|(?P<slash>\b\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2})",
        r"|\b[IWEF](?P<klog>\d{4} \d{2}:\d{2}:\d{2})\.\d{6}",
        r"|(?P<access>\b\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2})",
        r"|(?P<day>\b\d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2})",
        r"|(?P<syslog>\b[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2})\b",
        r#"|\b(?:@?timestamp|time|ts|mint|maxt)\\?"?(?:=|\s*:\s*)"?(?P<unix>\d{10}(?:\d{3}|\d{9})?)\b"#,
    ))
    .expect("a constant pattern")
});

/// A move of times by a number of whole seconds.
pub(super) struct Shift {
    /// Tells the year of spellings that have none.
    recorded: NaiveDateTime,
    by: TimeDelta,
}

impl Shift {
    pub(super) fn new(recorded: DateTime<Utc>, by: TimeDelta) -> Self {
        Self { recorded: recorded.naive_utc(), by }
    }

    /// Every string in a JSON value.
    pub(super) fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(moved) = self.text(text) {
                    *text = moved;
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|item| self.value(item)),
            Value::Object(map) => map.iter_mut().for_each(|(key, item)| match item {
                Value::String(digits) if key.ends_with("UnixNano") => self.nanos(digits),
                item => self.value(item),
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Unix nanoseconds in digits.
    fn nanos(&self, digits: &mut String) {
        let by = self.by.num_nanoseconds().unwrap_or_default();
        if let Some(moved) = digits.parse().ok().and_then(|nanos: i64| nanos.checked_add(by)) {
            *digits = moved.to_string();
        }
    }

    /// The Unix seconds in `values: [[unix, "v"]]` and `value: [unix, "v"]` of a series.
    pub(super) fn samples(&self, series: &mut Value) {
        if let Some(list) = series.get_mut("values").and_then(Value::as_array_mut) {
            for sample in list {
                self.sample(sample);
            }
        }
        if let Some(sample) = series.get_mut("value") {
            self.sample(sample);
        }
    }

    fn sample(&self, sample: &mut Value) {
        let Some(time) = sample.get_mut(0) else { return };
        if let Some(seconds) = time.as_i64() {
            *time = (seconds + self.by.num_seconds()).into();
        } else if let Some(seconds) = time.as_f64() {
            #[allow(clippy::cast_precision_loss, reason = "far below 2^52 seconds")]
            let moved = seconds + self.by.num_seconds() as f64;
            *time = moved.into();
        }
    }

    /// Every time in a text.
    pub(super) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.len() < 10 || !text.contains([':', '=']) {
            return Cow::Borrowed(text);
        }
        TIMES.replace_all(text, |found: &Captures<'_>| self.moved(found))
    }

    fn moved(&self, found: &Captures<'_>) -> String {
        let whole = &found[0];
        let inner = ["iso", "slash", "klog", "access", "day", "syslog", "unix"]
            .into_iter()
            .find_map(|name| found.name(name).map(|inner| (name, inner)));
        let Some((name, inner)) = inner else { return whole.to_owned() };
        let text = inner.as_str();
        let moved = match name {
            "iso" => self.formatted(text, &format!("%Y-%m-%d{}%H:%M:%S", &text[10..11])),
            "slash" => self.formatted(text, "%Y/%m/%d %H:%M:%S"),
            "access" => self.formatted(text, "%d/%b/%Y:%H:%M:%S"),
            "day" => self.formatted(text, "%d %b %Y %H:%M:%S"),
            "klog" => self.without_year(&text[..2], &text[2..4], &text[5..], "%m%d %H:%M:%S"),
            "syslog" => MONTHS.iter().position(|month| *month == &text[..3]).and_then(|month| {
                let month = (month + 1).to_string();
                self.without_year(&month, text[4..6].trim(), &text[7..], "%b %e %H:%M:%S")
            }),
            _ => self.unix(text),
        };
        let Some(moved) = moved else { return whole.to_owned() };
        let start = inner.start() - found.get_match().start();
        format!("{}{moved}{}", &whole[..start], &whole[start + text.len()..])
    }

    fn formatted(&self, text: &str, format: &str) -> Option<String> {
        let time = NaiveDateTime::parse_from_str(text, format).ok()?;
        Some(time.checked_add_signed(self.by)?.format(format).to_string())
    }

    /// A month, a day and a time of day, in the last year that does not lie in the future.
    fn without_year(&self, month: &str, day: &str, clock: &str, format: &str) -> Option<String> {
        let (month, day) = (month.parse().ok()?, day.parse().ok()?);
        let clock = chrono::NaiveTime::parse_from_str(clock, "%H:%M:%S").ok()?;
        let year = self.recorded.year();
        let latest = self.recorded + TimeDelta::days(2);
        let time = [year + 1, year, year - 1]
            .into_iter()
            .filter_map(|year| Some(NaiveDate::from_ymd_opt(year, month, day)?.and_time(clock)))
            .find(|time| *time <= latest)?;
        Some(time.checked_add_signed(self.by)?.format(format).to_string())
    }

    fn unix(&self, digits: &str) -> Option<String> {
        let number: i64 = digits.parse().ok()?;
        let scale = match digits.len() {
            10 => 1,
            13 => 1_000,
            _ => 1_000_000_000,
        };
        let away = number / scale - self.recorded.and_utc().timestamp();
        let moved = number.checked_add(self.by.num_seconds().checked_mul(scale)?)?;
        (away.abs() < PLAUSIBLE_SECONDS).then(|| moved.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(by: TimeDelta, text: &str, expected: &str) {
        let recorded = "2026-11-23T14:10:00Z".parse().expect("a time");
        assert_eq!(Shift::new(recorded, by).text(text), expected);
    }

    #[test]
    fn spellings_and_precision_stay() {
        let day = TimeDelta::seconds(86_400 + 3_600);
        for (text, expected) in [
            ("2026-11-23T14:02:11Z", "2026-11-24T15:02:11Z"),
            ("2026-11-23T14:02:11.068873065Z", "2026-11-24T15:02:11.068873065Z"),
            ("2026-11-23T23:30:00+02:00", "2026-11-25T00:30:00+02:00"),
            ("2026-11-23 14:02:11.125 UTC [1] LOG", "2026-11-24 15:02:11.125 UTC [1] LOG"),
            ("2026-11-23 14:02:11,125 ERROR x", "2026-11-24 15:02:11,125 ERROR x"),
            ("E1123 14:02:11.123456       1 a.go:1]", "E1124 15:02:11.123456       1 a.go:1]"),
            ("2026/11/23 14:02:11 [error] 29#29", "2026/11/24 15:02:11 [error] 29#29"),
            (
                r#"1.2.3.4 - - [23/Nov/2026:14:02:11 +0000] "GET /""#,
                r#"1.2.3.4 - - [24/Nov/2026:15:02:11 +0000] "GET /""#,
            ),
            (r#"{"ts":1795442531.125,"x":1}"#, r#"{"ts":1795532531.125,"x":1}"#),
            (r#"{"time": 1795442531125}"#, r#"{"time": 1795532531125}"#),
            ("ts=1795442531 level=info", "ts=1795532531 level=info"),
            ("1:M 23 Nov 2026 14:02:11.125 * Saving", "1:M 24 Nov 2026 15:02:11.125 * Saving"),
            ("Nov 23 14:02:11 node-4 kubelet", "Nov 24 15:02:11 node-4 kubelet"),
        ] {
            check(day, text, expected);
        }
    }

    #[test]
    fn what_is_no_time_stays() {
        for text in [
            "took 2026-11-23 days",
            "image shop/web:2.15.0-rc1",
            "at 99/Nov/2026:14:02:11",
            r#"{"order": 1795442531}"#,
            r#"{"ts": 4000000000}"#,
            "10.244.1.9:8443 error=1795442531",
        ] {
            check(TimeDelta::days(1), text, text);
        }
    }

    #[test]
    fn years_turn() {
        let weeks = TimeDelta::days(45);
        check(weeks, "I1123 14:02:11.000001 1 x]", "I0107 14:02:11.000001 1 x]");
        check(TimeDelta::days(-1), "I1231 00:00:00.000001 1 x]", "I1230 00:00:00.000001 1 x]");
    }
}
