//! Rules applied to objects: each built-in rule on its own examples, against building the same
//! query strings in plain Rust, and against one look-up in a hash map where it does not apply.

use std::collections::HashMap;
use std::hint::black_box;

use korrel8::model::{Class, Domains, Object};
use korrel8::rule::{Applied, Pattern, RuleSet};
use serde_json::Value;

use crate::measure::{Pair, Row, clock, in_turn};

/// How often a thing is done between two looks at the clock.
const TIMES: u32 = 500;

/// How often that is repeated.
const RUNS: usize = 15;

/// A rule, an object, and the queries that come out.
struct Case {
    rule: usize,
    name: String,
    object: Object,
    queries: Vec<String>,
}

pub(crate) fn run() -> Vec<Row> {
    let (domains, rules) = crate::world::rules();
    let cases = cases(&domains, &rules);
    let (apply, not): (Vec<&Case>, Vec<&Case>) =
        cases.iter().partition(|case| !case.queries.is_empty());
    vec![applies(&rules, &apply), bare(&rules, &apply), misses(&rules, &not), views(&rules, &cases)]
}

/// The examples of all rules. `AlertToMetric` is not here: it rewrites an expression.
fn cases(domains: &Domains, rules: &RuleSet) -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, rule) in rules.rules().iter().enumerate() {
        for example in rule.examples.iter().filter(|_| &*rule.name != "AlertToMetric") {
            let class = example.class.clone().unwrap_or_else(|| match &rule.start[0] {
                Pattern::Class(class) | Pattern::Kind(class) => class.clone(),
                Pattern::Any(domain) => Class::new(domain, "Widget.v1.example"),
            });
            let object = domains.object(&class, example.given.clone()).expect("a class of ours");
            let queries = match rules.apply(number, &rules.view(&object)) {
                Applied::Queries(made) => {
                    made.all().iter().map(|query| query.text().into()).collect()
                }
                _ => Vec::new(),
            };
            cases.push(Case { rule: number, name: rule.name.to_string(), object, queries });
        }
    }
    cases
}

/// A thing and its bound, each often enough for the clock.
fn time(mut work: impl FnMut(), mut bound: impl FnMut()) -> Pair {
    in_turn(
        RUNS,
        || clock(|| (0..TIMES).for_each(|_| work())) / TIMES,
        || clock(|| (0..TIMES).for_each(|_| bound())) / TIMES,
    )
}

/// What stands in the middle by its ratio, and how many are within a target.
fn middle(mut all: Vec<(Pair, &str)>, target: f64) -> (Pair, String) {
    all.sort_by(|a, b| a.0.ratio.total_cmp(&b.0.ratio));
    for (Pair { took, bound, ratio }, name) in &all {
        eprintln!("  {name}: {took:?} / {bound:?} = {ratio:.1}");
    }
    let within = all.iter().filter(|one| one.0.ratio <= target).count();
    let (worst, name) = &all[all.len() - 1];
    let figures = format!(
        "{within} of {} within {target}x, worst {name} {:.0}x; {RUNS} x {TIMES} runs each",
        all.len(),
        worst.ratio
    );
    let at = all.len() / 2;
    (all.swap_remove(at).0, figures)
}

/// What applies, against building the same strings.
fn applies(rules: &RuleSet, cases: &[&Case]) -> Row {
    let all = cases.iter().map(|case| {
        let view = rules.view(&case.object);
        let plans: Vec<_> = case.queries.iter().map(|text| Plain::of(text, &case.object)).collect();
        let pair = time(
            || {
                black_box(rules.apply(case.rule, black_box(&view)));
            },
            || {
                for plain in &plans {
                    black_box(plain.build());
                }
            },
        );
        (pair, &*case.name)
    });
    let (Pair { took, bound, ratio }, figures) = middle(all.collect(), 10.0);
    Row {
        bench: "rule that applies, median of all built-in ones".to_owned(),
        bound: "the same query strings by `push_str` and `serde_json`".to_owned(),
        target: 10.0,
        ratio,
        figures: format!("{took:.1?} to {bound:.1?}; {figures}"),
    }
}

/// The same rules on an object that has nothing of what they read.
fn bare(rules: &RuleSet, cases: &[&Case]) -> Row {
    let bare: Vec<Case> = cases
        .iter()
        .map(|case| Case {
            rule: case.rule,
            name: case.name.clone(),
            object: Object::new(
                case.object.class.clone(),
                "id",
                serde_json::json!({"apiVersion": "v1", "kind": "Widget", "other": {}}),
            ),
            queries: Vec::new(),
        })
        .collect();
    let bare: Vec<&Case> = bare
        .iter()
        .filter(|case| {
            let view = rules.view(&case.object);
            matches!(rules.apply(case.rule, &view), Applied::DoesNotApply)
        })
        .collect();
    let mut row = misses(rules, &bare);
    "rule that does not apply: nothing of what it reads is there".clone_into(&mut row.bench);
    row
}

/// What does not apply, against one look-up.
fn misses(rules: &RuleSet, cases: &[&Case]) -> Row {
    let table: HashMap<String, usize> = (0..1000).map(|n| (format!("metadata{n}"), n)).collect();
    let key = "metadata500".to_owned();
    let all = cases.iter().map(|case| {
        let view = rules.view(&case.object);
        let pair = time(
            || {
                black_box(rules.apply(case.rule, black_box(&view)));
            },
            || {
                black_box(table.get(black_box(&key)));
            },
        );
        (pair, &*case.name)
    });
    let (Pair { took, bound, ratio }, figures) = middle(all.collect(), 2.0);
    Row {
        bench: "rule that does not apply: its own examples".to_owned(),
        bound: "one look-up in a hash map of 1000 strings".to_owned(),
        target: 2.0,
        ratio,
        figures: format!("{took:.1?} to {bound:.1?}; {figures}"),
    }
}

/// Making an object readable and judging it, which is done once for all of its rules.
fn views(rules: &RuleSet, cases: &[Case]) -> Row {
    let all = cases.iter().map(|case| {
        let mut judged = case.object.clone();
        let pair = time(
            || {
                black_box(rules.view(black_box(&case.object)));
                rules.judge(black_box(&mut judged));
            },
            || {
                black_box(case.object.body.to_string());
            },
        );
        (pair, &*case.name)
    });
    let (Pair { took, bound, ratio }, figures) = middle(all.collect(), 2.0);
    Row {
        bench: "view and judge of one object, median of all examples".to_owned(),
        bound: "printing its body as JSON".to_owned(),
        target: 2.0,
        ratio,
        figures: format!("{took:.1?} to {bound:.1?}; {figures}"),
    }
}

/// A query string as a program would build it: what is fixed, and values of the object as JSON.
struct Plain {
    parts: Vec<(String, Option<String>)>,
}

impl Plain {
    fn of(text: &str, object: &Object) -> Self {
        let mut values = Vec::new();
        strings(&object.body, &mut values);
        let mut parts = Vec::new();
        let (mut fixed, mut rest) = (String::new(), text);
        while let Some(start) = rest.find('"') {
            let Some(end) = rest[start + 1..].find('"') else { break };
            let inner = &rest[start + 1..start + 1 + end];
            if values.contains(&inner) {
                parts.push((fixed + &rest[..start], Some(inner.to_owned())));
                fixed = String::new();
            } else {
                fixed += &rest[..end + start + 2];
            }
            rest = &rest[end + start + 2..];
        }
        parts.push((fixed + rest, None));
        Self { parts }
    }

    fn build(&self) -> String {
        let mut text = String::new();
        for (fixed, value) in &self.parts {
            text.push_str(fixed);
            if let Some(value) = value {
                text.push_str(&serde_json::to_string(value).expect("a string is JSON"));
            }
        }
        text
    }
}

fn strings<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(list) => list.iter().for_each(|value| strings(value, found)),
        Value::Object(map) => map.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}
