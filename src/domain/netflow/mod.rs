//! Network flows: who talked to whom, as `NetObserv` keeps it in Loki.

mod object;
mod query;
mod store;

pub use query::FlowSelector;
use serde_json::Value;
pub use store::NetflowStore;

use crate::model::{Class, Domain, Object, Query, SelectorError};

/// The domain `netflow`.
#[derive(Clone, Copy, Debug)]
pub struct Netflow;

impl Netflow {
    /// The only class.
    pub fn all() -> Class {
        Class::new("netflow", "network")
    }
}

impl Domain for Netflow {
    fn name(&self) -> &'static str {
        "netflow"
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    fn classes(&self) -> Vec<Class> {
        vec![Self::all()]
    }

    fn class(&self, name: &str) -> Option<Class> {
        (name == "network").then(Self::all)
    }

    fn parse(&self, class: &Class, selector: &str) -> Result<Query, SelectorError> {
        Ok(Query::new(class.clone(), FlowSelector::parse(selector)?))
    }

    fn object(&self, class: &Class, body: Value) -> Object {
        object::object(class, body)
    }
}

const ABOUT: &str = r#"Network flows between Pods, Services and Nodes, which NetObserv keeps in Loki.

The selector is LogQL that gives lines:
`netflow:network:{SrcK8S_Namespace="shop"} | json | SrcK8S_Name="web-0"`.

All flows of one conversation are one object: `flows` tells how many, `Bytes`, `Packets` and what
was dropped are sums, `TimeFlowStartMs` and `TimeFlowEndMs` the first and the last moment.
"#;
