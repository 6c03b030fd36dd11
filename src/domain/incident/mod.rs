//! Incidents: groups of alerts that OpenShift's cluster health analyzer finds to belong together.

mod object;
mod query;
mod store;

pub use query::IncidentSelector;
use serde_json::Value;
pub use store::IncidentStore;

use crate::model::{Class, Domain, Object, Query, SelectorError};

/// The domain `incident`.
#[derive(Clone, Copy, Debug)]
pub struct Incident;

impl Incident {
    /// The only class.
    pub fn all() -> Class {
        Class::new("incident", "incident")
    }
}

impl Domain for Incident {
    fn name(&self) -> &'static str {
        "incident"
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    fn classes(&self) -> Vec<Class> {
        vec![Self::all()]
    }

    fn class(&self, name: &str) -> Option<Class> {
        (name == "incident").then(Self::all)
    }

    fn parse(&self, class: &Class, selector: &str) -> Result<Query, SelectorError> {
        Ok(Query::new(class.clone(), IncidentSelector::parse(selector)?))
    }

    fn object(&self, class: &Class, body: Value) -> Object {
        object::object(class, body)
    }
}

const ABOUT: &str = r"Groups of alerts that belong together, from OpenShift's cluster health analyzer.

The selector is a map; both keys are optional:

- `incident:incident:{id: 3f2a…}`: the incident of an id
- `incident:incident:{alertLabels: {alertname: KubeNodeNotReady, namespace: monitoring}}`: those with
  an alert all of whose labels are among these

They are read from the metric `cluster:health:components:map` in Prometheus.
";
