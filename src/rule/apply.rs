//! Rule x object -> queries.

use minijinja::Value;

use super::{RuleSet, compile, template};
use crate::model::{Class, Object, ParseError, Query, clean};

/// An object as templates see it; made once and used for all rules.
#[derive(Clone, Debug)]
pub struct View {
    root: Value,
}

/// What a rule makes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// These queries, each once and at least one, in the order of the template.
    Queries(Vec<Query>),
    /// Something that the rule needs is not there, which is normal.
    DoesNotApply,
    /// The rule is wrong, or the object is one that its author did not think of.
    Fault(String),
}

impl RuleSet {
    /// Makes an object readable for templates.
    pub fn view(&self, object: &Object) -> View {
        let labels = self.subjects.read(object, &self.vocabulary);
        View { root: template::root(&object.body, labels) }
    }

    /// Applies the rule of a number to an object of one of its start classes.
    pub fn apply(&self, rule: usize, view: &View) -> Applied {
        match template::render(&self.templates, &compile::template_name(rule), &view.root) {
            Ok(Some(text)) => self.queries(rule, &text),
            Ok(None) => Applied::DoesNotApply,
            Err(fault) => Applied::Fault(fault),
        }
    }

    fn queries(&self, rule: usize, text: &str) -> Applied {
        let mut queries: Vec<Query> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let query = match self.domains.query(line) {
                Ok(query) => query,
                Err(ParseError::UnknownClass { name, .. })
                    if !self.rules[rule].query.contains(&name) =>
                {
                    // The object named the kind, and the cluster does not have it.
                    continue;
                }
                Err(fault) => return Applied::Fault(format!("{fault}\n  in {}", clean(line))),
            };
            if !self.leads_to(rule, query.class()) {
                return Applied::Fault(format!(
                    "the query is for {}, which is no goal of the rule: {}",
                    query.class(),
                    clean(query.text())
                ));
            }
            if !queries.contains(&query) {
                queries.push(query);
            }
        }
        if queries.is_empty() { Applied::DoesNotApply } else { Applied::Queries(queries) }
    }

    fn leads_to(&self, rule: usize, class: &Class) -> bool {
        self.rules[rule].goal.iter().any(|goal| goal.admits(class))
    }
}
