//! From a selector of Pods to LogQL in the labels that a Loki server really has.

use std::collections::BTreeSet;

use super::place::{Place, Term};
use super::query::{PodLogs, label_names};
use super::scheme::{Scheme, Schemes};
use crate::model::{MatchOp, Matcher, Vocabulary, escape_re2};

/// A part of the answer to a query: the streams of one scheme. What differs between the queries
/// of a merged call, namespace, Pod and trace, is told by their [`Target`]s.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    /// Matchers of the labels of the Pods.
    own: Vec<Matcher>,
    /// Where the namespace is, if one is wanted.
    space: Option<Place>,
    /// Conditions on containers, and on the namespaces of a class.
    fixed: Vec<(Place, Matcher)>,
    /// Where the name of the Pod is, if one is wanted.
    pub(super) place: Option<Place>,
    /// The fields of JSON lines that have to be read.
    fields: Vec<Place>,
    /// Where the lines of a trace name it, if those of one are wanted.
    pub(super) trace: Option<Named>,
}

/// Where a line names its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    Text,
    Metadata,
}

/// What one query wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target<'t> {
    pub(super) namespace: Option<&'t str>,
    pub(super) pod: Option<&'t str>,
    pub(super) trace: Option<&'t str>,
}

impl Part {
    /// The LogQL for some targets: matchers of labels, what selects traces, fields of JSON lines, and filters.
    pub(super) fn logql(&self, targets: &[Target<'_>]) -> String {
        let (mut matchers, mut filters) = (self.own.clone(), String::new());
        let mut add = |place: &Place, matcher: Matcher| {
            if place.indexed() {
                matchers.push(matcher);
            } else {
                filters.push_str(" | ");
                filters.push_str(&matcher.to_string());
            }
        };
        let spaces: BTreeSet<&str> = targets.iter().filter_map(|target| target.namespace).collect();
        let pods: BTreeSet<&str> = targets.iter().filter_map(|target| target.pod).collect();
        let traces: BTreeSet<&str> = targets.iter().filter_map(|target| target.trace).collect();
        let wanted = |place: &Option<Place>, term, names| {
            let place = place.clone()?;
            let matcher = place.one_of(term, names)?;
            Some((place, matcher))
        };
        let space = wanted(&self.space, Term::Namespace, &spaces);
        let pod = wanted(&self.place, Term::Pod, &pods);
        for (place, matcher) in space.iter().chain(&self.fixed).chain(&pod) {
            add(place, matcher.clone());
        }
        let mut fields: Vec<String> = self.fields.iter().filter_map(Place::read).collect();
        fields.dedup();
        let json = if fields.is_empty() { String::new() } else { " | json ".to_owned() };
        let streams = Matcher::selector(&matchers);
        let traces = self.trace.map(|named| named.stage(&traces)).unwrap_or_default();
        format!("{streams}{traces}{json}{}{filters}", fields.join(", "))
    }
}

/// The parts that answer a selector, or why nothing can.
pub(super) fn plan(
    class: &str,
    pods: &PodLogs,
    schemes: &Schemes,
    words: &Vocabulary,
) -> Result<Vec<Part>, String> {
    let labels = &schemes.labels;
    if pods.previous {
        return Err("Loki keeps the lines of a previous container among the others: \
                    ask without `previous`"
            .to_owned());
    }
    if labels.is_empty() {
        return Err("Loki has no logs at all in this window".to_owned());
    }
    // Where no namespace is named, those of the class are meant.
    let whole = words.namespaces_of(class).filter(|_| pods.namespace.is_none());
    let mut own = Vec::new();
    for (name, value) in &pods.labels {
        let Some(label) = label_names(name).into_iter().find(|name| labels.contains(name)) else {
            return Err(format!(
                "Loki has no stream label for the Pod label {name}; it has {}",
                list(labels)
            ));
        };
        own.push(Matcher::equal(&label, value));
    }
    let parts: Vec<Part> = schemes
        .all
        .iter()
        .filter_map(|scheme| part(scheme, pods, whole.as_ref(), &own))
        .flat_map(|part| match &pods.trace {
            None => vec![part],
            Some(_) => [Named::Text, Named::Metadata]
                .map(|named| Part { trace: Some(named), ..part.clone() })
                .to_vec(),
        })
        .collect();
    if parts.is_empty() {
        let missing = if pods.namespace.is_some() { "namespaces" } else { "Pods" };
        return Err(format!(
            "Loki has no label for {missing} that is known; it has {}",
            list(labels)
        ));
    }
    Ok(parts)
}

/// The names under which metadata hold a trace id; a dot in a name has become `_`.
const TRACE_IDS: [&str; 7] =
    ["trace_id", "traceID", "traceId", "traceid", "TraceId", "TraceID", "otelTraceID"];

impl Named {
    /// What selects the lines of some traces. Who wrote an id may have left out its leading
    /// zeros, or written capitals.
    fn stage(self, ids: &BTreeSet<&str>) -> String {
        let bare: Vec<&str> = ids.iter().map(|id| id.trim_start_matches('0')).collect();
        let any = match &bare[..] {
            [one] => (*one).to_owned(),
            all => format!("({})", all.join("|")),
        };
        match self {
            Self::Text => format!(" |~ \"(?i){any}\""),
            Self::Metadata => {
                let named = TRACE_IDS.iter().map(|name| format!("{name}=~\"(?i)0*{any}\""));
                let parent = format!("traceparent=~\"(?i)[0-9a-f]+-0*{any}-.*\"");
                let each: Vec<String> = named.chain([parent]).collect();
                format!(" | {}", each.join(" or "))
            }
        }
    }
}

fn list(labels: &BTreeSet<String>) -> String {
    let mut shown: Vec<&str> = labels.iter().take(20).map(String::as_str).collect();
    if labels.len() > shown.len() {
        shown.push("…");
    }
    shown.join(", ")
}

fn part(
    scheme: &Scheme,
    pods: &PodLogs,
    whole: Option<&(bool, String)>,
    own: &[Matcher],
) -> Option<Part> {
    let mut fixed = Vec::new();
    let mut fix = |place: &Place, term: Term, op: MatchOp, regex: &str| {
        fixed.extend(place.regex(term, op, regex).map(|matcher| (place.clone(), matcher)));
    };
    let space = match (&scheme.namespace, &pods.namespace) {
        (None, Some(_)) => return None,
        (place, wanted) => place.clone().filter(|_| wanted.is_some()),
    };
    if let (Some(place), Some((inside, regex))) = (&scheme.namespace, whole) {
        if !inside {
            fix(place, Term::Namespace, MatchOp::Regex, ".+");
        }
        let op = if *inside { MatchOp::Regex } else { MatchOp::NotRegex };
        fix(place, Term::Namespace, op, regex);
    }
    if let Some(place) = scheme.container.as_ref().filter(|_| !pods.containers.is_empty()) {
        let regex: Vec<String> = pods.containers.iter().map(|name| escape_re2(name)).collect();
        fix(place, Term::Container, MatchOp::Regex, &regex.join("|"));
    }
    let place = pods.name.as_ref().map(|_| scheme.pod.clone());
    // A selector needs a matcher that does not match the empty string.
    let mut places = space.iter().chain(&place).chain(fixed.iter().map(|(place, _)| place));
    if own.is_empty() && !places.any(Place::indexed) {
        let any = Matcher::new(&scheme.anchor, MatchOp::Regex, ".+").ok()?;
        fixed.push((Place::Label(scheme.anchor.clone()), any));
    }
    let except = |name: &String| (Place::Label(name.clone()), Matcher::equal(name, ""));
    fixed.extend(scheme.except.iter().map(except));
    // All fields are read, for lines have to tell where they come from.
    let fields = [
        scheme.namespace.as_ref(),
        Some(&scheme.pod),
        scheme.container.as_ref(),
        scheme.node.as_ref(),
    ];
    let fields = fields.into_iter().flatten().filter(|place| place.read().is_some());
    let fields = fields.cloned().collect();
    Some(Part { own: own.to_vec(), space, fixed, place, fields, trace: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::LogSelector;

    fn queries(selector: &str, labels: &[&str]) -> Result<Vec<String>, String> {
        let Ok(LogSelector::Pods(pods)) = LogSelector::parse(selector) else {
            panic!("{selector} selects Pods")
        };
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let words = Vocabulary::builtin();
        let target = Target {
            namespace: pods.namespace.as_deref(),
            pod: pods.name.as_deref(),
            trace: pods.trace.as_deref(),
        };
        let parts = plan("application", &pods, &Schemes::of(labels, &words), &words)?;
        Ok(parts.iter().map(|part| part.logql(&[target])).collect())
    }

    #[test]
    fn selectors_are_told_in_the_labels_of_the_server() {
        let promtail = ["namespace", "pod", "container", "app"];
        let db = "{namespace: shop, name: db-0}";
        for (selector, labels, expected) in [
            (db, &promtail[..], vec![r#"{namespace="shop",pod="db-0"}"#]),
            (
                db,
                &["namespace", "pod", "k8s_namespace_name", "k8s_pod_name"],
                vec![
                    r#"{k8s_namespace_name="shop",k8s_pod_name="db-0"}"#,
                    r#"{namespace="shop",k8s_pod_name="",pod="db-0"}"#,
                ],
            ),
            (db, &["namespace", "app"], vec![r#"{namespace="shop"} | pod="db-0""#]),
            (db, &["namespace", "pod_name"], vec![r#"{namespace="shop",pod_name="db-0"}"#]),
            ("{namespace: shop}", &promtail, vec![r#"{namespace="shop"}"#]),
            ("{name: db-0}", &["pod"], vec![r#"{pod="db-0"}"#]),
            (
                "{}",
                &promtail,
                vec![concat!(
                    r#"{namespace=~".+","#,
                    r#"namespace!~"default|kube|kube-.*|openshift|openshift-.*"}"#
                )],
            ),
            (
                "{namespace: shop, containers: [b.x, a]}",
                &promtail,
                vec![r#"{namespace="shop",container=~"a|b\\.x"}"#],
            ),
            (
                "{namespace: shop, labels: {app: db}}",
                &promtail,
                vec![r#"{app="db",namespace="shop"}"#],
            ),
        ] {
            assert_eq!(
                queries(selector, labels),
                Ok(expected.iter().map(ToString::to_string).collect()),
                "{selector}"
            );
        }
    }

    #[test]
    fn what_the_server_cannot_select_is_said() {
        for (selector, labels, words) in [
            ("{namespace: shop, labels: {tier: x}}", &["namespace", "pod"][..], "Pod label tier"),
            ("{namespace: shop, previous: true}", &["namespace"], "without `previous`"),
            ("{namespace: shop}", &[], "no logs at all"),
            ("{namespace: shop}", &["job", "pod"], "no label for namespaces"),
            ("{name: x}", &["job"], "no label for Pods"),
        ] {
            let note = queries(selector, labels).expect_err(selector);
            assert!(note.contains(words), "{selector}: {note}");
        }
    }

    #[test]
    fn many_pods_are_one_query() {
        let targets = |all: &[(&'static str, &'static str)]| -> Vec<Target<'static>> {
            all.iter()
                .map(|(space, pod)| Target { namespace: Some(space), pod: Some(pod), trace: None })
                .collect()
        };
        let part = |place: Place| Part {
            own: vec![],
            space: Some(Place::Label("namespace".to_owned())),
            fixed: vec![],
            place: Some(place),
            fields: vec![],
            trace: None,
        };
        let (label, metadata) = (Place::Label("pod".to_owned()), Place::Metadata("pod".to_owned()));
        for (place, all, expected) in [
            (
                &label,
                targets(&[("shop", "a"), ("shop", "b.c")]),
                r#"{namespace="shop",pod=~"a|b\\.c"}"#,
            ),
            (
                &metadata,
                targets(&[("shop", "a"), ("shop", "b")]),
                r#"{namespace="shop"} | pod=~"a|b""#,
            ),
            (
                &label,
                targets(&[("shop", "web-5c-x"), ("shop", "web-5c-y"), ("shop", "web-6-x")]),
                r#"{namespace="shop",pod=~"web-5c-(?:x|y)|web-6-x"}"#,
            ),
            (&label, targets(&[("a", "x"), ("b", "x")]), r#"{namespace=~"a|b",pod="x"}"#),
        ] {
            assert_eq!(part(place.clone()).logql(&all), expected);
        }
    }
}
