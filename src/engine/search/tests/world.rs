//! Made-up rules and data: wildcards, cycles, costs, faults, failures, missing parts, groups.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Rules, Start};
use crate::engine::plan::{Outline, Plan};
use crate::graph::{Place, RuleGraph};
use crate::model::{
    Alternatives, Answer, Class, Cut, ErrorKind, Found, Object, Query, Scope, Selector, Severity,
    StoreError, Window,
};

/// Shapes from here on try one thing after the other.
const STEPWISE: u8 = 9;

/// How many classes there are.
pub(super) const CLASSES: u8 = 6;

/// Selects objects whose number is in a list.
#[derive(Debug)]
pub(super) struct Numbers(pub(super) Vec<u8>);

impl Selector for Numbers {
    fn text(&self) -> String {
        json!(self.0).to_string()
    }

    fn matches(&self, object: &Object) -> Option<bool> {
        Some(self.0.iter().any(|number| *object.id == *number.to_string()))
    }
}

pub(super) fn class(number: u8) -> Class {
    Class::new("k8s", &format!("C{}", number % CLASSES))
}

/// The number of a class or rule: what stands behind its first letter.
pub(super) fn number(name: &str) -> u8 {
    name[1..].parse().expect("a letter and a number")
}

pub(super) fn start(objects: Vec<Arc<Object>>) -> Start {
    let window = Window::last_hour(DateTime::UNIX_EPOCH);
    Start { objects, asked: None, scope: Scope { window, focus: None, limit: 100 } }
}

/// From objects of one class, or of all, to numbered objects of another.
#[derive(Clone, Debug)]
pub(super) struct Arrow {
    pub(super) start: Option<u8>,
    pub(super) goal: u8,
    pub(super) cost: u32,
    /// What kind of queries it makes.
    pub(super) shape: u8,
    /// How far from an object's number it leads.
    pub(super) step: u8,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) arrows: Vec<Arrow>,
    /// How many objects of a class there are.
    pub(super) objects: u8,
    /// How many groups they fall into.
    pub(super) groups: u8,
    /// Which queries fail.
    pub(super) broken: u8,
    /// Which find nothing: one of so many; none if it is large.
    pub(super) bare: u8,
    /// Arrows lead only to classes of a higher number.
    pub(super) acyclic: bool,
}

impl Rules for World {
    fn starting_at(&self, at: &Class) -> Vec<usize> {
        let from = |arrow: &Arrow| {
            let onward = !self.acyclic || number(at.name()) < arrow.goal % CLASSES;
            onward && arrow.start.is_none_or(|start| class(start) == *at)
        };
        (0..self.arrows.len()).filter(|&index| from(&self.arrows[index])).collect()
    }

    fn rule(&self, rule: usize) -> (Arc<str>, u32) {
        (format!("R{rule}").into(), self.arrows[rule].cost)
    }

    fn apply(&self, object: &Object, rules: &[usize]) -> Vec<Result<Alternatives, String>> {
        let group: u8 = object.group.parse().expect("a number");
        rules.iter().map(|&rule| self.made(rule, group)).collect()
    }
}

impl World {
    fn made(&self, rule: usize, group: u8) -> Result<Alternatives, String> {
        let arrow = &self.arrows[rule];
        if arrow.shape >= STEPWISE {
            return Ok(self.stepwise(arrow, group));
        }
        let to = group.wrapping_mul(3).wrapping_add(arrow.step) % self.objects;
        let query = |goal: u8, numbers: Vec<u8>| Query::new(class(goal), Numbers(numbers));
        let made = match arrow.shape {
            0 => vec![],
            1 => vec![query(arrow.goal, vec![to, group])],
            2 => vec![query(arrow.goal, vec![to]), query(arrow.goal, vec![group])],
            3 if group.is_multiple_of(2) => return Err(format!("fault of {rule}")),
            4 => vec![query(arrow.goal + self.sideways() * (group % 2), vec![to])],
            5 => vec![query(arrow.goal, (0..self.objects).rev().collect())],
            6 => vec![query(arrow.goal, vec![to]), query(arrow.goal, vec![to, 0])],
            _ => vec![query(arrow.goal, vec![to])],
        };
        Ok(made.into())
    }

    /// Queries that are tried in order, of one class or more.
    fn stepwise(&self, arrow: &Arrow, group: u8) -> Alternatives {
        let to = |more: u8| group.wrapping_mul(3).wrapping_add(arrow.step + more) % self.objects;
        let side = arrow.goal + self.sideways();
        // What is asked again later, in another place, must not confuse the two.
        let steps: &[&[(u8, u8)]] = match arrow.shape {
            9 => &[&[(0, 0)], &[(0, 1)]],
            10 => &[&[(0, 0)], &[(1, 0)], &[(0, 2)]],
            11 => &[&[(1, 0)], &[(0, 0), (1, 1)], &[(1, 2)]],
            12 if group.is_multiple_of(2) => &[&[(0, 1)], &[(1, 0)]],
            12 => &[&[(1, 0)], &[(0, 1)]],
            _ => &[&[(0, 0), (1, 0)], &[(0, 1)], &[(1, 1)]],
        };
        let mut made = Alternatives::default();
        for step in steps {
            made.otherwise();
            for &(aside, more) in *step {
                let goal = if aside == 1 { side } else { arrow.goal };
                made.push(Query::new(class(goal), Numbers(vec![to(more)])));
            }
        }
        made
    }

    /// What of alternatives is asked, by the answers to those before.
    pub(super) fn asked(&self, made: &Alternatives) -> Vec<Query> {
        let nothing = |query: &Query| {
            let result = self.answer(query).result;
            result.is_ok_and(|found| found.objects.is_empty() && found.missing.is_none())
        };
        let mut asked = Vec::new();
        for step in made.steps() {
            asked.extend_from_slice(step);
            if !step.iter().all(nothing) {
                break;
            }
        }
        asked
    }

    /// How far the second goal of a rule is from the first.
    fn sideways(&self) -> u8 {
        u8::from(!self.acyclic)
    }

    pub(super) fn object(&self, of: &Class, number: u8, by: &str) -> Arc<Object> {
        let mut object = Object::new(of.clone(), number.to_string(), Value::Null);
        object.group = (number % self.groups).to_string().into();
        object.preview = by.to_owned().into();
        object.severity = [Severity::None, Severity::Info, Severity::Warning, Severity::Error]
            [usize::from(number % 4)];
        object.time = (!number.is_multiple_of(3))
            .then(|| DateTime::UNIX_EPOCH - TimeDelta::minutes(i64::from(number)));
        Arc::new(object)
    }

    pub(super) fn start(&self) -> Start {
        start((0..2).map(|number| self.object(&class(0), number, "start")).collect())
    }

    pub(super) fn plan(&self, goals: &[u8], reach: u32) -> Plan {
        let place = |number: Option<u8>| match number {
            Some(number) => Place::Class(class(number)),
            None => Place::Any("k8s".to_owned()),
        };
        let outline = |(index, arrow): (usize, &Arrow)| Outline {
            name: format!("R{index}").into(),
            start: vec![place(arrow.start)],
            goal: vec![place(Some(arrow.goal)), place(Some(arrow.goal + self.sideways()))],
            cost: arrow.cost,
        };
        let outlines: Arc<[Outline]> = self.arrows.iter().enumerate().map(outline).collect();
        if goals.is_empty() {
            return Plan::neighbors(outlines, reach);
        }
        let mut graph = RuleGraph::default();
        for (index, rule) in outlines.iter().enumerate() {
            graph.add(index, &rule.name, &rule.start, &rule.goal, rule.cost);
        }
        let groups = goals.iter().map(|&goal| vec![class(goal)]).collect();
        Plan::goals_of(outlines, &graph, groups, reach)
    }

    pub(super) fn answer(&self, query: &Query) -> Answer {
        let Numbers(numbers) = query.selector().expect("numbers");
        let sum = numbers.iter().sum::<u8>() % 11;
        let object = |&number: &u8| self.object(query.class(), number, query.text());
        let mut found = Found { objects: numbers.iter().map(object).collect(), ..Found::default() };
        if (sum + number(query.class().name()) + 1).is_multiple_of(self.bare) {
            found.objects.clear();
        }
        if sum == self.broken + 1 {
            found.missing = Some(StoreError::new(ErrorKind::Forbidden, "other", "no access"));
            found.cut = Some(Cut { shown: 1, total: Some(9), by: "limit" });
        }
        let failure = || Err(StoreError::new(ErrorKind::Timeout, "fake", "no answer"));
        let result = if sum == self.broken { failure() } else { Ok(found) };
        Answer { query: query.clone(), result, took: Duration::from_millis(5) }
    }
}

pub(super) fn worlds(acyclic: bool) -> impl Strategy<Value = World> {
    let arrow =
        (proptest::option::weighted(0.8, 0..CLASSES), 0..CLASSES, 1..4u32, 0..14u8, 0..30u8)
            .prop_map(|(start, goal, cost, shape, step)| Arrow { start, goal, cost, shape, step });
    let arrows = proptest::collection::vec(arrow, 1..10);
    let world = (arrows, 2..8u8, 1..9u8, 0..20u8, 1..8u8);
    world.prop_map(move |(arrows, objects, groups, broken, bare)| World {
        arrows,
        objects,
        groups,
        broken,
        bare: if bare < 4 { bare + 1 } else { 255 },
        acyclic,
    })
}

/// Arrows as (start, goal, cost, shape, step).
pub(super) fn world(arrows: &[(Option<u8>, u8, u32, u8, u8)]) -> World {
    let arrow = |&(start, goal, cost, shape, step): &(Option<u8>, u8, u32, u8, u8)| Arrow {
        start,
        goal,
        cost,
        shape,
        step,
    };
    let arrows = arrows.iter().map(arrow).collect();
    World { arrows, objects: 8, groups: 250, broken: 99, bare: 255, acyclic: false }
}
