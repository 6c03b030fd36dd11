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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::Log;
    use crate::model::{Domains, Found, Vocabulary, Window};

    /// Says the same to every query; none says nothing at all, ever.
    struct Says(fn(&Query) -> Option<Result<Found, StoreError>>);

    impl Store for Says {
        fn fetch(&self, batch: Vec<Ranked>, _: Scope) -> BoxStream<'static, Answer> {
            let says = self.0;
            let answer = move |Ranked { query, .. }: Ranked| async move {
                let Some(result) = says(&query) else { return std::future::pending().await };
                tokio::task::yield_now().await;
                Answer { query, result, took: std::time::Duration::ZERO }
            };
            // One after the other, as from calls that take their time.
            stream::iter(batch).then(answer).boxed()
        }

        fn sources(&self) -> Vec<Source> {
            Vec::new()
        }
    }

    fn down() -> StoreError {
        StoreError::new(ErrorKind::Unreachable, "loki", "refused")
    }

    fn batch(texts: &[&str]) -> Vec<Ranked> {
        let domains = Domains::new(vec![Arc::new(Log::new(&Vocabulary::builtin()))]);
        texts.iter().map(|text| domains.query(text).expect("a query").into()).collect()
    }

    fn scope() -> Scope {
        let now = "2026-11-23T12:00:00Z".parse().expect("a time");
        Scope { window: Window::last_hour(now), focus: None, limit: 9 }
    }

    #[tokio::test]
    async fn a_second_store_that_hangs_holds_no_answer_of_the_first() {
        let first = Says(|query| {
            Some(if query.text().contains("db-0") { Err(down()) } else { Ok(Found::default()) })
        });
        let store = Backed::new(Arc::new(first), Arc::new(Says(|_| None)));
        let texts = [
            "log:application:{namespace: shop, name: db-0}",
            "log:application:{namespace: shop, name: web-0}",
        ];
        let mut answers = store.fetch(batch(&texts), scope());
        let answer = answers.next().await.expect("an answer");
        assert!(answer.query.text().contains("web-0") && answer.result.is_ok());
    }

    #[tokio::test]
    async fn what_pods_do_not_have_stays_a_failure() {
        let first = Says(|_| Some(Err(down())));
        let store = Backed::new(Arc::new(first), Arc::new(Says(|_| Some(Ok(Found::default())))));
        let texts =
            ["log:infrastructure:{node: n1, units: [kubelet]}", "log:application:{a=\"b\"}"];
        let answers: Vec<Answer> = store.fetch(batch(&texts), scope()).collect().await;
        assert!(answers.len() == 2 && answers.iter().all(|answer| answer.result.is_err()));
    }

    #[tokio::test]
    async fn both_failures_are_told() {
        let part = StoreError::new(ErrorKind::Forbidden, "pod-logs", "container x: 403");
        let found = Found { missing: Some(part), ..Found::default() };
        let query = batch(&["log:application:{namespace: shop}"]).remove(0).query;
        let answer = Answer { query, result: Ok(found), took: std::time::Duration::ZERO };
        let told = instead(answer, Some(down())).result.expect("an answer").missing;
        let words = "read from the Pods instead: refused; besides, container x: 403";
        assert_eq!(told.map(|fault| fault.message).as_deref(), Some(words));
    }
}
