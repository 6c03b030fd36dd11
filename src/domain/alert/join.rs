//! Making one alert of what Prometheus and what Alertmanager know of it.
//!
//! On the way to Alertmanager an alert gets external labels, and relabelling may drop others. So an
//! alert of Alertmanager belongs to one of Prometheus if every label that both have agrees, and
//! one of them tells more than the name and the severity, or nothing else could.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::partners::{Side, millis, partners};
use crate::client::alertmanager::SentAlert;
use crate::client::prometheus::{ActiveAlert, Labels, Rule};

/// The bodies of all alerts, each once.
pub(super) fn join(rules: &[Rule], sent: &[SentAlert]) -> Vec<Value> {
    let active = distinct(rules);
    let began: Vec<Side<'_>> =
        active.iter().map(|(rule, alert)| (&alert.labels, due(rule, alert))).collect();
    let started = sent.iter().map(|alert| (&alert.labels, millis(alert.starts_at.as_ref())));
    let partner = partners(&began, &started.collect::<Vec<_>>());
    let mut taken = vec![false; sent.len()];
    let mut bodies = Vec::with_capacity(active.len().max(sent.len()));
    for (at, (rule, alert)) in active.iter().enumerate() {
        let mut body = of_prometheus(rule, alert);
        if let Some(with) = partner.get(&at) {
            taken[*with] = true;
            add(&mut body, &sent[*with], &alert.labels);
        }
        bodies.push(body.into());
    }
    for (alert, _) in sent.iter().zip(taken).filter(|(_, taken)| !taken) {
        let mut body = Map::new();
        body.insert("labels".to_owned(), json!(alert.labels));
        body.insert("state".to_owned(), "firing".into());
        add(&mut body, alert, &alert.labels);
        bodies.push(body.into());
    }
    bodies
}

/// The alerts of Prometheus; of several with the same labels the one that fires, or the oldest.
fn distinct(rules: &[Rule]) -> Vec<(&Rule, &ActiveAlert)> {
    let mut best: BTreeMap<&Labels, (&Rule, &ActiveAlert)> = BTreeMap::new();
    let rank = |alert: &ActiveAlert| (alert.state != "firing", millis(alert.active_at.as_ref()));
    for rule in rules {
        for alert in &rule.alerts {
            let slot = best.entry(&alert.labels).or_insert((rule, alert));
            if rank(alert) < rank(slot.1) {
                *slot = (rule, alert);
            }
        }
    }
    best.into_values().collect()
}

/// Whether a label tells apart alerts of one rule.
pub(super) fn tells(label: &str) -> bool {
    !matches!(label, "alertname" | "severity")
}

/// When an alert of Prometheus began to fire, in Unix milliseconds.
fn due(rule: &Rule, alert: &ActiveAlert) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation, reason = "what is too large becomes the largest")]
    let held = (rule.duration * 1000.0) as i64;
    Some(millis(alert.active_at.as_ref())?.saturating_add(held))
}

fn of_prometheus(rule: &Rule, alert: &ActiveAlert) -> Map<String, Value> {
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("labels", json!(alert.labels));
    put("annotations", json!(alert.annotations));
    put("state", json!(alert.state));
    put("value", number(&alert.value));
    put("expression", json!(rule.query));
    put("duration", json!(rule.duration));
    if let Some(time) = &alert.active_at {
        put("activeAt", json!(time));
    }
    if !matches!(rule.health.as_str(), "" | "ok") {
        put("health", json!(rule.health));
        put("lastError", json!(rule.last_error));
    }
    body
}

/// A number if JSON has such a number, else the text: `NaN`, `+Inf`.
fn number(text: &str) -> Value {
    let number = text.parse().ok().and_then(serde_json::Number::from_f64);
    number.map_or_else(|| text.into(), Value::Number)
}

/// What Alertmanager adds to an alert whose own labels are known.
fn add(body: &mut Map<String, Value>, sent: &SentAlert, own: &Labels) {
    let external: Labels = sent
        .labels
        .iter()
        .filter(|(label, _)| !own.contains_key(*label))
        .map(|(label, value)| (label.clone(), value.clone()))
        .collect();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    if !external.is_empty() {
        put("externalLabels", json!(external));
    }
    if sent.status.state == "suppressed" {
        put("state", "suppressed".into());
    }
    for (key, value) in [
        ("startsAt", &sent.starts_at),
        ("endsAt", &sent.ends_at),
        ("generatorURL", &sent.generator_url),
    ] {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            put(key, json!(value));
        }
    }
    let receivers: Vec<&str> = sent.receivers.iter().map(|one| one.name.as_str()).collect();
    put("receivers", json!(receivers));
    put("fingerprint", json!(sent.fingerprint));
    put("silencedBy", json!(sent.status.silenced_by));
    put("inhibitedBy", json!(sent.status.inhibited_by));
    if let Some(Value::Object(notes)) = body.get_mut("annotations") {
        for (name, text) in &sent.annotations {
            notes.entry(name.clone()).or_insert_with(|| json!(text));
        }
    } else {
        body.insert("annotations".to_owned(), json!(sent.annotations));
    }
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
