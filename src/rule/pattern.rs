//! Where rules start and end: classes, wildcards, and aliases for lists of them.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::file::{Reader, Word};
use crate::model::{Class, Domains, ParseError, similar};

/// A class, a kind in any version, or all classes of a domain, which stays one pattern and is
/// never expanded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// One class, whose version was written if it has one.
    Class(Class),
    /// A kind whose version was not written: which one a cluster has is not known when rules are
    /// loaded. The class has the version that was known then.
    Kind(Class),
    /// Every class of the domain of this name.
    Any(String),
}

impl Pattern {
    /// The pattern for a class that was written with this name.
    fn of(class: Class, written: &str) -> Self {
        let written = Class::new(class.domain(), written);
        if class == class.unversioned() || written != written.unversioned() {
            Self::Class(class)
        } else {
            Self::Kind(class)
        }
    }

    /// Whether the class is meant.
    pub fn admits(&self, class: &Class) -> bool {
        match self {
            Self::Class(own) => own == class,
            Self::Kind(own) => own == class || own.is_version_of(class),
            Self::Any(domain) => domain == class.domain(),
        }
    }

    /// The domain's name.
    pub fn domain(&self) -> &str {
        match self {
            Self::Class(class) | Self::Kind(class) => class.domain(),
            Self::Any(domain) => domain,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) | Self::Kind(class) => class.fmt(f),
            Self::Any(domain) => write!(f, "{domain}:*"),
        }
    }
}

/// Numbers of what starts at each pattern, found by class without going through all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    classes: HashMap<Class, Vec<usize>>,
    /// By the class without its version.
    kinds: HashMap<Class, Vec<usize>>,
    domains: HashMap<String, Vec<usize>>,
}

impl Index {
    pub(super) fn add(&mut self, pattern: &Pattern, number: usize) {
        let numbers = match pattern {
            Pattern::Class(class) => self.classes.entry(class.clone()).or_default(),
            Pattern::Kind(class) => self.kinds.entry(class.unversioned()).or_default(),
            Pattern::Any(domain) => self.domains.entry(domain.clone()).or_default(),
        };
        numbers.push(number);
    }

    /// The numbers whose pattern admits a class: those of the class in order, then those of its
    /// whole domain.
    pub(super) fn of(&self, class: &Class) -> Vec<usize> {
        let named = [self.classes.get(class), self.kinds.get(&class.unversioned())];
        let mut numbers: Vec<usize> = named.into_iter().flatten().flatten().copied().collect();
        numbers.sort_unstable();
        numbers.extend(self.domains.get(class.domain()).into_iter().flatten());
        numbers
    }
}

/// Names for lists of patterns; a file sees its own and those of earlier files.
#[derive(Debug, Default)]
pub(super) struct Aliases(BTreeMap<String, Vec<Pattern>>);

impl Aliases {
    /// Takes over the aliases of a file, which may use each other in any order.
    pub(super) fn extend(
        &mut self,
        raw: &[(Word, Vec<Word>)],
        domains: &Domains,
        reader: &mut Reader,
    ) {
        let own: BTreeMap<&str, &[Word]> =
            raw.iter().map(|(name, words)| (name.text.as_str(), words.as_slice())).collect();
        let mut done = BTreeMap::new();
        for (name, words) in raw {
            let mut flat = Vec::new();
            flatten(words, &own, &mut vec![name.text.as_str()], &mut flat, reader);
            let patterns = flat.iter().filter_map(|word| self.word(word, domains, reader));
            done.insert(name.text.clone(), patterns.flatten().collect());
        }
        self.0.extend(done);
    }

    /// The patterns that words mean, each once; `None` if one of them is faulty.
    pub(super) fn resolve(
        &self,
        words: &[Word],
        domains: &Domains,
        reader: &mut Reader,
    ) -> Option<Vec<Pattern>> {
        let found: Vec<_> = words.iter().map(|word| self.word(word, domains, reader)).collect();
        let mut patterns = Vec::new();
        for pattern in found.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten() {
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        Some(patterns)
    }

    fn word(&self, word: &Word, domains: &Domains, reader: &mut Reader) -> Option<Vec<Pattern>> {
        let text = word.text.trim();
        let fault = match text.split_once(':') {
            Some((domain, "*")) => match domains.domain(domain) {
                Ok(domain) => return Some(vec![Pattern::Any(domain.name().to_owned())]),
                Err(fault) => fault.to_string(),
            },
            Some((_, name)) => match domains.class(text) {
                Ok(class) => return Some(vec![Pattern::of(class, name.trim())]),
                Err(ParseError::UnknownClass { domain, similar, .. })
                    if domain == "k8s" && similar.is_empty() =>
                {
                    format!(
                        "unknown class {text:?}; a kind that is not built in is written in full, \
                         as k8s:Database.v1.example.com"
                    )
                }
                Err(fault) => fault.to_string(),
            },
            None => match self.0.get(text) {
                Some(patterns) => return Some(patterns.clone()),
                None => format!(
                    "{}; a class is written DOMAIN:CLASS, as k8s:Pod",
                    unknown("alias", text, self.0.keys().map(String::as_str))
                ),
            },
        };
        reader.fault(word.at, fault);
        None
    }
}

/// `unknown alias "x"; did you mean y?`
pub(super) fn unknown<'k>(
    what: &str,
    text: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> String {
    match similar(text, known).as_slice() {
        [] => format!("unknown {what} {text:?}"),
        near => format!("unknown {what} {text:?}; did you mean {}?", near.join(", ")),
    }
}

/// Replaces the file's own aliases by what they stand for.
fn flatten<'w>(
    words: &'w [Word],
    own: &BTreeMap<&'w str, &'w [Word]>,
    inside: &mut Vec<&'w str>,
    flat: &mut Vec<Word>,
    reader: &mut Reader,
) {
    for word in words {
        let name = word.text.trim();
        if inside.contains(&name) {
            reader.fault(word.at, format!("alias {name:?} is defined by itself"));
        } else if let Some(inner) = own.get(name) {
            inside.push(name);
            flatten(inner, own, inside, flat, reader);
            inside.pop();
        } else {
            flat.push(word.clone());
        }
    }
}
