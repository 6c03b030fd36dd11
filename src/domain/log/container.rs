//! Containers of Pods and the lines that the API server gives for one.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::{LogStream, PodLogs, pod_labels};
use crate::model::{Class, Fields, Object, Scope, StoreError, Vocabulary, Window, clean, fit};

/// A container whose log is read.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) name: String,
    pub(super) previous: bool,
    labels: Map<String, Value>,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.namespace, self.pod, clean(&self.name))
    }
}

/// The containers of Pods that a selector wants: init, normal and ephemeral ones. Where the
/// previous run is wanted, those that are known to have had none are left out.
pub(super) fn of_pods<'p>(
    pods: impl Iterator<Item = &'p Value>,
    wanted: &PodLogs,
) -> Vec<Container> {
    let mut all = Vec::new();
    for pod in pods {
        let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
        let (Some(namespace), Some(name)) = (text("/metadata/namespace"), text("/metadata/name"))
        else {
            continue;
        };
        for (list, statuses) in [
            ("/spec/initContainers", "/status/initContainerStatuses"),
            ("/spec/containers", "/status/containerStatuses"),
            ("/spec/ephemeralContainers", "/status/ephemeralContainerStatuses"),
        ] {
            for container in names(pod, list) {
                let asked = wanted.containers.is_empty()
                    || wanted.containers.iter().any(|wanted| wanted == container);
                if !asked || wanted.previous && never_restarted(pod, statuses, container) {
                    continue;
                }
                let mut labels = pod_labels(namespace, name, container, text("/spec/nodeName"));
                labels.extend(own_labels(pod));
                all.push(Container {
                    namespace: namespace.to_owned(),
                    pod: name.to_owned(),
                    name: container.to_owned(),
                    previous: wanted.previous,
                    labels,
                });
            }
        }
    }
    all
}

fn items<'p>(pod: &'p Value, pointer: &str) -> impl Iterator<Item = &'p Value> {
    pod.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn names<'p>(pod: &'p Value, list: &str) -> impl Iterator<Item = &'p str> {
    items(pod, list).filter_map(|container| container.get("name")?.as_str())
}

fn never_restarted(pod: &Value, statuses: &str, container: &str) -> bool {
    items(pod, statuses).any(|status| {
        status.get("name").and_then(Value::as_str) == Some(container)
            && status.get("restartCount").and_then(Value::as_i64) == Some(0)
    })
}

/// The labels of the Pod, under names that a log store would give them.
fn own_labels(pod: &Value) -> impl Iterator<Item = (String, Value)> {
    let labels = pod.pointer("/metadata/labels").and_then(Value::as_object);
    labels.into_iter().flatten().map(|(key, value)| {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let safe: String = key.chars().map(plain).collect();
        (format!("kubernetes_labels_{safe}"), value.clone())
    })
}

/// Time and text.
pub(super) type Line = (DateTime<Utc>, String);

/// What a container wrote.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    /// Time and text of the lines in the window, oldest first.
    pub(super) inside: Vec<Line>,
    /// Lines that the server sent, those outside of the window included.
    pub(super) count: usize,
    /// There may be more than the server sent.
    pub(super) cut: bool,
    /// What the kubelet said in place of a log.
    pub(super) remark: Option<String>,
    /// Nothing, or not everything, was asked for, since enough has been read.
    pub(super) unread: bool,
    /// Why a part of the lines is missing.
    pub(super) missing: Option<StoreError>,
}

impl Lines {
    /// Adds lines of another reading: those before the first and after the last line.
    pub(super) fn add(&mut self, mut piece: Vec<Line>) {
        let ends = self.inside.first().zip(self.inside.last()).map(|(a, b)| (a.0, b.0));
        piece.retain(|(time, _)| ends.is_none_or(|(first, last)| *time < first || last < *time));
        self.inside.append(&mut piece);
        self.inside.sort_by_key(|(time, _)| *time);
    }
}

/// Splits a log with timestamps into lines. A line without a time is a remark of the kubelet.
pub(super) fn read_lines(body: &[u8], window: Window) -> Lines {
    let text = String::from_utf8_lossy(body);
    let mut all = Lines::default();
    for line in text.split_terminator('\n') {
        let (stamp, rest) = line.split_once(' ').unwrap_or((line, ""));
        let Ok(time) = DateTime::parse_from_rfc3339(stamp) else {
            if !line.is_empty() {
                all.remark.get_or_insert_with(|| fit(&clean(line), 200));
            }
            continue;
        };
        all.count += 1;
        let time = time.to_utc();
        if window.contains(time) {
            all.inside.push((time, rest.strip_suffix('\r').unwrap_or(rest).to_owned()));
        }
    }
    all
}

/// As many log objects as the limit allows, of which every container has its share; what quiet
/// ones do not need goes to the others. Of one container the newest lines stay, and half as many
/// around the focus if there is one.
pub(super) fn fair(
    mut streams: Vec<(Container, Lines)>,
    class: &Class,
    scope: Scope,
    words: &Vocabulary,
) -> Vec<Object> {
    streams.sort_by_key(|(_, lines)| lines.inside.len());
    let mut left = scope.limit;
    let mut objects = Vec::new();
    let count = streams.len();
    for (place, (container, lines)) in streams.into_iter().enumerate() {
        let share = left.div_ceil(count - place).min(left);
        let kept = choose(lines.inside, share, scope.focus);
        left -= kept.len();
        let mut stream = LogStream::new(class, container.labels, container.previous, words);
        objects.extend(
            kept.into_iter()
                .map(|(time, line)| stream.object(time, line.into(), Fields::default())),
        );
    }
    objects
}

fn choose(mut lines: Vec<Line>, share: usize, focus: Option<DateTime<Utc>>) -> Vec<Line> {
    if lines.len() <= share {
        return lines;
    }
    let Some(focus) = focus else { return lines.split_off(lines.len() - share) };
    let newest = share - share / 2;
    let mut kept = lines.split_off(lines.len() - newest);
    lines.sort_by_key(|(time, _)| (*time - focus).abs().max(TimeDelta::zero()));
    lines.truncate(share / 2);
    kept.append(&mut lines);
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn window() -> Window {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).expect(text).to_utc();
        Window { start: at("2026-11-23T01:00:00Z"), end: at("2026-11-23T02:00:00Z") }
    }

    #[test]
    fn lines_have_times() {
        let body = "2026-11-23T00:59:59.9Z early\n2026-11-23T01:00:00.000000001Z a \u{1b}[31mb\n\
            2026-11-23T01:00:01+00:00 \n2026-11-23T02:30:00+01:00 ok\r\n2026-11-23T02:00:01Z late\n\
            unable to retrieve container logs for containerd://1\n";
        let lines = read_lines(body.as_bytes(), window());
        let texts: Vec<&str> = lines.inside.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["a \u{1b}[31mb", "", "ok"]);
        assert_eq!(lines.count, 5);
        assert!(lines.remark.expect("a remark").starts_with("unable to retrieve"));
        assert_eq!(read_lines(b"\xff\xfe", window()).inside, []);
    }

    #[test]
    fn a_noisy_container_does_not_starve_the_others() {
        let pod = json!({"metadata": {"name": "p", "namespace": "shop"},
            "spec": {"containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}});
        let containers = of_pods([&pod].into_iter(), &PodLogs::default());
        let many = |count: i64| Lines {
            inside: (0..count)
                .map(|second| (window().start + TimeDelta::seconds(second), second.to_string()))
                .collect(),
            ..Lines::default()
        };
        let streams = containers.into_iter().zip([many(1000), many(2), many(30)]).collect();
        let scope = Scope { window: window(), focus: None, limit: 50 };
        let class = Class::new("log", "application");
        let objects = fair(streams, &class, scope, &Vocabulary::builtin());
        let count = |name: &str| {
            objects.iter().filter(|object| object.text("/container") == Some(name)).count()
        };
        assert_eq!((count("a"), count("b"), count("c")), (24, 2, 24));
        let newest =
            objects.iter().filter_map(|object| object.text("/body")).max_by_key(|t| t.len());
        assert!(newest.is_some_and(|text| text.starts_with('9')), "the newest lines stay");
    }

    #[test]
    fn lines_around_the_focus_stay_too() {
        let start = window().start;
        let lines = (0..100).map(|s| (start + TimeDelta::seconds(s), s.to_string())).collect();
        let kept = choose(lines, 4, Some(start + TimeDelta::seconds(10)));
        let mut texts: Vec<String> = kept.into_iter().map(|(_, text)| text).collect();
        texts.sort();
        assert_eq!(texts.len(), 4);
        assert!(texts.contains(&"10".to_owned()) && texts.contains(&"99".to_owned()), "{texts:?}");
    }
}
