//! What labels are about: the most specific label names the subject, unless it belongs to the
//! messenger, the exporter that reports on somebody else.

use regex::Regex;
use serde_json::Value;

use super::file::Reader;
use super::template::Labels;
use super::yaml::{Entry, Kind, Node};
use crate::model::{Body, Object, Path, Vocabulary, clean};

/// Terms for what is in no namespace, whatever the labels say.
pub(super) const CLUSTER_WIDE: [&str; 6] =
    ["pv", "node", "storageclass", "namespace", "address", "scrape"];

/// The section `subjects` of the rule files.
#[derive(Clone, Debug, Default)]
pub(super) struct Subjects {
    /// Terms of the vocabulary, the most specific first.
    order: Vec<String>,
    messengers: Vec<Messenger>,
}

/// Says when labels are about the exporter.
#[derive(Clone, Debug)]
struct Messenger {
    /// All of these must hold.
    when: Vec<(Path, Vec<Regex>)>,
    /// None of these may hold.
    unless: Vec<(Path, Vec<Regex>)>,
    /// Names of labels that are the exporter's own.
    hides: Vec<String>,
}

impl Subjects {
    /// Takes over a section: its order replaces, its messengers are added.
    pub(super) fn extend(&mut self, node: &Node, words: &Vocabulary, reader: &mut Reader) {
        for Entry { key, value, .. } in reader.fields(node, "subjects", &["order", "messengers"]) {
            if key == "order" {
                let order = reader.words(value, "order");
                for word in &order {
                    if !words.terms().any(|term| term == word.text) {
                        let message = super::pattern::unknown("term", &word.text, words.terms());
                        reader.fault(word.at, message);
                    }
                }
                self.order = order.into_iter().map(|word| word.text).collect();
            } else {
                let items = reader.items(value, "messengers");
                self.messengers.extend(items.iter().map(|item| messenger(item, reader)));
            }
        }
    }

    /// The labels of an object, and what they are about.
    pub(super) fn read(&self, object: &Object, words: &Vocabulary) -> Labels {
        let carrier = object.class.domain().to_owned();
        let Some(all) = object.body.get("labels").and_then(Value::as_object) else {
            return Labels { carrier, ..Labels::default() };
        };
        let mut own = all.clone();
        for messenger in &self.messengers {
            if messenger.speaks(&object.body) {
                own.retain(|name, _| !messenger.hides.contains(name));
            }
        }
        let subject = self.order.iter().find_map(|term| {
            words.read(&carrier, term, &own).map(|value| (term.clone(), value.to_owned()))
        });
        Labels { carrier, own, subject }
    }

    /// What a signal is about, for people: `shop/db-0`, `node-4`, empty if unknown.
    pub(super) fn about(&self, object: &Object, words: &Vocabulary) -> String {
        let labels = self.read(object, words);
        let Some((term, value)) = &labels.subject else { return String::new() };
        let namespace = words.read(&labels.carrier, "namespace", &labels.own);
        match namespace.filter(|_| !CLUSTER_WIDE.contains(&term.as_str())) {
            Some(namespace) => clean(&format!("{namespace}/{value}")),
            None => clean(value),
        }
    }
}

impl Messenger {
    fn speaks(&self, body: &Body) -> bool {
        let holds = |(path, globs): &(Path, Vec<Regex>)| {
            let mut found = path.find_in(body).into_iter().filter_map(Value::as_str);
            found.any(|text| globs.iter().any(|glob| glob.is_match(text)))
        };
        self.when.iter().all(holds) && !self.unless.iter().any(holds)
    }
}

fn messenger(node: &Node, reader: &mut Reader) -> Messenger {
    let mut read = Messenger { when: Vec::new(), unless: Vec::new(), hides: Vec::new() };
    for Entry { key, value, .. } in reader.fields(node, "a messenger", &["when", "unless", "hides"])
    {
        match key.as_str() {
            "when" => read.when = conditions(value, reader),
            "unless" => read.unless = conditions(value, reader),
            _ => read.hides = reader.words(value, "hides").into_iter().map(|w| w.text).collect(),
        }
    }
    read
}

fn conditions(node: &Node, reader: &mut Reader) -> Vec<(Path, Vec<Regex>)> {
    let Kind::Map(entries) = &node.kind else {
        reader.fault(node.at, "conditions must be a map: path -> patterns");
        return Vec::new();
    };
    let mut conditions = Vec::new();
    for Entry { key, at, value } in entries {
        let globs = reader.words(value, "a pattern").iter().filter_map(|w| glob(&w.text)).collect();
        match key.parse::<Path>() {
            Ok(path) => conditions.push((path, globs)),
            Err(fault) => reader.fault(*at, fault.to_string()),
        }
    }
    conditions
}

/// A pattern in which `*` stands for anything.
fn glob(text: &str) -> Option<Regex> {
    let parts: Vec<String> = text.split('*').map(regex::escape).collect();
    Regex::new(&format!("^(?s:{})$", parts.join(".*"))).ok()
}
