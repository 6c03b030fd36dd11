//! A Pod in one line, with the words that `kubectl get pods` uses.

use serde_json::Value;

use super::preview::{list, number, text};

/// `db-0 0/1 CrashLoopBackOff restarts 14 node-3`.
pub(super) fn preview(pod: &Value) -> String {
    let state = State::of(pod);
    let mut line = format!("{} {}/{}", text(pod, "/metadata/name"), state.ready, state.containers);
    line = format!("{line} {}", state.word);
    if state.restarts > 0 {
        line = format!("{line} restarts {}", state.restarts);
    }
    match text(pod, "/spec/nodeName") {
        "" => line,
        node => format!("{line} {node}"),
    }
}

struct State {
    ready: usize,
    containers: usize,
    restarts: i64,
    word: String,
}

impl State {
    fn of(pod: &Value) -> Self {
        let mut state = Self { ready: 0, containers: 0, restarts: 0, word: phase(pod) };
        let sidecars: Vec<&str> = list(pod, "/spec/initContainers")
            .iter()
            .filter(|item| text(item, "/restartPolicy") == "Always")
            .map(|item| text(item, "/name"))
            .collect();
        state.containers = list(pod, "/spec/containers").len() + sidecars.len();
        let initializing = state.init(pod, &sidecars);
        if !initializing || has_condition(pod, "Initialized") {
            state.main(pod);
        }
        if !pod.pointer("/metadata/deletionTimestamp").is_none_or(Value::is_null) {
            let over = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
            if text(pod, "/status/reason") == "NodeLost" {
                state.word = "Unknown".into();
            } else if !over {
                state.word = "Terminating".into();
            }
        }
        state
    }

    /// Reads the init containers up to the first that is not over; whether there is one.
    fn init(&mut self, pod: &Value, sidecars: &[&str]) -> bool {
        let total = list(pod, "/spec/initContainers").len();
        let mut restarts = 0;
        for (place, status) in list(pod, "/status/initContainerStatuses").iter().enumerate() {
            let sidecar = sidecars.contains(&text(status, "/name"));
            restarts += number(status, "/restartCount");
            if sidecar {
                self.restarts += number(status, "/restartCount");
            }
            let ended = status.pointer("/state/terminated");
            let waiting = text(status, "/state/waiting/reason");
            let started = status.get("started") == Some(&Value::Bool(true));
            if sidecar && started {
                self.ready += usize::from(status.get("ready") == Some(&Value::Bool(true)));
                continue;
            }
            if ended.is_some_and(|ended| number(ended, "/exitCode") == 0) {
                continue;
            }
            self.word = match ended {
                Some(ended) => format!("Init:{}", ending(ended)),
                None if !waiting.is_empty() && waiting != "PodInitializing" => {
                    format!("Init:{waiting}")
                }
                None => format!("Init:{place}/{total}"),
            };
            self.restarts = restarts;
            return true;
        }
        false
    }

    fn main(&mut self, pod: &Value) {
        let mut running = false;
        for status in list(pod, "/status/containerStatuses").iter().rev() {
            self.restarts += number(status, "/restartCount");
            let waiting = text(status, "/state/waiting/reason");
            if !waiting.is_empty() {
                waiting.clone_into(&mut self.word);
            } else if let Some(ended) = status.pointer("/state/terminated") {
                self.word = ending(ended);
            } else if status.get("ready") == Some(&Value::Bool(true))
                && status.pointer("/state/running").is_some()
            {
                running = true;
                self.ready += 1;
            }
        }
        if self.word == "Completed" && running {
            let ready = has_condition(pod, "Ready");
            self.word = String::from(if ready { "Running" } else { "NotReady" });
        }
    }
}

fn phase(pod: &Value) -> String {
    let gated = list(pod, "/status/conditions").iter().any(|item| {
        text(item, "/type") == "PodScheduled" && text(item, "/reason") == "SchedulingGated"
    });
    match (gated, text(pod, "/status/reason")) {
        (true, _) => "SchedulingGated".to_owned(),
        (false, "") => text(pod, "/status/phase").to_owned(),
        (false, reason) => reason.to_owned(),
    }
}

fn ending(terminated: &Value) -> String {
    match text(terminated, "/reason") {
        "" if number(terminated, "/signal") != 0 => {
            format!("Signal:{}", number(terminated, "/signal"))
        }
        "" => format!("ExitCode:{}", number(terminated, "/exitCode")),
        reason => reason.to_owned(),
    }
}

fn has_condition(pod: &Value, kind: &str) -> bool {
    list(pod, "/status/conditions")
        .iter()
        .any(|item| text(item, "/type") == kind && text(item, "/status") == "True")
}
