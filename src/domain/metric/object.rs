//! A series' identity, time and preview from its body.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::model::{Class, Object, clean, fingerprint, quote};

/// A series from a body `{labels, values: [[unix seconds, "value"], …]}`; the
/// fingerprint is added.
pub(super) fn object(class: &Class, mut body: Value) -> Object {
    let id = fingerprinted(&body);
    let labels = labels(&body);
    let last = body.get("values").and_then(Value::as_array).and_then(|values| values.last());
    let time = last.and_then(|pair| seconds(pair.get(0)?.as_f64()?));
    let value = last.and_then(|pair| pair.get(1)?.as_str());
    let preview = match value {
        Some(value) => format!("{value} {}", series(&labels)),
        None => series(&labels),
    };
    if let Value::Object(fields) = &mut body {
        fields.entry("values").or_insert_with(|| Value::Array(Vec::new()));
        fields.insert("fingerprint".to_owned(), id.clone().into());
    }
    let mut object = Object::new(class.clone(), id, body);
    object.preview = clean(&preview).into();
    object.time = time;
    object
}

/// The fingerprint of the labels in a body.
pub(super) fn fingerprinted(body: &Value) -> String {
    format!("{:016x}", fingerprint(labels(body)))
}

/// The labels in a body as a series prints.
pub(super) fn series_of(body: &Value) -> String {
    series(&labels(body))
}

fn labels(body: &Value) -> BTreeMap<&str, &str> {
    let all = body.get("labels").and_then(Value::as_object);
    all.into_iter().flatten().filter_map(|(k, v)| Some((k.as_str(), v.as_str()?))).collect()
}

/// A time from Unix seconds, to the millisecond.
#[allow(clippy::cast_possible_truncation, reason = "times of this age fit in milliseconds")]
pub(super) fn seconds(unix: f64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis((unix * 1000.0).round() as i64)
}

/// Labels that tell where a series was scraped and hardly ever what it is about; they come last.
const SCRAPE: [&str; 9] = [
    "endpoint",
    "instance",
    "job",
    "metrics_path",
    "prometheus",
    "prometheus_replica",
    "scheme",
    "service",
    "uid",
];

/// `name{label="value",…}`.
fn series(labels: &BTreeMap<&str, &str>) -> String {
    let name = labels.get("__name__").copied().unwrap_or_default();
    let mut rest: Vec<(&&str, &&str)> =
        labels.iter().filter(|(label, _)| **label != "__name__").collect();
    rest.sort_by_key(|(label, _)| SCRAPE.contains(label));
    let rest: Vec<String> =
        rest.into_iter().map(|(label, value)| format!("{label}={}", quote(value))).collect();
    if rest.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", rest.join(",")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn previews_have_the_last_value() {
        let class = Class::new("metric", "metric");
        let body = json!({
            "labels": {"__name__": "up", "job": "x"},
            "values": [[1_795_398_281, "1"], [1_795_398_341.5, "NaN"]],
        });
        let series = object(&class, body);
        assert_eq!(series.preview, r#"NaN up{job="x"}"#);
        assert_eq!(series.time.map(|t| t.timestamp_millis()), Some(1_795_398_341_500));
        assert_eq!(object(&class, json!({"labels": {"__name__": "up"}})).preview, "up");
        assert_ne!(series.id, object(&class, json!({"labels": {"__name__": "up"}})).id);
    }
}
