//! The journal of a Node: what the kubelet, the container runtime and the kernel wrote there. Only
//! a store that collects journals can answer; any other says where to look on the Node.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Body, MatchOp, Matcher, Vocabulary, escape_re2, quote};

/// Labels in which collectors keep the unit, the most telling first.
const UNITS: [&str; 5] =
    ["unit", "systemd_unit", "_SYSTEMD_UNIT", "syslog_identifier", "SYSLOG_IDENTIFIER"];
/// Labels in which they keep the host, if not in one for Nodes.
const HOSTS: [&str; 5] = ["hostname", "nodename", "host", "_HOSTNAME", "instance"];

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
        Err(self.advice("Loki has no labels of a journal"))
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
        let unit = label(&UNITS)?;
        let unit = unit.strip_suffix(".service").unwrap_or(unit);
        Some(self.units.iter().any(|wanted| wanted == unit))
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
