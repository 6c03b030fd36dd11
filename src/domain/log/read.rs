//! Reading the log of one container: the newest lines of the window, and those around the focus
//! where the newest ones do not reach back to it. All that a batch reads has one budget of bytes,
//! for a search may ask for hundreds of logs at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tokio::sync::Semaphore;

use super::container::{Container, Lines, read_lines};
use crate::client::kube::{Kube, Refusal, TEXT, Url};
use crate::model::{ErrorKind, Scope, StoreError, clean, fit};

/// Bytes of one container.
const BYTES: usize = 4 << 20;
/// Bytes of one container around the focus.
const PIECE: usize = 256 << 10;
/// How long before the focus that piece begins.
const BEFORE: TimeDelta = TimeDelta::minutes(5);
/// Logs that are read at once. A log that is being read is not yet counted, so these times
/// [`BYTES`] may be over the budget.
const AT_ONCE: usize = 16;

/// How many bytes may be read for a batch.
pub(super) struct Budget {
    most: usize,
    used: AtomicUsize,
    slots: Semaphore,
}

impl Budget {
    /// What is allowed if nothing else is said.
    pub(super) const USUAL: usize = 64 << 20;

    pub(super) fn new(most: usize) -> Self {
        Self { most, used: AtomicUsize::new(0), slots: Semaphore::new(AT_ONCE) }
    }

    /// A log of at most some bytes, and whether it has as many; `None` if the budget is used up.
    async fn get(
        &self,
        kube: &Kube,
        url: Url,
        most: usize,
    ) -> Result<Option<(Vec<u8>, bool)>, Box<Refusal>> {
        // A semaphore that is never closed always gives a permit.
        let _slot = self.slots.acquire().await.ok();
        let most = most.min(self.most.saturating_sub(self.used.load(Ordering::Relaxed)));
        if most == 0 {
            return Ok(None);
        }
        let body = kube.get(&url.query("limitBytes", &most.to_string()), TEXT).await?.body;
        self.used.fetch_add(body.len(), Ordering::Relaxed);
        let full = body.len() >= most;
        Ok(Some((body, full)))
    }
}

/// The lines of one container in the window; a container without any is no failure.
pub(super) async fn read(
    kube: &Kube,
    container: &Container,
    tail: usize,
    scope: Scope,
    budget: &Budget,
) -> Result<Lines, StoreError> {
    // The tail is counted from now, so it only serves a window that has not ended long ago.
    let recent = scope.window.end + Duration::from_mins(1) >= Utc::now();
    let url = log_url(container, scope.window.start)
        .query("tailLines", &if recent { tail.to_string() } else { String::new() });
    let mut lines = match budget.get(kube, url, BYTES).await {
        Ok(Some((body, full))) => {
            let mut lines = read_lines(&body, scope.window);
            lines.cut = (recent && lines.count >= tail) || full;
            lines
        }
        Ok(None) => return Ok(Lines { cut: true, unread: true, ..Lines::default() }),
        Err(refusal) => return explain(*refusal, container),
    };
    let focus = scope.focus.filter(|focus| lines.cut && scope.window.contains(*focus));
    if let Some(focus) = focus.filter(|focus| !reaches(&lines, *focus, recent)) {
        around(&mut lines, focus, kube, container, scope, budget).await;
    }
    Ok(lines)
}

fn log_url(container: &Container, since: DateTime<Utc>) -> Url {
    Url::resource("", "v1", Some(&container.namespace), "pods")
        .at(&container.pod)
        .at("log")
        .query("container", &container.name)
        .query("timestamps", "true")
        .query("sinceTime", &since.to_rfc3339_opts(SecondsFormat::Secs, true))
        .query("previous", if container.previous { "true" } else { "" })
}

/// Whether lines that were cut, at their start if they are a tail and else at their end, go as
/// far as the focus.
fn reaches(lines: &Lines, focus: DateTime<Utc>, tail: bool) -> bool {
    if tail {
        lines.inside.first().is_some_and(|(time, _)| *time <= focus)
    } else {
        lines.inside.last().is_some_and(|(time, _)| *time >= focus)
    }
}

/// Adds the lines around the focus.
async fn around(
    lines: &mut Lines,
    focus: DateTime<Utc>,
    kube: &Kube,
    container: &Container,
    scope: Scope,
    budget: &Budget,
) {
    let url = log_url(container, (focus - BEFORE).max(scope.window.start));
    match budget.get(kube, url, PIECE).await {
        Ok(Some((body, full))) => {
            let mut piece = read_lines(&body, scope.window).inside;
            if full {
                // The last line may be cut off in its middle.
                piece.pop();
            }
            lines.add(piece);
        }
        Ok(None) => lines.unread = true,
        Err(refusal) => lines.missing = Some(refusal.error),
    }
}

/// What a refusal means: some say that there is no log, in the kubelet's words.
fn explain(refusal: Refusal, container: &Container) -> Result<Lines, StoreError> {
    let error = refusal.error;
    let no_previous = "previous terminated container";
    if refusal.no_object || error.kind == ErrorKind::BadQuery && error.message.contains(no_previous)
    {
        return Ok(Lines::default());
    }
    match error.kind {
        ErrorKind::BadQuery => match no_log(&error.message) {
            Some(said) => Ok(Lines { remark: Some(said), ..Lines::default() }),
            None => Err(error),
        },
        ErrorKind::Forbidden => {
            let next = format!("kubectl auth can-i get pods/log -n {}", container.namespace);
            Err(error.hint(format!("check with: {next}")))
        }
        _ => Err(error),
    }
}

/// The remark to make of words with which a kubelet says that there is no log; `None` if they say
/// something else.
fn no_log(words: &str) -> Option<String> {
    if let Some((_, why)) = words.split_once("is waiting to start: ") {
        return Some(format!("has not started: {}", fit(&clean(why), 200)));
    }
    let gone = ["is not available", "is terminated", "container not found", "is not valid for pod"];
    gone.iter().any(|gone| words.contains(gone)).then(|| fit(&clean(words), 200))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubelets_say_in_place_of_a_log() {
        for (words, expected) in [
            (
                "container \"web\" in pod \"web-1\" is waiting to start: ContainerCreating",
                Some("has not started: ContainerCreating"),
            ),
            (
                "container \"web\" in pod \"web-1\" is waiting to start: trying and failing to pull image",
                Some("has not started: trying and failing to pull image"),
            ),
            (
                "container \"web\" in pod \"web-1\" is not available",
                Some("container \"web\" in pod \"web-1\" is not available"),
            ),
            ("unable to parse sinceTime", None),
        ] {
            assert_eq!(no_log(words).as_deref(), expected, "{words}");
        }
    }
}
