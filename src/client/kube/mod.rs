//! The client of the API server. It can do nothing but GET.
//!
//! [`KubeOptions`] says which cluster and who asks, [`Kube::connect`] reads the kubeconfig, and
//! [`Kube::get`] is the one way to the server: bounded in time, bytes and calls in flight.

mod call;
mod config;
mod failure;
mod options;
mod proxy;
mod url;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Client;

pub use call::{JSON, Reply, TEXT};
pub use failure::Refusal;
pub use options::KubeOptions;
pub use url::Url;

use super::gate::{CONCURRENCY, Gate};
use crate::model::{ErrorKind, Source, SourceState, StoreError};

/// The name of the source.
pub const NAME: &str = "kubernetes";

/// A connection to an API server. Clones share it and its statistics.
#[derive(Clone)]
pub struct Kube {
    inner: Arc<Inner>,
    name: &'static str,
    stats: Arc<Mutex<Stats>>,
}

struct Inner {
    client: Client,
    url: String,
    found: String,
    namespace: Option<String>,
    context: Option<String>,
    timeout: Duration,
    cap: usize,
    gate: Gate,
}

#[derive(Clone, Default)]
struct Stats {
    calls: u64,
    millis: Option<u64>,
    error: Option<String>,
    failure: Option<ErrorKind>,
    state: SourceState,
    lacking: Option<StoreError>,
}

impl Kube {
    /// Reads the configuration and makes a client; asks the server nothing yet. Runs the login
    /// plugin of the kubeconfig, if it has one, so call it before the terminal is taken over.
    pub async fn connect(options: &KubeOptions) -> Result<Self, StoreError> {
        let ready = config::read(options).await?;
        let config = ready.config.clone();
        let built = tokio::task::spawn_blocking(move || Client::try_from(config)).await;
        let client = built
            .map_err(|fault| StoreError::new(ErrorKind::Missing, NAME, fault.to_string()))?
            .map_err(|fault| failure::unsent("login", &fault))?;
        let inner = Arc::new(Inner {
            client,
            url: ready.config.cluster_url.to_string().trim_end_matches('/').to_owned(),
            found: ready.found,
            namespace: ready.namespace,
            context: ready.context,
            timeout: options.timeout.unwrap_or(KubeOptions::TIMEOUT),
            cap: options.byte_cap.unwrap_or(KubeOptions::BYTE_CAP),
            gate: Gate::new(options.concurrency.unwrap_or(CONCURRENCY)),
        });
        Ok(Self { inner, name: NAME, stats: Arc::default() })
    }

    /// The same connection as a source with a name and statistics of its own.
    #[must_use]
    pub fn named(&self, name: &'static str) -> Self {
        Self { inner: Arc::clone(&self.inner), name, stats: Arc::default() }
    }

    /// The namespace that the context names, or that of the Pod this runs in.
    pub fn namespace(&self) -> Option<&str> {
        self.inner.namespace.as_deref()
    }

    /// The name of the context in use, if a kubeconfig was read.
    pub fn context(&self) -> Option<&str> {
        self.inner.context.as_deref()
    }

    /// The server, and how it is doing.
    pub fn source(&self) -> Source {
        let mut stats = self.stats(|stats| stats.clone());
        if let Some(fault) = stats.lacking.filter(|_| stats.state != SourceState::Failed) {
            stats.state = SourceState::Failed;
            stats.error = Some(fault.advice());
            stats.failure = Some(fault.kind);
        }
        Source {
            name: self.name.to_owned(),
            kind: self.name.to_owned(),
            via: "direct".to_owned(),
            url: self.inner.url.clone(),
            found: self.inner.found.clone(),
            state: stats.state,
            calls: stats.calls,
            millis: stats.millis,
            error: stats.error,
            failure: stats.failure,
            ..Source::default()
        }
    }

    /// Notes that the server does not tell what has to be known of it, or that it does again. As
    /// long as it does not, it is a failed source, whatever else it answers.
    pub fn lacks(&self, fault: Option<StoreError>) {
        self.stats(|stats| stats.lacking = fault);
    }

    fn stats<T>(&self, look: impl FnOnce(&mut Stats) -> T) -> T {
        look(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes how a call went. A refusal of one request is no failure of the server.
    fn note(&self, millis: u64, fault: Option<&StoreError>) {
        let fault = fault.filter(|fault| {
            !matches!(fault.kind, ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::BadQuery)
        });
        self.stats(|stats| {
            stats.calls += 1;
            stats.millis = Some(millis);
            stats.state = if fault.is_some() { SourceState::Failed } else { SourceState::Ok };
            stats.error = fault.map(StoreError::advice);
            stats.failure = fault.map(|fault| fault.kind);
        });
    }
}

impl std::fmt::Debug for Kube {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kube").field(&self.inner.url).finish()
    }
}
