//! Pane 2: what the selected path found, as a table, as log lines or as series.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::curve::{self, Curve};
use super::logs::Names;
use super::{Frame, logs, remarks, series, table};
use crate::graph::{Member, Node};
use crate::model::{Object, Severity, clean, fit};
use crate::tui::fact::{self, Kind};
use crate::tui::theme::Tone;
use crate::tui::widget::cursor::{Cursor, Motion};
use crate::tui::widget::find::{Filter, Find, Needle};
use crate::tui::widget::line::Line;

/// The objects of one node and what the user did to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    node: Option<Arc<str>>,
    spot: Spot,
    kept: HashMap<Arc<str>, Spot>,
    /// Indexes of members, in the order shown.
    shown: Vec<usize>,
    total: usize,
    focus: Option<DateTime<Utc>>,
    pub(crate) look: Look,
    pub(crate) find: Find,
    /// What `digest` was made of.
    made_of: Option<Inputs>,
    digest: Digest,
}

/// What a walk over all objects of a node tells, so that no frame needs one.
#[derive(Clone, Debug, Default)]
struct Digest {
    severities: Vec<(Severity, usize)>,
    names: Names,
    curve: Option<Curve>,
}

/// So many objects are only gone through again if there is a reason to.
const MANY: usize = 2000;

/// What rows and digest of many objects depend on: those are lines, which never change, so that
/// their number and the first and the last one tell two states of a node apart.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inputs {
    node: Arc<str>,
    ends: [Option<Arc<str>>; 2],
    total: usize,
    settled: bool,
    filter: Filter,
    needle: Needle,
    width: u16,
}

/// Where the user was in the results of a node.
#[derive(Clone, Debug, Default)]
struct Spot {
    cursor: Cursor,
    id: Option<Arc<str>>,
    filter: Filter,
    moved: bool,
}

/// How rows are shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    /// Long lines go on in the next row.
    pub(crate) wrap: bool,
    /// Times have their date.
    pub(crate) full_time: bool,
    /// Cells scrolled to the right.
    pub(crate) side: usize,
}

impl Results {
    /// Takes a node of a newer tree, or another node. `focus` is the moment that matters most.
    pub(crate) fn build(&mut self, node: &Node, focus: Option<DateTime<Utc>>, room: (u16, u16)) {
        if self.node.as_ref() != Some(&node.key) {
            let next = self.kept.remove(&node.key).unwrap_or_default();
            let left = std::mem::replace(&mut self.spot, next);
            if let Some(key) = self.node.replace(Arc::clone(&node.key)) {
                self.kept.insert(key, left);
            }
            self.look.side = 0;
        }
        self.total = node.members.len();
        self.focus = focus;
        self.refresh(node, room.0);
        let held = self.spot.id.as_ref().filter(|_| self.spot.moved);
        let held =
            held.and_then(|id| self.shown.iter().position(|&at| node.members[at].object.id == *id));
        match held {
            Some(at) => self.spot.cursor.hold(at),
            None if self.spot.moved => {}
            None => self.spot.cursor.at = first(node, &self.shown, focus),
        }
        self.settle(node, room);
    }

    /// Chooses, sorts and counts the rows again if anything has changed.
    fn refresh(&mut self, node: &Node, width: u16) {
        let id = |member: Option<&Member>| member.map(|member| Arc::clone(&member.object.id));
        let inputs = Inputs {
            node: Arc::clone(&node.key),
            ends: [id(node.members.first()), id(node.members.last())],
            total: self.total,
            settled: !node.pending(),
            filter: self.spot.filter.clone(),
            needle: self.find.needle.clone(),
            width,
        };
        if self.total >= MANY && self.made_of.as_ref() == Some(&inputs) {
            return;
        }
        let filter = &self.spot.filter;
        let keeps = |object: &Object| filter.is_empty() || filter.keeps(&fact::hay(object));
        self.shown = (0..self.total).filter(|&at| keeps(&node.members[at].object)).collect();
        arrange(node, &mut self.shown);
        self.find.look(self.shown.iter().map(|&at| fact::hay(&node.members[at].object)));
        let log = fact::kind(&node.class) == Kind::Log;
        self.digest = Digest {
            severities: severities(node),
            names: if log { Names::of(node, &self.shown) } else { Names::default() },
            curve: if log { Curve::of(node, &self.shown, width) } else { None },
        };
        self.made_of = Some(inputs);
    }

    fn settle(&mut self, node: &Node, (width, height): (u16, u16)) {
        let height = usize::from(height).saturating_sub(overhead(node, height));
        let mut cursor = self.spot.cursor;
        if self.look.wrap {
            cursor.settle_tall(self.shown.len(), height, |row| self.tall(node, row, width));
        } else {
            cursor.settle(self.shown.len(), height);
        }
        self.spot.cursor = cursor;
        self.spot.id = self.shown.get(cursor.at).map(|&at| Arc::clone(&node.members[at].object.id));
    }

    /// How many lines of the screen a row takes.
    fn tall(&self, node: &Node, row: usize, width: u16) -> usize {
        let (object, width) = (&node.members[self.shown[row]].object, usize::from(width));
        match fact::kind(&node.class) {
            Kind::Series => 1,
            _ if !self.look.wrap => 1,
            Kind::Log => logs::height(object, &self.digest.names, width, self.look),
            _ => table::height(object, width),
        }
    }

    /// The row at a line of the pane.
    pub(crate) fn row_at(&self, line: usize, node: &Node, room: (u16, u16)) -> Option<usize> {
        let line = line.checked_sub(overhead(node, room.1))?;
        self.spot.cursor.row(line, self.shown.len(), |row| self.tall(node, row, room.0))
    }

    /// The index of the selected member.
    pub(crate) fn member(&self) -> Option<usize> {
        self.shown.get(self.spot.cursor.at).copied()
    }

    /// The selected row.
    pub(crate) fn at(&self) -> usize {
        self.spot.cursor.at
    }

    /// The first row on screen.
    #[cfg(test)]
    pub(crate) fn top(&self) -> usize {
        self.spot.cursor.top
    }

    /// The filter of this node.
    pub(crate) fn filter(&self) -> &Filter {
        &self.spot.filter
    }

    /// Sets the filter; the selected row stays selected if it is kept.
    pub(crate) fn set_filter(&mut self, filter: Filter) {
        self.spot.filter = filter;
        self.spot.moved = true;
    }

    /// Moves the selected row.
    pub(crate) fn go(&mut self, motion: Motion, node: &Node, room: (u16, u16)) {
        self.spot.moved = true;
        let height = usize::from(room.1).saturating_sub(overhead(node, room.1));
        self.spot.cursor.go(motion, self.shown.len(), height);
        self.settle(node, room);
    }

    /// Selects a row.
    pub(crate) fn select(&mut self, row: usize, node: &Node, room: (u16, u16)) {
        self.spot.moved = true;
        self.spot.cursor.at = row;
        self.settle(node, room);
    }

    /// The next row of a severity in a direction.
    pub(crate) fn next_of(&self, node: &Node, severity: Severity, forward: bool) -> Option<usize> {
        let is = |row: &usize| node.members[self.shown[*row]].object.severity == severity;
        let at = self.spot.cursor.at;
        if forward {
            (at + 1..self.shown.len()).find(is)
        } else {
            (0..at.min(self.shown.len())).rev().find(is)
        }
    }

    /// Draws the rows, or a sentence where there are none.
    pub(crate) fn draw(&self, node: &Node, buffer: &mut Buffer, frame: Frame) {
        let mut area = frame.area;
        let width = usize::from(area.width);
        let said = if self.shown.is_empty() {
            remarks::instead(node, &self.spot.filter, width)
        } else {
            remarks::above(node)
        };
        for (line, y) in said.iter().zip(area.y..area.bottom()) {
            line.draw(buffer, Rect { y, height: 1, ..area }, 0);
        }
        if self.shown.is_empty() {
            return;
        }
        let taken = u16::try_from(said.len()).unwrap_or(u16::MAX).min(area.height);
        area = Rect { y: area.y + taken, height: area.height - taken, ..area };
        let rows = Rows {
            node,
            shown: &self.shown,
            cursor: self.spot.cursor,
            look: self.look,
            find: &self.find,
            focus: self.focus,
            names: &self.digest.names,
        };
        let worth = curve::worth(node, frame.area.height);
        if let Some(curve) = self.digest.curve.as_ref().filter(|_| worth) {
            curve.draw(&rows, buffer, area);
            area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        }
        let frame = Frame { area, ..frame };
        match fact::kind(&node.class) {
            Kind::Log => logs::draw(&rows, buffer, frame),
            Kind::Series => series::draw(&rows, buffer, frame),
            _ => table::draw(&rows, buffer, frame),
        }
    }

    /// What the title of the pane tells: the node's label in at most so many cells, severities, what was cut.
    pub(crate) fn title(&self, node: &Node, label: &str, narrow: bool, most: usize) -> Line {
        let mut line = Line::new();
        line.push(fit(&clean(label), most), Tone::Strong);
        for &(severity, count) in &self.digest.severities {
            line.push(format!("  {} {count}", severity.tag()), Tone::from(severity));
        }
        if narrow {
            return line;
        }
        let what = noun(node);
        if self.shown.len() < self.total {
            line.push(format!("  {} of {} {what}", self.shown.len(), self.total), Tone::Quiet);
        } else if node.truncated() {
            line.push(format!("  {what} {}", cut(node)), Tone::Warning);
            line.push(", more: L", Tone::Quiet);
        } else if self.total > 1 {
            line.push(format!("  {} {what}", self.total), Tone::Quiet);
        }
        line
    }

    /// What the right end of the title tells: filter, search and toggles.
    pub(crate) fn state(&self) -> Line {
        let mut line = Line::new();
        if self.look.wrap {
            line.push(" wrap on ", Tone::Quiet);
        }
        if !self.spot.filter.is_empty() {
            line.push(format!(" & {} ", self.spot.filter.text()), Tone::Accent);
        }
        if let Some(position) = self.find.position(self.spot.cursor.at) {
            line.push(format!(" /{} {position} ", self.find.needle.text()), Tone::Accent);
        }
        line
    }
}

/// What the drawing of rows gets.
pub(crate) struct Rows<'r> {
    pub(crate) node: &'r Node,
    pub(crate) shown: &'r [usize],
    pub(crate) cursor: Cursor,
    pub(crate) look: Look,
    pub(crate) find: &'r Find,
    /// The moment that matters most.
    pub(crate) focus: Option<DateTime<Utc>>,
    /// The names that tell lines of a log apart.
    pub(crate) names: &'r Names,
}

impl Rows<'_> {
    /// The objects from the first row on screen, with their row numbers.
    pub(crate) fn visible(&self) -> impl Iterator<Item = (usize, &Object)> {
        let rows = self.shown.iter().enumerate().skip(self.cursor.top);
        rows.filter_map(|(row, &at)| Some((row, self.node.members.get(at)?.object.as_ref())))
    }

    /// All objects that are shown.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Object> {
        self.shown.iter().filter_map(|&at| Some(self.node.members.get(at)?.object.as_ref()))
    }
}

/// Rows above the objects where there are `height` in all: the heading of a table or the curve
/// of a log, and lines that say what went wrong.
fn overhead(node: &Node, height: u16) -> usize {
    usize::from(fact::kind(&node.class) != Kind::Log || curve::worth(node, height))
        + remarks::above(node).len()
}

/// The order of rows: lines by time, all else the worst first, then alerts and Events by time,
/// and spans by how long they took.
fn arrange(node: &Node, shown: &mut [usize]) {
    let object = |at: &usize| node.members[*at].object.as_ref();
    match fact::kind(&node.class) {
        Kind::Log => shown.sort_by_key(|at| object(at).time),
        Kind::Event | Kind::Alert => {
            shown.sort_by_key(|at| std::cmp::Reverse((object(at).severity, object(at).time)));
        }
        Kind::Span => {
            let worth = |span: &Object| (span.severity, fact::nanos(span));
            shown.sort_by_key(|at| std::cmp::Reverse(worth(object(at))));
        }
        Kind::Series | Kind::Thing => {
            shown.sort_by_key(|at| std::cmp::Reverse(object(at).severity));
        }
    }
}

/// The row to begin with: in a log the last error at or before the focus, else the last line.
fn first(node: &Node, shown: &[usize], focus: Option<DateTime<Utc>>) -> usize {
    if fact::kind(&node.class) != Kind::Log {
        return 0;
    }
    let object = |row: usize| node.members[shown[row]].object.as_ref();
    let error = |row: &usize| object(*row).severity == Severity::Error;
    let early = |row: &usize| focus.is_none_or(|focus| object(*row).time <= Some(focus));
    let found = (0..shown.len()).rev().find(|row| error(row) && early(row));
    found.or_else(|| (0..shown.len()).find(error)).unwrap_or(shown.len().saturating_sub(1))
}

fn severities(node: &Node) -> Vec<(Severity, usize)> {
    let mut counts = BTreeMap::new();
    for member in &node.members {
        *counts.entry(member.object.severity).or_insert(0) += 1;
    }
    let bad = |severity: &Severity| *severity >= Severity::Warning;
    counts.into_iter().rev().filter(|(severity, _)| bad(severity)).collect()
}

fn noun(node: &Node) -> &'static str {
    match (fact::kind(&node.class), node.members.len()) {
        (Kind::Log, 1) => "line",
        (Kind::Log, _) => "lines",
        (Kind::Event, 1) => "event",
        (Kind::Event, _) => "events",
        (Kind::Alert, 1) => "alert",
        (Kind::Alert, _) => "alerts",
        (Kind::Series, _) => "series",
        (Kind::Span, 1) => "span",
        (Kind::Span, _) => "spans",
        (Kind::Thing, 1) => "object",
        (Kind::Thing, _) => "objects",
    }
}

/// What a limit left: `1000 of 5000`, `1000 of 1000+ (byte cap)`.
fn cut(node: &Node) -> String {
    let badge = node.badge();
    let text = match badge.strip_suffix('+') {
        Some(count) => format!("{count} of {count}+"),
        None => badge,
    };
    let left = match node.left_out {
        0 => String::new(),
        count => format!(" ({count} above not followed)"),
    };
    let by = node.runs.iter().filter_map(|run| run.cut.as_ref()).map(|cut| cut.by);
    match by.clone().next() {
        Some(by) if by != "limit" => format!("{text} ({by}){left}"),
        _ => format!("{text}{left}"),
    }
}
