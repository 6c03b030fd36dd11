//! The settings: the shape of the file, with defaults for what it does not say. `assets/config.yaml`
//! shows every one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The settings of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where Prometheus is.
    pub prometheus: Address,
    /// Where Alertmanager is.
    pub alertmanager: Address,
    /// Where Loki is.
    pub loki: Address,
    /// Where Tempo is.
    pub tempo: Address,
    /// Where Jaeger is; asked for traces if there is no Tempo.
    pub jaeger: Address,
    /// The Loki that keeps network flows; if it is not said, the one above.
    pub netflow: Address,
    /// The kubeconfig context; `None` for the current one.
    pub context: Option<String>,
    /// The namespace to look at; `None` for the context's.
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
    /// Seconds that a whole search may take; 0 for no bound.
    pub timeout: u64,
    /// Megabytes that one answer may have.
    pub max_answer: usize,
    /// Megabytes of answers that are kept for later searches.
    pub max_kept: usize,
    /// Calls that one source may get at a time.
    pub concurrency: usize,
    /// Keys of the explorer in place of its own: action -> keys.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Whether the explorer takes the mouse from the beginning.
    pub mouse: bool,
}

/// Where a back end is and what to send along.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Address {
    /// What said where it is: `--loki-url`, `LOKI_ADDR`, `config`; empty if nothing did.
    #[serde(skip)]
    pub found: String,
    /// Its URL; `None` if it is not configured.
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
    /// The tenant in the path of an operator's gateway, of a `LokiStack` or a `TempoStack`.
    pub tenant: Option<String>,
    /// More headers.
    pub headers: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            prometheus: Address::default(),
            alertmanager: Address::default(),
            loki: Address::default(),
            tempo: Address::default(),
            jaeger: Address::default(),
            netflow: Address::default(),
            context: None,
            namespace: None,
            rules: Vec::new(),
            limit: 1000,
            depth: 3,
            reach: 5,
            request_timeout: 10,
            timeout: 60,
            max_answer: 64,
            max_kept: 256,
            concurrency: 16,
            keys: BTreeMap::new(),
            mouse: false,
        }
    }
}

impl Address {
    /// Lets a flag or an environment variable win over the file; an empty one says nothing.
    pub fn set_url(&mut self, url: Option<String>, found: &str) {
        if let Some(url) = url.filter(|url| !url.trim().is_empty()) {
            self.url = Some(url);
            found.clone_into(&mut self.found);
        }
    }
}

impl Settings {
    /// All back ends by their names.
    pub fn backends(&mut self) -> [(&'static str, &mut Address); 6] {
        [
            ("prometheus", &mut self.prometheus),
            ("alertmanager", &mut self.alertmanager),
            ("loki", &mut self.loki),
            ("tempo", &mut self.tempo),
            ("jaeger", &mut self.jaeger),
            ("netflow", &mut self.netflow),
        ]
    }

    /// Notes what came from the file, and keeps numbers within sense.
    pub(super) fn settled(mut self) -> Self {
        for (_, address) in self.backends() {
            if address.url.is_some() {
                "config".clone_into(&mut address.found);
            }
        }
        self.limit = self.limit.max(1);
        self.request_timeout = self.request_timeout.max(1);
        self.max_answer = self.max_answer.max(1);
        self.concurrency = self.concurrency.max(1);
        self
    }
}
