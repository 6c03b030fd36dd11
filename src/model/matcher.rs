//! Label matchers, as Prometheus, Alertmanager and Loki write them: `name="value"`, `!=`, `=~`
//! and `!~`, with regular expressions that are anchored at both ends.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use regex::{Regex, RegexBuilder};

use super::SelectorError;

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

impl MatchOp {
    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// A condition on one label. A label that is not there has the empty value.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: String,
    op: MatchOp,
    value: String,
    regex: Option<Regex>,
}

impl Matcher {
    /// A matcher; fails if the value has to be a regular expression and is none.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, SelectorError> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(anchored(value)?),
        };
        Ok(Self { name: name.to_owned(), op, value: value.to_owned(), regex })
    }

    /// The matcher `name="value"`.
    pub fn equal(name: &str, value: &str) -> Self {
        let (name, value) = (name.to_owned(), value.to_owned());
        Self { name, op: MatchOp::Equal, value, regex: None }
    }

    /// A matcher for one of some values, as short as can be.
    pub fn one_of(name: &str, values: &BTreeSet<&str>) -> Self {
        match values.first() {
            Some(only) if values.len() == 1 => Self::equal(name, only),
            _ => {
                let regex = any(values);
                // What is escaped is always a regular expression, if it is not too large.
                Self::new(name, MatchOp::Regex, &regex).unwrap_or_else(|_| Self {
                    name: name.to_owned(),
                    op: MatchOp::Regex,
                    value: regex,
                    regex: None,
                })
            }
        }
    }

    /// The label's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it compares.
    pub fn op(&self) -> MatchOp {
        self.op
    }

    /// What the label is compared with.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether a label value fulfils the condition.
    pub fn is_match(&self, value: &str) -> bool {
        let found = |regex: &Option<Regex>| regex.as_ref().is_some_and(|re| re.is_match(value));
        match self.op {
            MatchOp::Equal => self.value == value,
            MatchOp::NotEqual => self.value != value,
            MatchOp::Regex => found(&self.regex),
            MatchOp::NotRegex => !found(&self.regex),
        }
    }

    /// Whether all matchers are fulfilled by the labels that `value_of` knows.
    pub fn all<'l>(matchers: &[Self], value_of: impl Fn(&str) -> Option<&'l str>) -> bool {
        matchers.iter().all(|matcher| matcher.is_match(value_of(&matcher.name).unwrap_or("")))
    }

    /// The matchers as a selector, `{a="x",b=~"y"}`.
    pub fn selector(matchers: &[Self]) -> String {
        let texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
        format!("{{{}}}", texts.join(","))
    }
}

/// A regular expression (RE2) for some values. What values have in common up to their last dash is
/// written once, as in `web-5c9d-(?:abcde|fghij)`: so do the names of the Pods of one owner.
fn any(values: &BTreeSet<&str>) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for value in values {
        let (start, end) = value.split_at(value.rfind('-').map_or(0, |dash| dash + 1));
        match groups.last_mut().filter(|(known, _)| *known == start && !start.is_empty()) {
            Some((_, ends)) => ends.push(end),
            None => groups.push((start, vec![end])),
        }
    }
    let group = |(start, ends): &(&str, Vec<&str>)| {
        let ends: Vec<String> = ends.iter().map(|end| escape_re2(end)).collect();
        match ends.as_slice() {
            [only] => format!("{}{only}", escape_re2(start)),
            _ => format!("{}(?:{})", escape_re2(start), ends.join("|")),
        }
    };
    groups.iter().map(group).collect::<Vec<_>>().join("|")
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if plain_name(&self.name) {
            f.write_str(&self.name)?;
        } else {
            f.write_str(&quote(&self.name))?;
        }
        write!(f, "{}{}", self.op.sign(), quote(&self.value))
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Matcher {}

impl PartialOrd for Matcher {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Matcher {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.name, self.op, &self.value).cmp(&(&other.name, other.op, &other.value))
    }
}

/// A regular expression as RE2 understands it, matching whole values only.
pub fn anchored(text: &str) -> Result<Regex, SelectorError> {
    build(&format!("^(?s:{})$", from_re2(text)))
        .map_err(|why| SelectorError::new(format!("{text:?} is no regular expression: {why}")))
}

/// A regular expression as RE2 understands it, matching anywhere.
pub fn floating(text: &str) -> Result<Regex, SelectorError> {
    build(&from_re2(text))
        .map_err(|why| SelectorError::new(format!("{text:?} is no regular expression: {why}")))
}

fn build(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|fault| {
        let words = fault.to_string();
        let last = words.lines().last().unwrap_or("it does not parse");
        last.trim_start_matches("error: ").to_owned()
    })
}

/// RE2 takes `\Q…\E` and a brace that starts no repetition literally; the regex crate does not.
fn from_re2(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix("\\Q") {
            let (literal, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
            out.push_str(&regex::escape(literal));
            rest = after;
            continue;
        }
        let mut len = c.len_utf8();
        if c == '\\' {
            len += escape_len(&rest[1..]);
        } else if c == '{' && !repetition(&rest[1..]) {
            out.push('\\');
        }
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

/// How much belongs to an escape after its backslash; `\p{Greek}` and `\x{41}` have braces.
fn escape_len(rest: &str) -> usize {
    let Some(c) = rest.chars().next() else { return 0 };
    let braced = matches!(c, 'p' | 'P' | 'x') && rest[1..].starts_with('{');
    if braced { rest.find('}').map_or(1, |end| end + 1) } else { c.len_utf8() }
}

fn repetition(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else { return false };
    let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high)
}

fn plain_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The text as a regular expression of RE2 that matches nothing else.
pub fn escape_re2(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A string in double quotes, as Go, PromQL and LogQL read it.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => write!(out, "\\u{:04x}", u32::from(c)).unwrap_or_default(),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_escaped_text_matches_itself_alone() {
        let text = r"a.b+c*d?(e)|[f]{2}^g$\h-_/é";
        let own = Matcher::new("x", MatchOp::Regex, &escape_re2(text)).expect("a matcher");
        assert!(Matcher::all(std::slice::from_ref(&own), |_| Some(text)));
        assert!(!Matcher::all(&[own], |_| Some("aXb+c*d?(e)|[f]{2}^g$\\h-_/é")));
        assert_eq!(escape_re2("db-0.shop"), r"db-0\.shop");
    }

    #[test]
    fn regular_expressions_are_re2_and_anchored() {
        for (pattern, value, expected) in [
            ("Kube.*", "KubePodCrashLooping", true),
            ("Pod", "KubePodCrashLooping", false),
            ("a|b", "b", true),
            ("a|b", "ab", false),
            (".+", "two\nlines", true),
            ("a{2}", "aa", true),
            ("x{y}", "x{y}", true),
            (r"\Qa.b\E.*", "a.b!", true),
            (r"\Qa.b\E", "axb", false),
            (r"\p{Greek}\{", "λ{", true),
        ] {
            let matcher = Matcher::new("x", MatchOp::Regex, pattern).unwrap();
            assert_eq!(matcher.is_match(value), expected, "{pattern} {value}");
        }
        let fault = Matcher::new("x", MatchOp::Regex, "a(").unwrap_err();
        assert!(fault.message.contains("unclosed group"), "{fault}");
    }

    #[test]
    fn missing_labels_are_empty() {
        let none = |_: &str| None;
        assert!(Matcher::all(&[Matcher::equal("x", "")], none));
        assert!(!Matcher::all(&[Matcher::equal("x", "y")], none));
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(quote("a\"\\\n\u{1b}ü"), r#""a\"\\\n\u001bü""#);
    }

    proptest! {
        #[test]
        fn one_of_some_values_is_no_other(
            values in prop::collection::btree_set("[a-c.]{0,2}(-[a-c]{0,2}){0,2}", 1..6),
            other in "[a-c.]{0,2}(-[a-c]{0,2}){0,2}",
        ) {
            let all: BTreeSet<&str> = values.iter().map(String::as_str).collect();
            let matcher = Matcher::one_of("pod", &all);
            for value in &all {
                prop_assert!(matcher.is_match(value), "{}", matcher);
            }
            prop_assert_eq!(matcher.is_match(&other), all.contains(other.as_str()), "{}", matcher);
        }
    }
}
