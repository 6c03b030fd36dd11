//! Who is tied to whom. Pure.
//!
//! The tree of rule paths is what a search finds; the graph of rules says what could lead where
//! and at what cost; the class graph is the tree folded for `-o json`, `dot` and `mermaid`.

mod export;
mod rules;
mod shared;
mod tree;

pub use export::{ClassEdge, ClassGraph, ClassNode, ClassPath, ObjectEntry, QueryEntry, rfc3339};
pub use rules::{Costs, Place, RuleGraph};
pub use shared::{Links, Shared};
pub use tree::{End, Link, Member, Node, Run, RunState, Tree};
pub(crate) use tree::{Gist, Weight};
