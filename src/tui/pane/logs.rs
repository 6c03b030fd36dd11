//! Log lines: time, level, where from, and what was said.

use std::collections::HashMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::Frame;
use super::results::{Look, Rows};
use super::said::said;
use crate::graph::Node;
use crate::model::Object;
use crate::tui::fact;
use crate::tui::theme::Tone;
use crate::tui::time::clock;
use crate::tui::widget::line::{Line, head, wrap};

/// Most rows that one line may take when it is wrapped.
const TALLEST: usize = 40;

/// The widest a Pod or container name gets.
const NAME: usize = 16;

/// The columns from which on times have their milliseconds.
const ROOMY: usize = 100;

/// Draws the lines that fit.
pub(crate) fn draw(rows: &Rows<'_>, buffer: &mut Buffer, frame: Frame) {
    let area = frame.area;
    let (names, room) = (rows.names, usize::from(area.width));
    let mut y = area.y;
    for (row, object) in rows.visible() {
        if y >= area.bottom() {
            break;
        }
        let mut line = lead(object, rows.look, room);
        names.push(&mut line, object);
        let selected = row == rows.cursor.at;
        if !rows.look.wrap {
            let width = usize::from(area.width) + rows.look.side;
            let text = said(object, false);
            let skipped = text.char_indices().nth(rows.look.side).map_or(text.len(), |(at, _)| at);
            let text = if rows.look.side == 0 { text } else { &text[skipped..] };
            line.marked(head(text, width), Tone::Plain, &rows.find.needle);
            let place = Rect { y, height: 1, ..area };
            line.draw(buffer, place, 0);
            frame.mark(buffer, place, selected);
            y += 1;
            continue;
        }
        let lead = lead(object, rows.look, room).width();
        let text = format!("{}{}", names.text(object), said(object, true));
        let mut line = self::lead(object, rows.look, room);
        for part in wrap(&text, room.saturating_sub(lead), TALLEST) {
            if y >= area.bottom() {
                break;
            }
            line.marked(&part, Tone::Plain, &rows.find.needle);
            let place = Rect { y, height: 1, ..area };
            line.draw(buffer, place, 0);
            frame.mark(buffer, place, selected);
            line = Line::new();
            line.push(" ".repeat(lead), Tone::Plain);
            y += 1;
        }
    }
}

/// How many rows a wrapped line takes.
pub(crate) fn height(object: &Object, names: &Names, width: usize, look: Look) -> usize {
    let room = width.saturating_sub(lead(object, look, width).width());
    let text = format!("{}{}", names.text(object), said(object, true));
    wrap(&text, room, TALLEST).len()
}

/// Time and level, in a pane of a width.
fn lead(object: &Object, look: Look, width: usize) -> Line {
    let mut line = Line::new();
    let short = width < ROOMY && !look.full_time;
    let text = |time| match clock(time, look.full_time) {
        mut text if short => {
            text.truncate("00:00:00".len());
            text
        }
        text => text,
    };
    let blank = [12, 8, 23][usize::from(short) + 2 * usize::from(look.full_time)];
    let time = object.time.map_or_else(|| " ".repeat(blank), text);
    line.push(format!(" {time} "), Tone::Quiet);
    line.push(fact::tag(object), Tone::from(object.severity)).push(" ", Tone::Plain);
    line
}

/// The names that tell lines apart: of Pods and containers, where there are several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    terms: Vec<(&'static str, usize)>,
}

impl Names {
    /// Those of the shown lines of a node, which takes a walk over all of them.
    pub(super) fn of(node: &Node, shown: &[usize]) -> Self {
        let mut terms = Vec::new();
        for term in ["pod", "container"] {
            let mut widest = 0;
            let mut seen: Option<&str> = None;
            let mut several = false;
            for object in shown.iter().filter_map(|&at| Some(&node.members.get(at)?.object)) {
                if let Some(name) = fact::term(object, term) {
                    several |= seen.is_some_and(|seen| seen != name);
                    seen = Some(name);
                    widest = widest.max(name.width());
                }
            }
            if several {
                terms.push((term, widest.min(NAME)));
            }
        }
        if terms.len() > 1 && one_each(node, shown) {
            terms.pop();
        }
        Self { terms }
    }

    fn push(&self, line: &mut Line, object: &Object) {
        for (term, width) in &self.terms {
            let name = fact::term(object, term).unwrap_or_default();
            line.column(&end(name, *width), *width, Tone::Quiet);
        }
    }

    fn text(&self, object: &Object) -> String {
        let mut text = String::new();
        for (term, width) in &self.terms {
            let name = end(fact::term(object, term).unwrap_or_default(), *width);
            let gap = width.saturating_sub(name.width()) + 2;
            text.extend([&*name, &" ".repeat(gap)]);
        }
        text
    }
}

/// Whether every Pod has lines of one container only, so that its name tells the container too.
fn one_each(node: &Node, shown: &[usize]) -> bool {
    let mut known: HashMap<&str, Option<&str>> = HashMap::new();
    shown.iter().filter_map(|&at| Some(&node.members.get(at)?.object)).all(|object| {
        let container = fact::term(object, "container");
        let pod = fact::term(object, "pod").unwrap_or_default();
        *known.entry(pod).or_insert(container) == container
    })
}

/// A name in at most so many cells. Its end stays, as that is where names of Pods differ.
fn end(name: &str, width: usize) -> std::borrow::Cow<'_, str> {
    if name.width() <= width || !name.is_ascii() {
        return name.into();
    }
    format!("…{}", &name[name.len() + 1 - width.max(1)..]).into()
}
