//! Label selectors: `app in (a,b),!canary,tier!=front`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::model::SelectorError;

/// Requirements on labels, all of which must hold. Canonical: sorted, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(BTreeSet<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Test {
    /// The value is one of these.
    In(BTreeSet<String>),
    /// The value is none of these, or there is no such label.
    NotIn(BTreeSet<String>),
    Exists,
    Absent,
}

impl Labels {
    /// Equality with every pair of a map.
    pub fn equal(pairs: BTreeMap<String, String>) -> Result<Self, SelectorError> {
        let pairs = pairs.into_iter().map(|(key, value)| {
            let valid = word(&key, true) && word(&value, false);
            if !valid {
                return Err(SelectorError::new(format!(
                    "{key:?}: {value:?} cannot be a label: use letters, digits, '-', '_', '.'"
                )));
            }
            Ok(Requirement { key, test: Test::In([value].into()) })
        });
        Ok(Self(pairs.collect::<Result<_, _>>()?))
    }

    /// A label selector as kubectl takes it. Offsets of errors are into `text`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut reader = Reader { text, at: 0 };
        let mut all = BTreeSet::new();
        reader.space();
        while !reader.rest().is_empty() {
            all.insert(reader.requirement()?);
            if !reader.eat(",") && !reader.rest().is_empty() {
                return Err(reader.fault("expected ',' between requirements"));
            }
        }
        Ok(Self(all))
    }

    /// Whether there are no requirements.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether labels satisfy all requirements.
    pub fn accept(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.0.iter().all(|need| {
            let value = labels.and_then(|labels| labels.get(&need.key)?.as_str());
            match &need.test {
                Test::In(values) => value.is_some_and(|value| values.contains(value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
            }
        })
    }

    /// The labels of which one value must be there, with these values.
    pub(super) fn wanted(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.0.iter().filter_map(|need| match &need.test {
            Test::In(values) => Some((need.key.as_str(), values)),
            _ => None,
        })
    }

    /// The requirements as a map, if they are one equality for each key.
    pub fn as_map(&self) -> Option<BTreeMap<&str, &str>> {
        let mut map = BTreeMap::new();
        for need in &self.0 {
            let Test::In(values) = &need.test else { return None };
            let [value] = values.iter().collect::<Vec<_>>()[..] else { return None };
            if map.insert(need.key.as_str(), value.as_str()).is_some() {
                return None;
            }
        }
        Some(map)
    }
}

/// As the API server takes it in `labelSelector`, and as [`Labels::parse`] reads it.
impl std::fmt::Display for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, Requirement { key, test }) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            let (sign, word, values) = match test {
                Test::In(values) => ("=", "in", values),
                Test::NotIn(values) => ("!=", "notin", values),
                Test::Exists => {
                    f.write_str(key)?;
                    continue;
                }
                Test::Absent => {
                    write!(f, "!{key}")?;
                    continue;
                }
            };
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            match values[..] {
                [value] => write!(f, "{key}{sign}{value}")?,
                _ => write!(f, "{key} {word} ({})", values.join(","))?,
            }
        }
        Ok(())
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn fault(&self, message: impl Into<String>) -> SelectorError {
        SelectorError::at(self.at, message)
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let there = self.rest().starts_with(token);
        if there {
            self.at += token.len();
            self.space();
        }
        there
    }

    /// The longest run of characters that keys and values are made of; may be empty.
    fn run(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !plain(c, true)).unwrap_or(rest.len());
        self.at += end;
        self.space();
        &rest[..end]
    }

    fn key(&mut self) -> Result<String, SelectorError> {
        let before = self.at;
        let key = self.run();
        if !word(key, true) {
            self.at = before;
            return Err(self.fault("expected a label name"));
        }
        Ok(key.to_owned())
    }

    fn value(&mut self) -> Result<String, SelectorError> {
        let before = self.at;
        let value = self.run();
        if !word(value, false) {
            self.at = before;
            return Err(self.fault("expected a label value"));
        }
        Ok(value.to_owned())
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        if self.eat("!") {
            return Ok(Requirement { key: self.key()?, test: Test::Absent });
        }
        let key = self.key()?;
        let test = if self.eat("!=") {
            Test::NotIn([self.value()?].into())
        } else if self.eat("==") || self.eat("=") {
            Test::In([self.value()?].into())
        } else if self.rest().is_empty() || self.rest().starts_with(',') {
            Test::Exists
        } else {
            let before = self.at;
            match self.run() {
                "in" => Test::In(self.values()?),
                "notin" => Test::NotIn(self.values()?),
                _ => {
                    self.at = before;
                    return Err(self.fault("expected =, !=, in, notin or ','"));
                }
            }
        };
        Ok(Requirement { key, test })
    }

    fn values(&mut self) -> Result<BTreeSet<String>, SelectorError> {
        if !self.eat("(") {
            return Err(self.fault("expected '(' before the values"));
        }
        let mut values = BTreeSet::new();
        loop {
            values.insert(self.value()?);
            if self.eat(")") {
                return Ok(values);
            }
            if !self.eat(",") {
                return Err(self.fault("expected ',' or ')' after a value"));
            }
        }
    }
}

fn plain(c: char, slash: bool) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') || (slash && c == '/')
}

/// Whether a text can be a label's name, or else its value, which may be empty.
fn word(text: &str, key: bool) -> bool {
    (!key || !text.is_empty()) && text.chars().all(|c| plain(c, key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_print_canonically() {
        for (text, canonical) in [
            ("app=web", "app=web"),
            (
                " tier != x , app in ( b,a ), !canary,a==b,exists ",
                "a=b,app in (a,b),!canary,exists,tier!=x",
            ),
            ("app in (a)", "app=a"),
            ("app notin (a)", "app!=a"),
            ("a=1,a=1", "a=1"),
            ("a=", "a="),
            ("in in (in)", "in=in"),
            ("", ""),
        ] {
            let parsed = Labels::parse(text).expect(text);
            assert_eq!(parsed.to_string(), canonical);
            assert_eq!(Labels::parse(canonical).expect(canonical), parsed);
        }
    }

    #[test]
    fn faults_say_where() {
        for (text, offset) in
            [("app in a", 7), ("=x", 0), ("a=b c=d", 4), ("a in (b", 7), ("a ~ b", 2), ("!", 1)]
        {
            assert_eq!(Labels::parse(text).expect_err(text).offset, Some(offset), "{text}");
        }
    }

    #[test]
    fn labels_are_accepted_or_not() {
        let labels = json!({"app": "web", "tier": "front"});
        for (text, expected) in [
            ("app=web", true),
            ("app=db", false),
            ("app in (db,web),tier", true),
            ("!tier", false),
            ("canary!=yes,!canary", true),
            ("app notin (web)", false),
        ] {
            let accepted = Labels::parse(text).expect(text).accept(labels.as_object());
            assert_eq!(accepted, expected, "{text}");
        }
    }
}
