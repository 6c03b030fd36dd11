//! Answers queries from an API server: the plan of a batch, run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use serde::Deserialize;
use serde_json::Value;

use super::keep::Keep;
use super::plan::{Ask, Request, plan};
use super::{Catalog, K8s, Kind, Selector};
use crate::client::kube::{JSON, Kube, NAME, Refusal, Reply};
use crate::client::ranked;
use crate::model::{
    Answer, Domain, ErrorKind, Found, Query, Rank, Ranked, Scope, Source, Store, StoreError,
};

/// Objects in one page of a list.
const PAGE: usize = 500;
/// Pages of one list.
const PAGES: usize = 20;
/// Pages of a list that stands for many small requests; if it is longer, those are cheaper.
const MERGED_PAGES: usize = 4;
/// Requests under way or waiting for a slot of the client.
const REQUESTS: usize = 64;

/// One Secret, without its data.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
/// A list of Secrets, without their data.
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// The store of the domain `k8s`.
#[derive(Clone, Debug)]
pub struct KubeStore {
    kube: Kube,
    domain: K8s,
}

impl KubeStore {
    /// A store that asks a server, with the kinds that the domain knows when it is asked.
    pub fn new(kube: Kube, domain: K8s) -> Self {
        Self { kube, domain }
    }
}

impl Store for KubeStore {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let catalog = self.domain.catalog();
        let (batch, ranks): (Vec<Query>, Vec<Rank>) =
            batch.into_iter().map(|Ranked { query, rank }| (query, rank)).unzip();
        let requests = plan(&batch, &catalog);
        let foreign = batch.iter().filter(|query| query.selector::<Selector>().is_none());
        let foreign: Vec<Answer> = foreign.map(refuse).collect();
        let store = self.clone();
        let work = Arc::new(Work { store, catalog, batch, scope });
        let answers = stream::iter(requests)
            .map(move |request| {
                let rank = Rank::join(request.queries.iter().map(|&place| &ranks[place]));
                ranked(rank, Arc::clone(&work).answer(request))
            })
            .buffer_unordered(REQUESTS)
            .flat_map(stream::iter);
        stream::iter(foreign).chain(answers).boxed()
    }

    fn sources(&self) -> Vec<Source> {
        vec![self.kube.source()]
    }
}

fn refuse(query: &Query) -> Answer {
    let error =
        StoreError::new(ErrorKind::BadQuery, NAME, "this is no query of Kubernetes objects");
    Answer { query: query.clone(), result: Err(error), took: Duration::ZERO }
}

/// A batch that is being answered.
struct Work {
    store: KubeStore,
    catalog: Arc<Catalog>,
    batch: Vec<Query>,
    scope: Scope,
}

impl Work {
    /// The answers to the queries of one request.
    fn answer(self: Arc<Self>, request: Request) -> BoxFuture<'static, Vec<Answer>> {
        Box::pin(async move {
            let start = Instant::now();
            let result = self.run(&request).await;
            let apart = matches!(&result, Err(fault)
                if matches!(fault.kind, ErrorKind::Forbidden | ErrorKind::TooLarge));
            if apart && !request.parts.is_empty() {
                // The right to read single objects does not imply the right to list them, and a
                // list may be too long to be worth it.
                let parts = stream::iter(request.parts)
                    .map(|part| Arc::clone(&self).answer(part))
                    .buffer_unordered(REQUESTS);
                return parts.concat().await;
            }
            let took = start.elapsed();
            let queries = request.queries.iter().map(|&place| self.batch[place].clone());
            match result {
                Ok(found) => queries
                    .zip(found)
                    .map(|(query, found)| Answer { query, result: Ok(found), took })
                    .collect(),
                Err(fault) => queries
                    .map(|query| Answer { query, result: Err(fault.clone()), took })
                    .collect(),
            }
        })
    }

    /// What was found for each query of a request.
    async fn run(&self, request: &Request) -> Result<Vec<Found>, StoreError> {
        let (kind, version) = self.catalog.kind(request.class.name());
        let queries = request.queries.iter().map(|&place| &self.batch[place]);
        let mut keep = Keep::new(queries.collect(), request, self.scope);
        let no_kind = || format!("the cluster has no such kind ({})", request.class.name());
        if self.catalog.lacks(&kind) {
            return Ok(keep.nothing(&no_kind()));
        }
        let ended = match request.ask {
            Ask::Get { .. } => self.get(request, &kind, &version, &mut keep).await,
            Ask::List { .. } => self.list(request, &kind, &version, &mut keep).await,
        };
        match ended {
            Ok(()) => Ok(keep.found()),
            Err(refusal) if refusal.no_object => Ok(keep.found()),
            Err(refusal) if refusal.error.kind == ErrorKind::NotFound => {
                Ok(keep.nothing(&no_kind()))
            }
            Err(refusal) => Err(explain(*refusal, request, &kind)),
        }
    }

    async fn get(
        &self,
        request: &Request,
        kind: &Kind,
        version: &str,
        keep: &mut Keep<'_>,
    ) -> Result<(), Box<Refusal>> {
        let accept = if is_secret(kind) { METADATA } else { JSON };
        let reply = self.store.kube.get(&request.ask.url(kind, version), accept).await?;
        let body: Value = reply.json()?;
        if body.pointer("/metadata/name").is_none() {
            return Err(strange(&reply).into());
        }
        keep.page([self.store.domain.object(&request.class, body)]);
        Ok(())
    }

    async fn list(
        &self,
        request: &Request,
        kind: &Kind,
        version: &str,
        keep: &mut Keep<'_>,
    ) -> Result<(), Box<Refusal>> {
        let accept = if is_secret(kind) { METADATA_LIST } else { JSON };
        let size = keep.page_size(PAGE).to_string();
        let first = request.ask.url(kind, version).query("limit", &size);
        let mut token = String::new();
        let mut restarted = false;
        let mut pages = 0;
        loop {
            let url = first.clone().query("continue", &token);
            let reply = match self.store.kube.get(&url, accept).await {
                Err(refusal) if refusal.expired && !restarted => {
                    restarted = true;
                    token.clear();
                    keep.clear();
                    continue;
                }
                answered => answered?,
            };
            let list: List = reply.json()?;
            let Some(items) = list.items.or_else(|| list.kind.ends_with("List").then(Vec::new))
            else {
                return Err(strange(&reply).into());
            };
            let objects =
                items.into_iter().map(|item| self.store.domain.object(&request.class, item));
            keep.page(objects);
            pages += 1;
            token = list.metadata.r#continue;
            if token.is_empty() {
                return Ok(());
            }
            if keep.full() {
                keep.stopped("limit", list.metadata.remaining_item_count);
                return Ok(());
            }
            if !request.parts.is_empty() && pages == MERGED_PAGES {
                let words = "the list is longer than what is looked for in it";
                return Err(StoreError::new(ErrorKind::TooLarge, NAME, words).into());
            }
            if pages == PAGES {
                keep.stopped("page cap", list.metadata.remaining_item_count);
                return Ok(());
            }
        }
    }
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: ListMeta,
    items: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMeta {
    r#continue: String,
    remaining_item_count: Option<usize>,
}

fn is_secret(kind: &Kind) -> bool {
    kind.group.is_empty() && kind.kind == "Secret"
}

/// JSON that is neither an object nor a list of Kubernetes.
fn strange(reply: &Reply) -> StoreError {
    let words =
        format!("the answer is JSON ({} bytes), but no Kubernetes object", reply.body.len());
    StoreError::new(ErrorKind::BadAnswer, NAME, words)
        .hint("the address in the kubeconfig may not be an API server's")
}

/// A refusal with the next step that fits this request.
fn explain(refusal: Refusal, request: &Request, kind: &Kind) -> StoreError {
    let error = refusal.error;
    match error.kind {
        ErrorKind::Forbidden => {
            let verb = if matches!(request.ask, Ask::Get { .. }) { "get" } else { "list" };
            let dot = if kind.group.is_empty() { "" } else { "." };
            let what = format!("kubectl auth can-i {verb} {}{dot}{}", kind.plural, kind.group);
            let next = match request.ask.namespace() {
                Some(namespace) => format!("check with: {what} -n {namespace}"),
                None if kind.namespaced == Some(false) => format!("check with: {what}"),
                None => format!("give -n NAMESPACE, or check with: {what} -A"),
            };
            error.hint(next)
        }
        ErrorKind::BadQuery if error.message.contains("field") => {
            error.hint("what the server cannot select by goes into `match` instead of `fields`")
        }
        _ => error,
    }
}
