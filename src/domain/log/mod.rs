//! Logs: lines that containers wrote, from Loki or through the API server.

mod backed;
mod container;
mod gather;
mod journal;
mod json;
mod learn;
mod level;
mod lines;
mod object;
mod place;
mod plan;
mod pod_lines;
mod pod_source;
mod pods;
mod query;
mod read;
mod readings;
mod runs;
mod scheme;
mod seen;
mod store;

use std::sync::{Arc, LazyLock};

pub use crate::model::LogQl;
pub use backed::Backed;
pub use journal::Journal;
pub use object::{LogStream, pod_labels};
pub use pod_source::PodSource;
pub use pods::PodLogStore;
pub use query::{LogSelector, PodLogs};
use serde_json::Value;
pub use store::LokiStore;

use crate::model::{Body, Class, Domain, Object, Query, SelectorError, Vocabulary};

/// The names of the classes.
pub const CLASSES: [&str; 3] = ["application", "audit", "infrastructure"];

/// The classes, made once.
static ALL: LazyLock<[Class; 3]> = LazyLock::new(|| CLASSES.map(|name| Class::new("log", name)));

/// The domain `log`.
#[derive(Clone, Debug)]
pub struct Log {
    words: Arc<Vocabulary>,
}

impl Log {
    /// The domain, with the words that tell a line's namespace, Pod, container and node.
    pub fn new(words: &Vocabulary) -> Self {
        Self { words: Arc::new(words.clone()) }
    }

    /// The class of the logs of a namespace's Pods.
    pub fn class_of(&self, namespace: &str) -> Class {
        Class::new("log", self.words.log_class(namespace))
    }
}

impl Domain for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn about(&self) -> &'static str {
        ABOUT
    }

    fn classes(&self) -> Vec<Class> {
        ALL.to_vec()
    }

    fn class(&self, name: &str) -> Option<Class> {
        ALL.iter().find(|class| class.name() == name).cloned()
    }

    fn parse(&self, class: &Class, selector: &str) -> Result<Query, SelectorError> {
        Ok(match LogSelector::canonical(selector) {
            Some(read) => Query::spelled(class.clone(), selector, read),
            None => Query::new(class.clone(), LogSelector::parse(selector)?),
        })
    }

    fn object(&self, class: &Class, mut body: Value) -> Object {
        if body.get("level").is_none()
            && let Some(level) = object::level_of(&body)
        {
            body["level"] = level.into();
        }
        object::from_body(class, Body::of_line(body))
    }

    fn object_of(&self, class: &Class, body: Body) -> Object {
        match body.frame() {
            Some(frame) if frame.get("level").is_some() => object::from_body(class, body),
            _ => self.object(class, body.into_value()),
        }
    }
}

const ABOUT: &str = r#"Log lines of containers, from Loki or through the API server.

The selector is one of

- Pods and containers, which every log store understands; all keys are optional:
  `log:application:{namespace: shop, name: db-0, containers: [db], labels: {app: db}, previous: true}`,
  and `trace: ID` for the lines of one trace
- the journal of a Node, where one is collected; all units if none is named:
  `log:infrastructure:{node: node-1, units: [kubelet, containerd, kernel]}`
- LogQL that gives lines, for Loki: `log:application:{namespace="shop"} |= "error" | json`

The classes are `infrastructure` (namespaces default, kube-*, openshift*), `audit` and
`application`, which is the rest.
"#;
