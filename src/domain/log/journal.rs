//! The journal of a Node: what the kubelet, the container runtime and the kernel wrote there. Only
//! a store that collects journals can answer; any other says where to look on the Node.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place::Place;
use super::scheme::ANCHORS;
use super::seen::Seen;
use crate::client::loki::Stream;
use crate::model::{Body, MatchOp, Matcher, Vocabulary, escape_re2, quote};

/// Labels and metadata in which collectors keep the unit, the most telling first; some keep what
/// a line calls its writer, which is all that lines of the kernel have.
const UNITS: [&str; 9] = [
    "unit",
    "systemd_unit",
    "_SYSTEMD_UNIT",
    "SYSTEMD_UNIT",
    "systemd_t_SYSTEMD_UNIT",
    "syslog_identifier",
    "SYSLOG_IDENTIFIER",
    "systemd_u_SYSLOG_IDENTIFIER",
    "systemd_unit_name",
];
/// Fields of JSON lines with the same.
const UNIT_FIELDS: [&str; 8] = [
    "_SYSTEMD_UNIT",
    "SYSTEMD_UNIT",
    "systemd.t.SYSTEMD_UNIT",
    "systemd.unit",
    "systemd_unit",
    "SYSLOG_IDENTIFIER",
    "systemd.u.SYSLOG_IDENTIFIER",
    "syslog_identifier",
];
/// Labels and metadata in which they keep the host, if not in one for Nodes.
const HOSTS: [&str; 8] = [
    "hostname",
    "nodename",
    "host",
    "host_name",
    "host_hostname",
    "_HOSTNAME",
    "HOSTNAME",
    "instance",
];
/// Fields of JSON lines with the same.
const HOST_FIELDS: [&str; 6] =
    ["_HOSTNAME", "HOSTNAME", "hostname", "host", "host.hostname", "host.name"];

/// The unit that stands for the kernel, which is none of systemd's.
const KERNEL: &str = "kernel";

/// Lines of a Node's journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// The name of the Node.
    pub node: String,
    /// Units without `.service`, sorted; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<String>,
}

impl Journal {
    /// The LogQL for a server that has these labels, or why it cannot answer.
    pub(super) fn logql(
        &self,
        labels: &BTreeSet<String>,
        words: &Vocabulary,
    ) -> Result<String, String> {
        let there = |name: &&str| labels.contains(*name);
        let nodes = words.names("log", "node").iter().map(String::as_str);
        let node = nodes.chain(HOSTS).find(there);
        let units: Vec<String> = self.units.iter().map(|unit| escape_re2(unit)).collect();
        let regex = format!("({})(\\.service)?", units.join("|"));
        let mut matchers = Vec::new();
        matchers.extend(node.map(|label| Matcher::equal(label, &self.node)));
        if let (Some(_), Some(unit)) = (node, UNITS.into_iter().find(there)) {
            let any = if units.is_empty() { ".+" } else { &regex };
            matchers.extend(Matcher::new(unit, MatchOp::Regex, any));
            return Ok(Matcher::selector(&matchers));
        }
        if labels.contains("kubernetes_host") && labels.contains("log_type") {
            // OpenShift keeps the unit in the line.
            matchers.push(Matcher::equal("log_type", "infrastructure"));
            let selector = Matcher::selector(&matchers);
            let wanted = if units.is_empty() { ".+" } else { &regex };
            return Ok(format!("{selector} | json | systemd_t_SYSTEMD_UNIT=~{}", quote(wanted)));
        }
        Err(self.advice("Loki has no lines of a journal that are known"))
    }

    /// The LogQL in a way that lines have shown.
    pub(super) fn logql_as(&self, journals: &Journals) -> String {
        let Journals { node, units, anchor } = journals;
        let mut stages = String::new();
        let mut matchers = Vec::new();
        let own = Matcher::equal(&node.name(), &self.node);
        if node.indexed() {
            matchers.push(own.clone());
        } else {
            matchers.extend(Matcher::new(anchor, MatchOp::Regex, ".+"));
        }
        if matches!(node, Place::Field(_)) {
            // Few lines have to be read as JSON.
            stages.push_str(&format!(" |= {}", quote(&self.node)));
        }
        let read: Vec<String> = units.iter().chain([node]).filter_map(Place::read).collect();
        if !read.is_empty() {
            stages.push_str(&format!(" | json {}", read.join(", ")));
        }
        if !node.indexed() {
            stages.push_str(&format!(" | {own}"));
        }
        let names: Vec<String> = self.units.iter().map(|unit| escape_re2(unit)).collect();
        let named = format!("({})(\\.service)?", names.join("|"));
        let regex = if names.is_empty() { ".+" } else { &named };
        let unit = |place: &Place| Matcher::new(&place.name(), MatchOp::Regex, regex).ok();
        let any: Vec<String> = units.iter().filter_map(unit).map(|one| one.to_string()).collect();
        format!("{}{stages} | {}", Matcher::selector(&matchers), any.join(" or "))
    }

    /// What to do where no store has the journal.
    pub(super) fn advice(&self, why: &str) -> String {
        let units = self.units.iter().filter(|unit| *unit != KERNEL);
        let units: String = units.map(|unit| format!(" -u {unit}")).collect();
        let mut commands = Vec::new();
        if !units.is_empty() || self.units.is_empty() {
            commands.push(format!("journalctl{units}"));
        }
        if self.units.iter().any(|unit| unit == KERNEL) {
            commands.push("journalctl -k".to_owned());
        }
        format!("{why}; on the Node {}: {}", self.node, commands.join(" or "))
    }

    /// Whether a line's body is selected; `None` if it does not tell its unit.
    pub(super) fn matches(&self, body: &Body) -> Option<bool> {
        let label = |names: &[&str]| {
            ["labels", "metadata"].into_iter().find_map(|place| {
                let labels = body.get(place)?;
                names.iter().find_map(|name| labels.get(name)?.as_str())
            })
        };
        let own = body.get("node").and_then(Value::as_str).or_else(|| label(&HOSTS));
        if body.get("pod").is_some() || own != Some(&*self.node) {
            return Some(false);
        }
        if self.units.is_empty() {
            return Some(true);
        }
        let labels = ["labels", "metadata"].into_iter().filter_map(|place| body.get(place));
        let units = labels.flat_map(|all| UNITS.iter().filter_map(move |name| all.get(name)));
        let units: Vec<&str> = units.filter_map(Value::as_str).collect();
        let is = |unit: &&str| {
            let unit = unit.strip_suffix(".service").unwrap_or(unit);
            self.units.iter().any(|wanted| wanted == unit)
        };
        (!units.is_empty()).then(|| units.iter().any(is))
    }
}

/// A way in which a server keeps journals, other than by labels alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journals {
    node: Place,
    /// The places of units and of writers.
    units: Vec<Place>,
    /// A label that every stream has.
    anchor: String,
}

impl Journals {
    /// Stages that select lines that may be of a journal.
    pub(super) fn stages() -> [String; 2] {
        let named: Vec<String> = UNITS.iter().map(|name| format!("{name}!=\"\"")).collect();
        [" |~ \"(?i)systemd\"".to_owned(), format!(" | {}", named.join(" or "))]
    }

    /// The ways that some lines show.
    pub(super) fn shown(sample: &[Stream], words: &Vocabulary) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for stream in sample {
            let lines = stream.entries.iter().map(|line| Seen::new(&stream.labels, line));
            for seen in lines.filter_map(|line| Self::seen(&line, words)) {
                let same =
                    |known: &&mut Self| (&known.node, &known.anchor) == (&seen.node, &seen.anchor);
                match all.iter_mut().find(same) {
                    Some(known) => {
                        let more = seen.units.into_iter();
                        let more: Vec<Place> =
                            more.filter(|unit| !known.units.contains(unit)).collect();
                        known.units.extend(more);
                    }
                    None => all.push(seen),
                }
            }
        }
        all
    }

    fn seen(line: &Seen<'_>, words: &Vocabulary) -> Option<Self> {
        let is_pod = |term: &str| {
            !line.places(words.names("log", term), words.names("json", term), |_| true).is_empty()
        };
        let units = line.places(&UNITS, &UNIT_FIELDS, |_| true);
        if units.is_empty() || is_pod("pod") {
            return None;
        }
        let nodes = line.places(words.names("log", "node"), words.names("json", "node"), |_| true);
        let hosts = || line.places(&HOSTS, &HOST_FIELDS, |_| true);
        let node = nodes.into_iter().next().or_else(|| hosts().into_iter().next())?;
        let anchor = if node.indexed() { node.name() } else { line.anchor(&ANCHORS)? };
        Some(Self { node, units, anchor })
    }

    /// `journal: JSON fields _HOSTNAME, _SYSTEMD_UNIT`, for people.
    pub(super) fn told(&self) -> String {
        let names: Vec<&str> =
            [&self.node].into_iter().chain(&self.units).map(Place::shown).collect();
        format!("journals of Nodes: {}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn journal(units: &[&str]) -> Journal {
        let units = units.iter().map(|unit| (*unit).to_owned()).collect();
        Journal { node: "node-1".to_owned(), units }
    }

    #[test]
    fn a_journal_is_asked_for_in_the_labels_of_the_server() {
        let words = Vocabulary::builtin();
        for (labels, expected) in [
            (
                &["node_name", "unit", "job"][..],
                r#"{node_name="node-1",unit=~"(crio|kubelet)(\\.service)?"}"#,
            ),
            (&["hostname", "unit"], r#"{hostname="node-1",unit=~"(crio|kubelet)(\\.service)?"}"#),
            (
                &["kubernetes_host", "log_type"],
                concat!(
                    r#"{kubernetes_host="node-1",log_type="infrastructure"} | json "#,
                    r#"| systemd_t_SYSTEMD_UNIT=~"(crio|kubelet)(\\.service)?""#
                ),
            ),
        ] {
            let labels = labels.iter().map(|label| (*label).to_owned()).collect();
            let made = journal(&["crio", "kubelet"]).logql(&labels, &words);
            assert_eq!(made.as_deref(), Ok(expected));
        }
        let labels = BTreeSet::from(["namespace".to_owned(), "pod".to_owned()]);
        let note = journal(&["kernel", "kubelet"]).logql(&labels, &words).expect_err("no journal");
        assert!(note.ends_with("on the Node node-1: journalctl -u kubelet or journalctl -k"));
    }

    #[test]
    fn lines_of_a_journal_are_told_from_others() {
        let kubelet = journal(&["kubelet"]);
        for (body, expected) in [
            (json!({"node": "node-1", "labels": {"unit": "kubelet.service"}}), Some(true)),
            (json!({"labels": {"hostname": "node-1", "unit": "kubelet"}}), Some(true)),
            (json!({"node": "node-1", "labels": {"unit": "sshd.service"}}), Some(false)),
            (json!({"node": "node-2", "labels": {"unit": "kubelet.service"}}), Some(false)),
            (json!({"node": "node-1", "pod": "db-0", "labels": {"unit": "kubelet"}}), Some(false)),
            (json!({"node": "node-1"}), None),
        ] {
            assert_eq!(kubelet.matches(&body.clone().into()), expected, "{body}");
        }
    }
}
