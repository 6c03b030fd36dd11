//! The explorer over an engine.

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
use crate::graph::{Run, RunState};
use crate::model::{Answer, Class, Found, Scope, Source, StoreError};
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

    fn resolve(&self, start: String) -> BoxFuture<'static, Result<Start, String>> {
        let session = Arc::clone(&self.0);
        async move {
            let found = resolve(&session, &start).await.map_err(|fault| fault.to_string())?;
            match &found.asked.state {
                RunState::Failed(error) => Err(failure(error)),
                _ => Ok(Start { query: Some(found.query), objects: found.objects }),
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
        let asked = request.query.map(|query| {
            let found = Found { objects: request.start.clone(), ..Found::default() };
            Run::answered(query, &Ok(found), 0.0)
        });
        let running = session.engine.search(Request {
            start: request.start,
            asked,
            goals: groups(request.goals),
            reach: request.reach.unwrap_or(session.explored_reach()),
            scope,
            deadline: session.deadline(),
        });
        Live { snapshots: running.progress(), handle: Box::new(Alive(running)) }
    }

    fn sources(&self) -> Vec<Source> {
        self.0.engine.sources()
    }

    fn refresh(&self) {
        self.0.refresh();
    }
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
