//! Alerts, as Prometheus and Alertmanager give them together.

use std::collections::BTreeMap;

use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Map, Value, json};

use super::clock::Ago;
use super::source::Alert;
use super::world::World;
use crate::model::Class;

const SILENCE: &str = "5f0cbb4c-7d0e-4f7c-9a15-3a1e6a1e2f90";

pub(super) fn add(world: &mut World, alerts: &[Alert]) {
    let external = json!({
        "cluster": "shop-eu-1", "prometheus": "monitoring/kube-prometheus-stack-prometheus",
    });
    for alert in alerts {
        let labels = labels(world, alert, &alert.severity);
        let by = |is: bool, id: String| if is { vec![id] } else { vec![] };
        let silenced = by(alert.silenced, SILENCE.to_owned());
        let inhibited = alert.inhibited.as_deref().map_or_else(Vec::new, |severity| {
            vec![fingerprint(&self::labels(world, alert, severity))]
        });
        let state = match (alert.pending, silenced.is_empty() && inhibited.is_empty()) {
            (true, _) => "pending",
            (false, true) => "firing",
            (false, false) => "suppressed",
        };
        let mut annotations = json!({
            "summary": alert.summary, "description": world.named(&alert.description),
        });
        if let Some(page) = &alert.runbook {
            annotations["runbook_url"] =
                format!("https://runbooks.prometheus-operator.dev/runbooks/{page}").into();
        }
        let time = |ago: TimeDelta| {
            world.clock.time(Ago(ago)).to_rfc3339_opts(SecondsFormat::Millis, true)
        };
        let fired = alert.active.0 - alert.held.0;
        let expr: String = alert.expr.split_whitespace().collect::<Vec<_>>().join(" ");
        let body = json!({
            "labels": labels, "annotations": annotations, "state": state, "activeAt": time(alert.active.0),
            "startsAt": (!alert.pending).then(|| time(fired)), "value": value(alert.value),
            "expression": expr,
            "generatorURL": format!(
                "http://prometheus.shop.example/graph?g0.expr={}&g0.tab=1", percent(&expr)
            ),
            "fingerprint": fingerprint(&labels), "silencedBy": silenced, "inhibitedBy": inhibited,
            "receivers": if alert.severity == "none" { ["null"] } else { ["shop-oncall"] },
            "externalLabels": external,
        });
        world.recording.push(&Class::new("alert", "alert"), body);
    }
}

/// Labels of the target, over them the alert's own, as `honorLabels` has it.
fn labels(world: &World, alert: &Alert, severity: &str) -> Map<String, Value> {
    let mut labels = alert.from.as_deref().map(|from| world.target(from)).unwrap_or_default();
    labels.insert("alertname".to_owned(), alert.name.as_str().into());
    for (key, value) in &alert.labels {
        labels.insert(key.clone(), world.named(value).into());
    }
    labels.insert("severity".to_owned(), severity.into());
    labels
}

fn fingerprint(labels: &Map<String, Value>) -> String {
    let pairs: BTreeMap<&str, &str> =
        labels.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect();
    format!("{:016x}", crate::model::fingerprint(pairs))
}

/// A number as Prometheus prints the value of an alert: `8e-03`, `1e+00`.
fn value(number: f64) -> String {
    let text = format!("{number:e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let sign = if power.starts_with('-') { '-' } else { '+' };
    format!("{digits}e{sign}{:0>2}", power.trim_start_matches('-'))
}

fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
