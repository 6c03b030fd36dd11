//! Log lines: time, level, where from, and what was said.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::Frame;
use super::results::{Look, Rows};
use crate::graph::Node;
use crate::model::{Object, Severity};
use crate::tui::fact;
use crate::tui::theme::Tone;
use crate::tui::time::clock;
use crate::tui::widget::line::{Line, head, wrap};
use crate::tui::widget::spark::sparkline;

/// Most rows that one line may take when it is wrapped.
const TALLEST: usize = 40;

/// The widest a Pod or container name gets.
const NAME: usize = 24;

/// Whether a log is worth a curve of its errors where there are `height` rows.
pub(crate) fn has_curve(node: &Node, height: u16) -> bool {
    height >= 10 && node.members.len() >= 8 && node.severity() >= Severity::Warning
}

/// Draws how many of the worst lines there are over time. The cell of the selected line is
/// reversed, that of the moment that matters most is accented.
pub(crate) fn draw_curve(rows: &Rows<'_>, buffer: &mut Buffer, area: Rect) {
    let worst = rows.node.severity();
    let times = || rows.node.members.iter().filter_map(|member| member.object.time);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return };
    let cells = usize::from(area.width).saturating_sub(40).clamp(8, 60);
    let span = (last - first).num_milliseconds().max(1);
    let cell = |time: DateTime<Utc>| {
        let share = (time - first).num_milliseconds().clamp(0, span);
        usize::try_from(share).unwrap_or(0) * (cells - 1) / usize::try_from(span).unwrap_or(1)
    };
    let mut counts = vec![Some(0.0); cells];
    for object in rows.all().filter(|object| object.severity == worst) {
        if let Some(count) = object.time.and_then(|time| counts[cell(time)].as_mut()) {
            *count += 1.0;
        }
    }
    let at = rows.shown.get(rows.cursor.at);
    let selected = at.and_then(|&at| rows.node.members[at].object.time).map(cell);
    let within = |time: &DateTime<Utc>| (first..=last).contains(time);
    let focus = rows.focus.filter(within);
    let mut line = Line::new();
    line.push(format!(" {} ", worst.tag()), Tone::Quiet);
    for (at, bar) in sparkline(&counts, cells).chars().enumerate() {
        let tone = match counts[at] {
            _ if selected == Some(at) => Tone::Cursor,
            _ if focus.map(cell) == Some(at) => Tone::Accent,
            Some(count) if count > 0.0 => Tone::from(worst),
            _ => Tone::Quiet,
        };
        line.push(bar.to_string(), tone);
    }
    let minute = |time: DateTime<Utc>| time.format("%H:%M").to_string();
    line.push(format!("  {} – {}", minute(first), minute(last)), Tone::Quiet);
    if let Some(focus) = focus {
        line.push(format!("  alert {}", minute(focus)), Tone::Accent);
    }
    line.draw(buffer, Rect { height: 1, ..area }, 0);
}

/// Draws the lines that fit.
pub(crate) fn draw(rows: &Rows<'_>, buffer: &mut Buffer, frame: Frame) {
    let area = frame.area;
    let names = Names::of(rows);
    let mut y = area.y;
    for (row, object) in rows.visible() {
        if y >= area.bottom() {
            break;
        }
        let mut line = lead(object, rows.look);
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
        let lead = lead(object, rows.look).width();
        let room = usize::from(area.width).saturating_sub(lead);
        let text = format!("{}{}", names.text(object), said(object, true));
        let mut line = self::lead(object, rows.look);
        for part in wrap(&text, room, TALLEST) {
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
pub(crate) fn height(object: &Object, width: usize, look: Look) -> usize {
    let room = width.saturating_sub(lead(object, look).width());
    let text = format!("{}{}", " ".repeat(NAME), said(object, true));
    wrap(&text, room, TALLEST).len()
}

/// What a line says: its preview without the time it begins with, as the time stands beside it;
/// or all of it if it is wrapped and the preview was cut.
fn said(object: &Object, whole: bool) -> &str {
    let cut = object.preview.ends_with('…');
    if object.preview.is_empty() || (whole && cut) {
        return fact::text(object);
    }
    let rest = if object.time.is_some() { after_time(&object.preview) } else { &object.preview };
    let rest = after_level(rest);
    if rest.is_empty() { &object.preview } else { rest }
}

/// A text without the level that it begins with, as `level=error `: it stands beside it too.
fn after_level(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("level=") else { return text };
    let end = rest.find(' ').filter(|end| rest[..*end].chars().all(char::is_alphabetic));
    end.map_or(text, |end| rest[end..].trim_start())
}

/// A text without the date and time that it begins with, as `2026-11-23 05:36:31.800 UTC ` or
/// `ts=2026-11-23T05:36:31Z `.
fn after_time(text: &str) -> &str {
    if let Some(rest) = ["ts=", "time="].iter().find_map(|key| text.strip_prefix(key)) {
        let (quoted, value) = rest.strip_prefix('"').map_or((false, rest), |value| (true, value));
        let end = value.find(if quoted { '"' } else { ' ' });
        return end.map_or(text, |end| value[end + 1..].trim_start());
    }
    let bytes = text.as_bytes();
    let shaped = |shape: &[u8], from: usize| {
        bytes.get(from..from + shape.len()).is_some_and(|part| {
            part.iter().zip(shape).all(|(byte, sign)| match sign {
                b'0' => byte.is_ascii_digit(),
                b'T' => [b'T', b' '].contains(byte),
                sign => byte == sign,
            })
        })
    };
    let bracket = usize::from(text.starts_with('['));
    let slashes = shaped(b"0000/00/00T00:00:00", bracket);
    if !slashes && !shaped(b"0000-00-00T00:00:00", bracket) {
        return text;
    }
    let mut rest = &text[bracket + 19..];
    rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
    for zone in ["Z", " UTC", " +0000", "+00:00"] {
        rest = rest.strip_prefix(zone).unwrap_or(rest);
    }
    rest.strip_prefix(']').unwrap_or(rest).trim_start()
}

/// Time and level.
fn lead(object: &Object, look: Look) -> Line {
    let mut line = Line::new();
    let blank = if look.full_time { 23 } else { 12 };
    let time = object.time.map_or_else(|| " ".repeat(blank), |time| clock(time, look.full_time));
    line.push(format!(" {time} "), Tone::Quiet);
    line.push(fact::tag(object), Tone::from(object.severity)).push(" ", Tone::Plain);
    line
}

/// The names that tell lines apart: of Pods and containers, where there are several.
struct Names {
    terms: Vec<(&'static str, usize)>,
}

impl Names {
    fn of(rows: &Rows<'_>) -> Self {
        let mut terms = Vec::new();
        for term in ["pod", "container"] {
            let mut widest = 0;
            let mut seen: Option<&str> = None;
            let mut several = false;
            for object in rows.all() {
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
        Self { terms }
    }

    fn push(&self, line: &mut Line, object: &Object) {
        for (term, width) in &self.terms {
            line.column(fact::term(object, term).unwrap_or_default(), *width, Tone::Quiet);
        }
    }

    fn text(&self, object: &Object) -> String {
        let names = self.terms.iter().filter_map(|(term, _)| fact::term(object, term));
        names.flat_map(|name| [name, "  "]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_at_the_beginning_is_not_said_twice() {
        for (text, expected) in [
            ("2026-11-23 05:36:31.800 UTC [27] ERROR: full", "[27] ERROR: full"),
            ("2026-11-23T05:36:31,8Z full", "full"),
            ("[2026-11-23 05:36:31] full", "full"),
            ("2026/11/23 05:36:31 full", "full"),
            ("ts=2026-11-23T05:36:31Z level=error msg=full", "level=error msg=full"),
            ("time=\"2026-11-23 05:36\" msg=full", "msg=full"),
            ("ts=1", "ts=1"),
            ("2026-11-23 is a day", "2026-11-23 is a day"),
            ("日本", "日本"),
            ("", ""),
        ] {
            assert_eq!(after_time(text), expected);
        }
        assert_eq!(after_level("level=warn msg=full"), "msg=full");
        assert_eq!(after_level("level=3"), "level=3");
    }
}
