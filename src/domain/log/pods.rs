//! Logs of Pods through the API server: the log store where there is no Loki.
//!
//! A selector is resolved to Pods, and every container of theirs, init and ephemeral ones
//! included, is read on its own. A container that cannot be read is a remark, not a failure.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use chrono::Utc;
use futures::stream::{self, BoxStream, StreamExt};

use super::container::{Container, namespace, of_pod};
use super::pod_lines::{Extent, Lines, fair};
use super::pod_source::PodSource;
use super::read::{Budget, Reader};
use super::readings::Readings;
use super::{LogSelector, PodLogs};
use crate::client::kube::Kube;
use crate::client::ranked;
use crate::model::{
    Answer, Class, Cut, ErrorKind, Found, Object, Query, Rank, Ranked, Scope, Source, Store,
    StoreError, Vocabulary,
};

/// The name of the source.
pub(super) const NAME: &str = "pod-logs";
/// Containers that are read for one query.
const CONTAINERS: usize = 100;
/// Queries whose Pods came at once that are put in order before their logs are read.
const TOGETHER: usize = 1000;

/// The store of the domain `log` that reads Pods.
#[derive(Clone, Debug)]
pub struct PodLogStore {
    kube: Kube,
    pods: PodSource,
    words: Arc<Vocabulary>,
    budget: usize,
    readings: Arc<Readings>,
}

impl PodLogStore {
    /// A store that asks a server for the logs of the Pods that a source finds; `words` tell which
    /// namespaces are infrastructure.
    pub fn new(kube: &Kube, pods: PodSource, words: &Vocabulary) -> Self {
        let words = Arc::new(words.clone());
        let readings = Arc::default();
        Self { kube: kube.named(NAME), pods, words, budget: Budget::USUAL, readings }
    }

    /// The same with another bound on the bytes of all logs that are read for one batch.
    #[must_use]
    pub fn budget(self, bytes: usize) -> Self {
        Self { budget: bytes, ..self }
    }
}

impl Store for PodLogStore {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let scope = scope.reaching(Utc::now());
        let started = Instant::now();
        let answer = move |query: Query, result: Result<Found, StoreError>| {
            let result = result.map_err(|mut fault| {
                NAME.clone_into(&mut fault.source_name);
                fault
            });
            Answer { query, result, took: started.elapsed() }
        };
        let budget = Arc::new(Budget::new(self.budget, batch.len()));
        let mut known = Vec::new();
        // Queries by the Pods that they need, so that these are asked for once.
        let mut waiting: BTreeMap<Query, Vec<Ranked>> = BTreeMap::new();
        for one in batch {
            match self.pods_of(&one.query) {
                Ok(pods) => waiting.entry(pods).or_default().push(one),
                Err(result) => known.push(answer(one.query, *result)),
            }
        }
        let asked = waiting.iter().map(|(query, those)| {
            let rank = Rank::join(those.iter().map(|one| &one.rank));
            Ranked { query: query.clone(), rank }
        });
        let pods = self.pods.fetch(asked.collect(), scope);
        let store = self.clone();
        let shares = Arc::clone(&budget);
        let plans = pods.flat_map(move |Answer { query, result, .. }| {
            let those = waiting.remove(&query).unwrap_or_default().into_iter();
            let plan = |one: Ranked| {
                let pods = result.as_ref().map_err(Clone::clone);
                let plan = pods.map(|pods| store.plan(&one.query, pods, scope, &shares));
                (one, plan)
            };
            stream::iter(those.map(plan).collect::<Vec<_>>())
        });
        // Whoever wants most of a log comes first, so that the others can have a part of it.
        let plans = plans.ready_chunks(TOGETHER).flat_map(|mut plans| {
            let most = |plan: &Plan| plan.extent.tail;
            plans.sort_by_key(|(_, plan)| Reverse(plan.as_ref().ok().and_then(most)));
            stream::iter(plans)
        });
        let store = self.clone();
        // All at once: a stream that waits would hold the calls of others. Reading has its bound.
        let read = plans.map(move |(Ranked { query, rank }, plan)| {
            let (store, budget) = (store.clone(), Arc::clone(&budget));
            async move {
                let work = store.answer(&query, plan, &rank, scope, &budget);
                let result = ranked(rank.clone(), work).await;
                answer(query, result)
            }
        });
        stream::iter(known).chain(read.buffer_unordered(usize::MAX)).boxed()
    }

    fn sources(&self) -> Vec<Source> {
        vec![Source { kept: self.readings.kept(), ..self.kube.source() }]
    }

    fn refresh(&self) {
        self.readings.clear();
    }
}

/// What is to be read for one query.
struct Plan {
    containers: Vec<Container>,
    /// How much of each log.
    extent: Extent,
    /// Why there may be more to read.
    cut: Option<&'static str>,
    note: Option<String>,
}

fn selected(query: &Query) -> Option<&PodLogs> {
    match query.selector::<LogSelector>()? {
        LogSelector::Pods(pods) => Some(pods),
        LogSelector::Journal(_) | LogSelector::LogQl(_) => None,
    }
}

impl PodLogStore {
    /// The query for the Pods that a query needs, or its answer, if no Pods make one.
    fn pods_of(&self, query: &Query) -> Result<Query, Box<Result<Found, StoreError>>> {
        if let Some(LogSelector::Journal(journal)) = query.selector() {
            let note = journal.advice("journals of Nodes are not read without a log store");
            return Err(Box::new(Ok(Found { note: Some(note), ..Found::default() })));
        }
        let Some(wanted) = selected(query) else {
            let words = "LogQL cannot be answered from Pods";
            let error = StoreError::new(ErrorKind::BadQuery, NAME, words);
            let next = "give --loki-url, or select Pods: {namespace: shop, name: db-0}";
            return Err(Box::new(Err(error.hint(next))));
        };
        self.pods.query(wanted).map_err(|fault| Box::new(Err(fault)))
    }

    /// What there is to read of some Pods for a query: those in the worst state first.
    fn plan(&self, query: &Query, pods: &Found, scope: Scope, budget: &Budget) -> Plan {
        let class = query.class().name();
        let of_class = |pod: &&Arc<Object>| self.words.log_class(namespace(pod)) == class;
        let mut chosen: Vec<_> = pods.objects.iter().filter(of_class).collect();
        chosen.sort_by_key(|pod| Reverse(pod.severity));
        let wanted = selected(query);
        let of_pod = |pod| wanted.map(|wanted| of_pod(pod, wanted, scope.window));
        let mut containers: Vec<Container> =
            chosen.into_iter().filter_map(of_pod).flatten().collect();
        let mut all = 0;
        containers.retain(|container| {
            all += usize::from(container.waits.is_none());
            container.waits.is_some() || all <= CONTAINERS
        });
        let logs = all.clamp(1, CONTAINERS);
        let tail = (scope.limit.saturating_mul(4) / logs).clamp(20, scope.limit.max(20));
        let extent = Extent { tail: Some(tail), bytes: budget.share(logs) };
        let note = pods.note.as_ref().filter(|_| pods.objects.is_empty());
        let note = match note {
            Some(note) => Some(format!("Pods: {note}")),
            None => (all > logs).then(|| format!("{logs} of {all} containers were read")),
        };
        let cut =
            if all > logs { Some("container cap") } else { pods.cut.as_ref().map(|cut| cut.by) };
        Plan { containers, extent, cut, note }
    }

    async fn answer(
        &self,
        query: &Query,
        plan: Result<Plan, StoreError>,
        rank: &Rank,
        scope: Scope,
        budget: &Budget,
    ) -> Result<Found, StoreError> {
        let Plan { containers, extent, cut, note } = plan?;
        let (kube, readings) = (&self.kube, &*self.readings);
        let reader = Reader { kube, readings, budget, rank, scope, extent };
        let reads = stream::iter(containers.into_iter().map(|container| async {
            let read = reader.read(&container).await;
            (container, read)
        }));
        let read: Vec<_> = reads.buffered(CONTAINERS).collect().await;
        let mut found = self.gather(query.class(), read, scope)?;
        if selected(query).is_some_and(|wanted| wanted.trace.is_some()) {
            found.objects.retain(|line| query.matches(line) == Some(true));
        }
        let shown = found.objects.len();
        found.cut = cut.map(|by| Cut { shown, total: None, by }).or(found.cut);
        found.note = match (note, found.note) {
            (Some(note), Some(more)) => Some(format!("{note}; {more}")),
            (note, more) => note.or(more),
        };
        Ok(found)
    }

    /// The lines of all containers, newest first; an error if none could be read. If only some
    /// could, the first failure says what is missing.
    fn gather(
        &self,
        class: &Class,
        read: Vec<(Container, Result<Lines, StoreError>)>,
        scope: Scope,
    ) -> Result<Found, StoreError> {
        let mut remarks = Vec::new();
        let mut streams = Vec::new();
        let mut missing = None;
        for (container, lines) in read {
            let (lines, fault) = match lines {
                Ok(mut lines) => {
                    let fault = lines.missing.take();
                    (Some(lines), fault)
                }
                Err(fault) => (None, Some(fault)),
            };
            if let Some(mut fault) = fault {
                NAME.clone_into(&mut fault.source_name);
                fault.message = format!("{container}: {fault}");
                remarks.push(fault.message.clone());
                missing.get_or_insert(fault);
            }
            if let Some(lines) = lines {
                remarks.extend(lines.remark.iter().map(|said| format!("{container}: {said}")));
                streams.push((container, lines));
            }
        }
        if streams.is_empty()
            && let Some(fault) = missing
        {
            return Err(fault);
        }
        let more = remarks.len().saturating_sub(3);
        remarks.truncate(3);
        if more > 0 {
            remarks.push(format!("{more} more containers like that"));
        }
        let full = streams.iter().any(|(_, lines)| lines.full);
        let unread = streams.iter().filter(|(_, lines)| lines.unread).count();
        if unread > 0 {
            remarks.insert(0, self.used_up(unread));
        }
        let note = (!remarks.is_empty()).then(|| remarks.join("; "));
        let open = streams.iter().any(|(_, lines)| lines.cut);
        let read: usize = streams.iter().map(|(_, lines)| lines.inside.len()).sum();
        let mut objects = fair(streams, class, scope, &self.words);
        objects.sort_by(|a, b| (b.time, &a.id).cmp(&(a.time, &b.id)));
        let shown = objects.len();
        let cut = (open || shown < read).then(|| Cut {
            shown,
            total: (!open).then_some(read),
            by: if unread > 0 || full { "byte cap" } else { "limit" },
        });
        Ok(Found { objects: objects.into_iter().map(Arc::new).collect(), cut, missing, note })
    }

    /// That logs were not read, and why.
    fn used_up(&self, unread: usize) -> String {
        let (most, s) = (self.budget >> 20, if unread == 1 { "" } else { "s" });
        format!(
            "{unread} log{s} not read to the end: the logs of this step have {most} MiB already; \
             a shorter window (--since) or fewer Pods need less"
        )
    }
}
