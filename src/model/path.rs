//! Paths into JSON: `spec.volumes[*].persistentVolumeClaim.claimName`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

use super::Body;

/// A path into a JSON value.
///
/// Steps are separated by dots: a key, `[*]` for every element of a list or map, `[2]` for one
/// element, `["a.b/c"]` for a key with dots in it, and `[key=value]` for the elements whose `key`
/// is `value`: `status.conditions[type=Ready].status`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    text: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Step {
    Key(String),
    Each,
    At(usize),
    Where(String, String),
}

/// Why a path does not parse.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what} at character {} of the path {text:?}", at + 1)]
pub struct PathError {
    text: String,
    what: &'static str,
    at: usize,
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let fault = |at: usize, what| PathError { text: text.to_owned(), what, at };
        let mut steps = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if let Some(inner) = rest.strip_prefix('[') {
                let (step, used) = bracket(inner).map_err(|what| fault(at, what))?;
                steps.push(step);
                at += used + 1;
            } else {
                let dot = usize::from(rest.starts_with('.'));
                if (at == 0) == (dot == 1) {
                    return Err(fault(
                        at,
                        if at == 0 {
                            "a path cannot start with a dot"
                        } else {
                            "a dot or [ is missing"
                        },
                    ));
                }
                let key = &rest[dot..];
                let key = &key[..key.find(['.', '[', ']']).unwrap_or(key.len())];
                if key.is_empty() {
                    return Err(fault(at, "a key is missing"));
                }
                steps.push(Step::Key(key.to_owned()));
                at += dot + key.len();
            }
        }
        if steps.is_empty() {
            return Err(fault(0, "nothing"));
        }
        Ok(Self { text: text.to_owned(), steps })
    }
}

/// Reads what follows a `[`; returns the step and the bytes used, the `]` included.
fn bracket(inner: &str) -> Result<(Step, usize), &'static str> {
    for quote in ['"', '\''] {
        if let Some(quoted) = inner.strip_prefix(quote) {
            let end = quoted.find(quote).ok_or("a quote is not closed")?;
            if !quoted[end + 1..].starts_with(']') {
                return Err("a ] is missing");
            }
            return Ok((Step::Key(quoted[..end].to_owned()), end + 3));
        }
    }
    let end = inner.find(']').ok_or("a ] is missing")?;
    let body = &inner[..end];
    let step = if body == "*" {
        Step::Each
    } else if let Some((key, value)) = body.split_once('=') {
        Step::Where(key.to_owned(), value.to_owned())
    } else {
        Step::At(body.parse().map_err(|_| "expected [*], [number], [key=value] or [\"key\"]")?)
    };
    Ok((step, end + 1))
}

impl Path {
    /// The path along some keys, whatever characters they have.
    pub fn of(keys: &[&str]) -> Self {
        let text = keys.iter().map(|key| format!("[\"{key}\"]")).collect();
        Self { text, steps: keys.iter().map(|key| Step::Key((*key).to_owned())).collect() }
    }

    /// Every value that the path leads to in a body; of a log line no more is made than is needed.
    pub fn find_in<'b>(&self, body: &'b Body) -> Vec<&'b Value> {
        match (body.frame(), self.steps.first()) {
            (Some(frame), Some(Step::Key(field))) if !Body::is_own(field) => self.find(frame),
            _ => self.find(body),
        }
    }

    /// Every value that the path leads to.
    pub fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![value];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| step.follow(value)).collect();
            if found.is_empty() {
                break;
            }
        }
        found
    }
}

impl Step {
    fn follow<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match (self, value) {
            (Self::Key(key), Value::Object(map)) => map.get(key).into_iter().collect(),
            (Self::Each, Value::Array(list)) => list.iter().collect(),
            (Self::Each, Value::Object(map)) => map.values().collect(),
            (Self::At(index), Value::Array(list)) => list.get(*index).into_iter().collect(),
            (Self::Where(key, wanted), Value::Array(list)) => list
                .iter()
                .filter(|item| {
                    item.get(key).is_some_and(|found| match found {
                        Value::String(text) => text == wanted,
                        Value::Null | Value::Array(_) | Value::Object(_) => false,
                        scalar => scalar.to_string().as_str() == wanted.as_str(),
                    })
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(path: &str, expected: &[Value]) {
        let value = json!({
            "a": [{"type": "Ready", "n": 1}, {"type": "Other", "n": 2}],
            "labels": {"app.kubernetes.io/name": "web"},
        });
        let found: Vec<Value> =
            path.parse::<Path>().expect(path).find(&value).into_iter().cloned().collect();
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn paths_lead_to_values() {
        check("a[*].n", &[json!(1), json!(2)]);
        check("a[1].n", &[json!(2)]);
        check("a[type=Ready].n", &[json!(1)]);
        check("labels[\"app.kubernetes.io/name\"]", &[json!("web")]);
        check("labels[*]", &[json!("web")]);
        check("b.c", &[]);
        check("a.n", &[]);
    }

    #[test]
    fn broken_paths_say_where() {
        for (path, message) in [
            ("", "nothing at character 1"),
            (".a", "cannot start with a dot at character 1"),
            ("a..b", "a key is missing at character 2"),
            ("a[x]", "expected [*], [number], [key=value] or [\"key\"] at character 2"),
            ("a[*", "a ] is missing at character 2"),
            ("a[*]b", "a dot or [ is missing at character 5"),
        ] {
            let fault = path.parse::<Path>().expect_err(path).to_string();
            assert!(fault.contains(message), "{fault}");
        }
    }
}
