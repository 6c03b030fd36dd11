//! Which rules are worth following under a reach and towards goals. Pure.

use std::sync::Arc;

use crate::graph::{Costs, Place, RuleGraph};
use crate::model::Class;

/// A rule as the plan sees it.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Its name.
    pub name: Arc<str>,
    /// Where it starts.
    pub start: Vec<Place>,
    /// Where it may lead.
    pub goal: Vec<Place>,
    /// What it costs; at least 1.
    pub cost: u32,
}

/// How far a search goes and what it looks for.
pub struct Plan {
    reach: u32,
    rules: Arc<[Outline]>,
    groups: Vec<(Vec<Class>, Costs)>,
    goals: Vec<Class>,
}

impl Plan {
    /// Everything within a reach.
    pub fn neighbors(rules: Arc<[Outline]>, reach: u32) -> Self {
        Self { reach, rules, groups: Vec::new(), goals: Vec::new() }
    }

    /// What leads to goals within a reach. Each group is one thing to look for: a path that has
    /// been at one of its classes looks for the others only. At most 64 groups count.
    pub fn goals_of(
        rules: Arc<[Outline]>,
        graph: &RuleGraph,
        groups: Vec<Vec<Class>>,
        reach: u32,
    ) -> Self {
        let goals = groups.concat();
        let groups = groups
            .into_iter()
            .take(64)
            .map(|classes| {
                let costs = graph.costs(&classes);
                (classes, costs)
            })
            .collect();
        Self { reach, rules, groups, goals }
    }

    /// All goal classes; empty for neighbors.
    pub fn goals(&self) -> &[Class] {
        &self.goals
    }

    /// Whether a rule may be applied at a node that cost `spent`, on a path that has `reached`
    /// some goals.
    pub fn worth(&self, rule: usize, spent: u32, reached: u64) -> bool {
        let rule = &self.rules[rule];
        let spent = spent + rule.cost;
        if self.groups.is_empty() {
            return spent <= self.reach;
        }
        rule.goal.iter().any(|place| self.within(spent, reached, |costs| costs.from_place(place)))
    }

    /// Whether a path may come to a domain, wherever it begins.
    pub fn comes_to(&self, domain: &str) -> bool {
        let there = |place: &Place| match place {
            Place::Class(class) => class.domain() == domain,
            Place::Any(any) => any == domain,
        };
        let mut rules = self.rules.iter().enumerate();
        rules.any(|(number, rule)| rule.goal.iter().any(there) && self.worth(number, 0, 0))
    }

    /// Whether a path may go to a class at a cost, and if so, which goals it has reached then.
    /// At a class that the path has been at before it ends, so only a goal is of use there.
    pub fn enter(&self, class: &Class, cost: u32, reached: u64, visited: bool) -> Option<u64> {
        if self.groups.is_empty() {
            return Some(0);
        }
        let mut here = 0;
        for (bit, (classes, _)) in self.groups.iter().enumerate() {
            if classes.contains(class) {
                here |= 1 << bit;
            }
        }
        let fresh = here & !reached != 0;
        let onward = || self.within(cost, reached | here, |costs| costs.from(class));
        (fresh || (!visited && onward())).then_some(reached | here)
    }

    /// The cheapest total of a path that goes through a class at a cost: what it has spent, and
    /// what the nearest goal costs from there that it had not reached before.
    pub fn total(&self, class: &Class, cost: u32, before: u64) -> u32 {
        let open = self.groups.iter().enumerate().filter(|(bit, _)| before & (1 << bit) == 0);
        cost + open.filter_map(|(_, (_, costs))| costs.from(class)).min().unwrap_or(0)
    }

    fn within(&self, spent: u32, reached: u64, cost: impl Fn(&Costs) -> Option<u32>) -> bool {
        self.groups.iter().enumerate().any(|(bit, (_, costs))| {
            reached & (1 << bit) == 0
                && cost(costs).is_some_and(|remaining| spent + remaining <= self.reach)
        })
    }
}
