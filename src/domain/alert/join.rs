//! Making one alert of what Prometheus and what Alertmanager know of it.
//!
//! On the way to Alertmanager an alert gets external labels, and relabelling may drop others. So an
//! alert of Alertmanager belongs to one of Prometheus if every label that both have agrees, and
//! one of them tells more than the name and the severity, or nothing else could.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Map, Value, json};

use crate::client::alertmanager::SentAlert;
use crate::client::prometheus::{ActiveAlert, Labels, Rule};

/// The bodies of all alerts, each once.
pub(super) fn join(rules: &[Rule], sent: &[SentAlert]) -> Vec<Value> {
    let active = distinct(rules);
    let partner = partners(&active, sent);
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

/// Which alert of Alertmanager belongs to which of Prometheus: those with the most labels in
/// common first, then those that began at the same time. Each has one partner at most.
fn partners(active: &[(&Rule, &ActiveAlert)], sent: &[SentAlert]) -> BTreeMap<usize, usize> {
    let name = |labels: &Labels| labels.get("alertname").cloned().unwrap_or_default();
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, alert) in sent.iter().enumerate() {
        by_name.entry(name(&alert.labels)).or_default().push(at);
    }
    let mut pairs = Vec::new();
    for (left, (rule, alert)) in active.iter().enumerate() {
        for right in by_name.get(&name(&alert.labels)).into_iter().flatten().copied() {
            if let Some(common) = common(&alert.labels, &sent[right].labels) {
                let apart = apart(rule, alert, &sent[right]);
                pairs.push((Reverse(common), apart, left, right));
            }
        }
    }
    pairs.sort_unstable();
    let mut found = BTreeMap::new();
    let mut taken = vec![false; sent.len()];
    for (_, _, left, right) in pairs {
        if !taken[right] && !found.contains_key(&left) {
            taken[right] = true;
            found.insert(left, right);
        }
    }
    found
}

/// How many labels two alerts of one name have in common; `None` if they are not the same alert.
fn common(own: &Labels, theirs: &Labels) -> Option<usize> {
    let mut common = 0;
    let mut telling = false;
    for (label, value) in own {
        match theirs.get(label) {
            None => {}
            Some(other) if other != value => return None,
            Some(_) => {
                common += 1;
                telling |= tells(label);
            }
        }
    }
    // Where no label could tell more, nothing was dropped.
    (telling || !own.keys().any(|label| tells(label))).then_some(common)
}

/// Whether a label tells apart alerts of one rule.
fn tells(label: &str) -> bool {
    !matches!(label, "alertname" | "severity")
}

/// How many milliseconds lie between the moments at which both say that the alert fired.
fn apart(rule: &Rule, alert: &ActiveAlert, sent: &SentAlert) -> u64 {
    #[allow(clippy::cast_possible_truncation, reason = "what is too large becomes the largest")]
    let held = (rule.duration * 1000.0) as i64;
    match (millis(alert.active_at.as_ref()), millis(sent.starts_at.as_ref())) {
        (Some(active), Some(started)) => active.saturating_add(held).abs_diff(started),
        _ => u64::MAX,
    }
}

fn millis(time: Option<&String>) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(time?).ok()?.timestamp_millis())
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
