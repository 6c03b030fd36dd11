//! One row of text: safe, cut to its width, never a cell beyond it.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::model::clean;
use crate::tui::theme::Tone;

/// Pieces of text with their styles, to be drawn on one row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pieces: Vec<(String, Style)>,
}

impl Line {
    /// An empty line.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds text, which may come from anywhere.
    pub(crate) fn push(&mut self, text: impl AsRef<str>, style: impl Into<Style>) -> &mut Self {
        let text = text.as_ref();
        if !text.is_empty() {
            self.pieces.push((clean(text), style.into()));
        }
        self
    }

    /// Adds text in a column of its own: cut or filled to a width, and a gap of two.
    pub(crate) fn column(&mut self, text: &str, width: usize, tone: Tone) -> &mut Self {
        let text = crate::model::fit(&clean(head(text, width)), width);
        let gap = " ".repeat(width - text.width().min(width) + 2);
        self.pieces.push((text, tone.style()));
        self.pieces.push((gap, Style::new()));
        self
    }

    /// Adds text with the hits of a search marked.
    pub(crate) fn marked(
        &mut self,
        text: &str,
        tone: Tone,
        needle: &crate::tui::widget::find::Needle,
    ) -> &mut Self {
        let text = clean(text);
        let mut from = 0;
        while let Some((start, end)) = needle.next(&text, from) {
            self.pieces.push((text[from..start].to_owned(), tone.style()));
            self.pieces.push((text[start..end].to_owned(), Tone::Match.style()));
            from = end;
        }
        self.pieces.push((text[from..].to_owned(), tone.style()));
        self
    }

    /// Its width in cells.
    pub(crate) fn width(&self) -> usize {
        self.pieces.iter().map(|(text, _)| text.width()).sum()
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Adds another line's pieces.
    pub(crate) fn append(&mut self, other: Self) {
        self.pieces.extend(other.pieces);
    }

    /// Draws it from the left edge of an area's first row, without its first `skip` cells, and
    /// with `…` where it is cut.
    pub(crate) fn draw(&self, buffer: &mut Buffer, area: Rect, skip: usize) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let width = usize::from(area.width);
        let cut = self.width() > skip + width;
        let room = if cut { width - 1 } else { width };
        let (mut passed, mut used) = (0, 0);
        let mut last = Style::new();
        'pieces: for (text, style) in &self.pieces {
            for cluster in text.graphemes(true) {
                let cells = cluster.width();
                if cells == 0 {
                    continue;
                }
                if passed < skip {
                    passed += cells;
                    continue;
                }
                if used + cells > room {
                    break 'pieces;
                }
                last = *style;
                let column = area.x + u16::try_from(used).unwrap_or(u16::MAX);
                buffer.set_stringn(column, area.y, cluster, cells, *style);
                used += cells;
            }
        }
        if cut {
            let column = area.x + u16::try_from(used).unwrap_or(u16::MAX);
            buffer.set_stringn(column, area.y, "…", 1, last);
        }
    }

    /// Draws it at the right edge of an area's first row.
    pub(crate) fn draw_right(&self, buffer: &mut Buffer, area: Rect) {
        let width = u16::try_from(self.width()).unwrap_or(u16::MAX).min(area.width);
        let area = Rect { x: area.right() - width, width, height: 1, ..area };
        self.draw(buffer, area, 0);
    }
}

/// As much of a text from a server as could be seen in so many cells: what is cleaned and
/// measured for a frame must not depend on how long a line is.
pub(crate) fn head(text: &str, cells: usize) -> &str {
    let bound = cells.saturating_mul(8).saturating_add(256);
    if text.len() <= bound {
        return text;
    }
    let mut end = bound;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A text cut into rows of a width, at most `most` of them: at the last space if one is near.
pub(crate) fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let width = width.max(2);
    let text: Cow<'_, str> = clean(head(text, width * most)).into();
    let mut rows = Vec::new();
    let (mut row, mut used, mut space) = (String::new(), 0, None);
    for cluster in text.graphemes(true) {
        let cells = cluster.width();
        if used + cells > width {
            let at = space.filter(|at| row[..*at].width() > width / 2).unwrap_or(row.len());
            let rest = row.split_off(at);
            rows.push(std::mem::replace(&mut row, rest));
            if rows.len() == most {
                return rows;
            }
            used = row.width();
            space = None;
        }
        used += cells;
        row.push_str(cluster);
        if cluster == " " {
            space = Some(row.len());
        }
    }
    rows.push(row);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, width: u16, skip: usize) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width + 1, 1));
        buffer.set_string(width, 0, "|", Style::new());
        let mut line = Line::new();
        line.push(text, Style::new());
        line.draw(&mut buffer, Rect::new(0, 0, width, 1), skip);
        let cells = buffer.content.iter().map(ratatui::buffer::Cell::symbol);
        cells.collect::<String>()
    }

    #[test]
    fn text_stays_in_its_cells() {
        for (text, skip, expected) in [
            ("abc", 0, "abc  |"),
            ("abcdef", 0, "abcd…|"),
            ("abcdef", 3, "def  |"),
            ("a\u{1b}[2Jb\0c\td", 0, "ab c…|"),
            ("日本語 x", 0, "日 本 …|"),
            ("👩‍💻👩‍💻👩‍💻", 0, "👩‍💻 👩‍💻 …|"),
        ] {
            assert_eq!(drawn(text, 5, skip), expected, "{text:?}");
        }
    }

    #[test]
    fn wrapped_rows_fit() {
        assert_eq!(wrap("abcdefg", 3, 9), ["abc", "def", "g"]);
        assert_eq!(wrap("日本語", 3, 9), ["日", "本", "語"]);
        assert_eq!(wrap("abcdefg", 3, 2).len(), 2);
        assert_eq!(wrap("", 3, 2), [""]);
        assert_eq!(wrap("one two three", 8, 9), ["one two ", "three"]);
    }
}
