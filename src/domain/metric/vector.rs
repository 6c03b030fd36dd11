//! Reads a single vector selector of the usual form, `name{label="value",…}`, without the parser
//! of PromQL, which takes long. What might be anything else is left to that parser.

use crate::model::{MatchOp, Matcher, parse_matchers};

/// Keywords with an underscore; without one a name may be a keyword, too.
const KEYWORDS: [&str; 4] = ["group_left", "group_right", "count_values", "limit_ratio"];

/// The selector as PromQL prints it, and its matchers, sorted, each once.
pub(super) fn parse(text: &str) -> Option<(String, Vec<Matcher>)> {
    let (name, _) = text.split_once('{')?;
    let metric = name.contains('_') && plain(name, ":") && !KEYWORDS.contains(&name);
    if !(name.is_empty() || metric) || text.contains('`') || !usual_escapes(text) {
        return None;
    }
    let (mut matchers, end) = parse_matchers(&text[name.len()..]).ok()?;
    let usual = |matcher: &Matcher| {
        let regex = matches!(matcher.op(), MatchOp::Regex | MatchOp::NotRegex);
        // The dialects of regular expressions differ in these.
        let odd = regex && (matcher.value().contains('{') || matcher.value().contains("\\Q"));
        plain(matcher.name(), "") && matcher.name() != super::query::NAME && !odd
    };
    let some = !name.is_empty() || !matchers.iter().all(|matcher| matcher.is_match(""));
    if name.len() + end != text.len() || matchers.is_empty() || !some || !matchers.iter().all(usual)
    {
        return None;
    }
    let mut printed: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    printed.sort_unstable();
    let printed = format!("{name}{{{}}}", printed.join(","));
    if !name.is_empty() {
        matchers.push(Matcher::equal(super::query::NAME, name));
    }
    matchers.sort();
    matchers.dedup();
    Some((printed, matchers))
}

/// Whether a name needs no quotes.
fn plain(name: &str, more: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_' || more.contains(c);
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_ascii_digit())
}

/// Whether there are no control characters, and no escapes but those of quote and backslash.
fn usual_escapes(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let fine =
            if c == '\\' { matches!(chars.next(), Some('"' | '\\')) } else { !c.is_control() };
        if !fine {
            return false;
        }
    }
    true
}
