//! Logs of a store that fails, read where else they are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};

use super::LogSelector;
use crate::model::{
    Answer, ErrorKind, Judge, Query, Rank, Ranked, Scope, Source, Store, StoreError,
};

/// How many answers are looked at together.
const TOGETHER: usize = 10_000;

/// A log store, and another one that is asked where the first cannot be.
pub struct Backed {
    first: Arc<dyn Store>,
    second: Arc<dyn Store>,
}

impl Backed {
    /// A store that asks the first, and the second where the first is out of order.
    pub fn new(first: Arc<dyn Store>, second: Arc<dyn Store>) -> Self {
        Self { first, second }
    }
}

impl Store for Backed {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let started = Instant::now();
        let second = Arc::clone(&self.second);
        let ranks: BTreeMap<Query, Rank> =
            batch.iter().map(|one| (one.query.clone(), one.rank.clone())).collect();
        let answers = self.first.fetch(batch, scope);
        // Those that failed in a moment go together, as a batch does.
        let again = answers.ready_chunks(TOGETHER).flat_map_unordered(None, move |answers| {
            let (mut good, mut faults) = (Vec::new(), BTreeMap::new());
            for answer in answers {
                match out_of_order(&answer) {
                    Some(fault) => drop(faults.insert(answer.query.clone(), fault.clone())),
                    None => good.push(answer),
                }
            }
            let batch = faults.keys().map(|query| {
                let rank = ranks.get(query).cloned().unwrap_or_default();
                Ranked { query: query.clone(), rank }
            });
            let found = second.fetch(batch.collect(), scope);
            let instead = found.map(move |answer| {
                let fault = faults.get(&answer.query).cloned();
                Answer { took: started.elapsed(), ..instead(answer, fault) }
            });
            stream::iter(good).chain(instead).boxed()
        });
        again.boxed()
    }

    fn prepare(&self, scope: Scope, rank: &Rank) -> Option<BoxFuture<'static, ()>> {
        self.first.prepare(scope, rank)
    }

    fn sources(&self) -> Vec<Source> {
        let used = |source: &Source| source.calls > 0;
        let second = self.second.sources().into_iter().filter(used);
        self.first.sources().into_iter().chain(second).collect()
    }

    fn judge_by(&self, judge: &Judge) {
        self.first.judge_by(judge);
        self.second.judge_by(judge);
    }

    fn refresh(&self) {
        self.first.refresh();
        self.second.refresh();
    }
}

/// The failure of an answer that another store may have.
fn out_of_order(answer: &Answer) -> Option<&StoreError> {
    let broken = |error: &&StoreError| {
        matches!(
            error.kind,
            ErrorKind::Unreachable
                | ErrorKind::Timeout
                | ErrorKind::Unauthorized
                | ErrorKind::Forbidden
                | ErrorKind::BadAnswer
                | ErrorKind::Server(_)
        )
    };
    let of_pods = matches!(answer.query.selector(), Some(LogSelector::Pods(_)));
    answer.result.as_ref().err().filter(|error| of_pods && broken(error))
}

/// What the second store has, with the failure of the first; without it, that failure alone.
fn instead(answer: Answer, fault: Option<StoreError>) -> Answer {
    let Some(mut fault) = fault else { return answer };
    let result = match answer.result {
        Ok(mut found) => {
            let besides = found.missing.map(|other| format!("; besides, {}", other.message));
            let besides = besides.unwrap_or_default();
            fault.message = format!("read from the Pods instead: {}{besides}", fault.message);
            found.missing = Some(fault);
            Ok(found)
        }
        Err(_) => Err(fault),
    };
    Answer { result, ..answer }
}
