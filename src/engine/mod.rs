//! Asking: the front door of the library.
//!
//! An [`Engine`] knows the domains, the rules and the stores. It gets the objects of queries, and
//! starts searches: pure state machines ([`Search`]) run by a thin task ([`Running`]).

mod adapt;
mod order;
mod plan;
mod progress;
mod run;
mod search;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::graph::{RuleGraph, Run};
use crate::model::{Answer, Class, Domains, Judge, Object, Query, Scope, Source, Store, Window};
use crate::rule::RuleSet;

pub use plan::{Outline, Plan};
pub use progress::{Fault, Snapshot};
pub use run::{Running, Stores, objects};
pub use search::{Bounds, Rules, Search, Start, Wanted};

/// How far a search for neighbors goes by default.
pub const DEPTH: u32 = 3;
/// How far a search for goals goes by default.
pub const REACH: u32 = 5;
/// How many objects one query may bring by default.
pub const LIMIT: usize = 1000;

/// Domains, rules and stores.
#[derive(Clone)]
pub struct Engine {
    domains: Domains,
    rules: Arc<RuleSet>,
    outlines: Arc<[Outline]>,
    graph: Arc<RuleGraph>,
    stores: Stores,
}

/// What to search for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where to begin: objects of one class.
    pub start: Vec<Arc<Object>>,
    /// The query that found them and what became of it, if one did.
    pub asked: Option<Run>,
    /// What to look for, each group being one thing (`log` is three classes); none for everything
    /// within reach.
    pub goals: Vec<Vec<Class>>,
    /// The cost that a path may spend.
    pub reach: u32,
    /// What every call carries.
    pub scope: Scope,
    /// When to give up what is pending.
    pub deadline: Option<Duration>,
}

impl Engine {
    /// An engine; stores go by the name of their domain.
    pub fn new(domains: Domains, rules: Arc<RuleSet>, stores: Stores) -> Self {
        let outlines: Arc<[Outline]> = adapt::outlines(&rules).into();
        let mut graph = RuleGraph::default();
        for (number, rule) in outlines.iter().enumerate() {
            graph.add(number, &rule.name, &rule.start, &rule.goal, rule.cost);
        }
        let judging = Arc::clone(&rules);
        let judge: Judge = Arc::new(move |object: &mut Object| judging.judge(object));
        for store in stores.values() {
            store.judge_by(&judge);
        }
        Self { domains, rules, outlines, graph: Arc::new(graph), stores }
    }

    /// The domains.
    pub fn domains(&self) -> &Domains {
        &self.domains
    }

    /// The rules.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// Which class leads to which by which rule.
    pub fn graph(&self) -> &RuleGraph {
        &self.graph
    }

    /// The store of a domain.
    pub fn store(&self, domain: &str) -> Option<&Arc<dyn Store>> {
        self.stores.get(domain)
    }

    /// Every back end, as it is now.
    pub fn sources(&self) -> Vec<Source> {
        run::sources(&self.stores)
    }

    /// Makes stores forget what they kept from earlier calls.
    pub fn refresh(&self) {
        self.stores.values().for_each(|store| store.refresh());
    }

    /// Asks queries; one answer for each, in their order.
    pub async fn get(&self, queries: Vec<Query>, scope: Scope) -> Vec<Answer> {
        run::get(&self.asker(scope), queries).await
    }

    /// Starts a search. Must be called within a tokio runtime.
    pub fn search(&self, request: Request) -> Running {
        let outlines = Arc::clone(&self.outlines);
        let goals: Arc<[Class]> = request.goals.concat().into();
        let plan = if request.goals.is_empty() {
            Plan::neighbors(outlines, request.reach)
        } else {
            Plan::goals_of(outlines, &self.graph, request.goals, request.reach)
        };
        let asker = self.asker(request.scope);
        let bounds = Bounds::for_limit(request.scope.limit);
        let start = Start { objects: request.start, asked: request.asked, scope: request.scope };
        let (search, first) = Search::new(Arc::clone(&asker.rules), plan, bounds, start);
        run::start(asker, search, first, goals, request.deadline)
    }

    fn asker(&self, scope: Scope) -> run::Asker {
        run::Asker {
            stores: self.stores.clone(),
            rules: Arc::clone(&self.rules) as Arc<dyn Rules>,
            scope,
        }
    }
}

/// The moment that matters most to a search from these objects: the start of an alert, the time
/// of an Event or a log line. `None` for objects that are there all the time.
pub fn focus(start: &[Arc<Object>]) -> Option<DateTime<Utc>> {
    let momentary = |object: &&Arc<Object>| match object.class.domain() {
        "k8s" => object.class.kind() == "Event",
        "metric" => object.class.kind() == "exemplar",
        _ => true,
    };
    start.iter().filter(momentary).filter_map(|object| object.time).min()
}

/// The default window of a search from these objects: from 15 minutes before the focus until
/// now; without a focus the last hour.
pub fn window(start: &[Arc<Object>], now: DateTime<Utc>) -> Window {
    focus(start).map_or_else(
        || Window::last_hour(now),
        |focus| Window::around(focus.min(now + TimeDelta::hours(1)), now),
    )
}
