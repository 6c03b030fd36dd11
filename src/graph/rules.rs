//! The graph of rules: which class leads to which, and at what cost. A wildcard (`k8s:*`) is one
//! node however many classes a domain has, so the graph grows with the rules alone.

use std::collections::HashMap;

use petgraph::algo::dijkstra;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{EdgeRef, Reversed};

use crate::model::Class;

/// A start or goal of a rule: a class, or every class of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// One class.
    Class(Class),
    /// Every class of a domain.
    Any(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Spot {
    Class(Class),
    /// All versions of a class at once, without a version: a cluster may have another one than
    /// the rules name.
    Versions(Class),
    /// Entered from every class of the domain.
    From(String),
    /// Leads to every class of the domain.
    To(String),
    Rule(usize, String),
}

/// Which class leads to which by which rule.
#[derive(Clone, Debug, Default)]
pub struct RuleGraph {
    graph: DiGraph<Spot, u32>,
    spots: HashMap<Spot, NodeIndex>,
}

/// The cheapest cost from any class to a set of goals; versions of a class cost the same.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    /// By the class without its version.
    classes: HashMap<Class, u32>,
    domains: HashMap<String, u32>,
    least: HashMap<String, u32>,
}

impl RuleGraph {
    /// Adds a rule; rules are told apart by their number.
    pub fn add(&mut self, rule: usize, name: &str, start: &[Place], goal: &[Place], cost: u32) {
        let rule = self.spot(Spot::Rule(rule, name.to_owned()));
        for place in start {
            let from = match place {
                Place::Class(class) => self.class(class),
                Place::Any(domain) => self.spot(Spot::From(domain.clone())),
            };
            self.graph.update_edge(from, rule, 0);
        }
        for place in goal {
            let to = match place {
                Place::Class(class) => self.class(class),
                Place::Any(domain) => self.spot(Spot::To(domain.clone())),
            };
            self.graph.update_edge(rule, to, cost);
        }
    }

    fn spot(&mut self, spot: Spot) -> NodeIndex {
        if let Some(&index) = self.spots.get(&spot) {
            return index;
        }
        let index = self.graph.add_node(spot.clone());
        self.spots.insert(spot, index);
        index
    }

    fn class(&mut self, class: &Class) -> NodeIndex {
        let domain = class.domain().to_owned();
        let index = self.spot(Spot::Class(class.clone()));
        let versions = self.spot(Spot::Versions(class.unversioned()));
        let from = self.spot(Spot::From(domain.clone()));
        let to = self.spot(Spot::To(domain));
        for (one, other) in [(index, versions), (versions, index), (versions, from), (to, versions)]
        {
            self.graph.update_edge(one, other, 0);
        }
        index
    }

    /// The cheapest cost from every class to the nearest of the goals.
    pub fn costs(&self, goals: &[Class]) -> Costs {
        let mut costs = Costs::default();
        for goal in goals {
            let versions = Spot::Versions(goal.unversioned());
            let spots = [versions.clone(), Spot::To(goal.domain().to_owned())];
            for spot in spots.iter().filter_map(|spot| self.spots.get(spot)) {
                for (index, cost) in
                    dijkstra(Reversed(&self.graph), *spot, None, |edge| *edge.weight())
                {
                    costs.note(&self.graph[index], cost);
                }
            }
            costs.note(&versions, 0);
        }
        costs
    }

    /// The classes that rules name, sorted.
    pub fn classes(&self) -> Vec<Class> {
        let mut classes: Vec<Class> = self
            .graph
            .node_weights()
            .filter_map(|spot| match spot {
                Spot::Class(class) => Some(class.clone()),
                _ => None,
            })
            .collect();
        classes.sort_unstable();
        classes
    }
}

impl Costs {
    fn note(&mut self, spot: &Spot, cost: u32) {
        let keep = |slot: &mut u32| *slot = cost.min(*slot);
        match spot {
            Spot::Versions(class) => {
                keep(self.classes.entry(class.clone()).or_insert(cost));
                keep(self.least.entry(class.domain().to_owned()).or_insert(cost));
            }
            Spot::From(domain) => {
                keep(self.domains.entry(domain.clone()).or_insert(cost));
                keep(self.least.entry(domain.clone()).or_insert(cost));
            }
            Spot::Class(_) | Spot::To(_) | Spot::Rule(..) => {}
        }
    }

    /// The cheapest cost from a class to a goal; `None` if no chain of rules leads there.
    pub fn from(&self, class: &Class) -> Option<u32> {
        let own = self.classes.get(&class.unversioned()).copied();
        let any = self.domains.get(class.domain()).copied();
        own.into_iter().chain(any).min()
    }

    /// The cheapest cost from a place to a goal, for a wildcard from its best class.
    pub fn from_place(&self, place: &Place) -> Option<u32> {
        match place {
            Place::Class(class) => self.from(class),
            Place::Any(domain) => self.least.get(domain).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(text: &str) -> Class {
        let (domain, name) = text.split_once(':').expect("domain:name");
        Class::new(domain, name)
    }

    fn place(text: &str) -> Place {
        match text.strip_suffix(":*") {
            Some(domain) => Place::Any(domain.to_owned()),
            None => Place::Class(class(text)),
        }
    }

    fn graph() -> RuleGraph {
        let mut graph = RuleGraph::default();
        for (number, (name, start, goal, cost)) in [
            ("AlertToPod", "alert:alert", "k8s:Pod.v1", 1),
            ("PodToLogs", "k8s:Pod.v1", "log:application", 1),
            ("DependentToOwner", "k8s:*", "k8s:*", 1),
            ("NodeToPods", "k8s:Node.v1", "k8s:Pod.v1", 3),
            ("AnyToEvent", "k8s:*", "k8s:Event.v1", 1),
        ]
        .into_iter()
        .enumerate()
        {
            graph.add(number, name, &[place(start)], &[place(goal)], cost);
        }
        graph
    }

    #[test]
    fn remaining_costs_go_through_wildcards() {
        let costs = graph().costs(&[class("log:application")]);
        for (from, expected) in [
            ("log:application", Some(0)),
            ("k8s:Pod.v1", Some(1)),
            ("alert:alert", Some(2)),
            ("k8s:Widget.v1.shop", Some(2)),
            ("k8s:Node.v1", Some(2)),
            ("metric:metric", None),
        ] {
            assert_eq!(costs.from(&class(from)), expected, "{from}");
        }
        assert_eq!(costs.from_place(&Place::Any("k8s".to_owned())), Some(1));
    }

    #[test]
    fn a_goal_that_no_rule_names_is_reached_by_a_wildcard() {
        let costs = graph().costs(&[class("k8s:Widget.v1.shop")]);
        assert_eq!(costs.from(&class("k8s:Pod.v1")), Some(1));
        assert_eq!(costs.from(&class("alert:alert")), Some(2));
    }

    #[test]
    fn costs_are_those_of_any_version() {
        let mut graph = RuleGraph::default();
        let rule = |graph: &mut RuleGraph, number, start, goal| {
            graph.add(number, "R", &[place(start)], &[place(goal)], 1);
        };
        rule(&mut graph, 0, "alert:alert", "k8s:Scaler.v2.auto");
        rule(&mut graph, 1, "k8s:Scaler.v3.auto", "k8s:Pod.v1");
        let costs = graph.costs(&[class("k8s:Scaler.v1.auto")]);
        assert_eq!(costs.from(&class("alert:alert")), Some(1));
        let costs = graph.costs(&[class("k8s:Pod.v1")]);
        assert_eq!(costs.from(&class("k8s:Scaler.v1.auto")), Some(1));
        assert_eq!(costs.from(&class("alert:alert")), Some(2));
        assert!(!graph.classes().iter().any(|class| class.name() == "Scaler.auto"));
    }
}
