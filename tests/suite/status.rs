//! How bad things are: `rules/status.yaml` on status blocks of real clusters.

use korrel8::domain;
use korrel8::model::{Severity, Vocabulary};
use korrel8::rule::RuleSet;
use serde_json::{Value, json};

/// Class, body, severity, word.
type Row = (&'static str, Value, Severity, &'static str);

fn check(rows: Vec<Row>) {
    let domains = domain::all(&Vocabulary::builtin());
    let (set, faults) = RuleSet::load(&domains, &RuleSet::builtin_files());
    assert_eq!(faults, []);
    for (class, body, severity, word) in rows {
        let class = domains.class(class).expect(class);
        let shown = body.to_string();
        let mut object = domains.object(&class, body).expect("an object");
        set.judge(&mut object);
        assert_eq!((object.severity, object.status.as_str()), (severity, word), "{class} {shown}");
    }
}

fn pod(status: &Value) -> Value {
    json!({"metadata": {"namespace": "shop", "name": "web-1"}, "status": status})
}

fn ready(status: &str, reason: &str) -> Value {
    json!([{"type": "PodScheduled", "status": "True"},
           {"type": "Ready", "status": status, "reason": reason}])
}

fn conditions(kind: &str, status: &str, reason: &str) -> Value {
    json!({"status": {"conditions": [{"type": kind, "status": status, "reason": reason}]}})
}

#[test]
fn pods() {
    let row = |status: Value, severity, word| ("k8s:Pod", pod(&status), severity, word);
    check(vec![
        row(
            json!({"phase": "Running", "conditions": ready("False", "ContainersNotReady"),
                "containerStatuses": [{"name": "ledger", "ready": false, "restartCount": 11,
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
                    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}),
            Severity::Error,
            "CrashLoopBackOff",
        ),
        row(
            json!({"phase": "Running", "conditions": ready("False", "ContainersNotReady"),
                "containerStatuses": [{"name": "postgres", "ready": false, "restartCount": 3,
                    "state": {"running": {"startedAt": "2026-11-23T01:45:46Z"}},
                    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}),
            Severity::Error,
            "Error",
        ),
        row(
            json!({"phase": "Running", "conditions": ready("True", ""),
                "containerStatuses": [{"name": "recommender", "ready": true, "restartCount": 6,
                    "state": {"running": {"startedAt": "2026-11-23T01:51:41Z"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}),
            Severity::Warning,
            "OOMKilled",
        ),
        row(
            json!({"phase": "Running", "containerStatuses": [{"name": "a", "ready": false, "restartCount": 1,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"reason": "OOMKilled"}}}]}),
            Severity::Error,
            "OOMKilled",
        ),
        row(
            json!({"phase": "Pending", "conditions": ready("False", "ContainersNotReady"),
                "containerStatuses": [{"name": "web", "restartCount": 0, "lastState": {},
                    "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}),
            Severity::Error,
            "ImagePullBackOff",
        ),
        row(
            json!({"phase": "Pending", "initContainerStatuses": [{"name": "init",
                "state": {"waiting": {"reason": "CreateContainerConfigError"}}}],
                "containerStatuses": [{"name": "web",
                    "state": {"waiting": {"reason": "PodInitializing"}}}]}),
            Severity::Error,
            "Init:CreateContainerConfigError",
        ),
        row(
            json!({"phase": "Pending", "containerStatuses": [{"name": "web",
                "state": {"waiting": {"reason": "ContainerCreating"}}}]}),
            Severity::Info,
            "ContainerCreating",
        ),
        row(
            json!({"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}),
            Severity::Warning,
            "Unschedulable",
        ),
        row(
            json!({"phase": "Running", "reason": "NodeLost",
                "conditions": ready("False", "NodeNotReady")}),
            Severity::Error,
            "NodeLost",
        ),
        row(json!({"phase": "Failed", "reason": "Evicted"}), Severity::Error, "Evicted"),
        row(json!({"phase": "Unknown"}), Severity::Error, "Unknown"),
        row(
            json!({"phase": "Failed", "conditions": ready("False", "PodFailed"),
                "containerStatuses": [{"name": "reconcile", "restartCount": 0,
                    "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}]}),
            Severity::Error,
            "Error",
        ),
        row(
            json!({"phase": "Succeeded", "conditions": ready("False", "PodCompleted"),
                "containerStatuses": [{"name": "job", "restartCount": 5,
                    "state": {"terminated": {"exitCode": 0, "reason": "Completed"}},
                    "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}),
            Severity::None,
            "Succeeded",
        ),
        row(
            json!({"phase": "Running", "conditions": ready("True", ""),
                "containerStatuses": [{"name": "web", "ready": true, "restartCount": 5,
                    "lastState": {}, "state": {"running": {}}}]}),
            Severity::Info,
            "5 restarts",
        ),
        row(
            json!({"phase": "Running", "conditions": ready("True", ""),
                "containerStatuses": [{"name": "web", "ready": false, "restartCount": 5,
                    "lastState": {}, "state": {"running": {}}}]}),
            Severity::Warning,
            "5 restarts",
        ),
        row(
            json!({"phase": "Running", "conditions": ready("True", ""),
                "containerStatuses": [{"name": "web", "restartCount": 0, "lastState": {},
                    "state": {"running": {}}}]}),
            Severity::None,
            "Running",
        ),
        (
            "k8s:Pod",
            json!({"metadata": {"name": "web-1", "deletionTimestamp": "2026-11-23T01:41:27Z"},
                "status": {"phase": "Running"}}),
            Severity::Info,
            "Terminating",
        ),
    ]);
}

#[test]
fn workloads() {
    check(vec![
        (
            "k8s:Deployment",
            json!({"status": {"replicas": 4, "unavailableReplicas": 1, "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}}),
            Severity::Error,
            "ProgressDeadlineExceeded",
        ),
        (
            "k8s:Deployment",
            conditions("Available", "False", "MinimumReplicasUnavailable"),
            Severity::Error,
            "MinimumReplicasUnavailable",
        ),
        (
            "k8s:Deployment",
            conditions("ReplicaFailure", "True", "FailedCreate"),
            Severity::Error,
            "FailedCreate",
        ),
        (
            "k8s:Deployment",
            conditions("Available", "True", "MinimumReplicasAvailable"),
            Severity::None,
            "",
        ),
        (
            "k8s:StatefulSet",
            json!({"spec": {"replicas": 2}, "status": {"replicas": 2, "readyReplicas": 1}}),
            Severity::Warning,
            "1 ready",
        ),
        (
            "k8s:ReplicaSet",
            json!({"spec": {"replicas": 1}, "status": {"replicas": 1}}),
            Severity::Warning,
            "0 ready",
        ),
        (
            "k8s:ReplicaSet",
            json!({"spec": {"replicas": 0}, "status": {"replicas": 0}}),
            Severity::None,
            "",
        ),
        (
            "k8s:DaemonSet",
            json!({"status": {"numberMisscheduled": 0, "numberUnavailable": 1}}),
            Severity::Warning,
            "1 unavailable",
        ),
        (
            "k8s:Job",
            json!({"status": {"failed": 2, "conditions": [
                {"type": "FailureTarget", "status": "True", "reason": "BackoffLimitExceeded"},
                {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}),
            Severity::Error,
            "BackoffLimitExceeded",
        ),
        (
            "k8s:Job",
            json!({"status": {"failed": 1, "conditions": [{"type": "Complete", "status": "True"}]}}),
            Severity::None,
            "Complete",
        ),
        ("k8s:CronJob", json!({"spec": {"suspend": true}}), Severity::Info, "Suspended"),
        (
            "k8s:HorizontalPodAutoscaler",
            conditions("ScalingLimited", "True", "TooManyReplicas"),
            Severity::Warning,
            "TooManyReplicas",
        ),
        (
            "k8s:HorizontalPodAutoscaler",
            conditions("ScalingLimited", "True", "TooFewReplicas"),
            Severity::None,
            "",
        ),
        (
            "k8s:HorizontalPodAutoscaler",
            conditions("AbleToScale", "False", "FailedGetScale"),
            Severity::Error,
            "FailedGetScale",
        ),
        (
            "k8s:PodDisruptionBudget",
            json!({"status": {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 2}}),
            Severity::Warning,
            "1 healthy",
        ),
    ]);
}

#[test]
fn the_rest_of_the_cluster() {
    check(vec![
        (
            "k8s:Node",
            conditions("Ready", "Unknown", "NodeStatusUnknown"),
            Severity::Error,
            "NotReady",
        ),
        ("k8s:Node", conditions("Ready", "True", "KubeletReady"), Severity::None, "Ready"),
        (
            "k8s:Node",
            conditions("DiskPressure", "True", "KubeletHasDiskPressure"),
            Severity::Warning,
            "DiskPressure",
        ),
        (
            "k8s:Node",
            conditions("NetworkUnavailable", "True", "NoRoute"),
            Severity::Error,
            "NetworkUnavailable",
        ),
        (
            "k8s:Node",
            json!({"spec": {"unschedulable": true}}),
            Severity::Info,
            "SchedulingDisabled",
        ),
        (
            "k8s:PersistentVolumeClaim",
            json!({"status": {"phase": "Pending"}}),
            Severity::Warning,
            "Pending",
        ),
        (
            "k8s:PersistentVolumeClaim",
            json!({"status": {"phase": "Lost"}}),
            Severity::Error,
            "Lost",
        ),
        (
            "k8s:PersistentVolumeClaim",
            json!({"status": {"phase": "Bound", "conditions": [
                {"type": "FileSystemResizePending", "status": "True"}]}}),
            Severity::Info,
            "FileSystemResizePending",
        ),
        (
            "k8s:PersistentVolume",
            json!({"status": {"phase": "Released"}}),
            Severity::Warning,
            "Released",
        ),
        ("k8s:PersistentVolume", json!({"status": {"phase": "Bound"}}), Severity::None, "Bound"),
        (
            "k8s:PostgresCluster.v1.db.shop.example",
            conditions("Ready", "False", "DiskFull"),
            Severity::Warning,
            "DiskFull",
        ),
        (
            "k8s:APIService",
            conditions("Available", "False", "MissingEndpoints"),
            Severity::Error,
            "MissingEndpoints",
        ),
        (
            "k8s:Event",
            json!({"type": "Warning", "reason": "FailedMount"}),
            Severity::Warning,
            "FailedMount",
        ),
        ("k8s:Event", json!({"type": "Normal", "reason": "Pulled"}), Severity::None, "Pulled"),
    ]);
}

#[test]
fn alerts_and_logs() {
    let alert = |severity: &str, state: &str| json!({"labels": {"alertname": "X", "severity": severity}, "state": state});
    let line = |level: &str| json!({"level": level, "body": "x"});
    check(vec![
        ("alert:alert", alert("critical", "firing"), Severity::Error, "critical"),
        ("alert:alert", alert("Page", "firing"), Severity::Error, "Page"),
        ("alert:alert", alert("warning", "firing"), Severity::Warning, "warning"),
        ("alert:alert", alert("info", "firing"), Severity::Info, "info"),
        ("alert:alert", alert("none", "firing"), Severity::None, "none"),
        ("alert:alert", alert("weird", "firing"), Severity::Info, "weird"),
        ("alert:alert", alert("critical", "pending"), Severity::Warning, "pending"),
        ("alert:alert", alert("critical", "suppressed"), Severity::Info, "suppressed"),
        ("alert:alert", alert("critical", "inactive"), Severity::None, "inactive"),
        (
            "alert:alert",
            json!({"labels": {"alertname": "X"}, "state": "firing"}),
            Severity::Info,
            "firing",
        ),
        ("log:application", line("fatal"), Severity::Error, "fatal"),
        ("log:application", line("error"), Severity::Error, "error"),
        ("log:infrastructure", line("warning"), Severity::Warning, "warning"),
        ("log:application", line("info"), Severity::Info, "info"),
        ("log:application", line("debug"), Severity::None, "debug"),
        ("log:application", json!({"body": "x"}), Severity::None, ""),
        ("trace:span", json!({"status": {"code": "error"}}), Severity::Error, "error"),
        ("trace:span", json!({"status": {"code": "ok"}}), Severity::None, ""),
        ("trace:span", json!({"status": {"code": "unset"}}), Severity::None, ""),
    ]);
}

#[test]
fn what_waits_is_full_or_goes_away() {
    check(vec![
        (
            "k8s:ResourceQuota",
            json!({"metadata": {"namespace": "shop", "name": "compute"}, "status": {
                "hard": {"limits.cpu": "8", "limits.memory": "16Gi", "pods": "50"},
                "used": {"limits.cpu": "7500m", "limits.memory": "16384Mi", "pods": "31"}}}),
            Severity::Warning,
            "limits.memory used up",
        ),
        (
            "k8s:ResourceQuota",
            json!({"status": {"hard": {"pods": "50", "services.loadbalancers": "0"},
                "used": {"pods": "49", "services.loadbalancers": "0"}}}),
            Severity::None,
            "",
        ),
        (
            "k8s:HorizontalPodAutoscaler",
            json!({"spec": {"minReplicas": 2, "maxReplicas": 6},
                "status": {"currentReplicas": 6, "desiredReplicas": 6, "conditions": [
                    {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
                    {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"},
                    {"type": "ScalingLimited", "status": "False", "reason": "DesiredWithinRange"}]}}),
            Severity::Info,
            "at maximum (6)",
        ),
        (
            "k8s:PersistentVolumeClaim",
            json!({"metadata": {"namespace": "shop", "name": "data-0",
                    "deletionTimestamp": "2026-11-23T01:41:27Z",
                    "finalizers": ["kubernetes.io/pvc-protection"]},
                "status": {"phase": "Bound"}}),
            Severity::Warning,
            "Terminating, waits for kubernetes.io/pvc-protection",
        ),
        (
            "k8s:PersistentVolumeClaim",
            json!({"metadata": {"namespace": "shop", "name": "data-0",
                    "finalizers": ["kubernetes.io/pvc-protection"]},
                "status": {"phase": "Bound"}}),
            Severity::None,
            "Bound",
        ),
        (
            "k8s:Namespace",
            json!({"metadata": {"name": "old", "deletionTimestamp": "2026-11-23T01:41:27Z"},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Terminating", "conditions": [
                    {"type": "NamespaceDeletionDiscoveryFailure", "status": "True",
                     "reason": "DiscoveryFailed"},
                    {"type": "NamespaceContentRemaining", "status": "False",
                     "reason": "ContentRemoved"}]}}),
            Severity::Error,
            "DiscoveryFailed",
        ),
        (
            "k8s:Service",
            json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}}),
            Severity::Warning,
            "no address",
        ),
        (
            "k8s:Service",
            json!({"spec": {"type": "LoadBalancer"},
                "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}}),
            Severity::None,
            "",
        ),
        (
            "k8s:Service",
            json!({"spec": {"type": "ClusterIP"}, "status": {"loadBalancer": {}}}),
            Severity::None,
            "",
        ),
        (
            "k8s:EndpointSlice",
            json!({"addressType": "IPv4", "endpoints": null}),
            Severity::Warning,
            "no endpoints",
        ),
        (
            "k8s:EndpointSlice",
            json!({"endpoints": [{"addresses": ["10.1.0.4"], "conditions": {"ready": true}}]}),
            Severity::None,
            "",
        ),
        (
            "k8s:VolumeAttachment",
            json!({"status": {"attached": false, "attachError": {"time": "2026-11-23T01:41:27Z",
                "message": "rpc error: code = Internal desc = timed out"}}}),
            Severity::Error,
            "attach failed",
        ),
        (
            "k8s:Node",
            json!({"spec": {"unschedulable": true, "taints": [
                    {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
                    {"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}]},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
            Severity::Warning,
            "node.kubernetes.io/disk-pressure",
        ),
        (
            "k8s:Node",
            json!({"status": {"conditions": [
                {"type": "ReadonlyFilesystem", "status": "True", "reason": "FilesystemIsReadOnly"},
                {"type": "Ready", "status": "True"}]}}),
            Severity::Error,
            "ReadonlyFilesystem",
        ),
        (
            "k8s:Pod",
            json!({"metadata": {"name": "web-1"}, "status": {"phase": "Running",
                "conditions": ready("False", "ContainersNotReady"),
                "containerStatuses": [{"name": "web", "ready": false, "restartCount": 2,
                    "state": {"running": {"startedAt": "2026-11-23T01:45:46Z"}},
                    "lastState": {"terminated": {"exitCode": 139, "reason": "Error"}}}]}}),
            Severity::Error,
            "exit code 139",
        ),
    ]);
}

#[test]
fn custom_resources() {
    check(vec![
        (
            "k8s:Certificate.cert-manager.io",
            json!({"status": {"conditions": [
                {"type": "Ready", "status": "False", "reason": "DoesNotExist",
                 "message": "Issuing certificate as Secret does not exist"},
                {"type": "Issuing", "status": "True", "reason": "DoesNotExist"}]}}),
            Severity::Warning,
            "DoesNotExist",
        ),
        (
            "k8s:Challenge.acme.cert-manager.io",
            json!({"status": {"state": "invalid", "reason": "Error accepting authorization"}}),
            Severity::Error,
            "invalid",
        ),
        (
            "k8s:ClusterOperator.config.openshift.io",
            json!({"status": {"conditions": [
                {"type": "Degraded", "status": "True", "reason": "DNSDegraded"},
                {"type": "Available", "status": "False", "reason": "DNSUnavailable"},
                {"type": "Upgradeable", "status": "True", "reason": "AsExpected"}]}}),
            Severity::Error,
            "DNSUnavailable",
        ),
        (
            "k8s:Kafka.v1beta2.kafka.strimzi.io",
            json!({"status": {"conditions": [{"type": "NotReady", "status": "True"}]}}),
            Severity::Warning,
            "NotReady",
        ),
        (
            "k8s:Backup.v1.velero.io",
            json!({"status": {"phase": "PartiallyFailed"}}),
            Severity::Warning,
            "PartiallyFailed",
        ),
        (
            "k8s:Application.argoproj.io",
            json!({"status": {"health": {"status": "Degraded"}, "sync": {"status": "Synced"},
                "operationState": {"phase": "Succeeded"}}}),
            Severity::Error,
            "Degraded",
        ),
        (
            "k8s:Application.argoproj.io",
            json!({"status": {"health": {"status": "Healthy"}, "sync": {"status": "OutOfSync"}}}),
            Severity::Info,
            "OutOfSync",
        ),
        (
            "k8s:HelmRelease.helm.toolkit.fluxcd.io",
            json!({"status": {"conditions": [
                {"type": "Ready", "status": "False", "reason": "UpgradeFailed"},
                {"type": "Stalled", "status": "True", "reason": "RetriesExceeded"}]}}),
            Severity::Error,
            "RetriesExceeded",
        ),
        (
            "k8s:Kustomization.kustomize.toolkit.fluxcd.io",
            json!({"spec": {"suspend": true},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
            Severity::Info,
            "Suspended",
        ),
        (
            "k8s:HTTPRoute.gateway.networking.k8s.io",
            json!({"status": {"parents": [{"parentRef": {"name": "public"}, "conditions": [
                {"type": "Accepted", "status": "True", "reason": "Accepted"},
                {"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound"}]}]}}),
            Severity::Error,
            "BackendNotFound",
        ),
        (
            "k8s:Subscription.operators.coreos.com",
            json!({"status": {"state": "UpgradePending", "conditions": [
                {"type": "CatalogSourcesUnhealthy", "status": "False"},
                {"type": "ResolutionFailed", "status": "True",
                 "reason": "ConstraintsNotSatisfiable"}]}}),
            Severity::Error,
            "ResolutionFailed",
        ),
        (
            "k8s:ClusterServiceVersion.operators.coreos.com",
            json!({"status": {"phase": "Failed", "reason": "InstallCheckFailed"}}),
            Severity::Error,
            "InstallCheckFailed",
        ),
        (
            "k8s:VirtualMachine.kubevirt.io",
            json!({"status": {"printableStatus": "ErrorUnschedulable", "conditions": [
                {"type": "Ready", "status": "False", "reason": "GuestNotRunning"}]}}),
            Severity::Error,
            "ErrorUnschedulable",
        ),
        (
            "k8s:VirtualMachine.kubevirt.io",
            json!({"status": {"printableStatus": "Running", "conditions": [
                {"type": "Ready", "status": "True"}]}}),
            Severity::None,
            "Running",
        ),
        (
            "k8s:Build.build.openshift.io",
            json!({"status": {"phase": "Failed", "reason": "PushImageToRegistryFailed"}}),
            Severity::Error,
            "PushImageToRegistryFailed",
        ),
        (
            "k8s:Widget.v1.example.com",
            json!({"status": {"phase": "Failed"}}),
            Severity::Error,
            "Failed",
        ),
        (
            "k8s:Event",
            json!({"type": "Normal", "reason": "NodeNotReady"}),
            Severity::Warning,
            "NodeNotReady",
        ),
        (
            "k8s:Event",
            json!({"type": "Warning", "reason": "OOMKilling"}),
            Severity::Error,
            "OOMKilling",
        ),
    ]);
}
