//! Joining alerts of Prometheus and Alertmanager.

use super::*;

fn rule(alerts: &Value) -> Vec<Rule> {
    let text = json!([{"name": "A", "query": "up == 0", "duration": 60, "type": "alerting",
                       "health": "ok", "alerts": alerts}]);
    serde_json::from_value(text).expect("rules")
}

fn sent(alerts: Value) -> Vec<SentAlert> {
    serde_json::from_value(alerts).expect("alerts")
}

#[test]
fn every_common_label_must_agree() {
    let rules = rule(&json!([
        {"labels": {"alertname": "A", "pod": "db-0"}, "state": "firing", "value": "1e+00"},
        {"labels": {"alertname": "A", "pod": "db-1"}, "state": "pending", "value": "NaN"},
    ]));
    let sent = sent(json!([
        {"labels": {"alertname": "A", "pod": "db-0", "cluster": "eu"}, "fingerprint": "f0",
         "status": {"state": "suppressed", "silencedBy": ["s1"]}, "receivers": [{"name": "team"}],
         "generatorURL": "http://p/graph", "annotations": {"runbook_url": "http://r"}},
        {"labels": {"alertname": "A", "pod": "other"}, "fingerprint": "f1"},
    ]));
    let bodies = join(&rules, &sent);
    assert_eq!(bodies.len(), 3);
    let joined = &bodies[0];
    assert_eq!(joined["state"], "suppressed");
    assert_eq!(joined["externalLabels"], json!({"cluster": "eu"}));
    assert_eq!(joined["labels"], json!({"alertname": "A", "pod": "db-0"}));
    assert_eq!(joined["value"], 1.0);
    assert_eq!(joined["expression"], "up == 0");
    assert_eq!(joined["silencedBy"], json!(["s1"]));
    assert_eq!(joined["receivers"], json!(["team"]));
    assert_eq!(joined["annotations"], json!({"runbook_url": "http://r"}));
    assert_eq!(bodies[1]["state"], "pending");
    assert_eq!(bodies[1]["value"], "NaN");
    assert_eq!(bodies[1].get("fingerprint"), None);
    assert_eq!(bodies[2]["labels"]["pod"], "other");
    assert_eq!(bodies[2].get("expression"), None);
}

#[test]
fn the_better_partner_wins() {
    // Both of Alertmanager's fit the first; only the first fits the second, more special one.
    let rules = rule(&json!([
        {"labels": {"alertname": "A"}, "state": "firing", "activeAt": "2026-11-23T01:00:00Z"},
        {"labels": {"alertname": "A", "pod": "x"}, "state": "firing", "activeAt": "2026-11-23T01:00:00Z"},
    ]));
    let alerts = sent(json!([
        {"labels": {"alertname": "A", "pod": "x"}, "startsAt": "2026-11-23T01:01:00Z", "fingerprint": "special"},
        {"labels": {"alertname": "A", "cluster": "us"}, "startsAt": "2026-11-23T05:00:00Z", "fingerprint": "late"},
        {"labels": {"alertname": "A", "cluster": "eu"}, "startsAt": "2026-11-23T01:01:00Z", "fingerprint": "same"},
    ]));
    let bodies = join(&rules, &alerts);
    let prints: Vec<&Value> = bodies.iter().map(|body| &body["fingerprint"]).collect();
    assert_eq!(prints, ["same", "special", "late"]);
    assert_eq!(bodies[0]["externalLabels"], json!({"cluster": "eu"}));
}

#[test]
fn copies_of_replicas_count_once() {
    let rules = rule(&json!([
        {"labels": {"alertname": "A"}, "state": "pending", "activeAt": "2026-11-23T01:00:00Z"},
        {"labels": {"alertname": "A"}, "state": "firing", "activeAt": "2026-11-23T01:05:00Z"},
    ]));
    let bodies = join(&rules, &[]);
    assert_eq!(bodies.len(), 1);
    assert_eq!(bodies[0]["state"], "firing");
}

#[test]
fn a_label_that_was_dropped_on_the_way_is_no_hindrance() {
    let rules = rule(&json!([
        {"labels": {"alertname": "A", "severity": "page", "pod": "db-0", "replica": "1"}, "state": "firing"},
        {"labels": {"alertname": "A", "severity": "page", "pod": "db-1", "replica": "1"}, "state": "firing"},
    ]));
    let alerts = sent(json!([
        {"labels": {"alertname": "A", "severity": "page", "pod": "db-0", "cluster": "eu"}, "fingerprint": "dropped"},
        {"labels": {"alertname": "A", "severity": "page", "cluster": "eu"}, "fingerprint": "any"},
        {"labels": {"alertname": "A", "severity": "info", "pod": "db-1"}, "fingerprint": "other"},
    ]));
    let bodies = join(&rules, &alerts);
    let prints: Vec<&Value> = bodies.iter().map(|body| &body["fingerprint"]).collect();
    assert_eq!(prints, [&json!("dropped"), &Value::Null, &json!("any"), &json!("other")]);
    assert_eq!(bodies[0]["externalLabels"], json!({"cluster": "eu"}));
    assert_eq!(bodies[0]["labels"]["replica"], "1");
}

#[test]
fn a_rule_that_waits_for_ages_is_joined() {
    let mut rules = rule(&json!([
        {"labels": {"alertname": "A"}, "state": "pending", "activeAt": "2026-11-23T01:00:00Z"},
    ]));
    rules[0].duration = 1e300;
    let alerts = sent(json!([
        {"labels": {"alertname": "A"}, "startsAt": "2026-11-23T01:01:00Z", "fingerprint": "f"},
    ]));
    assert_eq!(join(&rules, &alerts)[0]["fingerprint"], "f");
}
