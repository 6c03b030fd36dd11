//! Who is tied to whom. Pure.
//!
//! The tree of rule paths is what a search finds; the graph of rules says what could lead where
//! and at what cost; the class graph is the tree folded for `-o json`, `dot` and `mermaid`.
//! The tree of a trace's spans is a matter of its own.

mod export;
mod rules;
mod shared;
mod spans;
mod tree;

pub use export::{ClassEdge, ClassGraph, ClassNode, ClassPath, ObjectEntry, QueryEntry, rfc3339};
pub use rules::{Costs, Place, RuleGraph};
pub use shared::{Links, Shared};
pub use spans::{Odd, SpanNode, SpanTree, Traces};
pub use tree::{End, Link, Member, Node, Run, RunState, Tree};
pub(crate) use tree::{Gist, Weight};
