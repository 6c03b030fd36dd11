//! How bad an object is, and the word for it: tables of paths and values, kept as data in
//! `rules/status.yaml`.

use std::collections::HashMap;

use serde_json::Value;

use super::file::Reader;
use super::pattern::{Aliases, Index, Pattern};
use super::quantity::quantity;
use super::yaml::{Entry, Kind, Node, Place};
use crate::model::{Body, Domains, Object, Path, Severity, Text, clean};

/// All checks, found by class.
#[derive(Clone, Debug, Default)]
pub(super) struct Statuses {
    checks: Vec<Check>,
    index: Index,
    /// Words that many objects share.
    words: HashMap<String, Text>,
}

/// One path and what its values mean.
#[derive(Clone, Debug)]
struct Check {
    patterns: Vec<Pattern>,
    path: Path,
    /// Value (in lower case) -> severity.
    values: HashMap<String, Severity>,
    /// What any other value means.
    other: Option<Severity>,
    /// A number beyond a bound has its severity; the worst that holds counts.
    bounds: Vec<Bound>,
    /// The value if the path leads nowhere.
    missing: Option<Value>,
    when: Vec<Condition>,
    unless: Vec<Condition>,
    /// The word, in which `{}` stands for the value; else the value itself.
    say: Option<String>,
    /// Where the word stands, if not in the value.
    word: Option<Path>,
}

#[derive(Clone, Debug)]
struct Bound {
    severity: Severity,
    side: Side,
    limit: Limit,
}

/// Which numbers are beyond a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Above,
    Below,
    /// The bound itself, if it is not 0, and all above it.
    Reaches,
}

#[derive(Clone, Debug)]
enum Limit {
    Number(f64),
    /// A number in the same body.
    At(Path),
}

#[derive(Clone, Debug)]
struct Condition {
    path: Path,
    /// In lower case; empty for "anything that is there".
    values: Vec<String>,
}

impl Statuses {
    /// Takes over an entry of the section `status`. A check replaces an earlier one for the same
    /// classes with the same path, so a user's file can change what a built-in one says.
    pub(super) fn extend(
        &mut self,
        node: &Node,
        aliases: &Aliases,
        domains: &Domains,
        reader: &mut Reader,
    ) {
        let (mut patterns, mut checks) = (None, Vec::new());
        for Entry { key, value, .. } in reader.fields(node, "a status entry", &["for", "checks"]) {
            if key == "for" {
                let words = reader.words(value, "for");
                patterns = aliases.resolve(&words, domains, reader);
            } else {
                checks.extend(reader.items(value, "checks"));
            }
        }
        let Some(patterns) = patterns else { return };
        let mut added: Vec<Check> = Vec::new();
        for node in checks {
            added.extend(check(node, &patterns, reader));
        }
        self.checks.retain(|old| {
            !added.iter().any(|new| new.path == old.path && same(&new.patterns, &old.patterns))
        });
        self.checks.extend(added);
    }

    /// Builds the index; to be called once after all files.
    pub(super) fn index(&mut self) {
        for (number, check) in self.checks.iter().enumerate() {
            for pattern in &check.patterns {
                self.index.add(pattern, number);
            }
            let words = check.values.keys().map(|word| (word.clone(), Text::from(word.as_str())));
            self.words.extend(words);
        }
    }

    /// Sets severity and status: of all that is found the worst, and of those the first.
    pub(super) fn judge(&self, object: &mut Object) {
        let numbers = self.index.of(&object.class).into_iter();
        let mut worst: Option<(Severity, String)> = None;
        for (severity, word) in numbers.filter_map(|number| self.checks[number].judge(&object.body))
        {
            if worst.as_ref().is_none_or(|(known, _)| severity > *known) {
                worst = Some((severity, word));
            }
        }
        let (severity, word) = worst.unwrap_or_default();
        object.severity = severity;
        object.status = self.words.get(&word).cloned().unwrap_or_else(|| clean(&word).into());
    }
}

impl Check {
    fn judge(&self, body: &Body) -> Option<(Severity, String)> {
        let mut found = self.path.find_in(body);
        if found.is_empty() {
            found.extend(&self.missing);
        }
        let mut worst: Option<(Severity, &Value)> = None;
        for value in found {
            let Some(severity) = self.severity(value, body) else { continue };
            if worst.is_none_or(|(known, _)| severity > known) {
                worst = Some((severity, value));
            }
        }
        let full = self.full(body).map(|(severity, name)| (severity, Value::from(name)));
        let (severity, value) =
            worst.or(full.as_ref().map(|(severity, name)| (*severity, name)))?;
        let holds = |condition: &Condition| condition.holds(body);
        if !self.when.iter().all(holds) || self.unless.iter().any(holds) {
            return None;
        }
        let elsewhere =
            self.word.as_ref().and_then(|path| path.find_in(body).first().map(|v| text(v)));
        let word = elsewhere.filter(|word| !word.is_empty()).unwrap_or_else(|| match &self.say {
            Some(say) => say.replace("{}", &text(value)),
            None => text(value),
        });
        Some((severity, word))
    }

    /// Where the path leads to a map of numbers and the bound to another: the first name whose
    /// number reaches its bound, as `limits.cpu` of a used-up quota.
    fn full<'b>(&self, body: &'b Body) -> Option<(Severity, &'b str)> {
        let bound = self.bounds.iter().find(|bound| bound.side == Side::Reaches)?;
        let Limit::At(limit) = &bound.limit else { return None };
        let map = |path: &Path| path.find_in(body).first().and_then(|value| value.as_object());
        let (numbers, limits) = (map(&self.path)?, map(limit)?);
        let reached = |(name, number): &(&String, &Value)| {
            let pair = quantity(number).zip(limits.get(*name).and_then(quantity));
            pair.is_some_and(|(number, limit)| bound.side.is_beyond(number, limit))
        };
        numbers.iter().find(reached).map(|(name, _)| (bound.severity, name.as_str()))
    }

    fn severity(&self, value: &Value, body: &Body) -> Option<Severity> {
        if !self.bounds.is_empty()
            && let Some(number) = quantity(value)
        {
            let broken = self.bounds.iter().filter(|bound| bound.is_broken(number, body));
            if let Some(severity) = broken.map(|bound| bound.severity).max() {
                return Some(severity);
            }
        }
        if value.is_null() {
            return None;
        }
        self.values.get(&text(value).to_lowercase()).copied().or(self.other)
    }
}

impl Bound {
    fn is_broken(&self, number: f64, body: &Body) -> bool {
        let limit = match &self.limit {
            Limit::Number(limit) => Some(*limit),
            Limit::At(path) => path.find_in(body).first().and_then(|value| quantity(value)),
        };
        limit.is_some_and(|limit| self.side.is_beyond(number, limit))
    }
}

impl Side {
    fn is_beyond(self, number: f64, limit: f64) -> bool {
        match self {
            Self::Above => number > limit,
            Self::Below => number < limit,
            Self::Reaches => limit > 0.0 && number >= limit,
        }
    }
}

impl Condition {
    fn holds(&self, body: &Body) -> bool {
        let found = self.path.find_in(body);
        if self.values.is_empty() {
            return !found.is_empty();
        }
        found.iter().any(|value| self.values.contains(&text(value).to_lowercase()))
    }
}

/// A scalar as it prints; nothing for a list or map, which is no word.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        scalar => scalar.to_string(),
    }
}

const KEYS: [&str; 14] = [
    "path", "error", "warning", "info", "none", "else", "above", "below", "reaches", "missing",
    "when", "unless", "say", "word",
];

/// Whether both mean the same classes, with or without versions.
fn same(one: &[Pattern], other: &[Pattern]) -> bool {
    let words = |patterns: &[Pattern]| patterns.iter().map(Pattern::to_string).collect::<Vec<_>>();
    words(one) == words(other)
}

fn check(node: &Node, patterns: &[Pattern], reader: &mut Reader) -> Option<Check> {
    let before = reader.faults.len();
    let (mut path, mut word, mut say, mut other) = (None, None, None, None);
    let (mut values, mut limits, mut missing) = (HashMap::new(), Vec::new(), None);
    let (mut when, mut unless) = (Vec::new(), Vec::new());
    for Entry { key, value, .. } in reader.fields(node, "a check", &KEYS) {
        match key.as_str() {
            "path" => path = path_of(value, reader),
            "word" => word = path_of(value, reader),
            "say" => say = reader.word(value, "say").map(|word| word.text),
            "else" => other = severity(&reader.word(value, "else")?.text, value.at, reader),
            "above" => limits.extend(bounds(value, Side::Above, reader)),
            "below" => limits.extend(bounds(value, Side::Below, reader)),
            "reaches" => limits.extend(bounds(value, Side::Reaches, reader)),
            "missing" => missing = Some(value.value()),
            "when" => when = conditions(value, reader),
            "unless" => unless = conditions(value, reader),
            level => {
                let level = severity(level, value.at, reader)?;
                let words = reader.words(value, "a value").into_iter();
                values.extend(words.map(|word| (word.text.to_lowercase(), level)));
            }
        }
    }
    if path.is_none() && reader.faults.len() == before {
        reader.fault(node.at, "the check has no path");
    }
    let patterns = patterns.to_vec();
    let path = path.filter(|_| reader.faults.len() == before)?;
    let bounds = limits;
    Some(Check { patterns, path, values, other, bounds, missing, when, unless, say, word })
}

fn path_of(node: &Node, reader: &mut Reader) -> Option<Path> {
    let word = reader.word(node, "path")?;
    word.text.parse::<Path>().map_err(|fault| reader.fault(node.at, fault.to_string())).ok()
}

fn severity(word: &str, at: Place, reader: &mut Reader) -> Option<Severity> {
    let all = [Severity::None, Severity::Info, Severity::Warning, Severity::Error];
    let found = all.into_iter().find(|severity| severity.word() == word);
    if found.is_none() {
        reader.fault(at, format!("{word:?} is no severity: write error, warning, info or none"));
    }
    found
}

fn bounds(node: &Node, side: Side, reader: &mut Reader) -> Vec<Bound> {
    let mut bounds = Vec::new();
    let known = ["error", "warning", "info"];
    for Entry { key, value, .. } in reader.fields(node, "a bound", &known) {
        let limit = match value.value().as_f64() {
            Some(number) => Some(Limit::Number(number)),
            None => path_of(value, reader).map(Limit::At),
        };
        if let (Some(severity), Some(limit)) = (severity(key, value.at, reader), limit) {
            bounds.push(Bound { severity, side, limit });
        }
    }
    bounds
}

/// A map of paths to values, or a list of paths that only have to lead to something.
fn conditions(node: &Node, reader: &mut Reader) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let mut add = |path: &str, at, values, reader: &mut Reader| match path.parse::<Path>() {
        Ok(path) => conditions.push(Condition { path, values }),
        Err(fault) => reader.fault(at, fault.to_string()),
    };
    if let Kind::Map(entries) = &node.kind {
        for Entry { key, at, value } in entries {
            let words = reader.words(value, "a value").into_iter();
            add(key, *at, words.map(|word| word.text.to_lowercase()).collect(), reader);
        }
    } else {
        for word in reader.words(node, "a path") {
            add(&word.text, word.at, Vec::new(), reader);
        }
    }
    conditions
}
