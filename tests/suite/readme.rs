//! The README tells what the program does.

use std::fs;
use std::path::Path;

use korrel8::domain;
use korrel8::model::{Severity, Vocabulary};
use korrel8::rule::{RuleFile, RuleSet};
use serde_json::json;

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    fs::read_to_string(path).expect("the README")
}

#[test]
fn the_rules_that_one_is_told_to_write_work() {
    let text = readme();
    let (_, rest) =
        text.split_once("<!-- rules: a test checks these -->\n```yaml\n").expect("rules");
    let (own, _) = rest.split_once("```").expect("their end");
    let domains = domain::all(&Vocabulary::builtin());
    let mut files = RuleSet::builtin_files();
    files.push(RuleFile { name: "database.yaml".to_owned(), text: own.to_owned() });
    let (set, mut faults) = RuleSet::load(&domains, &files);
    faults.extend(set.check());
    assert_eq!(faults, []);
    let own: Vec<_> = set.rules().iter().filter(|rule| rule.origin == "database.yaml").collect();
    assert_eq!(own.len(), 4);
    assert!(own.iter().all(|rule| !rule.examples.is_empty() && !rule.about.is_empty()));
    let class = domains.class("k8s:Database.v1.example.com").expect("a class");
    let mut orders = domains.object(&class, json!({"status": {"state": "Lagging"}})).expect("it");
    set.judge(&mut orders);
    assert_eq!((orders.severity, orders.status.as_str()), (Severity::Warning, "Lagging"));
}

#[test]
fn the_key_table_is_that_of_the_program() {
    let text = readme();
    let (_, rest) = text.split_once("readme.rs -->\n").expect("the start of the table");
    let (table, _) = rest.split_once("<!-- /keys -->").expect("the end of the table");
    assert_eq!(
        table.trim(),
        korrel8::tui::key_table().trim(),
        "the table in README.md is not that of src/tui/action.rs"
    );
}
