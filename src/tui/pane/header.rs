//! The two rows at the top: what we look at and where, and how the asking goes.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::sync::Arc;

use super::labels::Labels;
use super::sources;
use crate::graph::Tree;
use crate::model::{Object, Source, Window};
use crate::tui::fact::{self, Kind};
use crate::tui::theme::Tone;
use crate::tui::time::{age, span};
use crate::tui::widget::line::Line;
use crate::tui::world::Place;

/// Draws two parts on a row: the right one whole if it fits, the left one cut.
pub(crate) fn pair(buffer: &mut Buffer, row: Rect, left: &Line, rights: &[Line]) {
    let width = usize::from(row.width);
    let least = left.width().min(width / 3) + 2;
    let fits = |right: &&Line| right.width() + least.max(left.width() + 2) <= width;
    let cut = |right: &&Line| right.width() + least <= width;
    let right = rights.iter().find(fits).or_else(|| rights.iter().rev().find(cut));
    let mut room = row.width;
    if let Some(right) = right {
        right.draw_right(buffer, row);
        room = row.width.saturating_sub(u16::try_from(right.width()).unwrap_or(0) + 1);
    }
    left.draw(buffer, Rect { width: room, ..row }, 0);
}

/// The same with texts of different length for both sides: the first pair that fits, the context
/// and the window before the rest.
pub(crate) fn best(buffer: &mut Buffer, row: Rect, lefts: &[Line], rights: &[Line]) {
    const ORDER: [(usize, usize); 8] =
        [(0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (1, 2), (2, 2), (2, 3)];
    let width = usize::from(row.width);
    for (left, right) in ORDER {
        let left = lefts.get(left).or(lefts.last());
        if let (Some(left), Some(right)) = (left, rights.get(right))
            && left.width() + right.width() + 2 <= width
        {
            return pair(buffer, row, left, std::slice::from_ref(right));
        }
    }
    if let Some(left) = lefts.last() {
        pair(buffer, row, left, rights);
    }
}

/// What we look at: an alert with its severity, state and age, or an object. From all of it to
/// the least.
pub(crate) fn subject(start: &[Arc<Object>], now: DateTime<Utc>) -> Vec<Line> {
    let mut line = Line::new();
    line.push(" ", Tone::Plain);
    let Some(first) = start.first() else { return vec![line] };
    if start.len() > 1 {
        line.push(format!("{} × {}", start.len(), fact::word(&first.class)), Tone::Strong);
        return vec![line];
    }
    if fact::kind(&first.class) != Kind::Alert {
        let name = format!("{} {}", fact::word(&first.class), fact::subject(first));
        line.push(name, Tone::Strong).push("  ", Tone::Plain);
        line.push(fact::state(first), Tone::from(first.severity));
        return vec![line];
    }
    let mut short = line.clone();
    line.push(fact::name(first), Tone::Strong).push("  ", Tone::Plain);
    line.push(fact::severity_word(first), Tone::from(first.severity)).push("  ", Tone::Plain);
    line.push(fact::state(first), Tone::Plain);
    let age = first.time.map(|time| format!(" {}", age(now - time))).unwrap_or_default();
    line.push(&age, Tone::Plain);
    line.push("  ", Tone::Plain).push(fact::subject(first), Tone::Plain);
    let word: String = fact::severity_word(first).chars().take(4).collect();
    short.push(fact::name(first), Tone::Strong).push(" ", Tone::Plain);
    short.push(word, Tone::from(first.severity)).push(age, Tone::Plain);
    let mut least = short.clone();
    short.push(" ", Tone::Plain).push(fact::subject(first), Tone::Plain);
    least.push("", Tone::Plain);
    vec![line, short, least]
}

/// Where we are, from all of it to the least: context, namespace, that we only read, the window.
pub(crate) fn place(place: &Place, window: Option<Window>, now: DateTime<Utc>) -> Vec<Line> {
    let full = window.map(|window| format!("  {}", span(window, now))).unwrap_or_default();
    let short = full.replace(" – ", "–").replace(" UTC", "Z");
    let short = short.split(" (").next().unwrap_or_default();
    let namespace = place.namespace.as_deref().unwrap_or("all");
    let line = |parts: &[(&str, Tone)]| {
        let mut line = Line::new();
        for (text, tone) in parts {
            line.push(text, *tone);
        }
        line.push(" ", Tone::Plain);
        line
    };
    let nowhere = place.context.is_empty();
    let context = (place.context.as_str(), Tone::Plain);
    let read_only = ("  RO", Tone::Good);
    vec![
        line(&[
            (if nowhere { "" } else { "ctx " }, Tone::Quiet),
            context,
            (if nowhere { "ns " } else { "  ns " }, Tone::Quiet),
            (namespace, Tone::Plain),
            read_only,
            (&full, Tone::Plain),
        ]),
        line(&[context, (if nowhere { "RO" } else { "  RO" }, Tone::Good), (short, Tone::Plain)]),
        line(&[("RO", Tone::Good), (short, Tone::Plain)]),
        line(&[("RO", Tone::Good)]),
    ]
}

/// The rule path from the start to a node.
pub(crate) fn crumbs(tree: &Tree, labels: &Labels, node: usize, width: usize) -> Line {
    let steps: Vec<usize> = tree.path(node);
    for skip in 0..steps.len() {
        for rules in [true, false] {
            let line = trail(tree, labels, &steps[skip..], skip > 0, rules);
            if line.width() <= width {
                return line;
            }
        }
    }
    trail(tree, labels, &steps[steps.len().saturating_sub(1)..], steps.len() > 1, false)
}

fn trail(tree: &Tree, labels: &Labels, steps: &[usize], cut: bool, rules: bool) -> Line {
    let mut line = Line::new();
    line.push(if cut { " … " } else { " " }, Tone::Quiet);
    for (at, &step) in steps.iter().enumerate() {
        let node = &tree.nodes[step];
        if at > 0 || cut {
            line.push(if at > 0 { " › " } else { "› " }, Tone::Quiet);
            if let Some(rule) = node.rule.as_ref().filter(|_| rules) {
                line.push(rule, Tone::Quiet).push(" › ", Tone::Quiet);
            }
        }
        let last = at + 1 == steps.len();
        line.push(labels.of(node), if last { Tone::Strong } else { Tone::Plain });
    }
    line
}

/// How the asking goes, from all of it to the least.
pub(crate) fn progress(sources: &[Source], work: &Line) -> Vec<Line> {
    let states = [
        sources::words(sources, true),
        sources::words(sources, false),
        sources::few(sources),
        Line::new(),
    ];
    let line = |mut line: Line| {
        if !line.is_empty() && !work.is_empty() {
            line.push("   ", Tone::Plain);
        }
        line.append(work.clone());
        line.push(" ", Tone::Plain);
        line
    };
    states.into_iter().map(line).collect()
}
