//! Alerts of Prometheus and Alertmanager, asked together once for all queries of a batch.

use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use futures::future::{Either, OptionFuture, select};
use futures::stream::{self, BoxStream, StreamExt};

use super::join::join;
use super::{Alert, object};
use crate::client::alertmanager::Alertmanager;
use crate::client::prometheus::Prometheus;
use crate::client::ranked;
use crate::model::{
    Answer, Cut, ErrorKind, Found, Judge, Lookup, Object, Query, Rank, Ranked, Scope, Source,
    Store, StoreError,
};

/// How long alerts are taken for current without asking again.
const KEPT: Duration = Duration::from_mins(1);

/// The same where a server failed: long enough that not every batch waits for its timeout.
const KEPT_FAULTY: Duration = Duration::from_secs(10);

/// What servers say when they are asked for all alerts.
type Answered = Result<Arc<Alerts>, StoreError>;

/// The store of the domain `alert`.
pub struct AlertStore(Arc<Servers>);

struct Servers {
    prometheus: Option<Arc<Prometheus>>,
    alertmanager: Option<Arc<Alertmanager>>,
    kept: Mutex<Option<(Instant, Answered)>>,
    judge: OnceLock<Judge>,
    /// Held while asking, so that batches at the same time ask once.
    asking: tokio::sync::Mutex<()>,
}

/// All alerts, and what is missing in them.
struct Alerts {
    all: Vec<Arc<Object>>,
    lookup: Lookup,
    missing: Option<StoreError>,
}

impl AlertStore {
    /// A store over the servers that there are.
    pub fn new(
        prometheus: Option<Arc<Prometheus>>,
        alertmanager: Option<Arc<Alertmanager>>,
    ) -> Self {
        let kept = Mutex::new(None);
        let asking = tokio::sync::Mutex::new(());
        let judge = OnceLock::new();
        Self(Arc::new(Servers { prometheus, alertmanager, kept, judge, asking }))
    }
}

impl Store for AlertStore {
    fn fetch(&self, batch: Vec<Ranked>, scope: Scope) -> BoxStream<'static, Answer> {
        let scope = scope.reaching(Utc::now());
        let servers = Arc::clone(&self.0);
        let started = Instant::now();
        let rank = Rank::join(batch.iter().map(|one| &one.rank));
        let all = ranked(rank, async move { servers.alerts().await });
        stream::once(all)
            .flat_map(move |alerts| {
                let answers = batch.clone().into_iter().map(move |Ranked { query, .. }| {
                    let result = alerts.clone().map(|alerts| alerts.select(&query, scope));
                    Answer { query, result, took: started.elapsed() }
                });
                stream::iter(answers)
            })
            .boxed()
    }

    fn sources(&self) -> Vec<Source> {
        let prometheus = self.0.prometheus.iter().map(|server| server.source());
        let alertmanager = self.0.alertmanager.iter().map(|server| server.source());
        prometheus.chain(alertmanager).collect()
    }

    fn judge_by(&self, judge: &Judge) {
        self.0.judge.get_or_init(|| Arc::clone(judge));
    }

    fn refresh(&self) {
        *self.0.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.0.prometheus.iter().for_each(|server| server.forget());
        self.0.alertmanager.iter().for_each(|server| server.forget());
    }
}

impl Servers {
    fn kept(&self) -> Option<Answered> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, alerts) = kept.as_ref()?;
        let whole = matches!(alerts, Ok(alerts) if alerts.missing.is_none());
        let long = if whole { KEPT } else { KEPT_FAULTY };
        (at.elapsed() < long).then(|| alerts.clone())
    }

    async fn alerts(&self) -> Answered {
        if let Some(kept) = self.kept() {
            return kept;
        }
        let _asking = self.asking.lock().await;
        if let Some(kept) = self.kept() {
            return kept;
        }
        let alerts = self.ask().await;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((Instant::now(), alerts.clone()));
        alerts
    }

    async fn ask(&self) -> Answered {
        let rules = OptionFuture::from(self.prometheus.as_ref().map(|one| one.alert_rules()));
        let sent = OptionFuture::from(self.alertmanager.as_ref().map(|one| one.alerts()));
        let (rules, sent) = match select(pin!(rules), pin!(sent)).await {
            Either::Left((rules @ Some(Ok(_)), sent)) => {
                let server = self.alertmanager.as_ref();
                let grace = server.map(|server| server.grace()).unwrap_or_default();
                let sent = tokio::time::timeout(grace, sent).await;
                (rules, sent.unwrap_or_else(|_| server.map(|server| Err(server.late()))))
            }
            Either::Right((sent @ Some(Ok(_)), rules)) => {
                let server = self.prometheus.as_ref();
                let grace = server.map(|server| server.grace()).unwrap_or_default();
                let rules = tokio::time::timeout(grace, rules).await;
                (rules.unwrap_or_else(|_| server.map(|server| Err(server.late()))), sent)
            }
            Either::Left((rules, sent)) => (rules, sent.await),
            Either::Right((sent, rules)) => (rules.await, sent),
        };
        let (rules, sent, missing) = match (rules, sent) {
            (None, None) => return Err(no_server()),
            (Some(Err(error)), None | Some(Err(_))) | (None, Some(Err(error))) => {
                return Err(error);
            }
            (Some(Err(error)), Some(Ok(sent))) => {
                (Vec::new(), sent, Some(only("Alertmanager says, without expressions", error)))
            }
            (Some(Ok(rules)), Some(Err(error))) => {
                (rules, Vec::new(), Some(only("Prometheus says, without silences", error)))
            }
            (rules, sent) => (
                rules.and_then(Result::ok).unwrap_or_default(),
                sent.and_then(Result::ok).unwrap_or_default(),
                None,
            ),
        };
        let class = Alert::all();
        let bodies = join(&rules, &sent).into_iter();
        let mut all: Vec<Object> = bodies.map(|body| object::object(&class, body)).collect();
        all.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.id.cmp(&b.id)));
        if let Some(judge) = self.judge.get() {
            for alert in &mut all {
                judge(alert);
                alert.judged = true;
            }
        }
        let all = all.into_iter().map(Arc::new).collect();
        Ok(Arc::new(Alerts { all, lookup: Lookup::default(), missing }))
    }
}

/// The failure of one server in the words of what the other one leaves.
fn only(what: &str, mut error: StoreError) -> StoreError {
    error.message = format!("only what {what}: {}", error.message);
    error
}

fn no_server() -> StoreError {
    StoreError::new(ErrorKind::Missing, "prometheus", "no source of alerts is configured")
        .hint("name one with --prometheus-url or --alertmanager-url")
}

impl Alerts {
    /// The alerts that a query selects and that were there in the window, the newest first.
    fn select(&self, query: &Query, scope: Scope) -> Found {
        // A selector of alerts can always be decided.
        let places = self.lookup.select(&self.all, query).unwrap_or_default();
        let mut objects: Vec<Arc<Object>> = places
            .into_iter()
            .map(|at| &self.all[at])
            .filter(|alert| scope.window.overlaps(alert.time, alert.end))
            .cloned()
            .collect();
        let total = objects.len();
        objects.truncate(scope.limit);
        let cut = (total > scope.limit).then_some(Cut {
            shown: scope.limit,
            total: Some(total),
            by: "limit",
        });
        Found { objects, cut, missing: self.missing.clone(), note: None }
    }
}
