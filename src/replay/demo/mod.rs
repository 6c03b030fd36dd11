//! The recording behind `--demo`: a shop's cluster with several incidents, from the plain text
//! in `assets/demo`.
//!
//! The text is short: a workload becomes its controller, Pods, Service and so on; a line of
//! points becomes a series. Times are given as distances from "now", and everything that looks
//! random comes from hashes of names, so the recording is the same every time.

mod alert;
mod around;
mod clock;
mod dice;
mod event;
mod job;
mod log;
mod metric;
mod node;
mod pod;
mod source;
mod span;
#[cfg(test)]
mod tests;
mod workload;
mod world;

use chrono::{DateTime, SubsecRound, Utc};
use serde::de::DeserializeOwned;

use super::{Manifest, Recording};
use crate::model::{SelectorError, Vocabulary};
use source::{Cluster, Happenings};
use world::World;

const CLUSTER: &str = include_str!("../../../assets/demo/cluster.yaml");
const WORKLOADS: [&str; 4] = [
    include_str!("../../../assets/demo/shop.yaml"),
    include_str!("../../../assets/demo/payments.yaml"),
    include_str!("../../../assets/demo/monitoring.yaml"),
    include_str!("../../../assets/demo/kube-system.yaml"),
];
const INCIDENTS: [&str; 8] = [
    include_str!("../../../assets/demo/incidents/postgres.yaml"),
    include_str!("../../../assets/demo/incidents/ledger.yaml"),
    include_str!("../../../assets/demo/incidents/recommender.yaml"),
    include_str!("../../../assets/demo/incidents/node-4.yaml"),
    include_str!("../../../assets/demo/incidents/web.yaml"),
    include_str!("../../../assets/demo/incidents/search.yaml"),
    include_str!("../../../assets/demo/incidents/collector.yaml"),
    include_str!("../../../assets/demo/incidents/noise.yaml"),
];
const TRACES: &str = include_str!("../../../assets/demo/traces.yaml");
const LOGS: [&str; 5] = [
    include_str!("../../../assets/demo/logs/shop.log"),
    include_str!("../../../assets/demo/logs/payments.log"),
    include_str!("../../../assets/demo/logs/monitoring.log"),
    include_str!("../../../assets/demo/logs/kube-system.log"),
    include_str!("../../../assets/demo/logs/traces.log"),
];

/// The demo as it looks at a moment, which is cut to whole seconds: the last thing happened just
/// before it.
///
/// ```
/// let demo = korrel8::replay::demo("2026-11-23T12:00:00Z".parse().unwrap());
/// assert!(demo.counts().any(|(class, count)| class.name() == "Pod.v1" && count > 60));
/// ```
pub fn demo(now: DateTime<Utc>) -> Recording {
    let cluster: Cluster = yaml(CLUSTER);
    let now = now.trunc_subsecs(0);
    let manifest = Manifest::new(now, &cluster.context, &cluster.about);
    let mut world = World::new(&cluster, Recording::new(manifest), now);
    node::add(&mut world, &cluster);
    for text in WORKLOADS {
        for workload in yaml::<Vec<source::Workload>>(text) {
            workload::add(&mut world, &workload);
        }
    }
    around::add_ingresses(&mut world, &cluster.ingresses);
    let happenings: Vec<Happenings> = INCIDENTS.into_iter().map(yaml).collect();
    for story in &happenings {
        event::add(&mut world, &story.events);
        metric::add(&mut world, &story.metrics);
        alert::add(&mut world, &story.alerts);
    }
    metric::add_usual(&mut world, &happenings);
    span::add(&mut world, &yaml::<Vec<span::Trace>>(TRACES));
    let vocabulary = Vocabulary::builtin();
    for text in LOGS {
        log::add(&mut world, &vocabulary, text);
    }
    world.recording
}

#[allow(clippy::expect_used, reason = "the embedded files are parsed by every test of the demo")]
fn yaml<T: DeserializeOwned>(text: &str) -> T {
    SelectorError::parse_yaml(text)
        .map_err(|fault| {
            let line = text[..fault.offset.unwrap_or(0)].lines().count();
            format!("{} at line {line}", fault.message)
        })
        .expect("the embedded file parses")
}
