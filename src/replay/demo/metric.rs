//! Series: those that tell a story, and the usual ones of every Pod.

use std::collections::HashSet;

use chrono::TimeDelta;
use serde_json::{Map, Value, json};

use super::clock::{Ago, Clock};
use super::dice::Dice;
use super::source::{Happenings, Metric};
use super::world::{Pod, World};
use crate::model::Class;

/// How far back every series goes.
const LENGTH: TimeDelta = TimeDelta::hours(6);
/// The step of the usual series.
const STEP: TimeDelta = TimeDelta::minutes(5);

pub(super) fn add(world: &mut World, metrics: &[Metric]) {
    for metric in metrics {
        let mut labels = metric.from.as_deref().map(|from| world.target(from)).unwrap_or_default();
        for (key, value) in &metric.labels {
            let text = value.as_str().map_or_else(|| value.to_string(), |text| world.named(text));
            labels.insert(key.clone(), text.into());
        }
        let shape = Shape::parse(metric);
        put(world, &metric.name, labels, metric.step.map_or(STEP, |step| step.0), &shape);
    }
}

/// Memory, CPU, restarts and readiness of every Pod, unless a story tells of them.
pub(super) fn add_usual(world: &mut World, stories: &[Happenings]) {
    let told: HashSet<(String, String)> = stories
        .iter()
        .flat_map(|story| &story.metrics)
        .filter_map(|metric| {
            let pod = metric.labels.get("pod")?.as_str()?;
            Some((metric.name.clone(), world.named(pod)))
        })
        .collect();
    for pod in world.pods.clone() {
        let container = pod.containers[0].clone();
        let mut own = |name: &str, from: &str, shape: &Shape| {
            if told.contains(&(name.to_owned(), pod.name.clone())) {
                return;
            }
            let mut labels = world.target(from);
            let pairs =
                [("namespace", &pod.namespace), ("pod", &pod.name), ("container", &container)];
            for (key, value) in pairs {
                labels.insert(key.to_owned(), value.as_str().into());
            }
            put(world, name, labels, STEP, &shape.since(pod.created));
        };
        let cadvisor = format!("cadvisor {}", pod.node);
        let seed = Dice::of(&format!("usual {}", pod.name)).swing();
        let memory = Shape::flat(pod.memory * (0.55 + 0.2 * seed), 0.02, 0);
        own("container_memory_working_set_bytes", &cadvisor, &memory);
        let cpu = Shape { rise: 0.04 + 0.03 * seed, ..Shape::flat(500.0 + 90.0 * seed, 0.0, 2) };
        own("container_cpu_usage_seconds_total", &cadvisor, &cpu);
        let restarts = Shape::flat(f64::from(pod.restarts), 0.0, 0);
        own("kube_pod_container_status_restarts_total", "ksm", &restarts);
        let ready = Shape::flat(f64::from(u8::from(pod.ready)), 0.0, 0);
        own("kube_pod_container_status_ready", "ksm", &ready);
        info(world, &pod);
    }
}

fn info(world: &mut World, pod: &Pod) {
    let mut labels = world.target("ksm");
    labels.remove("container");
    let host = world.nodes.get(&pod.node).map(|place| place.ip.clone()).unwrap_or_default();
    let pairs = [
        ("namespace", &pod.namespace),
        ("pod", &pod.name),
        ("node", &pod.node),
        ("pod_ip", &pod.ip),
        ("host_ip", &host),
    ];
    for (key, value) in pairs {
        labels.insert(key.to_owned(), value.as_str().into());
    }
    put(world, "kube_pod_info", labels, TimeDelta::minutes(30), &Shape::flat(1.0, 0.0, 0));
}

fn put(
    world: &mut World,
    name: &str,
    mut labels: Map<String, Value>,
    step: TimeDelta,
    shape: &Shape,
) {
    labels.insert("__name__".to_owned(), name.into());
    let mut dice = Dice::of(&format!("{name} {labels:?}"));
    let body = json!({"labels": labels, "values": shape.samples(world.clock, step, &mut dice)});
    world.recording.push(&Class::new("metric", "metric"), body);
}

/// How a value goes over time.
struct Shape {
    /// Earliest first.
    points: Vec<(Ago, f64)>,
    stairs: bool,
    saw: Option<Ago>,
    noise: f64,
    /// Added per second.
    rise: f64,
    digits: usize,
    until: Ago,
}

impl Shape {
    fn flat(value: f64, noise: f64, digits: usize) -> Self {
        let points = vec![(Ago(LENGTH), value)];
        Self { points, stairs: true, saw: None, noise, rise: 0.0, digits, until: Ago::default() }
    }

    /// The same shape from a moment on.
    fn since(&self, born: Ago) -> Self {
        let mut points = self.points.clone();
        if let Some(first) = points.first_mut() {
            first.0 = first.0.min(born);
        }
        Self { points, ..*self }
    }

    fn parse(metric: &Metric) -> Self {
        let point = |text: &str| {
            let (time, value) = text.trim().split_once(' ')?;
            Some((Ago::parse(time)?, value.trim().parse().ok()?))
        };
        Self {
            points: metric.points.split(',').filter_map(point).collect(),
            stairs: metric.stairs,
            saw: metric.saw,
            noise: metric.noise,
            rise: 0.0,
            digits: metric.digits,
            until: metric.until,
        }
    }

    fn samples(&self, clock: Clock, step: TimeDelta, dice: &mut Dice) -> Vec<Value> {
        let first = self.points.first().map_or(LENGTH, |(time, _)| time.0.min(LENGTH));
        let steps = LENGTH.num_seconds() / step.num_seconds().max(1);
        let step = i32::try_from(step.num_seconds()).unwrap_or(60);
        (0..=i32::try_from(steps).unwrap_or_default())
            .rev()
            .map(|back| Ago(TimeDelta::seconds(i64::from(back * step))))
            .filter(|ago| ago.0 <= first && *ago >= self.until)
            .map(|ago| {
                let swing = 1.0 + self.noise * dice.swing();
                let value = self.value(ago) * swing;
                json!([clock.unix(ago), format!("{value:.*}", self.digits)])
            })
            .collect()
    }

    fn value(&self, ago: Ago) -> f64 {
        let Some((start, first)) = self.points.first().copied() else { return 0.0 };
        if let (Some(saw), Some((_, top))) = (self.saw, self.points.last()) {
            let part = (seconds(start.0 - ago.0) / seconds(saw.0)).fract();
            return first + (top - first) * part;
        }
        let rise = self.rise * seconds(start.0 - ago.0);
        let mut from = (start, first);
        for (time, value) in self.points.iter().copied() {
            if time.0 >= ago.0 {
                from = (time, value);
                continue;
            }
            if self.stairs {
                break;
            }
            let part = seconds(from.0.0 - ago.0) / seconds(from.0.0 - time.0);
            return from.1 + (value - from.1) * part + rise;
        }
        from.1 + rise
    }
}

fn seconds(delta: TimeDelta) -> f64 {
    i32::try_from(delta.num_seconds()).map_or(0.0, f64::from)
}
