//! An incident's identity, times and preview from its body, and its body from series.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use serde_json::{Value, json};

use crate::client::prometheus::Samples;
use crate::model::{Class, Object, clean};

/// How alerts' own labels begin in the metric.
const SOURCE: &str = "src_";

/// The words for the values of the metric.
const SEVERITIES: [&str; 3] = ["none", "warning", "critical"];

/// An incident from a body `{id, alerts: [labels], components, severity, start, end}`.
pub(super) fn object(class: &Class, body: Value) -> Object {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let time = |key: &str| DateTime::parse_from_rfc3339(text(key)?).ok().map(|time| time.to_utc());
    let (id, start, end) = (text("id").unwrap_or_default().to_owned(), time("start"), time("end"));
    let preview = preview(&body);
    let mut object = Object::new(class.clone(), id, body);
    object.time = start;
    object.end = end;
    object.preview = preview.into();
    object
}

/// `critical: KubeNodeNotReady, KubePodCrashLooping (4 alerts)`.
fn preview(body: &Value) -> String {
    let alerts = body.get("alerts").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let names: BTreeSet<&str> =
        alerts.iter().filter_map(|alert| alert.get("alertname")?.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let severity = body.get("severity").and_then(Value::as_str).unwrap_or("none");
    let plural = if alerts.len() == 1 { "" } else { "s" };
    clean(&format!("{severity}: {} ({} alert{plural})", names.join(", "), alerts.len()))
}

/// A body for each incident that series tell of; `over` is the Unix time before which a series
/// has ended.
pub(super) fn bodies(series: &[Samples], over: f64) -> Vec<Value> {
    let mut groups: BTreeMap<&str, Vec<&Samples>> = BTreeMap::new();
    for one in series {
        if let Some(id) = one.metric.get("group_id").filter(|id| !id.is_empty()) {
            groups.entry(id).or_default().push(one);
        }
    }
    groups.into_iter().map(|(id, series)| body(id, &series, over)).collect()
}

fn body(id: &str, series: &[&Samples], over: f64) -> Value {
    let times = |samples: &Samples| -> Vec<f64> {
        samples.values.iter().filter_map(|pair| pair.get(0)?.as_f64()).collect()
    };
    let alerts: BTreeSet<BTreeMap<&str, &str>> = series
        .iter()
        .filter(|one| one.metric.get("type").is_none_or(|kind| kind == "alert"))
        .map(|one| {
            let own = one.metric.iter().filter_map(|(name, value)| {
                Some((name.strip_prefix(SOURCE)?, value.as_str()))
                    .filter(|(_, value)| !value.is_empty())
            });
            own.collect()
        })
        .filter(|labels: &BTreeMap<&str, &str>| !labels.is_empty())
        .collect();
    let components: BTreeSet<&str> =
        series.iter().filter_map(|one| one.metric.get("component").map(String::as_str)).collect();
    let worst = series.iter().filter_map(|one| last(one)).fold(0.0, f64::max);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0, 1 or 2")]
    let severity = SEVERITIES[(worst as usize).min(2)];
    let all: Vec<f64> = series.iter().flat_map(|one| times(one)).collect();
    let first = all.iter().copied().reduce(f64::min).and_then(rfc3339);
    let latest = all.iter().copied().reduce(f64::max).filter(|latest| *latest < over);
    let mut body = json!({
        "id": id, "alerts": alerts, "components": components, "severity": severity, "start": first,
    });
    if let Some(end) = latest.and_then(rfc3339) {
        body["end"] = end.into();
    }
    body
}

fn last(samples: &Samples) -> Option<f64> {
    samples.values.last()?.get(1)?.as_str()?.parse().ok()
}

fn rfc3339(unix: f64) -> Option<String> {
    #[allow(clippy::cast_possible_truncation, reason = "a float cast saturates")]
    DateTime::from_timestamp_millis((unix * 1000.0) as i64).map(|time| time.to_rfc3339())
}
