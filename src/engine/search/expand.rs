//! The children of a node: what the rules make of its objects.

use super::Search;
use super::draft::{Call, Draft, NOWHERE, Outlook, Way};
use super::few::Few;
use super::objects::Made;
use crate::engine::progress::Fault;
use crate::graph::{End, Node, Shared};
use crate::model::Class;

/// An object begins or ceases to make a query of a child.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    child: usize,
    query: usize,
    maker: (usize, usize),
    makes: bool,
}

impl Search {
    /// Applies rules to the objects that are expanded here, and takes back what came of those
    /// that no longer are. Those in `due` may make more than before. `moved` tells that objects have other places than before.
    pub(super) fn expand(&mut self, at: usize, touched: &[usize], due: &[usize], moved: bool) {
        if self.drafts[at].dead_end() {
            return;
        }
        let turned = self.choose(at, touched);
        self.note_faults(at);
        let mut changes = Vec::new();
        for (held, from, to) in turned {
            if from != NOWHERE {
                self.changes(at, (held, from), false, &mut changes);
            }
            if to != NOWHERE {
                self.changes(at, (held, to), true, &mut changes);
            }
        }
        for &held in due {
            let group = self.drafts[at].held[held].expanded;
            if group != NOWHERE {
                self.changes(at, (held, group), true, &mut changes);
            }
        }
        changes.sort_unstable();
        for change in changes.chunk_by(|a, b| (a.child, a.query) == (b.child, b.query)) {
            self.apply(change);
        }
        if moved {
            let ways = self.drafts[at].ways.values();
            let mut children: Vec<usize> = ways.filter_map(|way| way.child).collect();
            children.retain(|&child| self.drafts[child].alive());
            children.sort_unstable();
            for child in children {
                self.drafts[child].work.calls = true;
                self.mark(child);
            }
        }
    }

    /// Says which objects are expanded: those that are not elsewhere, within the limit. Rules see
    /// one object of a group like any other, so groups count, not objects. Returns what changed,
    /// as (object, group before, group now), and applies the rules to new groups.
    fn choose(&mut self, at: usize, touched: &[usize]) -> Vec<(usize, usize, usize)> {
        let follow = !self.drafts[at].rules.is_empty();
        let (mut open, mut kept, mut groups) = (0, 0, 0);
        let mut turned = Vec::new();
        self.objects.begin();
        let Draft { held, shown, .. } = &mut self.drafts[at];
        for (_, number) in shown.iter() {
            let held = &mut held[*number];
            let mut to = NOWHERE;
            if !held.seen {
                open += 1;
                let group = held.part.group;
                if !self.objects.met(group) && groups < self.bounds.objects {
                    groups += 1;
                    self.objects.meet(group);
                }
                if self.objects.met(group) {
                    kept += 1;
                    to = group;
                }
            }
            if follow && held.expanded != to {
                turned.push((*number, std::mem::replace(&mut held.expanded, to), to));
            }
        }
        for &number in touched {
            let held = &mut held[number];
            if held.at == NOWHERE && held.expanded != NOWHERE {
                turned.push((number, std::mem::replace(&mut held.expanded, NOWHERE), NOWHERE));
            }
        }
        let draft = &mut self.drafts[at];
        draft.open = kept;
        draft.held_back = open - kept;
        for &(held, _, group) in turned.iter().filter(|(_, _, to)| *to != NOWHERE) {
            self.make(at, held, group);
        }
        turned
    }

    /// Applies those rules to an object that have not been applied to its group.
    fn make(&mut self, at: usize, held: usize, group: usize) {
        let draft = &self.drafts[at];
        let applied = &self.objects.group(group).applied;
        let known = |rule: &usize| applied.binary_search(rule).is_ok();
        let missing: Vec<usize> = draft.rules.iter().copied().filter(|rule| !known(rule)).collect();
        if missing.is_empty() {
            return;
        }
        let made = self.rules.apply(draft.held[held].object(), &missing);
        let mut faults = Vec::new();
        for (&rule, made) in missing.iter().zip(made) {
            match made {
                Ok(made) => self.note_made(group, rule, made),
                Err(message) => faults.push((rule, message)),
            }
        }
        self.objects.note(group, &missing, faults);
    }

    /// What an object makes that it did not make before, or all that it no longer makes.
    fn changes(
        &mut self,
        at: usize,
        (held, group): (usize, usize),
        makes: bool,
        changes: &mut Vec<Change>,
    ) {
        let due = if makes { self.objects.group(group).due.len() } else { 0 };
        let had = std::mem::replace(&mut self.drafts[at].held[held].makes, due);
        for place in had.min(due)..had.max(due) {
            let place = self.objects.group(group).due[place];
            let rule = self.objects.group(group).made[place].rule;
            if self.drafts[at].rules.binary_search(&rule).is_err() {
                continue;
            }
            if let Some(child) = self.way(at, group, place) {
                let query = self.objects.group(group).made[place].query;
                changes.push(Change { child, query, maker: (held, place), makes });
            }
        }
    }

    /// Changes who makes one query of a child.
    fn apply(&mut self, changes: &[Change]) {
        let Some(&Change { child, query, .. }) = changes.first() else { return };
        let number = self.call(child, query);
        let of = |makes: bool| {
            changes.iter().filter(move |change| change.makes == makes).map(|change| change.maker)
        };
        let gone: Vec<(usize, usize)> = of(false).collect();
        let makers = &mut self.drafts[child].calls[number].makers;
        if !gone.is_empty() {
            makers.retain(|maker| gone.binary_search(maker).is_err());
        }
        of(true).for_each(|maker| makers.push(maker));
        self.drafts[child].work.calls = true;
        self.mark(child);
    }

    /// The call of a query in a draft; a new one if there is none.
    fn call(&mut self, at: usize, query: usize) -> usize {
        let asked = self.queries.get(query);
        if let Some(number) = asked.user(at) {
            return number;
        }
        let run = asked.run.clone();
        let call = Call {
            query,
            makers: Few::None,
            at: NOWHERE,
            guard: false,
            state: None,
            done: false,
            run,
        };
        let draft = &mut self.drafts[at];
        let spare = draft.spare_calls.pop();
        let number = spare.unwrap_or(draft.calls.len());
        match draft.calls.get_mut(number) {
            Some(place) => *place = call,
            None => draft.calls.push(call),
        }
        self.queries.users(query).push((at, number));
        number
    }

    /// The child to which something made leads, if the path may go there, or if it says whether the
    /// path may go elsewhere.
    fn way(&mut self, parent: usize, group: usize, place: usize) -> Option<usize> {
        let Made { rule, query, later } = self.objects.group(group).made[place].clone();
        let way = self.way_to(parent, rule, query);
        let asks = |place: usize| {
            self.way_to(parent, rule, self.objects.group(group).made[place].query).open
        };
        if !way.open && !later.into_iter().any(asks) {
            return None;
        }
        way.child.or_else(|| {
            let child = self.child(parent, rule, query);
            let way = Way { child: Some(child), ..way };
            self.drafts[parent].ways.insert((rule, self.queries.get(query).class), way);
            way.child
        })
    }

    /// Whether a path may go by a rule to the class of a query, and the child there if there is one.
    fn way_to(&self, parent: usize, rule: usize, query: usize) -> Way {
        let asked = self.queries.get(query);
        let known = self.drafts[parent].ways.get(&(rule, asked.class));
        known.copied().unwrap_or_else(|| {
            let open = self.entry(parent, rule, asked.query().class()).1.is_some();
            Way { open, child: None }
        })
    }

    /// The draft from a parent up that has a class, and which goals a path has been at that goes
    /// there by a rule, if it may.
    fn entry(&self, parent: usize, rule: usize, class: &Class) -> (Option<usize>, Option<u64>) {
        let mut above = Some(parent);
        while let Some(draft) = above.filter(|&draft| self.drafts[draft].node.class != *class) {
            above = self.drafts[draft].parent;
        }
        let from = &self.drafts[parent];
        let cost = from.node.cost + self.rules.rule(rule).1;
        (above, self.plan.enter(class, cost, from.reached, above.is_some()))
    }

    fn child(&mut self, parent: usize, rule: usize, query: usize) -> usize {
        let class = self.queries.get(query).query().class().clone();
        let (above, reached) = self.entry(parent, rule, &class);
        let (name, cost) = self.rules.rule(rule);
        let from = &self.drafts[parent];
        let cost = from.node.cost + cost;
        let node = Node {
            key: format!("{}/{name}>{class}", from.node.key).into(),
            parent: None,
            children: Vec::new(),
            rule: Some(name),
            goal: reached.is_some() && self.plan.goals().contains(&class),
            cost,
            members: Shared::default(),
            runs: Shared::default(),
            end: above.map(|_| End::Visited),
            score: 0.0,
            left_out: 0,
            class,
        };
        let mut draft = Draft::new(Some(parent), from.turn.then(cost, rule, &node.class), node);
        draft.total = cost;
        if let Some(reached) = reached {
            draft.total = self.plan.total(&draft.node.class, cost, from.reached);
            draft.reached = reached;
        } else {
            draft.outlook = Outlook::Probe;
        }
        draft.above = above;
        let child = self.drafts.len();
        match above {
            Some(above) => self.drafts[above].echoes.push(child),
            None if draft.outlook == Outlook::Probe => {}
            None => self.outlook(&mut draft),
        }
        self.drafts.push(draft);
        child
    }

    /// Says which rules are worth following from a draft.
    pub(super) fn outlook(&self, draft: &mut Draft) {
        draft.rules = self.rules.starting_at(&draft.node.class);
        if draft.rules.is_empty() {
            draft.outlook = Outlook::Leaf;
        }
        draft.rules.retain(|&rule| self.plan.worth(rule, draft.node.cost, draft.reached));
    }

    /// Gathers the faults of a draft: one for each rule and group, told of the first object.
    fn note_faults(&mut self, at: usize) {
        if !self.objects.faulty() {
            return;
        }
        self.objects.begin();
        let draft = &self.drafts[at];
        let mut faults = Vec::new();
        for (_, number) in &draft.shown {
            let held = &draft.held[*number];
            if held.expanded == NOWHERE || self.objects.met(held.expanded) {
                continue;
            }
            self.objects.meet(held.expanded);
            for (rule, message) in &self.objects.group(held.expanded).faults {
                if draft.rules.binary_search(rule).is_ok() {
                    let object = format!("{} {}", draft.node.class, held.object().id);
                    let (rule, _) = self.rules.rule(*rule);
                    faults.push(Fault { rule, message: message.clone(), object });
                }
            }
        }
        if faults != draft.faults {
            self.drafts[at].faults = faults;
            self.faults_changed = true;
        }
    }
}
