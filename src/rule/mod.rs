//! What follows from what: rules as data.
//!
//! A [`Rule`] connects start classes to goal classes with a template that turns a start object
//! into queries. A [`RuleSet`] is loaded from YAML files, the built-in ones in `rules/` and the
//! user's; it also knows how bad an object is ([`RuleSet::judge`]). Everything here is pure.

#![deny(clippy::disallowed_methods, reason = "pure room")]

mod apply;
mod builtin;
mod compile;
mod example;
mod fault;
mod file;
mod narrow;
mod pattern;
mod quantity;
mod quick;
mod status;
mod subject;
mod template;
#[cfg(test)]
mod tests;
mod words;
mod yaml;

use std::sync::{Arc, OnceLock};

pub use apply::{Applied, View};
pub use example::Example;
pub use fault::{RuleError, RuleFile};
pub use pattern::Pattern;
pub use words::{WORDS, Word};

use crate::model::{Class, Domains, Object, Vocabulary};

/// Rules, ready to be applied. Cheap to share in an [`Arc`].
#[derive(Clone)]
pub struct RuleSet {
    rules: Vec<Rule>,
    domains: Domains,
    vocabulary: Arc<Vocabulary>,
    statuses: status::Statuses,
    subjects: subject::Subjects,
    /// One template per rule, named by its number.
    templates: minijinja::Environment<'static>,
    /// What the rules come to without the template engine, each made when it is first needed.
    programs: Vec<OnceLock<Option<quick::Program>>>,
    /// Numbers of the rules by where they start.
    starts: pattern::Index,
}

/// From start classes to goal classes.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Unique in the set, as `PodToLogs`.
    pub name: Arc<str>,
    /// What it finds, in a sentence.
    pub about: String,
    /// Where it starts.
    pub start: Vec<Pattern>,
    /// What its queries are for.
    pub goal: Vec<Pattern>,
    /// At least 1; broad rules cost more.
    pub cost: u32,
    /// The file that it comes from.
    pub origin: String,
    /// The template.
    pub query: String,
    /// What it makes of bodies.
    pub examples: Vec<Example>,
    at: fault::Spot,
}

impl RuleSet {
    /// The rules of the files. Later files add rules, replace those of the same name, or disable
    /// them. A faulty rule is left out and told of; the rest works. All faults come at once.
    pub fn load(domains: &Domains, files: &[RuleFile]) -> (Self, Vec<RuleError>) {
        compile::load(domains, files)
    }

    /// The rule files that are part of the program.
    pub fn builtin_files() -> Vec<RuleFile> {
        builtin::files()
    }

    /// The label names of the program and of the files together, for what is needed before the
    /// rules can be loaded. Faults are told of by [`RuleSet::load`].
    pub fn vocabulary_of(files: &[RuleFile]) -> Vocabulary {
        compile::vocabulary(files)
    }

    /// All rules. The index is the rule's number, and the order breaks ties.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Numbers of the rules that start at a class, in order.
    pub fn starting_at(&self, class: &Class) -> impl Iterator<Item = usize> + use<> {
        let mut numbers = self.starts.of(class);
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter()
    }

    /// Sets severity and status of an object, and what an alert is about.
    pub fn judge(&self, object: &mut Object) {
        self.statuses.judge(object);
        if object.class.domain() == "alert" && object.about.is_empty() {
            object.about = self.subjects.about(object, &self.vocabulary);
        }
    }

    /// The label names of all files together.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }
}

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuleSet").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}
