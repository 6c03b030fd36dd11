//! Metrics: the series of Prometheus, and the exemplars of their values.

mod exemplar;
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

/// The domain `metric`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metric;

impl Metric {
    /// The class of all series, `metric:metric`.
    pub fn all() -> Class {
        static ALL: LazyLock<Class> = LazyLock::new(|| Class::new("metric", "metric"));
        ALL.clone()
    }

    /// The class of the events that series give as examples of their values, `metric:exemplar`.
    pub fn exemplar() -> Class {
        static EXEMPLAR: LazyLock<Class> = LazyLock::new(|| Class::new("metric", "exemplar"));
        EXEMPLAR.clone()
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
        vec![Self::all(), Self::exemplar()]
    }

    fn class(&self, name: &str) -> Option<Class> {
        self.classes().into_iter().find(|class| class.name() == name)
    }

    fn parse(&self, class: &Class, selector: &str) -> Result<Query, SelectorError> {
        Ok(Query::new(class.clone(), MetricSelector::parse(selector)?))
    }

    fn object(&self, class: &Class, body: Value) -> Object {
        if *class == Self::exemplar() {
            return exemplar::object(class, body);
        }
        object::object(class, body)
    }
}

const ABOUT: &str = r#"Series of Prometheus, with their values in the window.

The selector is a PromQL expression; the series of every vector selector in it are found:

- `metric:metric:kube_pod_info{namespace="shop",pod="db-0"}`
- `metric:metric:sum by (pod) (rate(http_requests_total{namespace="shop"}[5m]))`

A map of labels selects the series that have them: `metric:metric:{"__name__":"up","job":"x"}`.

The exemplars of series are events that their values were made of, mostly requests with a trace:

- `metric:exemplar:http_request_duration_seconds_bucket{namespace="shop"}`

Prometheus keeps them if it is started with `--enable-feature=exemplar-storage`.
"#;
