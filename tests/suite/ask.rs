//! Asking a store in a test.

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use korrel8::domain;
use korrel8::model::{Answer, Found, Query, Scope, Store, StoreError, Vocabulary, Window};

/// The end of the window that tests look at.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_398_881, 0).expect("a time")
}

/// The hour before [`now`].
pub(crate) fn scope(limit: usize) -> Scope {
    Scope { window: Window::last_hour(now()), focus: None, limit }
}

/// Some seconds before [`now`], in nanoseconds.
pub(crate) fn ago(seconds: i64) -> i64 {
    (now() - TimeDelta::seconds(seconds)).timestamp_nanos_opt().expect("in range")
}

/// A query from its text.
pub(crate) fn query(text: &str) -> Query {
    domain::all(&Vocabulary::builtin()).query(text).unwrap_or_else(|fault| panic!("{fault}"))
}

/// The answers to all queries, in the order of the queries.
pub(crate) async fn ask_all(store: &impl Store, texts: &[&str], scope: Scope) -> Vec<Answer> {
    let batch: Vec<Query> = texts.iter().map(|text| query(text)).collect();
    let mut answers: Vec<Answer> =
        store.fetch(batch.iter().cloned().map(Into::into).collect(), scope).collect().await;
    assert_eq!(answers.len(), batch.len(), "one answer for each query");
    answers.sort_by_key(|answer| batch.iter().position(|query| *query == answer.query));
    answers
}

/// The answer to one query.
pub(crate) async fn ask(store: &impl Store, text: &str, scope: Scope) -> Result<Found, StoreError> {
    ask_all(store, &[text], scope).await.remove(0).result
}

/// The previews of what was found.
pub(crate) fn previews(found: &Found) -> Vec<&str> {
    found.objects.iter().map(|object| object.preview.as_str()).collect()
}
