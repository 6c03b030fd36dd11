//! The expression inside of a spanset's braces: how it prints, and whether a span fulfils it.

use std::fmt;

use regex::Regex;
use serde_json::Value;

use super::field::{Field, Scope, Static};

/// A condition on one span.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    /// A value.
    Value(Static),
    /// What is read of the span.
    Field(Field),
    /// `!x` or `-x`.
    Unary(&'static str, Box<Expr>),
    /// `x op y`; both logical operators bind alike, as in TraceQL.
    Binary(Box<Expr>, &'static str, Box<Expr>),
    /// `x =~ "…"`, or `!~`.
    Match(Box<Expr>, bool, String, Regex),
}

impl Expr {
    /// Whether the span of a body fulfils it; `None` if the body does not tell.
    pub(super) fn holds(&self, body: &Value) -> Option<bool> {
        match self {
            Self::Value(Static::Bool(value)) => Some(*value),
            Self::Field(field) => Some(field.read(body)?.contains(&Static::Bool(true))),
            Self::Unary("!", inner) => inner.holds(body).map(|holds| !holds),
            Self::Binary(left, "&&", right) => match (left.holds(body), right.holds(body)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Binary(left, "||", right) => match (left.holds(body), right.holds(body)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Binary(left, op, right) => compare(left, op, right, body),
            Self::Match(left, wanted, _, regex) => {
                let mut values = left.values(body)?.into_iter();
                Some(values.any(|value| match value {
                    Static::Text(text) => regex.is_match(&text) == *wanted,
                    _ => false,
                }))
            }
            Self::Value(_) | Self::Unary(..) => Some(false),
        }
    }

    /// Its values for a body; `None` if they are not known.
    fn values(&self, body: &Value) -> Option<Vec<Static>> {
        match self {
            Self::Value(value) => Some(vec![value.clone()]),
            Self::Field(field) => field.read(body),
            Self::Unary("-", inner) => {
                let values = inner.values(body)?.into_iter();
                Some(values.filter_map(|value| Some(Static::Number(-number(&value)?))).collect())
            }
            // Arithmetic is left to the server.
            _ => None,
        }
    }

    /// The operands of a chain of `&&`, or itself alone.
    pub(super) fn conjuncts(&self) -> Vec<&Self> {
        let mut all = Vec::new();
        let mut at = self;
        while let Self::Binary(left, "&&", right) = at {
            all.push(&**right);
            at = left;
        }
        all.push(at);
        all.reverse();
        all
    }

    /// All fields in it.
    pub(super) fn fields(&self) -> Vec<&Field> {
        match self {
            Self::Value(_) => Vec::new(),
            Self::Field(field) => vec![field],
            Self::Unary(_, inner) | Self::Match(inner, ..) => inner.fields(),
            Self::Binary(left, _, right) => [left.fields(), right.fields()].concat(),
        }
    }

    /// Gives other names to attributes of resources; tells whether it did.
    pub(super) fn rename(&mut self, other: &impl Fn(&str) -> Option<String>) -> bool {
        match self {
            Self::Field(Field::Attribute(Scope::Resource, name)) => match other(name) {
                Some(new) => {
                    *name = new;
                    true
                }
                None => false,
            },
            Self::Value(_) | Self::Field(_) => false,
            Self::Unary(_, inner) | Self::Match(inner, ..) => inner.rename(other),
            Self::Binary(left, _, right) => left.rename(other) | right.rename(other),
        }
    }
}

fn number(value: &Static) -> Option<f64> {
    match value {
        Static::Number(number) | Static::Duration(number) => Some(*number),
        _ => None,
    }
}

fn compare(left: &Expr, op: &str, right: &Expr, body: &Value) -> Option<bool> {
    let (mut ours, mut theirs) = (left.values(body)?, right.values(body)?);
    // Ids are compared with all their digits.
    for (field, values) in [(left, &mut theirs), (right, &mut ours)] {
        let Expr::Field(field) = field else { continue };
        for value in values {
            if let Static::Text(text) = value {
                *text = field.canonical(text);
            }
        }
    }
    let nil = |values: &[Static]| *values == [Static::Nil];
    if nil(&theirs) || nil(&ours) {
        let there = !(if nil(&theirs) { &ours } else { &theirs }).is_empty();
        return Some(match op {
            "=" => !there,
            "!=" => there,
            _ => false,
        });
    }
    let mut pairs = ours.iter().flat_map(|one| theirs.iter().map(move |other| (one, other)));
    Some(pairs.any(|(one, other)| {
        let order = match (one, other) {
            (Static::Text(one), Static::Text(other)) | (Static::Word(one), Static::Word(other)) => {
                Some(one.cmp(other))
            }
            (Static::Bool(one), Static::Bool(other)) => Some(one.cmp(other)),
            _ => number(one).zip(number(other)).and_then(|(one, other)| one.partial_cmp(&other)),
        };
        order.is_some_and(|order| match op {
            "=" => order.is_eq(),
            "!=" => order.is_ne(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            ">=" => order.is_ge(),
            _ => false,
        })
    }))
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::Field(field) => write!(f, "{field}"),
            Self::Unary(op, inner) => write!(f, "{op}{}", Inner(inner, None)),
            Self::Match(left, wanted, regex, _) => {
                let op = if *wanted { "=~" } else { "!~" };
                let regex = crate::model::quote(regex);
                write!(f, "{} {op} {regex}", Inner(left, None))
            }
            Self::Binary(left, op, right) => {
                let outer = logical(op).then_some(*op);
                let left_side = Inner(left, outer);
                if let (Self::Field(field), Self::Value(Static::Text(id))) = (&**left, &**right)
                    && field.is_trace_id()
                {
                    // Servers keep ids without their leading zeros, and compare them as text.
                    let id = crate::model::quote(id.trim_start_matches('0'));
                    return write!(f, "{left_side} {op} {id}");
                }
                write!(f, "{left_side} {op} {}", Inner(right, outer.map(|_| "")))
            }
        }
    }
}

fn logical(op: &str) -> bool {
    op == "&&" || op == "||"
}

/// An operand, in brackets where it needs them or where a reader would wonder; besides, the
/// logical operator that it may itself be made of without them, or `""` for none.
struct Inner<'e>(&'e Expr, Option<&'static str>);

impl fmt::Display for Inner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(expr, outer) = self;
        let bare = match expr {
            Expr::Value(_) | Expr::Field(_) | Expr::Unary("!", _) => true,
            Expr::Unary(..) => false,
            Expr::Binary(_, op, _) if logical(op) => *outer == Some(op),
            Expr::Match(..) | Expr::Binary(..) => outer.is_some(),
        };
        if bare { write!(f, "{expr}") } else { write!(f, "({expr})") }
    }
}
