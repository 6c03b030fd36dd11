//! Whether an object's own selector selects labels: a Service its Pods, a Deployment its own.

use std::collections::BTreeMap;

use serde_json::Value;

/// Whether the `spec.selector` or `spec.podSelector` of an object, a plain map or
/// `{matchLabels, matchExpressions}`, is there, is not empty and accepts the labels.
pub(super) fn selects(body: &Value, labels: &BTreeMap<String, String>) -> bool {
    let selector = ["/spec/selector", "/spec/podSelector"]
        .into_iter()
        .find_map(|pointer| body.pointer(pointer)?.as_object());
    let Some(selector) = selector else { return false };
    let pairs = selector.get("matchLabels").filter(|value| value.is_object());
    let tests = selector.get("matchExpressions").filter(|value| value.is_array());
    let plain = pairs.is_none() && tests.is_none();
    let pairs = if plain { Some(selector) } else { pairs.and_then(Value::as_object) };
    let count =
        pairs.map_or(0, serde_json::Map::len) + tests.and_then(Value::as_array).map_or(0, Vec::len);
    count > 0
        && pairs.into_iter().flatten().all(|(key, value)| {
            value.as_str().is_some_and(|value| labels.get(key).is_some_and(|had| had == value))
        })
        && tests
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .all(|test| expression(test, labels))
}

/// One of `matchExpressions`; an operator that is not known accepts nothing.
fn expression(test: &Value, labels: &BTreeMap<String, String>) -> bool {
    let word = |key: &str| test.get(key).and_then(Value::as_str).unwrap_or_default();
    let value = labels.get(word("key"));
    let values = test.get("values").and_then(Value::as_array);
    let listed = value.is_some_and(|value| {
        values.is_some_and(|values| values.iter().any(|listed| listed.as_str() == Some(value)))
    });
    match word("operator") {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_of_objects_are_evaluated() {
        let labels = [("app", "web"), ("tier", "front")];
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        for (spec, expected) in [
            (json!({"selector": {"app": "web"}}), true),
            (json!({"selector": {"app": "web", "tier": "back"}}), false),
            (json!({"selector": {}}), false),
            (json!({}), false),
            (json!({"selector": null}), false),
            (json!({"selector": {"matchLabels": {"app": "web"}}}), true),
            (json!({"selector": {"matchLabels": {}}}), false),
            (json!({"podSelector": {"matchLabels": {"app": "web"}}}), true),
            (
                json!({"selector": {"matchExpressions": [
                    {"key": "app", "operator": "In", "values": ["db", "web"]},
                    {"key": "tier", "operator": "Exists"},
                    {"key": "canary", "operator": "DoesNotExist"}]}}),
                true,
            ),
            (
                json!({"selector": {"matchLabels": {"app": "web"}, "matchExpressions": [
                    {"key": "tier", "operator": "NotIn", "values": ["front"]}]}}),
                false,
            ),
            (json!({"selector": {"matchExpressions": [{"key": "app", "operator": "New"}]}}), false),
        ] {
            assert_eq!(selects(&json!({"spec": spec}), &labels), expected, "{spec}");
        }
    }
}
