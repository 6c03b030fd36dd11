//! TraceQL's tokens, each with its place.

use crate::model::{SelectorError, parse_string};

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A string, without its quotes.
    Text(String),
    /// A number.
    Number(f64),
    /// A duration in nanoseconds.
    Duration(f64),
    /// A name or word, as `resource.k8s.pod.name`, `.x`, `span:id`, `error`.
    Word(String),
    /// An operator or bracket.
    Sign(&'static str),
    /// The end.
    End,
}

/// A token, and where it starts and ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: usize,
    pub(super) end: usize,
}

/// The longest first.
const SIGNS: [&str; 33] = [
    "!>>", "!<<", "&>>", "&<<", "=~", "!~", "!=", ">=", "<=", ">>", "<<", "&&", "||", "!>", "!<",
    "&>", "&<", "&~", "{", "}", "(", ")", "=", ">", "<", "~", "!", "|", "+", "-", "*", "/", "%",
];

/// Signs that may not stand for anything else.
const MORE: [&str; 2] = ["^", ","];

const UNITS: [(&str, f64); 10] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
    ("d", 86_400e9),
    ("w", 604_800e9),
    ("y", 31_536_000e9),
];

/// All tokens of a text; the last is the end.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SelectorError> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, end) = match c {
            '"' | '`' => {
                let (value, end) = parse_string(text, at)?;
                (Kind::Text(value), end)
            }
            '0'..='9' => number(text, at)?,
            c if c == '.' || c == '_' || c.is_alphabetic() => word(text, at)?,
            _ => sign(text, at)?,
        };
        all.push(Token { kind, at, end });
        at = end;
    }
    all.push(Token { kind: Kind::End, at: text.len(), end: text.len() });
    Ok(all)
}

fn sign(text: &str, at: usize) -> Result<(Kind, usize), SelectorError> {
    let found = SIGNS.iter().chain(&MORE).find(|sign| text[at..].starts_with(**sign));
    let sign = found.ok_or_else(|| {
        SelectorError::at(
            at,
            "this character means nothing in TraceQL; write strings in double quotes",
        )
    })?;
    Ok((Kind::Sign(sign), at + sign.len()))
}

fn number(text: &str, at: usize) -> Result<(Kind, usize), SelectorError> {
    let rest = &text[at..];
    let len = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != 'µ');
    let whole = &rest[..len.unwrap_or(rest.len())];
    let end = at + whole.len();
    if let Ok(number) = whole.parse::<f64>() {
        return Ok((Kind::Number(number), end));
    }
    let duration = duration(whole).ok_or_else(|| {
        SelectorError::at(
            at,
            format!("{whole:?} is neither a number nor a duration, as 1.5s or 300ms"),
        )
    })?;
    Ok((Kind::Duration(duration), end))
}

/// Nanoseconds of `1h30m`, `1.5s`.
fn duration(mut text: &str) -> Option<f64> {
    let mut sum = 0.0;
    while !text.is_empty() {
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = text[..digits].parse().ok()?;
        let rest = &text[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == &rest[..letters])?;
        sum += number * unit;
        text = &rest[letters..];
    }
    Some(sum)
}

/// A word ends where TraceQL says that an attribute's name ends; parts of it may be quoted.
fn word(text: &str, start: usize) -> Result<(Kind, usize), SelectorError> {
    let mut at = start;
    let mut word = String::new();
    while let Some(c) = text[at..].chars().next() {
        if c == '"' {
            let (part, end) = parse_string(text, at)?;
            word.push_str(&part);
            at = end;
        } else if c.is_whitespace() || "{}()=~!<>&|^,`".contains(c) {
            break;
        } else {
            word.push(c);
            at += c.len_utf8();
        }
    }
    Ok((Kind::Word(word), at))
}
