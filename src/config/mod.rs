//! Choices: defaults < file < environment < flags, resolved to [`Settings`].

mod file;
mod load;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use file::{Address, File};
pub use load::{ConfigError, folder, read, rule_files};

/// The settings of a run.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where Prometheus is.
    pub prometheus: Backend,
    /// Where Alertmanager is.
    pub alertmanager: Backend,
    /// Where Loki is.
    pub loki: Backend,
    /// The kubeconfig context.
    pub context: Option<String>,
    /// The namespace to look at; `None` for the kubeconfig's.
    pub namespace: Option<String>,
    /// Files and folders with rules of the user.
    pub rules: Vec<PathBuf>,
    /// Objects that one query may bring.
    pub limit: usize,
    /// How far neighbors go.
    pub depth: u32,
    /// How far goals go.
    pub reach: u32,
    /// Seconds that one call may take.
    pub request_timeout: u64,
    /// Seconds that a whole search may take; 0 for no bound.
    pub timeout: u64,
    /// Megabytes that one answer may have.
    pub max_answer: usize,
    /// Keys of the explorer in place of its own: action -> keys.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Whether the explorer takes the mouse from the beginning.
    pub mouse: bool,
}

/// A back end: where it is, how that was found, and what to send along.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backend {
    /// Its URL; `None` if it is not configured.
    pub url: Option<String>,
    /// What said so: `--loki-url`, `LOKI_ADDR`, `config`.
    pub found: String,
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

impl Backend {
    /// What a file says.
    pub fn from_file(address: Address) -> Self {
        Self {
            found: if address.url.is_some() { "config".to_owned() } else { String::new() },
            url: address.url,
            token: address.token,
            token_file: address.token_file,
            ca_file: address.ca_file,
            insecure: address.insecure,
            org_id: address.org_id,
            headers: address.headers,
        }
    }

    /// Lets a flag or an environment variable win.
    pub fn set_url(&mut self, url: Option<String>, found: &str) {
        if let Some(url) = url {
            self.url = Some(url);
            found.clone_into(&mut self.found);
        }
    }
}

impl Settings {
    /// What a file says, with defaults for the rest.
    pub fn from_file(file: File) -> Self {
        Self {
            prometheus: Backend::from_file(file.prometheus),
            alertmanager: Backend::from_file(file.alertmanager),
            loki: Backend::from_file(file.loki),
            context: file.context,
            namespace: file.namespace,
            rules: file.rules,
            limit: file.limit.max(1),
            depth: file.depth,
            reach: file.reach,
            request_timeout: file.request_timeout.max(1),
            timeout: file.timeout,
            max_answer: file.max_answer.max(1),
            keys: file.keys,
            mouse: file.mouse,
        }
    }
}
