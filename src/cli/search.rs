//! `goals` and `neighbors`: a search, printed.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use color_eyre::eyre::{self, eyre};

use super::args::{Format, Global, Shape};
use super::print::{self, Report};
use super::resolve::{failure, resolve};
use super::wire::{Purpose, Session};
use super::{Outcome, emit, note, usage};
use crate::engine::{Request, Running, Snapshot};
use crate::graph::{RunState, rfc3339};
use crate::model::{Class, Query};

const FORMATS: [Format; 6] =
    [Format::Text, Format::Json, Format::Yaml, Format::Name, Format::Dot, Format::Mermaid];

/// What a command looks for.
pub(super) struct Ask<'a> {
    pub(super) start: &'a str,
    /// None for everything within reach.
    pub(super) goals: Vec<Vec<Class>>,
    pub(super) reach: u32,
}

/// Follows rules from a start to goals.
pub(super) async fn goals(
    global: &Global,
    start: &str,
    goals: &[String],
    shape: Shape,
) -> eyre::Result<Outcome> {
    let format = global.format("goals", &FORMATS).map_err(usage)?;
    let session = Session::open(global, Purpose::Ask).await?;
    let domains = session.engine.domains();
    let parse = || goals.iter().map(|goal| domains.goal(goal)).collect::<Result<Vec<_>, _>>();
    let known = parse();
    let kubernetes = |goals: &Vec<Vec<Class>>| goals.iter().flatten().any(|c| c.domain() == "k8s");
    let goals = if known.as_ref().is_ok_and(|goals| !kubernetes(goals)) {
        known
    } else {
        tokio::select! {
            () = session.ready() => {}
            () = expired(session.deadline()) => {}
        }
        parse()
    };
    let goals = goals.map_err(|fault| usage(fault.to_string()))?;
    let reach = session.settings.reach;
    let ask = Ask { start, goals, reach };
    run(format, &session, ask, shape, global.verbose).await
}

/// Follows rules from a start to everything near.
pub(super) async fn neighbors(
    global: &Global,
    start: &str,
    depth: Option<u32>,
    shape: Shape,
) -> eyre::Result<Outcome> {
    let format = global.format("neighbors", &FORMATS).map_err(usage)?;
    let session = Session::open(global, Purpose::Ask).await?;
    let reach = depth.or(global.reach).unwrap_or(session.settings.depth);
    let ask = Ask { start, goals: Vec::new(), reach };
    run(format, &session, ask, shape, global.verbose).await
}

async fn run(
    format: Format,
    session: &Session,
    ask: Ask<'_>,
    shape: Shape,
    verbose: u8,
) -> eyre::Result<Outcome> {
    let reach = ask.reach;
    let Some((snapshot, query)) = find(session, ask).await? else {
        return Ok(Outcome::Interrupted);
    };
    if snapshot.tree.root().is_none() {
        if matches!(format, Format::Json | Format::Yaml) {
            emit(&Report::new(&snapshot, &query, false).print(format)?)?;
        }
        return Ok(Outcome::Nothing);
    }
    if verbose > 0 {
        tell_queries(&snapshot);
    }
    let text = match format {
        Format::Text => print::text(&snapshot, width()),
        _ => Report::new(&snapshot, &query, shape.objects).print(format)?,
    };
    emit(&text)?;
    let outcome = outcome(&snapshot);
    if outcome == Outcome::Nothing {
        note(&format!(
            "nothing was found within reach {reach} from {} to {}; --since looks further back, \
             --reach further away",
            rfc3339(snapshot.window.start),
            rfc3339(snapshot.window.end)
        ));
    }
    Ok(outcome)
}

/// Runs a search from a START to its end; `None` if it was interrupted. A START that matches
/// nothing gives an empty tree.
pub(super) async fn find(
    session: &Session,
    ask: Ask<'_>,
) -> eyre::Result<Option<(Arc<Snapshot>, Query)>> {
    let Ask { start, goals, reach } = ask;
    session.prepare();
    let began = Instant::now();
    let resolved = tokio::select! {
        resolved = resolve(session, start, 1) => resolved?,
        () = expired(session.deadline()) => {
            let seconds = session.settings.timeout;
            return Err(eyre!("the start {start} was not answered within {seconds}s (--timeout)"));
        }
        _ = tokio::signal::ctrl_c() => return Ok(None),
    };
    if resolved.objects.is_empty() {
        if let RunState::Failed(error) = &resolved.asked.state {
            return Err(eyre!("cannot ask for the start {start}: {}", failure(error)));
        }
        note(&format!("nothing matches {start} (asked for {})", resolved.query));
        let hint = match (&session.namespace, resolved.query.class().domain()) {
            (Some(namespace), _) => format!("looked in namespace {namespace}; -A looks in all"),
            (None, "alert") => "only alerts that are active now can be a start".to_owned(),
            (None, _) => "check the name, and the context with `korrel8 sources`".to_owned(),
        };
        note(&hint);
    }
    resolved.tell();
    let scope = session.scope(&resolved.objects)?;
    let request = Request {
        start: resolved.objects,
        asked: Some(resolved.asked),
        goals,
        reach,
        scope,
        deadline: session.deadline().map(|all| all.saturating_sub(began.elapsed())),
    };
    let running = session.engine.search(request);
    let snapshot = tokio::select! {
        snapshot = watched(running) => snapshot,
        _ = tokio::signal::ctrl_c() => return Ok(None),
    };
    Ok(Some((snapshot, resolved.query)))
}

async fn expired(deadline: Option<Duration>) {
    match deadline {
        Some(deadline) => tokio::time::sleep(deadline).await,
        None => std::future::pending().await,
    }
}

/// Waits for the end of a search and meanwhile shows its progress, if somebody is watching.
async fn watched(running: Running) -> Arc<Snapshot> {
    if !io::stderr().is_terminal() {
        return running.finish().await;
    }
    let mut progress = running.progress();
    let mut beat = tokio::time::interval(Duration::from_millis(200));
    beat.tick().await;
    let mut shown = false;
    loop {
        let now = Arc::clone(&progress.borrow_and_update());
        if now.finished {
            if shown {
                write!(io::stderr(), "\r\x1b[K").ok();
            }
            return now;
        }
        tokio::select! {
            changed = progress.changed() => if changed.is_err() { return running.finish().await },
            _ = beat.tick() => {
                let seconds = now.elapsed.as_secs_f64();
                write!(io::stderr(), "\r\x1b[K{}/{} queries {seconds:.1}s", now.done, now.total).ok();
                shown = true;
            }
        }
    }
}

/// Every query with what became of it and how long it took, on standard error.
fn tell_queries(snapshot: &Snapshot) {
    for run in snapshot.tree.nodes.iter().flat_map(|node| &node.runs) {
        let seconds = run.seconds.unwrap_or_default();
        note(&format!("{} {} in {seconds:.3}s: {}", run.state.word(), run.count, run.query));
    }
}

/// How a search ended.
fn outcome(snapshot: &Snapshot) -> Outcome {
    let hit = |node: &crate::graph::Node| {
        let wanted = if snapshot.goals.is_empty() { node.parent.is_some() } else { node.goal };
        wanted && !node.members.is_empty()
    };
    if !snapshot.finished || snapshot.partial() {
        Outcome::Partial
    } else if snapshot.tree.nodes.iter().any(hit) {
        Outcome::Found
    } else {
        Outcome::Nothing
    }
}

/// The width of the terminal that standard output is, if it is one.
pub(super) fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns))
}
