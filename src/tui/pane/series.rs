//! Series: the labels that tell them apart, the last value, least and greatest, and the curve.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::Frame;
use super::results::Rows;
use crate::model::Object;
use crate::tui::fact;
use crate::tui::theme::Tone;
use crate::tui::widget::line::Line;
use crate::tui::widget::spark::sparkline;

/// Draws a heading and the series that fit.
pub(crate) fn draw(rows: &Rows<'_>, buffer: &mut Buffer, frame: Frame) {
    let area = frame.area;
    let height = usize::from(area.height.saturating_sub(1));
    let telling = telling(rows);
    let heading = match telling.as_slice() {
        [label] if label != "__name__" => label.as_str(),
        _ => "SERIES",
    };
    let visible: Vec<(usize, &Object, String)> = rows
        .visible()
        .take(height)
        .map(|(row, object)| (row, object, described(object, &telling)))
        .collect();
    let total = usize::from(area.width);
    let curve = (total / 4).clamp(8, 40);
    let numbers = 3 * (8 + 2);
    let widest = visible.iter().map(|(_, _, text)| text.width()).max().unwrap_or(0);
    let widest = widest.max(heading.width());
    let name = widest.min(total.saturating_sub(curve + numbers + 4).max(12));
    let mut line = Line::new();
    line.push(" ", Tone::Plain).column(heading, name, Tone::Quiet);
    for head in ["LAST", "MIN", "MAX"] {
        line.column(&format!("{head:>8}"), 8, Tone::Quiet);
    }
    line.push("OVER TIME", Tone::Quiet);
    line.draw(buffer, Rect { height: 1, ..area }, 0);
    for ((row, object, text), y) in visible.iter().zip(area.y + 1..area.bottom()) {
        let values = fact::values(object);
        let known = || values.iter().flatten().copied();
        let mut line = Line::new();
        line.push(" ", Tone::Plain).column(text, name, Tone::Plain);
        for (value, tone) in [
            (known().last(), Tone::Strong),
            (known().reduce(f64::min), Tone::Quiet),
            (known().reduce(f64::max), Tone::Quiet),
        ] {
            line.column(&format!("{:>8}", value.map(number).unwrap_or_default()), 8, tone);
        }
        line.push(
            sparkline(&values, curve),
            Tone::from(object.severity.max(crate::model::Severity::Info)),
        );
        let place = Rect { y, height: 1, ..area };
        line.draw(buffer, place, 0);
        frame.mark(buffer, place, *row == rows.cursor.at);
    }
}

/// The labels that differ between the series.
fn telling(rows: &Rows<'_>) -> Vec<String> {
    let mut seen: BTreeMap<&str, Option<&Value>> = BTreeMap::new();
    let mut differ: BTreeMap<&str, usize> = BTreeMap::new();
    let mut series = 0;
    for labels in rows.all().filter_map(fact::labels) {
        series += 1;
        for (label, value) in labels {
            let first = *seen.entry(label).or_insert(Some(value));
            let new = differ.entry(label).or_insert(0);
            *new += usize::from(first == Some(value));
        }
    }
    let telling = differ.into_iter().filter(|(_, same)| *same != series || series == 1);
    telling.map(|(label, _)| label.to_owned()).collect()
}

/// What tells a series from the others: its name if that differs, and its labels that do.
fn described(object: &Object, telling: &[String]) -> String {
    let Some(labels) = fact::labels(object) else { return object.preview.to_string() };
    let part = |label: &String| {
        let value = labels.get(label)?.as_str()?;
        let bare = label == "__name__" || telling.len() == 1;
        Some(if bare { value.to_owned() } else { format!("{label}={value}") })
    };
    let parts: Vec<String> = telling.iter().filter_map(part).collect();
    if parts.is_empty() { fact::name(object).to_owned() } else { parts.join(" ") }
}

/// A value in at most eight cells.
fn number(value: f64) -> String {
    let size = value.abs();
    let (scaled, unit) = match size {
        _ if !value.is_finite() => return value.to_string(),
        _ if size >= 1e15 => return format!("{value:.1e}"),
        _ if size >= 1e12 => (value / 1e12, "T"),
        _ if size >= 1e9 => (value / 1e9, "G"),
        _ if size >= 1e6 => (value / 1e6, "M"),
        _ if size >= 1e4 => (value / 1e3, "k"),
        _ if size > 0.0 && size < 1e-3 => return format!("{value:.1e}"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.25, "0.25"),
            (9_663_676_416.0, "9.664G"),
            (12_345.0, "12.345k"),
            (0.000_01, "1.0e-5"),
            (f64::NAN, "NaN"),
            (-3e20, "-3.0e20"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
