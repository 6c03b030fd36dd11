//! Answers queries from an API server: the plan of a batch, run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt};
use serde::Deserialize;
use serde_json::Value;

use super::keep::Keep;
use super::listing::{Listing, Seen};
use super::plan::{Ask, Known as _, PAGE, Request, plan};
use super::shelf::Shelf;
use super::{Catalog, K8s, Kind, Selector};
use crate::client::kube::{JSON, Kube, NAME, Refusal, Reply, Url};
use crate::client::ranked;
use crate::model::{
    Answer, Domain, ErrorKind, Found, Judge, Query, Rank, Ranked, Scope, Source, Store, StoreError,
};

/// Pages of one list.
const PAGES: usize = 20;
/// Bytes that kept answers may have if nothing else is said.
const ROOM: usize = 256 << 20;

/// One Secret, without its data.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
/// A list of Secrets, without their data.
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// The store of the domain `k8s`.
#[derive(Clone)]
pub struct KubeStore {
    kube: Kube,
    domain: K8s,
    shelf: Arc<Shelf>,
}

impl KubeStore {
    /// A store that asks a server, with the kinds that the domain knows when it is asked.
    pub fn new(kube: Kube, domain: K8s) -> Self {
        Self { kube, domain, shelf: Arc::new(Shelf::new(ROOM)) }
    }

    /// The same, that keeps answers of so many bytes for later searches; it has none yet.
    #[must_use]
    pub fn keeping(self, bytes: usize) -> Self {
        Self { shelf: Arc::new(Shelf::new(bytes)), ..self }
    }
}

impl Store for KubeStore {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let scope = scope.reaching(Utc::now());
        let catalog = self.domain.catalog();
        let (batch, ranks): (Vec<Query>, Vec<Rank>) =
            batch.into_iter().map(|Ranked { query, rank }| (query, rank)).unzip();
        let requests = plan(&batch, &catalog, &*self.shelf);
        let foreign = batch.iter().filter(|query| query.selector::<Selector>().is_none());
        let foreign: Vec<Answer> = foreign.map(refuse).collect();
        let store = self.clone();
        let work = Arc::new(Work { store, catalog, batch, ranks, scope });
        let answers: FuturesUnordered<_> =
            requests.into_iter().map(|request| Arc::clone(&work).answer(request)).collect();
        stream::iter(foreign).chain(answers.flat_map(stream::iter)).boxed()
    }

    fn sources(&self) -> Vec<Source> {
        vec![Source { kept: self.shelf.kept(), ..self.kube.source() }]
    }

    fn judge_by(&self, judge: &Judge) {
        self.shelf.judge_by(judge);
    }

    fn refresh(&self) {
        self.shelf.clear();
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
    ranks: Vec<Rank>,
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
                let parts = request.parts.into_iter();
                let parts: FuturesUnordered<_> =
                    parts.map(|part| Arc::clone(&self).answer(part)).collect();
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
        let queries = request.queries.iter().map(|&place| &self.batch[place]);
        let mut keep = Keep::new(queries.collect(), request, self.scope);
        let (kind, _) = self.catalog.kind(request.class.name());
        let no_kind = || format!("the cluster has no such kind ({})", request.class.name());
        if self.catalog.lacks(&kind) {
            return Ok(keep.nothing(&no_kind()));
        }
        match self.read(request, &mut keep).await {
            Ok(()) => Ok(keep.found()),
            Err(refusal) if refusal.no_object => Ok(keep.found()),
            Err(refusal) if refusal.error.kind == ErrorKind::NotFound => {
                Ok(keep.nothing(&no_kind()))
            }
            Err(refusal) => Err(explain(*refusal, request, &kind)),
        }
    }

    /// Takes what is known already, and asks for more as long as that is needed.
    async fn read(&self, request: &Request, keep: &mut Keep<'_>) -> Result<(), Box<Refusal>> {
        let listing = self.store.shelf.listing(&request.class, &request.ask);
        for &place in &request.queries {
            listing.rank.add(&self.ranks[place]);
        }
        let mut seen = Seen::default();
        loop {
            if self.take(request, &listing, &mut seen, keep)? {
                return Ok(());
            }
            let _turn = listing.turn.lock().await;
            if listing.stands_at(seen) {
                ranked(listing.rank.clone(), self.ask(&listing, keep.page_size(PAGE))).await;
            }
        }
    }

    /// Takes what has come since; says whether that is enough.
    fn take(
        &self,
        request: &Request,
        listing: &Listing,
        seen: &mut Seen,
        keep: &mut Keep<'_>,
    ) -> Result<bool, Box<Refusal>> {
        let pages = listing.pages();
        if pages.restarts != seen.restarts {
            keep.clear();
            seen.objects = 0;
        }
        let new: Vec<_> = pages.objects.get(seen.objects..).unwrap_or_default().to_vec();
        *seen = pages.seen();
        let (whole, remaining, refusal) = (pages.whole, pages.remaining, pages.refusal().cloned());
        drop(pages);
        keep.page(&new);
        if whole {
            return Ok(true);
        }
        if seen.count > 0 && keep.full() {
            keep.stopped("limit", remaining);
            return Ok(true);
        }
        if let Some(refusal) = refusal {
            return Err(Box::new(refusal));
        }
        if seen.count >= PAGES {
            keep.stopped("page cap", remaining);
            return Ok(true);
        }
        if seen.count > 0 && self.is_too_long(request, remaining) {
            let words = "the list is longer than what is looked for in it";
            return Err(StoreError::new(ErrorKind::TooLarge, NAME, words).into());
        }
        Ok(false)
    }

    /// Whether the rest of a list costs more than the requests that it stands for.
    fn is_too_long(&self, request: &Request, remaining: Option<usize>) -> bool {
        let class = &request.class;
        let size = self.store.shelf.size(class, request.ask.namespace());
        let parts = request.parts.iter().filter(|part| !part.ask.is_all());
        let apart: usize = parts.map(|part| size.part(class, &part.ask)).sum();
        !request.parts.is_empty() && size.list(class, remaining.unwrap_or(PAGE)) > apart
    }

    /// Asks for the next page, and adds it or the refusal to what is known.
    async fn ask(&self, listing: &Arc<Listing>, size: usize) {
        let (kind, version) = self.catalog.kind(listing.class.name());
        let url = listing.ask.url(&kind, &version);
        let asked = match &listing.ask {
            Ask::Get { .. } => self.get(listing, &kind, url).await,
            Ask::List { .. } => self.list(listing, &kind, url, size).await,
        };
        match asked {
            Err(refusal) if refusal.expired && listing.pages().restarts == 0 => {
                self.store.shelf.restart(listing);
            }
            Err(refusal) => listing.fail(*refusal),
            Ok(()) => {}
        }
    }

    async fn get(&self, listing: &Arc<Listing>, kind: &Kind, url: Url) -> Result<(), Box<Refusal>> {
        let accept = if is_secret(kind) { METADATA } else { JSON };
        let reply = self.store.kube.get(&url, accept).await?;
        let body: Value = reply.json()?;
        if body.pointer("/metadata/name").is_none() {
            return Err(strange(&reply).into());
        }
        let shelf = &self.store.shelf;
        let object = shelf.object(self.store.domain.object(&listing.class, body));
        shelf.grow(listing, vec![object], reply.body.len(), String::new(), None);
        Ok(())
    }

    async fn list(
        &self,
        listing: &Arc<Listing>,
        kind: &Kind,
        url: Url,
        size: usize,
    ) -> Result<(), Box<Refusal>> {
        let accept = if is_secret(kind) { METADATA_LIST } else { JSON };
        let token = listing.pages().token.clone();
        let url = url.query("limit", &size.to_string()).query("continue", &token);
        let reply = self.store.kube.get(&url, accept).await?;
        let list: List = reply.json()?;
        let Some(items) = list.items.or_else(|| list.kind.ends_with("List").then(Vec::new)) else {
            return Err(strange(&reply).into());
        };
        let shelf = &self.store.shelf;
        let object = |item| shelf.object(self.store.domain.object(&listing.class, item));
        let objects = items.into_iter().map(object).collect();
        let meta = list.metadata;
        shelf.grow(listing, objects, reply.body.len(), meta.r#continue, meta.remaining_item_count);
        Ok(())
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
