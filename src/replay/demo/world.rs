//! What has been built so far: the recording, the nodes, and the Pods that the rest refers to.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::clock::{Ago, Clock};
use super::dice::{Dice, uid};
use super::source::Cluster;
use crate::model::Class;
use crate::replay::Recording;

pub(super) struct World {
    pub clock: Clock,
    /// For names that hold a time.
    pub named_at: Clock,
    pub recording: Recording,
    pub pods: Vec<Pod>,
    pub nodes: BTreeMap<String, Place>,
    pub data: HashMap<String, BTreeMap<String, String>>,
}

/// A node as Pods see it.
#[derive(Clone)]
pub(super) struct Place {
    pub ip: String,
    pub zone: String,
    /// When it was lost.
    pub lost: Option<Ago>,
    number: usize,
    pods: usize,
}

/// A Pod as Events, series and log lines see it.
#[derive(Clone)]
pub(super) struct Pod {
    pub namespace: String,
    pub name: String,
    pub workload: String,
    pub node: String,
    pub ip: String,
    pub containers: Vec<String>,
    pub port: Option<(String, u16)>,
    pub restarts: u32,
    pub ready: bool,
    /// Whether its containers ever ran, so that they can have written something.
    pub started: bool,
    pub created: Ago,
    /// Of the memory that the first container asks for, in bytes.
    pub memory: f64,
}

impl Pod {
    /// The name of the `ReplicaSet` or Job that made it.
    pub(super) fn owner_name(&self) -> &str {
        self.name.rsplit_once('-').map_or(&self.name, |(owner, _)| owner)
    }
}

impl World {
    pub(super) fn new(cluster: &Cluster, recording: Recording, now: DateTime<Utc>) -> Self {
        let place = |(at, node): (usize, &super::source::Node)| {
            let ip = format!("10.10.0.{}", at + 11);
            let zone = node.zone.clone();
            (node.name.clone(), Place { ip, zone, lost: node.lost, number: at + 1, pods: 0 })
        };
        Self {
            clock: Clock { now },
            named_at: Clock { now: cluster.named_at },
            recording,
            pods: Vec::new(),
            nodes: cluster.nodes.iter().enumerate().map(place).collect(),
            data: HashMap::new(),
        }
    }

    /// Adds a Kubernetes object; the class comes from its `apiVersion` and `kind`.
    pub(super) fn put(&mut self, body: Value) {
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        let class = match text("apiVersion").split_once('/') {
            Some((group, version)) => format!("{}.{version}.{group}", text("kind")),
            None => format!("{}.{}", text("kind"), text("apiVersion")),
        };
        self.recording.push(&Class::new("k8s", &class), body);
    }

    /// The next address of a Pod on a node.
    pub(super) fn address(&mut self, node: &str, host_network: bool) -> String {
        let Some(place) = self.nodes.get_mut(node) else { return String::new() };
        if host_network {
            return place.ip.clone();
        }
        place.pods += 1;
        format!("10.244.{}.{}", place.number, 19 + place.pods)
    }

    /// The Pods that a reference names: `ns/pod`, `ns/workload` for all of a workload,
    /// `ns/workload#1` for one of them.
    pub(super) fn find(&self, reference: &str) -> Vec<&Pod> {
        let (namespace, name) = reference.split_once('/').unwrap_or_default();
        let (name, place) = match name.split_once('#') {
            Some((name, place)) => (name, place.parse::<usize>().ok()),
            None => (name, None),
        };
        let here = || self.pods.iter().filter(|pod| pod.namespace == namespace);
        let exact: Vec<&Pod> = here().filter(|pod| pod.name == name).collect();
        if !exact.is_empty() {
            return exact;
        }
        let all = here().filter(|pod| pod.workload == name);
        match place {
            Some(place) => all.skip(place).take(1).collect(),
            None => all.collect(),
        }
    }

    /// The text with references in braces replaced: `{ns/workload#1}` by the name of that Pod,
    /// `{owner ns/workload#1}` by that of its `ReplicaSet` or Job, `{uid Pod ns/workload#1}` by
    /// its uid, `{ip ns/workload#1}` by its address.
    pub(super) fn named(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let known = after
                .split_once('}')
                .and_then(|(inner, after)| Some((self.referenced(inner)?, after)));
            if let Some((name, after)) = known {
                out.push_str(&name);
                rest = after;
            } else {
                out.push('{');
                rest = after;
            }
        }
        out + rest
    }

    fn referenced(&self, inner: &str) -> Option<String> {
        let (word, reference) = inner.rsplit_once(' ').unwrap_or(("", inner));
        let pod = reference
            .contains('#')
            .then(|| self.find(reference))
            .and_then(|mut pods| pods.pop())?;
        Some(match word {
            "" => pod.name.clone(),
            "owner" => pod.owner_name().to_owned(),
            "ip" => pod.ip.clone(),
            "uid Pod" => uid("Pod", &pod.namespace, &pod.name),
            _ => return None,
        })
    }

    /// The labels of a target: `ksm`, `kubelet NODE`, `cadvisor NODE`, `pod NS/POD`.
    pub(super) fn target(&self, from: &str) -> Map<String, Value> {
        let (kind, name) = from.split_once(' ').unwrap_or((from, ""));
        let ip = self.nodes.get(name).map(|place| format!("{}:10250", place.ip));
        let kubelet = |path: &str| {
            labels(&[
                ("job", "kubelet"),
                ("service", "kube-prometheus-stack-kubelet"),
                ("endpoint", "https-metrics"),
                ("metrics_path", path),
                ("namespace", "kube-system"),
                ("node", name),
                ("instance", ip.as_deref().unwrap_or_default()),
            ])
        };
        let reference = if kind == "ksm" {
            "monitoring/kube-prometheus-stack-kube-state-metrics"
        } else {
            name
        };
        match (kind, self.find(reference).first()) {
            ("kubelet", _) => kubelet("/metrics"),
            ("cadvisor", _) => kubelet("/metrics/cadvisor"),
            (_, Some(pod)) => {
                let (endpoint, port) = pod.port.clone().unwrap_or(("http".to_owned(), 8080));
                let job = if kind == "ksm" { "kube-state-metrics" } else { &pod.workload };
                labels(&[
                    ("job", job),
                    ("service", &pod.workload),
                    ("endpoint", &endpoint),
                    ("namespace", &pod.namespace),
                    ("pod", &pod.name),
                    ("container", &pod.containers[0]),
                    ("instance", &format!("{}:{port}", pod.ip)),
                ])
            }
            _ => Map::new(),
        }
    }
}

fn labels(pairs: &[(&str, &str)]) -> Map<String, Value> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect()
}

/// The metadata of an object; `namespace` is empty for one of the cluster.
pub(super) fn metadata(kind: &str, namespace: &str, name: &str, created: &str) -> Value {
    let version = 1_000_000 + Dice::of(&format!("version {kind} {namespace}/{name}")).below(90_000);
    let mut meta = serde_json::json!({
        "name": name, "uid": uid(kind, namespace, name), "creationTimestamp": created,
        "resourceVersion": version.to_string(),
    });
    if !namespace.is_empty() {
        meta["namespace"] = namespace.into();
    }
    meta
}

/// A reference to the controller of an object.
pub(super) fn owner(api: &str, kind: &str, namespace: &str, name: &str) -> Value {
    serde_json::json!([{
        "apiVersion": api, "kind": kind, "name": name, "uid": uid(kind, namespace, name),
        "controller": true, "blockOwnerDeletion": true,
    }])
}
