//! Fulfils effects: starts what takes time as tasks whose answers come back as events. A search
//! ends when its handle is dropped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::effect::{Effect, SearchId};
use super::event::Event;
use super::world::{Handle, Live, World};
use crate::model::Object;

/// The least time between two states of one search.
const PACE: Duration = Duration::from_millis(30);

/// Does what the explorer asks for.
pub(super) struct Runner {
    world: Arc<dyn World>,
    answers: mpsc::Sender<Event>,
    searches: HashMap<SearchId, Search>,
    asking: Option<Task>,
    tracing: Option<Task>,
}

/// A task that ends when this is dropped.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A search under way: what brings its states here, and what keeps it alive.
struct Search {
    _bring: Task,
    handle: Box<dyn Handle>,
}

impl Runner {
    /// Asks a world, and sends what it answers there.
    pub(super) fn new(world: Arc<dyn World>, answers: mpsc::Sender<Event>) -> Self {
        Self { world, answers, searches: HashMap::new(), asking: None, tracing: None }
    }

    /// Does what was asked for, except for what concerns the terminal.
    pub(super) fn run(&mut self, effect: Effect) {
        match effect {
            Effect::LoadAlerts => {
                let alerts = self.world.alerts();
                self.ask(async move { Event::Alerts(alerts.await) });
            }
            Effect::Resolve(start, lift) => {
                let found = self.world.resolve(start, lift);
                self.ask(async move { Event::Resolved(found.await) });
            }
            Effect::Search(id, request) => {
                let live = self.world.search(request);
                self.follow(id, live);
            }
            Effect::Cancel(id) => {
                self.searches.remove(&id);
            }
            Effect::Prefer(id, key) => {
                if let Some(search) = self.searches.get(&id) {
                    search.handle.prefer(&key);
                }
            }
            Effect::Trace(id, span) => self.trace(id, span),
            Effect::Refresh => self.world.refresh(),
            Effect::LookAtSources => {
                // A full channel means that newer news is on its way.
                self.answers.try_send(Event::Sources(self.world.sources())).ok();
            }
            Effect::Copy(_) | Effect::Mouse(_) | Effect::Quit => {}
        }
    }

    fn ask(&mut self, answer: impl Future<Output = Event> + Send + 'static) {
        let answers = self.answers.clone();
        self.asking = Some(Task(tokio::spawn(async move {
            let event = answer.await;
            answers.send(event).await.ok();
        })));
    }

    /// The trace first, as soon as it is there; then the lines, which may take longer.
    fn trace(&mut self, id: SearchId, span: Arc<Object>) {
        let (world, answers) = (Arc::clone(&self.world), self.answers.clone());
        self.tracing = Some(Task(tokio::spawn(async move {
            let of = Arc::clone(&span.id);
            let found = world.trace(Arc::clone(&span)).await;
            // Where the trace cannot be had, the Pod of the span may have lines all the same.
            let spans = match &found {
                Ok(found) if !found.objects.is_empty() => found.objects.clone(),
                _ => vec![span],
            };
            if answers.send(Event::Trace(id, Arc::clone(&of), found)).await.is_ok() {
                let lines = world.lines(spans).await;
                answers.send(Event::Lines(id, of, lines)).await.ok();
            }
        })));
    }

    fn follow(&mut self, id: SearchId, live: Live) {
        let Live { mut snapshots, handle } = live;
        let answers = self.answers.clone();
        let bring = tokio::spawn(async move {
            loop {
                let snapshot = Arc::clone(&snapshots.borrow_and_update());
                let finished = snapshot.finished;
                if answers.send(Event::Snapshot(id, snapshot)).await.is_err() || finished {
                    return;
                }
                tokio::time::sleep(PACE).await;
                if snapshots.changed().await.is_err() {
                    answers.send(Event::Lost(id)).await.ok();
                    return;
                }
            }
        });
        self.searches.insert(id, Search { _bring: Task(bring), handle });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use chrono::{DateTime, Utc};
    use futures::FutureExt;
    use futures::future::BoxFuture;
    use tokio::sync::watch;

    use super::*;
    use crate::engine::Snapshot;
    use crate::model::{Found, Source};
    use crate::tui::fixture;
    use crate::tui::world::{Listing, Place, SearchRequest, Start};

    /// A world with one search, whose states come from a channel.
    struct Fake {
        snapshots: watch::Receiver<Arc<Snapshot>>,
        dropped: Arc<AtomicBool>,
    }

    struct Alive(Arc<AtomicBool>);

    impl Handle for Alive {
        fn prefer(&self, _: &str) {}
    }

    impl Drop for Alive {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    impl World for Fake {
        fn place(&self) -> Place {
            Place::default()
        }

        fn now(&self) -> DateTime<Utc> {
            fixture::now()
        }

        fn alerts(&self) -> BoxFuture<'static, Listing> {
            std::future::pending().boxed()
        }

        fn resolve(&self, start: String, _: usize) -> BoxFuture<'static, Result<Start, String>> {
            std::future::ready(Err(start)).boxed()
        }

        fn search(&self, _: SearchRequest) -> Live {
            let handle = Box::new(Alive(Arc::clone(&self.dropped)));
            Live { snapshots: self.snapshots.clone(), handle }
        }

        fn trace(&self, span: Arc<Object>) -> BoxFuture<'static, Result<Found, String>> {
            let found = Found { objects: vec![Arc::clone(&span)], ..Found::default() };
            let found = if &*span.id == "none" { Err("refused".to_owned()) } else { Ok(found) };
            std::future::ready(found).boxed()
        }

        fn lines(&self, spans: Vec<Arc<Object>>) -> BoxFuture<'static, Result<Found, String>> {
            std::future::ready(Err(format!("{} spans", spans.len()))).boxed()
        }

        fn sources(&self) -> Vec<Source> {
            Vec::new()
        }

        fn refresh(&self) {}
    }

    fn request() -> SearchRequest {
        SearchRequest {
            start: vec![fixture::start()],
            asked: None,
            goals: Vec::new(),
            reach: None,
            window: None,
            focus: None,
            lift: 1,
        }
    }

    #[tokio::test]
    async fn states_come_until_the_search_is_cancelled() {
        let (states, snapshots) = watch::channel(Arc::new(fixture::snapshot(fixture::tree())));
        let dropped = Arc::new(AtomicBool::new(false));
        let (sender, mut answers) = mpsc::channel(8);
        let mut runner =
            Runner::new(Arc::new(Fake { snapshots, dropped: dropped.clone() }), sender);
        runner.run(Effect::Search(SearchId(1), request()));
        assert!(matches!(answers.recv().await, Some(Event::Snapshot(SearchId(1), _))));
        states.send(Arc::new(fixture::snapshot(fixture::tree()))).expect("someone listens");
        assert!(matches!(answers.recv().await, Some(Event::Snapshot(SearchId(1), _))));
        assert!(!dropped.load(Ordering::SeqCst));
        runner.run(Effect::Cancel(SearchId(1)));
        assert!(dropped.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_search_that_breaks_off_is_reported() {
        let (states, snapshots) = watch::channel(Arc::new(fixture::snapshot(fixture::tree())));
        let (sender, mut answers) = mpsc::channel(8);
        let mut runner = Runner::new(Arc::new(Fake { snapshots, dropped: Arc::default() }), sender);
        runner.run(Effect::Search(SearchId(7), request()));
        drop(states);
        assert!(matches!(answers.recv().await, Some(Event::Snapshot(..))));
        assert!(matches!(answers.recv().await, Some(Event::Lost(SearchId(7)))));
    }

    #[tokio::test]
    async fn an_answer_comes_while_another_hangs() {
        let (_states, snapshots) = watch::channel(Arc::new(fixture::finished()));
        let (sender, mut answers) = mpsc::channel(8);
        let mut runner = Runner::new(Arc::new(Fake { snapshots, dropped: Arc::default() }), sender);
        runner.run(Effect::LoadAlerts);
        runner.run(Effect::Search(SearchId(1), request()));
        let Some(Event::Snapshot(_, snapshot)) = answers.recv().await else { panic!("none") };
        assert!(snapshot.finished);
        runner.run(Effect::Resolve("pod/x".to_owned(), 1));
        assert!(
            matches!(answers.recv().await, Some(Event::Resolved(Err(text))) if text == "pod/x")
        );
    }

    #[tokio::test]
    async fn a_trace_comes_before_its_lines() {
        let (_states, snapshots) = watch::channel(Arc::new(fixture::finished()));
        let (sender, mut answers) = mpsc::channel(8);
        let mut runner = Runner::new(Arc::new(Fake { snapshots, dropped: Arc::default() }), sender);
        runner.run(Effect::Trace(SearchId(1), fixture::start()));
        let first = answers.recv().await;
        assert!(matches!(first, Some(Event::Trace(_, _, Ok(found))) if found.objects.len() == 1));
        let then = answers.recv().await;
        assert!(matches!(then, Some(Event::Lines(_, _, Err(text))) if text == "1 spans"));
        let mut none = (*fixture::start()).clone();
        none.id = "none".into();
        runner.run(Effect::Trace(SearchId(1), Arc::new(none)));
        assert!(matches!(answers.recv().await, Some(Event::Trace(_, _, Err(_)))));
        let then = answers.recv().await;
        assert!(
            matches!(then, Some(Event::Lines(_, _, Err(text))) if text == "1 spans"),
            "the lines of the span that is known are asked for"
        );
    }
}
