//! Spans of Tempo or Jaeger. Traces by their ids are fetched once a batch, however many queries
//! name them; many at once are searched for where the server can. A search that is cut asks
//! again for failed and for slow spans, since servers stop at the first that they come across.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use chrono::{TimeDelta, Utc};
use futures::FutureExt as _;
use futures::future::{BoxFuture, join, join_all};
use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt};

use super::select::{duration, fields, rank, whole};
use super::words::Words;
use super::{SpanSelector, Trace, TraceQl, objects};
use crate::client::ranked;
use crate::client::span::{Page, Search, Trace as Whole, Tracer};
use crate::model::{
    Answer, Cut, Found, Object, Query, Rank, Ranked, Scope, Source, Store, StoreError, Vocabulary,
};

/// How many traces a search asks for, if the limit does not ask for more than these have.
const TRACES: usize = 50;

/// How many spans of one trace a search asks for, likewise.
const SPANS: usize = 20;

/// The most spans of one trace that servers allow to ask for.
const MOST_SPANS: usize = 100;

/// How many traces are fetched one by one rather than searched for.
const ONE_BY_ONE: usize = 16;

/// How many ids one search names.
const IDS: usize = 50;

/// How long it may take until a new trace can be searched for.
const FRESH: TimeDelta = TimeDelta::seconds(60);

/// What is said of nothing in a window that has just ended.
const NOTHING_YET: &str =
    "nothing yet: a new trace may take half a minute until it can be searched for";

/// The store of the domain `trace`.
pub struct TraceStore(Arc<Inner>);

struct Inner {
    tracer: Arc<dyn Tracer>,
    /// What a search asks for of each span.
    fields: Vec<String>,
    /// Which of these names are resource attributes.
    resource: Vec<String>,
    words: Words,
}

/// What is known of each trace.
type ById = BTreeMap<String, Result<Option<Known>, StoreError>>;

/// The spans of a trace, and how many it has, if the server tells.
struct Known {
    whole: Whole,
    spans: usize,
}

impl TraceStore {
    /// A store over a server; `words` tell which attributes name Pods, services and others.
    pub fn new(tracer: Arc<dyn Tracer>, words: &Vocabulary) -> Self {
        let (fields, resource) = fields(words);
        Self(Arc::new(Inner { tracer, fields, resource, words: Words::new(words) }))
    }
}

impl Store for TraceStore {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let started = Instant::now();
        let (ids, traceql): (Vec<Ranked>, Vec<Ranked>) =
            batch.into_iter().partition(|one| Trace::ids(&one.query).is_some());
        let inner = Arc::clone(&self.0);
        let searches: FuturesUnordered<_> = traceql
            .into_iter()
            .map(|Ranked { query, rank }| {
                let inner = Arc::clone(&inner);
                ranked(rank, async move {
                    let result = inner.traceql(&query, scope).await;
                    Answer { query, result, took: started.elapsed() }
                })
            })
            .collect();
        let rank = Rank::join(ids.iter().map(|one| &one.rank));
        let ids = ids.into_iter().map(|one| one.query).collect();
        let named =
            ranked(rank, async move { stream::iter(inner.named(ids, scope, started).await) });
        stream::select(searches, stream::once(named).flatten()).boxed()
    }

    fn sources(&self) -> Vec<Source> {
        vec![Source { vocabulary: self.0.words.told(), ..self.0.tracer.source() }]
    }

    fn prepare(&self, scope: Scope, rank: &Rank) -> Option<BoxFuture<'static, ()>> {
        let inner = Arc::clone(&self.0);
        inner.words.known(scope.window).is_none().then(|| {
            let ask = async move { drop(inner.words.learn(&*inner.tracer, scope.window).await) };
            ranked(rank.clone(), ask).boxed()
        })
    }

    fn refresh(&self) {
        self.0.words.forget();
        self.0.tracer.forget();
    }
}

impl Inner {
    /// Answers to queries that name traces.
    async fn named(&self, queries: Vec<Query>, scope: Scope, started: Instant) -> Vec<Answer> {
        let wanted: BTreeSet<String> =
            queries.iter().filter_map(Trace::ids).flatten().cloned().collect();
        let wanted: Vec<String> = wanted.into_iter().collect();
        // Whoever names many traces in one query wants them, wherever they are.
        let known = if queries.len() > ONE_BY_ONE && wanted.len() > ONE_BY_ONE {
            self.many(&wanted, scope).await
        } else {
            self.each(&wanted).await
        };
        let mut made: BTreeMap<&str, Vec<Arc<Object>>> = BTreeMap::new();
        for (id, found) in &known {
            let known = found.as_ref().ok().and_then(Option::as_ref);
            let spans = known.map(|known| &known.whole.spans);
            made.insert(id, spans.cloned().map(objects).unwrap_or_default());
        }
        let answer = |query: Query| {
            let result = answer(Trace::ids(&query).unwrap_or_default(), &known, &made, scope);
            Answer { query, result, took: started.elapsed() }
        };
        queries.into_iter().map(answer).collect()
    }

    /// Traces one by one, as many at a time as the client allows.
    async fn each(&self, ids: &[String]) -> ById {
        let calls = ids.iter().map(|id| async {
            let found = self.tracer.trace(id).await.map(|found| {
                let mut whole = found?;
                // A server may pad an unfinished id, and answer with another trace.
                whole.spans.retain(|span| span.trace == *id);
                Some(Known { whole, spans: 0 })
            });
            (id.clone(), found)
        });
        join_all(calls).await.into_iter().collect()
    }

    /// Many traces in few searches, if the server can. Of those that no search found a few are
    /// fetched: most are not there, for lines tell of traces that nobody has sampled.
    async fn many(&self, ids: &[String], scope: Scope) -> ById {
        let mut known = ById::new();
        let searches = ids.chunks(IDS).map(|chunk| async move {
            let names: Vec<&str> = chunk.iter().map(String::as_str).collect();
            let traceql = self.tracer.by_ids(&names)?;
            let parsed = TraceQl::parse(&traceql).ok()?;
            let page = self
                .search(traceql, &parsed, scope, (chunk.len(), size(scope.limit).1))
                .await
                .ok()?;
            Some((chunk, page))
        });
        for (chunk, page) in join_all(searches).await.into_iter().flatten() {
            known.extend(chunk.iter().map(|id| (id.clone(), Ok(None))));
            for span in page.spans {
                let entry = known.entry(span.trace.clone()).or_insert(Ok(None));
                if let Ok(entry) = entry {
                    let spans = page.matched.get(&span.trace).copied().unwrap_or_default();
                    let known =
                        entry.get_or_insert_with(|| Known { whole: Whole::default(), spans });
                    known.whole.spans.push(span);
                }
            }
        }
        let (unseen, unasked): (Vec<&String>, Vec<&String>) = ids
            .iter()
            .filter(|id| !matches!(known.get(*id), Some(Ok(Some(_)))))
            .partition(|id| known.contains_key(*id));
        let rest: Vec<String> =
            unseen.into_iter().take(ONE_BY_ONE).chain(unasked).cloned().collect();
        known.extend(self.each(&rest).await);
        known
    }

    async fn search(
        &self,
        traceql: String,
        parsed: &TraceQl,
        scope: Scope,
        (traces, spans): (usize, usize),
    ) -> Result<Page, StoreError> {
        let mut resource = parsed.resource_names();
        resource.extend(self.resource.iter().cloned());
        let select = if parsed.extensible() { self.fields.clone() } else { Vec::new() };
        let terms = parsed.terms();
        let wanted =
            Search { traceql, select, resource, terms, window: scope.window, traces, spans };
        self.tracer.search(&wanted).await
    }

    /// The failed and the slowest of the spans that a query selects.
    async fn traceql(&self, query: &Query, scope: Scope) -> Result<Found, StoreError> {
        let Some(SpanSelector::TraceQl(parsed)) = query.selector() else {
            return Ok(Found::default());
        };
        let (first, parsed, remark) = self.first(parsed, scope).await?;
        let parsed = &parsed;
        // What the server counted but did not tell.
        let matched: usize = first.matched.values().sum();
        let hidden = matched.saturating_sub(first.spans.len());
        let mut found = objects(first.spans);
        let mut missing = None;
        if first.more || hidden > 0 {
            missing = self.worst(parsed, scope, &mut found).await;
        }
        // A server that knows no TraceQL gives whole traces.
        found.retain(|span| {
            span.body.get("partial").is_some() || query.matches(span) != Some(false)
        });
        rank(&mut found);
        let total = (!first.more).then_some(matched.max(found.len())).filter(|_| hidden > 0);
        let total = total.or((!first.more).then_some(found.len()));
        let cut = total.is_none_or(|total| total > found.len().min(scope.limit));
        let lifts = size(scope.limit).1 < MOST_SPANS || first.more;
        let by = if found.len() > scope.limit || lifts { "limit" } else { "server limit" };
        found.truncate(scope.limit);
        let cut = cut.then_some(Cut { shown: found.len(), total, by });
        let fresh = found.is_empty() && scope.window.end + FRESH >= Utc::now();
        let notes: Vec<String> = remark
            .into_iter()
            .chain(first.note)
            .chain(fresh.then(|| NOTHING_YET.to_owned()))
            .collect();
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        Ok(Found { objects: found, cut, missing, note })
    }

    /// The first page of a search, the query that found it, and a remark if its words are others.
    /// Attributes that no span has are asked for by their other names, if there are such.
    async fn first(
        &self,
        wanted: &TraceQl,
        scope: Scope,
    ) -> Result<(Page, TraceQl, Option<String>), StoreError> {
        let ask = |query: TraceQl| async move {
            let page = self.search(query.text(), &query, scope, size(scope.limit)).await?;
            Ok((page, query))
        };
        let words = &self.words;
        let known = words.known(scope.window);
        let names = known.as_deref().and_then(Option::as_ref);
        let other = names.and_then(|names| words.translated(wanted, names));
        let translated = other.is_some();
        let (mut page, mut query) = ask(other.unwrap_or_else(|| wanted.clone())).await?;
        if !page.spans.is_empty() || wanted.resource_names().is_empty() {
            let remark = translated.then(|| format!("asked for {}", query.text()));
            return Ok((page, query, remark));
        }
        let names = words.learn(&*self.tracer, scope.window).await;
        let Some(names) = &*names else {
            return Ok((page, query, None));
        };
        if !translated && let Some(other) = words.translated(wanted, names) {
            (page, query) = ask(other).await?;
        }
        let asked = (query.text() != wanted.text()).then(|| format!("asked for {}", query.text()));
        let lacking = Words::lacking(&query, names).filter(|_| page.spans.is_empty());
        let remarks: Vec<String> = asked.into_iter().chain(lacking).collect();
        Ok((page, query, (!remarks.is_empty()).then(|| remarks.join("; "))))
    }

    /// Adds failed and slow spans to those of a search that was cut; tells what failed.
    async fn worst(
        &self,
        parsed: &TraceQl,
        scope: Scope,
        found: &mut Vec<Arc<Object>>,
    ) -> Option<StoreError> {
        let slow = found.iter().map(|span| duration(span)).max().unwrap_or_default();
        let slow = format!("duration > {slow}ns");
        let (failed, slow) =
            join(self.further(parsed, "status = error", scope), self.further(parsed, &slow, scope))
                .await;
        let mut missing = None;
        for page in [failed, slow].into_iter().flatten() {
            match page {
                Ok(page) => found.extend(objects(page.spans)),
                Err(error) => missing = Some(error),
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.dedup_by(|a, b| a.id == b.id);
        missing
    }

    /// A search for those spans that fulfil a further condition.
    async fn further(
        &self,
        parsed: &TraceQl,
        condition: &str,
        scope: Scope,
    ) -> Option<Result<Page, StoreError>> {
        let traceql = parsed.and(condition)?;
        let parsed = TraceQl::parse(&traceql).ok()?;
        Some(self.search(traceql, &parsed, scope, size(scope.limit)).await)
    }
}

/// How many traces, and how many spans of each, a search for so many spans asks for.
fn size(limit: usize) -> (usize, usize) {
    let spans = (limit / TRACES).clamp(SPANS, MOST_SPANS).min(limit);
    (TRACES.max(limit / SPANS).min(limit), spans)
}

/// The spans of some traces.
fn answer(
    ids: &[String],
    known: &ById,
    made: &BTreeMap<&str, Vec<Arc<Object>>>,
    scope: Scope,
) -> Result<Found, StoreError> {
    let (mut all, mut missing, mut absent) = (Vec::new(), None, Vec::new());
    let (mut failed, mut total) = (0, 0);
    for id in ids {
        match known.get(id) {
            Some(Ok(Some(Known { whole, spans }))) => {
                missing = whole.missing.clone().or(missing);
                let own = made.get(id.as_str()).map_or(&[][..], Vec::as_slice);
                total += own.len().max(*spans);
                all.extend(own.iter().cloned());
            }
            Some(Err(error)) => {
                failed += 1;
                missing = Some(error.clone());
            }
            _ => absent.push(id.as_str()),
        }
    }
    if let Some(error) = missing.as_ref().filter(|_| failed == ids.len()) {
        return Err(error.clone());
    }
    let lifts = all.len() > scope.limit || size(scope.limit).1 < MOST_SPANS;
    let objects = whole(all, scope.limit);
    let cut = (total > objects.len()).then_some(Cut {
        shown: objects.len(),
        total: Some(total),
        by: if lifts { "limit" } else { "server limit" },
    });
    Ok(Found { objects, cut, missing, note: not_there(&absent) })
}

fn not_there(ids: &[&str]) -> Option<String> {
    let why = "it was not sampled, is outside of the time range or older than what is kept, or has just begun";
    match ids {
        [] => None,
        [id] => Some(format!("the trace {id} is not there: {why}")),
        [id, ..] => Some(format!("{} traces, {id} among them, are not there: {why}", ids.len())),
    }
}
