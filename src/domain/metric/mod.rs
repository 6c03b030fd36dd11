//! Metrics: the series of Prometheus.

mod merge;
mod object;
mod query;
mod store;
mod vector;

use std::sync::LazyLock;

pub use query::MetricSelector;
use serde_json::Value;
pub use store::MetricStore;

use crate::model::{Class, Domain, Object, Query, SelectorError};

/// The domain `metric`, which has one class.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metric;

impl Metric {
    /// The class of all series, `metric:metric`.
    pub fn all() -> Class {
        static ALL: LazyLock<Class> = LazyLock::new(|| Class::new("metric", "metric"));
        ALL.clone()
    }
}

impl Domain for Metric {
    fn name(&self) -> &'static str {
        "metric"
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    fn classes(&self) -> Vec<Class> {
        vec![Self::all()]
    }

    fn class(&self, name: &str) -> Option<Class> {
        (name == "metric").then(Self::all)
    }

    fn parse(&self, class: &Class, selector: &str) -> Result<Query, SelectorError> {
        Ok(Query::new(class.clone(), MetricSelector::parse(selector)?))
    }

    fn object(&self, class: &Class, body: Value) -> Object {
        object::object(class, body)
    }
}

const ABOUT: &str = r#"Series of Prometheus, with their values in the window.

The selector is a PromQL expression; the series of every vector selector in it are found:

- `metric:metric:kube_pod_info{namespace="shop",pod="db-0"}`
- `metric:metric:sum by (pod) (rate(http_requests_total{namespace="shop"}[5m]))`
"#;
