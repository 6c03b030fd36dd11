//! A Pod as the API server gives it, healthy or in trouble.

use serde_json::{Map, Value, json};

use super::clock::{Ago, Clock};
use super::dice::Dice;
use super::source::{Container, Ended, Trouble, Workload};
use super::world::{self, Place, World, metadata};

/// What a controller gives each of its Pods.
pub(super) struct Birth<'w> {
    pub workload: &'w Workload,
    pub name: String,
    /// As `web-6c9f-`, if the name was made from it.
    pub generated: Option<String>,
    pub owner: Value,
    pub labels: Value,
    pub spec: Value,
    pub node: &'w str,
    pub created: Ago,
    pub trouble: Option<&'w Trouble>,
    pub containers: &'w [Container],
    /// The claim it mounts.
    pub claim: Option<String>,
}

/// The `spec` of a Pod template.
pub(super) fn template_spec(workload: &Workload, containers: &[Container]) -> Value {
    let mut volumes = Vec::new();
    let mut mounts = Vec::new();
    for (name, path) in &workload.configs {
        volumes.push(json!({"name": name, "configMap": {"name": name, "defaultMode": 420}}));
        mounts.push(json!({"name": name, "mountPath": path, "readOnly": true}));
    }
    if let Some(claim) = &workload.claim {
        mounts.push(json!({"name": claim.name, "mountPath": claim.path}));
    }
    let account = workload.account.as_deref().unwrap_or("default");
    let all: Vec<Value> = containers
        .iter()
        .enumerate()
        .map(|(at, item)| container(item, if at == 0 { &mounts } else { &[] }))
        .collect();
    let mut spec = json!({
        "containers": all, "restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst", "serviceAccountName": account, "serviceAccount": account,
        "securityContext": {}, "schedulerName": "default-scheduler",
    });
    if !workload.init.is_empty() {
        spec["initContainers"] = workload.init.iter().map(|item| container(item, &[])).collect();
    }
    if !volumes.is_empty() {
        spec["volumes"] = volumes.into();
    }
    if workload.host_network {
        spec["hostNetwork"] = true.into();
        spec["priorityClassName"] = "system-node-critical".into();
    }
    spec
}

fn container(from: &Container, mounts: &[Value]) -> Value {
    let ports: Vec<Value> = from
        .ports
        .iter()
        .map(|(name, port)| json!({"name": name, "containerPort": port, "protocol": "TCP"}))
        .collect();
    let mut env: Vec<Value> =
        from.env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    for (name, place) in &from.secrets {
        let (secret, key) = place.split_once('/').unwrap_or((place, "password"));
        let source = json!({"secretKeyRef": {"name": secret, "key": key}});
        env.push(json!({"name": name, "valueFrom": source}));
    }
    let mut body = json!({
        "name": from.name, "image": from.image, "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": from.requests, "limits": from.limits},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    });
    let refs: Vec<Value> =
        from.env_from.iter().map(|name| json!({"configMapRef": {"name": name}})).collect();
    let probe = from.probe.as_ref().zip(from.ports.keys().next()).map(|(path, port)| {
        json!({
            "httpGet": {"path": path, "port": port, "scheme": "HTTP"}, "timeoutSeconds": 1,
            "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3,
        })
    });
    let optional = [
        ("args", json!(from.args), from.args.is_empty()),
        ("ports", json!(ports), ports.is_empty()),
        ("env", json!(env), env.is_empty()),
        ("envFrom", json!(refs), refs.is_empty()),
        ("volumeMounts", json!(mounts), mounts.is_empty()),
        ("readinessProbe", json!(probe), probe.is_none()),
        ("livenessProbe", json!(probe), probe.is_none()),
    ];
    for (key, value, empty) in optional {
        if !empty {
            body[key] = value;
        }
    }
    body
}

/// Adds a Pod to the world.
pub(super) fn add(world: &mut World, birth: Birth<'_>) {
    let workload = birth.workload;
    let clock = world.clock;
    let Some(place) = world.nodes.get(birth.node).cloned() else { return };
    let ip = world.address(birth.node, workload.host_network);
    let lost = place.lost.filter(|_| birth.trouble.is_none());
    let mut meta = metadata("Pod", &workload.namespace, &birth.name, &clock.text(birth.created));
    meta["labels"] = birth.labels;
    meta["ownerReferences"] = birth.owner;
    if let Some(generated) = birth.generated {
        meta["generateName"] = generated.into();
    }
    let stays =
        matches!(workload.kind, super::source::Kind::DaemonSet | super::source::Kind::Static);
    if let Some(lost) = lost.filter(|_| !stays) {
        let evicted = Ago(lost.0 - chrono::TimeDelta::seconds(300));
        meta["deletionTimestamp"] = clock.text(evicted).into();
        meta["deletionGracePeriodSeconds"] = 30.into();
    }
    let mut spec = birth.spec;
    spec["nodeName"] = birth.node.into();
    spec["enableServiceLinks"] = true.into();
    add_volumes(&mut spec, &birth.name, birth.claim);
    let state = State { clock, trouble: birth.trouble, lost, stays, created: birth.created };
    let mut status = state.status(birth.containers, &birth.name);
    if !workload.init.is_empty() {
        status["initContainerStatuses"] =
            workload.init.iter().map(|item| state.initialized(item, &birth.name)).collect();
    }
    status["hostIP"] = place.ip.clone().into();
    status["hostIPs"] = json!([{"ip": place.ip}]);
    status["podIP"] = ip.clone().into();
    status["podIPs"] = json!([{"ip": ip}]);
    if lost.is_some() && !stays {
        status["reason"] = "NodeLost".into();
        status["message"] =
            format!("Node {} which was running pod {} is unresponsive", birth.node, birth.name)
                .into();
    }
    world.put(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status,
    }));
    let first = &birth.containers[0];
    world.pods.push(world::Pod {
        namespace: workload.namespace.clone(),
        name: birth.name,
        workload: workload.name.clone(),
        node: birth.node.to_owned(),
        ip,
        containers: birth.containers.iter().map(|item| item.name.clone()).collect(),
        port: first.ports.iter().next().map(|(name, port)| (name.clone(), *port)),
        restarts: birth.trouble.map_or(0, |trouble| trouble.restarts),
        ready: birth.trouble.is_none_or(|trouble| trouble.ready) && lost.is_none(),
        started: birth.trouble.is_none_or(|trouble| {
            trouble.waiting.as_deref().is_none_or(|reason| !reason.contains("Image"))
        }),
        created: birth.created,
        memory: first.requests.get("memory").map_or(128e6, |text| bytes(text)),
    });
}

fn add_volumes(spec: &mut Value, pod: &str, claim: Option<String>) {
    let token = format!("kube-api-access-{}", Dice::of(&format!("token {pod}")).suffix(5));
    let mut volumes = spec["volumes"].as_array().cloned().unwrap_or_default();
    if let Some(claim) = claim {
        let volume = claim.trim_end_matches(pod).trim_end_matches('-').to_owned();
        volumes.push(json!({"name": volume, "persistentVolumeClaim": {"claimName": claim}}));
    }
    volumes.push(json!({"name": token, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{
            "path": "namespace",
            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
        }]}},
    ]}}));
    spec["volumes"] = volumes.into();
    let mount = json!({
        "name": token, "readOnly": true,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    });
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        match container["volumeMounts"].as_array_mut() {
            Some(mounts) => mounts.push(mount.clone()),
            None => container["volumeMounts"] = json!([mount]),
        }
    }
}

/// How a Pod is doing.
struct State<'t> {
    clock: Clock,
    trouble: Option<&'t Trouble>,
    lost: Option<Ago>,
    stays: bool,
    created: Ago,
}

impl State<'_> {
    fn status(&self, containers: &[Container], pod: &str) -> Value {
        let sick = |item: &Container| {
            self.trouble.filter(|trouble| match &trouble.container {
                Some(name) => *name == item.name,
                None => item.name == containers[0].name,
            })
        };
        let statuses: Vec<Value> =
            containers.iter().map(|item| self.container(item, pod, sick(item))).collect();
        let unready: Vec<&str> = containers
            .iter()
            .filter(|item| sick(item).is_some_and(|trouble| !trouble.ready))
            .map(|item| item.name.as_str())
            .collect();
        let phase = self.trouble.and_then(|trouble| trouble.phase.as_deref()).unwrap_or("Running");
        json!({
            "phase": phase, "qosClass": "Burstable",
            "startTime": self.clock.text(self.created),
            "conditions": self.conditions(&unready),
            "containerStatuses": statuses,
        })
    }

    fn conditions(&self, unready: &[&str]) -> Vec<Value> {
        let born = self.clock.text(self.created);
        let mut all: Vec<Value> = ["PodReadyToStartContainers", "Initialized", "PodScheduled"]
            .into_iter()
            .map(|kind| json!({"type": kind, "status": "True", "lastTransitionTime": born}))
            .collect();
        for kind in ["ContainersReady", "Ready"] {
            let mut item = json!({"type": kind, "status": "True", "lastTransitionTime": born});
            if let Some(trouble) = self.trouble.filter(|_| !unready.is_empty()) {
                item["status"] = "False".into();
                item["lastTransitionTime"] = self.clock.text(trouble.since).into();
                item["reason"] = "ContainersNotReady".into();
                item["message"] =
                    format!("containers with unready status: [{}]", unready.join(" ")).into();
            }
            if let (Some(lost), "Ready") = (self.lost, kind) {
                item["status"] = "False".into();
                item["lastTransitionTime"] = self.clock.text(lost).into();
                item["reason"] = "NodeNotReady".into();
            }
            all.push(item);
        }
        if let Some(lost) = self.lost.filter(|_| !self.stays) {
            let evicted = Ago(lost.0 - chrono::TimeDelta::seconds(300));
            all.push(json!({
                "type": "DisruptionTarget", "status": "True",
                "lastTransitionTime": self.clock.text(evicted),
                "reason": "DeletionByTaintManager",
                "message": "Taint manager: deleting due to NoExecute taint",
            }));
        }
        for item in &mut all {
            item["lastProbeTime"] = Value::Null;
        }
        all
    }

    fn container(&self, item: &Container, pod: &str, trouble: Option<&Trouble>) -> Value {
        let mut dice = Dice::of(&format!("container {pod} {}", item.name));
        let image = item.image.split(':').next().unwrap_or_default();
        let mut status = json!({
            "name": item.name, "image": item.image, "restartCount": 0,
            "imageID": format!("{image}@sha256:{}", Dice::of(&item.image).hex(64)),
            "containerID": format!("containerd://{}", dice.hex(64)),
            "lastState": {}, "ready": true, "started": true,
            "state": {"running": {"startedAt": self.clock.text(self.created)}},
        });
        let Some(trouble) = trouble else { return status };
        status["ready"] = trouble.ready.into();
        status["restartCount"] = trouble.restarts.into();
        if let Some(last) = &trouble.last {
            status["lastState"] = json!({"terminated": self.terminated(last, &mut dice)});
        }
        if let Some(reason) = &trouble.waiting {
            status["state"] = json!({"waiting": {"reason": reason, "message": trouble.message}});
            status["started"] = false.into();
            if trouble.last.is_none() {
                status["imageID"] = "".into();
                status.as_object_mut().map(|map| map.remove("containerID"));
            }
        } else if let Some(ended) = &trouble.ended {
            status["state"] = json!({"terminated": self.terminated(ended, &mut dice)});
            status["started"] = false.into();
        } else if let Some(running) = trouble.running {
            status["state"] = json!({"running": {"startedAt": self.clock.text(running)}});
        }
        status
    }

    fn terminated(&self, ended: &Ended, dice: &mut Dice) -> Value {
        let mut body: Map<String, Value> = Map::new();
        body.insert("exitCode".into(), ended.exit.into());
        body.insert("reason".into(), ended.reason.clone().into());
        if !ended.message.is_empty() {
            body.insert("message".into(), ended.message.clone().into());
        }
        body.insert("startedAt".into(), self.clock.text(ended.from).into());
        body.insert("finishedAt".into(), self.clock.text(ended.to).into());
        body.insert("containerID".into(), format!("containerd://{}", dice.hex(64)).into());
        body.into()
    }

    fn initialized(&self, item: &Container, pod: &str) -> Value {
        let mut status = self.container(item, pod, None);
        let ended = Ended {
            reason: "Completed".to_owned(),
            exit: 0,
            message: String::new(),
            from: self.created,
            to: self.created,
        };
        let mut dice = Dice::of(&format!("init {pod} {}", item.name));
        status["state"] = json!({"terminated": self.terminated(&ended, &mut dice)});
        status
    }
}

/// `512Mi` in bytes.
pub(super) fn bytes(text: &str) -> f64 {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match &text[digits.len()..] {
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    };
    digits.parse().map_or(0.0, |number: f64| number * scale)
}

/// The place of a node is used for endpoints too.
pub(super) fn zone(place: Option<&Place>) -> String {
    place.map(|place| place.zone.clone()).unwrap_or_default()
}
