//! A class: what kind of objects a query selects.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// The name of a kind of objects in a domain, printed `domain:name`.
///
/// Names are canonical: `k8s:Pod.v1`, `k8s:Deployment.v1.apps`, `alert:alert`,
/// `log:application`. Use [`crate::model::Domains::class`] to get one from what a user typed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Class(Arc<Parts>);

/// One allocation and one pointer, for there are as many as objects.
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Parts {
    domain: Box<str>,
    name: Box<str>,
}

impl Class {
    /// A class whose parts are known to be canonical.
    pub fn new(domain: &str, name: &str) -> Self {
        Self(Arc::new(Parts { domain: domain.into(), name: name.into() }))
    }

    /// The domain, as `k8s`.
    pub fn domain(&self) -> &str {
        &self.0.domain
    }

    /// The name inside of the domain, as `Pod.v1`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The class without its version, which stands for all versions: `k8s:Deployment.apps` for
    /// `k8s:Deployment.v1.apps`. A class that has no version is itself.
    #[must_use]
    pub fn unversioned(&self) -> Self {
        let (kind, group) = self.versionless();
        let whole = kind.len() + group.len() == self.0.name.len();
        if whole { self.clone() } else { Self::new(self.domain(), &[kind, group].concat()) }
    }

    /// Whether both are the same but for the version.
    pub fn is_version_of(&self, other: &Self) -> bool {
        let ((kind, group), (own_kind, own_group)) = (other.versionless(), self.versionless());
        self.0.domain == other.0.domain
            && kind.bytes().chain(group.bytes()).eq(own_kind.bytes().chain(own_group.bytes()))
    }

    /// What stands before and after the version in the name; the group has its dot.
    fn versionless(&self) -> (&str, &str) {
        let name = &*self.0.name;
        let Some((kind, rest)) = name.split_once('.') else { return (name, "") };
        let (version, group) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
        let digits = version.strip_prefix('v').unwrap_or_default();
        if digits.starts_with(|c: char| c.is_ascii_digit()) { (kind, group) } else { (name, "") }
    }

    /// The name up to its first dot: the kind of a Kubernetes class, else the whole name.
    pub fn kind(&self) -> &str {
        self.0.name.split('.').next().unwrap_or(&self.0.name)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.domain, self.0.name)
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_without_its_version() {
        for (name, expected) in [
            ("Pod.v1", "Pod"),
            ("Deployment.v1.apps", "Deployment.apps"),
            ("Ingress.v1beta1.networking.k8s.io", "Ingress.networking.k8s.io"),
            ("Volume.vendor.example", "Volume.vendor.example"),
            ("Deployment.apps", "Deployment.apps"),
            ("application", "application"),
        ] {
            let (class, other) = (Class::new("k8s", name), Class::new("k8s", expected));
            assert_eq!(class.unversioned(), other, "{name}");
            assert!(class.is_version_of(&other) && other.is_version_of(&class), "{name}");
            assert!(!class.is_version_of(&Class::new("k8s", "Deployment.v1")), "{name}");
        }
    }
}
