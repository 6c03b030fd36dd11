//! What each action does.

use super::{find, further, history, motion, popups, trace};
use crate::model::Severity;
use crate::tui::action::Action;
use crate::tui::app::{App, Typed};
use crate::tui::effect::Effect;
use crate::tui::fact::{self, Kind};
use crate::tui::layout::Pane;
use crate::tui::pane::yaml::{json, yaml};
use crate::tui::theme::Tone;
use crate::tui::widget::cursor::Motion;

/// The most bytes that terminals take for the clipboard.
const COPY: usize = 74_994;

/// Does what an action means.
pub(super) fn act(app: &mut App, action: Action) -> Vec<Effect> {
    if let Some(effects) = trace::act(app, action) {
        return effects;
    }
    match action {
        Action::Quit => return vec![Effect::Quit],
        Action::Down => motion::go(app, Motion::By(1)),
        Action::Up => motion::go(app, Motion::By(-1)),
        Action::PageDown => motion::go(app, Motion::Page(1)),
        Action::PageUp => motion::go(app, Motion::Page(-1)),
        Action::Top => motion::go(app, Motion::Top),
        Action::Bottom => motion::go(app, Motion::Bottom),
        Action::Left => motion::sideways(app, false),
        Action::Right => motion::sideways(app, true),
        Action::Open => return open(app),
        Action::Close => return close(app),
        Action::NextPane => turn(app, 1),
        Action::PreviousPane => turn(app, 2),
        Action::PathsPane => motion::focus(app, Pane::Paths),
        Action::ResultsPane => motion::focus(app, Pane::Results),
        Action::DetailPane => motion::focus(app, Pane::Detail),
        Action::Logs => return further::logs(app),
        Action::Explore => return explore(app),
        Action::Back => return history::back(app),
        Action::Forward => return history::forward(app),
        Action::Last => {
            let last = app.last;
            return history::go(app, last);
        }
        Action::Search => find::open(app, Typed::Search),
        Action::Filter => find::open(app, Typed::Filter),
        Action::NextHit => find::step(app, true),
        Action::PreviousHit => find::step(app, false),
        Action::Window => popups::window(app),
        Action::Refresh => return further::refresh(app),
        Action::Farther => return further::farther(app),
        Action::Lift => return further::lift(app),
        Action::Copy => return copy(app),
        Action::CopyQuery => return copy_query(app),
        Action::Wrap => wrap(app),
        Action::Zoom => zoom(app),
        Action::Sources => return popups::sources(app),
        Action::Mouse => return mouse(app),
        Action::Palette => popups::palette(app),
        Action::Help => popups::help(app),
        Action::ToggleSuppressed => toggle_suppressed(app),
        Action::Fold => motion::fold(app, None),
        Action::ToggleEmpty => toggle_empty(app),
        Action::FoldSpan | Action::NextFailed | Action::PreviousFailed | Action::FollowLink => {
            app.say("this belongs to a trace: Enter on a span opens it", Tone::Quiet);
        }
        Action::NextError => next_of(app, Severity::Error, true),
        Action::PreviousError => next_of(app, Severity::Error, false),
        Action::NextWarning => next_of(app, Severity::Warning, true),
        Action::PreviousWarning => next_of(app, Severity::Warning, false),
        Action::Timestamps => {
            if let Some(view) = app.view_mut() {
                view.results.look.full_time ^= true;
            }
        }
        Action::Format => {
            let layout = app.layout();
            if let Some(view) = app.view_mut() {
                view.detail.json ^= true;
                view.follow_results(&layout);
            }
        }
    }
    Vec::new()
}

fn turn(app: &mut App, steps: usize) {
    if let Some(pane) = app.view().map(|view| view.focus.next(steps)) {
        motion::focus(app, pane);
    }
}

fn open(app: &mut App) -> Vec<Effect> {
    let Some(focus) = app.view().map(|view| view.focus) else {
        return match app.alerts.selected().cloned() {
            Some(alert) => history::begin(app, vec![alert], None),
            None => Vec::new(),
        };
    };
    match focus {
        Pane::Paths => motion::focus(app, Pane::Results),
        Pane::Results => match trace::open(app) {
            Some(effects) => return effects,
            None => motion::focus(app, Pane::Detail),
        },
        Pane::Detail => return explore(app),
    }
    Vec::new()
}

/// From the inside out: search, filter, zoom, pane, the search under way, and back.
fn close(app: &mut App) -> Vec<Effect> {
    if find::clear_any(app) {
        return Vec::new();
    }
    let layout = app.layout();
    let now = app.now;
    let Some(view) = app.view_mut() else { return give_up(app) };
    if view.zoom {
        zoom(app);
        return Vec::new();
    }
    match view.focus {
        Pane::Detail => motion::focus(app, Pane::Results),
        Pane::Results => motion::focus(app, Pane::Paths),
        Pane::Paths if view.running => {
            let id = view.id;
            view.cancel(now, &layout);
            let at = view.latest.as_ref().map_or((0, 0), |latest| (latest.done, latest.total));
            app.say(format!("cancelled {}/{}; R asks again", at.0, at.1), Tone::Warning);
            return vec![Effect::Cancel(id)];
        }
        Pane::Paths => return history::back(app),
    }
    Vec::new()
}

/// Gives up to find out what START names, and lists the alerts.
fn give_up(app: &mut App) -> Vec<Effect> {
    if !matches!(app.start, Some(Ok(_))) {
        return Vec::new();
    }
    app.start = None;
    app.load_alerts()
}

/// A new search from the selected object, or from all objects of the selected path.
fn explore(app: &mut App) -> Vec<Effect> {
    let Some(view) = app.view() else { return open(app) };
    let Some((number, node)) = view.node() else { return Vec::new() };
    let start = if view.focus == Pane::Paths {
        node.members.iter().map(|member| member.object.clone()).collect()
    } else {
        view.object().cloned().into_iter().collect::<Vec<_>>()
    };
    let first = (&start[..], &view.request.start[..]);
    if number == 0 && first.0.len() == first.1.len() {
        app.say("this search begins there already", Tone::Quiet);
        return Vec::new();
    }
    if start.is_empty() {
        app.say("there is nothing to explore from", Tone::Quiet);
        return Vec::new();
    }
    history::begin(app, start, None)
}

fn copy(app: &mut App) -> Vec<Effect> {
    let object = match app.view() {
        None => app.alerts.selected(),
        Some(view) => view.object(),
    };
    let Some(object) = object else {
        app.say("there is nothing to copy", Tone::Quiet);
        return Vec::new();
    };
    let as_json = app.view().is_some_and(|view| view.detail.json);
    let text = if fact::kind(&object.class) == Kind::Log {
        fact::text(object).to_owned()
    } else {
        let lines = if as_json { json(&object.body) } else { yaml(&object.body) };
        lines.into_iter().map(|line| line.text + "\n").collect()
    };
    let lines = text.lines().count().max(1);
    let what = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
    put(app, text, &what)
}

fn copy_query(app: &mut App) -> Vec<Effect> {
    let Some(view) = app.view() else {
        app.say("the list of alerts has no query", Tone::Quiet);
        return Vec::new();
    };
    let Some((_, node)) = view.node() else { return Vec::new() };
    let link = view.results.member().and_then(|at| node.members.get(at)?.links.first().copied());
    let run = match link {
        Some(link) if view.focus != Pane::Paths => node.runs.get(link.run).into_iter().collect(),
        _ => node.runs.iter().collect::<Vec<_>>(),
    };
    let queries: Vec<&str> = if node.parent.is_none() {
        view.request.asked.iter().map(|run| run.query.text()).collect()
    } else {
        run.iter().map(|run| run.query.text()).collect()
    };
    if queries.is_empty() {
        app.say("no query brought this", Tone::Quiet);
        return Vec::new();
    }
    let what = if queries.len() == 1 { "the query" } else { "all queries of the path" };
    let text = queries.join("\n");
    put(app, text, what)
}

pub(super) fn put(app: &mut App, text: String, what: &str) -> Vec<Effect> {
    if text.len() > COPY {
        let size = text.len() / 1000;
        app.say(
            format!(
                "not copied: {size} kB is more than the {} kB that terminals take",
                COPY / 1000
            ),
            Tone::Warning,
        );
        return Vec::new();
    }
    app.say(format!("copied {what}"), Tone::Good);
    vec![Effect::Copy(text)]
}

fn wrap(app: &mut App) {
    let Some(view) = app.view_mut() else {
        app.alerts.wrap = if app.alerts.wrap.is_none() { Some(0) } else { None };
        return super::refit(app);
    };
    if view.focus == Pane::Detail {
        view.detail.wrap ^= true;
    } else if view.node().is_some_and(|(_, node)| fact::kind(&node.class) == Kind::Series) {
        return app.say("series have nothing to wrap", Tone::Quiet);
    } else {
        view.results.look.wrap ^= true;
        view.results.look.side = 0;
    }
    super::refit(app);
}

fn zoom(app: &mut App) {
    if let Some(view) = app.view_mut() {
        view.zoom ^= true;
    }
    super::refit(app);
}

fn mouse(app: &mut App) -> Vec<Effect> {
    app.mouse = !app.mouse;
    let word = if app.mouse { "on: click selects, the wheel scrolls" } else { "off" };
    app.say(format!("mouse {word}"), Tone::Quiet);
    vec![Effect::Mouse(app.mouse)]
}

fn toggle_suppressed(app: &mut App) {
    if app.at.is_some() {
        return app.say("this belongs to the list of alerts", Tone::Quiet);
    }
    app.alerts.show_suppressed ^= true;
    let rows = app.alert_rows();
    app.alerts.refine(rows);
}

fn toggle_empty(app: &mut App) {
    if let Some(view) = app.view_mut() {
        view.paths.show_empty ^= true;
    }
    super::refit(app);
}

fn next_of(app: &mut App, severity: Severity, forward: bool) {
    let found = app.view().and_then(|view| {
        let (_, node) = view.node()?;
        view.results.next_of(node, severity, forward)
    });
    if let Some(row) = found {
        motion::select_result(app, row);
    } else {
        let way = if forward { "below" } else { "above" };
        app.say(format!("no {severity} {way}"), Tone::Quiet);
    }
}
