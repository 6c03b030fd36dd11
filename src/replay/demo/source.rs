//! The shapes of the YAML in `assets/demo`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::clock::Ago;

type Text = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cluster {
    /// The moment from which names are made that hold a time, so that they never change.
    pub named_at: DateTime<Utc>,
    pub context: String,
    pub about: String,
    /// Name -> age.
    pub namespaces: IndexMap<String, Ago>,
    pub nodes: Vec<Node>,
    pub storage_classes: Vec<String>,
    pub ingresses: Vec<Ingress>,
    /// Namespace/name -> data.
    pub config_maps: IndexMap<String, Text>,
    /// Namespace/name -> type; the data is not known, as with a real server.
    pub secrets: IndexMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    pub name: String,
    pub zone: String,
    pub age: Ago,
    #[serde(default)]
    pub control_plane: bool,
    /// When the kubelet was last heard of.
    pub lost: Option<Ago>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ingress {
    pub namespace: String,
    pub name: String,
    pub host: String,
    /// Path -> Service.
    pub paths: IndexMap<String, String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Kind {
    #[default]
    Deployment,
    StatefulSet,
    DaemonSet,
    CronJob,
    /// Pods that a kubelet reads from its disk.
    Static,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Workload {
    pub name: String,
    pub namespace: String,
    #[serde(default)]
    pub kind: Kind,
    pub version: String,
    pub age: Ago,
    /// When the running Pods were made; the age if it is not given.
    pub started: Option<Ago>,
    /// One Pod on each, in this order.
    pub nodes: Vec<String>,
    pub containers: Vec<Container>,
    #[serde(default)]
    pub init: Vec<Container>,
    #[serde(default)]
    pub account: Option<String>,
    /// `ConfigMaps` mounted as volumes: name -> path.
    #[serde(default)]
    pub configs: Text,
    #[serde(default)]
    pub host_network: bool,
    /// A Service for the ports of the first container; `headless` for one without an address.
    #[serde(default)]
    pub service: Option<String>,
    #[serde(default)]
    pub claim: Option<Claim>,
    #[serde(default)]
    pub scaler: Option<Scaler>,
    /// `maxUnavailable` of a `PodDisruptionBudget`.
    #[serde(default)]
    pub budget: Option<u32>,
    /// Namespaces that may connect, by a `NetworkPolicy`.
    #[serde(default)]
    pub allow: Vec<String>,
    /// Image tags of older revisions, with their ages, the oldest first.
    #[serde(default)]
    pub history: IndexMap<String, Ago>,
    #[serde(default)]
    pub rollout: Option<Rollout>,
    #[serde(default)]
    pub schedule: Option<String>,
    /// Of the Job.
    #[serde(default)]
    pub failed: Option<Ago>,
    /// What is wrong with single Pods, by their place in `nodes`.
    #[serde(default)]
    pub pods: BTreeMap<usize, Trouble>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Container {
    pub name: String,
    pub image: String,
    #[serde(default)]
    pub args: Vec<String>,
    #[serde(default)]
    pub ports: IndexMap<String, u16>,
    #[serde(default)]
    pub env: IndexMap<String, String>,
    /// Variable -> `secret/key`.
    #[serde(default)]
    pub secrets: IndexMap<String, String>,
    /// `ConfigMaps` whose keys become variables.
    #[serde(default)]
    pub env_from: Vec<String>,
    #[serde(default)]
    pub requests: Text,
    #[serde(default)]
    pub limits: Text,
    /// Path of the readiness and liveness probe, at the first port.
    #[serde(default)]
    pub probe: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    pub name: String,
    pub size: String,
    pub path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scaler {
    pub min: u32,
    pub max: u32,
    /// Target and current CPU utilization in percent.
    pub target: u32,
    pub current: u32,
    pub scaled: Ago,
}

/// A newer revision that hangs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollout {
    pub tag: String,
    pub since: Ago,
    pub nodes: Vec<String>,
    pub trouble: Trouble,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Trouble {
    /// The first container if it is not given.
    pub container: Option<String>,
    pub restarts: u32,
    pub phase: Option<String>,
    /// Reason of the waiting state.
    pub waiting: Option<String>,
    pub message: String,
    /// When the container began to run, if it runs.
    pub running: Option<Ago>,
    pub ready: bool,
    /// When it became unready.
    pub since: Ago,
    pub last: Option<Ended>,
    /// How the container ended for good.
    pub ended: Option<Ended>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ended {
    pub reason: String,
    pub exit: i32,
    #[serde(default)]
    pub message: String,
    pub from: Ago,
    pub to: Ago,
}

/// What happened: one incident, or noise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Happenings {
    #[serde(default)]
    pub alerts: Vec<Alert>,
    #[serde(default)]
    pub events: Vec<Event>,
    #[serde(default)]
    pub metrics: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alert {
    pub name: String,
    pub severity: String,
    /// When its expression became true.
    pub active: Ago,
    /// How long the expression must hold before the alert fires.
    pub held: Ago,
    #[serde(default)]
    pub pending: bool,
    pub value: f64,
    /// Who exports the metric behind it: `ksm`, `kubelet NODE`, `cadvisor NODE`, `pod NS/POD`.
    #[serde(default)]
    pub from: Option<String>,
    #[serde(default)]
    pub labels: IndexMap<String, String>,
    pub summary: String,
    pub description: String,
    pub expr: String,
    /// The last part of the runbook's address, if it has one.
    #[serde(default)]
    pub runbook: Option<String>,
    /// Whether somebody silenced it.
    #[serde(default)]
    pub silenced: bool,
    /// The severity of the twin that inhibits it.
    #[serde(default)]
    pub inhibited: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    /// `Kind namespace/name`, or `Kind name`.
    pub on: String,
    pub reason: String,
    pub message: String,
    /// The reporting component, with the node of a kubelet: `kubelet node-2`.
    pub from: String,
    #[serde(default)]
    pub warning: bool,
    pub first: Ago,
    #[serde(default)]
    pub last: Option<Ago>,
    #[serde(default)]
    pub count: Option<u32>,
    #[serde(default)]
    pub container: Option<String>,
    /// Written through events.k8s.io: `eventTime` and `series`, no `count`.
    #[serde(default)]
    pub new_style: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metric {
    pub name: String,
    #[serde(default)]
    pub from: Option<String>,
    #[serde(default)]
    pub labels: IndexMap<String, Value>,
    /// `-6h 1, -30m 5, 0s 9`: straight lines from point to point.
    pub points: String,
    /// The value stays until the next point.
    #[serde(default)]
    pub stairs: bool,
    /// Falls back to the first value of `points` at every such period: a leak that is killed.
    #[serde(default)]
    pub saw: Option<Ago>,
    /// Part of the value by which it swings.
    #[serde(default)]
    pub noise: f64,
    #[serde(default)]
    pub step: Option<Ago>,
    /// When the samples end, if not now.
    #[serde(default)]
    pub until: Ago,
    /// Decimals; none if it is not given.
    #[serde(default)]
    pub digits: usize,
}
