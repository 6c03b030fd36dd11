//! What belongs to the cluster as a whole: namespaces, nodes, storage classes, configuration.

use serde_json::{Value, json};

use super::clock::Ago;
use super::dice::Dice;
use super::source::{Cluster, Node};
use super::world::{World, metadata};

pub(super) fn add(world: &mut World, cluster: &Cluster) {
    for (name, age) in &cluster.namespaces {
        add_namespace(world, name, *age);
    }
    let created = world.clock.text(cluster.nodes[0].age);
    for node in &cluster.nodes {
        add_node(world, node);
    }
    for name in &cluster.storage_classes {
        let mut meta = metadata("StorageClass", "", name, &created);
        meta["annotations"] = json!({"storageclass.kubernetes.io/is-default-class": "true"});
        world.put(json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": meta,
            "provisioner": "ebs.csi.aws.com", "parameters": {"type": "gp3"},
            "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": true,
        }));
    }
    for (key, data) in &cluster.config_maps {
        let (namespace, name) = key.split_once('/').unwrap_or_default();
        world.put(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": data,
            "metadata": metadata("ConfigMap", namespace, name, &created),
        }));
        world.data.insert(key.clone(), data.clone());
    }
    for (key, kind) in &cluster.secrets {
        let (namespace, name) = key.split_once('/').unwrap_or_default();
        world.put(json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": metadata("Secret", namespace, name, &created),
        }));
    }
}

fn add_namespace(world: &mut World, name: &str, age: Ago) {
    let created = world.clock.text(age);
    let mut meta = metadata("Namespace", "", name, &created);
    meta["labels"] = json!({"kubernetes.io/metadata.name": name});
    world.put(json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": meta,
        "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
    }));
    add_account(world, name, "default", &created);
    world.put(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\n…"},
        "metadata": metadata("ConfigMap", name, "kube-root-ca.crt", &created),
    }));
}

pub(super) fn add_account(world: &mut World, namespace: &str, name: &str, created: &str) {
    world.put(json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": metadata("ServiceAccount", namespace, name, created),
    }));
}

fn add_node(world: &mut World, node: &Node) {
    let Some(place) = world.nodes.get(&node.name).cloned() else { return };
    let clock = world.clock;
    let mut dice = Dice::of(&format!("node {}", node.name));
    let mut meta = metadata("Node", "", &node.name, &clock.text(node.age));
    meta["labels"] = json!({
        "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": node.name,
        "node.kubernetes.io/instance-type": "m6i.xlarge",
        "topology.kubernetes.io/region": "eu-west-1", "topology.kubernetes.io/zone": node.zone,
    });
    meta["annotations"] = json!({
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
    });
    let mut taints: Vec<Value> = Vec::new();
    if node.control_plane {
        meta["labels"]["node-role.kubernetes.io/control-plane"] = "".into();
        taints
            .push(json!({"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}));
    }
    if let Some(lost) = node.lost {
        for effect in ["NoSchedule", "NoExecute"] {
            taints.push(json!({
                "key": "node.kubernetes.io/unreachable", "effect": effect,
                "timeAdded": clock.text(lost),
            }));
        }
    }
    let number = place.ip.rsplit('.').next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(11) - 10;
    let cidr = format!("10.244.{number}.0/24");
    let instance = dice.hex(17);
    let mut spec = json!({
        "podCIDR": cidr, "podCIDRs": [cidr],
        "providerID": format!("aws:///{}/i-{instance}", node.zone),
    });
    if !taints.is_empty() {
        spec["taints"] = taints.into();
    }
    let conditions = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"];
    world.put(json!({
        "apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec,
        "status": {
            "capacity":
                {"cpu": "4", "memory": "16086932Ki", "ephemeral-storage": "83864556Ki", "pods": "110"},
            "allocatable":
                {"cpu": "3920m", "memory": "15069588Ki", "ephemeral-storage": "76214832Ki", "pods": "110"},
            "conditions": conditions.map(|kind| condition(world, node, kind)),
            "addresses": [
                {"type": "InternalIP", "address": place.ip},
                {"type": "Hostname", "address": node.name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "machineID": dice.hex(32), "systemUUID": dice.hex(32), "bootID": dice.hex(32),
                "kernelVersion": "6.12.40", "osImage": "Debian GNU/Linux 13 (trixie)",
                "containerRuntimeVersion": "containerd://2.1.4", "kubeletVersion": "v1.34.1",
                "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64",
            },
        },
    }));
}

fn condition(world: &World, node: &Node, kind: &str) -> Value {
    let clock = world.clock;
    if let Some(lost) = node.lost {
        let heard = Ago(lost.0 + chrono::TimeDelta::seconds(40));
        return json!({
            "type": kind, "status": "Unknown", "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
            "lastHeartbeatTime": clock.text(heard), "lastTransitionTime": clock.text(lost),
        });
    }
    let (status, reason, message) = match kind {
        "Ready" => ("True", "KubeletReady", "kubelet is posting ready status"),
        "MemoryPressure" => {
            ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available")
        }
        "DiskPressure" => ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        _ => ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    };
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastHeartbeatTime": clock.text(Ago(chrono::TimeDelta::seconds(97))),
        "lastTransitionTime": clock.text(node.age),
    })
}
