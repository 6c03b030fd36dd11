//! Enough of LogQL to check, print and decide a log query: the stream selector and the line
//! filters. What comes behind other stages is kept as text and left to the server.

use regex::Regex;

use super::{Matcher, SelectorError, floating, parse_matchers, parse_string};

/// A LogQL query for lines.
#[derive(Clone, Debug)]
pub struct LogQl {
    matchers: Vec<Matcher>,
    filters: Vec<LineFilter>,
    pipeline: String,
    /// Whether matchers and line filters are all there is.
    simple: bool,
}

/// `|= "a" or "b"` and its like.
#[derive(Clone, Debug)]
struct LineFilter {
    wanted: bool,
    any: Vec<Needle>,
}

#[derive(Clone, Debug)]
enum Needle {
    Text(String),
    Regex(Regex),
}

impl LogQl {
    /// Reads `{label="value"} |= "text" | stage …`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let (mut matchers, end) = parse_matchers(text)?;
        if matchers.iter().all(|matcher| matcher.is_match("")) {
            return Err(SelectorError::at(
                0,
                "at least one matcher must not match the empty string, as {namespace=\"shop\"}",
            ));
        }
        matchers.sort();
        matchers.dedup();
        let pipeline = normal_space(text, end)?;
        let first = end + (text[end..].len() - text[end..].trim_start().len());
        if !["", "|", "!=", "!~", "!>"].iter().any(|start| match *start {
            "" => pipeline.is_empty(),
            start => pipeline.starts_with(start),
        }) {
            return Err(SelectorError::at(
                first,
                "after the stream selector comes a line filter (|= != |~ !~) or a stage (| json)",
            ));
        }
        if pipeline.ends_with('|') {
            let message = "a stage has to follow the last |, as | json or |= \"error\"";
            return Err(SelectorError::at(text.trim_end().len().saturating_sub(1), message));
        }
        let (filters, simple) = line_filters(&pipeline)
            .map_err(|fault| SelectorError { offset: fault.offset.map(|_| first), ..fault })?;
        Ok(Self { matchers, filters, pipeline, simple })
    }

    /// The query as it prints: matchers sorted, white space normal.
    pub fn text(&self) -> String {
        let selector = Matcher::selector(&self.matchers);
        if self.pipeline.is_empty() { selector } else { format!("{selector} {}", self.pipeline) }
    }

    /// The matchers of the stream selector, sorted.
    pub fn matchers(&self) -> &[Matcher] {
        &self.matchers
    }

    /// What follows the stream selector, with normal white space; empty if nothing does.
    pub fn pipeline(&self) -> &str {
        &self.pipeline
    }

    /// Whether a line of a stream is selected; `None` if a later stage decides.
    pub fn matches<'l>(&self, line: &str, label: impl Fn(&str) -> Option<&'l str>) -> Option<bool> {
        let found = Matcher::all(&self.matchers, label)
            && self.filters.iter().all(|filter| filter.passes(line));
        if self.simple || !found { Some(found) } else { None }
    }
}

impl LineFilter {
    fn passes(&self, line: &str) -> bool {
        let found = self.any.iter().any(|needle| match needle {
            Needle::Text(text) => line.contains(text.as_str()),
            Needle::Regex(regex) => regex.is_match(line),
        });
        found == self.wanted
    }
}

/// What follows an offset, trimmed, with one space wherever there was white space or a comment
/// outside of strings; brackets and quotes have to be closed.
fn normal_space(text: &str, from: usize) -> Result<String, SelectorError> {
    let mut out = String::new();
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut at = from;
    let mut gap = false;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() || c == '#' {
            let line = text[at..].find('\n').unwrap_or(text.len() - at);
            at += if c == '#' { line } else { c.len_utf8() };
            gap = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
        }
        let end = match c {
            '"' | '`' => parse_string(text, at)?.1,
            _ => at + c.len_utf8(),
        };
        balance(&mut open, at, c)?;
        out.push_str(&text[at..end]);
        at = end;
    }
    match open.pop() {
        Some((at, _)) => Err(SelectorError::at(at, "this bracket is never closed")),
        None => Ok(out),
    }
}

fn balance(open: &mut Vec<(usize, char)>, at: usize, c: char) -> Result<(), SelectorError> {
    match c {
        '(' => open.push((at, ')')),
        '[' => open.push((at, ']')),
        '{' => open.push((at, '}')),
        ')' | ']' | '}' if open.pop().is_none_or(|(_, wanted)| wanted != c) => {
            return Err(SelectorError::at(at, format!("nothing is open that {c} could close")));
        }
        _ => {}
    }
    Ok(())
}

/// The line filters at the start of a pipeline, and whether they are all of it.
fn line_filters(pipeline: &str) -> Result<(Vec<LineFilter>, bool), SelectorError> {
    let mut filters = Vec::new();
    let mut at = 0;
    loop {
        let rest = pipeline[at..].trim_start();
        if rest.is_empty() {
            return Ok((filters, true));
        }
        let Some(op) = ["|=", "!=", "|~", "!~"].into_iter().find(|op| rest.starts_with(op)) else {
            return Ok((filters, false));
        };
        at = pipeline.len() - rest.len() + 2;
        let mut any = Vec::new();
        loop {
            at = pipeline.len() - pipeline[at..].trim_start().len();
            if !pipeline[at..].starts_with(['"', '`']) {
                return Ok((filters, false));
            }
            let (text, end) = parse_string(pipeline, at)?;
            any.push(if op.ends_with('~') {
                Needle::Regex(
                    floating(&text).map_err(|fault| SelectorError::at(at, fault.message))?,
                )
            } else {
                Needle::Text(text)
            });
            at = end;
            let Some(more) = pipeline[at..].trim_start().strip_prefix("or ") else { break };
            at = pipeline.len() - more.len();
        }
        filters.push(LineFilter { wanted: op.starts_with('|'), any });
    }
}
