//! `rules`: list them, or check them.

use std::path::{Path, PathBuf};

use color_eyre::eyre::{self, Context as _};
use serde_json::{Value, json};

use super::args::{Format, Global};
use super::print::{json, yaml};
use super::{Outcome, emit, note, rule_graph, usage, wire};
use crate::model::{Class, Domains, Vocabulary};
use crate::rule::{Pattern, Rule, RuleFile, RuleSet};

fn domains() -> Domains {
    crate::domain::all(&Vocabulary::builtin())
}

/// Lists rules, or prints them as a graph.
pub(super) fn list(global: &Global, goal: Option<&str>, graph: bool) -> eyre::Result<Outcome> {
    let all =
        [Format::Text, Format::Json, Format::Yaml, Format::Name, Format::Dot, Format::Mermaid];
    let drawn = [Format::Dot, Format::Mermaid, Format::Text];
    let format = match &global.output {
        None if graph => Format::Dot,
        _ => global.format("rules", if graph { &drawn } else { &all }).map_err(usage)?,
    };
    let domains = domains();
    let rules = wire::rules(&wire::settings(global)?, &domains)?;
    let classes = |text: Option<&str>| -> eyre::Result<Option<Vec<Class>>> {
        let found = text.map(|text| domains.goal(text)).transpose();
        found.map_err(|fault| usage(fault.to_string()))
    };
    let (start, goal) = (classes(global.from.as_deref())?, classes(goal)?);
    let admits = |patterns: &[Pattern], classes: &Option<Vec<Class>>| {
        let any = |class: &Class| patterns.iter().any(|pattern| pattern.admits(class));
        classes.as_ref().is_none_or(|classes| classes.iter().any(any))
    };
    let chosen: Vec<&Rule> = rules
        .rules()
        .iter()
        .filter(|rule| admits(&rule.start, &start) && admits(&rule.goal, &goal))
        .collect();
    let drawn = graph || matches!(format, Format::Dot | Format::Mermaid);
    emit(&if drawn { rule_graph::print(&chosen, format) } else { print(&chosen, format)? })?;
    Ok(if chosen.is_empty() { Outcome::Nothing } else { Outcome::Found })
}

fn print(rules: &[&Rule], format: Format) -> eyre::Result<String> {
    let names = |patterns: &[Pattern]| patterns.iter().map(ToString::to_string).collect::<Vec<_>>();
    let entry = |rule: &&Rule| {
        json!({
            "name": *rule.name, "about": rule.about, "start": names(&rule.start),
            "goal": names(&rule.goal), "cost": rule.cost, "origin": rule.origin,
        })
    };
    let entries: Vec<Value> = rules.iter().map(entry).collect();
    let line = |rule: &&Rule| {
        let cost = if rule.cost == 1 { String::new() } else { format!("  cost {}", rule.cost) };
        let (start, goal) = (names(&rule.start).join(", "), names(&rule.goal).join(", "));
        format!("{}: {start} -> {goal}{cost}\n    {}\n", rule.name, rule.about.trim())
    };
    Ok(match format {
        Format::Json => json(&entries)?,
        Format::Yaml => yaml(&entries)?,
        Format::Name => rules.iter().map(|rule| format!("{}\n", rule.name)).collect(),
        _ => rules.iter().map(line).collect(),
    })
}

/// Loads rules, runs their examples, and reports all faults.
pub(super) fn check(global: &Global, files: &[PathBuf]) -> eyre::Result<Outcome> {
    let mut all = wire::rule_files(&wire::settings(global)?)?;
    for path in files {
        all.push(RuleFile { name: path.display().to_string(), text: read(path)? });
    }
    let (rules, mut faults) = RuleSet::load(&domains(), &all);
    faults.extend(rules.check());
    for fault in &faults {
        note(&fault.render());
    }
    let (count, files) = (rules.rules().len(), all.len());
    let examples: usize = rules.rules().iter().map(|rule| rule.examples.len()).sum();
    for rule in rules.rules().iter().filter(|rule| rule.examples.is_empty()) {
        note(&format!(
            "{}: rule {} has no example, so nothing shows that it applies",
            rule.origin, rule.name
        ));
    }
    if faults.is_empty() {
        emit(&format!("{count} rules in {files} files, {examples} examples: all good\n"))?;
        return Ok(Outcome::Found);
    }
    note(&format!("faults: {}; {count} rules in {files} files can be used", faults.len()));
    Ok(Outcome::Faulty)
}

fn read(path: &Path) -> eyre::Result<String> {
    std::fs::read_to_string(path).wrap_err_with(|| format!("cannot read {}", path.display()))
}
