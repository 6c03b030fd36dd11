//! Pane 3: one object whole, and how it came here: the rules and queries from the start.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Frame;
use super::yaml::{Text, json, yaml};
use crate::graph::Tree;
use crate::model::Object;
use crate::tui::fact::{self, Kind};
use crate::tui::theme::Tone;
use crate::tui::time::clock;
use crate::tui::widget::cursor::{Motion, moved};
use crate::tui::widget::find::{Filter, Find};
use crate::tui::widget::line::{Line, head, wrap};

/// The most rows that a log line gets.
const MOST_ROWS: usize = 2000;

/// The lines about one object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Detail {
    shown: Option<(Arc<str>, Arc<str>)>,
    /// What the object is called.
    pub(crate) name: String,
    lines: Vec<Text>,
    kept: Vec<usize>,
    pub(crate) top: usize,
    pub(crate) side: usize,
    pub(crate) json: bool,
    pub(crate) wrap: bool,
    pub(crate) find: Find,
    pub(crate) filter: Filter,
    hit: usize,
}

impl Detail {
    /// Shows a member of a node in so many columns; the place on screen is kept if it is the same
    /// as before.
    pub(crate) fn build(&mut self, tree: &Tree, node: usize, member: usize, width: u16) {
        let object = &tree.nodes[node].members[member].object;
        let key = (Arc::clone(&tree.nodes[node].key), Arc::clone(&object.id));
        if self.shown.as_ref() != Some(&key) {
            self.shown = Some(key);
            self.top = 0;
            self.side = 0;
            self.hit = 0;
        }
        let width = usize::from(width).saturating_sub(2).max(20);
        self.name = format!("{} {}", fact::word(&object.class), fact::subject(object));
        self.lines = origin(tree, node, member, width);
        self.lines.extend(if self.json { json(&object.body) } else { readable(object, width) });
        self.refine();
    }

    /// Shows nothing.
    pub(crate) fn clear(&mut self) {
        self.shown = None;
        self.name.clear();
        self.lines.clear();
        self.refine();
    }

    /// Applies filter and search.
    pub(crate) fn refine(&mut self) {
        let filter = &self.filter;
        let lines = self.lines.iter().enumerate();
        self.kept = lines.filter(|(_, l)| filter.keeps(&l.text)).map(|(at, _)| at).collect();
        self.find.look(self.kept.iter().map(|&at| &self.lines[at].text));
        self.top = self.top.min(self.kept.len().saturating_sub(1));
    }

    /// Whether it shows nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Scrolls.
    pub(crate) fn go(&mut self, motion: Motion, height: usize) {
        let room = if self.wrap { 1 } else { height.max(1) };
        self.top = moved(self.top, motion, self.kept.len().saturating_sub(room), height);
    }

    /// Goes to the next hit of the search.
    pub(crate) fn step(&mut self, forward: bool) {
        if let Some(row) = self.find.step(self.hit, forward) {
            self.hit = row;
            self.top = row.saturating_sub(2);
        }
    }

    /// Goes to the first hit on or below the first row on screen.
    pub(crate) fn first_hit(&mut self) {
        let from = self.find.hits.iter().find(|hit| **hit >= self.top).or(self.find.hits.first());
        if let Some(&row) = from {
            self.hit = row;
            self.top = row.saturating_sub(2);
        }
    }

    /// Draws the lines that fit.
    pub(crate) fn draw(&self, buffer: &mut Buffer, frame: Frame) {
        let area = frame.area;
        let mut y = area.y;
        let width = usize::from(area.width).saturating_sub(2);
        for text in self.kept.iter().skip(self.top).map(|&at| &self.lines[at]) {
            if y >= area.bottom() {
                break;
            }
            if !self.wrap {
                let place = Rect { y, height: 1, ..area };
                self.coloured(text).draw(buffer, place, self.side);
                y += 1;
                continue;
            }
            let rows = wrap(&text.text, width, usize::from(area.bottom() - y));
            for (at, part) in rows.into_iter().enumerate() {
                let whole = at == 0 && part.starts_with(&text.text[..text.key.1]);
                let key = if whole { text.key } else { (0, 0) };
                let place = Rect { y, height: 1, ..area };
                self.coloured(&Text { text: part, key }).draw(buffer, place, 0);
                y += 1;
            }
        }
    }

    fn coloured(&self, text: &Text) -> Line {
        let mut line = Line::new();
        line.push(" ", Tone::Plain);
        let (start, end) = text.key;
        let most = self.side + 512;
        line.push(&text.text[..start], Tone::Quiet);
        line.push(&text.text[start..end], Tone::Field);
        line.marked(head(&text.text[end..], most), Tone::Plain, &self.find.needle);
        line
    }

    /// What the right end of the title tells.
    pub(crate) fn state(&self) -> Line {
        let mut line = Line::new();
        if !self.filter.is_empty() {
            line.push(format!(" & {} ", self.filter.text()), Tone::Accent);
        }
        if let Some(position) = self.find.position(self.hit) {
            line.push(format!(" /{} {position} ", self.find.needle.text()), Tone::Accent);
        }
        line.push(if self.json { " JSON " } else { " YAML " }, Tone::Quiet);
        line
    }
}

/// How an object came here: the chain from the start, then the rule's query.
fn origin(tree: &Tree, node: usize, member: usize, width: usize) -> Vec<Text> {
    let at = &tree.nodes[node];
    let Some(shown) = at.members.get(member) else { return Vec::new() };
    if at.parent.is_none() {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for (step, (node, member)) in tree.provenance(node, member).into_iter().enumerate() {
        let at = &tree.nodes[node];
        let object = &at.members[member].object;
        let rule = at.rule.as_deref().map(|rule| format!("─ {rule} → ")).unwrap_or_default();
        let text = format!("{rule}{} {}", fact::word(&at.class), fact::name(object));
        lines.extend(named(if step == 0 { "via" } else { "" }, &text, width));
    }
    let more = shown.links.len().saturating_sub(1);
    if more > 0 {
        let noun = if more == 1 { "way" } else { "ways" };
        lines.extend(named("", &format!("and by {more} more {noun}"), width));
    }
    let run = shown.links.first().and_then(|link| at.runs.get(link.run));
    if let Some(run) = run {
        lines.extend(named("query", run.query.text(), width));
        if let Some(seconds) = run.seconds {
            lines.extend(named("took", &format!("{seconds:.2}s"), width));
        }
        if let Some(note) = &run.note {
            lines.extend(named("note", note, width));
        }
    }
    if shown.seen {
        lines.extend(named("seen", "it is expanded on a cheaper path of this tree", width));
    }
    lines.push(Text::plain(""));
    lines
}

/// A word and what it says, on as many lines as it takes.
fn named(word: &str, text: &str, width: usize) -> Vec<Text> {
    let parts = wrap(text, width.saturating_sub(7), 12).into_iter().enumerate();
    let line = |(at, part): (usize, String)| {
        let word = if at == 0 { word } else { "" };
        Text { text: format!("{word:<6} {part}"), key: (0, word.len()) }
    };
    parts.map(line).collect()
}

/// An object for reading: what a log line or an Event says comes first and whole, the values of a series are
/// one to a line.
fn readable(object: &Object, width: usize) -> Vec<Text> {
    match (fact::kind(&object.class), object.body.as_object()) {
        (Kind::Log, Some(body)) => {
            let mut rest = body.clone();
            for key in ["body", "line", "message"] {
                if rest.remove(key).is_some() {
                    break;
                }
            }
            let mut lines = message(fact::text(object), width);
            lines.extend(yaml(&rest.into()));
            lines
        }
        (Kind::Series, Some(body)) => {
            let mut rest = body.clone();
            rest.remove("values");
            let mut lines = yaml(&rest.into());
            let points = fact::points(object);
            lines.push(Text { text: format!("values: # {}", points.len()), key: (0, 6) });
            lines.extend(points.into_iter().map(|(time, value)| {
                let time = time.map(|time| clock(time, true)).unwrap_or_default();
                Text::plain(format!("  {time}  {value}"))
            }));
            lines
        }
        (Kind::Event, Some(body)) => {
            let mut rest = body.clone();
            let mut lines = Vec::new();
            for key in ["reason", "message", "note"] {
                let text = rest.remove(key);
                let text = text.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
                lines.extend(text.lines().flat_map(|line| wrap(line, width, MOST_ROWS)));
            }
            lines.push(String::new());
            lines.into_iter().map(Text::plain).chain(yaml(&rest.into())).collect()
        }
        _ => yaml(&object.body),
    }
}

/// What a log line says: its own lines, or its fields if it is JSON.
fn message(text: &str, width: usize) -> Vec<Text> {
    let fields = serde_json::from_str::<serde_json::Value>(text).ok();
    let mut lines = if let Some(fields) = fields.filter(serde_json::Value::is_object) {
        yaml(&fields)
    } else {
        let lines = text.lines().flat_map(|line| wrap(line, width, MOST_ROWS));
        lines.take(MOST_ROWS).map(Text::plain).collect()
    };
    if lines.len() == MOST_ROWS {
        lines.push(Text::plain("… cut here: y copies all of it"));
    }
    lines.push(Text::plain(""));
    lines
}
