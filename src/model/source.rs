//! A back end and how it is doing.

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
    /// How many seconds ago the oldest answer was got that is still served without asking again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<u64>,
    /// What went wrong at the last failed call, while `state` is failed or missing.
    pub error: Option<String>,
    /// What kind of failure that was.
    #[serde(skip)]
    pub failure: Option<ErrorKind>,
}
