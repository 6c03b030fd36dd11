//! The kinds of signal. One folder each, with the same files: `mod.rs` (what it is), `query.rs`
//! (its selector), `object.rs` (a body -> identity, times, preview), `store.rs` (queries ->
//! calls; the only file with effects). What they know of each other stands in `rules/`.

pub mod alert;
pub mod incident;
pub mod k8s;
pub mod log;
pub mod metric;
pub mod netflow;
pub mod trace;

use std::sync::Arc;

use crate::model::{Domains, Vocabulary};

/// All domains, one line each.
pub fn all(vocabulary: &Vocabulary) -> Domains {
    with_k8s(Arc::new(k8s::K8s::new()), vocabulary)
}

/// All domains, with the kinds that a cluster has.
pub fn with_k8s(k8s: Arc<k8s::K8s>, vocabulary: &Vocabulary) -> Domains {
    Domains::new(vec![
        k8s,
        Arc::new(alert::Alert),
        Arc::new(log::Log::new(vocabulary)),
        Arc::new(metric::Metric),
        Arc::new(trace::Trace),
        Arc::new(netflow::Netflow),
        Arc::new(incident::Incident),
    ])
}
