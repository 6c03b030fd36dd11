//! Writes the selectors of a program as JSON: what a rule file has in YAML flow is parsed once,
//! when the program is made, and not again for every object.

use serde_json::Value;

use super::{Expr, Part};
use crate::model::{Class, Domains, SelectorError};

/// Spells the selectors of all lines as JSON where that means the same.
pub(super) fn tidy(body: &mut Vec<Part>, domains: &Domains) {
    inside(body, domains, true);
}

fn inside(body: &mut Vec<Part>, domains: &Domains, whole: bool) {
    let mut tidied = Vec::new();
    let mut run = Vec::new();
    let mut first = whole;
    for part in std::mem::take(body) {
        match part {
            Part::Text(_) | Part::Print(_) => run.push(part),
            mut other => {
                tidied.extend(lines(std::mem::take(&mut run), domains, (first, false)));
                first = false;
                match &mut other {
                    Part::If(branches) => {
                        for (_, body) in branches {
                            inside(body, domains, false);
                        }
                    }
                    Part::For { body, .. } => inside(body, domains, false),
                    _ => {}
                }
                tidied.push(other);
            }
        }
    }
    tidied.extend(lines(run, domains, (first, whole)));
    *body = tidied;
}

/// The lines of parts that follow each other; the first and the last one may go on elsewhere.
fn lines(run: Vec<Part>, domains: &Domains, (starts, ends): (bool, bool)) -> Vec<Part> {
    let mut lines: Vec<Vec<Part>> = Vec::new();
    let mut open = Vec::new();
    for part in run {
        let Part::Text(text) = part else {
            open.push(part);
            continue;
        };
        for (place, piece) in text.split('\n').enumerate() {
            if place > 0 {
                lines.push(std::mem::take(&mut open));
            }
            open.push(Part::Text(piece.to_owned()));
        }
    }
    lines.push(open);
    let last = lines.len() - 1;
    let mut parts = Vec::new();
    for (place, line) in lines.into_iter().enumerate() {
        if place > 0 {
            add(&mut parts, "\n");
        }
        let whole = (place > 0 || starts) && (place < last || ends);
        let line = whole.then(|| as_json(&line, domains)).flatten().unwrap_or(line);
        for part in line {
            match part {
                Part::Text(text) => add(&mut parts, &text),
                other => parts.push(other),
            }
        }
    }
    parts
}

fn add(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(before)) => before.push_str(text),
        _ if text.is_empty() => {}
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// A query in which a value stands for each expression of the selector.
struct Line {
    /// Up to the second colon.
    head: Vec<Part>,
    class: Class,
    /// What stands between the values, one more than there are.
    between: Vec<String>,
    values: Vec<Expr>,
}

/// The line with its selector in JSON; `None` if it has none, or if that might mean another.
fn as_json(line: &[Part], domains: &Domains) -> Option<Vec<Part>> {
    let mut line = read(line, domains)?;
    let tokens: Vec<String> = (0..line.values.len()).map(|n| format!("\"korrel8 {n}\"")).collect();
    let written = filled(&line.between, &tokens);
    if !written.starts_with(['{', '[']) || written.starts_with("{}") {
        return None;
    }
    let read: Value = SelectorError::parse_yaml(&written).ok()?;
    let mut printed = read.to_string();
    let mut between = Vec::new();
    let mut order = Vec::new();
    while let Some((at, place)) = first_of(&printed, &tokens) {
        between.push(printed[..at].to_owned());
        order.push(place);
        printed.drain(..at + tokens[place].len());
        if printed.starts_with(':') {
            return None;
        }
    }
    between.push(printed);
    let mut all = order.clone();
    all.sort_unstable();
    if all != (0..tokens.len()).collect::<Vec<_>>() || !same(&line, &between, &order, domains) {
        return None;
    }
    line.head.push(Part::Text(between[0].clone()));
    for (place, after) in order.iter().zip(&between[1..]) {
        line.head.push(Part::Print(line.values[*place].clone()));
        line.head.push(Part::Text(after.clone()));
    }
    Some(line.head)
}

/// Takes a line apart after the second colon of its fixed text.
fn read(line: &[Part], domains: &Domains) -> Option<Line> {
    let (mut head, mut between, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut colons = 0;
    let mut name = String::new();
    for part in line {
        let Part::Text(text) = part else {
            match part {
                Part::Print(value) if colons == 2 => {
                    values.push(value.clone());
                    between.push(String::new());
                }
                _ => head.push(part.clone()),
            }
            continue;
        };
        if colons == 2 {
            between.last_mut()?.push_str(text);
            continue;
        }
        let mut end = text.len();
        for (at, _) in text.match_indices(':').take(2 - colons) {
            colons += 1;
            end = at + 1;
        }
        let end = if colons == 2 { end } else { text.len() };
        name.push_str(&text[..end]);
        head.push(Part::Text(text[..end].to_owned()));
        if colons == 2 {
            between.push(text[end..].trim_start().to_owned());
        }
    }
    let last = between.last_mut()?;
    last.truncate(last.trim_end().len());
    let name = name.trim().trim_end_matches(':');
    let class = domains.class(name).ok().or_else(|| {
        let (domain, _) = name.split_once(':').unwrap_or((name, ""));
        domains.domain(domain).ok()?.classes().first().cloned()
    })?;
    Some(Line { head, class, between, values })
}

fn filled(between: &[String], values: &[String]) -> String {
    let values = values.iter().map(String::as_str).chain([""]);
    between.iter().zip(values).map(|(text, value)| format!("{text}{value}")).collect()
}

fn first_of(text: &str, tokens: &[String]) -> Option<(usize, usize)> {
    let places = tokens.iter().enumerate();
    places.filter_map(|(place, token)| Some((text.find(token.as_str())?, place))).min()
}

/// Whether a selector takes both spellings for the same, with values that are good there: texts, or
/// a map in place of one of them.
///
/// One try is enough, for a JSON value stands in both spellings where the token stood.
fn same(line: &Line, between: &[String], order: &[usize], domains: &Domains) -> bool {
    let Ok(domain) = domains.domain(line.class.domain()) else { return false };
    let count = line.values.len();
    let parse = |text: &str| domain.parse(&line.class, text).map(|query| query.text().to_owned());
    let tries = (0..=count).map(|step| {
        let map = step.checked_sub(1);
        let value = |place| {
            if map == Some(place) {
                format!("{{\"k{place}\":\"v\"}}")
            } else {
                format!("\"v{place}\"")
            }
        };
        (0..count).map(value).collect::<Vec<String>>()
    });
    for values in tries {
        let moved: Vec<String> = order.iter().map(|place| values[*place].clone()).collect();
        match (parse(&filled(&line.between, &values)), parse(&filled(between, &moved))) {
            (Ok(one), Ok(other)) => return one == other,
            (Err(_), Err(_)) => {}
            _ => return false,
        }
    }
    false
}
