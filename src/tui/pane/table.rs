//! Objects, Events and alerts as a table. Columns that would say the same in every row are left
//! out.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::Frame;
use super::results::Rows;
use crate::model::{Object, fit, fit_name};
use crate::tui::fact::{self, Kind};
use crate::tui::theme::Tone;
use crate::tui::time::age;
use crate::tui::widget::line::{Line, wrap};

/// A column: its heading, the widest it may get, and what it shows.
struct Column {
    head: &'static str,
    most: usize,
    tone: Tone,
    cell: fn(&Object, DateTime<Utc>) -> String,
}

const LEVEL: Column =
    Column { head: "", most: 3, tone: Tone::Plain, cell: |object, _| fact::tag(object).into() };
const NAME: Column = Column {
    head: "NAME",
    most: 44,
    tone: Tone::Plain,
    cell: |object, _| fact::name(object).into(),
};
const NAMESPACE: Column = Column {
    head: "NAMESPACE",
    most: 20,
    tone: Tone::Quiet,
    cell: |object, _| fact::namespace(object).unwrap_or_default().into(),
};
const STATE: Column = Column {
    head: "STATE",
    most: 20,
    tone: Tone::Plain,
    cell: |object, _| fact::state(object).into(),
};
const AGE: Column = Column {
    head: "AGE",
    most: 4,
    tone: Tone::Quiet,
    cell: |object, now| object.time.map(|time| age(now - time)).unwrap_or_default(),
};
const SUBJECT: Column = Column {
    head: "SUBJECT",
    most: 36,
    tone: Tone::Plain,
    cell: |object, _| fact::subject(object),
};
const MESSAGE: Column = Column {
    head: "MESSAGE",
    most: 400,
    tone: Tone::Plain,
    cell: |object, _| fact::message(object).lines().next().unwrap_or_default().into(),
};
const REASON: Column = Column {
    head: "REASON",
    most: 20,
    tone: Tone::Plain,
    cell: |object, _| object.text("/reason").unwrap_or(&object.status).into(),
};
const TIMES: Column = Column {
    head: "×",
    most: 5,
    tone: Tone::Quiet,
    cell: |object, _| {
        let mut counts = ["/count", "/series/count"].iter();
        let count = counts.find_map(|at| object.body.pointer(at)?.as_u64());
        count.map(|count| count.to_string()).unwrap_or_default()
    },
};
const INVOLVED: Column = Column {
    head: "OBJECT",
    most: 30,
    tone: Tone::Plain,
    cell: |object, _| {
        fact::involved(object).map(|(kind, name)| format!("{kind} {name}")).unwrap_or_default()
    },
};

const SERVICE: Column = Column {
    head: "SERVICE",
    most: 20,
    tone: Tone::Quiet,
    cell: |object, _| fact::service(object).into(),
};
const TOOK: Column =
    Column { head: "TOOK", most: 9, tone: Tone::Plain, cell: |object, _| fact::took(object) };

/// The width below which the namespace gives way.
const ROOMY: usize = 30;

/// The width below which columns are left out rather than cut further.
const NARROW: usize = 18;

fn columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Alert => &[LEVEL, AGE, NAME, STATE, SUBJECT, MESSAGE],
        Kind::Event => &[LEVEL, AGE, TIMES, REASON, INVOLVED, MESSAGE],
        Kind::Span => &[LEVEL, AGE, TOOK, SERVICE, NAME, MESSAGE],
        _ => &[LEVEL, AGE, NAME, NAMESPACE, STATE, MESSAGE],
    }
}

/// How wide each column is: as wide as its cells, or 0 if it is left out because it says nothing.
/// Where room is short, the widest give way to the last one, the message; then columns go.
fn widths(columns: &[Column], rows: &[&[String]], total: usize) -> Vec<usize> {
    let natural = |(at, column): (usize, &Column)| {
        let cells = rows.iter().map(|cells| cells[at].as_str());
        let widest = cells.clone().map(UnicodeWidthStr::width).max().unwrap_or(0);
        let dull = match column.head {
            "STATE" => cells.clone().all(|cell| cell == "firing"),
            "NAMESPACE" => {
                let mut others = cells.clone().skip(1).peekable();
                others.peek().is_some() && others.all(|cell| Some(cell) == cells.clone().next())
            }
            _ => false,
        };
        let none = widest == 0 || dull;
        if none { 0 } else { widest.max(column.head.width()).min(column.most) }
    };
    let natural: Vec<usize> = columns.iter().enumerate().map(natural).collect();
    let last = natural.len() - 1;
    let message = natural[last].min(total / 5);
    let mut gone: Vec<&str> = Vec::new();
    for next in ["NAMESPACE", "STATE", "SUBJECT", "OBJECT", "", ""] {
        let mut widths = natural.clone();
        for (width, column) in widths.iter_mut().zip(columns) {
            if gone.contains(&column.head) {
                *width = 0;
            }
        }
        let used = |widths: &[usize]| {
            let shown = widths[..last].iter().filter(|width| **width > 0);
            shown.map(|width| width + 2).sum::<usize>() + 1 + message
        };
        let least = if gone.is_empty() { ROOMY } else { NARROW };
        while used(&widths) > total {
            match widths[..last].iter_mut().max() {
                Some(widest) if *widest > least => *widest -= 1,
                _ => break,
            }
        }
        if used(&widths) <= total || next.is_empty() {
            return widths;
        }
        gone.push(next);
    }
    natural
}

/// How far the message of a row is indented where it is wrapped.
const INDENT: usize = 6;

/// Most rows that one message may take when it is wrapped.
const TALLEST: usize = 40;

/// The message of an object in the rows below its own.
fn below(object: &Object, width: usize) -> Vec<String> {
    let lines = fact::message(object).lines().map(str::trim).filter(|line| !line.is_empty());
    let rows = lines.flat_map(|line| wrap(line, width.saturating_sub(INDENT + 1), TALLEST));
    rows.take(TALLEST).collect()
}

/// How many rows an object takes where messages are wrapped.
pub(crate) fn height(object: &Object, width: usize) -> usize {
    1 + below(object, width).len()
}

/// Draws a heading and the rows that fit.
pub(crate) fn draw(rows: &Rows<'_>, buffer: &mut Buffer, frame: Frame) {
    let area = frame.area;
    let height = usize::from(area.height.saturating_sub(1));
    let width = usize::from(area.width);
    let cells = |object: &Object| -> Vec<String> {
        columns(fact::kind(&rows.node.class))
            .iter()
            .map(|column| {
                let below = rows.look.wrap && column.head == MESSAGE.head;
                let text = if below { String::new() } else { (column.cell)(object, frame.now) };
                crate::model::clean(&text)
            })
            .collect()
    };
    let columns = columns(fact::kind(&rows.node.class));
    let visible: Vec<(usize, &Object, Vec<String>)> =
        rows.visible().take(height).map(|(row, object)| (row, object, cells(object))).collect();
    let cells: Vec<&[String]> = visible.iter().map(|(_, _, cells)| cells.as_slice()).collect();
    let widths = widths(columns, &cells, width);
    let mut line = Line::new();
    line.push(" ", Tone::Plain);
    for (column, width) in columns.iter().zip(&widths).filter(|(_, width)| **width > 0) {
        let last = column.head == MESSAGE.head;
        line.column(column.head, if last { column.head.width() } else { *width }, Tone::Quiet);
    }
    line.draw(buffer, Rect { height: 1, ..area }, rows.look.side);
    let mut y = area.y + 1;
    for (row, object, cells) in &visible {
        if y >= area.bottom() {
            break;
        }
        let mut line = Line::new();
        line.push(" ", Tone::Plain);
        for (at, width) in widths.iter().enumerate().filter(|(_, width)| **width > 0) {
            let tone = if at == 0 { Tone::from(object.severity) } else { columns[at].tone };
            let cut = if at + 1 < widths.len() { fit_name } else { fit };
            let text = cut(&cells[at], *width);
            let gap = " ".repeat(width - text.width().min(*width) + 2);
            line.marked(&text, tone, &rows.find.needle);
            if at + 1 < widths.len() {
                line.push(gap, Tone::Plain);
            }
        }
        let place = Rect { y, height: 1, ..area };
        line.draw(buffer, place, rows.look.side);
        frame.mark(buffer, place, *row == rows.cursor.at);
        y += 1;
        let below = if rows.look.wrap { below(object, width) } else { Vec::new() };
        for (text, below) in below.iter().zip(y..area.bottom()) {
            let place = Rect { y: below, ..place };
            let mut line = Line::new();
            line.push(" ".repeat(INDENT), Tone::Plain);
            line.marked(text, Tone::Plain, &rows.find.needle).draw(buffer, place, 0);
            frame.mark(buffer, place, *row == rows.cursor.at);
        }
        y = y.saturating_add(u16::try_from(below.len()).unwrap_or(u16::MAX));
    }
}
