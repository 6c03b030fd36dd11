//! Small pieces of a screen that know nothing of korrel8.
#![deny(clippy::disallowed_methods, reason = "pure room")]

pub(crate) mod cursor;
pub(crate) mod find;
pub(crate) mod line;
pub(crate) mod popup;
pub(crate) mod prompt;
pub(crate) mod spark;
