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
    /// The rule that tells it from a brother of the same name.
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
            let alike = brothers.into_values().filter(|alike| alike.len() > 1).flatten();
            let rules: Vec<(Arc<str>, Option<Arc<str>>)> =
                alike.map(|child| (Arc::clone(&child.key), child.rule.clone())).collect();
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

    /// The rule that led to a node, if a brother has the same name.
    pub(crate) fn rule(&self, node: &Node) -> Option<&str> {
        self.0.get(&node.key)?.rule.as_deref()
    }
}

/// Whether a node has been asked for and nothing was there.
pub(super) fn is_empty(node: &Node) -> bool {
    node.parent.is_some()
        && node.members.is_empty()
        && node.runs.iter().all(|run| run.state == RunState::Done)
}
