//! The selector of incidents: an id, or the labels of an alert.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Object, Selector, SelectorError};

/// Which incidents. What is left out is not restricted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct IncidentSelector {
    /// The labels of an alert, which has at least those that the incident knows of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub alert_labels: BTreeMap<String, String>,
    /// The incident's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl IncidentSelector {
    /// Reads `{id: …}` or `{alertLabels: {…}}`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        if !text.trim_start().starts_with('{') {
            let words = "an incident selector is a map: write {id: …} or {alertLabels: {…}}";
            return Err(SelectorError::at(0, words));
        }
        SelectorError::parse_yaml(text)
    }
}

impl Selector for IncidentSelector {
    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn matches(&self, object: &Object) -> Option<bool> {
        let same = self.id.as_ref().is_none_or(|id| **id == *object.id);
        let alerts = object.body.get("alerts").and_then(Value::as_array);
        let known = |alert: &Value| {
            let labels = alert.as_object().filter(|labels| !labels.is_empty());
            labels.is_some_and(|labels| {
                labels.iter().all(|(name, value)| {
                    self.alert_labels.get(name).map(String::as_str) == value.as_str()
                })
            })
        };
        let about = self.alert_labels.is_empty() || alerts.into_iter().flatten().any(known);
        Some(same && about)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::incident::Incident;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        let alerts = json!([{"alertname": "A", "namespace": "shop"}, {}]);
        let incident = Object::new(Incident::all(), "one", json!({"id": "one", "alerts": alerts}));
        assert_eq!(
            IncidentSelector::parse(text).unwrap().matches(&incident),
            Some(expected),
            "{text}"
        );
    }

    #[test]
    fn an_alert_belongs_if_it_has_all_labels_that_are_known() {
        check("{}", true);
        check("{id: one}", true);
        check("{id: two}", false);
        check("{alertLabels: {alertname: A, namespace: shop, pod: x}}", true);
        check("{alertLabels: {alertname: A}}", false);
        check("{alertLabels: {alertname: A, namespace: other}}", false);
        assert!(IncidentSelector::parse("one").is_err());
        assert!(IncidentSelector::parse("{name: one}").is_err());
    }
}
