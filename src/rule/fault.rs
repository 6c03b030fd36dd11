//! What is wrong with a rule file, and where.

use std::fmt;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use thiserror::Error;

use super::yaml::Place;

/// A file with rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    /// How messages call it: its path, or `rules/alert.yaml` of a built-in one.
    pub name: String,
    /// Its YAML.
    pub text: String,
}

/// A fault in a rule file. `Display` is one line; [`RuleError::render`] shows the source as well.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct RuleError {
    /// Name of the file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The line that is meant.
    pub source_line: String,
}

impl RuleError {
    /// The message with the source line and a caret, on several lines.
    pub fn render(&self) -> String {
        let start = self.source_line.char_indices().nth(self.column - 1);
        let start = start.map_or(self.source_line.len(), |(at, _)| at);
        let rest = &self.source_line[start..];
        let end = start + rest.trim_end().len().max(usize::from(!rest.is_empty()));
        let snippet = Snippet::source(self.source_line.as_str())
            .line_start(self.line)
            .path(self.file.as_str())
            .annotation(AnnotationKind::Primary.span(start..end));
        let group = Level::ERROR.primary_title(self.message.as_str()).element(snippet);
        Renderer::plain().render(&[group])
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

/// A place in a file that outlives the reading of it.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) file: Arc<RuleFile>,
    pub(super) at: Place,
}

impl Spot {
    pub(super) fn fault(&self, message: impl Into<String>) -> RuleError {
        let line = self.at.line.max(1);
        let source = self.file.text.lines().nth(line - 1).unwrap_or_default();
        RuleError {
            file: self.file.name.clone(),
            line,
            column: self.at.column.max(1),
            message: message.into(),
            source_line: source.to_owned(),
        }
    }
}
