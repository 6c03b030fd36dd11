//! A span's identity, times and preview from its body.

use chrono::DateTime;
use serde_json::Value;

use crate::model::{Class, Object, clean, span_id, spent, trace_id};

/// A span from a body as `rules/README.md` tells.
pub(super) fn object(class: &Class, body: Value) -> Object {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let trace = trace_id(text("/traceID")).unwrap_or_default();
    let span = span_id(text("/spanID")).unwrap_or_default();
    let start = match body.get("startTimeUnixNano") {
        Some(Value::String(digits)) => digits.parse().ok(),
        other => other.and_then(Value::as_i64),
    };
    let duration = body.get("durationNano").and_then(Value::as_i64).unwrap_or_default().max(0);
    let end =
        start.map(|start: i64| DateTime::from_timestamp_nanos(start.saturating_add(duration)));
    let preview = preview(&body, duration);
    let mut object = Object::new(class.clone(), format!("{trace}/{span}"), body);
    object.time = start.map(DateTime::from_timestamp_nanos);
    object.end = end;
    object.preview = preview.into();
    object
}

/// `checkout POST /checkout 1.63 s error: insert order failed`.
fn preview(body: &Value, nanos: i64) -> String {
    let text = |pointer: &str| {
        body.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    };
    let mut words: Vec<String> = ["/service", "/name"]
        .into_iter()
        .filter_map(|pointer| text(pointer).map(str::to_owned))
        .collect();
    words.push(spent(nanos));
    let failed = text("/status/code") == Some("error");
    let first = |message: &str| message.lines().next().unwrap_or_default().to_owned();
    words.extend(failed.then(|| match text("/status/message").map(first) {
        Some(message) => format!("error: {message}"),
        None => "error".to_owned(),
    }));
    clean(&words.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_span_is_known_by_trace_and_span() {
        let body = json!({
            "traceID": "38a20c75e6f32e1a3a156e9c5630cb2", "spanID": "d977ca725aa4d644", "name": "POST /checkout",
            "service": "checkout", "startTimeUnixNano": "1795398713894886144", "durationNano": 1_633_707_924,
            "status": {"code": "error", "message": "insert order failed\nat X"},
        });
        let span = object(&Class::new("trace", "span"), body);
        assert_eq!(&*span.id, "038a20c75e6f32e1a3a156e9c5630cb2/d977ca725aa4d644");
        assert_eq!(&*span.preview, "checkout POST /checkout 1.63 s error: insert order failed");
        let (start, end) = (span.time.unwrap(), span.end.unwrap());
        assert_eq!(start.timestamp_nanos_opt(), Some(1_795_398_713_894_886_144));
        assert_eq!((end - start).num_nanoseconds(), Some(1_633_707_924));
    }

    #[test]
    fn a_hostile_body_is_an_object_too() {
        let body = json!({"traceID": 1, "name": "\u{1b}[31mred", "startTimeUnixNano": "x", "durationNano": -5});
        let span = object(&Class::new("trace", "span"), body);
        assert_eq!((span.time, span.end), (None, None));
        assert_eq!(&*span.preview, "red 0 ns");
    }
}
