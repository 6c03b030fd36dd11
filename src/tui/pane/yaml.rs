//! JSON values as YAML for reading, with the place of each key for its colour.

use serde_json::Value;

/// A line of text whose bytes `key.0..key.1` are a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    /// The line, as it came: not cleaned.
    pub(crate) text: String,
    /// Where its key is; empty if it has none.
    pub(crate) key: (usize, usize),
}

impl Text {
    /// A line without a key.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), key: (0, 0) }
    }
}

/// A value as block YAML.
pub(crate) fn yaml(value: &Value) -> Vec<Text> {
    let mut lines = Vec::new();
    match value {
        Value::Object(_) | Value::Array(_) => block(value, 0, "", &mut lines),
        _ => scalar(value, 0, Text::default(), &mut lines),
    }
    lines
}

/// A value as indented JSON.
pub(crate) fn json(value: &Value) -> Vec<Text> {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let key = |line: &str| {
        let start = line.len() - line.trim_start().len();
        let end = line[start..].find("\": ").filter(|_| line[start..].starts_with('"'));
        end.map_or((0, 0), |end| (start, start + end + 1))
    };
    text.lines().map(|line| Text { text: line.to_owned(), key: key(line) }).collect()
}

/// Writes the entries of a map or a list; `first` stands in place of the first line's indent.
fn block(value: &Value, indent: usize, first: &str, lines: &mut Vec<Text>) {
    let mut lead = first.to_owned();
    let pad = " ".repeat(indent);
    let mut next = || if lead.is_empty() { pad.clone() } else { std::mem::take(&mut lead) };
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let mut head = Text::plain(next());
                let start = head.text.len();
                head.text += &quoted(key);
                head.key = (start, head.text.len());
                head.text.push(':');
                match value {
                    Value::Object(inner) if !inner.is_empty() => {
                        lines.push(head);
                        block(value, indent + 2, "", lines);
                    }
                    Value::Array(inner) if !inner.is_empty() => {
                        lines.push(head);
                        block(value, indent, "", lines);
                    }
                    _ => {
                        head.text.push(' ');
                        scalar(value, indent + 2, head, lines);
                    }
                }
            }
        }
        Value::Array(list) => {
            for value in list {
                let head = format!("{}- ", next());
                match value {
                    Value::Object(inner) if !inner.is_empty() => {
                        block(value, indent + 2, &head, lines);
                    }
                    Value::Array(inner) if !inner.is_empty() => {
                        block(value, indent + 2, &head, lines);
                    }
                    _ => scalar(value, indent + 2, Text::plain(head), lines),
                }
            }
        }
        _ => {}
    }
}

fn scalar(value: &Value, indent: usize, mut head: Text, lines: &mut Vec<Text>) {
    match value {
        Value::String(text) if text.trim_end_matches('\n').contains('\n') => {
            head.text += if text.ends_with('\n') { "|" } else { "|-" };
            lines.push(head);
            let pad = " ".repeat(indent);
            lines.extend(text.lines().map(|line| Text::plain(format!("{pad}{line}"))));
        }
        Value::String(text) => {
            head.text += &quoted(text);
            lines.push(head);
        }
        other => {
            head.text += &other.to_string();
            lines.push(head);
        }
    }
}

/// The text, in quotes where YAML would read something else.
fn quoted(text: &str) -> String {
    let special = text.is_empty()
        || text.trim() != text
        || text.starts_with(|c: char| "!&*-?:|>@`\"'%#,[]{}=~".contains(c))
        || text.contains(": ")
        || text.contains(" #")
        || text.ends_with(':')
        || text.contains(char::is_control)
        || matches!(
            text.to_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        )
        || text.parse::<f64>().is_ok();
    if special { Value::from(text).to_string() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_reads_back_as_the_same_value() {
        for value in [
            json!({"a": {"b": [1, {"c": "x", "d": null}, []], "e": {}}, "f": "two\nlines\n"}),
            json!({"n": "12", "t": "true", "s": "a: b", "h": "- x", "e": "", "c": "a\tb"}),
            json!([["a", "b"], {"k": ["v"]}]),
            json!({"message": "first\n  second\nthird"}),
            json!("plain"),
        ] {
            let text: Vec<String> = yaml(&value).into_iter().map(|line| line.text).collect();
            let text = text.join("\n") + "\n";
            let back: Value = serde_saphyr::from_str(&text).expect("YAML");
            assert_eq!(back, value, "{text}");
        }
    }

    #[test]
    fn keys_are_found() {
        let lines = yaml(&json!({"list": [{"name": "x"}]}));
        assert_eq!(lines[1].text, "- name: x");
        assert_eq!(&lines[1].text[lines[1].key.0..lines[1].key.1], "name");
        let lines = json(&json!({"a": "b: c"}));
        assert_eq!(&lines[1].text[lines[1].key.0..lines[1].key.1], "\"a\"");
    }
}
