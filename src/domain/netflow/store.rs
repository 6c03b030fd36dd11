//! Network flows of a Loki. Queries that differ by one name alone are asked together; a Loki that
//! keeps no flows is asked for its labels only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures::future::join_all;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::{Map, Value};

use super::object::{fold, object};
use super::{FlowSelector, Netflow};
use crate::client::loki::{Loki, Stream};
use crate::client::ranked;
use crate::model::{
    Answer, Cut, Found, Object, Query, Rank, Ranked, Scope, Source, Store, StoreError, Window,
    escape_re2, quote,
};

/// Labels of which flows have at least one.
const LABELS: [&str; 4] =
    ["SrcK8S_Namespace", "DstK8S_Namespace", "SrcK8S_OwnerName", "DstK8S_OwnerName"];

/// How many names one call asks for.
const NAMES: usize = 50;

/// The store of the domain `netflow`.
pub struct NetflowStore(Arc<Inner>);

struct Inner {
    loki: Arc<Loki>,
    /// Whether there are flows, for the latest window.
    there: Mutex<Option<(Window, bool)>>,
    /// Held while asking for it, so that batches at the same time ask once.
    asking: tokio::sync::Mutex<()>,
}

impl NetflowStore {
    /// A store over a server, which may keep logs too.
    pub fn new(loki: Arc<Loki>) -> Self {
        let asking = tokio::sync::Mutex::new(());
        Self(Arc::new(Inner { loki, there: Mutex::default(), asking }))
    }
}

impl Store for NetflowStore {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let inner = Arc::clone(&self.0);
        let rank = Rank::join(batch.iter().map(|one| &one.rank));
        let batch = batch.into_iter().map(|one| one.query).collect();
        let all = ranked(rank, async move { stream::iter(inner.answers(batch, scope).await) });
        stream::once(all).flatten().boxed()
    }

    fn sources(&self) -> Vec<Source> {
        vec![self.0.loki.source()]
    }

    fn refresh(&self) {
        *self.0.there.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.loki.forget();
    }
}

impl Inner {
    async fn answers(&self, batch: Vec<Query>, scope: Scope) -> Vec<Answer> {
        let started = Instant::now();
        let all = |result: Result<Found, StoreError>| {
            let answer = |query: &Query| Answer {
                query: query.clone(),
                result: result.clone(),
                took: started.elapsed(),
            };
            batch.iter().map(answer).collect()
        };
        match self.there(scope.window).await {
            Ok(true) => {}
            Ok(false) => {
                let note = format!("{} keeps no network flows of this time", self.loki.name());
                return all(Ok(Found { note: Some(note), ..Found::default() }));
            }
            Err(error) => return all(Err(error)),
        }
        let groups = grouped(&batch).into_iter().map(|(text, queries)| async move {
            let lines = self.lines(&text, scope, queries.len()).await;
            let answer = |query: Query| {
                let result = lines.clone().map(|lines| of_query(&query, lines, scope));
                Answer { query, result, took: started.elapsed() }
            };
            queries.into_iter().map(answer).collect::<Vec<Answer>>()
        });
        join_all(groups).await.into_iter().flatten().collect()
    }

    async fn there(&self, window: Window) -> Result<bool, StoreError> {
        let known = || {
            let there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
            there.filter(|(known, _)| *known == window).map(|(_, there)| there)
        };
        let _asking = self.asking.lock().await;
        if let Some(there) = known() {
            return Ok(there);
        }
        let labels = self.loki.labels(window).await?;
        let there = LABELS.iter().any(|label| labels.contains(*label));
        *self.there.lock().unwrap_or_else(PoisonError::into_inner) = Some((window, there));
        Ok(there)
    }

    /// The flows that a LogQL query selects, and whether a limit cut them.
    async fn lines(
        &self,
        text: &str,
        scope: Scope,
        queries: usize,
    ) -> Result<(Vec<Arc<Object>>, bool), StoreError> {
        let wanted = scope.limit.saturating_mul(queries);
        let (streams, limit) = self.loki.newest(text, scope.window, wanted).await?;
        let lines: usize = streams.iter().map(|stream| stream.entries.len()).sum();
        let class = Netflow::all();
        let bodies = fold(streams.into_iter().flat_map(flows)).into_iter();
        Ok((bodies.map(|body| Arc::new(object(&class, body))).collect(), lines >= limit))
    }
}

/// The LogQL to send, with the queries that it answers.
fn grouped(batch: &[Query]) -> Vec<(String, Vec<Query>)> {
    let mut alike: BTreeMap<(String, String), Vec<(String, &Query)>> = BTreeMap::new();
    let mut groups = Vec::new();
    for query in batch {
        match query.selector::<FlowSelector>().and_then(FlowSelector::differing) {
            Some((selector, field, value)) => {
                alike.entry((selector, field)).or_default().push((value, query));
            }
            None => groups.push((query.selector_text().to_owned(), vec![query.clone()])),
        }
    }
    for ((selector, field), asked) in alike {
        for some in asked.chunks(NAMES) {
            let queries: Vec<Query> = some.iter().map(|(_, query)| (*query).clone()).collect();
            let names: Vec<String> = some.iter().map(|(name, _)| escape_re2(name)).collect();
            let regex = quote(&names.join("|"));
            let text = match &queries[..] {
                [only] => only.selector_text().to_owned(),
                _ => format!("{selector} | json | {field}=~{regex}"),
            };
            groups.push((text, queries));
        }
    }
    groups
}

/// The flows of a stream: the fields of each line with the labels.
fn flows(stream: Stream) -> impl Iterator<Item = Map<String, Value>> {
    let labels = stream.labels;
    stream.entries.into_iter().map(move |entry| {
        let mut fields = match serde_json::from_str(&entry.line) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::from_iter([("line".to_owned(), entry.line.as_str().into())]),
        };
        fields.extend(labels.clone());
        let millis = entry.time.timestamp_millis();
        for name in ["TimeFlowStartMs", "TimeFlowEndMs"] {
            fields.entry(name).or_insert_with(|| millis.into());
        }
        fields
    })
}

fn of_query(query: &Query, (all, full): (Vec<Arc<Object>>, bool), scope: Scope) -> Found {
    let mut objects = all;
    objects.retain(|flow| query.matches(flow) != Some(false));
    let total = objects.len();
    objects.truncate(scope.limit);
    let cut = (full || total > scope.limit).then_some(Cut {
        shown: objects.len(),
        total: (!full).then_some(total),
        by: "limit",
    });
    Found { objects, cut, ..Found::default() }
}
