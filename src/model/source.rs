//! A back end and how it is doing.

use std::fmt;

use serde::Serialize;

use super::ErrorKind;

/// How a back end is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceState {
    /// It has not been asked yet.
    #[default]
    Idle,
    /// It answered the last call.
    Ok,
    /// The last call failed.
    Failed,
    /// It is not configured.
    Missing,
}

/// What is kept of the answers of a back end, to be used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// How many lists; 0 where they are not counted, as the following.
    pub lists: usize,
    /// How many single objects.
    pub objects: usize,
    /// How many bytes of memory, about.
    pub bytes: usize,
    /// How old the oldest answer is.
    pub oldest_seconds: u64,
}

impl Kept {
    /// Answers of which only the age of the oldest is known.
    pub fn aged(oldest_seconds: u64) -> Self {
        Self { oldest_seconds, ..Self::default() }
    }
}

impl fmt::Display for Kept {
    /// `12 lists, 3 objects, 3.4 MiB, oldest 4 min`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [(self.lists, "list"), (self.objects, "object")];
        for (count, word) in counts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{count} {word}{}, ", if count == 1 { "" } else { "s" })?;
        }
        let tenths = (self.bytes * 10).div_ceil(1 << 20);
        if tenths > 0 {
            write!(f, "{}.{} MiB, ", tenths / 10, tenths % 10)?;
        }
        f.write_str("oldest ")?;
        match self.oldest_seconds {
            seconds @ 0..120 => write!(f, "{seconds} s"),
            seconds => write!(f, "{} min", seconds / 60),
        }
    }
}

/// A configured or discovered back end, as `korrel8 sources` shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Source {
    /// A short name, unique among the sources: `kubernetes`, `prometheus`, `loki`.
    pub name: String,
    /// What it speaks: `kubernetes`, `prometheus`, `alertmanager`, `loki`, `pod-logs`, `replay`.
    pub kind: String,
    /// How it is reached: `direct`, `proxy`, `route`, `port-forward`, `file`.
    pub via: String,
    /// Where it is, without credentials.
    pub url: String,
    /// How it was found: `--loki-url`, `KORREL8_LOKI_URL`, `config`, `kubeconfig`.
    pub found: String,
    /// How it is doing.
    pub state: SourceState,
    /// Calls made so far.
    pub calls: u64,
    /// How many milliseconds the last call took.
    pub millis: Option<u64>,
    /// What is kept of earlier answers, if something is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    /// In which words it was found to name Pods and others, if that differs between servers: one
    /// entry for each way, as `labels of promtail or Alloy: namespace, pod`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vocabulary: Vec<String>,
    /// What went wrong at the last failed call, while `state` is failed or missing.
    pub error: Option<String>,
    /// What kind of failure that was.
    #[serde(skip)]
    pub failure: Option<ErrorKind>,
}
