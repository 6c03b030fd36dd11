//! An alert's identity, times and preview from its body.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::model::{Class, Object, clean, fingerprint};

/// An alert from a body `{labels, annotations, state, activeAt, startsAt, endsAt, value, …}`.
pub(super) fn object(class: &Class, body: Value) -> Object {
    let labels = labels(&body);
    let id = format!("{:016x}", fingerprint(labels.iter().map(|(k, v)| (*k, *v))));
    let preview = preview(&labels, &body);
    let time = moment(&body, "activeAt").or_else(|| moment(&body, "startsAt"));
    // While an alert is there, `endsAt` is only when it would be forgotten.
    let here = matches!(body["state"].as_str(), Some("firing" | "pending" | "suppressed"));
    let end = if here { None } else { moment(&body, "endsAt") };
    let mut alert = Object::new(class.clone(), id, body);
    alert.preview = preview.into();
    alert.time = time;
    alert.end = end;
    alert
}

fn labels(body: &Value) -> BTreeMap<&str, &str> {
    let all = body.get("labels").and_then(Value::as_object);
    all.into_iter().flatten().filter_map(|(k, v)| Some((k.as_str(), v.as_str()?))).collect()
}

fn moment(body: &Value, key: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(body.get(key)?.as_str()?).ok()?.to_utc();
    (time.timestamp() > 0).then_some(time)
}

/// `KubePodCrashLooping critical firing: summary`. What it is about is told by the rules.
fn preview(labels: &BTreeMap<&str, &str>, body: &Value) -> String {
    let label = |name: &str| labels.get(name).copied().filter(|value| !value.is_empty());
    let note = |name: &str| {
        let text = body.get("annotations")?.get(name)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    };
    let mut words = vec![label("alertname").unwrap_or("alert").to_owned()];
    words.extend(label("severity").map(str::to_owned));
    words.extend(body.get("state").and_then(Value::as_str).map(str::to_owned));
    let mut line = words.join(" ");
    if let Some(text) = ["summary", "message", "description"].iter().find_map(|name| note(name)) {
        line.push_str(": ");
        line.push_str(text.lines().next().unwrap_or_default());
    }
    clean(&line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alert(body: Value) -> Object {
        object(&Class::new("alert", "alert"), body)
    }

    #[test]
    fn previews_are_one_clean_line() {
        let crash = alert(json!({
            "labels": {"alertname": "KubePodCrashLooping", "severity": "critical",
                       "namespace": "shop", "pod": "db-0", "service": "ksm"},
            "state": "firing", "activeAt": "2026-11-23T01:31:47.387158833Z",
            "annotations": {"summary": "Pod is \u{1b}[31mcrashing\nagain"},
        }));
        assert_eq!(crash.preview, "KubePodCrashLooping critical firing: Pod is crashing");
        assert_eq!(crash.time.map(|t| t.timestamp_subsec_nanos()), Some(387_158_833));
        assert_eq!(alert(json!({})).preview, "alert");
    }

    #[test]
    fn identity_is_the_labels_alone() {
        let one = alert(json!({"labels": {"a": "x"}, "state": "firing"}));
        let two = alert(json!({"labels": {"a": "x"}, "state": "suppressed"}));
        let other = alert(json!({"labels": {"a": "y"}}));
        assert_eq!(one.id, two.id);
        assert_ne!(one.id, other.id);
        assert_eq!(one.id.len(), 16);
    }

    #[test]
    fn only_what_is_over_has_an_end() {
        for (state, ends, expected) in [
            ("resolved", "0001-01-01T00:00:00Z", None),
            ("resolved", "2026-11-23T01:58:05Z", Some(1_795_399_085)),
            ("firing", "2026-11-23T01:58:05Z", None),
        ] {
            let body = json!({"labels": {}, "state": state, "endsAt": ends});
            assert_eq!(alert(body).end.map(|end| end.timestamp()), expected, "{state} {ends}");
        }
    }
}
