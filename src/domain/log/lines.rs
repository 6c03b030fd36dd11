//! Lines of a Loki server for several queries that differ by their Pod alone: in few calls, fair
//! to quiet Pods, and with those near the focus as well as the newest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;

use super::object::LogStream;
use super::plan::Part;
use crate::client::loki::{Loki, Stream};
use crate::model::{Class, Object, Query, Scope, StoreError, Vocabulary, Window};

/// The longest LogQL that is sent, in bytes.
const LONGEST: usize = 4000;

/// The most lines that a merged call asks for.
const MOST: usize = 5000;

/// A query and the Pod that it names, if it does.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) query: Query,
    pub(super) pod: Option<String>,
}

/// The lines of one query, the newest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    pub(super) objects: Vec<Object>,
    /// What cut them, if something did.
    pub(super) cut: Option<&'static str>,
}

/// A server and what is needed to understand its lines.
pub(super) struct Server {
    pub(super) loki: Arc<Loki>,
    pub(super) words: Arc<Vocabulary>,
}

type ByQuery = BTreeMap<usize, Result<Lines, StoreError>>;

impl Server {
    /// The lines of all queries, by their place in the list.
    pub(super) async fn lines(&self, part: &Part, all: &[Asked], scope: Scope) -> ByQuery {
        let mut found = ByQuery::new();
        let mut groups = chunks(part, all, (0..all.len()).collect());
        while !groups.is_empty() {
            let calls = groups.iter().map(|group| self.group(part, all, group, scope));
            let mut starved = Vec::new();
            for (done, rest) in join_all(calls).await {
                found.extend(done);
                // Halves, so that one noisy Pod is found in a few calls.
                let half = rest.len().div_ceil(2).max(1);
                starved.extend(rest.chunks(half).map(<[usize]>::to_vec));
            }
            groups = starved;
        }
        found
    }

    /// Asks for a group of queries at once. What was cut too short to be fair is left over.
    async fn group(
        &self,
        part: &Part,
        all: &[Asked],
        group: &[usize],
        scope: Scope,
    ) -> (ByQuery, Vec<usize>) {
        let text = part.logql(&pods(all, group));
        let class = all[group[0]].query.class();
        if let [only] = group {
            let lines = self.single(&text, class, scope).await;
            let own = |lines: Lines| of_query(&all[*only].query, &lines);
            return (ByQuery::from([(*only, lines.map(own))]), Vec::new());
        }
        let wanted = scope.limit.saturating_mul(group.len()).min(MOST);
        let (lines, limit) = match self.newest(&text, class, scope.window, wanted).await {
            Ok(found) => found,
            Err(error) => {
                let failed = group.iter().map(|at| (*at, Err(error.clone())));
                return (failed.collect(), Vec::new());
            }
        };
        if lines.len() < limit {
            let whole = Lines { objects: lines, cut: None };
            let by_pod = by_pod(whole);
            let done = group
                .iter()
                .map(|at| (*at, Ok(of_query(&all[*at].query, lines_of(&by_pod, &all[*at])))));
            return (done.collect(), Vec::new());
        }
        // Who has enough is done; the others' lines may be behind theirs, so they are asked again.
        let whole = Lines { objects: lines, cut: Some("limit") };
        let enough = |lines: &Lines| {
            let oldest = lines.objects.last().and_then(|line| line.time);
            lines.objects.len() >= scope.limit && (scope.focus.is_none() || oldest <= scope.focus)
        };
        let by_pod = by_pod(whole);
        let own = |at: &usize| (*at, of_query(&all[*at].query, lines_of(&by_pod, &all[*at])));
        let (done, rest): (Vec<_>, Vec<_>) =
            group.iter().map(own).partition(|(_, lines)| enough(lines));
        let done = done.into_iter().map(|(at, lines)| (at, Ok(lines))).collect();
        (done, rest.into_iter().map(|(at, _)| at).collect())
    }

    /// The lines of one LogQL query: the newest, and if these do not reach back to the focus, as
    /// many around it.
    pub(super) async fn single(
        &self,
        text: &str,
        class: &Class,
        scope: Scope,
    ) -> Result<Lines, StoreError> {
        let (mut newest, limit) = self.newest(text, class, scope.window, scope.limit).await?;
        if newest.len() < limit {
            return Ok(Lines { objects: newest, cut: None });
        }
        let cut = Some(if limit < scope.limit { "server limit" } else { "limit" });
        let oldest = newest.last().and_then(|line| line.time);
        let focus = scope.focus.filter(|focus| {
            scope.window.contains(*focus) && oldest.is_some_and(|oldest| oldest > *focus)
        });
        if let Some(focus) = focus {
            let near = self.near(text, class, scope.window, focus, limit.div_ceil(2)).await?;
            newest.truncate(limit.saturating_sub(near.len()));
            newest.extend(near);
            sort(&mut newest);
            newest.dedup_by(|a, b| a.id == b.id);
        }
        Ok(Lines { objects: newest, cut })
    }

    /// The lines nearest to the focus, half of them from before it and half from after it, or
    /// more from one side if the other has fewer.
    async fn near(
        &self,
        text: &str,
        class: &Class,
        window: Window,
        focus: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<Object>, StoreError> {
        let until = Window { start: window.start, end: focus };
        let after = Window { start: focus + TimeDelta::nanoseconds(1), end: window.end };
        let (before, after) = futures::join!(
            self.newest(text, class, until, most),
            self.loki.oldest(text, after, most)
        );
        let (mut near, (streams, _)) = (before?.0, after?);
        let mut after = self.sorted(class, streams);
        near.truncate(most - after.len().min(most / 2));
        let skip = after.len().saturating_sub(most.saturating_sub(near.len()));
        near.extend(after.drain(skip..));
        Ok(near)
    }

    async fn newest(
        &self,
        text: &str,
        class: &Class,
        window: Window,
        limit: usize,
    ) -> Result<(Vec<Object>, usize), StoreError> {
        let (streams, limit) = self.loki.newest(text, window, limit).await?;
        Ok((self.sorted(class, streams), limit))
    }

    fn sorted(&self, class: &Class, streams: Vec<Stream>) -> Vec<Object> {
        let mut lines = Vec::with_capacity(streams.iter().map(|own| own.entries.len()).sum());
        for Stream { labels, entries } in streams {
            let mut stream = LogStream::new(class, labels, false, &self.words);
            let objects =
                entries.into_iter().map(|one| stream.object(one.time, one.line, one.metadata));
            lines.extend(objects);
        }
        sort(&mut lines);
        lines
    }
}

/// The newest first; lines of one moment in an order of their own.
pub(super) fn sort(lines: &mut [Object]) {
    lines.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.id.cmp(&b.id)));
}

/// Lines by the Pod that wrote them; those whose Pod is not known belong to nobody here.
fn by_pod(lines: Lines) -> BTreeMap<String, Lines> {
    let mut found: BTreeMap<String, Lines> = BTreeMap::new();
    for line in lines.objects {
        let pod = line.text("/pod").unwrap_or_default().to_owned();
        found
            .entry(pod)
            .or_insert_with(|| Lines { objects: vec![], cut: lines.cut })
            .objects
            .push(line);
    }
    found
}

/// The lines of the Pod that a query asks for.
fn lines_of<'l>(by_pod: &'l BTreeMap<String, Lines>, asked: &Asked) -> &'l Lines {
    const NONE: &Lines = &Lines { objects: Vec::new(), cut: None };
    by_pod.get(asked.pod.as_deref().unwrap_or_default()).unwrap_or(NONE)
}

/// The lines that a query does not exclude, each once.
fn of_query(query: &Query, lines: &Lines) -> Lines {
    let mut seen = BTreeSet::new();
    let own = lines.objects.iter().filter(|line| query.matches(line) != Some(false));
    let objects = own.filter(|line| seen.insert(&line.id)).cloned().collect();
    Lines { objects, cut: lines.cut }
}

fn pods<'a>(all: &'a [Asked], group: &[usize]) -> Vec<&'a str> {
    group.iter().filter_map(|at| all[*at].pod.as_deref()).collect()
}

/// Groups whose LogQL is not too long; queries that name no Pod stay alone.
fn chunks(part: &Part, all: &[Asked], group: Vec<usize>) -> Vec<Vec<usize>> {
    let alone = part.place.is_none();
    let fits = !alone && part.logql(&pods(all, &group)).len() <= LONGEST;
    if group.len() < 2 || fits {
        return vec![group];
    }
    let (left, right) = group.split_at(group.len() / 2);
    let mut found = chunks(part, all, left.to_vec());
    found.extend(chunks(part, all, right.to_vec()));
    found
}
