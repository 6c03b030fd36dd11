//! Speaking to back ends: HTTP with bounds, and the calls of each kind of server as typed values.
//! What a query means and how answers become objects is the matter of the domains.

pub mod alertmanager;
mod failure;
mod gate;
pub mod http;
pub mod jaeger;
pub mod kube;
pub mod loki;
mod otlp;
pub mod prometheus;
mod retry;
mod silence;
pub mod span;
pub mod tempo;
pub mod transport;

pub use gate::{CONCURRENCY, ranked};

/// Chooses the TLS implementation of this process; to be called once before the first connection.
pub fn install_tls() {
    // Fails only if a provider is installed already, which is as good.
    rustls::crypto::ring::default_provider().install_default().ok();
}
