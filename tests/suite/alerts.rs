//! How often the first step from an alert is right: 203 public alerts as several distributions
//! label them, each with what it is about, against two small clusters.
//!
//! A *hit* reaches all that an alert is about by one rule, and finds the logs that are wanted. An
//! instance is *wrong* if one rule leads to anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use korrel8::domain;
use korrel8::engine::{Engine, Request, Stores};
use korrel8::model::{Class, Domains, Object, Query, Scope, Vocabulary, Window, stable_hash};
use korrel8::replay::{Manifest, Recording, stores};
use korrel8::rule::{Applied, RuleSet};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const ALERTS: &str = include_str!("../data/alerts/alerts.jsonl");
const WORLDS: [(&str, &str); 2] = [
    ("k8s", include_str!("../data/alerts/world-k8s.yaml")),
    ("ocp", include_str!("../data/alerts/world-ocp.yaml")),
];

/// An alert of the benchmark, as one distribution labels it.
#[derive(Clone, Deserialize)]
struct Instance {
    flavour: String,
    world: String,
    #[serde(alias = "labels_example")]
    labels: Map<String, Value>,
    expr: String,
    subject: Vec<Subject>,
    expect_objects: Vec<Expected>,
    expect_log_pods: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Row {
    alert: String,
    identity: String,
    variants: Vec<Value>,
}

#[derive(Clone, Deserialize)]
struct Subject {
    kind: String,
    role: Option<String>,
}

#[derive(Clone, Deserialize)]
struct Expected {
    kind: String,
    namespace: Option<String>,
    name: String,
}

impl Expected {
    fn key(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{}:{namespace}/{}", self.kind, self.name),
            None => format!("{}:{}", self.kind, self.name),
        }
    }
}

/// All instances with the name of their alert and its kind of identity.
fn instances() -> Vec<(Row, Instance)> {
    let mut all = Vec::new();
    for line in ALERTS.lines() {
        let whole: Map<String, Value> = serde_json::from_str(line).expect("an alert");
        let row = || -> Row { serde_json::from_value(json!(whole)).expect("a row") };
        all.push((row(), serde_json::from_value(json!(whole)).expect("an instance")));
        for variant in row().variants {
            let mut own = whole.clone();
            own.remove("labels_example");
            own.extend(variant.as_object().expect("a variant").clone());
            all.push((row(), serde_json::from_value(json!(own)).expect("a variant")));
        }
    }
    all
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_398_881, 0).expect("a time")
}

/// An engine over the objects of a world, with one log line for each Pod.
fn engine(yaml: &str) -> Engine {
    let words = Vocabulary::builtin();
    let domains = domain::all(&words);
    let (rules, faults) = RuleSet::load(&domains, &RuleSet::builtin_files());
    assert!(faults.is_empty(), "the built-in rules load");
    let world: Value = serde_saphyr::from_str(yaml).expect("a world");
    let mut recording = Recording::new(Manifest::new(now(), "", ""));
    for body in world["items"].as_array().expect("a list") {
        let (api, kind) = (body["apiVersion"].as_str().unwrap(), body["kind"].as_str().unwrap());
        let name = match api.split_once('/') {
            Some((group, version)) => format!("{kind}.{version}.{group}"),
            None => format!("{kind}.{api}"),
        };
        let class = Class::new("k8s", &name);
        if kind == "Pod" {
            let text = |field: &str| body["metadata"][field].as_str().unwrap();
            let class = Class::new("log", words.log_class(text("namespace")));
            let container = &body["spec"]["containers"][0]["name"];
            let line = json!({
                "body": "one line", "timestamp": now() - TimeDelta::minutes(1),
                "namespace": text("namespace"), "pod": text("name"), "container": container,
            });
            recording.push(&class, line);
        }
        recording.push(&class, body.clone());
    }
    let stores: Stores = stores(recording, &domains, "test", "test").into_iter().collect();
    Engine::new(domains, Arc::new(rules), stores)
}

fn scope() -> Scope {
    Scope { window: Window::last_hour(now()), focus: None, limit: 1000 }
}

fn alert(domains: &Domains, instance: &Instance) -> Arc<Object> {
    let body = json!({
        "labels": instance.labels, "annotations": {}, "state": "firing",
        "activeAt": now() - TimeDelta::minutes(20), "expression": instance.expr,
    });
    Arc::new(domains.object(&Class::new("alert", "alert"), body).expect("an alert"))
}

/// What one rule makes of an alert, and which query brought it.
struct Direct {
    queries: usize,
    found: BTreeMap<String, String>,
}

async fn direct(engine: &Engine, alert: &Object) -> Direct {
    let rules = engine.rules();
    let view = rules.view(alert);
    let mut asked: BTreeSet<Query> = BTreeSet::new();
    let mut found = BTreeMap::new();
    for rule in rules.starting_at(&alert.class) {
        let made = match rules.apply(rule, &view) {
            Applied::Queries(made) => made,
            Applied::DoesNotApply => continue,
            Applied::Fault(fault) => panic!("{}: {fault}", rules.rules()[rule].name),
        };
        for step in made.steps() {
            let mut nothing = true;
            let queries = step.iter().filter(|query| query.class().domain() == "k8s").cloned();
            for answer in engine.get(queries.collect(), scope()).await {
                for object in &answer.result.expect("an answer").objects {
                    let key = format!("{}:{}", object.class.name(), object.id);
                    found.insert(key, answer.query.to_string());
                    nothing = false;
                }
                asked.insert(answer.query);
            }
            if !nothing {
                break;
            }
        }
    }
    Direct { queries: asked.len(), found }
}

/// The Pods whose logs a search from the alert finds.
async fn log_pods(engine: &Engine, alert: &Arc<Object>) -> BTreeSet<String> {
    let request = Request {
        start: vec![Arc::clone(alert)],
        asked: None,
        goals: vec![engine.domains().domain("log").expect("log").classes()],
        reach: korrel8::engine::REACH,
        scope: scope(),
        deadline: None,
    };
    let snapshot = engine.search(request).finish().await;
    let nodes = snapshot.tree.nodes.iter().filter(|node| node.class.domain() == "log");
    let lines = nodes.flat_map(|node| &node.members);
    let pod = |line: &Object| Some(format!("{}/{}", line.text("/namespace")?, line.text("/pod")?));
    lines.filter_map(|member| pod(&member.object)).collect()
}

/// Counts of one kind of identity.
#[derive(Default, Clone, Copy)]
struct Score {
    instances: usize,
    hits: usize,
    wrong: usize,
    objects: usize,
    wrong_objects: usize,
    queries: usize,
    most_queries: usize,
}

impl Score {
    fn add(&mut self, other: Self) {
        self.instances += other.instances;
        self.hits += other.hits;
        self.wrong += other.wrong;
        self.objects += other.objects;
        self.wrong_objects += other.wrong_objects;
        self.queries += other.queries;
        self.most_queries = self.most_queries.max(other.most_queries);
    }

    fn percent(part: usize, whole: usize) -> f64 {
        let float = |count: usize| f64::from(u32::try_from(count).expect("few"));
        if whole == 0 { 0.0 } else { 100.0 * float(part) / float(whole) }
    }

    fn hit(&self) -> f64 {
        Self::percent(self.hits, self.instances)
    }

    fn wrong(&self) -> f64 {
        Self::percent(self.wrong, self.instances)
    }

    fn row(&self, name: &str) -> String {
        format!(
            "{name:24} {:4} {:6.1} {:6.1} {:7} {:6} {:8.1} {:4}\n",
            self.instances,
            self.hit(),
            self.wrong(),
            self.objects,
            self.wrong_objects,
            Self::percent(self.queries, self.instances) / 100.0,
            self.most_queries,
        )
    }
}

/// The score of one instance, and what is not as it should be.
async fn score(engine: &Engine, instance: &Instance, identity: &str) -> (Score, String) {
    let alert = alert(engine.domains(), instance);
    let direct = direct(engine, &alert).await;
    let primary = |kind: &str| instance.subject.iter().any(|s| s.kind == kind && s.role.is_none());
    let expected: BTreeSet<String> = instance.expect_objects.iter().map(Expected::key).collect();
    let needed = instance.expect_objects.iter().filter(|object| primary(&object.kind));
    let missed: Vec<String> =
        needed.map(Expected::key).filter(|key| !direct.found.contains_key(key)).collect();
    let wrong: Vec<String> = direct
        .found
        .iter()
        .filter(|(key, _)| !expected.contains(*key))
        .map(|(key, query)| format!("{key} by {query}"))
        .collect();
    let mut silent: Vec<String> = Vec::new();
    let hit = if identity == "none" {
        direct.found.is_empty()
    } else {
        let logs = log_pods(engine, &alert).await;
        silent.extend(instance.expect_log_pods.difference(&logs).cloned());
        missed.is_empty() && silent.is_empty()
    };
    let one = Score {
        instances: 1,
        hits: usize::from(hit),
        wrong: usize::from(!wrong.is_empty()),
        objects: direct.found.len(),
        wrong_objects: wrong.len(),
        queries: direct.queries,
        most_queries: direct.queries,
    };
    let mut told = String::new();
    for (what, list) in [("missed", missed), ("wrong", wrong), ("no logs of", silent)] {
        for item in list {
            let _ = writeln!(told, "    {what} {item}");
        }
    }
    (one, told)
}

#[tokio::test]
async fn alerts_lead_to_what_they_are_about() {
    let engines: BTreeMap<&str, Engine> =
        WORLDS.into_iter().map(|(name, yaml)| (name, engine(yaml))).collect();
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    let mut faults = String::new();
    for (row, instance) in instances() {
        let engine = &engines[instance.world.as_str()];
        let (one, told) = score(engine, &instance, &row.identity).await;
        let half = if stable_hash(&row.alert).is_multiple_of(2) { "half 0" } else { "half 1" };
        for name in ["total", half, row.identity.as_str()] {
            scores.entry(name.to_owned()).or_default().add(one);
        }
        if !told.is_empty() {
            let _ = write!(
                faults,
                "{half} {} {} ({})\n  {}\n  {}\n{told}",
                row.identity,
                row.alert,
                instance.flavour,
                json!(instance.labels),
                instance.expr.replace('\n', " "),
            );
        }
    }
    let mut table = format!(
        "{:24} {:>4} {:>6} {:>6} {:>7} {:>6} {:>8} {:>4}\n",
        "", "all", "hit %", "wrong%", "objects", "wrong", "queries", "most"
    );
    for (name, score) in &scores {
        table.push_str(&score.row(name));
    }
    println!("{faults}\n{table}");
    let total = scores["total"];
    assert!(total.hit() >= 90.0 && total.wrong() <= 4.0, "\n{table}");
}
