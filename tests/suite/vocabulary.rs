//! One thing, many labels: what Kubernetes things are called in alerts, logs and traces, by who
//! wrote them, and that the vocabulary and the rules understand each name.

use std::collections::BTreeSet;

use chrono::DateTime;
use korrel8::domain;
use korrel8::model::{Class, Vocabulary};
use korrel8::rule::{Applied, RuleSet};
use serde_json::{Map, Value, json};

/// A term, the kind of carrier, and the names that it has there.
const NAMES: [(&str, &str, &[&str]); 40] = [
    (
        "namespace",
        "alert",
        &[
            "namespace",
            "exported_namespace",
            "resource_namespace",
            "destination_workload_namespace",
            "destination_service_namespace",
            "claim_namespace",
            "kubernetes_namespace",
            "k8s.namespace.name",
            "k8s_namespace_name",
        ],
    ),
    (
        "namespace",
        "log",
        &["namespace", "kubernetes_namespace_name", "k8s_namespace_name", "k8s.namespace.name"],
    ),
    ("namespace", "json", &["kubernetes.namespace_name"]),
    ("namespace", "trace", &["k8s.namespace.name"]),
    (
        "pod",
        "alert",
        &["pod", "pod_name", "exported_pod", "kubernetes_pod_name", "k8s.pod.name", "k8s_pod_name"],
    ),
    ("pod", "log", &["pod", "kubernetes_pod_name", "k8s_pod_name", "k8s.pod.name"]),
    ("pod", "json", &["kubernetes.pod_name"]),
    ("pod", "trace", &["k8s.pod.name"]),
    (
        "container",
        "alert",
        &["container", "container_name", "exported_container", "k8s_container_name"],
    ),
    (
        "container",
        "log",
        &["container", "kubernetes_container_name", "k8s_container_name", "container.name"],
    ),
    ("container", "json", &["kubernetes.container_name"]),
    ("container", "trace", &["k8s.container.name", "container.name"]),
    (
        "node",
        "alert",
        &[
            "node",
            "exported_node",
            "nodename",
            "kubernetes_io_hostname",
            "kubernetes.io/hostname",
            "hostname",
            "kubernetes_node",
            "k8s_node_name",
        ],
    ),
    ("node", "log", &["node_name", "kubernetes_host", "k8s_node_name", "k8s.node.name"]),
    ("node", "json", &["kubernetes.host"]),
    ("node", "trace", &["k8s.node.name"]),
    ("address", "alert", &["instance", "exported_instance", "pod_ip", "host_ip", "internal_ip"]),
    ("path", "log", &["filename", "path", "log.file.path"]),
    ("deployment", "alert", &["deployment", "k8s.deployment.name", "k8s_deployment_name"]),
    ("deployment", "log", &["k8s_deployment_name"]),
    ("deployment", "trace", &["k8s.deployment.name"]),
    ("replicaset", "alert", &["replicaset", "k8s_replicaset_name"]),
    ("replicaset", "trace", &["k8s.replicaset.name"]),
    ("statefulset", "alert", &["statefulset", "k8s_statefulset_name"]),
    ("statefulset", "trace", &["k8s.statefulset.name"]),
    ("daemonset", "alert", &["daemonset", "k8s_daemonset_name"]),
    ("daemonset", "trace", &["k8s.daemonset.name"]),
    ("job", "alert", &["job_name", "k8s_job_name"]),
    ("job", "log", &["k8s_job_name"]),
    ("job", "trace", &["k8s.job.name"]),
    ("cronjob", "alert", &["cronjob", "k8s_cronjob_name"]),
    ("cronjob", "trace", &["k8s.cronjob.name"]),
    ("hpa", "alert", &["horizontalpodautoscaler", "hpa", "k8s.hpa.name"]),
    ("pdb", "alert", &["poddisruptionbudget"]),
    ("quota", "alert", &["resourcequota", "k8s.resourcequota.name"]),
    ("pvc", "alert", &["persistentvolumeclaim", "k8s.persistentvolumeclaim.name"]),
    ("pv", "alert", &["persistentvolume", "volumename", "k8s.persistentvolume.name"]),
    (
        "service",
        "alert",
        &["service", "exported_service", "destination_service_name", "k8s.service.name"],
    ),
    ("service", "trace", &["service.name"]),
    ("ingress", "alert", &["ingress", "exported_ingress"]),
];

#[test]
fn every_name_of_a_thing_is_understood() {
    let words = Vocabulary::builtin();
    for (term, carrier, names) in NAMES {
        for name in names {
            if carrier == "json" {
                let known = words.names("json", term).iter().any(|known| known == name);
                assert!(known, "{term} in {name}");
                continue;
            }
            let labels = Map::from_iter([((*name).to_owned(), json!("x"))]);
            assert_eq!(words.read(carrier, term, &labels), Some("x"), "{term} in {name}");
        }
    }
}

#[test]
fn names_that_mean_something_else_are_no_subject() {
    let words = Vocabulary::builtin();
    for (term, name) in [
        // Where the Ingress controller runs, and where an Application is deployed to.
        ("namespace", "controller_namespace"),
        ("namespace", "dest_namespace"),
        ("namespace", "source_workload_namespace"),
        ("pod", "controller_pod"),
        // The scrape job, the name of an application, a port.
        ("job", "job"),
        ("service", "service_name"),
        ("service", "service.name"),
        ("service", "endpoint"),
        ("quota", "resource"),
    ] {
        let labels = Map::from_iter([(name.to_owned(), json!("x"))]);
        assert_eq!(words.read("alert", term, &labels), None, "{term} in {name}");
    }
}

/// Labels whose value has to be taken apart, or that mean something beside another: the labels,
/// the expression, and the query that a rule makes of them.
const SUBJECTS: [(&str, &str, &str); 21] = [
    (
        "{kubernetes_namespace: shop, kubernetes_pod_name: db-0}",
        "",
        "k8s:Pod.v1:{namespace: shop, name: db-0}",
    ),
    (
        "{k8s.namespace.name: shop, k8s.pod.name: db-0}",
        "",
        "k8s:Pod.v1:{namespace: shop, name: db-0}",
    ),
    (
        "{path: /var/log/pods/shop_db-0_6f1c9d1e-3b5a-4c1d-9a55-0123456789ab/db/0.log}",
        "",
        "k8s:Pod.v1:{namespace: shop, name: db-0}",
    ),
    ("{namespace: mon, instance: 'db-0:db:http'}", "", "k8s:Pod.v1:{namespace: mon, name: db-0}"),
    (
        "{namespace: shop, owner_kind: ReplicaSet, owner_name: web-5c}",
        "kube_pod_owner",
        "k8s:ReplicaSet.v1.apps:{namespace: shop, name: web-5c}",
    ),
    (
        "{namespace: shop, owner_kind: DaemonSet, owner_name: agent}",
        "kube_pod_owner",
        "k8s:DaemonSet.v1.apps:{namespace: shop, name: agent}",
    ),
    (
        "{namespace: shop, owner_kind: Deployment, owner_name: web}",
        "kube_replicaset_owner",
        "k8s:Deployment.v1.apps:{namespace: shop, name: web}",
    ),
    (
        "{namespace: shop, owner_kind: CronJob, owner_name: backup}",
        "kube_job_owner",
        "k8s:CronJob.v1.batch:{namespace: shop, name: backup}",
    ),
    (
        "{namespace: shop, created_by_kind: StatefulSet, created_by_name: db}",
        "kube_pod_info",
        "k8s:StatefulSet.v1.apps:{namespace: shop, name: db}",
    ),
    (
        "{namespace: shop, created_by_kind: Job, created_by_name: migrate}",
        "kube_pod_info",
        "k8s:Job.v1.batch:{namespace: shop, name: migrate}",
    ),
    (
        "{namespace: shop, workload: web, workload_type: deployment}",
        "",
        "k8s:Deployment.v1.apps:{namespace: shop, name: web}",
    ),
    (
        "{namespace: shop, scaletargetref_kind: Deployment, scaletargetref_name: web}",
        "kube_horizontalpodautoscaler_info",
        "k8s:Deployment.v1.apps:{namespace: shop, name: web}",
    ),
    (
        "{destination_workload: web, destination_workload_namespace: shop}",
        "istio_requests_total",
        "k8s:Deployment.v1.apps:{namespace: shop, name: web}",
    ),
    (
        "{destination_service: web.shop.svc.cluster.local}",
        "istio_requests_total",
        "k8s:Service.v1:{namespace: shop, name: web}",
    ),
    (
        "{name: data, claim_namespace: shop, persistentvolume: pv-1}",
        "kube_persistentvolume_claim_ref",
        "k8s:PersistentVolumeClaim.v1:{namespace: shop, name: data}",
    ),
    (
        "{namespace: shop, persistentvolumeclaim: data}",
        "kubelet_volume_stats_available_bytes",
        "k8s:PersistentVolumeClaim.v1:{namespace: shop, name: data}",
    ),
    (
        "{namespace: shop, hpa: web}",
        "kube_hpa_status_condition",
        "k8s:HorizontalPodAutoscaler.v2.autoscaling:{namespace: shop, name: web}",
    ),
    (
        "{namespace: shop, resourcequota: q, resource: pods}",
        "kube_resourcequota",
        "k8s:ResourceQuota.v1:{namespace: shop, name: q}",
    ),
    (
        "{ingress: web, exported_namespace: shop, namespace: nginx, controller_pod: nginx-0}",
        "nginx_ingress_controller_requests",
        "k8s:Ingress.v1.networking.k8s.io:{namespace: shop, name: web}",
    ),
    (
        "{namespace: shop, endpoint: web}",
        "kube_endpoint_address_not_ready",
        "k8s:Service.v1:{namespace: shop, name: web}",
    ),
    (
        "{namespace: shop, service_name: web}",
        "kube_ingress_path",
        "k8s:Service.v1:{namespace: shop, name: web}",
    ),
];

#[test]
fn labels_that_mean_something_together_lead_to_their_subject() {
    let domains = domain::all(&Vocabulary::builtin());
    let (rules, _) = RuleSet::load(&domains, &RuleSet::builtin_files());
    let mut missed = Vec::new();
    for (labels, expression, expected) in SUBJECTS {
        let labels: Value = serde_saphyr::from_str(labels).expect("labels");
        let body = json!({
            "labels": labels, "annotations": {}, "state": "firing", "expression": expression,
            "activeAt": DateTime::from_timestamp(1_795_398_881, 0),
        });
        let alert = domains.object(&Class::new("alert", "alert"), body).expect("an alert");
        let view = rules.view(&alert);
        let mut made = BTreeSet::new();
        for rule in rules.starting_at(&alert.class) {
            if let Applied::Queries(queries) = rules.apply(rule, &view) {
                made.extend(queries.steps().flat_map(|step| step.iter().cloned()));
            }
        }
        let wanted = domains.query(expected).expect("a query");
        if !made.contains(&wanted) {
            let shown: Vec<String> = made.iter().map(ToString::to_string).collect();
            missed.push(format!("{labels}: {wanted} is not in {shown:#?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
