//! Pane 1: the tree of rule paths, what matters most first.
//!
//! While the user has not moved, the order follows the scores. From then on it is frozen: late
//! nodes join below their brothers, and the selected row keeps its line on the screen.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Frame;
use super::labels::{Labels, is_empty};
use crate::graph::{End, Node, Tree};
use crate::model::Severity;
use crate::tui::fact;
use crate::tui::theme::Tone;
use crate::tui::widget::cursor::{Cursor, Motion};
use crate::tui::widget::find::{Filter, Find};
use crate::tui::widget::line::Line;

/// The tree of rule paths and what the user did to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paths {
    rows: Vec<Row>,
    pub(crate) labels: Labels,
    pub(crate) cursor: Cursor,
    pub(crate) find: Find,
    pub(crate) filter: Filter,
    pub(crate) show_empty: bool,
    /// For each node whether it and everything below it says nothing.
    hidden: Vec<bool>,
    moved: bool,
    folds: HashMap<Arc<str>, bool>,
    best: HashSet<Arc<str>>,
    order: HashMap<Arc<str>, Vec<Arc<str>>>,
}

#[derive(Clone, Debug)]
struct Row {
    node: usize,
    key: Arc<str>,
    guide: String,
    /// Whether its children show; `None` where there are none.
    open: Option<bool>,
    /// The worst of its objects, and of those that are folded below it.
    severity: Severity,
}

impl Paths {
    /// The number of the selected node in the tree it was last built from.
    pub(crate) fn node(&self) -> Option<usize> {
        self.rows.get(self.cursor.at).map(|row| row.node)
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes a newer tree.
    pub(crate) fn build(&mut self, tree: &Tree, height: usize) {
        let selected = self.rows.get(self.cursor.at).map(|row| Arc::clone(&row.key));
        self.labels.build(tree);
        self.hidden = hidden(tree);
        if !self.moved {
            self.best = best_path(tree, &self.hidden);
        }
        self.rows.clear();
        if !tree.nodes.is_empty() {
            self.add(tree, 0, &mut Vec::new());
        }
        if !self.filter.is_empty() {
            let kept = |row: &&Row| self.filter.keeps(&self.hay(&tree.nodes[row.node]));
            let kept = self.rows.iter().filter(kept);
            let kept: HashSet<usize> = kept.flat_map(|row| tree.path(row.node)).collect();
            self.rows.retain(|row| kept.contains(&row.node));
        }
        let hays: Vec<String> =
            self.rows.iter().map(|row| self.hay(&tree.nodes[row.node])).collect();
        self.find.look(hays.iter());
        let at = selected.and_then(|key| self.nearest(tree, &key));
        self.cursor.hold(at.unwrap_or(0));
        self.cursor.settle(self.rows.len(), height);
    }

    /// The row of a node, or of the first one above it that has a row.
    fn nearest(&self, tree: &Tree, key: &str) -> Option<usize> {
        let mut node = tree.find(key);
        while let Some(at) = node {
            if let Some(row) = self.rows.iter().position(|row| row.node == at) {
                return Some(row);
            }
            node = tree.nodes[at].parent;
        }
        None
    }

    /// Adds a node and what is open below it; `last` tells for each level whether it is the last.
    fn add(&mut self, tree: &Tree, node: usize, last: &mut Vec<bool>) {
        let key = Arc::clone(&tree.nodes[node].key);
        let children = self.children(tree, node);
        let usual = last.len() < 2 || self.best.contains(&key);
        let open = *self.folds.get(&key).unwrap_or(&usual);
        let guide = guide(last);
        let shown = (!children.is_empty()).then_some(open);
        let severity = match shown {
            Some(false) => worst_below(tree, node),
            _ => tree.nodes[node].severity(),
        };
        self.rows.push(Row { node, key, guide, open: shown, severity });
        if open {
            let end = children.len();
            for (at, child) in children.into_iter().enumerate() {
                last.push(at + 1 == end);
                self.add(tree, child, last);
                last.pop();
            }
        }
    }

    /// The children to show, in the order that the user has seen.
    fn children(&mut self, tree: &Tree, node: usize) -> Vec<usize> {
        let mut children = tree.ranked(node);
        children.retain(|&child| self.show_empty || !self.hidden[child]);
        let key = Arc::clone(&tree.nodes[node].key);
        let order = self.order.entry(key).or_default();
        if self.moved {
            let place = |child: &usize| {
                let key = &tree.nodes[*child].key;
                order.iter().position(|known| known == key).unwrap_or(usize::MAX)
            };
            children.sort_by_key(place);
        }
        if !self.moved {
            order.clear();
        }
        for &child in &children {
            if !order.contains(&tree.nodes[child].key) {
                order.push(Arc::clone(&tree.nodes[child].key));
            }
        }
        children
    }

    /// What is looked through by search and filter.
    fn hay(&self, node: &Node) -> String {
        let rule = node.rule.as_deref().unwrap_or_default();
        let (label, word) = (self.labels.of(node), fact::word(&node.class));
        format!("{label} {rule} {} {word}", node.severity().tag())
    }

    /// Moves the selected row.
    pub(crate) fn go(&mut self, motion: Motion, height: usize) {
        self.moved = true;
        self.cursor.go(motion, self.rows.len(), height);
    }

    /// Selects a row.
    pub(crate) fn select(&mut self, row: usize, height: usize) {
        self.moved = true;
        self.cursor.at = row;
        self.cursor.settle(self.rows.len(), height);
    }

    /// Opens or folds the selected node; `None` turns it round. Returns whether that changed
    /// anything; if not, folding goes to the parent.
    pub(crate) fn fold(&mut self, open: Option<bool>) -> bool {
        self.moved = true;
        let Some(row) = self.rows.get(self.cursor.at) else { return false };
        match (row.open, open) {
            (Some(now), wish) if wish != Some(now) => {
                self.folds.insert(Arc::clone(&row.key), !now);
                true
            }
            _ => false,
        }
    }

    /// Goes to the parent of the selected node.
    pub(crate) fn up(&mut self, tree: &Tree, height: usize) {
        let parent = self.node().and_then(|node| tree.nodes[node].parent);
        if let Some(row) = parent.and_then(|node| self.row_of(node)) {
            self.select(row, height);
        }
    }

    /// The row of a node, if it shows.
    fn row_of(&self, node: usize) -> Option<usize> {
        self.rows.iter().position(|row| row.node == node)
    }

    /// Selects a node, opening what is above it.
    pub(crate) fn reveal(&mut self, tree: &Tree, node: usize, height: usize) {
        for above in tree.path(node) {
            if above != node {
                self.folds.insert(Arc::clone(&tree.nodes[above].key), true);
            }
        }
        self.filter = Filter::default();
        self.show_empty |= hidden(tree)[node];
        self.build(tree, height);
        if let Some(row) = self.row_of(node) {
            self.select(row, height);
        }
    }

    /// Draws the rows.
    pub(crate) fn draw(&self, tree: &Tree, buffer: &mut Buffer, frame: Frame) {
        let area = frame.area;
        let rows = self.rows.iter().enumerate().skip(self.cursor.top);
        for ((at, row), y) in rows.zip(area.y..area.bottom()) {
            let Some(node) = tree.nodes.get(row.node) else { continue };
            let line = Rect { y, height: 1, ..area };
            self.draw_row(node, row, buffer, line);
            frame.mark(buffer, line, at == self.cursor.at);
        }
    }

    fn draw_row(&self, node: &Node, row: &Row, buffer: &mut Buffer, area: Rect) {
        let severity = row.severity;
        let (badge, badge_tone) = badge(node);
        let mut right = Line::new();
        right.push(format!(" {badge} "), badge_tone);
        let tag = if node.members.is_empty() { "   " } else { severity.tag() };
        right.push(tag, Tone::from(severity)).push(" ", Tone::Plain);
        let quiet = is_dull(node) || node.end == Some(End::Visited) || node.end == Some(End::Seen);
        let tone = if quiet { Tone::Quiet } else { Tone::Plain };
        let mut left = Line::new();
        left.push(" ", Tone::Plain).push(&row.guide, Tone::Quiet);
        let sign = match row.open {
            Some(true) => "▾ ",
            Some(false) => "▸ ",
            None if row.guide.is_empty() => "",
            None => "  ",
        };
        left.push(sign, Tone::Quiet);
        left.marked(&self.labels.of(node), tone, &self.find.needle);
        if let Some(rule) = self.labels.rule(node) {
            left.push(format!(" {rule}"), Tone::Quiet);
        }
        if all_seen(node) {
            left.push(" seen above", Tone::Quiet);
        }
        let width = u16::try_from(right.width()).unwrap_or(area.width).min(area.width);
        left.draw(buffer, Rect { width: area.width - width, ..area }, 0);
        right.draw_right(buffer, area);
    }

    /// What the title of the pane tells: filter and search, and how many paths are hidden.
    pub(crate) fn title(&self, whole: bool) -> Line {
        let mut line = Line::new();
        if !self.filter.is_empty() {
            line.push(format!(" & {} ", self.filter.text()), Tone::Accent);
        }
        if let Some(position) = self.find.position(self.cursor.at) {
            line.push(format!(" /{} {position} ", self.find.needle.text()), Tone::Accent);
        }
        let hidden = self.hidden.iter().filter(|hidden| **hidden).count();
        if hidden > 0 && whole {
            let text =
                if self.show_empty { "all shown".to_owned() } else { format!("{hidden} hidden") };
            line.push(format!(" {text} "), Tone::Quiet);
        }
        line
    }
}

/// What stands for the count, with its tone.
fn badge(node: &Node) -> (String, Tone) {
    let tone = if node.failure().is_some() {
        Tone::Error
    } else if node.pending() || node.members.is_empty() {
        Tone::Quiet
    } else if node.truncated() {
        Tone::Warning
    } else {
        Tone::Plain
    };
    let text = if node.parent.is_none() { node.members.len().to_string() } else { node.badge() };
    (text, tone)
}

fn guide(last: &[bool]) -> String {
    let mut guide = String::new();
    for (level, end) in last.iter().enumerate() {
        guide += match (level + 1 == last.len(), end) {
            (true, true) => "└ ",
            (true, false) => "├ ",
            (false, true) => "  ",
            (false, false) => "│ ",
        };
    }
    guide
}

/// The keys of the nodes on the path that matters most.
fn best_path(tree: &Tree, hidden: &[bool]) -> HashSet<Arc<str>> {
    let mut path = HashSet::new();
    let mut node = 0;
    while let Some(at) = tree.nodes.get(node) {
        path.insert(Arc::clone(&at.key));
        match tree.ranked(node).into_iter().find(|&child| !hidden[child]) {
            Some(child) if !tree.nodes[child].members.is_empty() => node = child,
            _ => break,
        }
    }
    path
}

/// Whether all objects of a node stand elsewhere, where they are expanded on a cheaper path.
pub(crate) fn all_seen(node: &Node) -> bool {
    node.parent.is_some()
        && !node.members.is_empty()
        && node.members.iter().all(|member| member.seen)
        && node.runs.iter().all(|run| run.failure().is_none())
}

/// Whether a node says nothing that does not stand elsewhere.
fn is_dull(node: &Node) -> bool {
    (is_empty(node) && !node.leads_elsewhere()) || all_seen(node)
}

/// For each node whether it and everything below it says nothing.
fn hidden(tree: &Tree) -> Vec<bool> {
    let mut hidden = vec![false; tree.nodes.len()];
    for (at, node) in tree.nodes.iter().enumerate().rev() {
        hidden[at] = is_dull(node) && node.children.iter().all(|&child| hidden[child]);
    }
    hidden
}

fn worst_below(tree: &Tree, node: usize) -> Severity {
    let below = tree.nodes[node].children.iter().map(|&child| worst_below(tree, child));
    below.fold(tree.nodes[node].severity(), Severity::max)
}
