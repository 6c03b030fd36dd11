//! One more answer in a tree of 10,000 objects, against a search that takes all answers at once.
//! A watcher holds the tree from before the answer, as the explorer does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use korrel8::engine::{Bounds, Outline, Plan, Rules, Search, Start};
use korrel8::graph::{Place, Tree};
use korrel8::model::{Alternatives, Answer, Class, Found, Object, Query, Scope, Selector, Window};
use serde_json::Value;

use crate::measure::{Row, in_turn};

/// How many objects make a big node.
const MANY: usize = 10_000;
/// How often each figure is taken.
const TIMES: usize = 21;

/// One row: what it shows, the rules, and which query of which class is answered last.
const SHAPES: &[(&str, &[Step], (usize, usize))] = &[
    ("one object for a leaf", &[step(0, 1, 1, All), step(0, 2, 1, Same)], (2, 0)),
    (
        "the last of 10,000 answers of a node",
        &[step(0, 1, 1, All), step(1, 2, 1, Same)],
        (2, MANY / 2),
    ),
    (
        "one object for a node above 10,000 others",
        &[step(0, 1, 1, All), step(1, 2, 1, Same), step(2, 3, 1, Same)],
        (2, MANY / 2),
    ),
    (
        "an object taken from a dearer path",
        &[step(0, 1, 3, All), step(1, 2, 1, Same), step(0, 1, 1, Same)],
        (1, 0),
    ),
];

use Kind::{All, Same};

/// From class to class at a cost.
#[derive(Clone, Copy)]
struct Step {
    start: usize,
    goal: usize,
    cost: u32,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// One query that brings all objects.
    All,
    /// The object of the same number.
    Same,
}

const fn step(start: usize, goal: usize, cost: u32, kind: Kind) -> Step {
    Step { start, goal, cost, kind }
}

struct Made(&'static [Step]);

/// Selects one object, or all of them.
#[derive(Debug)]
struct Pick(Option<usize>);

impl Selector for Pick {
    fn text(&self) -> String {
        self.0.map_or_else(|| "all".to_owned(), |number| number.to_string())
    }

    fn matches(&self, object: &Object) -> Option<bool> {
        Some(self.0.is_none_or(|number| *object.id == *number.to_string()))
    }
}

impl Rules for Made {
    fn starting_at(&self, class: &Class) -> Vec<usize> {
        (0..self.0.len()).filter(|&rule| class_of(self.0[rule].start) == *class).collect()
    }

    fn rule(&self, rule: usize) -> (Arc<str>, u32) {
        (format!("R{rule}").into(), self.0[rule].cost)
    }

    fn apply(&self, object: &Object, rules: &[usize]) -> Vec<Result<Alternatives, String>> {
        let made = |&rule: &usize| {
            let Step { goal, kind, .. } = self.0[rule];
            let number = match kind {
                All => None,
                Same => Some(object.id.parse().expect("a number")),
            };
            Ok(vec![Query::new(class_of(goal), Pick(number))].into())
        };
        rules.iter().map(made).collect()
    }
}

fn class_of(number: usize) -> Class {
    Class::new("k8s", &format!("Kind{number}.v1"))
}

fn answer(query: &Query) -> Answer {
    let object = |number: usize| {
        Arc::new(Object::new(query.class().clone(), number.to_string(), Value::Null))
    };
    let objects = match query.selector::<Pick>().expect("a number").0 {
        Some(number) => vec![object(number)],
        None => (0..MANY).map(object).collect(),
    };
    let found = Found { objects, ..Found::default() };
    Answer { query: query.clone(), result: Ok(found), took: Duration::from_millis(5) }
}

fn search(steps: &'static [Step]) -> (Search, Vec<Query>) {
    let window = Window::last_hour(chrono::DateTime::UNIX_EPOCH);
    let object = Object::new(class_of(0), "0", Value::Null);
    let scope = Scope { window, focus: None, limit: MANY };
    let start = Start { objects: vec![Arc::new(object)], asked: None, scope };
    let outline = |step: &Step| Outline {
        name: "R".into(),
        start: vec![Place::Class(class_of(step.start))],
        goal: vec![Place::Class(class_of(step.goal))],
        cost: step.cost,
    };
    let plan = Plan::neighbors(steps.iter().map(outline).collect(), 9);
    let bounds = Bounds::for_limit(MANY);
    let (search, wanted) = Search::new(Arc::new(Made(steps)), plan, bounds, start);
    (search, wanted.into_iter().map(|wanted| wanted.query).collect())
}

/// The answers in the batches in which a search calls for them.
fn batches(steps: &'static [Step]) -> Vec<Vec<Answer>> {
    let (mut search, mut open) = search(steps);
    let mut batches = Vec::new();
    while !open.is_empty() {
        let batch: Vec<Answer> = open.iter().map(answer).collect();
        open = search.receive(batch.clone()).into_iter().map(|wanted| wanted.query).collect();
        batches.push(batch);
    }
    batches
}

fn rebuild(steps: &'static [Step], batches: Vec<Vec<Answer>>) -> (Duration, Arc<Tree>) {
    let began = Instant::now();
    let (mut search, _) = search(steps);
    for batch in batches {
        search.receive(batch);
    }
    let tree = search.tree();
    (began.elapsed(), tree)
}

fn update(
    steps: &'static [Step],
    batches: Vec<Vec<Answer>>,
    last: &Answer,
) -> (Duration, Arc<Tree>) {
    let (mut search, _) = search(steps);
    for mut batch in batches {
        batch.retain(|answer| answer.query != last.query);
        search.receive(batch);
    }
    let watched = search.tree();
    let last = vec![last.clone()];
    let began = Instant::now();
    let wanted = search.receive(last);
    let tree = search.tree();
    let took = began.elapsed();
    // What only the last answer leads to is asked now; it is no part of what is measured.
    let rest = wanted.iter().map(|wanted| answer(&wanted.query)).collect();
    search.receive(rest);
    drop((watched, tree));
    (took, search.tree())
}

/// One more answer, in several shapes of a tree.
pub(crate) fn run() -> Vec<Row> {
    let row = |&(name, steps, (class, number)): &(&str, &'static [Step], (usize, usize))| {
        let all = batches(steps);
        let last = answer(&Query::new(class_of(class), Pick(Some(number))));
        let (whole, stepwise) =
            (rebuild(steps, all.clone()).1, update(steps, all.clone(), &last).1);
        assert!(whole == stepwise, "{name}: the trees differ");
        let objects: usize = whole.nodes.iter().map(|node| node.members.len()).sum();
        let pair = in_turn(
            TIMES,
            || update(steps, all.clone(), &last).0,
            || rebuild(steps, all.clone()).0,
        );
        let (one, bound) = (pair.took.as_micros(), pair.bound.as_micros());
        Row {
            bench: format!("`update`: {name}"),
            bound: "a full rebuild".to_owned(),
            target: 0.05,
            ratio: pair.ratio,
            figures: format!("{one} µs, {bound} µs, {objects} objects, median of {TIMES}"),
        }
    };
    SHAPES.iter().map(row).collect()
}
