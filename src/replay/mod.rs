//! Recordings: what stores answered, in one file, and stores that answer from it.
//!
//! A [`Recording`] is objects of any class plus the answers that cannot be decided by
//! [`crate::model::Query::matches`]. [`stores`] makes one [`ReplayStore`] per domain of it.
//! [`demo()`] builds the recording behind `--demo` from the plain text in `assets/demo`.

mod demo;
mod lines;
mod pick;
mod recording;
mod shift;
mod store;
#[cfg(test)]
mod tests;

pub use demo::demo;
pub use recording::{Manifest, Outcome, Recording, ReplayError};
pub use store::{ReplayStore, stores};
