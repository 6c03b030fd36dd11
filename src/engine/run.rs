//! Runs a search: the only file of the engine that has tasks and a clock. One task per search
//! feeds answers to the state machine and publishes what has been found; dropping the handle
//! cancels everything under way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::ready;
use futures::stream::{self, BoxStream, FuturesUnordered, SelectAll};
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::order::Order;
use super::progress::Snapshot;
use super::search::{Rules, Search, Wanted};
use crate::model::{
    Answer, Class, ErrorKind, Object, Query, Rank, Ranked, Scope, Store, StoreError,
};

/// How many answers are taken in at once.
const BATCH: usize = 512;

/// The least time between two states that are shown.
const PACE: Duration = Duration::from_millis(16);

/// Stores by the name of their domain.
pub type Stores = BTreeMap<String, Arc<dyn Store>>;

/// A search under way. Dropping it ends the search and closes its connections.
#[derive(Debug)]
pub struct Running {
    progress: watch::Receiver<Arc<Snapshot>>,
    preferred: watch::Sender<Option<Arc<str>>>,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Running {
    /// The newest state; a receiver always sees the latest one and never a queue.
    pub fn progress(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.progress.clone()
    }

    /// Asks what a node waits for, and all below it, before the rest; the node by its key.
    pub fn prefer(&self, key: &str) {
        self.preferred.send_if_modified(|preferred| {
            let changed = preferred.as_deref() != Some(key);
            *preferred = Some(key.into());
            changed
        });
    }

    /// Gives up what is pending and keeps what has been found.
    pub fn cancel(&self) {
        self.stop.notify_one();
    }

    /// Waits for the end.
    pub async fn finish(mut self) -> Arc<Snapshot> {
        while !self.progress.borrow().finished {
            if self.progress.changed().await.is_err() {
                break;
            }
        }
        Arc::clone(&self.progress.borrow())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Asks stores, judges what they find.
pub(super) struct Asker {
    pub(super) stores: Stores,
    pub(super) rules: Arc<dyn Rules>,
    pub(super) scope: Scope,
}

impl Asker {
    /// Asks queries, those of one domain as one batch.
    pub(super) fn ask(&self, queries: Vec<Ranked>) -> Vec<BoxStream<'static, Answer>> {
        let mut batches: Vec<(String, Vec<Ranked>)> = Vec::new();
        for query in queries {
            let domain = query.query.class().domain();
            match batches.iter_mut().find(|(name, _)| name == domain) {
                Some((_, batch)) => batch.push(query),
                None => batches.push((domain.to_owned(), vec![query])),
            }
        }
        batches
            .into_iter()
            .map(|(domain, batch)| match self.stores.get(&domain) {
                Some(store) => store.fetch(batch, self.scope),
                None => stream::iter(batch)
                    .map(move |Ranked { query, .. }| missing(&domain, query))
                    .boxed(),
            })
            .collect()
    }

    /// What stores do beforehand for a search that may come to them. There are no answers in it.
    fn prepare(
        &self,
        rank: &Rank,
        comes_to: impl Fn(&str) -> bool,
    ) -> Option<BoxStream<'static, Answer>> {
        let stores = self.stores.iter().filter(|(domain, _)| comes_to(domain));
        let work: FuturesUnordered<_> =
            stores.filter_map(|(_, store)| store.prepare(self.scope, rank)).collect();
        (!work.is_empty()).then(|| work.filter_map(|()| ready(None)).boxed())
    }

    /// Sets severity and status of what an answer brought, where its store has not done it.
    pub(super) fn judge(&self, mut answer: Answer) -> Answer {
        if let Ok(found) = &mut answer.result {
            for object in found.objects.iter_mut().filter(|object| !object.judged) {
                let object = Arc::make_mut(object);
                self.rules.judge(object);
                object.judged = true;
            }
        }
        answer
    }
}

fn missing(domain: &str, query: Query) -> Answer {
    let message = format!("no source for {domain} is configured");
    let error = StoreError::new(ErrorKind::Missing, domain, message);
    Answer { query, result: Err(error), took: Duration::ZERO }
}

/// Starts the task of a search.
pub(super) fn start(
    asker: Asker,
    search: Search,
    first: Vec<Wanted>,
    goals: Arc<[Class]>,
    deadline: Option<Duration>,
) -> Running {
    let began = Instant::now();
    let (preferred, wish) = watch::channel(None);
    let deadline = deadline.and_then(|deadline| began.checked_add(deadline));
    let order = Order::until(deadline.map(Instant::into_std));
    let open = SelectAll::new();
    let mut drive = Drive { asker, search, goals, began, open, order, wish };
    let (sender, progress) = watch::channel(Arc::new(drive.snapshot(false)));
    let stop = Arc::new(Notify::new());
    let stopped = Arc::clone(&stop);
    let task = tokio::spawn(drive.run(first, sender, stopped, deadline));
    Running { progress, preferred, stop, task }
}

struct Drive {
    asker: Asker,
    search: Search,
    goals: Arc<[Class]>,
    began: Instant,
    open: SelectAll<BoxStream<'static, Answer>>,
    order: Order,
    /// The key of the node that is to come first.
    wish: watch::Receiver<Option<Arc<str>>>,
}

impl Drive {
    async fn run(
        mut self,
        first: Vec<Wanted>,
        sender: watch::Sender<Arc<Snapshot>>,
        stop: Arc<Notify>,
        deadline: Option<Instant>,
    ) {
        let rank = self.order.first();
        let ahead = self.asker.prepare(&rank, |domain| self.search.comes_to(domain));
        self.open.extend(ahead);
        self.ask(first);
        let mut shown = self.began;
        let mut due = Some(shown);
        while !self.search.finished() {
            let show = async move {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let expired = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.notified() => self.search.cancel(),
                () = expired => self.search.cancel(),
                Ok(()) = self.wish.changed() => {
                    let key = self.wish.borrow_and_update().clone();
                    self.order.prefer(key, &self.search.tree());
                }
                () = show => {
                    due = None;
                    shown = Instant::now();
                    sender.send_replace(Arc::new(self.snapshot(false)));
                }
                answer = self.open.next() => match answer {
                    Some(answer) => {
                        self.take(answer);
                        due.get_or_insert(shown + PACE);
                    }
                    None => self.search.cancel(),
                },
            }
        }
        self.open.clear();
        sender.send_replace(Arc::new(self.snapshot(true)));
    }

    /// Takes in an answer and those that come with it, then asks what they call for.
    fn take(&mut self, answer: Answer) {
        let mut answers = vec![self.asker.judge(answer)];
        while answers.len() < BATCH
            && let Some(answer) = self.open.next().now_or_never().flatten()
        {
            answers.push(self.asker.judge(answer));
        }
        for answer in &answers {
            self.order.answered(&answer.query);
        }
        let wanted = self.search.receive(answers);
        self.ask(wanted);
    }

    fn ask(&mut self, wanted: Vec<Wanted>) {
        if wanted.is_empty() {
            return;
        }
        let ranked = self.order.rank(wanted);
        if self.order.has_preference() {
            self.order.apply(&self.search.tree());
        }
        self.open.extend(self.asker.ask(ranked));
    }

    fn snapshot(&mut self, finished: bool) -> Snapshot {
        let tree = self.search.tree();
        let (done, total) = self.search.progress();
        let scope = self.asker.scope;
        Snapshot {
            tree,
            goals: Arc::clone(&self.goals),
            window: scope.window,
            focus: scope.focus,
            done,
            total,
            elapsed: self.began.elapsed(),
            finished,
            cancelled: self.search.cancelled(),
            sources: sources(&self.asker.stores),
            faults: self.search.faults().cloned().collect(),
        }
    }
}

/// Every back end behind the stores, each once.
pub(super) fn sources(stores: &Stores) -> Vec<crate::model::Source> {
    let mut all: Vec<crate::model::Source> = Vec::new();
    for source in stores.values().flat_map(|store| store.sources()) {
        match all.iter_mut().find(|known| known.name == source.name) {
            Some(known) if known.calls < source.calls => *known = source,
            Some(_) => {}
            None => all.push(source),
        }
    }
    all
}

/// All objects that queries find, with one answer per query.
pub(super) async fn get(asker: &Asker, queries: Vec<Query>) -> Vec<Answer> {
    let mut open: SelectAll<_> =
        asker.ask(queries.iter().cloned().map(Ranked::from).collect()).into_iter().collect();
    let mut answers = Vec::new();
    while let Some(answer) = open.next().await {
        answers.push(asker.judge(answer));
    }
    answers.sort_by_key(|answer| queries.iter().position(|query| *query == answer.query));
    answers
}

/// The objects of answers, each once, in order.
pub fn objects(answers: &[Answer]) -> Vec<Arc<Object>> {
    let mut seen = std::collections::HashSet::new();
    answers
        .iter()
        .filter_map(|answer| answer.result.as_ref().ok())
        .flat_map(|found| &found.objects)
        .filter(|object| seen.insert((object.class.clone(), Arc::clone(&object.id))))
        .cloned()
        .collect()
}
