//! Logs of Pods through the API server: the log store where there is no Loki.
//!
//! A selector is resolved to Pods, and every container of theirs, init and ephemeral ones
//! included, is read on its own. A container that cannot be read is a remark, not a failure.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::Value;

use super::container::{Container, Lines, fair, of_pods};
use super::read::{Budget, read};
use super::{LogSelector, PodLogs};
use crate::client::kube::{JSON, Kube, Url};
use crate::client::ranked;
use crate::model::{
    Answer, Class, Cut, ErrorKind, Found, Query, Ranked, Scope, Source, Store, StoreError,
    Vocabulary,
};

/// The name of the source.
const NAME: &str = "pod-logs";
/// Containers that are read for one query.
const CONTAINERS: usize = 100;
/// More Pods by name than these in one namespace are one list.
const NAMES: usize = 8;
/// Pods in one page of a list.
const PAGE: usize = 500;
/// Pages of one list.
const PAGES: usize = 20;
/// Queries under way at once.
const QUERIES: usize = 32;

/// The store of the domain `log` that reads Pods.
#[derive(Clone, Debug)]
pub struct PodLogStore {
    kube: Kube,
    words: Arc<Vocabulary>,
    budget: usize,
}

/// Pods that several queries wait for.
type Pods = Shared<BoxFuture<'static, Result<Arc<Listed>, StoreError>>>;

/// The Pods at a URL.
#[derive(Default)]
struct Listed {
    pods: Vec<Value>,
    /// There are more, on pages that were not read.
    cut: bool,
}

impl PodLogStore {
    /// A store that asks a server; `words` tell which namespaces are infrastructure.
    pub fn new(kube: &Kube, words: &Vocabulary) -> Self {
        let words = Arc::new(words.clone());
        Self { kube: kube.named(NAME), words, budget: Budget::USUAL }
    }

    /// The same with another bound on the bytes of all logs that are read for one batch.
    #[must_use]
    pub fn budget(self, bytes: usize) -> Self {
        Self { budget: bytes, ..self }
    }
}

impl Store for PodLogStore {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let mut shared = HashMap::new();
        let crowded = crowded(&batch);
        let work: Vec<(Ranked, Option<Pods>)> = batch
            .into_iter()
            .map(|one| {
                let pods = pods_of(&one.query).map(|wanted| {
                    let url = resolve(wanted, &crowded);
                    shared.entry(url).or_insert_with_key(|url| self.pods(url.clone())).clone()
                });
                (one, pods)
            })
            .collect();
        let store = self.clone();
        let budget = Arc::new(Budget::new(self.budget));
        stream::iter(work)
            .map(move |(Ranked { query, rank }, pods)| {
                let (store, budget) = (store.clone(), Arc::clone(&budget));
                ranked(rank, async move {
                    let start = Instant::now();
                    let result = store.answer(&query, pods, scope, &budget).await;
                    let result = result.map_err(|mut fault| {
                        NAME.clone_into(&mut fault.source_name);
                        fault
                    });
                    Answer { query, result, took: start.elapsed() }
                })
            })
            .buffer_unordered(QUERIES)
            .boxed()
    }

    fn sources(&self) -> Vec<Source> {
        vec![self.kube.source()]
    }
}

fn pods_of(query: &Query) -> Option<&PodLogs> {
    match query.selector::<LogSelector>()? {
        LogSelector::Pods(pods) => Some(pods),
        LogSelector::Journal(_) | LogSelector::LogQl(_) => None,
    }
}

/// The namespaces of which many Pods are named, so that a list is cheaper.
fn crowded(batch: &[Ranked]) -> Vec<String> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for wanted in
        batch.iter().filter_map(|one| pods_of(&one.query)).filter(|wanted| wanted.name.is_some())
    {
        *count.entry(wanted.namespace.as_deref().unwrap_or_default()).or_default() += 1;
    }
    let many = count.into_iter().filter(|(_, names)| *names > NAMES);
    many.map(|(namespace, _)| namespace.to_owned()).collect()
}

/// Where the Pods of a selector are found. What the URL does not select is selected by
/// [`is_wanted`].
fn resolve(wanted: &PodLogs, crowded: &[String]) -> Url {
    let pods = Url::resource("", "v1", wanted.namespace.as_deref(), "pods");
    let list = |url: Url| url.query("limit", &PAGE.to_string());
    let listed = crowded.iter().any(|full| Some(full) == wanted.namespace.as_ref());
    match &wanted.name {
        Some(name) if wanted.namespace.is_some() && !listed => pods.at(name),
        Some(name) if !listed => {
            list(pods.query("fieldSelector", &format!("metadata.name={name}")))
        }
        Some(_) => list(pods),
        None => {
            let equal = |(key, value): (&String, &String)| format!("{key}={value}");
            let labels: Vec<String> = wanted.labels.iter().map(equal).collect();
            list(pods.query("labelSelector", &labels.join(",")))
        }
    }
}

fn is_wanted(pod: &Value, wanted: &PodLogs) -> bool {
    let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
    let is = |want: &Option<String>, pointer| {
        want.as_deref().is_none_or(|want| text(pointer) == Some(want))
    };
    let labels = pod.pointer("/metadata/labels");
    is(&wanted.namespace, "/metadata/namespace")
        && is(&wanted.name, "/metadata/name")
        && wanted.labels.iter().all(|(key, value)| {
            labels.and_then(|labels| labels.get(key)?.as_str()) == Some(value.as_str())
        })
}

impl PodLogStore {
    /// The Pods at a URL, which is a single one or a list; asked for once.
    fn pods(&self, url: Url) -> Pods {
        let kube = self.kube.clone();
        async move {
            let mut found = Listed::default();
            let (mut token, mut pages, mut restarted) = (String::new(), 0, false);
            loop {
                let page = url.clone().query("continue", &token);
                let reply = match kube.get(&page, JSON).await {
                    Err(refusal) if refusal.no_object => break,
                    Err(refusal) if refusal.expired && !restarted => {
                        restarted = true;
                        (found, token, pages) = Default::default();
                        continue;
                    }
                    answered => answered.map_err(|refusal| refusal.error)?,
                };
                let mut body: Value = reply.json()?;
                match body.get_mut("items").map(Value::take) {
                    Some(Value::Array(items)) => found.pods.extend(items),
                    Some(_) => {}
                    None => found.pods.push(body.take()),
                }
                let next = body.pointer("/metadata/continue").and_then(Value::as_str);
                token = next.map(str::to_owned).unwrap_or_default();
                pages += 1;
                if token.is_empty() || pages == PAGES {
                    found.cut = !token.is_empty();
                    break;
                }
            }
            Ok(Arc::new(found))
        }
        .boxed()
        .shared()
    }

    async fn answer(
        &self,
        query: &Query,
        pods: Option<Pods>,
        scope: Scope,
        budget: &Budget,
    ) -> Result<Found, StoreError> {
        if let Some(LogSelector::Journal(journal)) = query.selector() {
            let note = journal.advice("journals of Nodes are not read without a log store");
            return Ok(Found { note: Some(note), ..Found::default() });
        }
        let (Some(wanted), Some(pods)) = (pods_of(query), pods) else {
            let words = "LogQL cannot be answered from Pods";
            return Err(StoreError::new(ErrorKind::BadQuery, NAME, words)
                .hint("give --loki-url, or select Pods: {namespace: shop, name: db-0}"));
        };
        let class = query.class();
        let listed = pods.await?;
        let of_class = |pod: &&Value| {
            let namespace = pod.pointer("/metadata/namespace").and_then(Value::as_str);
            self.words.log_class(namespace.unwrap_or_default()) == class.name()
        };
        let chosen = listed.pods.iter().filter(|pod| is_wanted(pod, wanted)).filter(of_class);
        let mut containers = of_pods(chosen, wanted);
        let all = containers.len();
        containers.truncate(CONTAINERS);
        let tail = (scope.limit * 4 / containers.len().max(1)).clamp(20, scope.limit.max(20));
        let reads = stream::iter(containers.into_iter().map(|container| {
            let kube = self.kube.clone();
            async move {
                let read = read(&kube, &container, tail, scope, budget).await;
                (container, read)
            }
        }));
        let read: Vec<_> = reads.buffered(CONTAINERS).collect().await;
        let mut found = self.gather(class, read, scope)?;
        if wanted.trace.is_some() {
            found.objects.retain(|line| query.matches(line) == Some(true));
        }
        if all > CONTAINERS {
            let remark = format!("{CONTAINERS} of {all} containers were read");
            found.note = Some(found.note.map_or(remark.clone(), |had| format!("{remark}; {had}")));
            let shown = found.objects.len();
            found.cut = Some(Cut { shown, total: None, by: "container cap" });
        } else if listed.cut {
            let shown = found.objects.len();
            found.cut = Some(Cut { shown, total: None, by: "page cap" });
        }
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
            by: if unread > 0 { "byte cap" } else { "limit" },
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
