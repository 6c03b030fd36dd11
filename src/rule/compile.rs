//! Files -> rule set, with all faults at once.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::fault::{RuleError, RuleFile, Spot};
use super::file::{RawExample, RawRule, Reader, Sections, Word};
use super::pattern::{Aliases, Index, unknown};
use super::status::Statuses;
use super::subject::Subjects;
use super::yaml::Place;
use super::{Example, Rule, RuleSet, template};
use crate::model::{Domains, Vocabulary};

/// What a template is called in the environment.
pub(super) fn template_name(rule: usize) -> String {
    rule.to_string()
}

pub(super) fn load(domains: &Domains, files: &[RuleFile]) -> (RuleSet, Vec<RuleError>) {
    let mut build = Build {
        domains,
        vocabulary: Vocabulary::builtin(),
        aliases: Aliases::default(),
        statuses: Statuses::default(),
        subjects: Subjects::default(),
        rules: Vec::new(),
        disable: Vec::new(),
        faults: Vec::new(),
    };
    for file in files {
        build.file(file);
    }
    build.disable();
    build.finish()
}

pub(super) fn vocabulary(files: &[RuleFile]) -> Vocabulary {
    let mut vocabulary = Vocabulary::builtin();
    for file in files {
        let section = Reader::new(file).read().vocabulary;
        if let Some(Ok(more)) = section.map(|node| serde_json::from_value(node.value())) {
            vocabulary.extend(more);
        }
    }
    vocabulary
}

struct Build<'d> {
    domains: &'d Domains,
    vocabulary: Vocabulary,
    aliases: Aliases,
    statuses: Statuses,
    subjects: Subjects,
    rules: Vec<Rule>,
    disable: Vec<(String, Spot)>,
    faults: Vec<RuleError>,
}

impl Build<'_> {
    fn file(&mut self, file: &RuleFile) {
        let mut reader = Reader::new(file);
        let Sections { aliases, components, rules, disable, status, subjects, vocabulary } =
            reader.read();
        if let Some(node) = vocabulary {
            match serde_json::from_value(node.value()) {
                Ok(more) => self.vocabulary.extend(more),
                Err(fault) => reader.fault(node.at, format!("vocabulary: {fault}")),
            }
        }
        self.aliases.extend(&aliases, self.domains, &mut reader);
        if let Some(node) = subjects {
            self.subjects.extend(&node, &self.vocabulary, self.domains, &mut reader);
        }
        if let Some(node) = components {
            self.subjects.components(&node, &mut reader);
        }
        for node in &status {
            self.statuses.extend(node, &self.aliases, self.domains, &mut reader);
        }
        let mut names = BTreeMap::new();
        for raw in rules {
            if let Some(line) = names.insert(raw.name.text.clone(), raw.name.at.line) {
                let message = format!("a rule named {:?} is already on line {line}", raw.name.text);
                reader.fault(raw.name.at, message);
            } else if let Some(rule) = self.rule(raw, file, &mut reader) {
                self.add(rule);
            }
        }
        let words = disable.into_iter();
        self.disable.extend(words.map(|word| (word.text, reader.spot(word.at))));
        reader.faults.sort_by_key(|fault| (fault.line, fault.column));
        reader.faults.dedup();
        self.faults.append(&mut reader.faults);
    }

    fn rule(&self, raw: RawRule, file: &RuleFile, reader: &mut Reader) -> Option<Rule> {
        let before = reader.faults.len();
        let start = self.aliases.resolve(&raw.start, self.domains, reader);
        let goal = self.aliases.resolve(&raw.goal, self.domains, reader);
        syntax(&raw.query, file, reader);
        let at = reader.spot(raw.name.at);
        let read = raw.examples.into_iter().map(|example| self.example(example, reader));
        let examples = read.collect();
        let (start, goal) = (start?, goal?);
        (reader.faults.len() == before).then(|| Rule {
            name: raw.name.text.into(),
            about: raw.about.trim().to_owned(),
            start,
            goal,
            cost: raw.cost,
            origin: file.name.clone(),
            query: raw.query.text,
            examples,
            at,
        })
    }

    fn example(&self, raw: RawExample, reader: &mut Reader) -> Example {
        let class = raw.class.and_then(|word| match self.domains.class(&word.text) {
            Ok(class) => Some(class),
            Err(fault) => {
                reader.fault(word.at, fault.to_string());
                None
            }
        });
        let RawExample { at, given, expect, .. } = raw;
        Example { class, given, expect, at: reader.spot(at) }
    }

    /// Adds a rule, or puts it in the place of the one with its name.
    fn add(&mut self, rule: Rule) {
        match self.rules.iter_mut().find(|known| known.name == rule.name) {
            Some(known) => *known = rule,
            None => self.rules.push(rule),
        }
    }

    fn disable(&mut self) {
        for (name, spot) in std::mem::take(&mut self.disable) {
            if self.rules.iter().any(|rule| *rule.name == *name) {
                self.rules.retain(|rule| *rule.name != *name);
            } else {
                let names = self.rules.iter().map(|rule| &*rule.name);
                self.faults.push(spot.fault(unknown("rule", &name, names)));
            }
        }
    }

    fn finish(mut self) -> (RuleSet, Vec<RuleError>) {
        self.statuses.index();
        let vocabulary = Arc::new(self.vocabulary);
        let mut templates = template::environment(&vocabulary);
        let mut starts = Index::default();
        for (number, rule) in self.rules.iter().enumerate() {
            let added = templates.add_template_owned(template_name(number), rule.query.clone());
            if let Err(fault) = added {
                self.faults.push(rule.at.fault(template::words(&fault)));
            }
            for pattern in &rule.start {
                starts.add(pattern, number);
            }
        }
        let set = RuleSet {
            programs: vec![OnceLock::new(); self.rules.len()],
            rules: self.rules,
            domains: self.domains.clone(),
            vocabulary,
            statuses: self.statuses,
            subjects: self.subjects,
            templates,
            starts,
        };
        (set, self.faults)
    }
}

/// Reports a syntax error of a template on the line of the file where it is.
fn syntax(query: &Word, file: &RuleFile, reader: &mut Reader) {
    let Err(fault) = minijinja::Environment::new().template_from_str(&query.text) else { return };
    let line = query.at.line + fault.line().unwrap_or(1) - 1;
    let source = file.text.lines().nth(line - 1);
    let at = match source {
        Some(source) if line != query.at.line => {
            let indent = source.len() - source.trim_start().len();
            Place { line, column: indent + 1 }
        }
        _ => query.at,
    };
    reader.fault(at, template::words(&fault));
}
