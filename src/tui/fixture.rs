//! A believable search result, made by hand: a full volume, its crashing database, and noise.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::engine::Snapshot;
use crate::graph::{End, Link, Member, Node, Run, RunState, Tree};
use crate::model::{
    Class, Cut, ErrorKind, Object, Query, Selector, Severity, Source, SourceState, StoreError,
    Window,
};

/// The time of the pictures.
pub(super) fn now() -> DateTime<Utc> {
    "2026-11-23T12:04:40Z".parse().expect("a time")
}

/// A line that would do harm if a terminal saw it.
pub(super) const HOSTILE: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}[red]日本語 🍵\0\tcaf\u{301}e\u{202e} it goes on";

#[derive(Debug)]
struct Text(String);

impl Selector for Text {
    fn text(&self) -> String {
        self.0.clone()
    }

    fn matches(&self, _: &Object) -> Option<bool> {
        None
    }
}

/// A class from its name.
pub(super) fn class(text: &str) -> Class {
    let (domain, name) = text.split_once(':').expect("domain:name");
    Class::new(domain, name)
}

/// An object that began `minutes` ago.
pub(super) fn object(of: &str, id: &str, severity: Severity, minutes: i64, body: Value) -> Object {
    let mut object = Object::new(class(of), id, body);
    object.severity = severity;
    object.time = Some(now() - TimeDelta::minutes(minutes));
    object
}

/// An alert.
pub(super) fn alert(name: &str, word: &str, subject: (&str, &str), minutes: i64) -> Object {
    let severity = match word {
        "critical" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Info,
    };
    let body = json!({
        "labels": {"alertname": name, "severity": word, "namespace": "shop", subject.0: subject.1},
        "annotations": {
            "summary": format!("{} {} is in trouble", subject.0, subject.1),
            "runbook_url": format!("https://runbooks.example.com/{name}"),
        },
        "state": "firing",
        "activeAt": (now() - TimeDelta::minutes(minutes)).to_rfc3339(),
    });
    let mut alert =
        object("alert:alert", &format!("feedc0de-{name}-{}", subject.1), severity, minutes, body);
    alert.preview =
        format!("{name} {word} firing: {} {} is in trouble", subject.0, subject.1).into();
    alert.about =
        if subject.0 == "node" { subject.1.into() } else { format!("shop/{}", subject.1) };
    alert
}

fn thing(kind: &str, name: &str, severity: Severity, status: &str, minutes: i64) -> Object {
    let id = if kind == "Node" { name.to_owned() } else { format!("shop/{name}") };
    let mut metadata = json!({"name": name, "labels": {"app": "db"}});
    if kind != "Node" {
        metadata["namespace"] = "shop".into();
    }
    let body = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata,
                      "status": {"phase": "Running", "restartCount": 7}});
    let mut thing = object(&format!("k8s:{kind}.v1"), &id, severity, minutes, body);
    thing.status = status.into();
    thing.preview = format!("{id} {status}").into();
    thing
}

fn event(name: &str, severity: Severity, reason: &str, message: &str, minutes: i64) -> Object {
    let kind = if severity == Severity::Warning { "Warning" } else { "Normal" };
    let body = json!({
        "metadata": {"name": name, "namespace": "shop"}, "reason": reason, "message": message,
        "type": kind, "count": minutes + 2, "involvedObject": {"kind": "Pod", "name": "db-0"},
    });
    let mut event = object("k8s:Event.v1", &format!("shop/{name}"), severity, minutes, body);
    event.status = reason.into();
    event.preview = format!("{reason}: {message}").into();
    event
}

/// A log line of a container, so many seconds ago.
pub(super) fn line(number: usize, severity: Severity, seconds: i64, text: &str) -> Object {
    let time = now() - TimeDelta::milliseconds(seconds * 1000 + 137);
    let container = if number.is_multiple_of(5) { "metrics" } else { "postgres" };
    let body = json!({"body": text, "pod": "db-0", "container": container, "namespace": "shop",
                      "timestamp": time.to_rfc3339(), "labels": {"app": "db"}});
    let mut line = object("log:application", &format!("db-0-{number}"), severity, 0, body);
    line.time = Some(time);
    line.preview = text.into();
    line
}

/// Log lines of the last minutes, with errors before the alert and a hostile one.
fn lines() -> Vec<Object> {
    let said = [
        (Severity::Info, "checkpoint starting: time"),
        (Severity::Error, "could not extend file \"base/16384/24601\": No space left on device"),
        (Severity::None, "  HINT:  Check free disk space."),
        (Severity::Warning, "retrying write of WAL segment 0000000100000A2F (3/3)"),
        (Severity::Info, "connection received: host=10.0.3.7 port=52114"),
        (
            Severity::Error,
            "PANIC: could not write to file \"pg_wal/xlogtemp.29\": No space left on device",
        ),
        (
            Severity::Info,
            "database system was interrupted; last known up at 2026-11-23 12:01:02 UTC",
        ),
    ];
    let mut lines: Vec<Object> = (0..48)
        .map(|number| {
            let (severity, text) = said[number % said.len()];
            line(number, severity, 1200 - 25 * i64::try_from(number).expect("small"), text)
        })
        .collect();
    lines.push(line(48, Severity::Warning, 1, HOSTILE));
    lines
}

fn series(volume: &str, values: impl Fn(f64) -> f64) -> Object {
    let points: Vec<Value> = (0..60)
        .map(|at| json!([1_795_430_000 + at * 20, values(f64::from(at)).to_string()]))
        .collect();
    let body = json!({
        "labels": {"__name__": "kubelet_volume_stats_available_bytes", "namespace": "shop",
                   "persistentvolumeclaim": volume, "job": "kubelet"},
        "values": points,
    });
    let mut series = object("metric:metric", &format!("avail-{volume}"), Severity::None, 0, body);
    series.preview =
        format!("kubelet_volume_stats_available_bytes{{persistentvolumeclaim=\"{volume}\"}}")
            .into();
    series
}

/// Adds a node whose objects all came from the parent's first object by one query.
pub(super) fn add(
    tree: &mut Tree,
    parent: Option<usize>,
    rule: &str,
    of: &str,
    objects: Vec<Object>,
) -> usize {
    let at = tree.nodes.len();
    let key =
        parent.map_or_else(String::new, |parent| format!("{}/{rule}>{of}", tree.nodes[parent].key));
    let cost = parent.map_or(0, |parent| tree.nodes[parent].cost + 1);
    let selector =
        Text(format!("{{\"name\":\"db-0\",\"namespace\":\"shop\",\"rule\":\"{rule}\"}}"));
    let links = || parent.iter().map(|_| Link { parent: 0, run: 0 }).collect();
    let members: Vec<Member> = objects
        .into_iter()
        .map(|object| Member { object: Arc::new(object), links: links(), seen: false })
        .collect();
    let run = Run {
        query: Query::new(class(of), selector),
        state: RunState::Done,
        count: members.len(),
        cut: None,
        missing: None,
        note: None,
        seconds: Some(0.21),
    };
    if let Some(parent) = parent {
        tree.nodes[parent].children.push(at);
    }
    tree.nodes.push(Node {
        key: key.into(),
        parent,
        children: Vec::new(),
        rule: parent.map(|_| rule.into()),
        class: class(of),
        cost,
        members: members.into(),
        runs: parent.iter().map(|_| run.clone().into()).collect(),
        end: None,
        score: 0.0,
        left_out: 0,
        goal: false,
    });
    at
}

/// The alert that the search starts from.
pub(super) fn start() -> Arc<Object> {
    let mut alert = alert(
        "KubePersistentVolumeFillingUp",
        "critical",
        ("persistentvolumeclaim", "data-db-0"),
        14,
    );
    alert.body["annotations"]["description"] =
        "The volume claimed by data-db-0 in shop is only 0.4% free.\nFree space or grow it.".into();
    Arc::new(alert)
}

/// The tree of the search from [`start`].
pub(super) fn tree() -> Tree {
    use Severity::{Error, Info, None as Fine, Warning};
    let mut tree = Tree::default();
    let root = add(&mut tree, None, "", "alert:alert", vec![(*start()).clone()]);
    let claim = thing("PersistentVolumeClaim", "data-db-0", Fine, "Bound", 4000);
    let pvc = add(&mut tree, Some(root), "AlertToPVC", "k8s:PersistentVolumeClaim.v1", vec![claim]);
    let pod = thing("Pod", "db-0", Error, "CrashLoopBackOff", 300);
    let pods = add(&mut tree, Some(pvc), "PVCToPods", "k8s:Pod.v1", vec![pod]);
    let logs = add(&mut tree, Some(pods), "PodToLogs", "log:application", lines());
    tree.nodes[logs].runs[0].cut = Some(Cut { shown: 49, total: None, by: "limit" });
    let warn = |n: &str, reason: &str, text: &str, at| event(n, Warning, reason, text, at);
    let events = vec![
        warn("db-0.1", "BackOff", "Back-off restarting failed container postgres in pod db-0", 1),
        warn("db-0.2", "Unhealthy", "Readiness probe failed: connection refused", 5),
        event("db-0.3", Info, "Pulled", "Container image \"postgres:16\" already present", 9),
    ];
    add(&mut tree, Some(pods), "PodToEvents", "k8s:Event.v1", events);
    let set = thing("StatefulSet", "db", Warning, "0/1 ready", 9000);
    let owner = add(&mut tree, Some(pods), "DependentToOwner", "k8s:StatefulSet.v1", vec![set]);
    let siblings = vec![
        thing("Pod", "db-1", Fine, "Running", 9000),
        thing("Pod", "db-2", Fine, "Running", 9000),
    ];
    let again = add(&mut tree, Some(owner), "OwnerToPods", "k8s:Pod.v1", siblings);
    tree.nodes[again].end = Some(End::Visited);
    let node = thing("Node", "node-3", Fine, "Ready", 90_000);
    add(&mut tree, Some(pods), "PodToNode", "k8s:Node.v1", vec![node]);
    let others = vec![
        alert("KubePodCrashLooping", "warning", ("pod", "db-0"), 12),
        alert("KubeStatefulSetReplicasMismatch", "warning", ("statefulset", "db"), 9),
    ];
    let others = add(&mut tree, Some(pods), "PodToAlerts", "alert:alert", others);
    tree.nodes[others].end = Some(End::Visited);
    let curves = vec![
        series("data-db-0", |at| (9.6e9 - at * 1.7e8).max(4.1e7)),
        series("data-db-1", |at| 7.2e9 + (at / 4.0).sin() * 2e8),
    ];
    add(&mut tree, Some(root), "AlertToMetric", "metric:metric", curves);
    let denied = add(&mut tree, Some(pods), "PodToAudit", "log:audit", Vec::new());
    tree.nodes[denied].runs[0].state = RunState::Failed(
        StoreError::new(ErrorKind::Forbidden, "loki", "403 Forbidden: no access to tenant audit")
            .hint("Ask for the role cluster-logging-audit-view, or choose another tenant."),
    );
    let pending = add(&mut tree, Some(pods), "PodToMetrics", "metric:metric", Vec::new());
    tree.nodes[pending].runs[0].state = RunState::Pending;
    add(&mut tree, Some(pods), "PodToService", "k8s:Service.v1", Vec::new());
    add(&mut tree, Some(pvc), "PVCToEvents", "k8s:Event.v1", Vec::new());
    tree.rank(Some(now() - TimeDelta::minutes(14)), Window::around(now(), now()));
    tree
}

/// A source in a state.
pub(super) fn source(name: &str, state: SourceState, millis: u64, error: Option<&str>) -> Source {
    Source {
        name: name.to_owned(),
        kind: name.to_owned(),
        via: "direct".to_owned(),
        url: format!("https://{name}.example.com"),
        found: format!("--{name}-url"),
        state,
        calls: 3,
        millis: Some(millis),
        kept: None,
        vocabulary: Vec::new(),
        error: error.map(str::to_owned),
        failure: error.map(|_| ErrorKind::Forbidden),
    }
}

/// The sources of the search.
pub(super) fn sources() -> Vec<Source> {
    vec![
        source("kubernetes", SourceState::Ok, 212, None),
        source("prometheus", SourceState::Ok, 430, None),
        source("alertmanager", SourceState::Ok, 90, None),
        source("loki", SourceState::Failed, 61, Some("403 Forbidden: no access to tenant audit")),
    ]
}

/// The search with a tree, under way.
pub(super) fn snapshot(tree: Tree) -> Snapshot {
    let (done, total) = tree.progress();
    Snapshot {
        tree: Arc::new(tree),
        goals: Vec::new().into(),
        window: Window::around(now() - TimeDelta::minutes(14), now()),
        focus: Some(now() - TimeDelta::minutes(14)),
        done,
        total,
        elapsed: Duration::from_millis(3140),
        finished: false,
        cancelled: false,
        sources: sources(),
        faults: Vec::new(),
    }
}

/// The search when all is done: what was pending found nothing.
pub(super) fn finished() -> Snapshot {
    let mut tree = tree();
    for run in tree.nodes.iter_mut().flat_map(|node| &mut node.runs) {
        if run.state == RunState::Pending {
            run.state = RunState::Done;
        }
    }
    let mut snapshot = snapshot(tree);
    snapshot.finished = true;
    snapshot
}
