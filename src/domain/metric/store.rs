//! Series of Prometheus: few calls find the label sets for many queries, then few calls the values
//! of those queries that select few enough series.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt};
use serde_json::json;

use super::merge::{fits, texts};
use super::{Metric, MetricSelector, exemplar, object};
use crate::client::prometheus::Prometheus;
use crate::client::ranked;
use crate::model::{
    Answer, Cut, ErrorKind, Found, MatchOp, Matcher, Object, Query, Rank, Ranked, Scope, Source,
    Store, StoreError,
};

/// The most series of one query whose values are fetched.
const WITH_VALUES: usize = 100;

/// About the most series whose values one call fetches.
const VALUES: usize = 400;

/// The most series that one call asks for. A merged call that finds as many is split.
const SERIES: usize = 20_000;

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
        let (exemplars, series): (Vec<Ranked>, Vec<Ranked>) =
            batch.into_iter().partition(|one| *one.query.class() == Metric::exemplar());
        let all = FuturesUnordered::new();
        for group in groups(series) {
            let work = answers(Arc::clone(&self.0), group.clone(), scope, started);
            all.push(ranked(rank(&group), work.boxed()));
        }
        for group in groups(exemplars) {
            let work = exemplar::answers(Arc::clone(&self.0), group.clone(), scope, started);
            all.push(ranked(rank(&group), work.boxed()));
        }
        all.flat_map(stream::iter).boxed()
    }

    fn sources(&self) -> Vec<Source> {
        vec![self.0.source()]
    }

    fn refresh(&self) {
        self.0.forget();
    }
}

fn rank(group: &[Ranked]) -> Rank {
    Rank::join(group.iter().map(|one| &one.rank))
}

fn selectors(query: &Query) -> &[Vec<Matcher>] {
    query.selector::<MetricSelector>().map_or(&[], MetricSelector::selectors)
}

/// The selectors of some queries as few texts.
pub(super) fn merged<'q>(queries: impl IntoIterator<Item = &'q Query>) -> Vec<String> {
    let mut all: Vec<&[Matcher]> =
        queries.into_iter().flat_map(selectors).map(Vec::as_slice).collect();
    all.sort();
    all.dedup();
    texts(&all)
}

/// Queries in groups that one call can ask for.
fn groups(mut batch: Vec<Ranked>) -> Vec<Vec<Ranked>> {
    // Names that are alike are short together.
    batch.sort_by(|a, b| a.query.cmp(&b.query));
    if batch.len() < 2 || fits(&merged(batch.iter().map(|one| &one.query))) {
        return if batch.is_empty() { Vec::new() } else { vec![batch] };
    }
    let right = batch.split_off(batch.len() / 2);
    let mut found = groups(batch);
    found.extend(groups(right));
    found
}

async fn answers(
    server: Arc<Prometheus>,
    group: Vec<Ranked>,
    scope: Scope,
    started: Instant,
) -> Vec<Answer> {
    let queries: Vec<&Query> = group.iter().map(|one| &one.query).collect();
    let mut found: Vec<(&Query, Result<Series, StoreError>)> =
        series(&server, &queries, scope).await;
    add_values(&server, &mut found, scope).await;
    let answer = |(query, series): (&Query, Result<Series, StoreError>)| Answer {
        query: query.clone(),
        result: series.map(|series| series.found(scope)),
        took: started.elapsed(),
    };
    found.into_iter().map(answer).collect()
}

/// The series of one query, by id.
#[derive(Default)]
struct Series {
    objects: BTreeMap<Arc<str>, Arc<Object>>,
    notes: Vec<String>,
    missing: Option<StoreError>,
    /// The server may know more.
    full: bool,
}

type OfQueries<'q> = Vec<(&'q Query, Result<Series, StoreError>)>;

/// The label sets that queries select, from one call or, if that is too much, from several.
fn series<'q>(
    server: &'q Prometheus,
    queries: &'q [&'q Query],
    scope: Scope,
) -> BoxFuture<'q, OfQueries<'q>> {
    async move {
        let texts = merged(queries.iter().copied());
        let result = server.series(&texts, scope.window, Some(SERIES)).await;
        let splits = match &result {
            Ok((found, _)) => found.len() >= SERIES,
            Err(error) => matches!(error.kind, ErrorKind::BadQuery | ErrorKind::TooLarge),
        };
        if splits && queries.len() > 1 {
            let (left, right) = queries.split_at(queries.len() / 2);
            let (mut found, more) =
                futures::join!(series(server, left, scope), series(server, right, scope));
            found.extend(more);
            return found;
        }
        let (labels, notes) = match result {
            Ok(found) => found,
            Err(error) => {
                return queries.iter().map(|query| (*query, Err(error.clone()))).collect();
            }
        };
        let (class, full) = (Metric::all(), labels.len() >= SERIES);
        let objects = labels.into_iter().map(|one| object::object(&class, json!({"labels": one})));
        let shelf = Shelf::new(objects.map(Arc::new).collect(), queries);
        let of = |query: &&'q Query| {
            let own = shelf.of(query).map(|one| (Arc::clone(&one.id), Arc::clone(one)));
            let notes = notes.clone();
            (*query, Ok(Series { objects: own.collect(), notes, missing: None, full }))
        };
        queries.iter().map(of).collect()
    }
    .boxed()
}

/// Series that can be found by a label without looking at all of them.
pub(super) struct Shelf {
    all: Vec<Arc<Object>>,
    /// Label -> value -> places.
    by: HashMap<String, HashMap<String, Vec<usize>>>,
}

impl Shelf {
    /// Series, or what has the labels of series, to be found by some queries.
    pub(super) fn new(all: Vec<Arc<Object>>, queries: &[&Query]) -> Self {
        let own = queries.iter().flat_map(|query| selectors(query));
        let labels: BTreeSet<&str> =
            own.flatten().filter(|one| is_key(one)).map(Matcher::name).collect();
        let mut by: HashMap<String, HashMap<String, Vec<usize>>> = HashMap::new();
        for label in labels {
            let values = by.entry(label.to_owned()).or_default();
            for (at, series) in all.iter().enumerate() {
                let value =
                    series.body.get("labels").and_then(|labels| labels.get(label)?.as_str());
                if let Some(value) = value {
                    values.entry(value.to_owned()).or_default().push(at);
                }
            }
        }
        Self { all, by }
    }

    /// The series that a query selects; one may come twice.
    pub(super) fn of<'s>(&'s self, query: &'s Query) -> impl Iterator<Item = &'s Arc<Object>> {
        let everything: Vec<usize> = (0..self.all.len()).collect();
        let candidates = selectors(query).iter().flat_map(move |matchers| {
            let places = |one: &Matcher| {
                let known = self.by.get(one.name())?.get(one.value());
                Some(known.cloned().unwrap_or_default())
            };
            let fewest = matchers.iter().filter(|one| is_key(one)).filter_map(places);
            fewest.min_by_key(Vec::len).unwrap_or_else(|| everything.clone())
        });
        let own = candidates.map(|at| &self.all[at]);
        own.filter(|series| query.matches(series) == Some(true))
    }
}

fn is_key(matcher: &Matcher) -> bool {
    matcher.op() == MatchOp::Equal && !matcher.value().is_empty()
}

/// Puts the values in the window into the series of the queries that have few, in few calls.
async fn add_values(server: &Prometheus, found: &mut OfQueries<'_>, scope: Scope) {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut room = 0;
    for (at, (_, series)) in found.iter_mut().enumerate() {
        let Ok(series) = series else { continue };
        let count = series.objects.len();
        if count > WITH_VALUES {
            series.notes.push(format!(
                "values are left out, because there are more than {WITH_VALUES} series"
            ));
        } else if count > 0 {
            if let Some(group) = groups.last_mut().filter(|_| count <= room) {
                group.push(at);
            } else {
                groups.push(vec![at]);
                room = VALUES;
            }
            room -= count.min(room);
        }
    }
    let queries: Vec<&Query> = found.iter().map(|(query, _)| *query).collect();
    let calls = groups.iter().map(|group| values(server, &queries, group, scope));
    for (group, samples) in join_all(calls).await.into_iter().flatten() {
        for at in group {
            let Ok(series) = &mut found[at].1 else { continue };
            match &samples {
                Ok(samples) => {
                    for (id, object) in &mut series.objects {
                        if let Some(with_values) = samples.get(id) {
                            *object = Arc::clone(with_values);
                        }
                    }
                }
                Err(error) => series.missing = Some(error.clone()),
            }
        }
    }
}

type Samples = Result<HashMap<Arc<str>, Arc<Object>>, StoreError>;

/// The series of some queries with their values, by id: in one go, or in halves where the server
/// refuses that.
fn values<'q>(
    server: &'q Prometheus,
    queries: &'q [&'q Query],
    group: &'q [usize],
    scope: Scope,
) -> BoxFuture<'q, Vec<(Vec<usize>, Samples)>> {
    async move {
        let texts = merged(group.iter().map(|at| queries[*at]));
        let calls = texts.iter().map(|text| server.range(text, scope.window));
        let mut found = HashMap::new();
        for result in join_all(calls).await {
            match result {
                Ok(all) => found.extend(all.into_iter().map(|samples| {
                    let body = json!({"labels": samples.metric, "values": samples.values});
                    let series = object::object(&Metric::all(), body);
                    (Arc::clone(&series.id), Arc::new(series))
                })),
                Err(error)
                    if group.len() > 1
                        && matches!(error.kind, ErrorKind::BadQuery | ErrorKind::TooLarge) =>
                {
                    let (left, right) = group.split_at(group.len() / 2);
                    let (mut all, more) = futures::join!(
                        values(server, queries, left, scope),
                        values(server, queries, right, scope)
                    );
                    all.extend(more);
                    return all;
                }
                Err(mut error) => {
                    error.message = format!("values are missing: {}", error.message);
                    return vec![(group.to_vec(), Err(error))];
                }
            }
        }
        vec![(group.to_vec(), Ok(found))]
    }
    .boxed()
}

impl Series {
    fn found(self, scope: Scope) -> Found {
        let mut objects: Vec<Arc<Object>> = self.objects.into_values().collect();
        objects.sort_by(|a, b| a.preview.cmp(&b.preview).then_with(|| a.id.cmp(&b.id)));
        let total = objects.len();
        objects.truncate(scope.limit);
        let known = (!self.full).then_some(total);
        let cut = Cut { shown: objects.len(), total: known, by: "limit" };
        Found {
            cut: (total > scope.limit || self.full).then_some(cut),
            objects,
            missing: self.missing,
            note: (!self.notes.is_empty()).then(|| self.notes.join("; ")),
        }
    }
}
