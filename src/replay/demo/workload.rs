//! A workload: its controller, what the controller made, and its Pods.

use serde_json::{Value, json};

use super::around;
use super::clock::Ago;
use super::dice::{Dice, template_hash};
use super::job;
use super::node::add_account;
use super::pod::{self, Birth, template_spec};
use super::source::{Container, Kind, Trouble, Workload};
use super::world::{World, metadata, owner};

const NAME: &str = "app.kubernetes.io/name";

/// Adds everything that belongs to a workload.
pub(super) fn add(world: &mut World, workload: &Workload) {
    let created = world.clock.text(workload.age);
    if let Some(account) = workload.account.as_deref().filter(|name| *name != "default") {
        add_account(world, &workload.namespace, account, &created);
    }
    match workload.kind {
        Kind::Deployment => deployment(world, workload),
        Kind::StatefulSet => stateful_set(world, workload),
        Kind::DaemonSet => daemon_set(world, workload),
        Kind::CronJob => job::add(world, workload),
        Kind::Static => static_pods(world, workload),
    }
    around::add(world, workload);
}

/// The labels of a workload and its Pods.
pub(super) fn labels(workload: &Workload) -> Value {
    json!({
        NAME: workload.name, "app.kubernetes.io/part-of": workload.namespace,
        "app.kubernetes.io/version": workload.version, "app.kubernetes.io/managed-by": "Helm",
    })
}

/// The labels with one more.
pub(super) fn with(mut labels: Value, key: &str, value: &str) -> Value {
    labels[key] = value.into();
    labels
}

/// How many, as JSON has it.
pub(super) fn count(places: &[String]) -> u64 {
    u64::try_from(places.len()).unwrap_or_default()
}

/// The containers with another tag of the first image.
fn tagged(workload: &Workload, tag: &str) -> Vec<Container> {
    let mut containers = workload.containers.clone();
    if let Some(first) = containers.first_mut() {
        let image = first.image.rsplit_once(':').map_or(first.image.as_str(), |(name, _)| name);
        first.image = format!("{image}:{tag}");
    }
    containers
}

fn ready(world: &World, workload: &Workload) -> u64 {
    let own = world.pods.iter().filter(|pod| {
        pod.namespace == workload.namespace && pod.workload == workload.name && pod.ready
    });
    u64::try_from(own.count()).unwrap_or_default()
}

fn deployment(world: &mut World, workload: &Workload) {
    let mut revision = 1;
    for (tag, age) in &workload.history {
        let containers = tagged(workload, tag);
        let set = ReplicaSet { revision, since: *age, nodes: &[], containers: &containers };
        replica_set(world, workload, &set, None);
        revision += 1;
    }
    let since = workload.started.unwrap_or(workload.age);
    let nodes = &workload.nodes;
    let set = ReplicaSet { revision, since, nodes, containers: &workload.containers };
    replica_set(world, workload, &set, None);
    let mut containers = workload.containers.clone();
    let mut hung = None;
    if let Some(rollout) = &workload.rollout {
        revision += 1;
        containers = tagged(workload, &rollout.tag);
        let set = ReplicaSet {
            revision,
            since: rollout.since,
            nodes: &rollout.nodes,
            containers: &containers,
        };
        hung = Some((replica_set(world, workload, &set, Some(&rollout.trouble)), rollout));
    }
    let (ready, wanted) = (ready(world, workload), count(&workload.nodes));
    let clock = world.clock;
    let (made, updated) = hung.as_ref().map_or((wanted, wanted), |(_, rollout)| {
        (wanted + count(&rollout.nodes), count(&rollout.nodes))
    });
    let mut conditions = vec![condition(
        "Available",
        ready * 4 >= wanted * 3,
        &clock.text(workload.pods.values().map(|trouble| trouble.since).max().unwrap_or(since)),
        if ready * 4 >= wanted * 3 {
            ("MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        },
    )];
    let progressing = match &hung {
        Some((name, rollout)) => condition(
            "Progressing",
            false,
            &clock.text(Ago(rollout.since.0 - chrono::TimeDelta::minutes(10))),
            (
                "ProgressDeadlineExceeded",
                &format!("ReplicaSet \"{name}\" has timed out progressing."),
            ),
        ),
        None => condition(
            "Progressing",
            true,
            &clock.text(since),
            ("NewReplicaSetAvailable", "ReplicaSet has successfully progressed."),
        ),
    };
    conditions.push(progressing);
    let mut meta =
        metadata("Deployment", &workload.namespace, &workload.name, &clock.text(workload.age));
    meta["labels"] = labels(workload);
    meta["annotations"] = json!({"deployment.kubernetes.io/revision": revision.to_string()});
    meta["generation"] = (revision + 1).into();
    world.put(json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
        "spec": {
            "replicas": wanted, "selector": {"matchLabels": {NAME: workload.name}},
            "template": {
                "metadata": {"labels": labels(workload)},
                "spec": template_spec(workload, &containers),
            },
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
            },
            "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
        },
        "status": {
            "observedGeneration": revision + 1, "replicas": made, "updatedReplicas": updated,
            "readyReplicas": ready, "availableReplicas": ready,
            "unavailableReplicas": made - ready, "conditions": conditions,
        },
    }));
}

fn condition(kind: &str, holds: bool, since: &str, (reason, message): (&str, &str)) -> Value {
    json!({
        "type": kind, "status": if holds { "True" } else { "False" }, "lastUpdateTime": since,
        "lastTransitionTime": since, "reason": reason, "message": message,
    })
}

struct ReplicaSet<'w> {
    revision: u64,
    since: Ago,
    nodes: &'w [String],
    containers: &'w [Container],
}

/// Adds a `ReplicaSet` and its Pods; returns its name.
fn replica_set(
    world: &mut World,
    workload: &Workload,
    set: &ReplicaSet<'_>,
    trouble: Option<&Trouble>,
) -> String {
    let space = &workload.namespace;
    let hash = template_hash(&format!("{space}/{} {}", workload.name, set.containers[0].image));
    let name = format!("{}-{hash}", workload.name);
    let labels = with(labels(workload), "pod-template-hash", &hash);
    let spec = template_spec(workload, set.containers);
    let mut healthy = 0;
    for (at, node) in set.nodes.iter().enumerate() {
        let suffix = Dice::of(&format!("pod {space}/{name} {at}")).suffix(5);
        let trouble = trouble.or_else(|| workload.pods.get(&at));
        pod::add(
            world,
            Birth {
                workload,
                name: format!("{name}-{suffix}"),
                generated: Some(format!("{name}-")),
                owner: owner("apps/v1", "ReplicaSet", space, &name),
                labels: labels.clone(),
                spec: spec.clone(),
                node,
                created: set.since,
                trouble,
                containers: set.containers,
                claim: None,
            },
        );
        healthy += u64::from(world.pods.last().is_some_and(|pod| pod.ready));
    }
    let mut meta = metadata("ReplicaSet", space, &name, &world.clock.text(set.since));
    meta["labels"] = labels.clone();
    meta["annotations"] = json!({
        "deployment.kubernetes.io/desired-replicas": count(&workload.nodes).to_string(),
        "deployment.kubernetes.io/revision": set.revision.to_string(),
    });
    meta["ownerReferences"] = owner("apps/v1", "Deployment", space, &workload.name);
    let wanted = count(set.nodes);
    world.put(json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta,
        "spec": {
            "replicas": wanted,
            "selector": {"matchLabels": {NAME: workload.name, "pod-template-hash": hash}},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
        "status": {
            "replicas": wanted, "fullyLabeledReplicas": wanted, "readyReplicas": healthy,
            "availableReplicas": healthy, "observedGeneration": 1,
        },
    }));
    name
}

fn stateful_set(world: &mut World, workload: &Workload) {
    let space = &workload.namespace;
    let revision = format!("{}-{}", workload.name, template_hash(&workload.containers[0].image));
    let spec = template_spec(workload, &workload.containers);
    for (at, node) in workload.nodes.iter().enumerate() {
        let name = format!("{}-{at}", workload.name);
        let mut labels = with(labels(workload), "controller-revision-hash", &revision);
        labels["statefulset.kubernetes.io/pod-name"] = name.as_str().into();
        labels["apps.kubernetes.io/pod-index"] = at.to_string().into();
        let claim = workload.claim.as_ref().map(|claim| format!("{}-{name}", claim.name));
        let mut spec = spec.clone();
        spec["hostname"] = name.as_str().into();
        spec["subdomain"] = workload.name.as_str().into();
        pod::add(
            world,
            Birth {
                workload,
                name,
                generated: Some(format!("{}-", workload.name)),
                owner: owner("apps/v1", "StatefulSet", space, &workload.name),
                labels,
                spec,
                node,
                created: workload.started.unwrap_or(workload.age),
                trouble: workload.pods.get(&at),
                containers: &workload.containers,
                claim,
            },
        );
    }
    let (ready, wanted) = (ready(world, workload), count(&workload.nodes));
    let mut meta = metadata("StatefulSet", space, &workload.name, &world.clock.text(workload.age));
    meta["labels"] = labels(workload);
    let templates = workload.claim.as_ref().map(|claim| {
        json!([{
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim.name},
            "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": "gp3",
                "resources": {"requests": {"storage": claim.size}}, "volumeMode": "Filesystem",
            },
        }])
    });
    world.put(json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta,
        "spec": {
            "replicas": wanted, "selector": {"matchLabels": {NAME: workload.name}},
            "serviceName": workload.name, "podManagementPolicy": "OrderedReady",
            "template": {"metadata": {"labels": labels(workload)}, "spec": spec},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "volumeClaimTemplates": templates,
        },
        "status": {
            "observedGeneration": 1, "replicas": wanted, "readyReplicas": ready,
            "availableReplicas": ready, "currentReplicas": wanted, "updatedReplicas": wanted,
            "currentRevision": revision, "updateRevision": revision,
        },
    }));
}

fn daemon_set(world: &mut World, workload: &Workload) {
    let space = &workload.namespace;
    let spec = template_spec(workload, &workload.containers);
    let revision = template_hash(&workload.containers[0].image);
    for (at, node) in workload.nodes.iter().enumerate() {
        let suffix = Dice::of(&format!("pod {space}/{} {at}", workload.name)).suffix(5);
        let mut labels = with(labels(workload), "controller-revision-hash", &revision);
        labels["pod-template-generation"] = "1".into();
        pod::add(
            world,
            Birth {
                workload,
                name: format!("{}-{suffix}", workload.name),
                generated: Some(format!("{}-", workload.name)),
                owner: owner("apps/v1", "DaemonSet", space, &workload.name),
                labels,
                spec: spec.clone(),
                node,
                created: workload.started.unwrap_or(workload.age),
                trouble: workload.pods.get(&at),
                containers: &workload.containers,
                claim: None,
            },
        );
    }
    let (ready, wanted) = (ready(world, workload), count(&workload.nodes));
    let mut meta = metadata("DaemonSet", space, &workload.name, &world.clock.text(workload.age));
    meta["labels"] = labels(workload);
    world.put(json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta,
        "spec": {
            "selector": {"matchLabels": {NAME: workload.name}},
            "template": {"metadata": {"labels": labels(workload)}, "spec": spec},
            "updateStrategy": {
                "type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
            },
        },
        "status": {
            "currentNumberScheduled": wanted, "desiredNumberScheduled": wanted,
            "numberMisscheduled": 0, "numberReady": ready, "numberAvailable": ready,
            "numberUnavailable": wanted - ready, "updatedNumberScheduled": wanted,
            "observedGeneration": 1,
        },
    }));
}

fn static_pods(world: &mut World, workload: &Workload) {
    for node in &workload.nodes {
        let mut owner = owner("v1", "Node", "", node);
        owner[0].as_object_mut().map(|owner| owner.remove("blockOwnerDeletion"));
        pod::add(
            world,
            Birth {
                workload,
                name: format!("{}-{node}", workload.name),
                generated: None,
                owner,
                labels: json!({"component": workload.name, "tier": "control-plane"}),
                spec: template_spec(workload, &workload.containers),
                node,
                created: workload.started.unwrap_or(workload.age),
                trouble: None,
                containers: &workload.containers,
                claim: None,
            },
        );
    }
}
