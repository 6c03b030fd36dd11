//! The kinds of a cluster: group, versions, resource name and scope of each.
//!
//! [`Catalog::builtin`] holds the usual kinds, so that queries parse without a cluster; discovery
//! makes another one from what the server says, and [`Catalog::over`] puts it on top.

use std::collections::HashMap;

use super::K8s;
use super::builtin::BUILTIN;
use super::custom::CUSTOM;
use crate::model::Class;

/// A kind of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The API group; empty for core.
    pub group: String,
    /// The kind, as `Pod`.
    pub kind: String,
    /// The resource name in URLs, as `pods`.
    pub plural: String,
    /// The name of one, as `pod`.
    pub singular: String,
    /// Short names, as `po`.
    pub short: Vec<String>,
    /// Whether objects live in a namespace; `None` if that is not known.
    pub namespaced: Option<bool>,
    /// Versions, the preferred one first; at least one.
    pub versions: Vec<String>,
    /// The server said that it has this kind.
    pub served: bool,
}

impl Kind {
    /// The class name of one version: `Pod.v1`, `Deployment.v1.apps`.
    pub fn class_name(&self, version: &str) -> String {
        if self.group.is_empty() {
            format!("{}.{version}", self.kind)
        } else {
            format!("{}.{version}.{}", self.kind, self.group)
        }
    }

    /// The preferred version.
    pub fn version(&self) -> &str {
        self.versions.first().map_or("v1", String::as_str)
    }

    /// What a kind is that nobody has described: the resource name is guessed from the kind.
    fn guess(kind: &str, version: &str, group: &str) -> Self {
        let singular = kind.to_lowercase();
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            plural: plural(&singular),
            singular,
            short: Vec::new(),
            namespaced: None,
            versions: vec![version.to_owned()],
            served: false,
        }
    }
}

/// The usual English plural, as Kubernetes makes it.
fn plural(singular: &str) -> String {
    let ends = |end: &str| singular.ends_with(end);
    if ends("s") || ends("x") || ends("ch") || ends("sh") {
        format!("{singular}es")
    } else if let Some(stem) =
        singular.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']))
    {
        format!("{stem}ies")
    } else {
        format!("{singular}s")
    }
}

/// What a usual name stands for.
#[derive(Clone, Debug)]
struct Usual {
    class: Class,
    namespaced: Option<bool>,
}

/// The kinds of a cluster, findable by any of their names.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    kinds: Vec<Kind>,
    /// Lower-case kind, plural, singular or short name -> places in `kinds`, the best first.
    names: HashMap<String, Vec<usize>>,
    /// Names as rules and canonical classes have them, so that most need no search.
    usual: HashMap<String, Usual>,
    /// It is all that a server has, so a kind that is not `served` is not there.
    learned: bool,
}

impl Catalog {
    /// A catalog of kinds; where one name means several, the earlier kind wins, core before all.
    pub fn new(mut kinds: Vec<Kind>) -> Self {
        kinds.sort_by_key(|kind| !kind.group.is_empty());
        let learned = kinds.iter().any(|kind| kind.served);
        let mut names: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, kind) in kinds.iter().enumerate() {
            let lower = kind.kind.to_lowercase();
            let all = [&lower, &kind.plural, &kind.singular].into_iter().chain(&kind.short);
            for name in all.filter(|name| !name.is_empty()) {
                let places = names.entry(name.to_lowercase()).or_default();
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        let mut catalog = Self { kinds, names, usual: HashMap::new(), learned };
        catalog.usual = catalog.usual();
        catalog
    }

    /// `Pod`, `Deployment.apps` and `Deployment.v1.apps` of each kind, as [`Catalog::resolve`]
    /// understands them.
    fn usual(&self) -> HashMap<String, Usual> {
        let names = self.kinds.iter().flat_map(|kind| {
            let full = kind.versions.iter().map(|version| kind.class_name(version));
            full.chain([kind.kind.clone(), format!("{}.{}", kind.kind, kind.group)])
        });
        let known = names.filter_map(|name| {
            let class = Class::new(K8s::NAME, &self.resolve(&name)?);
            let (kind, _) = self.kind(class.name());
            Some((name, Usual { class, namespaced: kind.namespaced }))
        });
        known.collect()
    }

    /// The class of a name; see [`Catalog::resolve`].
    pub fn class(&self, name: &str) -> Option<Class> {
        if let Some(usual) = self.usual.get(name) {
            return Some(usual.class.clone());
        }
        Some(Class::new(K8s::NAME, &self.resolve(name)?))
    }

    /// Whether objects of a canonical class name are known to live in no namespace.
    pub fn is_cluster_scoped(&self, class_name: &str) -> bool {
        let usual = self.usual.get(class_name).filter(|usual| usual.class.name() == class_name);
        let namespaced =
            usual.map_or_else(|| self.kind(class_name).0.namespaced, |usual| usual.namespaced);
        namespaced == Some(false)
    }

    /// A catalog of the kinds that a server told while it kept others back: kinds that are put
    /// behind them may be there too, so they are listed.
    pub fn partial(kinds: Vec<Kind>) -> Self {
        Self { learned: false, ..Self::new(kinds) }
    }

    /// The usual kinds of Kubernetes, and those of well-known extensions.
    pub fn builtin() -> Self {
        let kinds = BUILTIN.iter().chain(CUSTOM).map(
            |&(group, versions, kind, plural, short, namespaced)| Kind {
                group: group.to_owned(),
                kind: kind.to_owned(),
                plural: plural.to_owned(),
                singular: kind.to_lowercase(),
                short: short.split_whitespace().map(str::to_owned).collect(),
                namespaced: Some(namespaced),
                versions: versions.split_whitespace().map(str::to_owned).collect(),
                served: false,
            },
        );
        Self::new(kinds.collect())
    }

    /// This catalog and, behind it, those kinds of another one that are missing here: their names
    /// still resolve, but they are not listed, unless this catalog is partial.
    #[must_use]
    pub fn over(self, other: &Self) -> Self {
        let mut kinds = self.kinds;
        for kind in &other.kinds {
            if !kinds.iter().any(|had| had.kind == kind.kind && had.group == kind.group) {
                kinds.push(Kind { served: false, ..kind.clone() });
            }
        }
        if self.learned { Self::new(kinds) } else { Self::partial(kinds) }
    }

    /// The kinds that there are: those that the server named, or all if no server told all of its.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter().filter(|kind| kind.served || !self.learned)
    }

    /// Whether a server told all of its kinds, and this one is none of them.
    pub fn lacks(&self, kind: &Kind) -> bool {
        self.learned && !kind.served
    }

    /// Whether a server told all of its kinds.
    pub fn learned(&self) -> bool {
        self.learned
    }

    /// The canonical class name of `KIND[.VERSION][.GROUP]`, where the kind may be any of its
    /// names in any case; `None` if there is no such kind. A kind that is written in full is
    /// taken as it stands.
    pub fn resolve(&self, name: &str) -> Option<String> {
        let (word, version, group) = split(name)?;
        let places = self.names.get(&word.to_lowercase()).map_or(&[][..], Vec::as_slice);
        let mut kinds = places.iter().map(|&place| &self.kinds[place]);
        let found = kinds.find(|kind| {
            group.is_none_or(|group| group.eq_ignore_ascii_case(&kind.group))
                && (group.is_some() || version.is_none_or(|version| kind.has(version)))
        });
        match (found, version, group) {
            (Some(kind), version, _) => {
                Some(kind.class_name(version.unwrap_or_else(|| kind.version())))
            }
            (None, Some(version), Some(group)) if !group.is_empty() => {
                Some(format!("{word}.{version}.{group}"))
            }
            _ => None,
        }
    }

    /// The kind of a canonical class name, guessed if it is not known, and the version.
    pub fn kind(&self, class_name: &str) -> (Kind, String) {
        let (kind, version, group) = parts(class_name);
        let places = self.names.get(&kind.to_lowercase()).map_or(&[][..], Vec::as_slice);
        let known = places.iter().map(|&place| &self.kinds[place]);
        let known = { known }.find(|known| known.group == group && known.kind == kind);
        let kind = known.cloned().unwrap_or_else(|| Kind::guess(kind, version, group));
        (kind, version.to_owned())
    }
}

impl Kind {
    fn has(&self, version: &str) -> bool {
        self.versions.iter().any(|had| had == version)
    }
}

/// Kind, version and group of a canonical class name.
pub(super) fn parts(class_name: &str) -> (&str, &str, &str) {
    let mut words = class_name.splitn(3, '.');
    let mut next = || words.next().unwrap_or_default();
    (next(), next(), next())
}

/// `KIND[.VERSION][.GROUP]` -> kind, version, group; a group that is there and empty is core.
fn split(name: &str) -> Option<(&str, Option<&str>, Option<&str>)> {
    let (kind, rest) = match name.split_once('.') {
        Some((kind, rest)) => (kind, Some(rest)),
        None => (name, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if kind.is_empty() || !name.chars().all(plain) {
        return None;
    }
    let Some(rest) = rest else { return Some((kind, None, None)) };
    let (first, group) = match rest.split_once('.') {
        Some((first, group)) => (first, Some(group)),
        None => (rest, None),
    };
    Some(if is_version(first) { (kind, Some(first), group) } else { (kind, None, Some(rest)) })
}

/// Whether a word is a version: `v1`, `v2beta1`.
fn is_version(word: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(rest) = word.strip_prefix('v') else { return false };
    let major = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (major, stage) = rest.split_at(major);
    let stage = stage.strip_prefix("alpha").or(stage.strip_prefix("beta")).unwrap_or(stage);
    !major.is_empty() && digits(stage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_any_name() {
        let catalog = Catalog::builtin();
        for (name, class) in [
            ("Pod", "Pod.v1"),
            ("pods", "Pod.v1"),
            ("PO", "Pod.v1"),
            ("Pod.v1", "Pod.v1"),
            ("Deployment", "Deployment.v1.apps"),
            ("Deployment.apps", "Deployment.v1.apps"),
            ("deploy", "Deployment.v1.apps"),
            ("deployments.apps", "Deployment.v1.apps"),
            ("Deployment.v1", "Deployment.v1.apps"),
            ("Deployment.v1beta1.apps", "Deployment.v1beta1.apps"),
            ("Event", "Event.v1"),
            ("ev", "Event.v1"),
            ("Event.v1", "Event.v1"),
            ("Event.events.k8s.io", "Event.v1.events.k8s.io"),
            ("Event.v1.events.k8s.io", "Event.v1.events.k8s.io"),
            ("hpa", "HorizontalPodAutoscaler.v2.autoscaling"),
            ("HorizontalPodAutoscaler.v1.autoscaling", "HorizontalPodAutoscaler.v1.autoscaling"),
            ("no", "Node.v1"),
            ("ing", "Ingress.v1.networking.k8s.io"),
            ("VirtualMachine.v2.kubevirt.io", "VirtualMachine.v2.kubevirt.io"),
            ("httproute", "HTTPRoute.v1.gateway.networking.k8s.io"),
            ("Machine.machine.openshift.io", "Machine.v1beta1.machine.openshift.io"),
            ("Database.v1.example.com", "Database.v1.example.com"),
        ] {
            assert_eq!(catalog.resolve(name).as_deref(), Some(class), "{name}");
        }
        for short in
            "po deploy sts ds rs svc pvc pv cm ns no ing hpa pdb cj job ev sa sc crd".split(' ')
        {
            assert!(catalog.resolve(short).is_some(), "{short}");
        }
        for name in ["Pood", "", ".v1", "Pod.v9", "Database", "Database.example.com", "a b"] {
            assert_eq!(catalog.resolve(name), None, "{name}");
        }
    }

    #[test]
    fn unknown_kinds_get_a_likely_resource_name() {
        let catalog = Catalog::builtin();
        for (class, expected) in [
            ("VirtualMachine.v1.kubevirt.io", "virtualmachines"),
            ("NetworkPolicy.v3.example.org", "networkpolicies"),
            ("Gateway.v1.example.org", "gateways"),
            ("Ingress.v1.example.org", "ingresses"),
            ("Endpoints.v1", "endpoints"),
        ] {
            assert_eq!(catalog.kind(class).0.plural, expected, "{class}");
        }
    }

    #[test]
    fn what_a_server_says_comes_first() {
        let mut database = Kind::guess("Database", "v1", "example.com");
        database.namespaced = Some(true);
        database.served = true;
        let catalog = Catalog::new(vec![database]).over(&Catalog::builtin());
        assert_eq!(catalog.kinds().count(), 1);
        assert_eq!(catalog.resolve("db"), None);
        assert_eq!(catalog.resolve("database").as_deref(), Some("Database.v1.example.com"));
        assert_eq!(catalog.resolve("Pod").as_deref(), Some("Pod.v1"), "rules still load");
        let lacks = |class| catalog.lacks(&catalog.kind(class).0);
        assert!(!lacks("Database.v1.example.com"));
        assert!(lacks("HTTPRoute.v1.gateway.networking.k8s.io"));
        let none = Catalog::builtin();
        assert!(!none.lacks(&none.kind("HTTPRoute.v1.gateway.networking.k8s.io").0));
    }
}
