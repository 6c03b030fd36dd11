//! `rules try`: what the rules make of objects that are read from a file.

use std::io::Read as _;
use std::path::Path;

use color_eyre::eyre::{self, Context as _, eyre};
use serde_json::{Value, json};

use super::args::{Format, Global};
use super::print::{json, yaml};
use super::{Outcome, emit, note, usage, wire};
use crate::model::{Alternatives, Class, Domains, Object, SelectorError, Vocabulary, clean};
use crate::rule::{Applied, RuleSet};

/// A rule and the queries that it makes: those that are asked first, and those that are asked next
/// if nothing is found.
type Made = Vec<(String, Vec<Vec<String>>)>;

/// Applies the rules of a class, or the one of a name, to the objects in a file.
pub(super) fn run(
    global: &Global,
    class: Option<&str>,
    rule: Option<&str>,
    file: &str,
) -> eyre::Result<Outcome> {
    let format =
        global.format("rules try", &[Format::Text, Format::Json, Format::Yaml]).map_err(usage)?;
    let domains = crate::domain::all(&Vocabulary::builtin());
    let class = class.map(|class| domains.class(class)).transpose();
    let class = class.map_err(|fault| usage(fault.to_string()))?;
    let rules = wire::rules(&wire::settings(global)?, &domains)?;
    if let Some(name) = rule.filter(|name| !rules.rules().iter().any(|rule| *rule.name == **name)) {
        return Err(usage(format!("there is no rule {name:?}; `korrel8 rules` lists them")));
    }
    let bodies = bodies(&read(file)?).wrap_err_with(|| format!("cannot use {file}"))?;
    let mut made: Made = Vec::new();
    for body in bodies {
        let object = object(&domains, &rules, class.as_ref(), body)?;
        note(&about(&object));
        apply(&rules, &object, rule, &mut made);
    }
    let entries: Vec<Value> = made.iter().map(|(rule, steps)| entry(rule, steps)).collect();
    let text = match format {
        Format::Json => json(&entries)?,
        Format::Yaml => yaml(&entries)?,
        _ => made
            .iter()
            .map(|(rule, steps)| {
                let steps: Vec<String> = steps.iter().map(|step| step.join("\n  ")).collect();
                format!("{rule}\n  {}\n", steps.join("\n  otherwise\n  "))
            })
            .collect(),
    };
    emit(&text)?;
    Ok(if made.is_empty() { Outcome::Nothing } else { Outcome::Found })
}

fn read(file: &str) -> eyre::Result<String> {
    if file != "-" {
        let path = Path::new(file);
        return std::fs::read_to_string(path).wrap_err_with(|| format!("cannot read {file}"));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).wrap_err("cannot read standard input")?;
    Ok(text)
}

/// The objects in a text: one, a list, a list of the API server, or one after the other; in JSON
/// or YAML.
fn bodies(text: &str) -> eyre::Result<Vec<Value>> {
    let many: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_str(text).into_iter().collect();
    let values = match many {
        Ok(values) => values,
        Err(fault) if text.trim_start().starts_with(['{', '[']) => {
            return Err(eyre!("it is no JSON: {fault}"));
        }
        Err(_) => vec![
            SelectorError::parse_yaml(text)
                .map_err(|fault| eyre!("it is neither JSON nor YAML: {fault}"))?,
        ],
    };
    let mut bodies = Vec::new();
    for value in values {
        match value {
            Value::Array(items) => bodies.extend(items),
            Value::Object(mut map) if map.get("items").is_some_and(Value::is_array) => {
                if let Some(Value::Array(items)) = map.remove("items") {
                    bodies.extend(items);
                }
            }
            other => bodies.push(other),
        }
    }
    if let Some(odd) = bodies.iter().find(|body| !body.is_object()) {
        return Err(eyre!("it holds {odd}, which is no object"));
    }
    if bodies.is_empty() { Err(eyre!("it holds no object")) } else { Ok(bodies) }
}

/// The object of a body, judged; the class is the one given, or the one that the body tells.
fn object(
    domains: &Domains,
    rules: &RuleSet,
    class: Option<&Class>,
    body: Value,
) -> eyre::Result<Object> {
    let own = || {
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let (api, kind) = (text("apiVersion")?, text("kind")?);
        let name = match api.split_once('/') {
            Some((group, version)) => format!("k8s:{kind}.{version}.{group}"),
            None => format!("k8s:{kind}.{api}"),
        };
        domains.class(&name).ok()
    };
    let class = class.cloned().or_else(own).ok_or_else(|| {
        usage("the object does not tell its class: give --class, as --class k8s:Pod".to_owned())
    })?;
    let mut object = domains.object(&class, body)?;
    rules.judge(&mut object);
    Ok(object)
}

/// The object in one line, with what is thought of it.
fn about(object: &Object) -> String {
    let status =
        if object.status.is_empty() { String::new() } else { format!(" {}", object.status) };
    format!("{} {}: {}{status}", object.class, clean(&object.id), object.severity)
}

fn apply(rules: &RuleSet, object: &Object, only: Option<&str>, made: &mut Made) {
    let view = rules.view(object);
    let builtin: Vec<String> = RuleSet::builtin_files().into_iter().map(|file| file.name).collect();
    let mut started = false;
    for number in rules.starting_at(&object.class) {
        let rule = &rules.rules()[number];
        if only.is_some_and(|name| *rule.name != *name) {
            continue;
        }
        started = true;
        match rules.apply(number, &view) {
            Applied::Queries(queries) => {
                let known = made.iter().position(|(name, _)| **name == *rule.name);
                let known = known.unwrap_or_else(|| {
                    made.push((rule.name.to_string(), Vec::new()));
                    made.len() - 1
                });
                add(&mut made[known].1, &queries);
            }
            Applied::Fault(message) => note(&format!("rule {} failed: {message}", rule.name)),
            // Why a rule is silent matters to who writes it.
            Applied::DoesNotApply if only.is_some() || !builtin.contains(&rule.origin) => {
                note(&format!("rule {} does not apply: {}", rule.name, rules.why(number, &view)));
            }
            Applied::DoesNotApply => {}
        }
    }
    if let Some(name) = only.filter(|_| !started) {
        note(&format!("rule {name} does not start at {}", object.class));
    }
}

/// Adds what a rule makes of one more object, step by step.
fn add(had: &mut Vec<Vec<String>>, queries: &Alternatives) {
    for (number, step) in queries.steps().enumerate() {
        if had.len() == number {
            had.push(Vec::new());
        }
        for text in step.iter().map(|query| query.text().to_owned()) {
            if !had[number].contains(&text) {
                had[number].push(text);
            }
        }
    }
}

/// A rule in JSON; most have no alternatives.
fn entry(rule: &str, steps: &[Vec<String>]) -> Value {
    match steps {
        [first, more @ ..] if !more.is_empty() => {
            json!({"rule": rule, "queries": first, "otherwise": more})
        }
        _ => json!({"rule": rule, "queries": steps.concat()}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_in_several_wrappings() {
        for (text, count) in [
            (r#"{"kind": "Pod"}"#, 1),
            (r#"[{"kind": "Pod"}, {"kind": "Pod"}]"#, 2),
            (r#"{"kind": "List", "items": [{"kind": "Pod"}]}"#, 1),
            ("{\"kind\": \"Pod\"}\n{\"kind\": \"Node\"}\n", 2),
            ("kind: Pod\nmetadata: {name: a}\n", 1),
        ] {
            assert_eq!(bodies(text).expect(text).len(), count, "{text}");
        }
        for (text, words) in [
            ("", "no object"),
            ("[]", "no object"),
            ("3", "no object"),
            (r#"{"kind": "#, "no JSON"),
            ("a: [", "neither JSON nor YAML"),
        ] {
            let fault = bodies(text).expect_err(text).to_string();
            assert!(fault.contains(words), "{text}: {fault}");
        }
    }
}
