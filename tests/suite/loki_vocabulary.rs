//! From an alert to the logs of its Pod, in the words of every collector that writes to a Loki.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use korrel8::client::http::HttpOptions;
use korrel8::client::loki::Loki as Client;
use korrel8::domain;
use korrel8::domain::log::LokiStore;
use korrel8::engine::{Engine, REACH, Request, Stores};
use korrel8::model::{Class, Store, Vocabulary};
use korrel8::replay::{Manifest, Recording, stores};
use korrel8::rule::RuleSet;
use serde_json::{Value, json};

use crate::ask::{ago, ask, now, scope};
use crate::fake::http::Server;
use crate::fake::loki::{Line, Loki};

/// The Pod of the alert comes first; the others have names that could be taken for its own.
const PODS: [(&str, &str); 5] = [
    ("shop", "db-0"),
    ("shop", "db-00"),
    ("shop", "web-db-0"),
    ("pay", "db-0"),
    ("kube-system", "db-0"),
];

/// How a collector tells where a line comes from.
struct Collector {
    name: &'static str,
    /// `NS` and `POD` stand for the names of namespace and Pod, here as in the line.
    labels: &'static [(&'static str, &'static str)],
    metadata: &'static [(&'static str, &'static str)],
    /// A line with the text `TEXT`.
    line: &'static str,
    /// What a Pod without lines is told.
    told: &'static str,
}

const COLLECTORS: [Collector; 11] = [
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
];

impl Collector {
    /// A server with one line of every Pod, and one of no Pod at all.
    fn loki(&self) -> Loki {
        let mut loki = Loki::new();
        for (at, (namespace, pod)) in (1..).zip(PODS) {
            let fill = |text: &str| {
                let text = text.replace("NS", namespace).replace("POD", pod);
                text.replace("TEXT", &format!("line of {namespace}/{pod}"))
            };
            let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
                pairs.iter().map(|(name, value)| ((*name).to_owned(), fill(value))).collect()
            };
            loki.lines.push(Line {
                nanos: ago(10 * at),
                text: fill(self.line),
                labels: pairs(self.labels),
                metadata: pairs(self.metadata),
            });
        }
        loki.add(ago(5), "eth0: link is up, NS and POD unknown", &[self.labels[0]]);
        loki
    }
}

fn loki_store(server: &Server) -> LokiStore {
    korrel8::client::install_tls();
    let options = HttpOptions::new("loki", &server.url, "--loki-url");
    LokiStore::new(Arc::new(Client::new(options).expect("a client")), &Vocabulary::builtin())
}

/// An engine over a cluster with the Pods, and a Loki.
fn engine(server: &Server) -> Engine {
    let domains = domain::all(&Vocabulary::builtin());
    let (rules, faults) = RuleSet::load(&domains, &RuleSet::builtin_files());
    assert!(faults.is_empty(), "the built-in rules load");
    let mut recording = Recording::new(Manifest::new(now(), "", ""));
    for (namespace, name) in PODS {
        let body = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"containers": [{"name": "C"}]},
        });
        recording.push(&Class::new("k8s", "Pod.v1"), body);
    }
    let mut all: Stores = stores(recording, &domains, "test", "test").into_iter().collect();
    all.insert("log".into(), Arc::new(loki_store(server)) as Arc<dyn Store>);
    Engine::new(domains, Arc::new(rules), all)
}

async fn check(collector: &Collector) {
    let loki = collector.loki();
    let server = Server::start(move |request| loki.answer(request)).await;
    let engine = engine(&server);
    let body = json!({
        "labels": {"alertname": "KubePodCrashLooping", "namespace": "shop", "pod": "db-0"},
        "annotations": {}, "state": "firing", "activeAt": now() - TimeDelta::minutes(20),
        "expression": "up",
    });
    let alert = engine.domains().object(&Class::new("alert", "alert"), body).expect("an alert");
    let request = Request {
        start: vec![Arc::new(alert)],
        asked: None,
        goals: vec![engine.domains().domain("log").expect("log").classes()],
        reach: REACH,
        scope: scope(1000),
        deadline: None,
    };
    let snapshot = engine.search(request).finish().await;
    let nodes = snapshot.tree.nodes.iter().filter(|node| node.class.domain() == "log");
    let mut lines: Vec<(String, String, String)> = Vec::new();
    for member in nodes.flat_map(|node| &node.members) {
        let text = |at: &str| member.object.text(at).unwrap_or_default().to_owned();
        lines.push((text("/namespace"), text("/pod"), text("/body")));
    }
    lines.dedup();
    let pods: Vec<(&str, &str)> = lines.iter().map(|(ns, pod, _)| (&**ns, &**pod)).collect();
    assert_eq!(pods, [("shop", "db-0")], "{}", collector.name);
    assert!(lines[0].2.contains("line of shop/db-0"), "{}", collector.name);
    let store = loki_store(&server);
    let nobody = "log:application:{namespace: shop, name: nobody}";
    let note = ask(&store, nobody, scope(5)).await.expect("an answer").note.expect("a note");
    assert!(note.contains(collector.told), "{}: {note}", collector.name);
    let all = ask(&store, "log:application:{}", scope(9)).await.expect("an answer");
    let of = |line: &Value| (line["namespace"] != "kube-system").then_some(line["pod"].clone());
    let pods = all.objects.iter().filter_map(|line| of(&line.body)).count();
    assert_eq!(pods, all.objects.len(), "{}: system Pods are not of the class", collector.name);
    assert!(pods >= 4, "{}: {pods} lines", collector.name);
}

#[tokio::test]
async fn an_alert_leads_to_the_logs_of_its_pod_in_every_vocabulary() {
    for collector in &COLLECTORS {
        check(collector).await;
    }
}
