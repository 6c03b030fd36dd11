//! Rule x object -> queries.

use std::cell::OnceCell;
use std::sync::Arc;

use minijinja::Value;

use super::quick::{Known, Outcome, Program};
use super::{RuleSet, compile, template};
use crate::model::{Alternatives, Class, Object, clean};

/// The line between queries of which the later ones are asked only if the earlier ones found
/// nothing.
pub(super) const OTHERWISE: &str = "otherwise";

/// How many times a rule may say so, and one: they are asked one after the other.
const STEPS: usize = 12;

/// An object as templates see it; made once and used for all rules. What few rules need is made
/// when the first of them asks for it.
#[derive(Debug)]
pub struct View<'o> {
    rules: &'o RuleSet,
    object: &'o Object,
    labels: OnceCell<Arc<template::Labels>>,
    root: OnceCell<Value>,
}

impl View<'_> {
    pub(super) fn labels(&self) -> &Arc<template::Labels> {
        let rules = self.rules;
        self.labels.get_or_init(|| Arc::new(rules.subjects.read(self.object, &rules.vocabulary)))
    }

    fn root(&self) -> &Value {
        let labels = || Arc::clone(self.labels());
        self.root.get_or_init(|| template::root(&self.object.body, labels()))
    }
}

/// What a rule makes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// These queries, each once and at least one, in the order of the template.
    Queries(Alternatives),
    /// Something that the rule needs is not there, which is normal.
    DoesNotApply,
    /// The rule is wrong, or the object is one that its author did not think of.
    Fault(String),
}

impl RuleSet {
    /// Makes an object readable for templates.
    pub fn view<'o>(&'o self, object: &'o Object) -> View<'o> {
        View { rules: self, object, labels: OnceCell::new(), root: OnceCell::new() }
    }

    /// Applies the rule of a number to an object of one of its start classes.
    pub fn apply(&self, rule: usize, view: &View<'_>) -> Applied {
        let program = self.program(rule);
        let labels = || &**view.labels();
        let known = Known { body: &view.object.body, labels: &labels, words: &self.vocabulary };
        match program.map_or(Outcome::Unsure, |program| program.run(&known)) {
            Outcome::DoesNotApply => Applied::DoesNotApply,
            Outcome::Unsure => self.render(rule, view),
            Outcome::Printed(text) => match self.queries(rule, &text) {
                // The words of a fault quote what the engine prints.
                Applied::Fault(_) => self.render(rule, view),
                applied => applied,
            },
        }
    }

    fn program(&self, rule: usize) -> Option<&Program> {
        let program = || Program::of(&self.rules[rule].query, &self.domains);
        self.programs[rule].get_or_init(program).as_ref()
    }

    /// Makes all rules ready to be applied, as each would be when it first is. That takes some
    /// milliseconds, which are best spent while the first answers are waited for.
    pub fn warm(&self) {
        for rule in 0..self.rules.len() {
            self.program(rule);
        }
    }

    /// The same by the template engine alone.
    pub(super) fn render(&self, rule: usize, view: &View<'_>) -> Applied {
        match template::render(&self.templates, &compile::template_name(rule), view.root()) {
            Ok(Some(text)) => self.queries(rule, &text),
            Ok(None) => Applied::DoesNotApply,
            Err(fault) => Applied::Fault(fault),
        }
    }

    /// Why the rule of a number does not apply, for who writes it.
    pub fn why(&self, rule: usize, view: &View<'_>) -> String {
        let name = compile::template_name(rule);
        let Some(line) = template::missing_at(&self.templates, &name, view.root()) else {
            return "the template prints no query".to_owned();
        };
        let text = self.rules[rule].query.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        format!("a value is missing or empty in line {line} of its query: {}", clean(text.trim()))
    }

    fn queries(&self, rule: usize, text: &str) -> Applied {
        let mut queries = Alternatives::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line == OTHERWISE {
                queries.otherwise();
                continue;
            }
            // The object may name a kind that the cluster does not have; the rule may not.
            let own = |name: &str| self.rules[rule].query.contains(name);
            let query = match self.domains.query_or_skip(line, |name| !own(name)) {
                Ok(Some(query)) => query,
                Ok(None) => continue,
                Err(fault) => return Applied::Fault(format!("{fault}\n  in {}", clean(line))),
            };
            if !self.leads_to(rule, query.class()) {
                return Applied::Fault(format!(
                    "the query is for {}, which is no goal of the rule: {}",
                    query.class(),
                    clean(query.text())
                ));
            }
            queries.push(query);
        }
        match queries.steps().count() {
            0 => Applied::DoesNotApply,
            many if many > STEPS => Applied::Fault(format!(
                "it tries {many} things one after the other, and {STEPS} at the most are allowed"
            )),
            _ => Applied::Queries(queries),
        }
    }

    fn leads_to(&self, rule: usize, class: &Class) -> bool {
        self.rules[rule].goal.iter().any(|goal| goal.admits(class))
    }
}
