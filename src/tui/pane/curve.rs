//! How many of the worst lines of a log there are over time, in one row.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::results::Rows;
use crate::graph::Node;
use crate::model::Severity;
use crate::tui::theme::Tone;
use crate::tui::widget::line::Line;
use crate::tui::widget::spark::sparkline;

/// Whether a log is worth a curve of its errors where there are `height` rows.
pub(super) fn worth(node: &Node, height: u16) -> bool {
    let bad = || node.members.iter().any(|member| member.object.severity >= Severity::Warning);
    height >= 10 && node.members.len() >= 8 && bad()
}

/// The lines counted, which takes a walk over all of them.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    worst: Severity,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    /// Lines of the worst severity per cell; `None` where lines were cut and none is known.
    counts: Vec<Option<f64>>,
    cut: bool,
}

impl Curve {
    /// Counts the shown lines of a node for a pane of a width; `None` if none has a time.
    pub(super) fn of(node: &Node, shown: &[usize], width: u16) -> Option<Self> {
        let times = || node.members.iter().filter_map(|member| member.object.time);
        let (first, last) = (times().min()?, times().max()?);
        let cut = node.runs.iter().any(|run| run.cut.is_some());
        let cells = usize::from(width).saturating_sub(40).clamp(8, 60);
        let none = if cut { None } else { Some(0.0) };
        let worst = node.severity();
        let mut curve = Self { worst, first, last, counts: vec![none; cells], cut };
        for time in times().filter(|_| cut) {
            let cell = curve.cell(time);
            curve.counts[cell] = Some(0.0);
        }
        for object in shown.iter().filter_map(|&at| Some(&node.members.get(at)?.object)) {
            if let Some(time) = object.time.filter(|_| object.severity == worst) {
                let cell = curve.cell(time);
                curve.counts[cell] = curve.counts[cell].map(|count| count + 1.0);
            }
        }
        Some(curve)
    }

    fn cell(&self, time: DateTime<Utc>) -> usize {
        let span = (self.last - self.first).num_milliseconds().max(1);
        let share = (time - self.first).num_milliseconds().clamp(0, span);
        let cells = self.counts.len() - 1;
        usize::try_from(share).unwrap_or(0) * cells / usize::try_from(span).unwrap_or(1)
    }

    /// Draws it. The cell of the selected line is reversed, that of the moment that matters most
    /// is accented. Where lines were cut, a cell of which none is known is a dot.
    pub(super) fn draw(&self, rows: &Rows<'_>, buffer: &mut Buffer, area: Rect) {
        let at = rows.shown.get(rows.cursor.at);
        let selected = at.and_then(|&at| rows.node.members.get(at)?.object.time);
        let selected = selected.map(|time| self.cell(time));
        let within = |time: &DateTime<Utc>| (self.first..=self.last).contains(time);
        let focus = rows.focus.filter(within);
        let mut line = Line::new();
        line.push(format!(" {} ", self.worst.tag()), Tone::Quiet);
        for (at, bar) in sparkline(&self.counts, self.counts.len()).chars().enumerate() {
            let tone = match self.counts[at] {
                _ if selected == Some(at) => Tone::Cursor,
                _ if focus.map(|time| self.cell(time)) == Some(at) => Tone::Accent,
                Some(count) if count > 0.0 => Tone::from(self.worst),
                _ => Tone::Quiet,
            };
            let bar = if self.counts[at].is_none() { '·' } else { bar };
            line.push(bar.to_string(), tone);
        }
        let minute = |time: DateTime<Utc>| time.format("%H:%M").to_string();
        line.push(format!("  {} – {}", minute(self.first), minute(self.last)), Tone::Quiet);
        if self.cut {
            line.push(" cut", Tone::Warning);
        }
        if let Some(focus) = focus {
            line.push(format!("  alert {}", minute(focus)), Tone::Accent);
        }
        line.draw(buffer, Rect { height: 1, ..area }, 0);
    }
}
