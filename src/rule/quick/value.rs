//! What expressions come to: JSON of the object as it stands, or what was made of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

/// A value while a program runs.
#[derive(Clone, Debug)]
pub(super) enum Val<'a> {
    Undefined,
    Json(&'a Value),
    Text(Cow<'a, str>),
    /// Text that is printed as it is.
    Safe(Cow<'a, str>),
    Bool(bool),
    List(Rc<Vec<Val<'a>>>),
    /// A map that a function made; it can be printed and no more.
    Map(Rc<Value>),
    /// What the labels of an object name; it has fields and no more.
    Parts(&'a BTreeMap<String, String>),
}

/// Whether a condition holds that is this value.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// Null or empty text: a rule that needs it does not apply.
pub(super) fn missing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

impl<'a> Val<'a> {
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Undefined => false,
            Self::Json(value) => is_true(value),
            Self::Bool(truth) => *truth,
            Self::Text(text) | Self::Safe(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(_) => true,
            Self::Parts(parts) => !parts.is_empty(),
        }
    }

    /// Nothing, null or empty text: a rule that needs it does not apply.
    pub(super) fn missing(&self) -> bool {
        match self {
            Self::Undefined => true,
            Self::Json(value) => missing(value),
            Self::Text(text) | Self::Safe(text) => text.is_empty(),
            _ => false,
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Json(Value::String(text)) => Some(text),
            Self::Text(text) | Self::Safe(text) => Some(text),
            _ => None,
        }
    }

    /// The same, for as long as the object lives.
    pub(super) fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Json(Value::String(text)) => Some(Cow::Borrowed(text)),
            Self::Text(text) | Self::Safe(text) => Some(text),
            _ => None,
        }
    }

    /// How long the list is, if it is one.
    pub(super) fn len(&self) -> Option<usize> {
        match self {
            Self::Json(Value::Array(list)) => Some(list.len()),
            Self::List(list) => Some(list.len()),
            _ => None,
        }
    }

    /// An element of a list; what is beyond its end is undefined.
    pub(super) fn at(&self, place: usize) -> Self {
        let found = match self {
            Self::Json(Value::Array(list)) => list.get(place).map(Self::Json),
            Self::List(list) => list.get(place).cloned(),
            _ => None,
        };
        found.unwrap_or(Self::Undefined)
    }

    /// The elements of a list.
    pub(super) fn elements(&self) -> Option<Vec<Self>> {
        match self {
            Self::Json(Value::Array(list)) => Some(list.iter().map(Val::Json).collect()),
            Self::List(list) => Some(list.to_vec()),
            _ => None,
        }
    }
}
