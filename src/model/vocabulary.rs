//! Which label carries what: one canonical term, many names.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::SelectorError;

/// For each kind of carrier (`alert`, `metric`, `log`, `trace`) and each canonical term (`pod`,
/// `namespace`, …) the label names that carry it, the most trusted first; and which namespaces'
/// logs are infrastructure.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabulary {
    /// term -> carrier -> label names.
    #[serde(default)]
    terms: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    /// log class -> namespace patterns, in which `*` at the end stands for anything.
    #[serde(default)]
    log_classes: BTreeMap<String, Vec<String>>,
    /// name of a label or field for namespaces -> the collector that writes it.
    #[serde(default)]
    collectors: BTreeMap<String, String>,
}

/// Characters that most servers replace by `_` in the names of labels.
const ILLEGAL: [char; 3] = ['.', '-', '/'];

impl Vocabulary {
    /// What `rules/vocabulary.yaml` says.
    #[allow(clippy::expect_used, reason = "the embedded file is parsed by a test")]
    pub fn builtin() -> Self {
        Self::parse(include_str!("../../rules/vocabulary.yaml"))
            .expect("the embedded vocabulary parses")
    }

    /// A vocabulary from YAML.
    pub fn parse(yaml: &str) -> Result<Self, SelectorError> {
        SelectorError::parse_yaml(yaml)
    }

    /// Takes over what another vocabulary says of the terms and classes that it names.
    pub fn extend(&mut self, other: Self) {
        for (term, carriers) in other.terms {
            self.terms.entry(term).or_default().extend(carriers);
        }
        self.log_classes.extend(other.log_classes);
        self.collectors.extend(other.collectors);
    }

    /// The collector of logs that writes a label or a field of a JSON line, if only one does.
    pub fn collector(&self, name: &str) -> Option<&str> {
        self.collectors.get(name).map(String::as_str)
    }

    /// The canonical terms, sorted.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.terms.keys().map(String::as_str)
    }

    /// The label names that carry a term, the most trusted first; empty for an unknown term.
    pub fn names(&self, carrier: &str, term: &str) -> &[String] {
        self.terms.get(term).and_then(|carriers| carriers.get(carrier)).map_or(&[], Vec::as_slice)
    }

    /// The value of a term in a map of labels, read through the most trusted name that is there
    /// and not empty.
    pub fn read<'l>(
        &self,
        carrier: &str,
        term: &str,
        labels: &'l Map<String, Value>,
    ) -> Option<&'l str> {
        let text = |value: &'l Value| value.as_str().filter(|value| !value.is_empty());
        let mut names = self.names(carrier, term).iter();
        names.find_map(|name| labels.get(name).and_then(text)).or_else(|| {
            // Names with dots, as OpenTelemetry has them, where nobody replaced the dots.
            let mangled = labels.keys().any(|key| key.contains(ILLEGAL));
            let same = |name: &str, key: &str| key.replace(ILLEGAL, "_") == name;
            let alike = |name| labels.iter().find(|(key, _)| same(name, key));
            let mut names = self.names(carrier, term).iter().filter(|_| mangled);
            names.find_map(|name| alike(name).and_then(|(_, value)| text(value)))
        })
    }

    /// A regular expression (RE2) of the namespaces of a log class, and whether they match it;
    /// `application` is what no other class is. `None` for a class that nothing is said of.
    pub fn namespaces_of(&self, class: &str) -> Option<(bool, String)> {
        let regex = |patterns: &[&String]| {
            let one = |pattern: &&String| match pattern.strip_suffix('*') {
                Some(start) => format!("{}.*", super::escape_re2(start)),
                None => super::escape_re2(pattern),
            };
            patterns.iter().map(one).collect::<Vec<_>>().join("|")
        };
        if let Some(own) = self.log_classes.get(class).filter(|own| !own.is_empty()) {
            return Some((true, regex(&own.iter().collect::<Vec<_>>())));
        }
        let others: Vec<&String> = self.log_classes.values().flatten().collect();
        (class == "application" && !others.is_empty()).then(|| (false, regex(&others)))
    }

    /// The name of the log class of a namespace's Pods: `application` unless a pattern says else.
    pub fn log_class(&self, namespace: &str) -> &str {
        let listed = |patterns: &Vec<String>| {
            patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => namespace.starts_with(start),
                None => namespace == pattern,
            })
        };
        let class = self.log_classes.iter().find(|(_, patterns)| listed(patterns));
        class.map_or("application", |(class, _)| class)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_most_trusted_name_wins() {
        let labels = json!({"pod": "exporter", "exported_pod": "db-0", "namespace": ""});
        let labels = labels.as_object().expect("a map");
        let words = Vocabulary::builtin();
        assert_eq!(words.read("alert", "pod", labels), Some("db-0"));
        assert_eq!(words.read("alert", "namespace", labels), None);
        assert_eq!(words.read("alert", "nonsense", labels), None);
        let labels = json!({"k8s.pod.name": "db-0", "k8s.namespace.name": "", "pod_name": "x"});
        let labels = labels.as_object().expect("a map");
        assert_eq!(words.read("alert", "pod", labels), Some("x"), "a name as it is comes first");
        let labels = json!({"k8s.pod.name": "db-0", "service.name": "db"});
        let labels = labels.as_object().expect("a map");
        assert_eq!(words.read("alert", "pod", labels), Some("db-0"));
    }

    #[test]
    fn namespaces_have_log_classes() {
        let words = Vocabulary::builtin();
        for (namespace, class) in [
            ("default", "infrastructure"),
            ("kube-system", "infrastructure"),
            ("openshift-dns", "infrastructure"),
            ("kubernetes-dashboard", "application"),
            ("openshifty", "application"),
            ("shop", "application"),
        ] {
            assert_eq!(words.log_class(namespace), class, "{namespace}");
        }
        let (inside, regex) = words.namespaces_of("infrastructure").expect("some");
        assert_eq!((inside, &*regex), (true, "default|kube|kube-.*|openshift|openshift-.*"));
        assert_eq!(words.namespaces_of("application"), Some((false, regex)));
        assert_eq!(words.namespaces_of("audit"), None);
    }

    #[test]
    fn own_words_replace_built_in_ones() {
        let mut words = Vocabulary::builtin();
        words.extend(
            Vocabulary::parse("{terms: {pod: {log: [my_pod]}}, log_classes: {audit: [aud-*]}}")
                .expect("parses"),
        );
        assert_eq!(words.names("log", "pod"), ["my_pod"]);
        assert!(!words.names("alert", "pod").is_empty());
        assert_eq!(words.log_class("aud-1"), "audit");
        assert_eq!(words.log_class("kube-system"), "infrastructure");
    }
}
