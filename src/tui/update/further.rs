//! Asking for more: logs beyond the reach, a longer reach, a higher limit, everything anew.

use super::{history, motion};
use crate::engine;
use crate::graph::Node;
use crate::model::Class;
use crate::tui::app::{App, Explore};
use crate::tui::effect::Effect;
use crate::tui::fact::{self, Kind};
use crate::tui::layout::Pane;
use crate::tui::pane::paths::all_seen;
use crate::tui::theme::Tone;

/// Times as much that a lifted limit lets through.
const LIFT: usize = 5;

/// The classes of logs.
const LOGS: [&str; 3] = ["application", "infrastructure", "audit"];

/// To the logs below the selected node, else to any; where there are none, looks further.
pub(super) fn logs(app: &mut App) -> Vec<Effect> {
    let layout = app.layout();
    let Some(view) = app.view_mut() else { return Vec::new() };
    let Some(snapshot) = view.snapshot.clone() else {
        view.awaits_logs = true;
        return Vec::new();
    };
    let tree = &snapshot.tree;
    let selected = view.paths.node().unwrap_or(0);
    let is = |test: fn(&Node) -> bool| {
        let logs = move |node: &Node| fact::kind(&node.class) == Kind::Log && test(node);
        (0..tree.nodes.len()).rev().filter(move |node| logs(&tree.nodes[*node]))
    };
    let found = || is(|node| !node.members.is_empty());
    let better = |a: &usize, b: &usize| tree.nodes[*a].score.total_cmp(&tree.nodes[*b].score);
    let fresh = |node: &usize| !all_seen(&tree.nodes[*node]);
    let here = |node: &usize| fresh(node) && tree.path(*node).contains(&selected);
    let below = found().filter(here).max_by(better);
    let refused = || is(|node| node.failure().is_some()).next_back();
    let best = below.or_else(|| found().filter(fresh).max_by(better));
    let best = best.or_else(|| found().max_by(better));
    match best.or_else(|| refused().filter(|_| !view.running)) {
        Some(node) => {
            let height = usize::from(layout.rows(Pane::Paths).height);
            view.paths.reveal(tree, node, height);
            view.awaits_logs = false;
            motion::focus(app, Pane::Results);
        }
        None if view.running => {
            view.awaits_logs = true;
            let further = view.request.goals.iter().any(|goal| goal.domain() == "log");
            let said =
                if further { "looking further for logs …" } else { "waiting for logs …" };
            app.say(said, Tone::Quiet);
        }
        None => return beyond(app),
    }
    Vec::new()
}

/// Looks for logs from the same start as far as searches for a goal go.
fn beyond(app: &mut App) -> Vec<Effect> {
    let Some(view) = app.view() else { return Vec::new() };
    let reach = view.reach();
    if view.request.goals.iter().any(|goal| goal.domain() == "log") {
        app.say(
            format!("no logs within reach {reach}; + reaches further, [ goes back"),
            Tone::Warning,
        );
        return Vec::new();
    }
    let mut request = view.request.clone();
    request.goals = LOGS.iter().map(|name| Class::new("log", name)).collect();
    request.reach = Some(engine::REACH.max(reach));
    request.window = request.window.or(view.snapshot.as_ref().map(|shown| shown.window));
    request.focus = request.focus.or(view.snapshot.as_ref().and_then(|shown| shown.focus));
    let mut next = Explore::new(history::next_id(app), request, app.now);
    next.awaits_logs = true;
    let effects = history::push(app, next);
    app.say("looking further for logs …", Tone::Quiet);
    effects
}

/// Asks the same again in its place, and lets paths cost one more.
pub(super) fn farther(app: &mut App) -> Vec<Effect> {
    let Some(view) = app.view_mut() else {
        app.say("this belongs to a search", Tone::Quiet);
        return Vec::new();
    };
    let reach = view.reach().saturating_add(1);
    view.request.reach = Some(reach);
    let effects = history::again(app, 1);
    if let Some(view) = app.view_mut() {
        view.awaits_logs = view.request.goals.iter().any(|goal| goal.domain() == "log");
    }
    app.say(format!("asking again with reach {reach}"), Tone::Quiet);
    effects
}

/// Asks everything again: for the alerts, or for the start and then for what belongs to it.
pub(super) fn refresh(app: &mut App) -> Vec<Effect> {
    let mut effects = vec![Effect::Refresh];
    if app.view().is_none() {
        app.start = None;
        effects.extend(app.load_alerts());
        return effects;
    }
    match renew(app) {
        Some(effect) => {
            app.say("asking again …", Tone::Quiet);
            effects.push(effect);
        }
        None => effects.extend(history::again(app, 1)),
    }
    effects
}

/// Asks for the start of the search on screen, if a query brought it; the search follows.
fn renew(app: &mut App) -> Option<Effect> {
    let view = app.view()?;
    let query = view.request.asked.as_ref()?.query.text().to_owned();
    let (id, lift) = (view.id, view.request.lift);
    app.renewing = Some(id);
    Some(Effect::Resolve(query, lift))
}

/// Asks the same again with a limit that lets more through.
pub(super) fn lift(app: &mut App) -> Vec<Effect> {
    let Some(view) = app.view() else { return Vec::new() };
    let start_cut = view.request.asked.as_ref().is_some_and(|run| run.cut.is_some());
    if !start_cut && view.tree().is_some_and(|tree| !tree.nodes.iter().any(Node::truncated)) {
        app.say("nothing was cut off", Tone::Quiet);
        return Vec::new();
    }
    let effects = if start_cut {
        if let Some(view) = app.view_mut() {
            view.request.lift = view.request.lift.saturating_mul(LIFT);
        }
        renew(app).into_iter().collect()
    } else {
        history::again(app, LIFT)
    };
    app.say("asking again for five times as much", Tone::Quiet);
    effects
}
