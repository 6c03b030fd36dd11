//! The sources: a word for each in the header, and everything about them in a popup.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Frame;
use crate::engine::Fault;
use crate::model::{Source, SourceState, StoreError};
use crate::tui::theme::Tone;
use crate::tui::widget::line::{Line, wrap};

/// A word for each source: `k8s ok 0.2s  prom ok  loki 403`.
pub(crate) fn words(sources: &[Source], times: bool) -> Line {
    let mut line = Line::new();
    for source in sources {
        if source.state == SourceState::Missing {
            continue;
        }
        if !line.is_empty() {
            line.push("  ", Tone::Plain);
        }
        line.push(short(&source.name), Tone::Quiet).push(" ", Tone::Plain);
        let (word, tone) = word(source);
        line.push(word, tone);
        if let (true, SourceState::Ok, Some(millis)) = (times, source.state, source.millis) {
            let tenths = millis.div_ceil(100);
            line.push(format!(" {}.{}s", tenths / 10, tenths % 10), Tone::Quiet);
        }
    }
    line
}

/// The same where room is short: those that failed, and how many are well.
pub(crate) fn few(sources: &[Source]) -> Line {
    let mut line = Line::new();
    let well = sources.iter().filter(|source| source.state == SourceState::Ok).count();
    if well > 0 {
        line.push(format!("{well} ok"), Tone::Good);
    }
    for source in sources.iter().filter(|source| source.state == SourceState::Failed) {
        let (word, tone) = word(source);
        line.push(if line.is_empty() { "" } else { "  " }, Tone::Plain);
        line.push(short(&source.name), Tone::Quiet).push(" ", Tone::Plain).push(word, tone);
    }
    line
}

/// The name where room is short.
fn short(name: &str) -> &str {
    match name {
        "kubernetes" => "k8s",
        "prometheus" => "prom",
        "alertmanager" => "am",
        "pod-logs" => "pods",
        other => other,
    }
}

fn word(source: &Source) -> (String, Tone) {
    match source.state {
        SourceState::Idle => ("idle".to_owned(), Tone::Quiet),
        SourceState::Ok => ("ok".to_owned(), Tone::Good),
        SourceState::Missing => ("none".to_owned(), Tone::Quiet),
        SourceState::Failed => {
            let word = source.failure.map_or("error", crate::model::ErrorKind::word);
            (word.to_owned(), Tone::Error)
        }
    }
}

/// Everything about the sources, and what else went wrong.
pub(crate) fn lines(
    sources: &[Source],
    errors: &[(String, StoreError)],
    faults: &[Fault],
    width: usize,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut say = |indent: usize, text: &str, tone: Tone| {
        for part in wrap(text, width.saturating_sub(indent), 20) {
            let mut line = Line::new();
            line.push(" ".repeat(indent), Tone::Plain).push(part, tone);
            lines.push(line);
        }
    };
    if sources.is_empty() {
        say(0, "No source is known yet.", Tone::Quiet);
    }
    for source in sources {
        let (state, tone) = word(source);
        let took = source.millis.map(|millis| format!("  {millis} ms")).unwrap_or_default();
        say(
            0,
            &format!("{}  {state}{took}", source.name),
            if tone == Tone::Good { Tone::Strong } else { tone },
        );
        if !source.url.is_empty() {
            say(2, &format!("{}  {}", source.url, source.via), Tone::Plain);
        }
        let found = if source.found.is_empty() { "nowhere" } else { &source.found };
        let calls = if source.calls == 1 { "call" } else { "calls" };
        say(2, &format!("found by {found}, {} {calls}", source.calls), Tone::Quiet);
        for words in &source.vocabulary {
            say(2, &format!("speaks: {}", crate::model::clean(words)), Tone::Quiet);
        }
        if let Some(kept) = &source.kept {
            say(2, &format!("kept: {kept}; R asks anew"), Tone::Quiet);
        }
        if let Some(error) = &source.error {
            say(2, error, Tone::Error);
        }
    }
    if !errors.is_empty() {
        say(0, "", Tone::Plain);
        say(0, "Queries that failed", Tone::Strong);
    }
    for (query, error) in errors {
        say(2, query, Tone::Plain);
        say(4, &format!("{}: {}", error.source_name, error.message), Tone::Error);
        if let Some(hint) = &error.hint {
            say(4, hint, Tone::Quiet);
        }
    }
    if !faults.is_empty() {
        say(0, "", Tone::Plain);
        say(0, "Rules that failed", Tone::Strong);
    }
    for fault in faults {
        say(2, &format!("{} on {}: {}", fault.rule, fault.object, fault.message), Tone::Warning);
    }
    lines
}

/// Draws the lines from a row on.
pub(crate) fn draw(lines: &[Line], top: usize, buffer: &mut Buffer, frame: Frame) {
    let area = frame.area;
    for (line, y) in lines.iter().skip(top).zip(area.y..area.bottom()) {
        line.draw(buffer, Rect { y, height: 1, ..area }, 0);
    }
}
