//! Log lines from Loki. Selectors of Pods are told in the labels that the server really has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures::future::join_all;
use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt};

use super::lines::{Asked, Lines, Server, sort};
use super::plan::{Part, plan};
use super::{LogSelector, PodLogs};
use crate::client::loki::Loki;
use crate::client::ranked;
use crate::model::{
    Answer, Cut, Found, Object, Query, Rank, Ranked, Scope, Source, Store, StoreError, Vocabulary,
    Window,
};

/// For how many windows the names of labels are kept.
const WINDOWS: usize = 8;

/// The store of the domain `log` over Loki.
pub struct LokiStore(Arc<Inner>);

struct Inner {
    server: Server,
    /// The names of labels, by window; the latest last.
    labels: Mutex<Vec<(Window, Arc<BTreeSet<String>>)>>,
    /// Held while asking for them, so that batches at the same time ask once.
    asking: tokio::sync::Mutex<()>,
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

    fn sources(&self) -> Vec<Source> {
        vec![self.0.server.loki.source()]
    }

    fn refresh(&self) {
        self.0.labels.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Inner {
    async fn logql(&self, query: Query, scope: Scope, started: Instant) -> Answer {
        let lines = self.server.single(query.selector_text(), query.class(), scope).await;
        let result = lines.map(|lines| found(vec![lines], scope, None));
        Answer { query, result, took: started.elapsed() }
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
                    let pod = pods.name.clone();
                    let key = format!("{} {parts:?}", query.class());
                    let cluster = clusters.entry(key).or_insert_with(|| {
                        let nobody = Rank::join([]);
                        (parts, Vec::new(), nobody)
                    });
                    cluster.2.add(&rank);
                    cluster.1.push(Asked { query, pod });
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

    /// Answers to queries that differ by their Pod alone.
    async fn cluster(
        self: Arc<Self>,
        parts: Vec<Part>,
        asked: Vec<Asked>,
        scope: Scope,
        started: Instant,
    ) -> Vec<Answer> {
        let calls = parts.iter().map(|part| self.server.lines(part, &asked, scope));
        let mut by_part = join_all(calls).await;
        let answer = |(at, asked): (usize, Asked)| {
            let results = by_part.iter_mut().filter_map(|found| found.remove(&at)).collect();
            let names: Vec<&str> = asked.pod.iter().map(String::as_str).collect();
            let texts: Vec<String> = parts.iter().map(|part| part.logql(&names)).collect();
            let result = self.merge(&asked.query, results, scope, &texts);
            Answer { query: asked.query, result, took: started.elapsed() }
        };
        asked.into_iter().enumerate().map(answer).collect()
    }

    /// The lines of all parts; those that failed are told of, unless all failed.
    fn merge(
        &self,
        query: &Query,
        results: Vec<Result<Lines, StoreError>>,
        scope: Scope,
        texts: &[String],
    ) -> Result<Found, StoreError> {
        let note = format!("asked Loki for {}", texts.join(" and "));
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
                let mut found = found(all, scope, None);
                found.note = found.objects.is_empty().then_some(note);
                Ok(Found { missing, ..found })
            }
        }
    }

    /// Where no namespace is named, the lines of other classes are not meant.
    fn keep_class(&self, query: &Query, lines: &mut Lines) {
        let named = |pods: &PodLogs| pods.namespace.is_some();
        if matches!(query.selector(), Some(LogSelector::Pods(pods)) if !named(pods)) {
            let class = query.class().name();
            lines.objects.retain(|line| {
                self.server.words.log_class(line.text("/namespace").unwrap_or_default()) == class
            });
        }
    }

    fn kept(&self, window: Window) -> Option<Arc<BTreeSet<String>>> {
        let kept = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(of, _)| *of == window).map(|(_, labels)| Arc::clone(labels))
    }

    async fn labels(&self, window: Window) -> Result<Arc<BTreeSet<String>>, StoreError> {
        let _asking = self.asking.lock().await;
        if let Some(labels) = self.kept(window) {
            return Ok(labels);
        }
        let labels = Arc::new(self.server.loki.labels(window).await?);
        let mut kept = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == WINDOWS {
            kept.remove(0);
        }
        kept.push((window, Arc::clone(&labels)));
        Ok(labels)
    }
}

/// The lines of several parts as one answer, each once, within the limit.
fn found(parts: Vec<Lines>, scope: Scope, note: Option<String>) -> Found {
    let mut by = parts.iter().find_map(|lines| lines.cut);
    let several = parts.len() > 1;
    let mut objects: Vec<_> = parts.into_iter().flat_map(|lines| lines.objects).collect();
    if several {
        sort(&mut objects);
        let mut seen = BTreeSet::new();
        objects.retain(|line| seen.insert(Arc::clone(&line.id)));
    }
    let total = by.is_none().then_some(objects.len());
    if objects.len() > scope.limit {
        objects = keep(objects, scope);
        by = by.or(Some("limit"));
    }
    let cut = by.map(|by| Cut { shown: objects.len(), total, by });
    Found { objects: objects.into_iter().map(Arc::new).collect(), cut, missing: None, note }
}

/// As many as the limit allows of lines that come newest first: half of them the newest, and half
/// the nearest to the focus.
fn keep(mut newest: Vec<Object>, scope: Scope) -> Vec<Object> {
    let Some(focus) = scope.focus else {
        newest.truncate(scope.limit);
        return newest;
    };
    let near = scope.limit / 2;
    let mut rest = newest.split_off(scope.limit - near);
    rest.sort_by_key(|line| {
        line.time.map_or(i64::MAX, |time| (time - focus).num_milliseconds().abs())
    });
    rest.truncate(near);
    newest.extend(rest);
    sort(&mut newest);
    newest
}
