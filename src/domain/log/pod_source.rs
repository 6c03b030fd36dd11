//! Where the Pods of a selector come from: the store of Kubernetes objects, which merges requests
//! and keeps lists. It is known here as a [`Store`] and a [`Domain`], and no more than that.

use std::sync::Arc;

use futures::stream::BoxStream;
use serde_json::json;

use super::PodLogs;
use crate::model::{Answer, Class, Domain, ErrorKind, Query, Ranked, Scope, Store, StoreError};

/// The most Pods of one selector; in fact the store's bound on pages comes first.
const PODS: usize = 100_000;

/// A store that is asked for Pods.
#[derive(Clone)]
pub struct PodSource {
    store: Arc<dyn Store>,
    domain: Arc<dyn Domain>,
}

impl PodSource {
    /// A store of Kubernetes objects, and the domain in whose language it is asked.
    pub fn new(store: Arc<dyn Store>, domain: Arc<dyn Domain>) -> Self {
        Self { store, domain }
    }

    /// The query for the Pods that a selector of logs means.
    pub(super) fn query(&self, wanted: &PodLogs) -> Result<Query, StoreError> {
        let bad = |words: String| StoreError::new(ErrorKind::BadQuery, super::pods::NAME, words);
        let class: Class =
            self.domain.class("Pod").ok_or_else(|| bad("there are no Pods".into()))?;
        let mut selector = json!({});
        for (key, value) in [("namespace", &wanted.namespace), ("name", &wanted.name)] {
            if let Some(value) = value {
                selector[key] = value.as_str().into();
            }
        }
        if !wanted.labels.is_empty() {
            selector["labels"] = json!(wanted.labels);
        }
        let parsed = self.domain.parse(&class, &selector.to_string());
        parsed.map_err(|fault| bad(format!("these can be no Pods: {fault}")))
    }

    /// The answers to such queries.
    pub(super) fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        self.store.fetch(batch, Scope { focus: None, limit: PODS, ..scope })
    }
}

impl std::fmt::Debug for PodSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PodSource").finish_non_exhaustive()
    }
}
