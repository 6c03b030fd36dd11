//! What a log line says: without the time, process and level that it begins with, as these
//! stand beside it anyway.

use crate::model::{Object, Severity};
use crate::tui::fact;

/// What a line says: its preview without what stands beside it; or all of it if it is wrapped and
/// the preview was cut.
pub(super) fn said(object: &Object, whole: bool) -> &str {
    let cut = object.preview.ends_with('…');
    if object.preview.is_empty() || (whole && cut) {
        return fact::text(object);
    }
    let rest = if object.time.is_some() {
        after_time(after_klog(&object.preview))
    } else {
        &object.preview
    };
    let rest = after_level(after_process(rest), object.severity);
    if rest.is_empty() { &object.preview } else { rest }
}

/// A text without what the Kubernetes logger begins with, as `W1123 06:40:30.000000       1 `.
fn after_klog(text: &str) -> &str {
    let rest = text.strip_prefix(['I', 'W', 'E', 'F']).unwrap_or_default();
    let mut parts = rest.splitn(3, ' ');
    let digits = |part: &str, signs: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_digit() || signs.contains(c))
    };
    match (parts.next(), parts.next(), parts.next()) {
        (Some(day), Some(time), Some(rest))
            if day.len() == 4 && digits(day, "") && time.len() > 8 && digits(time, ":.") =>
        {
            let rest = rest.trim_start();
            rest.split_once(' ').filter(|(id, _)| digits(id, "")).map_or(rest, |(_, rest)| rest)
        }
        _ => text,
    }
}

/// A text without the number of a process that it begins with, as `[27] `.
fn after_process(text: &str) -> &str {
    let number = |inner: &&str| !inner.is_empty() && inner.chars().all(|c| c.is_ascii_digit());
    let inner = text.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    inner.filter(|(inner, _)| number(inner)).map_or(text, |(_, rest)| rest.trim_start())
}

/// A text without the level that it begins with, as `level=error `, `ERROR ` or `[info] `, if
/// that is the one that stands beside it.
fn after_level(text: &str, severity: Severity) -> &str {
    if let Some(rest) = text.strip_prefix("level=") {
        let end = rest.find(' ').filter(|end| rest[..*end].chars().all(char::is_alphabetic));
        return end.map_or(text, |end| rest[end..].trim_start());
    }
    let (word, rest) = match text.strip_prefix('[') {
        Some(inner) => inner.split_once(']').unwrap_or_default(),
        None => text.split_at(text.find([' ', ':']).unwrap_or(0)),
    };
    let shouted = text.starts_with('[') || word.chars().all(|c| c.is_ascii_uppercase());
    let same: &[&str] = match severity {
        Severity::Error => &["ERROR", "ERR"],
        Severity::Warning => &["WARN", "WARNING", "WRN"],
        _ => &["INFO", "INF", "DEBUG", "TRACE"],
    };
    let known = same.iter().any(|same| same.eq_ignore_ascii_case(word.trim()));
    let after = rest.strip_prefix(':').unwrap_or(rest);
    if shouted && known && after.starts_with(' ') { after.trim_start() } else { text }
}

/// A text without the date and time that it begins with, as `2026-11-23 05:36:31.800 UTC ` or
/// `ts=2026-11-23T05:36:31Z `.
fn after_time(text: &str) -> &str {
    if let Some(rest) = ["ts=", "time="].iter().find_map(|key| text.strip_prefix(key)) {
        let (quoted, value) = rest.strip_prefix('"').map_or((false, rest), |value| (true, value));
        let end = value.find(if quoted { '"' } else { ' ' });
        return end.map_or(text, |end| value[end + 1..].trim_start());
    }
    let bytes = text.as_bytes();
    let shaped = |shape: &[u8], from: usize| {
        bytes.get(from..from + shape.len()).is_some_and(|part| {
            part.iter().zip(shape).all(|(byte, sign)| match sign {
                b'0' => byte.is_ascii_digit(),
                b'T' => [b'T', b' '].contains(byte),
                sign => byte == sign,
            })
        })
    };
    let bracket = usize::from(text.starts_with('['));
    let slashes = shaped(b"0000/00/00T00:00:00", bracket);
    if !slashes && !shaped(b"0000-00-00T00:00:00", bracket) {
        return text;
    }
    let mut rest = &text[bracket + 19..];
    rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
    for zone in ["Z", " UTC", " +0000", "+00:00"] {
        rest = rest.strip_prefix(zone).unwrap_or(rest);
    }
    rest.strip_prefix(']').unwrap_or(rest).trim_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_at_the_beginning_is_not_said_twice() {
        for (text, expected) in [
            ("2026-11-23 05:36:31.800 UTC [27] ERROR: full", "[27] ERROR: full"),
            ("2026-11-23T05:36:31,8Z full", "full"),
            ("[2026-11-23 05:36:31] full", "full"),
            ("2026/11/23 05:36:31 full", "full"),
            ("ts=2026-11-23T05:36:31Z level=error msg=full", "level=error msg=full"),
            ("time=\"2026-11-23 05:36\" msg=full", "msg=full"),
            ("ts=1", "ts=1"),
            ("2026-11-23 is a day", "2026-11-23 is a day"),
            ("日本", "日本"),
            ("", ""),
        ] {
            assert_eq!(after_time(text), expected);
        }
    }

    #[test]
    fn a_level_at_the_beginning_is_not_said_twice() {
        for (severity, text, expected) in [
            (Severity::Warning, "level=warn msg=full", "msg=full"),
            (Severity::Info, "level=3", "level=3"),
            (Severity::Error, "ERROR:  full", "full"),
            (Severity::Error, "ERROR http: full", "http: full"),
            (Severity::Info, "[INFO] plugin/reload", "plugin/reload"),
            (Severity::Info, "[warning] full", "[warning] full"),
            (Severity::Error, "FATAL: full", "FATAL: full"),
            (Severity::Error, "error reading a file", "error reading a file"),
            (Severity::Error, "ERRORS", "ERRORS"),
            (Severity::Info, "[x", "[x"),
        ] {
            assert_eq!(after_level(text, severity), expected, "{text}");
        }
        let klog = "W1123 06:40:30.000000       1 node.go:7] full";
        assert_eq!(after_klog(klog), "node.go:7] full");
        assert_eq!(after_klog("I think so too"), "I think so too");
        assert_eq!(after_process("[27] full"), "full");
        assert_eq!(after_process("[a] full"), "[a] full");
    }
}
