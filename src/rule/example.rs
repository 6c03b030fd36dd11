//! Examples: every rule shows what it does, and is held to it.

use super::apply::OTHERWISE;
use super::fault::{RuleError, Spot};
use super::{Applied, Pattern, Rule, RuleSet};
use crate::model::{Alternatives, Class, Object};

/// A body and the queries that a rule makes of it.
#[derive(Clone, Debug)]
pub struct Example {
    /// The class of the body, if it is not the first start of the rule.
    pub class: Option<Class>,
    /// The body.
    pub given: serde_json::Value,
    /// The queries; none if the rule does not apply. `otherwise` stands before those that are
    /// asked only if the ones before it find nothing.
    pub expect: Vec<String>,
    pub(super) at: Spot,
}

impl RuleSet {
    /// Runs the examples of all rules, and looks for classes in their queries that nobody knows,
    /// also where no example leads; what is not as it should be.
    pub fn check(&self) -> Vec<RuleError> {
        let mut faults = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            faults.extend(self.strange(rule).map(|message| rule.at.fault(message)));
            for example in &rule.examples {
                if let Err(message) = self.run(number, rule, example) {
                    faults.push(example.at.fault(format!("{}: {message}", rule.name)));
                }
            }
        }
        faults
    }

    /// What is wrong with a class that a query names in plain words.
    fn strange(&self, rule: &Rule) -> Option<String> {
        rule.query.lines().enumerate().find_map(|(number, line)| {
            let mut parts = line.trim().splitn(3, ':');
            let (domain, class, selector) = (parts.next()?, parts.next()?, parts.next()?);
            if !selector.starts_with('{') {
                return None;
            }
            let plain = |text: &str| !text.contains(['{', '%', ' ']);
            let fault = match self.domains.class(&format!("{domain}:{class}")) {
                _ if !plain(domain) || !plain(class) => return None,
                Err(fault) => fault.to_string(),
                Ok(class) if rule.goal.iter().any(|goal| goal.admits(&class)) => return None,
                Ok(class) => format!("{class} is no goal of the rule"),
            };
            Some(format!("{}: line {} of its query: {fault}", rule.name, number + 1))
        })
    }

    fn run(&self, number: usize, rule: &Rule, example: &Example) -> Result<(), String> {
        let mut expected = Vec::new();
        for text in &example.expect {
            if text == OTHERWISE {
                expected.push(text.clone());
                continue;
            }
            let query = self.domains.query(text).map_err(|fault| format!("expect: {fault}"))?;
            expected.push(query.text().to_owned());
        }
        let object = self.given(rule, example)?;
        let made = match self.apply(number, &self.view(&object)) {
            Applied::Queries(queries) => lines(&queries),
            Applied::DoesNotApply => Vec::new(),
            Applied::Fault(fault) => return Err(fault),
        };
        if made == expected {
            return Ok(());
        }
        let list = |queries: &[String]| match queries {
            [] => "  (does not apply)".to_owned(),
            some => some.iter().map(|query| format!("  {query}")).collect::<Vec<_>>().join("\n"),
        };
        Err(format!(
            "the example is not satisfied\nexpected\n{}\nmade\n{}",
            list(&expected),
            list(&made)
        ))
    }

    fn given(&self, rule: &Rule, example: &Example) -> Result<Object, String> {
        let class = match (&example.class, rule.start.first()) {
            (Some(class), _) | (None, Some(Pattern::Class(class) | Pattern::Kind(class))) => {
                class.clone()
            }
            (None, first) => {
                let domain = first.map_or("k8s", Pattern::domain);
                self.class_of(domain, &example.given)
                    .ok_or("the example needs a `class`, since the rule starts at many")?
            }
        };
        if !rule.start.iter().any(|start| start.admits(&class)) {
            return Err(format!("the rule does not start at {class}"));
        }
        self.domains.object(&class, example.given.clone()).map_err(|fault| fault.to_string())
    }

    /// The class that a Kubernetes body tells of itself.
    fn class_of(&self, domain: &str, body: &serde_json::Value) -> Option<Class> {
        let api_version = body.get("apiVersion")?.as_str()?;
        let kind = body.get("kind")?.as_str()?;
        let name = match api_version.split_once('/') {
            Some((group, version)) => format!("{kind}.{version}.{group}"),
            None => format!("{kind}.{api_version}"),
        };
        self.domains.class(&format!("{domain}:{name}")).ok()
    }
}

/// Queries as an example spells them.
fn lines(queries: &Alternatives) -> Vec<String> {
    let steps = queries.steps().map(|step| step.iter().map(|query| query.text().to_owned()));
    let mut lines: Vec<String> = Vec::new();
    for step in steps {
        if !lines.is_empty() {
            lines.push(OTHERWISE.to_owned());
        }
        lines.extend(step);
    }
    lines
}
