//! What a scope leaves of the objects that match: the window, then the limit.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::model::{Cut, Found, Object, Scope, Window};

/// The object as the window shows it, or `None` if it does not belong to the window.
pub(super) fn in_window(object: &Arc<Object>, window: &Window) -> Option<Arc<Object>> {
    let class = &object.class;
    match (class.domain(), class.kind()) {
        ("metric", "metric") => cut_samples(object, window),
        ("log", _) | ("k8s", "Event") | ("metric", "exemplar") => {
            object.time.is_none_or(|time| window.contains(time)).then(|| Arc::clone(object))
        }
        // A Kubernetes object that is in the recording was still there when it was made.
        ("k8s", _) => window.overlaps(object.time, None).then(|| Arc::clone(object)),
        _ => window.overlaps(object.time, object.end).then(|| Arc::clone(object)),
    }
}

/// The series with the samples of the window; one without samples is shown as it is, one whose
/// samples are all outside is not.
fn cut_samples(object: &Arc<Object>, window: &Window) -> Option<Arc<Object>> {
    let Some(samples) = object.body.get("values").and_then(Value::as_array) else {
        return Some(Arc::clone(object));
    };
    let inside = |sample: &&Value| {
        let time = sample.get(0).and_then(Value::as_f64).and_then(unix_time);
        time.is_none_or(|time| window.contains(time))
    };
    let kept: Vec<Value> = samples.iter().filter(inside).cloned().collect();
    if kept.is_empty() {
        return None;
    }
    if kept.len() == samples.len() {
        return Some(Arc::clone(object));
    }
    let mut series = Object::clone(object);
    series.judged = false;
    series.body["values"] = Value::Array(kept);
    Some(Arc::new(series))
}

fn unix_time(seconds: f64) -> Option<DateTime<Utc>> {
    #[allow(clippy::cast_possible_truncation, reason = "a float cast saturates")]
    DateTime::from_timestamp_millis((seconds * 1000.0) as i64)
}

/// At most as many objects as the limit allows, in their old order: half of them the newest, the
/// rest the nearest to the focus; without a focus the newest.
pub(super) fn limit(objects: Vec<Arc<Object>>, scope: &Scope) -> Found {
    let total = objects.len();
    if total <= scope.limit {
        return Found { objects, ..Found::default() };
    }
    let mut newest: Vec<usize> = (0..total).collect();
    newest.sort_by_key(|at| (std::cmp::Reverse(objects[*at].time), *at));
    let mut kept = vec![false; total];
    let share = scope.focus.map_or(scope.limit, |_| scope.limit.div_ceil(2));
    for at in newest.iter().take(share) {
        kept[*at] = true;
    }
    if let Some(focus) = scope.focus {
        let away = |at: usize| objects[at].time.map_or(TimeDelta::MAX, |time| (time - focus).abs());
        newest.sort_by_key(|at| away(*at));
        let rest: Vec<usize> =
            newest.into_iter().filter(|at| !kept[*at]).take(scope.limit - share).collect();
        for at in rest {
            kept[at] = true;
        }
    }
    let objects: Vec<_> =
        objects.into_iter().zip(kept).filter_map(|(object, keep)| keep.then_some(object)).collect();
    let cut = Cut { shown: objects.len(), total: Some(total), by: "limit" };
    Found { objects, cut: Some(cut), ..Found::default() }
}
