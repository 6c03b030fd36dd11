//! A list to choose from by typing a part of what is meant: palette, help, several starts.

use std::cmp::Reverse;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Frame;
use crate::tui::theme::Tone;
use crate::tui::widget::cursor::{Cursor, Motion};
use crate::tui::widget::line::Line;
use crate::tui::widget::prompt::Prompt;

/// A line to type in, and the entries that match it, best first.
#[derive(Clone, Debug)]
pub(crate) struct Chooser {
    prompt: Prompt,
    entries: Vec<Entry>,
    matches: Vec<usize>,
    cursor: Cursor,
    letters: Letters,
}

/// What letters do before anything is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Letters {
    /// They are typed.
    Type,
    /// They are typed, but q closes.
    TypeButQ,
    /// j, k, g and G move and q closes; only / begins to type.
    Move,
}

/// An entry: what is searched and shown at the left, and what stands at the right.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// The text at the left, which is searched.
    pub(crate) text: String,
    /// The text at the right.
    pub(crate) aside: String,
    /// A heading: it cannot be chosen and shows only while nothing is typed.
    pub(crate) heading: bool,
}

/// What came of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// Nothing yet.
    Open,
    /// Closed without a choice.
    Nothing,
    /// The entry of this number.
    Entry(usize),
}

/// Rows on a page; the pane on screen may be smaller.
const PAGE: usize = 12;

impl Chooser {
    /// A list of entries.
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        let mut chooser = Self {
            prompt: Prompt::default(),
            entries,
            matches: Vec::new(),
            cursor: Cursor::default(),
            letters: Letters::Type,
        };
        chooser.narrow();
        chooser
    }

    /// The same where q closes as long as nothing is typed; / begins to type.
    pub(crate) fn closed_by_q(self) -> Self {
        Self { letters: Letters::TypeButQ, ..self }
    }

    /// The same where letters move until / begins to type.
    pub(crate) fn moved_by_letters(self) -> Self {
        Self { letters: Letters::Move, ..self }
    }

    /// A letter where letters are not typed; whether it was one, and what came of it.
    fn letter(&mut self, key: KeyEvent) -> Option<Chosen> {
        let KeyCode::Char(letter) = key.code else { return None };
        let typing = self.letters == Letters::Type || !self.prompt.text().is_empty();
        if typing || key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return None;
        }
        let motion = match letter {
            'q' => return Some(Chosen::Nothing),
            '/' => {
                self.letters = Letters::Type;
                return Some(Chosen::Open);
            }
            _ if self.letters == Letters::TypeButQ => return None,
            'j' => Motion::By(1),
            'k' => Motion::By(-1),
            'g' => Motion::Top,
            'G' => Motion::Bottom,
            _ => return Some(Chosen::Open),
        };
        self.go(motion);
        Some(Chosen::Open)
    }

    fn narrow(&mut self) {
        let typed = self.prompt.text();
        self.matches = if typed.is_empty() {
            (0..self.entries.len()).collect()
        } else {
            fuzzy(&self.entries, typed)
        };
        let first = self.matches.iter().position(|&at| !self.entries[at].heading);
        self.cursor = Cursor { at: first.unwrap_or(0), top: 0 };
    }

    /// A key: letters narrow the list, arrows move, Enter chooses, Esc closes.
    pub(crate) fn key(&mut self, key: KeyEvent) -> Chosen {
        if let Some(chosen) = self.letter(key) {
            return chosen;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let motion = match key.code {
            KeyCode::Esc => return Chosen::Nothing,
            KeyCode::Enter => return self.chosen(),
            KeyCode::Down | KeyCode::Tab => Motion::By(1),
            KeyCode::Up | KeyCode::BackTab => Motion::By(-1),
            KeyCode::Char('n') if control => Motion::By(1),
            KeyCode::Char('p') if control => Motion::By(-1),
            KeyCode::PageDown => Motion::Page(1),
            KeyCode::PageUp => Motion::Page(-1),
            _ => {
                if self.prompt.key(key) {
                    self.narrow();
                }
                return Chosen::Open;
            }
        };
        self.go(motion);
        Chosen::Open
    }

    /// Moves the selected row, over headings.
    pub(crate) fn go(&mut self, motion: Motion) {
        let up = matches!(motion, Motion::By(..0) | Motion::Page(..0));
        self.cursor.go(motion, self.matches.len(), PAGE);
        let choosable = |row: &usize| !self.entries[self.matches[*row]].heading;
        let below = (self.cursor.at..self.matches.len()).find(choosable);
        let above = (0..self.cursor.at.min(self.matches.len())).rev().find(choosable);
        let found = if up {
            above.filter(|_| below != Some(self.cursor.at)).or(below)
        } else {
            below.or(above)
        };
        self.cursor.at = found.unwrap_or(0);
        self.cursor.settle(self.matches.len(), PAGE);
    }

    /// Pasted text.
    pub(crate) fn paste(&mut self, text: &str) {
        self.prompt.paste(text);
        self.narrow();
    }

    fn chosen(&self) -> Chosen {
        let entry = self.matches.get(self.cursor.at).copied();
        entry.filter(|&at| !self.entries[at].heading).map_or(Chosen::Open, Chosen::Entry)
    }

    /// Draws the line to type in and the entries that fit.
    pub(crate) fn draw(&self, buffer: &mut Buffer, frame: Frame) {
        let area = frame.area;
        if self.letters == Letters::Move {
            let mut line = Line::new();
            line.push("j k move, / types to find", Tone::Quiet);
            line.draw(buffer, Rect { height: 1, ..area }, 0);
        } else {
            self.prompt.draw(buffer, Rect { height: 1, ..area }, "› ");
        }
        if self.matches.is_empty() {
            let mut line = Line::new();
            line.push("Nothing matches.", Tone::Quiet);
            line.draw(buffer, Rect { y: area.y + 2, height: 1, ..area }, 0);
        }
        let mut list = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
        let mut cursor = self.cursor;
        let total = self.matches.len();
        if total > usize::from(list.height) && list.height > 1 {
            list.height -= 1;
            cursor.settle(total, usize::from(list.height));
            let (above, shown) = (cursor.top, usize::from(list.height));
            let below = total.saturating_sub(above + shown);
            let more = [("↑", above), ("↓", below)].into_iter().filter(|(_, count)| *count > 0);
            let more: Vec<String> =
                more.map(|(sign, count)| format!("{sign} {count} more")).collect();
            let mut line = Line::new();
            line.push(more.join("   "), Tone::Accent);
            line.draw(buffer, Rect { y: list.bottom(), height: 1, ..list }, 0);
        }
        cursor.settle(total, usize::from(list.height));
        let rows = self.matches.iter().enumerate().skip(cursor.top);
        for ((row, &at), y) in rows.zip(list.y..list.bottom()) {
            let entry = &self.entries[at];
            let place = Rect { y, height: 1, ..list };
            let mut left = Line::new();
            let tone = if entry.heading { Tone::Strong } else { Tone::Plain };
            left.push(if entry.heading { "" } else { "  " }, Tone::Plain).push(&entry.text, tone);
            let mut right = Line::new();
            right.push(&entry.aside, Tone::Accent).push(" ", Tone::Plain);
            let width = u16::try_from(right.width()).unwrap_or(0).min(list.width / 2);
            left.draw(buffer, Rect { width: list.width - width, ..place }, 0);
            right.draw_right(buffer, Rect { x: list.right() - width, width, ..place });
            frame.mark(buffer, place, row == cursor.at && !entry.heading);
        }
    }
}

/// The entries that match what was typed, best first.
fn fuzzy(entries: &[Entry], typed: &str) -> Vec<usize> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(typed, CaseMatching::Smart, Normalization::Smart);
    let mut letters = Vec::new();
    let mut found: Vec<(u32, usize)> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| !entry.heading)
        .filter_map(|(at, entry)| {
            Some((pattern.score(Utf32Str::new(&entry.text, &mut letters), &mut matcher)?, at))
        })
        .collect();
    found.sort_by_key(|(score, at)| (Reverse(*score), entries[*at].text.len(), *at));
    found.into_iter().map(|(_, at)| at).collect()
}
