//! Alerts: what Prometheus's alerting rules and Alertmanager say is wrong.

mod join;
mod object;
mod partners;
mod query;
mod store;

use std::sync::LazyLock;

pub use query::AlertSelector;
use serde_json::Value;
pub use store::AlertStore;

use crate::model::{Class, Domain, Object, Query, SelectorError};

/// The domain `alert`, which has one class.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alert;

impl Alert {
    /// The class of all alerts, `alert:alert`.
    pub fn all() -> Class {
        static ALL: LazyLock<Class> = LazyLock::new(|| Class::new("alert", "alert"));
        ALL.clone()
    }
}

impl Domain for Alert {
    fn name(&self) -> &'static str {
        "alert"
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    fn classes(&self) -> Vec<Class> {
        vec![Self::all()]
    }

    fn class(&self, name: &str) -> Option<Class> {
        (name == "alert").then(Self::all)
    }

    fn parse(&self, class: &Class, selector: &str) -> Result<Query, SelectorError> {
        Ok(match AlertSelector::canonical(selector) {
            Some(read) => Query::spelled(class.clone(), selector, read),
            None => Query::new(class.clone(), AlertSelector::parse(selector)?),
        })
    }

    fn object(&self, class: &Class, body: Value) -> Object {
        object::object(class, body)
    }
}

const ABOUT: &str = r#"Alerts of Prometheus and Alertmanager, joined.

The selector is one of

- a map of labels, all of which must be equal: `alert:alert:{alertname: KubePodCrashLooping, namespace: shop}`
- a list of such maps, any of which may match: `alert:alert:[{pod: db-0}, {pod: db-1}]`
- matchers as in PromQL: `alert:alert:{alertname=~"Kube.*",severity!="none"}`

`{}` selects all alerts. A label that an alert lacks has the empty value. An alert is pending,
firing, or suppressed when Alertmanager has it silenced or inhibited.
"#;
