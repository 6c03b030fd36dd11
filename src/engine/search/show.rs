//! Makes a tree of the drafts: what has not changed since the last one is shared with it.

use std::collections::HashMap;

use super::Search;
use super::draft::{Draft, NOWHERE, Outlook};
use crate::graph::{End, Link, Links, Member, Node, Tree};

impl Search {
    /// The tree as it is now.
    pub(super) fn show(&mut self) -> Tree {
        for row in 0..self.rows.len() {
            self.show_runs(self.rows[row]);
            self.show_members(self.rows[row]);
        }
        let mut rows = vec![NOWHERE; self.drafts.len()];
        for (row, &at) in self.rows.iter().enumerate() {
            rows[at] = row;
        }
        let parents: Vec<Option<usize>> =
            self.rows.iter().map(|&at| self.drafts[at].parent.map(|parent| rows[parent])).collect();
        let keep = self.kept(&parents);
        let mut fruitful = vec![false; parents.len()];
        parents.iter().flatten().for_each(|&parent| fruitful[parent] = true);
        let mut tree = Tree::default();
        let mut own = Vec::new();
        let mut numbers = vec![0; parents.len()];
        for (row, &at) in self.rows.iter().enumerate().filter(|(row, _)| keep[*row]) {
            let number = tree.nodes.len();
            numbers[row] = number;
            let draft = &self.drafts[at];
            let parent = parents[row].map(|parent| numbers[parent]);
            if let Some(parent) = parent {
                tree.nodes[parent].children.push(number);
            }
            let left_out = draft.parent.map_or(0, |parent| self.drafts[parent].held_back);
            let end = end(draft, fruitful[row]);
            tree.nodes.push(Node { parent, end, left_out, ..draft.node.clone() });
            own.push(draft.own);
        }
        tree.rank_by(&own);
        tree
    }

    /// Which rows stay: towards goals, branches are left out that end without one, but for those
    /// where something is still to come or could not be asked, or that tell where else to look.
    fn kept(&self, parents: &[Option<usize>]) -> Vec<bool> {
        let all = self.plan.goals().is_empty();
        let wanted = |&at: &usize| {
            let Draft { node, shown, undone, elsewhere, parent, .. } = &self.drafts[at];
            let goal = node.goal && (*elsewhere || !shown.is_empty());
            all || parent.is_none() || *undone || goal
        };
        let mut keep: Vec<bool> = self.rows.iter().map(wanted).collect();
        for row in (0..keep.len()).rev() {
            if let (true, Some(parent)) = (keep[row], parents[row]) {
                keep[parent] = true;
            }
        }
        keep
    }

    fn show_runs(&mut self, at: usize) {
        let draft = &mut self.drafts[at];
        if draft.parent.is_none() || !std::mem::take(&mut draft.stale.runs) {
            return;
        }
        draft.node.runs = draft.order.iter().map(|&call| draft.calls[call].run.clone()).collect();
        draft.elsewhere = draft.node.runs.iter().any(|run| run.elsewhere().is_some());
        draft.undone = draft.order.iter().any(|&call| !draft.calls[call].done);
    }

    fn show_members(&mut self, at: usize) {
        if !std::mem::take(&mut self.drafts[at].stale.members) {
            return;
        }
        let draft = &self.drafts[at];
        let above = draft.parent.map(|parent| &self.drafts[parent]);
        let mut shared: HashMap<usize, Links> = HashMap::new();
        let mut gist = crate::graph::Gist::default();
        let mut members = Vec::with_capacity(draft.shown.len());
        for (_, number) in &draft.shown {
            let held = &draft.held[*number];
            gist.add(held.weight);
            let links = match (above, &*held.sources) {
                (None, _) => Links::default(),
                (Some(above), [(call, _)]) => match &*draft.calls[*call].makers {
                    [maker] => link(draft, above, *call, *maker).into(),
                    _ => {
                        shared.entry(*call).or_insert_with(|| links(draft, above, [*call])).clone()
                    }
                },
                (Some(above), sources) => {
                    links(draft, above, sources.iter().map(|(call, _)| *call))
                }
            };
            members.push(Member { object: held.object().clone(), links, seen: held.seen });
        }
        let own = gist.score(&draft.node, self.start.scope.window);
        self.drafts[at].own = own;
        self.drafts[at].node.members = members.into();
    }
}

/// How objects came to a draft that some of its calls brought.
fn links(draft: &Draft, above: &Draft, calls: impl IntoIterator<Item = usize>) -> Links {
    let of = |call: usize| {
        let makers = draft.calls[call].makers.iter();
        makers.map(move |maker| link(draft, above, call, *maker))
    };
    let mut links: Vec<Link> = calls.into_iter().flat_map(of).collect();
    links.sort_unstable();
    links.dedup();
    links.into()
}

fn link(draft: &Draft, above: &Draft, call: usize, (maker, _): (usize, usize)) -> Link {
    Link { parent: above.held[maker].at, run: draft.calls[call].at }
}

/// Why the path does not go on from a draft.
fn end(draft: &Draft, fruitful: bool) -> Option<End> {
    if draft.above.is_some() {
        return Some(End::Visited);
    }
    if draft.outlook == Outlook::Probe {
        return Some(End::Reach);
    }
    match draft.open {
        0 if draft.shown.is_empty() => Some(End::Leaf),
        0 => Some(End::Seen),
        _ if draft.rules.is_empty() && draft.outlook != Outlook::Leaf => Some(End::Reach),
        _ if fruitful => None,
        _ => Some(End::Leaf),
    }
}
