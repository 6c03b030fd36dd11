//! A box over the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Clear, Widget};

use super::line::Line;
use crate::tui::theme::Tone;

/// Draws an empty box of at most this size in the middle of an area; what it returns is inside.
pub(crate) fn popup(
    buffer: &mut Buffer,
    area: Rect,
    size: (u16, u16),
    title: &str,
    foot: &str,
) -> Rect {
    let width = size.0.min(area.width.saturating_sub(2)).max(4);
    let height = size.1.min(area.height.saturating_sub(2)).max(3);
    let place = Rect {
        x: area.x + (area.width.saturating_sub(width)) / 2,
        y: area.y + (area.height.saturating_sub(height)) / 3,
        width,
        height,
    }
    .intersection(area);
    let margin = Rect { x: place.x.saturating_sub(1), width: place.width + 2, ..place };
    Clear.render(margin.intersection(area), buffer);
    Block::bordered().border_style(Tone::Accent.style()).render(place, buffer);
    let edge = |y| Rect { x: place.x + 2, y, width: place.width.saturating_sub(4), height: 1 };
    Line::new().push(format!(" {title} "), Tone::Strong).draw(buffer, edge(place.y), 0);
    if !foot.is_empty() {
        let mut line = Line::new();
        line.push(format!(" {foot} "), Tone::Quiet);
        line.draw(buffer, edge(place.bottom().saturating_sub(1)), 0);
    }
    Rect {
        x: place.x + 2,
        y: place.y + 1,
        width: place.width.saturating_sub(4),
        height: place.height.saturating_sub(2),
    }
}
