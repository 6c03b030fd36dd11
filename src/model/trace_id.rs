//! Trace ids: in one spelling, and found in log lines of any format.

/// How many digits an id in a line has at the least: leading zeros may have been dropped, but a
/// shorter number is something else.
const LEAST: usize = 12;

/// How many digits a whole id has.
const DIGITS: usize = 32;

/// A trace id as 32 lower-case hexadecimal digits; leading zeros, which some servers drop, are
/// put back. `None` if it is no such id.
///
/// ```
/// use korrel8::model::trace_id;
///
/// let id = trace_id("38A20c75e6f32e1a3a156e9c5630cb2");
/// assert_eq!(id.as_deref(), Some("038a20c75e6f32e1a3a156e9c5630cb2"));
/// assert_eq!(trace_id("checkout"), None);
/// ```
pub fn trace_id(text: &str) -> Option<String> {
    hex_id(text, DIGITS)
}

/// The same for a span id, which has 16 digits.
pub fn span_id(text: &str) -> Option<String> {
    hex_id(text, DIGITS / 2)
}

fn hex_id(text: &str, digits: usize) -> Option<String> {
    let text = text.trim();
    let hex = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Some print a 64-bit id with 128 bits.
    let text = match text.len().checked_sub(digits) {
        Some(more) if hex && text.bytes().take(more).all(|zero| zero == b'0') => &text[more..],
        _ => text,
    };
    (hex && text.len() <= digits).then(|| format!("{:0>digits$}", text.to_ascii_lowercase()))
}

/// The trace id that a value of a field such as `trace_id` or `traceparent` holds.
pub fn trace_id_of_field(value: &str) -> Option<String> {
    let value = value.trim();
    let bare = value.split('-').nth(1).filter(|_| value.len() >= 55).unwrap_or(value);
    let id = (bare.len() >= LEAST).then(|| trace_id(bare)).flatten()?;
    id.bytes().any(|byte| byte != b'0').then_some(id)
}

/// The first trace id that a log line names: as a field of JSON or logfmt, in brackets, or as a
/// `traceparent`, under any usual spelling of the name.
///
/// ```
/// use korrel8::model::find_trace_id;
///
/// let line = r#"{"level":"error","traceId":"65040764d6005ae10d313a235526acca"}"#;
/// assert_eq!(find_trace_id(line).as_deref(), Some("65040764d6005ae10d313a235526acca"));
/// ```
pub fn find_trace_id(line: &str) -> Option<String> {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(found) = find_name(&bytes[at..]) {
        at += found;
        if let Some(id) = value_after(&line[at..]) {
            return Some(id);
        }
    }
    None
}

/// The trace id of a log line: from the fields that are kept beside it, or from its text.
pub fn trace_id_of<'f>(
    fields: impl IntoIterator<Item = (&'f str, &'f str)>,
    line: &str,
) -> Option<String> {
    let mut told = fields.into_iter().filter(|(name, _)| names_trace(name));
    told.find_map(|(_, value)| trace_id_of_field(value)).or_else(|| find_trace_id(line))
}

/// Whether a field of this name holds a trace id: `trace_id`, `traceID`, `trace.id`, `traceparent`.
pub fn names_trace(name: &str) -> bool {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase());
    [&b"traceid"[..], b"oteltraceid", b"traceparent"]
        .into_iter()
        .any(|known| letters.clone().eq(known.iter().copied()))
}

/// Where the first field name that may hold a trace id ends.
fn find_name(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let start =
            from + bytes[from..].windows(5).position(|w| w.eq_ignore_ascii_case(b"trace"))?;
        from = start + 5;
        let rest = &bytes[from..];
        let before = start.checked_sub(1).map(|at| bytes[at]);
        // `backtrace_id` is another word, `x.trace_id` and `otelTraceID` are not.
        let apart = before.is_none_or(|b| !b.is_ascii_alphanumeric() || bytes[start] == b'T');
        // The last ones are of a field `id` in a map, as the Elastic Common Schema has it.
        let tail = [
            &b"parent"[..],
            b"_id",
            b".id",
            b"-id",
            b" id",
            b"id",
            b"\":{\"id",
            b"\": {\"id",
            b"\\\":{\\\"id",
        ];
        let tail = tail.into_iter().find(|tail| {
            rest.get(..tail.len()).is_some_and(|head| head.eq_ignore_ascii_case(tail))
        });
        if let Some(tail) = tail.filter(|_| apart) {
            return Some(from + tail.len());
        }
    }
}

/// The id after the end of a name: behind quotes, a colon or an equals sign.
fn value_after(rest: &str) -> Option<String> {
    let bare = rest.trim_start_matches(['"', '\'', '\\', ' ']);
    let value = bare.strip_prefix([':', '='])?;
    let value = value.trim_start_matches(['"', '\'', '\\', ' ']);
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(value.len());
    trace_id_of_field(&value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "65040764d6005ae10d313a235526acca";

    #[track_caller]
    fn check(line: &str, expected: Option<&str>) {
        assert_eq!(find_trace_id(line).as_deref(), expected, "{line}");
    }

    #[test]
    fn ids_are_found_in_lines_of_any_format() {
        for line in [
            format!(r#"{{"msg":"x","trace_id": "{ID}","span_id":"d977ca725aa4d644"}}"#),
            format!("level=info trace_id={ID} msg=\"x\""),
            format!("level=info traceID=\"{ID}\" msg=x"),
            format!("2026 INFO [checkout,trace_id={ID},span_id=d977ca725aa4d644] placing order"),
            format!(r#"{{"log":"{{\"traceId\":\"{ID}\"}}"}}"#),
            format!("traceparent: 00-{ID}-d977ca725aa4d644-01"),
            format!(r#"{{"trace.id":"{}"}}"#, ID.to_uppercase()),
            format!("otelTraceID={ID}"),
            format!(r#"{{"trace":{{"id":"{ID}"}}}}"#),
            format!(r#"{{"trace": {{"id": "{ID}"}}}}"#),
            format!(r#"{{"log":"{{\"trace\":{{\"id\":\"{ID}\"}}}}"}}"#),
            format!("trace id: {ID}"),
            format!("no trace here, then traceid={ID}"),
        ] {
            check(&line, Some(ID));
        }
        check("trace_id=38a20c75e6f32e1a3a156e9c5630cb2", Some("038a20c75e6f32e1a3a156e9c5630cb2"));
        check("trace_id=1a3a156e9c5630cb", Some("00000000000000001a3a156e9c5630cb"));
    }

    #[test]
    fn what_is_no_id_is_none() {
        check("Traceback (most recent call last): ", None);
        check("trace_id=none", None);
        check("trace_id=", None);
        check("trace_id=42", None);
        check("trace_id=00000000000000000000000000000000", None);
        check(&format!("backtrace_id={ID}"), None);
        check(&format!("request_id={ID}"), None);
        check("größe trace", None);
        check("trace_id=größe", None);
    }

    #[test]
    fn fields_beside_a_line_go_first() {
        let other = "trace_id=00000000000000aa00000000000000aa";
        let of = |name| trace_id_of([("pod", "x"), (name, ID)], other);
        for name in ["trace_id", "traceID", "trace.id", "TraceId"] {
            assert_eq!(of(name).as_deref(), Some(ID), "{name}");
        }
        assert_eq!(of("span_id").as_deref(), Some("00000000000000aa00000000000000aa"));
    }

    #[test]
    fn canonical_ids_have_all_digits() {
        assert_eq!(trace_id("ABC").as_deref(), Some(&*format!("{:0>32}", "abc")));
        assert_eq!(
            span_id("0000000000000000d977ca725aa4d644").as_deref(),
            Some("d977ca725aa4d644")
        );
        for bad in ["", "xyz", "12 34", &"a".repeat(33)] {
            assert_eq!(trace_id(bad), None, "{bad:?}");
        }
    }
}
