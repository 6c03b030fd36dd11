//! What is said about the answers of a node: above its rows, or in their place.

use crate::graph::{Node, RunState};
use crate::tui::theme::Tone;
use crate::tui::widget::find::Filter;
use crate::tui::widget::line::{Line, wrap};

/// The most lines above rows.
const ABOVE: usize = 3;

/// The most rows that one sentence takes.
const TALLEST: usize = 6;

/// Lines above the rows, one for each thing that went wrong or is worth knowing.
pub(super) fn above(node: &Node) -> Vec<Line> {
    let mut said: Vec<(String, Tone)> = Vec::new();
    for run in &node.runs {
        if let Some(error) = run.failure() {
            let hint = error.hint.as_deref().map(|hint| format!("  {hint}")).unwrap_or_default();
            said.push((format!("{}: {}{hint}", error.source_name, error.message), Tone::Error));
        }
    }
    if said.is_empty() && node.cancelled() {
        said.push((CANCELLED.to_owned(), Tone::Warning));
    }
    said.extend(node.runs.iter().filter_map(|run| Some((run.note.clone()?, Tone::Quiet))));
    let mut seen = std::collections::HashSet::new();
    said.retain(|(text, _)| seen.insert(text.clone()));
    let more = said.len().saturating_sub(ABOVE);
    if more > 0 {
        said.truncate(ABOVE - 1);
        said.push((format!("and {} more: x shows all that failed", more + 1), Tone::Quiet));
    }
    said.into_iter().map(|(text, tone)| row(&text, tone)).collect()
}

const CANCELLED: &str = "The search was cancelled before this was answered. R asks again.";

fn row(text: &str, tone: Tone) -> Line {
    let mut line = Line::new();
    line.push(" ", Tone::Plain).push(text, tone);
    line
}

/// Sentences in place of rows, in a pane of a width.
pub(super) fn instead(node: &Node, filter: &Filter, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut say = |text: &str, tone: Tone| {
        let parts = wrap(text, width.saturating_sub(2), TALLEST);
        lines.extend(parts.iter().map(|part| row(part, tone)));
    };
    if let Some(error) = node.failure() {
        say(&format!("{}: {}", error.source_name, error.message), Tone::Error);
        if let Some(hint) = &error.hint {
            say(hint, Tone::Plain);
        }
        say("R asks again, x shows all sources.", Tone::Quiet);
    } else if node.cancelled() {
        say(CANCELLED, Tone::Warning);
    } else if !filter.is_empty() && !node.members.is_empty() {
        let text = format!("Nothing matches the filter {:?}. Esc clears it.", filter.text());
        say(&text, Tone::Quiet);
    } else if node.pending() {
        say("Waiting for the answer …", Tone::Quiet);
    } else {
        say("Nothing was found in this time range. t changes it.", Tone::Quiet);
        for note in node.runs.iter().filter_map(|run| run.note.as_ref()) {
            say(note, Tone::Quiet);
        }
        for run in node.runs.iter().filter(|run| run.state == RunState::Done).take(5) {
            say(run.query.text(), Tone::Quiet);
        }
    }
    lines
}
