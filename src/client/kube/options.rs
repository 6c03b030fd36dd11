//! Which cluster, who asks, and within which bounds.

use std::path::PathBuf;
use std::time::Duration;

/// What the command line says about the API server; the rest is read from the kubeconfig.
#[derive(Clone, Debug, Default)]
pub struct KubeOptions {
    /// The one kubeconfig to read, in place of `KUBECONFIG` and `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The context in place of the current one.
    pub context: Option<String>,
    /// The cluster in place of the context's.
    pub cluster: Option<String>,
    /// The user in place of the context's.
    pub user: Option<String>,
    /// The user to act as.
    pub impersonate: Option<String>,
    /// The groups to act as.
    pub impersonate_groups: Vec<String>,
    /// A bearer token in place of the user's login.
    pub token: Option<String>,
    /// Do not check the server's certificate.
    pub insecure_skip_tls_verify: bool,
    /// How long a call may take, retries included; waiting for a turn is not counted.
    pub timeout: Option<Duration>,
    /// How many bytes an answer may have.
    pub byte_cap: Option<usize>,
    /// How many calls may be in flight.
    pub concurrency: Option<usize>,
    /// The terminal is ours: a login plugin must not read from it or write to it.
    pub quiet_plugins: bool,
}

impl KubeOptions {
    /// How long a call may take if nothing else is said.
    pub const TIMEOUT: Duration = Duration::from_secs(10);
    /// How many bytes an answer may have if nothing else is said.
    pub const BYTE_CAP: usize = 64 << 20;
}
