//! Collectors of logs: how each tells in Loki which Pod a line is of.

use std::collections::BTreeMap;

use super::loki::{Line, Loki};

/// How a collector tells where a line comes from.
pub(crate) struct Collector {
    pub(crate) name: &'static str,
    /// `NS` and `POD` stand for the names of namespace and Pod, here as in the line.
    labels: &'static [(&'static str, &'static str)],
    metadata: &'static [(&'static str, &'static str)],
    /// A line with the text `TEXT`.
    line: &'static str,
    /// What a Pod without lines is told.
    pub(crate) told: &'static str,
}

pub(crate) const COLLECTORS: [Collector; 16] = [
    Collector {
        name: "promtail",
        labels: &[("namespace", "NS"), ("pod", "POD"), ("container", "C"), ("job", "NS/db")],
        metadata: &[],
        line: "TEXT",
        told: "labels of promtail or Alloy: namespace, pod",
    },
    Collector {
        name: "k8s-monitoring",
        labels: &[("namespace", "NS"), ("container", "C"), ("job", "NS/db")],
        metadata: &[("pod", "POD")],
        line: "TEXT",
        told: "labels of promtail or Alloy: namespace; structured metadata: pod",
    },
    Collector {
        name: "OpenShift ViaQ",
        labels: &[
            ("log_type", "application"),
            ("kubernetes_namespace_name", "NS"),
            ("kubernetes_pod_name", "POD"),
            ("kubernetes_container_name", "C"),
        ],
        metadata: &[],
        line: r#"{"message":"TEXT","kubernetes":{"pod_name":"POD","namespace_name":"NS"}}"#,
        told: "labels of OpenShift: kubernetes_namespace_name, kubernetes_pod_name",
    },
    Collector {
        name: "OpenShift OTLP",
        labels: &[
            ("openshift_log_type", "application"),
            ("k8s_namespace_name", "NS"),
            ("k8s_pod_name", "POD"),
            ("k8s_container_name", "C"),
        ],
        metadata: &[],
        line: "TEXT",
        told: "labels of OpenTelemetry: k8s_namespace_name, k8s_pod_name",
    },
    Collector {
        name: "OTel with the Pod in metadata",
        labels: &[("service_name", "db"), ("k8s_namespace_name", "NS")],
        metadata: &[("k8s_pod_name", "POD"), ("k8s_container_name", "C")],
        line: "TEXT",
        told: "labels of OpenTelemetry: k8s_namespace_name; structured metadata: k8s_pod_name",
    },
    Collector {
        name: "OTel with all in metadata",
        labels: &[("service_name", "db")],
        metadata: &[("k8s_namespace_name", "NS"), ("k8s_pod_name", "POD")],
        line: "TEXT",
        told: "structured metadata of OpenTelemetry: k8s_namespace_name, k8s_pod_name",
    },
    Collector {
        name: "OTel as JSON",
        labels: &[("exporter", "OTLP"), ("job", "db")],
        metadata: &[],
        line: r#"{"body":"TEXT","resources":{"k8s.pod.name":"POD","k8s.namespace.name":"NS"}}"#,
        told: "JSON fields of OpenTelemetry: resources",
    },
    Collector {
        name: "Fluent Bit",
        labels: &[("job", "fluentbit")],
        metadata: &[],
        line: r#"{"log":"TEXT","kubernetes":{"pod_name":"POD","namespace_name":"NS","container_name":"C"}}"#,
        told: "JSON fields of Fluent Bit: kubernetes.namespace_name, kubernetes.pod_name",
    },
    Collector {
        name: "Fluent Bit with a label for the namespace",
        labels: &[("namespace", "NS")],
        metadata: &[],
        line: r#"{"log":"TEXT","kubernetes":{"pod_name":"POD","namespace_name":"NS"}}"#,
        told: "namespace; JSON fields: kubernetes.pod_name",
    },
    Collector {
        name: "Vector",
        labels: &[("source", "vector")],
        metadata: &[],
        line: r#"{"message":"TEXT","kubernetes":{"pod_name":"POD","pod_namespace":"NS"}}"#,
        told: "JSON fields of Vector: kubernetes.pod_namespace, kubernetes.pod_name",
    },
    Collector {
        name: "old annotations",
        labels: &[("kubernetes_namespace", "NS"), ("kubernetes_pod_name", "POD")],
        metadata: &[],
        line: "TEXT",
        told: "kubernetes_namespace, kubernetes_pod_name",
    },
    Collector {
        name: "promtail without labels of Pods",
        labels: &[("filename", "/var/log/pods/NS_POD_0a1b-2c/C/0.log"), ("job", "kubernetes")],
        metadata: &[],
        line: "TEXT",
        told: "paths of files: filename",
    },
    Collector {
        name: "paths of containers, with a label for the namespace",
        labels: &[("namespace", "NS"), ("filename", "/var/log/containers/POD_NS_C-0a1b2c.log")],
        metadata: &[],
        line: "TEXT",
        told: "labels of promtail or Alloy: namespace; paths of files: filename",
    },
    Collector {
        name: "OTel filelog without attributes of Kubernetes",
        labels: &[("service_name", "unknown_service")],
        metadata: &[("log_file_path", "/var/log/pods/NS_POD_0a1b-2c/C/0.log")],
        line: "TEXT",
        told: "paths of files: log_file_path",
    },
    Collector {
        name: "Fluent Bit without its Kubernetes filter",
        labels: &[("job", "fluentbit")],
        metadata: &[],
        line: r#"{"log":"TEXT","filename":"/var/log/containers/POD_NS_C-0a1b2c.log"}"#,
        told: "paths of files: filename",
    },
    Collector {
        name: "an old promtail, which names the namespace in its job",
        labels: &[("job", "NS/db"), ("pod", "POD")],
        metadata: &[],
        line: "TEXT",
        told: "labels: job, pod",
    },
];

impl Collector {
    /// Adds a line of a Pod.
    pub(crate) fn write(&self, loki: &mut Loki, nanos: i64, pod: (&str, &str), text: &str) {
        let text = if self.line.starts_with('{') {
            text.replace('\\', r"\\").replace('"', r#"\""#)
        } else {
            text.to_owned()
        };
        let fill =
            |own: &str| own.replace("NS", pod.0).replace("POD", pod.1).replace("TEXT", &text);
        let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), fill(value))).collect()
        };
        loki.lines.push(Line {
            nanos,
            text: fill(self.line),
            labels: pairs(self.labels),
            metadata: pairs(self.metadata),
        });
    }

    /// Adds a line of no Pod.
    pub(crate) fn write_other(&self, loki: &mut Loki, nanos: i64) {
        loki.add(nanos, "eth0: link is up, NS and POD unknown", &[self.labels[0]]);
    }
}
