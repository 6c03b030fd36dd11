//! The window as asked for on the command line. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::Window;

/// The window that `--since`, `--until`, `--start` and `--end` ask for; `None` if none of them is
/// given. What is not said is as in the usual window.
pub(super) fn window(
    (since, until): (Option<&str>, Option<&str>),
    (start, end): (Option<&str>, Option<&str>),
    usual: Window,
    now: DateTime<Utc>,
) -> Result<Option<Window>, String> {
    if [since, until, start, end].iter().all(Option::is_none) {
        return Ok(None);
    }
    let back = |flag: &str, text: &str| Ok::<_, String>(now - duration(flag, text)?);
    let end = match (until, end) {
        (Some(text), _) => back("--until", text)?,
        (_, Some(text)) => moment("--end", text)?,
        _ => usual.end,
    };
    let start = match (since, start) {
        (Some(text), _) => back("--since", text)?,
        (_, Some(text)) => moment("--start", text)?,
        _ => end.checked_sub_signed(TimeDelta::hours(1)).map_or(end, |hour| usual.start.min(hour)),
    };
    if start >= end {
        return Err(format!(
            "the window is empty: it would start at {} and end at {}; \
             the start must be before the end",
            crate::graph::rfc3339(start),
            crate::graph::rfc3339(end)
        ));
    }
    Ok(Some(Window { start, end }))
}

/// A duration such as `30m`, `1h30m`, `2 hours`, `1d`, `1w`.
pub(super) fn duration(flag: &str, text: &str) -> Result<TimeDelta, String> {
    let wrong = || format!("{flag} {text:?} is no duration: write 90s, 30m, 2h, 1d or 1h30m");
    let printer = jiff::fmt::friendly::SpanParser::new();
    let span = printer.parse_span(text.trim_start_matches('-')).map_err(|_| wrong())?;
    let relative = jiff::SpanRelativeTo::days_are_24_hours();
    let seconds = span.total((jiff::Unit::Second, relative)).map_err(|_| wrong())?;
    #[allow(clippy::cast_possible_truncation, reason = "a span has far fewer milliseconds")]
    Ok(TimeDelta::milliseconds((seconds * 1000.0) as i64))
}

/// A moment such as `2026-11-23T14:00:00Z`, `2026-11-23 14:00` (UTC) or unix seconds.
pub(super) fn moment(flag: &str, text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    for format in ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = chrono::NaiveDateTime::parse_from_str(text, format) {
            return Ok(time.and_utc());
        }
    }
    text.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).ok_or_else(|| {
        format!("{flag} {text:?} is no time: write 2026-11-23T14:00:00Z (without a zone: UTC)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        moment("", text).expect("a time")
    }

    #[test]
    fn windows_are_read() {
        let now = at("2026-11-23T12:00:00Z");
        let usual = Window::last_hour(now);
        let read = |back, fixed| window(back, fixed, usual, now);
        assert_eq!(read((None, None), (None, None)), Ok(None));
        let two_hours = Window { start: at("2026-11-23 10:00"), end: now };
        assert_eq!(read((Some("2h"), None), (None, None)), Ok(Some(two_hours)));
        assert_eq!(
            read((None, None), (Some("2026-11-23T11:00:00+01:00"), None)),
            Ok(Some(two_hours))
        );
        let day = Window { start: at("2026-11-22 12:00"), end: at("2026-11-23 11:30") };
        assert_eq!(read((Some("1d"), Some("30m")), (None, None)), Ok(Some(day)));
        let early = Window { start: at("2026-11-23 09:00"), end: at("2026-11-23 10:00") };
        assert_eq!(read((None, None), (None, Some("2026-11-23 10:00"))), Ok(Some(early)));
        let reversed = read((None, None), (Some("2026-11-23 11:00"), Some("2026-11-23 10:00")));
        assert!(reversed.expect_err("reversed").contains("must be before"));
        for bad in ["soon", "", "5 apples"] {
            assert!(duration("--since", bad).expect_err(bad).contains("is no duration"), "{bad}");
        }
        assert!(moment("--start", "yesterday").expect_err("no").contains("is no time"));
        assert_eq!(at("1795435200"), now);
    }
}
