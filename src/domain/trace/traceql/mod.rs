//! Enough of TraceQL to check, print and decide a query: the conditions of spansets. What stages
//! and the operators between spansets do is left to the server.

mod expr;
mod field;
mod lex;
mod parse;
#[cfg(test)]
mod tests;

use serde_json::Value;

use self::expr::Expr;
use self::field::{Field, Scope, Static};
use crate::client::span::Terms;
use crate::model::SelectorError;

/// A TraceQL query.
#[derive(Clone, Debug)]
pub struct TraceQl {
    spansets: Vec<Option<Expr>>,
    /// The spansets, as they print.
    text: String,
    pipeline: String,
}

impl TraceQl {
    /// Reads `{resource.service.name = "web" && status = error} | select(…)`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let parsed = parse::parse(text)?;
        Ok(Self { spansets: parsed.spansets, text: parsed.text, pipeline: parsed.pipeline })
    }

    /// The query as it prints.
    pub fn text(&self) -> String {
        let gap = if self.pipeline.is_empty() { "" } else { " " };
        format!("{}{gap}{}", self.text, self.pipeline)
    }

    /// Whether a span with a body is selected; `None` if only the server can tell.
    pub fn matches(&self, body: &Value) -> Option<bool> {
        let holds = |condition: &Option<Expr>| match condition {
            Some(expr) => expr.holds(body),
            None => Some(true),
        };
        match (&self.spansets[..], self.pipeline.is_empty()) {
            ([one], true) => holds(one),
            // A stage passes on some of the spans, or none.
            ([one], false) if holds(one) == Some(false) => Some(false),
            _ => None,
        }
    }

    /// The same query for spans that fulfil a further condition; `None` if it is not simple.
    pub fn and(&self, condition: &str) -> Option<String> {
        match &self.spansets[..] {
            _ if !self.pipeline.is_empty() => None,
            [Some(expr)] => Some(format!("{{ ({expr}) && {condition} }}")),
            [None] => Some(format!("{{ {condition} }}")),
            _ => None,
        }
    }

    /// Whether a stage can be added at the end.
    pub fn extensible(&self) -> bool {
        !self.pipeline.split(' ').any(|word| word.starts_with("with"))
    }

    /// The names of the resource attributes in its conditions.
    pub fn resource_names(&self) -> Vec<String> {
        let fields = self.spansets.iter().flatten().flat_map(Expr::fields);
        let name = |field: &Field| match field {
            Field::Attribute(Scope::Resource, name) => Some(name.clone()),
            _ => None,
        };
        fields.filter_map(name).collect()
    }

    /// The same query with other names for attributes of resources; `None` if none is renamed, or
    /// it is not simple.
    pub fn renamed(&self, other: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let [Some(expr)] = &self.spansets[..] else { return None };
        let mut expr = expr.clone();
        if !self.pipeline.is_empty() || !expr.rename(&other) {
            return None;
        }
        let text = format!("{{ {expr} }}");
        Some(Self { spansets: vec![Some(expr)], text, pipeline: String::new() })
    }

    /// What a server understands that only joins conditions; `None` if that says too little.
    pub fn terms(&self) -> Option<Terms> {
        let [condition] = &self.spansets[..] else { return None };
        if !self.pipeline.is_empty() {
            return None;
        }
        let mut terms = Terms::default();
        for part in condition.iter().flat_map(Expr::conjuncts) {
            let Expr::Binary(left, op, right) = part else { continue };
            let (Expr::Field(field), Expr::Value(value)) = (&**left, &**right) else { continue };
            add(&mut terms, field, op, value);
        }
        Some(terms)
    }
}

/// Adds what such a server can select by; the rest is selected afterwards.
fn add(terms: &mut Terms, field: &Field, op: &str, value: &Static) {
    #[allow(clippy::cast_possible_truncation, reason = "a float cast saturates")]
    let nanos = |value: &f64| *value as i64;
    match (field, op, value) {
        (Field::Attribute(Scope::Resource | Scope::Any, name), "=", Static::Text(text))
            if name == "service.name" =>
        {
            terms.service = Some(text.clone());
        }
        (Field::Intrinsic("name"), "=", Static::Text(text)) => terms.name = Some(text.clone()),
        (Field::Intrinsic("status"), "=", Static::Word(word)) => terms.failed = word == "error",
        (Field::Intrinsic("kind"), "=", Static::Word(word)) => {
            terms.tags.push(("span.kind".to_owned(), word.clone()));
        }
        (Field::Intrinsic("duration"), op, Static::Duration(value) | Static::Number(value)) => {
            match op {
                ">" | ">=" => terms.shortest = Some(nanos(value)),
                "<" | "<=" => terms.longest = Some(nanos(value)),
                _ => {}
            }
        }
        (Field::Attribute(Scope::Span | Scope::Resource | Scope::Any, name), "=", value) => {
            let text = match value {
                Static::Text(text) => text.clone(),
                Static::Number(number) => number.to_string(),
                Static::Bool(value) => value.to_string(),
                _ => return,
            };
            terms.tags.push((name.clone(), text));
        }
        _ => {}
    }
}
