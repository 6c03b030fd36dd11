//! Series of Prometheus: one call finds the label sets for many queries, then each selector that
//! selects few enough series is asked for its values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt};
use serde_json::json;

use super::{Metric, MetricSelector, object};
use crate::client::prometheus::{Labels, Prometheus};
use crate::client::ranked;
use crate::model::{
    Answer, Cut, ErrorKind, Found, Matcher, Object, Query, Rank, Ranked, Scope, Source, Store,
    StoreError,
};

/// The most series of one query whose values are fetched.
const WITH_VALUES: usize = 100;

/// The longest that the selectors of one merged call may be, in bytes.
const LONGEST: usize = 2000;

/// The store of the domain `metric`.
pub struct MetricStore(Arc<Prometheus>);

impl MetricStore {
    /// A store over a server.
    pub fn new(prometheus: Arc<Prometheus>) -> Self {
        Self(prometheus)
    }
}

impl Store for MetricStore {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let started = Instant::now();
        let all: FuturesUnordered<_> = merged(batch)
            .into_iter()
            .map(|group| {
                let rank = Rank::join(group.iter().map(|wanted| &wanted.rank));
                ranked(rank, answers(Arc::clone(&self.0), group, scope, started))
            })
            .collect();
        all.flat_map(stream::iter).boxed()
    }

    fn sources(&self) -> Vec<Source> {
        vec![self.0.source()]
    }
}

/// A query with the selectors of its expression, as text and as matchers.
struct Wanted {
    query: Query,
    rank: Rank,
    selectors: Vec<String>,
}

/// Queries in groups that one call can ask for.
fn merged(batch: Vec<Ranked>) -> Vec<Vec<Wanted>> {
    let mut groups: Vec<Vec<Wanted>> = Vec::new();
    let mut room = 0;
    for Ranked { query, rank } in batch {
        let selector = query.selector::<MetricSelector>();
        let selectors: Vec<String> = selector
            .map(|selector| selector.selectors().iter().map(|own| Matcher::selector(own)).collect())
            .unwrap_or_default();
        let need = selectors.iter().map(String::len).sum::<usize>();
        let wanted = Wanted { query, rank, selectors };
        if let Some(group) = groups.last_mut().filter(|_| need <= room) {
            group.push(wanted);
        } else {
            groups.push(vec![wanted]);
            room = LONGEST;
        }
        room = room.saturating_sub(need);
    }
    groups
}

async fn answers(
    server: Arc<Prometheus>,
    group: Vec<Wanted>,
    scope: Scope,
    started: Instant,
) -> Vec<Answer> {
    let series = series(&server, &group, scope).await;
    let one_by_one = group.len() > 1
        && matches!(&series, Err(error) if matches!(error.kind, ErrorKind::BadQuery | ErrorKind::TooLarge));
    let all = group.iter().map(|wanted| async {
        let series = if one_by_one {
            self::series(&server, std::slice::from_ref(wanted), scope).await
        } else {
            series.clone()
        };
        let result = match series {
            Ok(series) => Ok(found(&server, wanted, series, scope).await),
            Err(error) => Err(error),
        };
        Answer { query: wanted.query.clone(), result, took: started.elapsed() }
    });
    futures::future::join_all(all).await
}

/// The label sets that a group of queries selects, and the server's warnings.
async fn series(
    server: &Prometheus,
    group: &[Wanted],
    scope: Scope,
) -> Result<(Vec<Labels>, Vec<String>), StoreError> {
    let selectors: BTreeSet<String> =
        group.iter().flat_map(|wanted| wanted.selectors.iter().cloned()).collect();
    let selectors: Vec<String> = selectors.into_iter().collect();
    let limit = (group.len() == 1).then_some(scope.limit + 1);
    server.series(&selectors, scope.window, limit).await
}

/// What a query found among the series of its group, with values if there are few.
async fn found(
    server: &Prometheus,
    wanted: &Wanted,
    (series, mut notes): (Vec<Labels>, Vec<String>),
    scope: Scope,
) -> Found {
    let class = Metric::all();
    let of_query = series
        .into_iter()
        .map(|labels| object::object(&class, json!({"labels": labels})))
        .filter(|series| wanted.query.matches(series) == Some(true))
        .map(|series| (Arc::clone(&series.id), series));
    let mut objects: BTreeMap<Arc<str>, Object> = of_query.collect();
    let total = objects.len();
    let mut missing = None;
    if total > WITH_VALUES {
        notes
            .push(format!("values are left out, because there are more than {WITH_VALUES} series"));
    } else if total > 0 {
        missing = add_values(server, &wanted.selectors, &mut objects, scope).await;
    }
    let mut objects: Vec<Arc<Object>> = objects.into_values().map(Arc::new).collect();
    objects.sort_by(|a, b| a.preview.cmp(&b.preview).then_with(|| a.id.cmp(&b.id)));
    objects.truncate(scope.limit);
    // One more than the limit is all that the server may have been asked for.
    let known = (total > scope.limit + 1).then_some(total);
    let cut = Cut { shown: scope.limit, total: known, by: "limit" };
    Found {
        objects,
        cut: (total > scope.limit).then_some(cut),
        missing,
        note: (!notes.is_empty()).then(|| notes.join("; ")),
    }
}

/// Puts the values in the window into the series; tells what failed.
async fn add_values(
    server: &Prometheus,
    selectors: &[String],
    objects: &mut BTreeMap<Arc<str>, Object>,
    scope: Scope,
) -> Option<StoreError> {
    let calls = selectors.iter().map(|selector| server.range(selector, scope.window));
    let mut failed = None;
    for result in futures::future::join_all(calls).await {
        match result {
            Err(mut error) => {
                error.message = format!("values are missing: {}", error.message);
                failed = Some(error);
            }
            Ok(all) => {
                for samples in all {
                    let body = json!({"labels": samples.metric, "values": samples.values});
                    let series = object::object(&Metric::all(), body);
                    if let Some(known) = objects.get_mut(&series.id) {
                        *known = series;
                    }
                }
            }
        }
    }
    failed
}
