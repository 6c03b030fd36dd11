//! The loader and the templates, on domains small enough to read here.

mod apply;
mod loader;
mod same;

use serde_json::Value;

use super::*;
use crate::model::{Domain, Query, Selector, SelectorError};

/// A domain whose selectors are JSON, and which has a few classes, or all of them.
struct Fake(&'static str, &'static [&'static str]);

#[derive(Debug)]
struct Json(Value);

impl Selector for Json {
    fn text(&self) -> String {
        self.0.to_string()
    }

    fn matches(&self, _: &Object) -> Option<bool> {
        None
    }
}

impl Domain for Fake {
    fn name(&self) -> &'static str {
        self.0
    }

    fn about(&self) -> &'static str {
        "A fake."
    }

    fn classes(&self) -> Vec<Class> {
        self.1.iter().map(|name| Class::new(self.0, name)).collect()
    }

    fn class(&self, name: &str) -> Option<Class> {
        if self.1.is_empty() {
            return Some(Class::new(self.0, name));
        }
        let known =
            self.1.iter().find(|known| **known == name || known.starts_with(&format!("{name}.")));
        known.map(|known| Class::new(self.0, known))
    }

    fn parse(&self, class: &Class, selector: &str) -> Result<Query, SelectorError> {
        Ok(Query::new(class.clone(), Json(SelectorError::parse_yaml(selector)?)))
    }

    fn object(&self, class: &Class, body: Value) -> Object {
        Object::new(class.clone(), "id", body)
    }
}

fn domains() -> Domains {
    Domains::new(vec![
        Arc::new(Fake("k8s", &["Pod.v1", "Event.v1", "Node.v1", "Deployment.v1.apps"])),
        Arc::new(Fake("alert", &["alert"])),
        Arc::new(Fake("log", &["application", "infrastructure"])),
    ])
}

fn load(texts: &[&str]) -> (RuleSet, Vec<RuleError>) {
    let file = |(number, text): (usize, &&str)| RuleFile {
        name: format!("file{number}.yaml"),
        text: (*text).to_owned(),
    };
    let files: Vec<RuleFile> = texts.iter().enumerate().map(file).collect();
    RuleSet::load(&domains(), &files)
}
