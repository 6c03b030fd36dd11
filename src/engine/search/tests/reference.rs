//! The search as a rebuild: the whole tree anew from all answers known so far, cheapest path
//! first. Slow and plain; what the search makes step by step has to be the same.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use super::super::{Bounds, Rules, Start};
use crate::engine::plan::Plan;
use crate::engine::progress::Fault;
use crate::graph::{End, Link, Links, Member, Node, Run, RunState, Shared, Tree};
use crate::model::{Alternatives, Answer, Class, Query};

/// All answers known so far.
pub(super) struct Reference {
    pub(super) rules: Arc<dyn Rules>,
    pub(super) plan: Plan,
    pub(super) bounds: Bounds,
    pub(super) start: Start,
    pub(super) answers: HashMap<Query, Option<Answer>>,
    pub(super) over: bool,
}

/// What follows from them.
pub(super) struct Built {
    pub(super) tree: Tree,
    pub(super) wanted: HashSet<Query>,
    pub(super) faults: BTreeSet<Fault>,
    /// (queries that have ended, all queries).
    pub(super) progress: (usize, usize),
}

struct Build<'s> {
    search: &'s mut Reference,
    nodes: Vec<Draft>,
    wanted: HashSet<Query>,
    faults: BTreeSet<Fault>,
}

struct Draft {
    node: Node,
    reached: u64,
    held_back: usize,
    /// For each run, the indexes of the parent's members that made its query.
    makers: Vec<Vec<usize>>,
}

/// Queries with the indexes of the objects that made them, and whether others depend on them.
type Made = Vec<(Query, Vec<usize>, bool)>;

/// Which goals every path had been at that expands an object.
type Claimed = HashMap<(Class, Arc<str>), u64>;

/// Cheapest first, then in order of making: a `BinaryHeap` pops the greatest.
type Turn = std::cmp::Reverse<(u32, usize)>;

impl Reference {
    pub(super) fn build(&mut self) -> Built {
        let all = self.plan.goals().is_empty();
        let scope = self.start.scope;
        let (wanted, faults) = (HashSet::new(), BTreeSet::new());
        let mut build = Build { search: self, nodes: Vec::new(), wanted, faults };
        build.run();
        let Build { nodes, wanted, faults, .. } = build;
        let nodes: Vec<Node> = nodes.into_iter().map(|draft| draft.node).collect();
        let progress = progress(&nodes);
        let mut tree = Tree { nodes: if all { nodes } else { prune(nodes) } };
        tree.rank(scope.focus, scope.window);
        Built { tree, wanted, faults, progress }
    }
}

impl Build<'_> {
    fn run(&mut self) {
        let Some(first) = self.search.start.objects.first() else { return };
        let root = self.root(first.class.clone());
        self.nodes.push(root);
        let mut claimed = Claimed::new();
        let mut turns: BinaryHeap<Turn> = BinaryHeap::from([std::cmp::Reverse((0, 0))]);
        while let Some(std::cmp::Reverse((_, index))) = turns.pop() {
            if index > 0 {
                self.gather(index);
            }
            if self.nodes[index].node.end.is_some() {
                continue;
            }
            let open = self.claim(index, &mut claimed);
            if open.is_empty() {
                let empty = self.nodes[index].node.members.is_empty();
                self.nodes[index].node.end = Some(if empty { End::Leaf } else { End::Seen });
                continue;
            }
            for child in self.expand(index, &open) {
                turns.push(std::cmp::Reverse((self.nodes[child].node.cost, child)));
            }
        }
    }

    fn root(&self, class: Class) -> Draft {
        let mut members: Vec<Member> = Vec::new();
        for object in &self.search.start.objects {
            if members.iter().all(|member| member.object.id != object.id) {
                let object = Arc::clone(object);
                members.push(Member { object, links: Links::default(), seen: false });
            }
        }
        let node = Node {
            key: class.to_string().into(),
            parent: None,
            children: Vec::new(),
            rule: None,
            class,
            cost: 0,
            members: members.into(),
            runs: self.search.start.asked.iter().cloned().map(Shared::from).collect(),
            end: None,
            score: 0.0,
            left_out: 0,
            goal: false,
        };
        Draft { node, reached: 0, held_back: 0, makers: Vec::new() }
    }

    /// Fills a node with the objects that its queries brought, but for those already on the path.
    fn gather(&mut self, index: usize) {
        let mut on_path = HashSet::new();
        let class = self.nodes[index].node.class.clone();
        let mut up = self.nodes[index].node.parent;
        while let Some(above) = up {
            let above = &self.nodes[above].node;
            if above.class == class {
                on_path.extend(above.members.iter().map(|member| Arc::clone(&member.object.id)));
            }
            up = above.parent;
        }
        let draft = &mut self.nodes[index];
        let mut members: Vec<Member> = Vec::new();
        let mut links: Vec<BTreeSet<Link>> = Vec::new();
        for (run, makers) in draft.makers.iter().enumerate() {
            if draft.node.runs[run].state != RunState::Done {
                continue;
            }
            let answer = &self.search.answers[&draft.node.runs[run].query];
            let found = answer.iter().flat_map(|answer| &answer.result);
            for object in found.flat_map(|found| &found.objects) {
                if object.class != class || on_path.contains(&object.id) {
                    continue;
                }
                let known = members.iter().position(|member| member.object.id == object.id);
                let place = known.unwrap_or_else(|| {
                    let object = Arc::clone(object);
                    members.push(Member { object, links: Links::default(), seen: false });
                    links.push(BTreeSet::new());
                    members.len() - 1
                });
                links[place].extend(makers.iter().map(|&parent| Link { parent, run }));
            }
        }
        for (member, links) in members.iter_mut().zip(links) {
            member.links = links.into_iter().collect();
        }
        draft.node.members = members.into();
    }

    /// Takes the objects that no cheaper path expands; marks the others as seen. A path that still
    /// looks for a goal which the cheaper one had been at takes the object again.
    fn claim(&mut self, index: usize, claimed: &mut Claimed) -> Vec<usize> {
        let reached = self.nodes[index].reached;
        let node = &mut self.nodes[index].node;
        let mut open = Vec::new();
        for (at, member) in node.members.iter_mut().enumerate() {
            let key = (node.class.clone(), Arc::clone(&member.object.id));
            let before = claimed.entry(key).or_insert(u64::MAX);
            if *before & !reached == 0 {
                member.seen = true;
            } else {
                *before &= reached;
                open.push(at);
            }
        }
        let (most, all) = (self.search.bounds.objects, open.len());
        let mut groups = HashSet::new();
        open.retain(|&at| {
            let group = &node.members[at].object.group;
            groups.contains(group) || (groups.len() < most && groups.insert(Arc::clone(group)))
        });
        self.nodes[index].held_back = all - open.len();
        open
    }

    /// Makes the children of a node.
    fn expand(&mut self, index: usize, open: &[usize]) -> Vec<usize> {
        let parent = &self.nodes[index].node;
        let (class, cost, reached) = (parent.class.clone(), parent.cost, self.nodes[index].reached);
        let starting = self.search.rules.starting_at(&class);
        let worth = |rule: &usize| self.search.plan.worth(*rule, cost, reached);
        let rules: Vec<usize> = starting.iter().copied().filter(worth).collect();
        if rules.is_empty() {
            let end = if starting.is_empty() { End::Leaf } else { End::Reach };
            self.nodes[index].node.end = Some(end);
            return Vec::new();
        }
        let mut children: BTreeMap<(usize, Class), Made> = BTreeMap::new();
        let mut failed = HashSet::new();
        for &member in open {
            let object = Arc::clone(&self.nodes[index].node.members[member].object);
            let made = self.search.rules.apply(&object, &rules);
            for (&rule, made) in rules.iter().zip(made) {
                let name = self.search.rules.rule(rule).0;
                if let Err(message) = &made
                    && failed.insert((rule, Arc::clone(&object.group)))
                {
                    let (message, object) = (message.clone(), format!("{class} {}", object.id));
                    self.faults.insert(Fault { rule: name, message, object });
                }
                for (query, guard) in made.map_or(Vec::new(), |made| self.due(index, rule, &made)) {
                    let queries = children.entry((rule, query.class().clone())).or_default();
                    match queries.iter_mut().find(|(known, ..)| *known == query) {
                        Some((_, makers, guards)) => {
                            makers.push(member);
                            *guards |= guard;
                        }
                        None => queries.push((query, vec![member], guard)),
                    }
                }
            }
        }
        let mut numbers = Vec::new();
        for ((rule, class), queries) in children {
            numbers.push(self.child(index, rule, class, queries));
        }
        if numbers.is_empty() {
            self.nodes[index].node.end = Some(End::Leaf);
        }
        numbers
    }

    /// What of a rule's queries is asked: of alternatives, what comes after those that found
    /// nothing. Where the path may not go, a query is asked only if others depend on it.
    fn due(&self, index: usize, rule: usize, made: &Alternatives) -> Vec<(Query, bool)> {
        let steps: Vec<&[Query]> = made.steps().collect();
        let goes = |query: &Query| self.enter(index, rule, query.class()).is_some();
        let mut due = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let later = &steps[number + 1..];
            let matters = later.iter().any(|step| step.iter().any(goes));
            let asked = step.iter().filter(|query| matters || goes(query));
            due.extend(asked.map(|query| (query.clone(), !later.is_empty())));
            if !step.iter().all(|query| self.found_nothing(query)) {
                break;
            }
        }
        due
    }

    fn found_nothing(&self, query: &Query) -> bool {
        let Some(Some(Answer { result: Ok(found), .. })) = self.search.answers.get(query) else {
            return false;
        };
        let there = found.objects.iter().any(|object| object.class == *query.class());
        !there && found.missing.is_none() && found.cut.is_none()
    }

    fn enter(&self, parent: usize, rule: usize, class: &Class) -> Option<u64> {
        let Draft { node, reached, .. } = &self.nodes[parent];
        let cost = node.cost + self.search.rules.rule(rule).1;
        self.search.plan.enter(class, cost, *reached, self.visited(parent, class))
    }

    fn child(&mut self, parent: usize, rule: usize, class: Class, queries: Made) -> usize {
        let (name, cost) = self.search.rules.rule(rule);
        let cost = self.nodes[parent].node.cost + cost;
        let visited = self.visited(parent, &class);
        let reached = self.enter(parent, rule, &class);
        let key = format!("{}/{name}>{class}", self.nodes[parent].node.key).into();
        let mut runs: Vec<Shared<Run>> = Vec::new();
        let mut makers = Vec::new();
        for (query, from, guard) in queries {
            let skip = runs.len() >= self.search.bounds.queries && !guard;
            runs.push(self.ask(query, skip).into());
            makers.push(from);
        }
        let node = Node {
            key,
            parent: Some(parent),
            children: Vec::new(),
            rule: Some(name),
            goal: reached.is_some() && self.search.plan.goals().contains(&class),
            class,
            cost,
            members: Shared::default(),
            runs: runs.into(),
            end: if visited { Some(End::Visited) } else { reached.is_none().then_some(End::Reach) },
            score: 0.0,
            left_out: self.nodes[parent].held_back,
        };
        let number = self.nodes.len();
        let reached = reached.unwrap_or_default();
        self.nodes.push(Draft { node, reached, held_back: 0, makers });
        self.nodes[parent].node.children.push(number);
        number
    }

    fn visited(&self, from: usize, class: &Class) -> bool {
        let mut at = Some(from);
        while let Some(index) = at {
            let node = &self.nodes[index].node;
            if node.class == *class {
                return true;
            }
            at = node.parent;
        }
        false
    }

    /// The state of a query; one that nobody has asked yet is wanted.
    fn ask(&mut self, query: Query, skip: bool) -> Run {
        let mut run = Run::pending(query.clone());
        match self.search.answers.get(&query) {
            _ if skip => run.state = RunState::Skipped,
            Some(Some(answer)) => {
                run = Run::answered(query, &answer.result, answer.took.as_secs_f64());
            }
            _ if self.search.over => run.state = RunState::Cancelled,
            Some(None) => {}
            None => {
                self.search.answers.insert(query.clone(), None);
                self.wanted.insert(query);
            }
        }
        run
    }
}

fn progress(nodes: &[Node]) -> (usize, usize) {
    let mut open: HashMap<&Query, bool> = HashMap::new();
    for run in nodes.iter().filter(|node| node.parent.is_some()).flat_map(|node| &node.runs) {
        let waits = matches!(run.state, RunState::Pending | RunState::Cancelled);
        *open.entry(&run.query).or_default() |= waits;
    }
    (open.values().filter(|open| !**open).count(), open.len())
}

/// Leaves out branches that end without a goal, but for those where something is still to come or
/// could not be asked.
fn prune(nodes: Vec<Node>) -> Vec<Node> {
    let keep = |node: &Node| {
        let elsewhere = node.runs.iter().any(|run| run.elsewhere().is_some());
        let found = node.goal && (elsewhere || !node.members.is_empty());
        let open = node.runs.iter().any(|run| run.state != RunState::Done);
        node.parent.is_none() || found || open
    };
    let mut keep: Vec<bool> = nodes.iter().map(keep).collect();
    for index in (0..nodes.len()).rev() {
        if let (true, Some(parent)) = (keep[index], nodes[index].parent) {
            keep[parent] = true;
        }
    }
    let mut numbers = vec![0; nodes.len()];
    let mut kept: Vec<Node> = Vec::new();
    for (index, mut node) in nodes.into_iter().enumerate().filter(|(index, _)| keep[*index]) {
        numbers[index] = kept.len();
        node.children.clear();
        node.parent = node.parent.map(|parent| numbers[parent]);
        if let Some(parent) = node.parent {
            kept[parent].children.push(numbers[index]);
        }
        kept.push(node);
    }
    kept
}
