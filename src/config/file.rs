//! The shape of the settings file. `assets/config.yaml` shows every setting with its default.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a settings file may say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// Where Prometheus is.
    pub prometheus: Address,
    /// Where Alertmanager is.
    pub alertmanager: Address,
    /// Where Loki is.
    pub loki: Address,
    /// The kubeconfig context.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// Files or folders with rules.
    pub rules: Vec<PathBuf>,
    /// Objects that one query may bring.
    pub limit: usize,
    /// How far neighbors go.
    pub depth: u32,
    /// How far goals go.
    pub reach: u32,
    /// Seconds that one call may take.
    pub request_timeout: u64,
    /// Seconds that a whole search may take.
    pub timeout: u64,
    /// Megabytes that one answer may have.
    pub max_answer: usize,
    /// Keys of the explorer in place of its own: action -> keys.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Whether the explorer takes the mouse from the beginning.
    pub mouse: bool,
}

/// Where a back end is and what to send along.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Address {
    /// Its URL.
    pub url: Option<String>,
    /// A bearer token.
    pub token: Option<String>,
    /// A file with a bearer token.
    pub token_file: Option<PathBuf>,
    /// A PEM file of the server's certificate authority.
    pub ca_file: Option<PathBuf>,
    /// Whether to skip verifying the server's certificate.
    pub insecure: bool,
    /// The tenant, `X-Scope-OrgID`.
    pub org_id: Option<String>,
    /// More headers.
    pub headers: BTreeMap<String, String>,
}

impl Default for File {
    fn default() -> Self {
        Self {
            prometheus: Address::default(),
            alertmanager: Address::default(),
            loki: Address::default(),
            context: None,
            namespace: None,
            rules: Vec::new(),
            limit: 1000,
            depth: 3,
            reach: 5,
            request_timeout: 10,
            timeout: 60,
            max_answer: 64,
            keys: BTreeMap::new(),
            mouse: false,
        }
    }
}
