//! What stands around a workload: its Service, claims, autoscaler, budget, network policy.

use serde_json::{Value, json};

use super::dice::{Dice, uid};
use super::source::{Claim, Ingress, Scaler, Workload};
use super::workload::labels;
use super::world::{World, metadata, owner};
use super::{clock::Ago, pod::zone};

pub(super) fn add(world: &mut World, workload: &Workload) {
    if let Some(style) = &workload.service {
        service(world, workload, style == "headless");
        endpoint_slice(world, workload);
    }
    if let Some(claim) = &workload.claim {
        for at in 0..workload.nodes.len() {
            volume(world, workload, claim, at);
        }
    }
    if let Some(scaler) = &workload.scaler {
        autoscaler(world, workload, scaler);
    }
    if let Some(most) = workload.budget {
        budget(world, workload, most);
    }
    if !workload.allow.is_empty() {
        network_policy(world, workload);
    }
}

fn own(world: &World, workload: &Workload, kind: &str, name: &str) -> Value {
    metadata(kind, &workload.namespace, name, &world.clock.text(workload.age))
}

fn selector(workload: &Workload) -> Value {
    json!({"app.kubernetes.io/name": workload.name})
}

fn service(world: &mut World, workload: &Workload, headless: bool) {
    let ports: Vec<Value> = workload.containers[0]
        .ports
        .iter()
        .map(|(name, port)| {
            json!({"name": name, "port": port, "targetPort": name, "protocol": "TCP"})
        })
        .collect();
    let mut dice = Dice::of(&format!("service {}/{}", workload.namespace, workload.name));
    let address = if headless {
        "None".to_owned()
    } else {
        format!("10.96.{}.{}", dice.below(250) + 1, dice.below(250) + 1)
    };
    let mut meta = own(world, workload, "Service", &workload.name);
    meta["labels"] = labels(workload);
    world.put(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": meta,
        "spec": {
            "type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "ports": ports,
            "selector": selector(workload), "sessionAffinity": "None", "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
        },
        "status": {"loadBalancer": {}},
    }));
}

fn endpoint_slice(world: &mut World, workload: &Workload) {
    let space = &workload.namespace;
    let suffix = Dice::of(&format!("slice {space}/{}", workload.name)).suffix(5);
    let pods = world.find(&format!("{space}/{}", workload.name));
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|pod| {
            json!({
                "addresses": [pod.ip], "nodeName": pod.node,
                "zone": zone(world.nodes.get(&pod.node)),
                "conditions": {"ready": pod.ready, "serving": pod.ready, "terminating": false},
                "targetRef": {
                    "kind": "Pod", "namespace": space, "name": pod.name,
                    "uid": uid("Pod", space, &pod.name),
                },
            })
        })
        .collect();
    let ports: Vec<Value> = workload.containers[0]
        .ports
        .iter()
        .map(|(name, port)| json!({"name": name, "port": port, "protocol": "TCP"}))
        .collect();
    let name = format!("{}-{suffix}", workload.name);
    let mut meta = own(world, workload, "EndpointSlice", &name);
    meta["generateName"] = format!("{}-", workload.name).into();
    meta["labels"] = labels(workload);
    meta["labels"]["kubernetes.io/service-name"] = workload.name.as_str().into();
    meta["labels"]["endpointslice.kubernetes.io/managed-by"] =
        "endpointslice-controller.k8s.io".into();
    meta["ownerReferences"] = owner("v1", "Service", space, &workload.name);
    world.put(json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta,
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
    }));
}

fn volume(world: &mut World, workload: &Workload, claim: &Claim, at: usize) {
    let space = &workload.namespace;
    let name = format!("{}-{}-{at}", claim.name, workload.name);
    let claim_uid = uid("PersistentVolumeClaim", space, &name);
    let volume = format!("pvc-{claim_uid}");
    let mut meta = own(world, workload, "PersistentVolumeClaim", &name);
    meta["labels"] = selector(workload);
    meta["finalizers"] = json!(["kubernetes.io/pvc-protection"]);
    meta["annotations"] = json!({
        "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
        "volume.kubernetes.io/selected-node": workload.nodes[at],
        "volume.kubernetes.io/storage-provisioner": "ebs.csi.aws.com",
    });
    world.put(json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta,
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "gp3", "volumeName": volume,
            "resources": {"requests": {"storage": claim.size}}, "volumeMode": "Filesystem",
        },
        "status": {
            "phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": claim.size},
        },
    }));
    let created = world.clock.text(workload.age);
    let mut meta = metadata("PersistentVolume", "", &volume, &created);
    meta["finalizers"] =
        json!(["kubernetes.io/pv-protection", "external-attacher/ebs-csi-aws-com"]);
    meta["annotations"] = json!({"pv.kubernetes.io/provisioned-by": "ebs.csi.aws.com"});
    let handle = format!("vol-{}", Dice::of(&volume).hex(17));
    world.put(json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta,
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": claim.size},
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": space,
                "name": name, "uid": claim_uid,
            },
            "csi": {"driver": "ebs.csi.aws.com", "fsType": "ext4", "volumeHandle": handle},
            "persistentVolumeReclaimPolicy": "Delete", "storageClassName": "gp3",
            "volumeMode": "Filesystem",
        },
        "status": {"phase": "Bound", "lastPhaseTransitionTime": created},
    }));
}

fn autoscaler(world: &mut World, workload: &Workload, scaler: &Scaler) {
    let replicas = workload.nodes.len();
    let clock = world.clock;
    let meta = own(world, workload, "HorizontalPodAutoscaler", &workload.name);
    let limited = u32::try_from(replicas).is_ok_and(|replicas| replicas == scaler.max);
    let condition = |kind: &str, holds: bool, reason: &str, message: &str| {
        json!({
            "type": kind, "status": if holds { "True" } else { "False" }, "reason": reason,
            "message": message, "lastTransitionTime": clock.text(scaler.scaled),
        })
    };
    let (why, words) = if limited {
        ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
    } else {
        ("DesiredWithinRange", "the desired count is within the acceptable range")
    };
    let cpu = |value: Value| json!({"type": "Resource", "resource": value});
    world.put(json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta,
        "spec": {
            "scaleTargetRef":
                {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload.name},
            "minReplicas": scaler.min, "maxReplicas": scaler.max,
            "metrics": [cpu(json!({
                "name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": scaler.target},
            }))],
        },
        "status": {
            "currentReplicas": replicas, "desiredReplicas": replicas,
            "lastScaleTime": clock.text(scaler.scaled),
            "currentMetrics": [cpu(json!({
                "name": "cpu",
                "current": {
                    "averageUtilization": scaler.current,
                    "averageValue": format!("{}m", scaler.current * 5),
                },
            }))],
            "conditions": [
                condition("AbleToScale", true, "ReadyForNewScale",
                    "recommended size matches current size"),
                condition("ScalingActive", true, "ValidMetricFound",
                    "the HPA was able to successfully calculate a replica count from cpu \
                     resource utilization (percentage of request)"),
                condition("ScalingLimited", limited, why, words),
            ],
        },
    }));
}

fn budget(world: &mut World, workload: &Workload, most: u32) {
    let pods = world.find(&format!("{}/{}", workload.namespace, workload.name));
    let healthy = pods.iter().filter(|pod| pod.ready).count();
    let expected = workload.nodes.len();
    let desired = expected.saturating_sub(most.try_into().unwrap_or(usize::MAX));
    let allowed = healthy.saturating_sub(desired);
    let meta = own(world, workload, "PodDisruptionBudget", &workload.name);
    let (status, reason) =
        if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    world.put(json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta,
        "spec": {"maxUnavailable": most, "selector": {"matchLabels": selector(workload)}},
        "status": {
            "currentHealthy": healthy, "desiredHealthy": desired, "expectedPods": expected,
            "disruptionsAllowed": allowed, "observedGeneration": 1,
            "conditions": [{
                "type": "DisruptionAllowed", "status": status, "reason": reason, "message": "",
                "lastTransitionTime": world.clock.text(workload.started.unwrap_or(workload.age)),
            }],
        },
    }));
}

fn network_policy(world: &mut World, workload: &Workload) {
    let from: Vec<Value> = workload
        .allow
        .iter()
        .map(|name| {
            json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}})
        })
        .collect();
    let meta = own(world, workload, "NetworkPolicy", &workload.name);
    world.put(json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta,
        "spec": {
            "podSelector": {"matchLabels": selector(workload)}, "policyTypes": ["Ingress"],
            "ingress": [{"from": from}],
        },
    }));
}

/// Adds the Ingresses, which all belong to the class `nginx`.
pub(super) fn add_ingresses(world: &mut World, ingresses: &[Ingress]) {
    let created = world.clock.text(Ago(chrono::TimeDelta::days(213)));
    for ingress in ingresses {
        let paths: Vec<Value> = ingress
            .paths
            .iter()
            .map(|(path, service)| {
                json!({
                    "path": path, "pathType": "Prefix",
                    "backend": {"service": {"name": service, "port": {"name": "http"}}},
                })
            })
            .collect();
        let mut meta = metadata("Ingress", &ingress.namespace, &ingress.name, &created);
        meta["annotations"] = json!({"nginx.ingress.kubernetes.io/proxy-body-size": "8m"});
        world.put(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta,
            "spec": {
                "ingressClassName": "nginx",
                "tls": [{"hosts": [ingress.host], "secretName": format!("{}-tls", ingress.name)}],
                "rules": [{"host": ingress.host, "http": {"paths": paths}}],
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "10.10.0.200"}]}},
        }));
    }
}
