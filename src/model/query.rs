//! A query: text that selects objects of one class.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use thiserror::Error;

use super::{Class, Demand, Object};

/// The last part of a query, in the language of its domain.
pub trait Selector: Any + Send + Sync + fmt::Debug {
    /// The canonical text: equal selectors print equally, and the text parses to the same.
    fn text(&self) -> String;

    /// Whether an object of the query's class is selected, or `None` where only the store can
    /// tell. Time is not looked at: the window belongs to the search.
    fn matches(&self, object: &Object) -> Option<bool>;

    /// Where else to look for what is selected if no store has it: the command to run, say.
    fn elsewhere(&self) -> Option<String> {
        None
    }

    /// What every object has that it selects, or may select where only the store can tell.
    fn demands(&self) -> Vec<Demand> {
        Vec::new()
    }
}

/// Text that selects objects of one class, printed `domain:class:selector`.
///
/// Two queries are equal if their canonical texts are.
#[derive(Clone, Debug)]
pub struct Query {
    class: Class,
    text: Arc<str>,
    selector: Arc<dyn Selector>,
}

impl Query {
    /// A query of a class.
    pub fn new(class: Class, selector: impl Selector) -> Self {
        let text = selector.text();
        Self::spelled(class, &text, selector)
    }

    /// The same for a selector of which the canonical text is known.
    pub fn spelled(class: Class, text: &str, selector: impl Selector) -> Self {
        debug_assert_eq!(selector.text(), text, "this is the canonical text");
        let text = [class.domain(), ":", class.name(), ":", text].concat().into();
        Self { class, text, selector: Arc::new(selector) }
    }

    /// What it selects.
    pub fn class(&self) -> &Class {
        &self.class
    }

    /// The canonical text of the whole query.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The canonical text of the selector alone.
    pub fn selector_text(&self) -> &str {
        &self.text[self.class.domain().len() + self.class.name().len() + 2..]
    }

    /// The selector, if it is a `T`.
    pub fn selector<T: Selector>(&self) -> Option<&T> {
        let any: &dyn Any = self.selector.as_ref();
        any.downcast_ref()
    }

    /// Where else to look for what is selected if no store has it.
    pub fn elsewhere(&self) -> Option<String> {
        self.selector.elsewhere()
    }

    /// What every object has that the query selects, or may select where only the store can tell.
    pub fn demands(&self) -> Vec<Demand> {
        self.selector.demands()
    }

    /// Whether the query selects the object; `None` if only the store can tell.
    pub fn matches(&self, object: &Object) -> Option<bool> {
        if self.class == object.class { self.selector.matches(object) } else { Some(false) }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Query {}

impl Hash for Query {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for Query {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Query {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl Serialize for Query {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// What is wrong with a selector, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SelectorError {
    /// What is wrong, and what would be right.
    pub message: String,
    /// Byte offset into the selector, if it is known.
    pub offset: Option<usize>,
}

impl SelectorError {
    /// A fault without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), offset: None }
    }

    /// A fault at a byte offset of the selector.
    pub fn at(offset: usize, message: impl Into<String>) -> Self {
        Self { message: message.into(), offset: Some(offset) }
    }

    /// Reads a JSON selector, which may also be written as YAML flow: `{namespace: shop}`.
    /// A `T` with maps takes care itself that no key is there twice: [`super::UniqueMap`].
    pub fn parse_yaml<T: DeserializeOwned>(text: &str) -> Result<T, Self> {
        // JSON is read much faster, and YAML refuses some characters that its strings may hold.
        if let Ok(value) = serde_json::from_str(text) {
            return Ok(value);
        }
        // Objects of a whole cluster are many nodes; what aliases can blow up has limits of its own.
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_nodes: 20_000_000, max_events: 50_000_000 },
            strict_booleans: true,
            leading_zero_numbers_as_strings: true,
            underscored_numbers_as_strings: true,
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|fault| {
            let place = fault.location();
            let offset = place.and_then(|place| offset_of(text, place.line(), place.column()));
            let words = fault.without_snippet().to_string();
            let message = words.split(" at line ").next().unwrap_or(&words).to_owned();
            Self { message, offset }
        })
    }
}

fn offset_of(text: &str, line: u64, column: u64) -> Option<usize> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..)?;
    Some(start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at))
}
