//! The rule room as the search sees it.

use std::sync::Arc;

use super::plan::Outline;
use super::search::Rules;
use crate::graph::Place;
use crate::model::{Alternatives, Class, Object};
use crate::rule::{Applied, Pattern, RuleSet};

impl Rules for RuleSet {
    fn starting_at(&self, class: &Class) -> Vec<usize> {
        Self::starting_at(self, class).collect()
    }

    fn rule(&self, rule: usize) -> (Arc<str>, u32) {
        let rule = &self.rules()[rule];
        (Arc::clone(&rule.name), rule.cost)
    }

    fn apply(&self, object: &Object, rules: &[usize]) -> Vec<Result<Alternatives, String>> {
        let view = self.view(object);
        let outcome = |&rule: &usize| match Self::apply(self, rule, &view) {
            Applied::Queries(queries) => Ok(queries),
            Applied::DoesNotApply => Ok(Alternatives::default()),
            Applied::Fault(message) => Err(message),
        };
        rules.iter().map(outcome).collect()
    }

    fn judge(&self, object: &mut Object) {
        Self::judge(self, object);
    }
}

/// The rules as a plan sees them.
pub(super) fn outlines(rules: &RuleSet) -> Vec<Outline> {
    let place = |pattern: &Pattern| match pattern {
        Pattern::Class(class) | Pattern::Kind(class) => Place::Class(class.clone()),
        Pattern::Any(domain) => Place::Any(domain.clone()),
    };
    rules
        .rules()
        .iter()
        .map(|rule| Outline {
            name: Arc::clone(&rule.name),
            start: rule.start.iter().map(place).collect(),
            goal: rule.goal.iter().map(place).collect(),
            cost: rule.cost,
        })
        .collect()
}
