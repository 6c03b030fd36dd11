//! Builds the tree of a search from all answers known so far, cheapest path first.

use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use super::{Reply, Search, Wanted};
use crate::graph::{End, Link, Links, Member, Node, Run, RunState, Shared};
use crate::model::{Class, Object, Query};

/// The nodes, and the queries that nobody has asked yet.
pub(super) fn build(search: &mut Search) -> (Vec<Node>, Vec<Wanted>) {
    let all = search.plan.goals().is_empty();
    let mut build = Build { search, nodes: Vec::new(), wanted: Vec::new() };
    build.run();
    let Build { nodes, wanted, .. } = build;
    (if all { whole(nodes) } else { prune(nodes) }, wanted)
}

/// A run over all answers that makes the tree.
struct Build<'s> {
    search: &'s mut Search,
    nodes: Vec<Draft>,
    wanted: Vec<Wanted>,
}

/// A node in the making.
struct Draft {
    node: Node,
    /// Which goals the path has been at.
    reached: u64,
    /// How many of its objects no rule is applied to because of a limit.
    held_back: usize,
    /// For each run, the indexes of the parent's members that made its query.
    makers: Vec<Vec<usize>>,
}

/// Which goals every path had been at that expands an object.
type Claimed = HashMap<(Class, Arc<str>), u64>;

/// Cheapest first, then in order of making: a `BinaryHeap` pops the greatest.
type Turn = std::cmp::Reverse<(u32, usize)>;

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
        let member = |object: &Arc<Object>| Member {
            object: Arc::clone(object),
            links: Links::default(),
            seen: false,
        };
        let node = Node {
            key: class.to_string().into(),
            parent: None,
            children: Vec::new(),
            rule: None,
            class,
            cost: 0,
            members: self.search.start.objects.iter().map(member).collect(),
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
        let mut members: Vec<(Arc<Object>, Vec<Link>)> = Vec::new();
        let mut places: HashMap<Arc<str>, usize> = HashMap::new();
        for (run, makers) in draft.makers.iter().enumerate() {
            let Some(Reply::Ended(Ok(found), _)) =
                self.search.answers.get(&draft.node.runs[run].query)
            else {
                continue;
            };
            for object in &found.objects {
                if object.class != class || on_path.contains(&object.id) {
                    continue;
                }
                let place = *places.entry(Arc::clone(&object.id)).or_insert_with(|| {
                    members.push((Arc::clone(object), Vec::new()));
                    members.len() - 1
                });
                members[place].1.extend(makers.iter().map(|&parent| Link { parent, run }));
            }
        }
        let member = |(object, mut links): (Arc<Object>, Vec<Link>)| {
            links.sort_unstable();
            links.dedup();
            Member { object, links: links.into(), seen: false }
        };
        draft.node.members = members.into_iter().map(member).collect();
    }

    /// Takes the objects that no cheaper path expands; marks the others as seen. A path that still
    /// looks for a goal which the cheaper one had been at takes the object again: it may go on
    /// where the other could not.
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
        // Rules see one object of a group like any other, so groups count, not objects.
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
        let rules: Vec<usize> = starting
            .iter()
            .copied()
            .filter(|&rule| self.search.plan.worth(rule, cost, reached))
            .collect();
        if rules.is_empty() {
            let end = if starting.is_empty() { End::Leaf } else { End::Reach };
            self.nodes[index].node.end = Some(end);
            return Vec::new();
        }
        let mut children: BTreeMap<(usize, Class), BTreeMap<Query, Vec<usize>>> = BTreeMap::new();
        let mut order: HashMap<Query, usize> = HashMap::new();
        for &member in open {
            let object = Arc::clone(&self.nodes[index].node.members[member].object);
            let made = self.search.queries(&object, &rules);
            for (&rule, queries) in rules.iter().zip(made) {
                for query in queries.iter() {
                    let key = (rule, query.class().clone());
                    let next = order.len();
                    order.entry(query.clone()).or_insert(next);
                    children.entry(key).or_default().entry(query.clone()).or_default().push(member);
                }
            }
        }
        let mut numbers = Vec::new();
        for ((rule, class), queries) in children {
            let mut queries: Vec<(Query, Vec<usize>)> = queries.into_iter().collect();
            queries.sort_by_key(|(query, _)| order[query]);
            numbers.extend(self.child(index, rule, class, queries));
        }
        if numbers.is_empty() {
            self.nodes[index].node.end = Some(End::Leaf);
        }
        numbers
    }

    fn child(
        &mut self,
        parent: usize,
        rule: usize,
        class: Class,
        queries: Vec<(Query, Vec<usize>)>,
    ) -> Option<usize> {
        let (name, cost) = self.search.rules.rule(rule);
        let cost = self.nodes[parent].node.cost + cost;
        let visited = self.visited(parent, &class);
        let before = self.nodes[parent].reached;
        let reached = self.search.plan.enter(&class, cost, before, visited)?;
        let key: Arc<str> = format!("{}/{name}>{class}", self.nodes[parent].node.key).into();
        let next = self.search.numbers.len();
        let number = *self.search.numbers.entry(Arc::clone(&key)).or_insert(next);
        let total = self.search.plan.total(&class, cost, before);
        let mut runs = Vec::new();
        let mut makers = Vec::new();
        for (query, from) in queries {
            let skip = runs.len() >= self.search.bounds.queries;
            let wanted = Wanted { query, node: number, cost: total };
            runs.push(self.ask(wanted, skip).into());
            makers.push(from);
        }
        let node = Node {
            key,
            parent: Some(parent),
            children: Vec::new(),
            rule: Some(name),
            goal: self.search.plan.goals().contains(&class),
            class,
            cost,
            members: Shared::default(),
            runs: runs.into(),
            end: visited.then_some(End::Visited),
            score: 0.0,
            left_out: self.nodes[parent].held_back,
        };
        let number = self.nodes.len();
        self.nodes.push(Draft { node, reached, held_back: 0, makers });
        self.nodes[parent].node.children.push(number);
        Some(number)
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

    /// The state of a query; one that nobody has asked yet is put on the list of the wanted.
    fn ask(&mut self, wanted: Wanted, skip: bool) -> Run {
        let mut run = Run::pending(wanted.query.clone());
        match self.search.answers.get(&run.query) {
            Some(Reply::Ended(result, took)) => run = Run::answered(run.query, result, *took),
            Some(Reply::Pending) if self.search.over => run.state = RunState::Cancelled,
            Some(Reply::Pending) => {}
            None if skip => run.state = RunState::Skipped,
            None if self.search.over => run.state = RunState::Cancelled,
            None => {
                self.search.answers.insert(run.query.clone(), Reply::Pending);
                self.wanted.push(wanted);
            }
        }
        run
    }
}

fn whole(drafts: Vec<Draft>) -> Vec<Node> {
    drafts.into_iter().map(|draft| draft.node).collect()
}

/// Leaves out branches that end without a goal, but for those where something is still to come or
/// could not be asked.
fn prune(drafts: Vec<Draft>) -> Vec<Node> {
    let mut keep: Vec<bool> = drafts
        .iter()
        .map(|draft| {
            let node = &draft.node;
            let found = node.goal && !node.members.is_empty();
            let open = node.runs.iter().any(|run| run.state != RunState::Done);
            node.parent.is_none() || found || open
        })
        .collect();
    for index in (0..drafts.len()).rev() {
        if let (true, Some(parent)) = (keep[index], drafts[index].node.parent) {
            keep[parent] = true;
        }
    }
    let mut numbers = vec![0; drafts.len()];
    let mut nodes: Vec<Node> = Vec::new();
    for (index, draft) in drafts.into_iter().enumerate() {
        if !keep[index] {
            continue;
        }
        numbers[index] = nodes.len();
        let mut node = draft.node;
        node.children.clear();
        node.parent = node.parent.map(|parent| numbers[parent]);
        if let Some(parent) = node.parent {
            nodes[parent].children.push(numbers[index]);
        }
        nodes.push(node);
    }
    nodes
}
