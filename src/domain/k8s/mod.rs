//! Kubernetes objects, of any kind that the cluster has.
//!
//! [`catalog`] knows the kinds, [`query`] the selector, [`object`] what an object's identity,
//! times and preview are. Everything here is pure but `store.rs`.

mod builtin;
mod catalog;
mod custom;
mod discovery;
mod index;
mod keep;
mod labels;
mod listing;
mod object;
mod plan;
mod pod;
mod preview;
mod query;
mod selects;
mod shelf;
mod store;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

pub use catalog::{Catalog, Kind};
pub use discovery::discover;
pub use labels::Labels;
pub use query::Selector;
pub use store::KubeStore;

use crate::model::{Class, Domain, Object, Query, SelectorError};

/// The domain `k8s`. Clones share what they have learned of the cluster.
#[derive(Clone, Debug)]
pub struct K8s {
    catalog: Arc<RwLock<Arc<Catalog>>>,
}

impl Default for K8s {
    fn default() -> Self {
        Self { catalog: Arc::new(RwLock::new(Arc::new(Catalog::builtin()))) }
    }
}

impl K8s {
    /// The name of the domain.
    pub const NAME: &str = "k8s";

    /// The domain with the kinds that every cluster has.
    pub fn new() -> Self {
        Self::default()
    }

    /// The kinds known now.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the kinds of a cluster; the built-in ones that it lacks stay behind them, so that
    /// rules which name those still load.
    pub fn learn(&self, catalog: Catalog) {
        let catalog = Arc::new(catalog.over(&Catalog::builtin()));
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
    }
}

impl Domain for K8s {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn about(&self) -> &'static str {
        include_str!("about.md")
    }

    fn classes(&self) -> Vec<Class> {
        let catalog = self.catalog();
        let names = catalog.kinds().map(|kind| kind.class_name(kind.version()));
        let mut classes: Vec<Class> = names.map(|name| Class::new(Self::NAME, &name)).collect();
        classes.sort();
        classes
    }

    fn class(&self, name: &str) -> Option<Class> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).class(name)
    }

    fn parse(&self, class: &Class, selector: &str) -> Result<Query, SelectorError> {
        let scoped = || self.catalog().is_cluster_scoped(class.name());
        if let Some(read) = Selector::canonical(selector)
            && (read.namespace.is_none() || !scoped())
        {
            return Ok(Query::spelled(class.clone(), selector, read));
        }
        let selector = Selector::parse(selector, scoped())?;
        Ok(Query::new(class.clone(), selector))
    }

    fn object(&self, class: &Class, body: Value) -> Object {
        object::object(class, body)
    }
}
