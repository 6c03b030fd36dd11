//! The log lines that name a trace, by the Pods that wrote them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Object;
use crate::tui::fact;

/// Log lines in the order of their times.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    all: Vec<Arc<Object>>,
    /// Their places by Pod.
    by_pod: HashMap<String, Vec<usize>>,
    /// Places of those of which no Pod is known: they may be anybody's.
    of_none: Vec<usize>,
}

impl Lines {
    pub(super) fn new(all: Vec<Arc<Object>>) -> Self {
        let mut lines = Self { all, ..Self::default() };
        for (at, line) in lines.all.iter().enumerate() {
            match fact::term(line, "pod") {
                None => lines.of_none.push(at),
                Some(pod) => match lines.by_pod.get_mut(pod) {
                    Some(places) => places.push(at),
                    None => drop(lines.by_pod.insert(pod.to_owned(), vec![at])),
                },
            }
        }
        lines
    }

    /// Those of the Pod that the resource of a span names, and those of no known Pod.
    pub(super) fn of(&self, span: &Object) -> Vec<&Object> {
        let resource = span.body.get("resource").and_then(serde_json::Value::as_object);
        let values = resource.into_iter().flatten().filter_map(|(_, value)| value.as_str());
        let pods = values.filter_map(|value| self.by_pod.get(value)).flatten();
        let mut places: Vec<usize> = pods.chain(&self.of_none).copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|at| &*self.all[at]).collect()
    }
}
