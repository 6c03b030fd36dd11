//! How severe a log line is, told alike from labels, JSON, logfmt, klog and plain words.

use super::json::{JsonLine, json};
use crate::model::clean;

/// How many bytes at the start of a line are searched for a word such as `ERROR`.
const HEAD: usize = 160;

/// Keys that hold a level, in labels, JSON and logfmt; lower case.
const KEYS: [&str; 13] = [
    "level",
    "severity",
    "lvl",
    "loglevel",
    "log_level",
    "log.level",
    "severity_text",
    "severitytext",
    "levelname",
    "@level",
    "@l",
    "severity_number",
    "severitynumber",
];

/// The field of journals with the priority of syslog.
pub(super) const PRIORITY: &str = "PRIORITY";

/// The level of a line in canonical words: `fatal`, `error`, `warning`, `info`, `debug`, `trace`.
///
/// What the writer said goes first: labels and metadata (`said`), then the line's own field or
/// prefix; then what the log store guessed (`detected_level`), then words near the start of the
/// line. `parsed` is the line, if it is JSON.
pub(super) fn level(
    line: &str,
    parsed: Option<&JsonLine<'_>>,
    said: Option<&'static str>,
    guessed: Option<&'static str>,
) -> Option<&'static str> {
    if said.is_some() {
        return said;
    }
    if line.contains('\u{1b}') {
        // Colours would hide the words.
        let shown = clean(head(line, 4096));
        let parsed = json(&shown);
        return of_line(&shown, parsed.as_ref(), guessed);
    }
    of_line(line, parsed, guessed)
}

fn of_line(
    line: &str,
    parsed: Option<&JsonLine<'_>>,
    guessed: Option<&'static str>,
) -> Option<&'static str> {
    let line = line.trim_start();
    match parsed {
        Some(parsed) => {
            let inner = || parsed.message.as_deref().filter(|_| parsed.wraps);
            let said = parsed.level.or_else(|| own(inner()?));
            said.or(guessed).or_else(|| plain(bare(inner()?)))
        }
        None if line.starts_with('{') => guessed.or_else(|| plain(line)),
        None => own(line).or(guessed).or_else(|| plain(bare(line))),
    }
}

/// What a line says of itself, by a field or a prefix.
fn own(line: &str) -> Option<&'static str> {
    let line = bare(line);
    if let Some(parsed) = json(line) {
        return parsed.level;
    }
    klog(line).or_else(|| syslog(line)).or_else(|| logfmt(line))
}

/// A line without what a container runtime writes before it: `2026-11-23T01:51:51.123Z stderr F …`.
fn bare(line: &str) -> &str {
    let stripped = || {
        let (time, rest) = line.split_once(' ')?;
        let rest = rest.strip_prefix("stdout ").or_else(|| rest.strip_prefix("stderr "))?;
        let rest = rest.strip_prefix("F ").or_else(|| rest.strip_prefix("P "))?;
        (time.len() > 19 && time.as_bytes()[10] == b'T').then_some(rest)
    };
    stripped().unwrap_or(line)
}

/// Whether a key holds a level, in whatever case.
pub(super) fn is_key(key: &str) -> bool {
    key.len() < 16 && KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// The level that labels or metadata state.
pub(super) fn keyed<'v>(value_of: impl Fn(&str) -> Option<&'v str>) -> Option<&'static str> {
    let found = KEYS.iter().find_map(|key| {
        let value = value_of(key)?;
        if is_number(key) { value.parse().ok().and_then(otel) } else { word(value) }
    });
    found.or_else(|| value_of(PRIORITY).and_then(word))
}

/// Whether a key holds a severity number of OpenTelemetry.
pub(super) fn is_number(key: &str) -> bool {
    ["severity_number", "severitynumber"].iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// Levels of pino and bunyan (10 to 60), and of syslog (0 to 7).
pub(super) fn numeric(number: u64) -> Option<&'static str> {
    match number {
        0..=2 | 60 => Some("fatal"),
        3 | 50 => Some("error"),
        4 | 40 => Some("warning"),
        5 | 6 | 30 => Some("info"),
        7 | 20 => Some("debug"),
        10 => Some("trace"),
        _ => None,
    }
}

/// Severity numbers of OpenTelemetry, 1 to 24.
pub(super) fn otel(number: u64) -> Option<&'static str> {
    let words = ["trace", "debug", "info", "warning", "error", "fatal"];
    words.get(usize::try_from(number.checked_sub(1)? / 4).ok()?).copied()
}

/// The canonical word for a level as programs spell it.
pub(super) fn word(text: &str) -> Option<&'static str> {
    let text = text.trim().trim_matches(['[', ']', '<', '>', '"', ':']);
    if let Ok(number) = text.parse() {
        return numeric(number);
    }
    let text = text.trim_end_matches(|c: char| c.is_ascii_digit()).as_bytes();
    let mut buffer = [0; 16];
    let lower = buffer.get_mut(..text.len())?;
    lower.copy_from_slice(text);
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"f" | b"fatal" | b"ftl" | b"panic" | b"dpanic" | b"emerg" | b"emergency" | b"crit"
        | b"critical" | b"alert" => "fatal",
        b"e" | b"err" | b"error" | b"eror" | b"severe" => "error",
        b"w" | b"warn" | b"warning" | b"wrn" => "warning",
        b"i" | b"info" | b"inf" | b"information" | b"informational" | b"notice" | b"log" => "info",
        b"d" | b"debug" | b"dbg" | b"fine" | b"verbose" => "debug",
        b"t" | b"trace" | b"trc" | b"finer" | b"finest" => "trace",
        _ => return None,
    })
}

/// `E0921 12:34:56.789012       1 file.go:12] message`.
fn klog(line: &str) -> Option<&'static str> {
    let head = line.get(..8)?.as_bytes();
    let dated = head[1..5].iter().all(u8::is_ascii_digit)
        && head[5] == b' '
        && head[6..8].iter().all(u8::is_ascii_digit);
    if !dated {
        return None;
    }
    match head[0] {
        b'I' => Some("info"),
        b'W' => Some("warning"),
        b'E' => Some("error"),
        b'F' => Some("fatal"),
        _ => None,
    }
}

/// `<14>1 2026-11-23T01:51:51Z host …`: the low three bits of the priority.
fn syslog(line: &str) -> Option<&'static str> {
    let (priority, _) = line.strip_prefix('<')?.split_once('>')?;
    let priority: u64 = priority.parse().ok().filter(|priority| *priority < 192)?;
    numeric(priority % 8)
}

/// `ts=… level=error msg="…"`: pairs outside of quotes.
fn logfmt(line: &str) -> Option<&'static str> {
    let mut rest = head(line, 4096);
    while let Some(at) = rest.find('=') {
        let key = rest[..at].rsplit([' ', '\t', ',']).next().unwrap_or_default();
        let value = &rest[at + 1..];
        let (value, after) = if let Some(quoted) = value.strip_prefix('"') {
            quoted_end(quoted)
        } else {
            value.split_at(value.find([' ', '\t', ',']).unwrap_or(value.len()))
        };
        if is_key(key)
            && let Some(level) = word(value)
        {
            return Some(level);
        }
        rest = after;
    }
    None
}

fn quoted_end(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

/// Words near the start: in capitals, in brackets, or before a colon.
fn plain(line: &str) -> Option<&'static str> {
    let head = head(line.lines().next().unwrap_or_default(), HEAD);
    if head.starts_with("panic:") || head.starts_with("fatal error:") {
        return Some("fatal");
    }
    if head.starts_with("Traceback (most recent call last)")
        || head.starts_with("Exception in thread")
        || thrown(head)
    {
        return Some("error");
    }
    let inside =
        |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '/' || c == '.';
    let mut rest = head;
    let mut before = ' ';
    while !rest.is_empty() {
        let len = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        let (token, after) = rest.split_at(len);
        let next = after.chars().next().unwrap_or(' ');
        let bracketed = matches!((before, next), ('[', ']') | ('<', '>') | ('(', ')') | ('|', '|'));
        let capitals = token.len() > 2 && token.bytes().all(|byte| byte.is_ascii_uppercase());
        let labelled = token.len() > 2 && next == ':';
        if (bracketed || capitals || labelled)
            && token.bytes().all(|byte| byte.is_ascii_alphabetic())
            && let Some(level) = word(token)
        {
            return Some(level);
        }
        before = next;
        rest = after.strip_prefix(next).unwrap_or_default();
    }
    None
}

/// `java.lang.IllegalStateException: message`, `ValueError: message`.
fn thrown(head: &str) -> bool {
    let first = head.split([':', ' ']).next().unwrap_or_default();
    let named = first.ends_with("Exception") || (first.ends_with("Error") && first != "Error");
    named && head[first.len()..].starts_with(':')
}

fn head(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_of(line: &str) -> Option<&'static str> {
        level(line, json(line).as_ref(), None, None)
    }

    #[test]
    fn levels_are_told_alike() {
        for (line, expected) in [
            (r#"{"level":"error","msg":"x"}"#, Some("error")),
            (r#"{"severity":"WARNING"}"#, Some("warning")),
            (r#"{"lvl":"dbg"}"#, Some("debug")),
            (r#"{"level":50,"msg":"x"}"#, Some("error")),
            (r#"{"level":30}"#, Some("info")),
            (r#"{"log.level":"Error"}"#, Some("error")),
            (r#"{"log":{"level":"warn"}}"#, Some("warning")),
            (r#"{"msg":"an ERROR in text"}"#, None),
            (r#"ts=2026-11-23T01:00:00Z level=warn msg="level=error""#, Some("warning")),
            (r#"msg="level=error happened" other=1"#, None),
            (r#"time="x" level="fatal" msg=y"#, Some("fatal")),
            ("E0921 12:34:56.789012       1 reflector.go:12] failed", Some("error")),
            ("I0921 12:34:56.789012       1 ERROR in text", Some("info")),
            ("2026-11-23 01:02:03,123 ERROR [main] c.s.Checkout - failed", Some("error")),
            ("2026/11/23 01:02:03 [warn] 29#29: *1 upstream", Some("warning")),
            ("2026-11-23 01:02:03 UTC [77] FATAL:  too many clients", Some("fatal")),
            ("2026-11-23 01:02:03 UTC [77] LOG:  checkpoint complete", Some("info")),
            ("panic: runtime error: index out of range", Some("fatal")),
            ("Traceback (most recent call last):\n  File", Some("error")),
            ("java.lang.IllegalStateException: no", Some("error")),
            ("Error: cannot find module", Some("error")),
            ("error: unknown flag", Some("error")),
            ("no error was found in the mirror", None),
            ("GET /ERROR/x 200", None),
            ("", None),
            ("日本語 WARN x", Some("warning")),
            ("2026-11-23 \u{1b}[31merror\u{1b}[39m: POST 500", Some("error")),
            ("<14>1 2026-11-23T01:51:51Z host app - -", Some("info")),
            ("<11>app: no", Some("error")),
            ("<html>", None),
        ] {
            assert_eq!(level_of(line), expected, "{line}");
        }
    }
}
