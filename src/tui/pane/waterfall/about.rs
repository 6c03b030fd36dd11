//! What is known of the selected span: what went wrong and what was said meanwhile; and its
//! attributes. Side by side where there is room, else one below the other.

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::{Asked, Waterfall};
use crate::graph::{Odd, SpanNode};
use crate::model::{Object, clean, spent};
use crate::tui::fact;
use crate::tui::pane::said::said;
use crate::tui::theme::Tone;
use crate::tui::time::clock;
use crate::tui::widget::line::{Line, head, wrap};

/// The most rows that one value takes.
const TALLEST: usize = 12;

/// The most log lines of one span.
const MOST: usize = 500;

/// Nanoseconds by which the clock of a log may differ from that of its spans.
const NEAR: i64 = 2_000_000;

impl Waterfall {
    /// Both columns, in rows for a width; the second is empty where all is in the first. Log lines
    /// end where there are `enough` rows.
    pub(super) fn describe(&self, width: usize, enough: usize) -> [Vec<Line>; 2] {
        let Some(span) = self.selected() else { return Default::default() };
        let wide = width >= 100;
        let room = if wide { width / 2 } else { width }.saturating_sub(2);
        let mut told = Rows { lines: Vec::new(), room, enough };
        self.happened(span, &mut told);
        self.said(span, &mut told);
        let mut known = Rows { lines: Vec::new(), room, enough };
        is(span, &mut known);
        if wide {
            return [told.lines, known.lines];
        }
        told.lines.push(Line::new());
        told.lines.append(&mut known.lines);
        [told.lines, Vec::new()]
    }

    /// The heading of what is known of a span.
    pub(super) fn heading(&self) -> Line {
        let mut line = Line::new();
        let Some(span) = self.selected() else { return line };
        let tone = if self.deep() { Tone::Accent } else { Tone::Plain };
        line.push("Span ", tone).push(fact::subject(&span.object), Tone::Strong);
        line
    }

    /// When the selected span began and how long it worked.
    pub(super) fn times(&self) -> Line {
        let mut line = Line::new();
        let Some(span) = self.selected() else { return line };
        line.push(format!(" at +{} ", spent(span.start)), Tone::Quiet);
        line.push(
            format!(" own time {} of {} ", spent(span.own), spent(span.duration())),
            Tone::Quiet,
        );
        line
    }

    /// What is odd, what failed, and the events.
    fn happened(&self, span: &SpanNode, rows: &mut Rows) {
        if let (Asked::Failed, Some(fault)) = (self.whole, &self.remark) {
            rows.text(&format!("The trace cannot be had as a whole: {fault}"), Tone::Error);
        }
        if span.failed {
            let message = span.object.text("/status/message").unwrap_or("failed");
            rows.text(message, Tone::Error);
        }
        match span.odd {
            Some(Odd::Orphan) if self.whole != Asked::Waiting => {
                let why = if self.whole == Asked::Failed {
                    "not known"
                } else {
                    "not there: not sampled, cut off, or still to come"
                };
                let parent = span.object.text("/parentSpanID").unwrap_or_default();
                rows.text(&format!("Its parent {parent} is {why}."), Tone::Warning);
            }
            Some(Odd::Circle) => {
                rows.text("It is its own ancestor; the circle is cut above it.", Tone::Warning);
            }
            _ => {}
        }
        if span.skew != 0 {
            let by = spent(span.skew.saturating_abs());
            let way = if span.skew > 0 { "later" } else { "earlier" };
            rows.text(
                &format!(
                    "Its clock differs from its caller's; it is shown {by} {way} than it says."
                ),
                Tone::Warning,
            );
        }
        for event in list(&span.object, "events") {
            let name = event.get("name").and_then(Value::as_str).unwrap_or("event");
            let time = event.get("timeUnixNano").and_then(Value::as_str);
            let time = time.and_then(|digits| digits.parse::<i64>().ok());
            let since = time.map(|time| time.saturating_add(span.skew) - self.tree.start);
            let at = since.map(|since| format!(" +{}", spent(since.max(0)))).unwrap_or_default();
            rows.pair("event", &format!("{name}{at}"));
            rows.map(event.get("attributes"), 2);
        }
    }

    /// The log lines of its Pod that name the trace, those of its own time first.
    fn said(&self, span: &SpanNode, rows: &mut Rows) {
        let lines = match &self.lines {
            _ if self.told == Asked::Waiting => return rows.text("Asking for logs …", Tone::Quiet),
            Err(fault) => return rows.text(&format!("No logs: {fault}"), Tone::Warning),
            Ok(lines) => lines,
        };
        let of_pod = lines.of(&span.object);
        if of_pod.is_empty() {
            return rows.text("No log line of its Pod names this trace.", Tone::Quiet);
        }
        let within = |line: &&Object| {
            let time = line.time.and_then(|time| time.timestamp_nanos_opt());
            let start = self.tree.start + span.start - span.skew;
            time.is_some_and(|time| {
                time >= start - NEAR && time <= start.saturating_add(span.duration()) + NEAR
            })
        };
        let (own, others): (Vec<&Object>, Vec<&Object>) = of_pod.into_iter().partition(within);
        let parts = [
            ("Logs in its time", own, Tone::Plain),
            ("Logs of its Pod in this trace", others, Tone::Quiet),
        ];
        for (heading, lines, tone) in parts {
            if lines.is_empty() {
                continue;
            }
            rows.text(&format!("{heading}: {}", lines.len()), Tone::Field);
            for line in lines.iter().take(MOST) {
                if rows.lines.len() >= rows.enough {
                    return;
                }
                rows.log(line, tone);
            }
            if lines.len() > MOST {
                rows.text(&format!("… {} more", lines.len() - MOST), Tone::Warning);
            }
        }
    }
}

/// What a span is: its attributes, then its resource.
fn is(span: &SpanNode, rows: &mut Rows) {
    let object = &span.object;
    rows.map(object.body.get("attributes"), 0);
    for (key, pointer) in [("kind", "/kind"), ("span", "/spanID"), ("scope", "/scope")] {
        if let Some(text) = object.text(pointer) {
            rows.pair(key, text);
        }
    }
    if let Some(start) = object.time {
        rows.pair("start", &clock(start, true));
    }
    for link in list(object, "links") {
        let part = |key: &str| link.get(key).and_then(Value::as_str).unwrap_or_default();
        rows.pair("link", &format!("trace:span:{} span {}", part("traceID"), part("spanID")));
        rows.map(link.get("attributes"), 2);
    }
    if object.body.get("partial").is_some() {
        rows.text("A search tells only a part of it.", Tone::Quiet);
    }
    rows.pair("resource", "");
    rows.map(object.body.get("resource"), 2);
}

fn list<'o>(object: &'o Object, key: &str) -> impl Iterator<Item = &'o Value> {
    object.body.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Rows of a width.
struct Rows {
    lines: Vec<Line>,
    room: usize,
    /// How many can be seen at the most.
    enough: usize,
}

impl Rows {
    fn text(&mut self, text: &str, tone: Tone) {
        let parts = text.lines().flat_map(|line| wrap(line, self.room, TALLEST)).take(TALLEST);
        for part in parts.collect::<Vec<_>>() {
            let mut line = Line::new();
            line.push(" ", Tone::Plain).push(part, tone);
            self.lines.push(line);
        }
    }

    fn pair(&mut self, key: &str, value: &str) {
        self.indented(key, value, 0);
    }

    fn indented(&mut self, key: &str, value: &str, indent: usize) {
        let key = clean(head(key, self.room));
        let lead = indent + key.width() + 2;
        let room = self.room.saturating_sub(if lead < self.room / 2 { lead } else { indent + 2 });
        let parts = value.lines().flat_map(|line| wrap(line, room, TALLEST)).take(TALLEST);
        let mut line = Line::new();
        line.push(" ".repeat(indent + 1), Tone::Plain);
        line.push(format!("{key}:"), Tone::Field).push(" ", Tone::Plain);
        if lead >= self.room / 2 {
            self.lines.push(std::mem::take(&mut line));
        }
        for part in parts.collect::<Vec<_>>() {
            if line.is_empty() {
                line.push(" ".repeat(self.room - room + 1), Tone::Plain);
            }
            line.push(part, Tone::Plain);
            self.lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            self.lines.push(line);
        }
    }

    fn map(&mut self, map: Option<&Value>, indent: usize) {
        for (key, value) in map.and_then(Value::as_object).into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.indented(key, &text, indent);
        }
    }

    fn log(&mut self, object: &Object, tone: Tone) {
        let time = object.time.map(|time| clock(time, false)).unwrap_or_default();
        let lead = time.len() + 5;
        let parts = wrap(said(object, true), self.room.saturating_sub(lead), TALLEST);
        for (at, part) in parts.iter().enumerate() {
            let mut line = Line::new();
            if at == 0 {
                line.push(format!(" {time} "), Tone::Quiet);
                line.push(fact::tag(object), Tone::from(object.severity)).push(" ", Tone::Plain);
            } else {
                line.push(" ".repeat(lead + 1), Tone::Plain);
            }
            line.push(part, tone);
            self.lines.push(line);
        }
    }
}
