//! Which runs of a container can have lines in a window, by the status of its Pod. A run that is
//! known to have none is not asked for: a container that never started, one that ended long ago,
//! the run before of one that was never restarted.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::model::{Window, clean, fit};

/// How long after its end a run may still have lines: ends are told in seconds, and the last
/// lines are collected after it.
const LATE: TimeDelta = TimeDelta::minutes(1);

/// What there is to read of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// The run that the server gives if nothing else is said, and the one before.
    Read { current: bool, previous: bool },
    /// It never started; why, if that is known.
    Waits(String),
}

/// The runs of a container with this status.
pub(super) fn runs(pod: &Value, status: Option<&Value>, window: Window) -> Runs {
    let Some(status) = status else {
        let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
        if text("/spec/nodeName").is_none() && text("/status/phase") == Some("Pending") {
            return Runs::Waits("the Pod is on no Node yet".to_owned());
        }
        return Runs::Read { current: true, previous: false };
    };
    let part = |pointer: &str| status.pointer(pointer).filter(|part| part.is_object());
    let last = part("/lastState/terminated");
    let previous = last.is_some_and(|last| ended_in(last, window));
    match part("/state/waiting") {
        Some(waiting) if last.is_none() => Runs::Waits(reason(waiting)),
        // Between two runs the server gives the one before as the current one. Asked for by its
        // own name it stays the same if the next one has begun since.
        Some(_) => Runs::Read { current: false, previous },
        None => {
            let started = part("/state/running").and_then(|run| moment(run, "startedAt"));
            let ended = part("/state/terminated");
            let current = started.is_none_or(|started| started <= window.end)
                && ended.is_none_or(|ended| ended_in(ended, window));
            Runs::Read { current, previous }
        }
    }
}

/// Whether a run that is over had not ended before the window.
fn ended_in(run: &Value, window: Window) -> bool {
    moment(run, "finishedAt").is_none_or(|end| end + LATE >= window.start)
}

fn moment(run: &Value, field: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(run.get(field)?.as_str()?).ok()?.to_utc())
}

fn reason(waiting: &Value) -> String {
    let text = |field: &str| waiting.get(field).and_then(Value::as_str).unwrap_or_default();
    let words = match (text("reason"), text("message")) {
        ("", "") => "no reason is told".to_owned(),
        (reason, "") => reason.to_owned(),
        ("", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    };
    fit(&clean(&words), 200)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-23T{time}Z").parse().expect(time)
    }

    fn check(status: &Value, expected: &Runs) {
        let window = Window { start: at("01:00:00"), end: at("02:00:00") };
        let pod = json!({"spec": {"nodeName": "n1"}, "status": {"phase": "Running"}});
        let status = Some(status).filter(|status| !status.is_null());
        assert_eq!(runs(&pod, status, window), *expected, "{status:?}");
    }

    #[test]
    fn only_what_can_have_lines_is_read() {
        let read = |current, previous| Runs::Read { current, previous };
        let ended = |time: &str| json!({"terminated": {"finishedAt": at(time)}});
        let running = |time: &str| json!({"running": {"startedAt": at(time)}});
        let stuck =
            json!({"waiting": {"reason": "ImagePullBackOff", "message": "no \u{1b}[31mtag"}});
        let why = "ImagePullBackOff: no tag".to_owned();
        let backing_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        for (state, last, expected) in [
            (running("00:10:00"), json!({}), read(true, false)),
            (running("01:30:00"), ended("01:29:00"), read(true, true)),
            (running("00:30:00"), ended("00:29:00"), read(true, false)),
            (running("02:30:00"), ended("02:29:00"), read(false, true)),
            (ended("00:30:00"), json!({}), read(false, false)),
            (ended("00:59:30"), json!({}), read(true, false)),
            (backing_off, ended("01:29:00"), read(false, true)),
            (json!({}), json!({}), read(true, false)),
            (stuck, json!({}), Runs::Waits(why)),
        ] {
            check(&json!({"state": state, "lastState": last}), &expected);
        }
        check(&Value::Null, &read(true, false));
    }

    #[test]
    fn a_pod_without_a_node_has_no_log() {
        let pod = json!({"spec": {}, "status": {"phase": "Pending"}});
        let window = Window { start: at("01:00:00"), end: at("02:00:00") };
        assert!(matches!(runs(&pod, None, window), Runs::Waits(_)));
    }
}
