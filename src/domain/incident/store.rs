//! Incidents from Prometheus: one call answers a batch.

use std::sync::Arc;
use std::time::Instant;

use futures::stream::{self, BoxStream, StreamExt};

use super::Incident;
use super::object::{bodies, object};
use crate::client::prometheus::Prometheus;
use crate::client::ranked;
use crate::model::{Answer, Cut, Found, Object, Query, Rank, Ranked, Scope, Source, Store};

/// The metric that tells which component and alert belong to which incident.
const METRIC: &str = "cluster:health:components:map{group_id!=\"\"}";

/// A series without values for so many seconds has ended.
const SILENCE: f64 = 600.0;

/// The store of the domain `incident`.
pub struct IncidentStore(Arc<Prometheus>);

impl IncidentStore {
    /// A store over a server.
    pub fn new(prometheus: Arc<Prometheus>) -> Self {
        Self(prometheus)
    }
}

impl Store for IncidentStore {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let server = Arc::clone(&self.0);
        let started = Instant::now();
        let rank = Rank::join(batch.iter().map(|one| &one.rank));
        let answers = ranked(rank, async move {
            #[allow(clippy::cast_precision_loss, reason = "whole seconds of this age")]
            let over = scope.window.end.timestamp() as f64 - SILENCE;
            let series = server.range(METRIC, scope.window).await;
            let class = Incident::all();
            let all = series.map(|series| -> Vec<Arc<Object>> {
                let bodies = bodies(&series, over).into_iter();
                bodies.map(|body| Arc::new(object(&class, body))).collect()
            });
            let answer = move |Ranked { query, .. }: Ranked| {
                let result = all.clone().map(|all| select(all, &query, scope));
                Answer { query, result, took: started.elapsed() }
            };
            stream::iter(batch).map(answer)
        });
        stream::once(answers).flatten().boxed()
    }

    fn sources(&self) -> Vec<Source> {
        vec![self.0.source()]
    }

    fn refresh(&self) {
        self.0.forget();
    }
}

fn select(mut all: Vec<Arc<Object>>, query: &Query, scope: Scope) -> Found {
    all.retain(|incident| query.matches(incident) == Some(true));
    let total = all.len();
    all.truncate(scope.limit);
    let cut =
        (total > all.len()).then_some(Cut { shown: all.len(), total: Some(total), by: "limit" });
    Found { objects: all, cut, ..Found::default() }
}
