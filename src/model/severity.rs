//! How bad something is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad an object is, from nothing to an error. Ordered: the worst is the greatest.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is known to be wrong.
    #[default]
    None,
    /// Worth a glance.
    Info,
    /// May become an error.
    Warning,
    /// Broken.
    Error,
}

impl Severity {
    /// The lower-case word used in JSON and in `rules/status.yaml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The three-letter tag used where space is short; `---` when nothing is known.
    pub fn tag(self) -> &'static str {
        match self {
            Self::None => "---",
            Self::Info => "INF",
            Self::Warning => "WRN",
            Self::Error => "ERR",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
