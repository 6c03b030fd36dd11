//! The containers of Pods, and which runs of them there are to read.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::runs::{Runs, runs};
use super::{PodLogs, pod_labels};
use crate::model::{Object, Window, clean};

/// A run of a container, whose log is read.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pod: Arc<Object>,
    pub(super) name: String,
    /// The run before the current one.
    pub(super) previous: bool,
    /// Why it never started and has no log.
    pub(super) waits: Option<String>,
}

impl Container {
    pub(super) fn namespace(&self) -> &str {
        namespace(&self.pod)
    }

    pub(super) fn pod(&self) -> &str {
        self.pod.text("/metadata/name").unwrap_or_default()
    }

    /// The labels that a log store would give to its lines.
    pub(super) fn labels(&self) -> Map<String, Value> {
        let node = self.pod.text("/spec/nodeName");
        let mut labels = pod_labels(self.namespace(), self.pod(), &self.name, node);
        labels.extend(own_labels(&self.pod.body));
        labels
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.namespace(), self.pod(), clean(&self.name))
    }
}

/// The containers of a Pod that a selector wants: init, normal and ephemeral ones; each run that
/// may have lines in the window is one. The run before the current one belongs to the log of a
/// container that was restarted in the window, as it does in a log store.
pub(super) fn of_pod(pod: &Arc<Object>, wanted: &PodLogs, window: Window) -> Vec<Container> {
    let mut all = Vec::new();
    for (list, statuses) in [
        ("/spec/initContainers", "/status/initContainerStatuses"),
        ("/spec/containers", "/status/containerStatuses"),
        ("/spec/ephemeralContainers", "/status/ephemeralContainerStatuses"),
    ] {
        for name in items(&pod.body, list).filter_map(named) {
            let asked = &wanted.containers;
            if !asked.is_empty() && !asked.iter().any(|asked| asked == name) {
                continue;
            }
            let status = items(&pod.body, statuses).find(|status| named(status) == Some(name));
            let run = |previous, waits| Container {
                pod: Arc::clone(pod),
                name: name.to_owned(),
                previous,
                waits,
            };
            match runs(&pod.body, status, window) {
                Runs::Waits(why) => all.extend((!wanted.previous).then(|| run(false, Some(why)))),
                Runs::Read { current, previous } => {
                    all.extend(previous.then(|| run(true, None)));
                    all.extend((current && !wanted.previous).then(|| run(false, None)));
                }
            }
        }
    }
    all
}

/// The namespace of a Pod.
pub(super) fn namespace(pod: &Object) -> &str {
    pod.text("/metadata/namespace").unwrap_or_default()
}

fn items<'p>(pod: &'p Value, pointer: &str) -> impl Iterator<Item = &'p Value> {
    pod.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn named(item: &Value) -> Option<&str> {
    item.get("name")?.as_str()
}

/// The labels of the Pod, under names that a log store would give them.
fn own_labels(pod: &Value) -> impl Iterator<Item = (String, Value)> {
    let labels = pod.pointer("/metadata/labels").and_then(Value::as_object);
    labels.into_iter().flatten().map(|(key, value)| {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let safe: String = key.chars().map(plain).collect();
        (format!("kubernetes_labels_{safe}"), value.clone())
    })
}
