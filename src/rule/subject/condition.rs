//! When an entry about labels applies: patterns on fields of the body, and on the metrics that
//! the signal reads.

use serde_json::{Map, Value};

use super::expression::Reads;
use crate::model::{Body, Path};
use crate::rule::file::Reader;
use crate::rule::yaml::{Entry, Kind, Node};

/// Patterns in which `*` stands for anything. What is behind a `!` is not meant.
#[derive(Clone, Debug, Default)]
pub(super) struct Globs {
    meant: Vec<Glob>,
    not: Vec<Glob>,
}

impl Globs {
    pub(super) fn read(node: &Node, reader: &mut Reader) -> Self {
        let words = reader.words(node, "a pattern");
        let mut read = Self::default();
        for word in &words {
            match word.text.strip_prefix('!') {
                Some(text) => read.not.push(Glob::of(text)),
                None => read.meant.push(Glob::of(&word.text)),
            }
        }
        read
    }

    pub(super) fn accept(&self, text: &str) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.is_match(text));
        any(&self.meant) && !any(&self.not)
    }

    pub(super) fn accept_any<'t>(&self, texts: impl IntoIterator<Item = &'t String>) -> bool {
        texts.into_iter().any(|text| self.accept(text))
    }
}

/// What stands between the `*` of a pattern; there are many patterns, and most fail at once.
#[derive(Clone, Debug)]
struct Glob(Vec<Box<str>>);

impl Glob {
    fn of(text: &str) -> Self {
        Self(text.split('*').map(Into::into).collect())
    }

    fn is_match(&self, text: &str) -> bool {
        let (first, last, middle) = match &self.0[..] {
            [] => return text.is_empty(),
            [only] => return **only == *text,
            [first, middle @ .., last] => (first, last, middle),
        };
        let Some(rest) = text.strip_prefix(&**first) else { return false };
        let Some(mut rest) = rest.strip_suffix(&**last) else { return false };
        // The first place of each leaves the most for those after it.
        middle.iter().all(|part| match rest.split_once(&**part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    }
}

/// What must hold, written as a map: `metrics` or a path into the body -> patterns.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions(Vec<(On, Globs)>);

/// What patterns are for.
#[derive(Clone, Debug)]
enum On {
    Metrics,
    Label(String),
    Field(Path),
}

/// What conditions look at: the body, its labels with those that the expression asks for, and
/// what it reads.
#[derive(Clone, Copy)]
pub(super) struct Facts<'f> {
    pub(super) body: &'f Body,
    pub(super) labels: &'f Map<String, Value>,
    pub(super) reads: &'f Reads,
}

impl Conditions {
    pub(super) fn read(node: &Node, reader: &mut Reader) -> Self {
        let mut read = Self::default();
        let Kind::Map(entries) = &node.kind else {
            reader.fault(node.at, "conditions must be a map: path -> patterns");
            return read;
        };
        for Entry { key, at, value } in entries {
            let globs = Globs::read(value, reader);
            let on = match (key.as_str(), key.strip_prefix("labels."), key.parse()) {
                ("metrics", _, _) => On::Metrics,
                (_, Some(name), _) => On::Label(name.to_owned()),
                (_, _, Ok(path)) => On::Field(path),
                (_, _, Err(fault)) => {
                    reader.fault(*at, fault.to_string());
                    continue;
                }
            };
            read.0.push((on, globs));
        }
        read
    }

    /// Whether each of them holds.
    pub(super) fn all(&self, facts: Facts<'_>) -> bool {
        self.0.iter().all(|(on, globs)| holds(on, globs, facts))
    }

    /// Whether one of them holds.
    pub(super) fn any(&self, facts: Facts<'_>) -> bool {
        self.0.iter().any(|(on, globs)| holds(on, globs, facts))
    }
}

fn holds(on: &On, globs: &Globs, facts: Facts<'_>) -> bool {
    let told = |value: &Value| value.as_str().is_some_and(|text| globs.accept(text));
    match on {
        On::Metrics => globs.accept_any(&facts.reads.metrics),
        On::Label(name) => facts.labels.get(name).is_some_and(told),
        On::Field(path) => path.find_in(facts.body).into_iter().any(told),
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn a_star_is_anything() {
        for (pattern, text, expected) in [
            ("kube_*", "kube_pod_info", true),
            ("kube_*", "kube", false),
            ("*", "", true),
            ("**", "x", true),
            ("up", "up", true),
            ("up", "ups", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*Repository", "HelmRepository", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*b*b*", "b", false),
            ("a.c", "abc", false),
            ("*:*", "ns:\nx", true),
        ] {
            assert_eq!(Glob::of(pattern).is_match(text), expected, "{pattern} {text:?}");
        }
    }
}
