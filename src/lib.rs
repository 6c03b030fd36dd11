//! Correlation of Kubernetes signals: from a start signal along rules to what belongs to it.
//!
//! The rooms, in reading order: [`model`] has the words, [`domain`] the kinds of signal, [`rule`]
//! what follows from what, [`graph`] the tree of what is tied to what, [`engine`] the asking,
//! [`client`] the wires to back ends, [`replay`] recordings, [`config`] the settings.

pub mod cli;
pub mod client;
pub mod config;
pub mod domain;
pub mod engine;
pub mod graph;
pub mod model;
pub mod replay;
pub mod rule;
pub mod tui;
