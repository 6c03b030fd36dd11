//! The words of korrel8, as plain values. Imports nothing of ours.
//!
//! A [`Domain`] is a kind of signal. Its [`Class`]es name objects of one shape. A [`Query`]
//! selects [`Object`]s of one class, a [`Store`] answers queries within a [`Scope`], and a
//! [`Source`] tells how the back end behind a store is doing.

mod alternatives;
mod body;
#[cfg(test)]
mod cases;
mod class;
mod compact;
mod domain;
mod labels;
mod logql;
mod lookup;
mod matcher;
mod object;
mod path;
mod query;
mod rank;
mod redact;
mod severity;
mod slice;
mod source;
mod store;
mod text;
mod trace_id;
mod unique;
mod vocabulary;
mod window;

pub use alternatives::Alternatives;
pub use body::{Body, Fields};
#[cfg(test)]
pub(crate) use cases::cases;
pub use class::Class;
pub use compact::Compact;
pub use domain::{Domain, Domains, ParseError};
pub use labels::{fingerprint, is_matchers, parse_matchers, parse_string, stable_hash};
pub use logql::LogQl;
pub use lookup::{Demand, Lookup};
pub use matcher::{MatchOp, Matcher, anchored, escape_re2, floating, quote};
pub use object::{Judge, Object};
pub use path::{Path, PathError};
pub use query::{Query, Selector, SelectorError};
pub use rank::{Rank, Ranked};
pub use redact::redact_secret;
pub use severity::Severity;
pub use slice::Text;
pub use source::{Kept, Source, SourceState};
pub use store::{Answer, Cut, ErrorKind, Found, Scope, Store, StoreError};
pub use text::{clean, fit, fit_name, is_active, similar, spent};
pub use trace_id::{find_trace_id, names_trace, span_id, trace_id, trace_id_of, trace_id_of_field};
pub use unique::UniqueMap;
pub use vocabulary::Vocabulary;
pub use window::Window;
