//! The panes: each holds what the user did to it, and draws what it is given. None knows the app.
#![deny(clippy::disallowed_methods, reason = "pure room")]

pub(crate) mod alerts;
pub(crate) mod chooser;
mod curve;
pub(crate) mod detail;
pub(crate) mod header;
pub(crate) mod help;
pub(crate) mod labels;
pub(crate) mod logs;
pub(crate) mod paths;
mod remarks;
pub(crate) mod results;
mod said;
pub(crate) mod series;
pub(crate) mod sources;
pub(crate) mod table;
pub(crate) mod waterfall;
pub(crate) mod yaml;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::theme::Tone;

/// Where and when a pane is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// The part of the screen.
    pub(crate) area: Rect,
    /// Whether keys go to this pane.
    pub(crate) focused: bool,
    /// The time, for ages.
    pub(crate) now: DateTime<Utc>,
}

impl Frame {
    /// Marks a row if it is the selected one: reversed in the focused pane, a bar in others.
    pub(crate) fn mark(&self, buffer: &mut Buffer, row: Rect, selected: bool) {
        if !selected {
            return;
        }
        if !self.focused {
            if let Some(cell) = buffer.cell_mut((row.x, row.y)) {
                cell.set_symbol("▌").set_style(Tone::Accent.style());
            }
            return;
        }
        for column in row.x..row.right() {
            if let Some(cell) = buffer.cell_mut((column, row.y)) {
                let hit = cell.modifier.contains(Modifier::UNDERLINED);
                cell.fg = Color::Reset;
                cell.bg = Color::Reset;
                cell.modifier.remove(Modifier::DIM);
                cell.modifier.insert(Modifier::REVERSED);
                cell.modifier.set(Modifier::UNDERLINED, hit);
            }
        }
    }
}
