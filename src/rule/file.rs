//! The shape of a rule file. Reads as much as there is: a faulty entry is reported and left out.

use std::sync::Arc;

use super::fault::{RuleError, RuleFile, Spot};
use super::yaml::{Entry, Kind, Node, Place};
use crate::model::similar;

/// A word and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: Place,
}

/// What a file says, as it is written there.
#[derive(Debug, Default)]
pub(super) struct Sections {
    pub(super) aliases: Vec<(Word, Vec<Word>)>,
    pub(super) rules: Vec<RawRule>,
    pub(super) disable: Vec<Word>,
    pub(super) status: Vec<Node>,
    pub(super) subjects: Option<Node>,
    pub(super) components: Option<Node>,
    pub(super) vocabulary: Option<Node>,
}

#[derive(Debug)]
pub(super) struct RawRule {
    pub(super) name: Word,
    pub(super) about: String,
    pub(super) start: Vec<Word>,
    pub(super) goal: Vec<Word>,
    pub(super) cost: u32,
    pub(super) query: Word,
    pub(super) examples: Vec<RawExample>,
}

#[derive(Debug)]
pub(super) struct RawExample {
    pub(super) at: Place,
    pub(super) class: Option<Word>,
    pub(super) given: serde_json::Value,
    pub(super) expect: Vec<String>,
}

/// Reads one file and gathers its faults.
pub(super) struct Reader {
    file: Arc<RuleFile>,
    pub(super) faults: Vec<RuleError>,
}

impl Reader {
    pub(super) fn new(file: &RuleFile) -> Self {
        Self { file: Arc::new(file.clone()), faults: Vec::new() }
    }

    pub(super) fn spot(&self, at: Place) -> Spot {
        Spot { file: Arc::clone(&self.file), at }
    }

    pub(super) fn fault(&mut self, at: Place, message: impl Into<String>) {
        let fault = self.spot(at).fault(message);
        self.faults.push(fault);
    }

    pub(super) fn read(&mut self) -> Sections {
        let mut sections = Sections::default();
        let file = Arc::clone(&self.file);
        let root = match Node::parse(&file.text) {
            Ok(root) => root,
            Err((at, message)) => {
                self.fault(at, message);
                return sections;
            }
        };
        if matches!(root.kind, Kind::Scalar(serde_json::Value::Null)) {
            return sections;
        }
        let known =
            ["aliases", "components", "rules", "disable", "status", "subjects", "vocabulary"];
        for Entry { key, value, .. } in self.fields(&root, "a rule file", &known) {
            match key.as_str() {
                "aliases" => sections.aliases = self.aliases(value),
                "rules" => {
                    let items = self.items(value, "rules");
                    sections.rules = items.iter().filter_map(|item| self.rule(item)).collect();
                }
                "disable" => sections.disable = self.words(value, "disable"),
                "status" => sections.status = self.items(value, "status").to_vec(),
                "components" => sections.components = Some(value.clone()),
                "subjects" => sections.subjects = Some(value.clone()),
                _ => sections.vocabulary = Some(value.clone()),
            }
        }
        sections
    }

    fn aliases(&mut self, node: &Node) -> Vec<(Word, Vec<Word>)> {
        let Kind::Map(entries) = &node.kind else {
            self.fault(node.at, "aliases must be a map: name -> list of classes");
            return Vec::new();
        };
        let named = entries.iter().map(|Entry { key, at, value }| {
            (Word { text: key.clone(), at: *at }, self.words(value, "an alias"))
        });
        named.collect()
    }

    fn rule(&mut self, node: &Node) -> Option<RawRule> {
        let known = ["name", "about", "start", "goal", "cost", "query", "examples"];
        let before = self.faults.len();
        let (mut name, mut about, mut start, mut goal) = (None, String::new(), None, None);
        let (mut cost, mut query, mut examples) = (1, None, Vec::new());
        for Entry { key, value, .. } in self.fields(node, "a rule", &known) {
            match key.as_str() {
                "name" => name = self.word(value, "name"),
                "about" => about = self.word(value, "about").map(|w| w.text).unwrap_or_default(),
                "start" => start = Some(self.words(value, "start")),
                "goal" => goal = Some(self.words(value, "goal")),
                "cost" => cost = self.cost(value),
                "query" => query = self.word(value, "query"),
                _ => {
                    let items = self.items(value, "examples");
                    examples = items.iter().filter_map(|item| self.example(item)).collect();
                }
            }
        }
        if !matches!(node.kind, Kind::Map(_)) {
            return None;
        }
        if self.faults.len() == before {
            let there = [name.is_some(), start.is_some(), goal.is_some(), query.is_some()];
            let keys = ["name", "start", "goal", "query"].into_iter().zip(there);
            let gaps: Vec<&str> = keys.filter(|(_, there)| !there).map(|(key, _)| key).collect();
            if !gaps.is_empty() {
                self.fault(node.at, format!("the rule has no {}", gaps.join(", no ")));
            }
        }
        if let Some(query) = query.as_ref().filter(|query| query.text.trim().is_empty()) {
            self.fault(query.at, "the query is empty: the rule could never find anything");
        }
        if self.faults.len() > before {
            return None;
        }
        let (name, start, goal, query) = (name?, start?, goal?, query?);
        Some(RawRule { name, about, start, goal, cost, query, examples })
    }

    fn cost(&mut self, node: &Node) -> u32 {
        let cost = node.value().as_u64().and_then(|cost| u32::try_from(cost).ok());
        cost.filter(|cost| (1..=1000).contains(cost)).unwrap_or_else(|| {
            self.fault(node.at, "cost must be a number from 1 to 1000");
            1
        })
    }

    fn example(&mut self, node: &Node) -> Option<RawExample> {
        let (mut class, mut given, mut expect) = (None, None, None);
        let known = ["class", "given", "expect"];
        for Entry { key, value, .. } in self.fields(node, "an example", &known) {
            match key.as_str() {
                "class" => class = self.word(value, "class"),
                "given" => given = Some(value.value()),
                _ => {
                    let words = self.words(value, "expect");
                    expect = Some(words.into_iter().map(|word| word.text).collect());
                }
            }
        }
        if let (Some(given), Some(expect)) = (given, expect) {
            return Some(RawExample { at: node.at, class, given, expect });
        }
        if matches!(node.kind, Kind::Map(_)) {
            self.fault(node.at, "an example needs `given` (a body) and `expect` (its queries)");
        }
        None
    }

    /// The entries of a map with known keys; each unknown key is a fault.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&str],
    ) -> Vec<&'n Entry> {
        let Kind::Map(entries) = &node.kind else {
            self.fault(node.at, format!("{what} must be a map with {}", known.join(", ")));
            return Vec::new();
        };
        let (good, bad): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| known.contains(&entry.key.as_str()));
        for entry in bad {
            let near = similar(&entry.key, known.iter().copied());
            let hint = match near.first() {
                Some(near) => format!("did you mean {near}?"),
                None => format!("known are {}", known.join(", ")),
            };
            self.fault(entry.at, format!("unknown key {:?} in {what}; {hint}", entry.key));
        }
        good
    }

    pub(super) fn items<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.kind {
            Kind::List(items) => items,
            Kind::Scalar(serde_json::Value::Null) => &[],
            _ => {
                self.fault(node.at, format!("{what} must be a list"));
                &[]
            }
        }
    }

    pub(super) fn word(&mut self, node: &Node, what: &str) -> Option<Word> {
        let word = node.text().map(|text| Word { text, at: node.at });
        if word.is_none() {
            self.fault(node.at, format!("{what} must be a text"));
        }
        word
    }

    /// One text or a list of texts.
    pub(super) fn words(&mut self, node: &Node, what: &str) -> Vec<Word> {
        match &node.kind {
            Kind::List(items) => items.iter().filter_map(|item| self.word(item, what)).collect(),
            _ => self.word(node, what).into_iter().collect(),
        }
    }
}
