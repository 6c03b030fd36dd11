//! A `CronJob` and the last Job that it made.

use serde_json::{Value, json};

use super::clock::Ago;
use super::dice::{Dice, uid};
use super::pod::{self, Birth, template_spec};
use super::source::Workload;
use super::workload::{self, count, with};
use super::world::{World, metadata, owner};

/// Adds a `CronJob`, its last Job and the Job's Pods.
pub(super) fn add(world: &mut World, workload: &Workload) {
    let space = &workload.namespace;
    let clock = world.clock;
    let started = workload.started.unwrap_or(workload.age);
    // Jobs of a CronJob are named after the minute for which they were scheduled.
    let name = format!("{}-{}", workload.name, world.named_at.unix(started) / 60);
    let mut spec = template_spec(workload, &workload.containers);
    spec["restartPolicy"] = "Never".into();
    let mut labels = with(workload::labels(workload), "job-name", &name);
    labels["batch.kubernetes.io/job-name"] = name.as_str().into();
    labels["batch.kubernetes.io/controller-uid"] = uid("Job", space, &name).into();
    for (at, node) in workload.nodes.iter().enumerate() {
        let suffix = Dice::of(&format!("pod {space}/{name} {at}")).suffix(5);
        pod::add(
            world,
            Birth {
                workload,
                name: format!("{name}-{suffix}"),
                generated: Some(format!("{name}-")),
                owner: owner("batch/v1", "Job", space, &name),
                labels: labels.clone(),
                spec: spec.clone(),
                node,
                created: started,
                trouble: workload.pods.get(&at),
                containers: &workload.containers,
                claim: None,
            },
        );
    }
    let mut meta = metadata("CronJob", space, &workload.name, &clock.text(workload.age));
    meta["labels"] = workload::labels(workload);
    let template = json!({
        "backoffLimit": 1,
        "template": {"metadata": {"labels": workload::labels(workload)}, "spec": spec},
    });
    world.put(json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta,
        "spec": {
            "schedule": workload.schedule, "concurrencyPolicy": "Forbid", "suspend": false,
            "jobTemplate": {"spec": template},
            "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
        },
        "status": {"lastScheduleTime": clock.text(started)},
    }));
    let mut meta = metadata("Job", space, &name, &clock.text(started));
    meta["labels"] = labels;
    meta["ownerReferences"] = owner("batch/v1", "CronJob", space, &workload.name);
    let mut job = template;
    job["parallelism"] = 1.into();
    job["completions"] = 1.into();
    job["selector"] = json!({"matchLabels": {
        "batch.kubernetes.io/controller-uid": uid("Job", space, &name),
    }});
    world.put(json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": job,
        "status": job_status(world, workload, started),
    }));
}

fn job_status(world: &World, workload: &Workload, started: Ago) -> Value {
    let clock = world.clock;
    let start = clock.text(started);
    let Some(failed) = workload.failed else {
        let end = clock.text(Ago(started.0 - chrono::TimeDelta::seconds(41)));
        return json!({
            "startTime": start, "completionTime": end, "succeeded": 1, "ready": 0,
            "conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": end}],
        });
    };
    let conditions = ["FailureTarget", "Failed"].map(|kind| {
        json!({
            "type": kind, "status": "True", "reason": "BackoffLimitExceeded",
            "message": "Job has reached the specified backoff limit",
            "lastProbeTime": clock.text(failed), "lastTransitionTime": clock.text(failed),
        })
    });
    json!({
        "startTime": start, "failed": count(&workload.nodes), "ready": 0, "terminating": 0,
        "conditions": conditions,
    })
}
