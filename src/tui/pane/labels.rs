//! What the nodes of a tree are called. A name can depend on all that a node holds, so it is worked
//! out once for what the node holds and not for every frame.

use std::collections::HashMap;
use std::sync::Arc;

use crate::graph::{Member, Node, RunState, Shared, Tree};
use crate::tui::fact;

/// Names of nodes by their keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels(HashMap<Arc<str>, Label>);

#[derive(Clone, Debug)]
struct Label {
    members: Shared<Vec<Member>>,
    text: Arc<str>,
    /// What tells it from a brother of the same name.
    rule: Option<Arc<str>>,
}

impl Labels {
    /// Takes a newer tree; only what changed in it is named anew.
    pub(crate) fn build(&mut self, tree: &Tree) {
        let known = std::mem::take(&mut self.0);
        for node in &tree.nodes {
            let same = known.get(&node.key).filter(|known| known.members.same(&node.members));
            let text = same.map_or_else(|| fact::label(node).into(), |same| Arc::clone(&same.text));
            let label = Label { members: node.members.clone(), text, rule: None };
            self.0.insert(Arc::clone(&node.key), label);
        }
        for node in &tree.nodes {
            let mut brothers: HashMap<&str, Vec<&Node>> = HashMap::new();
            for child in node.children.iter().filter_map(|child| tree.nodes.get(*child)) {
                if !is_empty(child)
                    && let Some(label) = self.0.get(&child.key)
                {
                    brothers.entry(&*label.text).or_default().push(child);
                }
            }
            let alike = brothers.into_values().filter(|alike| alike.len() > 1);
            let rules: Vec<(Arc<str>, Option<Arc<str>>)> =
                alike.flat_map(|alike| apart(&alike)).collect();
            for (key, rule) in rules {
                if let Some(label) = self.0.get_mut(&key) {
                    label.rule = rule;
                }
            }
        }
    }

    /// What a node is called: `Pod db-0`, `log:application`, `3 traces web GET /cart`.
    pub(crate) fn of(&self, node: &Node) -> Arc<str> {
        let known = self.0.get(&node.key);
        known.map_or_else(|| fact::label(node).into(), |label| Arc::clone(&label.text))
    }

    /// What tells a node from its brothers of the same name, if there are any.
    pub(crate) fn rule(&self, node: &Node) -> Option<&str> {
        self.0.get(&node.key)?.rule.as_deref()
    }
}

/// What tells brothers apart: what their rules lead to, as `PreviousLogs`, or the rules where that
/// is the same. One of which the class says it all needs nothing.
fn apart(alike: &[&Node]) -> Vec<(Arc<str>, Option<Arc<str>>)> {
    let goal = |node: &Node| -> Option<String> {
        let (_, goal) = node.rule.as_deref()?.split_once("To")?;
        let says = node.class.to_string().to_lowercase();
        let plain = goal.trim_end_matches('s').to_lowercase();
        Some(if says.contains(&plain) { String::new() } else { goal.to_owned() })
    };
    let goals: Vec<Option<String>> = alike.iter().map(|node| goal(node)).collect();
    let once = |goal: &&String| goals.iter().flatten().filter(|other| other == goal).count() == 1;
    let told = alike.iter().zip(&goals).map(|(node, goal)| {
        let told = match goal.as_ref().filter(once) {
            Some(goal) => Some(goal.as_str().into()).filter(|_| !goal.is_empty()),
            None => node.rule.clone(),
        };
        (Arc::clone(&node.key), told)
    });
    told.collect()
}

/// Whether a node has been asked for and nothing was there.
pub(super) fn is_empty(node: &Node) -> bool {
    node.parent.is_some()
        && node.members.is_empty()
        && node.runs.iter().all(|run| run.state == RunState::Done)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::model::Severity;
    use crate::tui::fixture::{add, object, start};

    #[test]
    fn brothers_of_one_name_are_told_apart() {
        for (class, rules, expected) in [
            ("log:application", ["PodToLogs", "PodToPreviousLogs"], [None, Some("PreviousLogs")]),
            (
                "metric:metric",
                ["PodToMetrics", "AlertToMetric"],
                [Some("PodToMetrics"), Some("AlertToMetric")],
            ),
            (
                "k8s:Secret.v1",
                ["PodToVolumes", "PodToVolumes"],
                [Some("PodToVolumes"), Some("PodToVolumes")],
            ),
        ] {
            let mut tree = Tree::default();
            let root = add(&mut tree, None, "", "alert:alert", vec![(*start()).clone()]);
            let children = rules.map(|rule| {
                let two = ["a", "b"].map(|id| object(class, id, Severity::None, 1, Value::Null));
                add(&mut tree, Some(root), rule, class, two.to_vec())
            });
            let mut labels = Labels::default();
            labels.build(&tree);
            assert_eq!(children.map(|child| labels.rule(&tree.nodes[child])), expected);
        }
    }
}
