//! The explorer over an engine.

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use color_eyre::eyre::{self, eyre};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::args::Global;
use super::resolve::{failure, resolve};
use super::wire::{Purpose, Session};
use super::{Outcome, start, usage};
use crate::engine::{Request, Running, objects};
use crate::graph::RunState;
use crate::model::{Answer, Class, Found, Object, Query, Scope, Source, StoreError};
use crate::rule::{Applied, RuleSet};
use crate::tui::{
    self, Handle, Keymap, Listing, Live, Options, Place, SearchRequest, Start, Usual, World,
};

/// Runs the explorer until the user quits.
pub(super) async fn run(global: &Global, words: Vec<String>) -> eyre::Result<Outcome> {
    let start = (!words.is_empty()).then(|| words.join(" "));
    let session = Session::open(global, Purpose::Explore).await?;
    if let Some(start) = &start {
        // A START that makes no sense is told before the screen is taken. Kinds that only the
        // cluster knows must wait for it.
        let namespace = session.namespace.as_deref();
        if let Err(message) = start::parse(start, namespace, session.engine.domains()) {
            session.ready().await;
            if start::parse(start, namespace, session.engine.domains()).is_err() {
                return Err(usage(message));
            }
        }
    }
    session.usable()?;
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(usage(
            "the explorer needs a terminal; for scripts there are `korrel8 goals` and \
             `korrel8 neighbors`, see `korrel8 help`",
        ));
    }
    let keymap = Keymap::with(&session.settings.keys)
        .map_err(|faults| eyre!("keys in the settings: {}", faults.join("; ")))?;
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let usual = session.usual()?;
    let options = Options {
        start,
        usual,
        keymap,
        plain: set("NO_COLOR"),
        mouse: session.settings.mouse,
        tmux: set("TMUX"),
    };
    session.prepare();
    tui::run(Arc::new(Explored(Arc::new(session))), options).await?;
    Ok(Outcome::Found)
}

impl Session {
    /// How far the explorer goes.
    fn explored_reach(&self) -> u32 {
        self.asked_reach.unwrap_or(self.settings.depth)
    }

    /// What every search of the explorer has in common.
    fn usual(&self) -> eyre::Result<Usual> {
        let now = self.now();
        let fallback = crate::model::Window::last_hour(now);
        let window = self.asked_for_window().then(|| self.window_within(fallback, now));
        Ok(Usual {
            goals: Vec::new(),
            reach: Some(self.explored_reach()),
            window: window.transpose()?,
        })
    }
}

/// The world that the explorer asks: a session.
struct Explored(Arc<Session>);

impl World for Explored {
    fn place(&self) -> Place {
        Place { context: self.0.context.clone(), namespace: self.0.namespace.clone() }
    }

    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    fn alerts(&self) -> BoxFuture<'static, Listing> {
        let session = Arc::clone(&self.0);
        async move { listing(&session).await }.boxed()
    }

    fn resolve(&self, start: String, lift: usize) -> BoxFuture<'static, Result<Start, String>> {
        let session = Arc::clone(&self.0);
        async move {
            let found = resolve(&session, &start, lift).await.map_err(|fault| fault.to_string())?;
            match &found.asked.state {
                RunState::Failed(error) => Err(failure(error)),
                _ => Ok(Start { asked: Some(Arc::new(found.asked)), objects: found.objects }),
            }
        }
        .boxed()
    }

    fn search(&self, request: SearchRequest) -> Live {
        let session = &self.0;
        let usual = session.usual_window(&request.start);
        let scope = Scope {
            window: request.window.unwrap_or(usual),
            focus: request.focus.or_else(|| crate::engine::focus(&request.start)),
            limit: session.settings.limit.saturating_mul(request.lift.max(1)),
        };
        let running = session.engine.search(Request {
            start: request.start,
            asked: request.asked.map(Arc::unwrap_or_clone),
            goals: groups(request.goals),
            reach: request.reach.unwrap_or(session.explored_reach()),
            scope,
            deadline: session.deadline(),
        });
        Live { snapshots: running.progress(), handle: Box::new(Alive(running)) }
    }

    fn trace(&self, span: Arc<Object>) -> BoxFuture<'static, Result<Found, String>> {
        let session = Arc::clone(&self.0);
        async move {
            let id = span.text("/traceID").unwrap_or_default();
            let query = format!("{}:{id}", span.class);
            let query = session.engine.domains().query(&query);
            let query = query.map_err(|fault| fault.to_string())?;
            asked(&session, vec![query], &span).await
        }
        .boxed()
    }

    fn lines(&self, spans: Vec<Arc<Object>>) -> BoxFuture<'static, Result<Found, String>> {
        let session = Arc::clone(&self.0);
        async move {
            let Some(first) = spans.iter().min_by_key(|span| span.time).cloned() else {
                return Ok(Found::default());
            };
            let queries = log_queries(session.engine.rules(), &spans);
            asked(&session, queries, &first).await
        }
        .boxed()
    }

    fn sources(&self) -> Vec<Source> {
        self.0.engine.sources()
    }

    fn refresh(&self) {
        self.0.refresh();
    }
}

/// Spans that one trace may have at the least, whatever the limit: a part of one misleads.
const SPANS: usize = 20_000;

/// What rules lead to from spans to log lines, each query once.
fn log_queries(rules: &RuleSet, spans: &[Arc<Object>]) -> Vec<Query> {
    let Some(first) = spans.first() else { return Vec::new() };
    let to_logs =
        |rule: &usize| rules.rules()[*rule].goal.iter().any(|goal| goal.domain() == "log");
    let numbers: Vec<usize> = rules.starting_at(&first.class).filter(to_logs).collect();
    let mut queries = Vec::new();
    // Spans of one process are alike.
    let mut seen = HashSet::new();
    for span in
        spans.iter().filter(|span| seen.insert(span.body.get("resource").map(ToString::to_string)))
    {
        let view = rules.view(span);
        for rule in &numbers {
            if let Applied::Queries(found) = rules.apply(*rule, &view) {
                queries.extend_from_slice(found.all());
            }
        }
    }
    let mut seen = HashSet::new();
    queries.retain(|query| seen.insert(query.text().to_owned()));
    queries
}

/// All answers as one, in the window of a search from a span. The error is told if there is
/// nothing else.
async fn asked(
    session: &Session,
    queries: Vec<Query>,
    span: &Arc<Object>,
) -> Result<Found, String> {
    let scope = Scope {
        window: session.usual_window(std::slice::from_ref(span)),
        focus: span.time,
        limit: session.settings.limit.max(SPANS),
    };
    let answers = session.engine.get(queries, scope).await;
    let mut all = Found { objects: objects(&answers), ..Found::default() };
    all.objects.sort_by_key(|object| object.time);
    for answer in answers {
        match answer.result {
            Ok(found) => {
                all.cut = all.cut.or(found.cut);
                all.missing = all.missing.or(found.missing);
                all.note = all.note.or(found.note);
            }
            Err(error) if all.objects.is_empty() => return Err(failure(&error)),
            Err(error) => all.missing = Some(error),
        }
    }
    Ok(all)
}

/// Classes of one domain are one thing to look for.
fn groups(goals: Vec<Class>) -> Vec<Vec<Class>> {
    let mut groups: Vec<Vec<Class>> = Vec::new();
    for goal in goals {
        match groups.iter_mut().find(|group| group[0].domain() == goal.domain()) {
            Some(group) => group.push(goal),
            None => groups.push(vec![goal]),
        }
    }
    groups
}

/// Keeps a search alive.
struct Alive(Running);

impl Handle for Alive {
    fn prefer(&self, key: &str) {
        self.0.prefer(key);
    }
}

/// Why an answer, or a part of it, is missing.
fn failed(answer: Answer) -> Option<StoreError> {
    match answer.result {
        Ok(found) => found.missing,
        Err(error) => Some(error),
    }
}

/// All alerts of the namespace in view.
async fn listing(session: &Session) -> Listing {
    let domains = session.engine.domains();
    let Ok(query) = domains.query("alert:alert:{}") else { return Listing::default() };
    let Ok(scope) = session.start_scope(query.class()) else { return Listing::default() };
    let scope = Scope { limit: usize::MAX, ..scope };
    let answers = session.engine.get(vec![query], scope).await;
    let mut alerts = objects(&answers);
    alerts.retain(|alert| session.sees(alert));
    Listing {
        alerts,
        errors: answers.into_iter().filter_map(failed).collect(),
        sources: session.engine.sources(),
    }
}
