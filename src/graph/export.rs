//! The tree seen as a graph of classes: the shape of `-o json`, `dot` and `mermaid`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

use super::tree::{Node, Run, Tree};
use crate::model::{Class, Object, Severity};

/// Classes, the rules between them, and the paths of the tree.
#[derive(Clone, Debug, Serialize)]
pub struct ClassGraph {
    /// One entry per class, the start's first.
    pub nodes: Vec<ClassNode>,
    /// One entry per (rule, start class, goal class).
    pub edges: Vec<ClassEdge>,
    /// One entry per path that ends with objects (with goals: at a goal), the best first.
    pub paths: Vec<ClassPath>,
}

/// All objects and queries of a class.
#[derive(Clone, Debug, Serialize)]
pub struct ClassNode {
    /// The class.
    pub class: Class,
    /// How many objects.
    pub count: usize,
    /// The worst among them.
    pub severity: Severity,
    /// Whether a limit cut something off.
    pub truncated: bool,
    /// The objects.
    pub objects: Vec<ObjectEntry>,
    /// The queries.
    pub queries: Vec<QueryEntry>,
}

/// An object.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectEntry {
    /// Unique in the class.
    pub id: Arc<str>,
    /// How bad it is.
    pub severity: Severity,
    /// The words that go with the severity; left out if there are none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// What a signal is about, as `shop/db-0`; left out if that is not known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// When, as RFC 3339.
    pub time: Option<String>,
    /// One line for people.
    pub preview: String,
    /// The body, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Value>,
}

/// A query and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct QueryEntry {
    /// The canonical text.
    pub query: String,
    /// How many objects it brought.
    pub count: usize,
    /// `done`, `failed`, `timeout`, `cancelled`, `skipped`, `pending`.
    pub state: &'static str,
    /// The store's words, if it failed.
    pub error: Option<String>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// A remark of the store, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A rule between two classes.
#[derive(Clone, Debug, Serialize)]
pub struct ClassEdge {
    /// The rule.
    pub rule: Arc<str>,
    /// Where it starts.
    pub start: Class,
    /// Where it leads.
    pub goal: Class,
    /// Which object led to which, by id.
    pub links: Vec<(Arc<str>, Arc<str>)>,
}

/// A chain of rules from the start.
#[derive(Clone, Debug, Serialize)]
pub struct ClassPath {
    /// The rules, one fewer than the classes.
    pub rules: Vec<Arc<str>>,
    /// The classes, the start's first.
    pub classes: Vec<Class>,
    /// How many objects are at its end.
    pub count: usize,
    /// The worst among them.
    pub severity: Severity,
    /// How much the end matters, 0 to 1.
    pub score: f64,
}

impl ObjectEntry {
    /// The entry of an object, with its body if `body` is set.
    pub fn new(object: &Object, body: bool) -> Self {
        Self {
            id: Arc::clone(&object.id),
            severity: object.severity,
            status: object.status.to_string(),
            about: object.about.clone(),
            time: object.time.map(rfc3339),
            preview: object.preview.to_string(),
            object: body.then(|| object.body.to_value()),
        }
    }
}

/// RFC 3339 in UTC with as many digits of a second as needed.
pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl ClassGraph {
    /// The class graph of a tree; `goals` is empty for neighbors, `bodies` includes the objects'
    /// bodies.
    pub fn new(tree: &Tree, goals: &[Class], bodies: bool) -> Self {
        let mut order: Vec<&Class> = Vec::new();
        for node in &tree.nodes {
            if !order.contains(&&node.class) {
                order.push(&node.class);
            }
        }
        let nodes = order.iter().map(|class| class_node(tree, class, bodies)).collect();
        Self { nodes, edges: edges(tree), paths: paths(tree, goals) }
    }

    /// The graph in Graphviz' language.
    pub fn dot(&self) -> String {
        let mut out = String::from("digraph korrel8 {\n  rankdir=LR;\n  node [shape=box];\n");
        for node in &self.nodes {
            let colour = match node.severity {
                Severity::Error => ", color=red",
                Severity::Warning => ", color=orange",
                Severity::Info | Severity::None => "",
            };
            let label = format!("{}\n{}", node.class, node.count);
            let _ = writeln!(out, "  {:?} [label={label:?}{colour}];", node.class.to_string());
        }
        for edge in &self.edges {
            let (start, goal) = (edge.start.to_string(), edge.goal.to_string());
            let _ = writeln!(out, "  {start:?} -> {goal:?} [label={:?}];", &*edge.rule);
        }
        out.push_str("}\n");
        out
    }

    /// The graph in Mermaid's language.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("flowchart LR\n");
        let number = |class: &Class| self.nodes.iter().position(|node| node.class == *class);
        for (index, node) in self.nodes.iter().enumerate() {
            let _ = writeln!(out, "  n{index}[\"{} ({})\"]", node.class, node.count);
        }
        for edge in &self.edges {
            if let Some((start, goal)) = number(&edge.start).zip(number(&edge.goal)) {
                let _ = writeln!(out, "  n{start} -->|{}| n{goal}", edge.rule);
            }
        }
        out
    }
}

fn class_node(tree: &Tree, class: &Class, bodies: bool) -> ClassNode {
    let here = || tree.nodes.iter().filter(|node| node.class == *class);
    let mut objects: Vec<&Arc<Object>> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut runs: BTreeMap<&str, &Run> = BTreeMap::new();
    for node in here() {
        objects.extend(
            node.members.iter().map(|m| &m.object).filter(|object| ids.insert(&*object.id)),
        );
        runs.extend(node.runs.iter().map(|run| (run.query.text(), &**run)));
    }
    ClassNode {
        class: class.clone(),
        count: objects.len(),
        severity: objects.iter().map(|object| object.severity).max().unwrap_or_default(),
        truncated: here().any(Node::truncated),
        objects: objects.into_iter().map(|object| ObjectEntry::new(object, bodies)).collect(),
        queries: runs.into_values().map(query_entry).collect(),
    }
}

fn query_entry(run: &Run) -> QueryEntry {
    let error = run.failure().map(|error| error.message.clone());
    QueryEntry {
        query: run.query.text().to_owned(),
        count: run.count,
        state: run.state.word(),
        error,
        seconds: run.seconds,
        note: run.note.clone(),
    }
}

fn edges(tree: &Tree) -> Vec<ClassEdge> {
    type Links = BTreeSet<(Arc<str>, Arc<str>)>;
    let mut edges: BTreeMap<(Arc<str>, Class, Class), Links> = BTreeMap::new();
    for node in &tree.nodes {
        let Some((parent, rule)) = node.parent.zip(node.rule.as_ref()) else { continue };
        let parent = &tree.nodes[parent];
        if node.members.is_empty() {
            continue;
        }
        let key = (Arc::clone(rule), parent.class.clone(), node.class.clone());
        let links = edges.entry(key).or_default();
        for member in &node.members {
            for link in &member.links {
                let from = Arc::clone(&parent.members[link.parent].object.id);
                links.insert((from, Arc::clone(&member.object.id)));
            }
        }
    }
    let edge = |((rule, start, goal), links): ((Arc<str>, Class, Class), Links)| ClassEdge {
        rule,
        start,
        goal,
        links: links.into_iter().collect(),
    };
    edges.into_iter().map(edge).collect()
}

fn paths(tree: &Tree, goals: &[Class]) -> Vec<ClassPath> {
    let ends = |node: &Node| {
        let leaf = || node.children.iter().all(|&child| tree.nodes[child].members.is_empty());
        let wanted = if goals.is_empty() { leaf() } else { node.goal };
        wanted && node.parent.is_some() && !node.members.is_empty()
    };
    let mut paths: Vec<ClassPath> = tree
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| ends(node))
        .map(|(index, node)| {
            let along: Vec<&Node> = tree.path(index).iter().map(|&n| &tree.nodes[n]).collect();
            ClassPath {
                rules: along.iter().filter_map(|node| node.rule.clone()).collect(),
                classes: along.iter().map(|node| node.class.clone()).collect(),
                count: node.members.len(),
                severity: node.severity(),
                score: (node.score * 1000.0).round() / 1000.0,
            }
        })
        .collect();
    paths.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.rules.cmp(&b.rules)));
    paths
}
