//! Correlation of Kubernetes signals: from a start signal along rules to what belongs to it.

pub mod client;
pub mod config;
pub mod domain;
pub mod engine;
pub mod graph;
pub mod model;
pub mod replay;
pub mod rule;
pub mod tui;
