//! Rules as a graph: for Graphviz, for Mermaid, or as text by where they start.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::args::Format;
use crate::rule::Rule;

/// The rules as a graph whose nodes are classes; a wildcard (`k8s:*`) is one node.
pub(super) fn print(rules: &[&Rule], format: Format) -> String {
    let mut edges: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
    for rule in rules {
        for start in &rule.start {
            for goal in &rule.goal {
                edges.entry((start.to_string(), goal.to_string())).or_default().push(&rule.name);
            }
        }
    }
    for names in edges.values_mut() {
        names.sort_unstable();
    }
    match format {
        Format::Mermaid => mermaid(&edges),
        Format::Text => text(&edges),
        _ => dot(&edges),
    }
}

type Edges<'r> = BTreeMap<(String, String), Vec<&'r str>>;

fn dot(edges: &Edges<'_>) -> String {
    let mut out = String::from("digraph rules {\n  rankdir=LR;\n  node [shape=box];\n");
    for ((start, goal), names) in edges {
        let _ = writeln!(out, "  {start:?} -> {goal:?} [label={:?}];", names.join("\n"));
    }
    out.push_str("}\n");
    out
}

fn mermaid(edges: &Edges<'_>) -> String {
    let mut classes: Vec<&String> = edges.keys().flat_map(|(a, b)| [a, b]).collect();
    classes.sort_unstable();
    classes.dedup();
    let number = |class: &String| classes.binary_search(&class).unwrap_or_default();
    let mut out = String::from("flowchart LR\n");
    for (index, class) in classes.iter().enumerate() {
        let _ = writeln!(out, "  n{index}[\"{class}\"]");
    }
    for ((start, goal), names) in edges {
        let names = names.join("<br>");
        let _ = writeln!(out, "  n{} -->|\"{names}\"| n{}", number(start), number(goal));
    }
    out
}

fn text(edges: &Edges<'_>) -> String {
    let width = edges.keys().map(|(_, goal)| goal.len()).max().unwrap_or_default().min(60);
    let mut out = String::new();
    let mut last = "";
    for ((start, goal), names) in edges {
        if start != last {
            let _ = writeln!(out, "{start}");
            last = start;
        }
        let _ = writeln!(out, "  -> {goal:width$}  {}", names.join(", "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain;
    use crate::model::Vocabulary;
    use crate::rule::{RuleFile, RuleSet};

    fn check(format: Format, expected: &str) {
        let text = "rules:
  - {name: A, start: k8s:Pod, goal: k8s:Node, query: 'k8s:Node:{}'}
  - {name: B, start: k8s:*, goal: [k8s:Node, log:*], query: 'k8s:Node:{}'}
  - {name: C, start: k8s:Pod, goal: k8s:Node, query: 'k8s:Node:{}'}
";
        let file = RuleFile { name: "own.yaml".to_owned(), text: text.to_owned() };
        let (set, faults) = RuleSet::load(&domain::all(&Vocabulary::builtin()), &[file]);
        assert!(faults.is_empty(), "{faults:?}");
        let rules: Vec<&Rule> = set.rules().iter().collect();
        assert_eq!(print(&rules, format), expected);
    }

    #[test]
    fn a_wildcard_is_one_node() {
        check(
            Format::Text,
            "k8s:*\n  -> k8s:Node.v1  B\n  -> log:*        B\nk8s:Pod.v1\n  -> k8s:Node.v1  A, C\n",
        );
        check(
            Format::Mermaid,
            "flowchart LR\n  n0[\"k8s:*\"]\n  n1[\"k8s:Node.v1\"]\n  n2[\"k8s:Pod.v1\"]\n  \
             n3[\"log:*\"]\n  n0 -->|\"B\"| n1\n  n0 -->|\"B\"| n3\n  n2 -->|\"A<br>C\"| n1\n",
        );
        check(
            Format::Dot,
            "digraph rules {\n  rankdir=LR;\n  node [shape=box];\n  \
             \"k8s:*\" -> \"k8s:Node.v1\" [label=\"B\"];\n  \
             \"k8s:*\" -> \"log:*\" [label=\"B\"];\n  \
             \"k8s:Pod.v1\" -> \"k8s:Node.v1\" [label=\"A\\nC\"];\n}\n",
        );
    }
}
