//! A line to type in.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;
use unicode_width::UnicodeWidthChar;

use super::line::Line;
use crate::tui::theme::Tone;

/// A line to type in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompt {
    input: Input,
}

impl Prompt {
    /// With a text to begin with.
    pub(crate) fn new(text: &str) -> Self {
        Self { input: Input::new(text.to_owned()) }
    }

    /// What was typed.
    pub(crate) fn text(&self) -> &str {
        self.input.value()
    }

    /// A key; returns whether the text changed.
    pub(crate) fn key(&mut self, key: KeyEvent) -> bool {
        let event = crossterm::event::Event::Key(key);
        self.input.handle_event(&event).is_some_and(|change| change.value)
    }

    /// Pasted text, up to its first line end.
    pub(crate) fn paste(&mut self, text: &str) {
        // Terminals paste the ends of lines as they are typed.
        let first = text.split(['\r', '\n']).next().unwrap_or_default();
        for letter in first.chars().filter(|letter| !letter.is_control()).take(4096) {
            self.input.handle(tui_input::InputRequest::InsertChar(letter));
        }
    }

    /// Draws a label and the text; the cursor is a reversed cell.
    pub(crate) fn draw(&self, buffer: &mut Buffer, area: Rect, label: &str) {
        let (text, cursor) = (self.input.value(), self.input.cursor());
        let before: String = text.chars().take(cursor).collect();
        let under = text.chars().nth(cursor).map_or_else(|| " ".to_owned(), String::from);
        let after: String = text.chars().skip(cursor + 1).collect();
        let mut line = Line::new();
        line.push(label, Tone::Accent).push(&before, Tone::Plain);
        let left = line.width() + under.chars().map(|c| c.width().unwrap_or(1)).sum::<usize>();
        line.push(&under, Tone::Cursor).push(&after, Tone::Plain);
        line.draw(buffer, area, left.saturating_sub(usize::from(area.width)));
    }
}
