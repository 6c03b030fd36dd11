//! Log lines from Loki. Selectors of Pods are told in the labels that the server really has.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt};

use super::gather::{Ask, Asked, How, Server};
use super::lines::{Lines, choose, lines};
use super::plan::{Part, plan};
use super::scheme::Schemes;
use super::{LogSelector, PodLogs};
use crate::client::loki::Loki;
use crate::client::ranked;
use crate::model::{
    Answer, Cut, Found, Query, Rank, Ranked, Scope, Source, Store, StoreError, Vocabulary, Window,
};

/// For how many windows the names of labels are kept.
const WINDOWS: usize = 8;

/// How far a window may reach beyond one whose names are known.
const NEARBY: TimeDelta = TimeDelta::hours(1);

/// How long it is taken for true that the server fails, or has nothing.
const KEPT_FAULTY: Duration = Duration::from_secs(10);

/// The store of the domain `log` over Loki.
pub struct LokiStore(Arc<Inner>);

struct Inner {
    server: Server,
    /// In which words the server tells things; the latest last.
    labels: Mutex<Vec<Kept>>,
    /// Held while asking for them, so that batches at the same time ask once.
    asking: tokio::sync::Mutex<()>,
}

/// In which words the server tells things, or why that is not known.
type Names = Result<Arc<Schemes>, StoreError>;

struct Kept {
    window: Window,
    at: Instant,
    names: Names,
}

impl LokiStore {
    /// A store over a server; `words` tell which labels name namespaces, Pods and containers.
    pub fn new(loki: Arc<Loki>, words: &Vocabulary) -> Self {
        let server = Server { loki, words: Arc::new(words.clone()) };
        let asking = tokio::sync::Mutex::new(());
        Self(Arc::new(Inner { server, labels: Mutex::default(), asking }))
    }
}

impl Store for LokiStore {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let inner = Arc::clone(&self.0);
        let started = Instant::now();
        let (pods, logql): (Vec<Ranked>, Vec<Ranked>) = batch
            .into_iter()
            .partition(|one| matches!(one.query.selector(), Some(LogSelector::Pods(_))));
        let direct: FuturesUnordered<_> = logql
            .into_iter()
            .map(|Ranked { query, rank }| {
                let inner = Arc::clone(&inner);
                ranked(rank, async move { inner.logql(query, scope, started).await })
            })
            .collect();
        let all = Rank::join(pods.iter().map(|one| &one.rank));
        let pods = ranked(all, async move { inner.pods(pods, scope, started).await });
        let translated = stream::once(pods);
        stream::select(direct, translated.flatten()).boxed()
    }

    fn prepare(&self, scope: Scope, rank: &Rank) -> Option<BoxFuture<'static, ()>> {
        let inner = Arc::clone(&self.0);
        inner.kept(scope.window).is_none().then(|| {
            // What went wrong is told to the queries that come.
            let ask = async move { drop(inner.labels(scope.window).await) };
            ranked(rank.clone(), ask).boxed()
        })
    }

    fn sources(&self) -> Vec<Source> {
        let kept = self.0.labels.lock().unwrap_or_else(PoisonError::into_inner);
        let ages =
            kept.iter().filter(|one| one.names.is_ok()).map(|one| one.at.elapsed().as_secs());
        let words = &self.0.server.words;
        let mut vocabulary: Vec<String> = Vec::new();
        for told in kept.iter().filter_map(|one| Some(one.names.as_ref().ok()?.told(words))) {
            let new: Vec<String> =
                told.into_iter().filter(|one| !vocabulary.contains(one)).collect();
            vocabulary.extend(new);
        }
        vec![Source {
            kept: ages.max().map(crate::model::Kept::aged),
            vocabulary,
            ..self.0.server.loki.source()
        }]
    }

    fn refresh(&self) {
        self.0.labels.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.0.server.loki.forget();
    }
}

impl Inner {
    async fn logql(&self, query: Query, scope: Scope, started: Instant) -> Answer {
        let result = match self.texts(&query, scope.window).await {
            Ok(Ok(texts)) => {
                let all = [Asked { query: query.clone(), namespace: None, pod: None, trace: None }];
                let calls =
                    texts.iter().map(|text| {
                        let how = How::Text(text);
                        let ask =
                            Ask { server: &self.server, how, class: query.class(), all: &all };
                        async move {
                            lines(&ask, scope).await.pop().unwrap_or_else(|| Ok(Lines::default()))
                        }
                    });
                // Who writes LogQL knows what was asked.
                let journal = matches!(query.selector(), Some(LogSelector::Journal(_)));
                let note = journal.then(|| format!("asked Loki for {}", texts.join(" and ")));
                self.merge(&query, join_all(calls).await, scope, note)
            }
            Ok(Err(note)) => Ok(Found { note: Some(note), ..Found::default() }),
            Err(error) => Err(error),
        };
        Answer { query, result, took: started.elapsed() }
    }

    /// The LogQL of a query that is not for Pods, or why there can be no lines.
    async fn texts(
        &self,
        query: &Query,
        window: Window,
    ) -> Result<Result<Vec<String>, String>, StoreError> {
        let Some(LogSelector::Journal(journal)) = query.selector() else {
            return Ok(Ok(vec![query.selector_text().to_owned()]));
        };
        let known = self.labels(window).await?;
        let told = journal.logql(&known.labels, &self.server.words);
        if told.is_ok() || known.labels.is_empty() {
            return Ok(told.map(|text| vec![text]));
        }
        let journals =
            known.journals.get_or_try_init(|| self.server.journals(&known, window)).await?;
        let texts: Vec<String> = journals.iter().map(|kept| journal.logql_as(kept)).collect();
        Ok(if texts.is_empty() { told.map(|text| vec![text]) } else { Ok(texts) })
    }

    /// Answers to selectors of Pods, as they become known.
    async fn pods(
        self: Arc<Self>,
        queries: Vec<Ranked>,
        scope: Scope,
        started: Instant,
    ) -> BoxStream<'static, Answer> {
        if queries.is_empty() {
            return stream::empty().boxed();
        }
        let labels = match self.labels(scope.window).await {
            Ok(labels) => labels,
            Err(error) => {
                let answer = move |Ranked { query, .. }| Answer {
                    query,
                    result: Err(error.clone()),
                    took: started.elapsed(),
                };
                return stream::iter(queries.into_iter().map(answer)).boxed();
            }
        };
        let mut answers = Vec::new();
        let mut clusters: BTreeMap<String, (Vec<Part>, Vec<Asked>, Rank)> = BTreeMap::new();
        for Ranked { query, rank } in queries {
            let Some(LogSelector::Pods(pods)) = query.selector() else { continue };
            match plan(query.class().name(), pods, &labels, &self.server.words) {
                Ok(parts) => {
                    let (namespace, pod) = (pods.namespace.clone(), pods.name.clone());
                    let trace = pods.trace.clone();
                    let key = format!("{} {parts:?}", query.class());
                    let cluster = clusters.entry(key).or_insert_with(|| {
                        let nobody = Rank::join([]);
                        (parts, Vec::new(), nobody)
                    });
                    cluster.2.add(&rank);
                    cluster.1.push(Asked { query, namespace, pod, trace });
                }
                Err(note) => {
                    let found = Found { note: Some(note), ..Found::default() };
                    answers.push(Answer { query, result: Ok(found), took: started.elapsed() });
                }
            }
        }
        let running: FuturesUnordered<_> = clusters
            .into_values()
            .map(|(parts, asked, rank)| {
                ranked(rank, Arc::clone(&self).cluster(parts, asked, scope, started))
            })
            .collect();
        stream::iter(answers).chain(running.flat_map(stream::iter)).boxed()
    }

    /// Answers to queries that differ by their Pod and their trace alone.
    async fn cluster(
        self: Arc<Self>,
        parts: Vec<Part>,
        mut asked: Vec<Asked>,
        scope: Scope,
        started: Instant,
    ) -> Vec<Answer> {
        // Those that are split are split by name, where names have most in common.
        asked.sort_by(|a, b| a.target().cmp(&b.target()));
        let Some(class) = asked.first().map(|first| first.query.class().clone()) else {
            return Vec::new();
        };
        let calls = parts.iter().map(|part| {
            let ask =
                Ask { server: &self.server, how: How::Part(part), class: &class, all: &asked };
            async move { lines(&ask, scope).await }
        });
        let mut by_part: Vec<_> = join_all(calls).await.into_iter().map(Vec::into_iter).collect();
        let answer = |asked: &Asked| {
            let results = by_part.iter_mut().filter_map(Iterator::next).collect();
            let query = &asked.query;
            let texts: Vec<String> =
                parts.iter().map(|part| part.logql(&[asked.target()])).collect();
            let mut note = format!("asked Loki for {}", texts.join(" and "));
            if let Some(Ok(known)) = self.kept(scope.window) {
                note = format!("{note}; it has {}", known.told(&self.server.words).join("; "));
            }
            let result = self.merge(query, results, scope, Some(note));
            Answer { query: query.clone(), result, took: started.elapsed() }
        };
        asked.iter().map(answer).collect()
    }

    /// The lines of all parts; those that failed are told of, unless all failed.
    fn merge(
        &self,
        query: &Query,
        results: Vec<Result<Lines, StoreError>>,
        scope: Scope,
        note: Option<String>,
    ) -> Result<Found, StoreError> {
        let mut failed = None;
        let mut all = Vec::new();
        for result in results {
            match result {
                Ok(mut lines) => {
                    self.keep_class(query, &mut lines);
                    all.push(lines);
                }
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if all.is_empty() => Err(error),
            failed => {
                let missing = failed.map(|mut error| {
                    error.message = format!("a part is missing: {}", error.message);
                    error
                });
                let mut found = found(all, scope);
                found.note = note.filter(|_| found.objects.is_empty());
                Ok(Found { missing, ..found })
            }
        }
    }

    /// Where no namespace is named, the lines of other classes are not meant.
    fn keep_class(&self, query: &Query, lines: &mut Lines) {
        let named = |pods: &PodLogs| pods.namespace.is_some();
        if matches!(query.selector(), Some(LogSelector::Pods(pods)) if !named(pods)) {
            let class = query.class().name();
            lines.retain(|line| {
                self.server.words.log_class(line.text("/namespace").unwrap_or_default()) == class
            });
        }
    }

    fn kept(&self, window: Window) -> Option<Names> {
        let kept = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().find(|one| one.serves(window)).map(|one| one.names.clone())
    }

    /// The names of labels; also a failure is remembered for a while, so that not every batch
    /// waits for its timeout.
    async fn labels(&self, window: Window) -> Names {
        if let Some(names) = self.kept(window) {
            return names;
        }
        let _asking = self.asking.lock().await;
        if let Some(names) = self.kept(window) {
            return names;
        }
        let names = self.server.schemes(window).await.map(Arc::new);
        let mut kept = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|one| one.window != window);
        if kept.len() == WINDOWS {
            kept.remove(0);
        }
        kept.push(Kept { window, at: Instant::now(), names: names.clone() });
        names
    }
}

impl Kept {
    /// Whether it can be taken for the names in a window. Names hardly change, so those of a
    /// window close by do; that there are none, or that the server failed, is true for a short
    /// while only.
    fn serves(&self, window: Window) -> bool {
        if self.names.as_ref().is_ok_and(|names| !names.labels.is_empty()) {
            let (start, end) = (self.window.start - NEARBY, self.window.end + NEARBY);
            return start <= window.start && window.end <= end;
        }
        (self.window == window || self.names.is_err()) && self.at.elapsed() < KEPT_FAULTY
    }
}

/// The lines of several parts as one answer, each once, within the limit.
fn found(parts: Vec<Lines>, scope: Scope) -> Found {
    let (objects, by) = choose(parts, scope);
    let cut = by.map(|by| Cut { shown: objects.len(), total: None, by });
    Found { objects, cut, ..Found::default() }
}
