//! Reading the log of one container: the newest lines of the window, and those around the focus
//! where the newest ones do not reach back to it. All that a batch reads has one budget of bytes,
//! for a search may ask for hundreds of logs at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tokio::sync::Semaphore;

use super::container::Container;
use super::pod_lines::{Extent, Lines, Log};
use super::readings::{Readings, Wish};
use crate::client::kube::{Kube, Refusal, TEXT, Url};
use crate::model::{ErrorKind, Rank, Scope, StoreError, clean, fit};

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
    queries: usize,
    used: AtomicUsize,
    slots: Semaphore,
}

impl Budget {
    /// What is allowed if nothing else is said.
    pub(super) const USUAL: usize = 64 << 20;

    /// For the logs of so many queries.
    pub(super) fn new(most: usize, queries: usize) -> Self {
        Self { most, queries, used: AtomicUsize::new(0), slots: Semaphore::new(AT_ONCE) }
    }

    /// How many bytes one of the logs of a query may have, so that a few noisy ones leave
    /// something for the others.
    pub(super) fn share(&self, logs: usize) -> usize {
        let share = self.most / (self.queries * logs).max(1);
        share.clamp(PIECE, BYTES)
    }

    /// A log of some extent; `None` if the budget is used up. Where that has too many bytes, it is
    /// asked for fewer lines until the newest fit.
    async fn get(
        &self,
        kube: &Kube,
        url: Url,
        wanted: Extent,
    ) -> Result<Option<Log>, Box<Refusal>> {
        // A semaphore that is never closed always gives a permit.
        let _slot = self.slots.acquire().await.ok();
        let (mut asked, mut any_full, mut best) = (wanted, false, None);
        loop {
            let left = self.most.saturating_sub(self.used.load(Ordering::Relaxed));
            asked.bytes = wanted.bytes.min(left);
            if asked.bytes == 0 {
                return Ok(best);
            }
            let tail = asked.tail.map(|tail| tail.to_string()).unwrap_or_default();
            let url = url.clone().query("tailLines", &tail);
            let url = url.query("limitBytes", &asked.bytes.to_string());
            let body = kube.get(&url, TEXT).await?.body;
            let (bytes, full) = (body.len(), body.len() >= asked.bytes);
            any_full |= full;
            let log = Log::of(body, asked, full);
            let shorter = log.shorter();
            let log = log.asked_as(Extent { tail: wanted.tail, ..asked }, any_full);
            if shorter.is_none() {
                self.used.fetch_add(bytes, Ordering::Relaxed);
                return Ok(Some(log));
            }
            (asked.tail, best) = (shorter, Some(log));
        }
    }
}

/// What the logs of one query are read with.
pub(super) struct Reader<'r> {
    pub(super) kube: &'r Kube,
    pub(super) readings: &'r Readings,
    pub(super) budget: &'r Budget,
    pub(super) rank: &'r Rank,
    pub(super) scope: Scope,
    /// How much of one log.
    pub(super) extent: Extent,
}

impl Reader<'_> {
    /// The lines of one container in the window; a container without any is no failure.
    pub(super) async fn read(&self, container: &Container) -> Result<Lines, StoreError> {
        if let Some(why) = &container.waits {
            let remark = Some(format!("has not started: {why}"));
            return Ok(Lines { remark, ..Lines::default() });
        }
        let window = self.scope.window;
        // The tail is counted from now, so it only serves a window that has not ended long ago.
        let recent = window.end + Duration::from_mins(1) >= Utc::now();
        let extent = Extent { tail: recent.then_some(self.extent.tail).flatten(), ..self.extent };
        let Some(log) = self.log(container, extent, None).await? else {
            return Ok(Lines { cut: true, unread: true, ..Lines::default() });
        };
        let mut lines = log.lines(extent.tail, window);
        let focus = self.scope.focus.filter(|focus| lines.cut && window.contains(*focus));
        if let Some(focus) = focus.filter(|focus| !reaches(&lines, *focus, recent)) {
            let piece = Extent { tail: None, bytes: PIECE };
            match self.log(container, piece, Some(focus)).await {
                Ok(Some(log)) => lines.add(log.lines(None, window).inside),
                Ok(None) => lines.unread = true,
                Err(fault) => lines.missing = Some(fault),
            }
        }
        Ok(lines)
    }

    /// As much of a log as is wanted, from the start of the window or from before a moment on;
    /// read once for all who want it. `None` if the budget is used up.
    async fn log(
        &self,
        container: &Container,
        wanted: Extent,
        around: Option<DateTime<Utc>>,
    ) -> Result<Option<Arc<Log>>, StoreError> {
        let window = self.scope.window;
        let wish = Wish {
            namespace: container.namespace().to_owned(),
            pod: container.pod().to_owned(),
            container: container.name.clone(),
            previous: container.previous,
            window,
            around,
        };
        let since = around.map_or(window.start, |focus| (focus - BEFORE).max(window.start));
        let read = |wanted| async move {
            match self.budget.get(self.kube, log_url(container, since), wanted).await {
                Ok(log) => Ok(log),
                Err(refusal) => explain(*refusal, container).map(Some),
            }
        };
        self.readings.log(&wish, wanted, self.rank, read).await
    }
}

fn log_url(container: &Container, since: DateTime<Utc>) -> Url {
    Url::resource("", "v1", Some(container.namespace()), "pods")
        .at(container.pod())
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

/// What a refusal means: some say that there is no log, in the kubelet's words.
fn explain(refusal: Refusal, container: &Container) -> Result<Log, StoreError> {
    let error = refusal.error;
    let no_previous = "previous terminated container";
    if refusal.no_object || error.kind == ErrorKind::BadQuery && error.message.contains(no_previous)
    {
        return Ok(Log::none(None));
    }
    match error.kind {
        ErrorKind::BadQuery => match no_log(&error.message) {
            Some(said) => Ok(Log::none(Some(said))),
            None => Err(error),
        },
        ErrorKind::Forbidden => {
            let next = format!("kubectl auth can-i get pods/log -n {}", container.namespace());
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
    let gone = [
        "is not available",
        "is terminated",
        "container not found",
        "is not valid for pod",
        "does not have a host assigned",
    ];
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
