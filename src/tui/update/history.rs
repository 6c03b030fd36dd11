//! Searches: beginning them, hearing of them, and going back and forth between them.

use std::sync::Arc;

use crate::engine::Snapshot;
use crate::graph::Run;
use crate::model::{Object, Window};
use crate::tui::app::{App, Explore, Popup};
use crate::tui::effect::{Effect, SearchId};
use crate::tui::fact;
use crate::tui::pane::chooser::{Chooser, Entry};
use crate::tui::theme::Tone;
use crate::tui::world::{SearchRequest, Start};

/// The most searches on the history.
const MOST: usize = 50;

/// Begins a search from objects.
pub(super) fn begin(
    app: &mut App,
    start: Vec<Arc<Object>>,
    asked: Option<Arc<Run>>,
) -> Vec<Effect> {
    let alert = start.first().is_some_and(|object| object.class.domain() == "alert");
    let window = app.view().and_then(|view| match view.request.window {
        Some(window) => Some(window),
        None if alert => None,
        None => view.snapshot.as_ref().map(|snapshot| snapshot.window),
    });
    let window = window.or(app.usual.window);
    let focus = app.view().filter(|_| !alert && window.is_some()).and_then(|view| {
        view.request.focus.or(view.snapshot.as_ref().and_then(|shown| shown.focus))
    });
    let request = SearchRequest {
        start,
        asked,
        goals: app.usual.goals.clone(),
        reach: app.usual.reach,
        window,
        focus,
        lift: 1,
    };
    let id = next_id(app);
    push(app, Explore::new(id, request, app.now))
}

/// Shows a new search; what lay ahead on the history is gone.
pub(super) fn push(app: &mut App, view: Explore) -> Vec<Effect> {
    let keep = app.at.map_or(0, |at| at + 1);
    let mut effects: Vec<Effect> =
        app.views.drain(keep..).map(|old| Effect::Cancel(old.id)).collect();
    if app.views.len() >= MOST {
        effects.push(Effect::Cancel(app.views.remove(0).id));
    }
    effects.push(Effect::Search(view.id, view.request.clone()));
    app.views.push(view);
    app.last = app.at;
    app.at = Some(app.views.len() - 1);
    super::refit(app);
    effects
}

/// Asks the same again in another time range, as a new step of the history.
pub(super) fn within(app: &mut App, window: Option<Window>) -> Vec<Effect> {
    let id = next_id(app);
    let Some(view) = app.view() else {
        app.usual.window = window;
        return Vec::new();
    };
    let mut view = view.clone();
    view.id = id;
    view.trace = None;
    let now = app.now;
    let carried = || view.request.focus.map(|focus| Window::around(focus.min(now), now));
    view.request.window = window.or_else(carried);
    view.running = true;
    view.latest = None;
    view.seen = app.now;
    push(app, view)
}

/// Asks the same again in its place, with the limit multiplied.
pub(super) fn again(app: &mut App, lift: usize) -> Vec<Effect> {
    let (id, now) = (next_id(app), app.now);
    let Some(view) = app.view_mut() else { return Vec::new() };
    let old = std::mem::replace(&mut view.id, id);
    view.request.lift = view.request.lift.saturating_mul(lift);
    view.running = true;
    view.latest = None;
    view.seen = now;
    let mut effects = vec![Effect::Cancel(old), Effect::Search(id, view.request.clone())];
    effects.extend(super::trace::resume(app));
    effects
}

/// A number for a new search.
pub(super) fn next_id(app: &mut App) -> SearchId {
    app.next_id += 1;
    SearchId(app.next_id)
}

/// Goes to another step of the history; `None` is the list of alerts.
pub(super) fn go(app: &mut App, at: Option<usize>) -> Vec<Effect> {
    app.last = app.at;
    app.at = at;
    super::refit(app);
    if at.is_none() && !app.alerts.known && !app.alerts.asked {
        return app.load_alerts();
    }
    super::trace::resume(app)
}

/// One step back.
pub(super) fn back(app: &mut App) -> Vec<Effect> {
    if let Some(at) = app.at {
        return go(app, at.checked_sub(1));
    }
    app.say("this is where it began", Tone::Quiet);
    Vec::new()
}

/// One step forward.
pub(super) fn forward(app: &mut App) -> Vec<Effect> {
    let next = app.at.map_or(0, |at| at + 1);
    if next < app.views.len() {
        return go(app, Some(next));
    }
    app.say("there is nothing further on", Tone::Quiet);
    Vec::new()
}

/// It is known what START names.
pub(super) fn resolved(app: &mut App, found: Result<Start, String>) -> Vec<Effect> {
    if let Some(id) = app.renewing.take() {
        return renewed(app, id, found);
    }
    let Some(Ok(text)) = app.start.take() else { return Vec::new() };
    let found = match found {
        Ok(found) if found.objects.is_empty() => {
            Err(format!("{text} names nothing that is there now"))
        }
        other => other,
    };
    match found {
        Err(fault) => {
            app.start = Some(Err(fault));
            app.load_alerts()
        }
        Ok(start) if start.objects.len() == 1 || start.is_trace() => {
            begin(app, start.objects, start.asked)
        }
        Ok(start) => {
            let all = format!("all {} of them", start.objects.len());
            let mut entries = vec![Entry { text: all, ..Entry::default() }];
            entries.extend(start.objects.iter().map(|object| Entry {
                text: format!("{} {}", object.class.kind(), fact::subject(object)),
                aside: fact::state(object).to_owned(),
                heading: false,
            }));
            app.popup = Some(Popup::Choice(start, Chooser::new(entries).moved_by_letters()));
            Vec::new()
        }
    }
}

/// The start of a search that is repeated has been asked for anew. Where that brings nothing the
/// search begins from what is known of it.
fn renewed(app: &mut App, id: SearchId, found: Result<Start, String>) -> Vec<Effect> {
    let Some(view) = app.view_mut().filter(|view| view.id == id) else { return Vec::new() };
    let fault = match found {
        Ok(found) if !found.objects.is_empty() => {
            view.request.start = found.objects;
            view.request.asked = found.asked.or(view.request.asked.take());
            None
        }
        Ok(_) => Some("the start is not there any more; this is from what was known".to_owned()),
        Err(fault) => Some(format!("the start is as it was before: {fault}")),
    };
    app.flash = fault.map(|fault| (fault, Tone::Warning));
    again(app, 1)
}

/// A search has come to something.
pub(super) fn snapshot(app: &mut App, id: SearchId, snapshot: Arc<Snapshot>) -> Vec<Effect> {
    let (now, layout) = (app.now, app.layout());
    let shown = app.view().is_some_and(|view| view.id == id);
    let Some(view) = app.views.iter_mut().find(|view| view.id == id && view.running) else {
        return Vec::new();
    };
    view.take(snapshot, now, &layout);
    if !shown {
        return Vec::new();
    }
    let mut effects = Vec::new();
    if std::mem::take(&mut view.awaits_logs) {
        app.flash = None;
        effects = super::further::logs(app);
    }
    let Some(view) = app.view() else { return effects };
    let failed = view.latest.as_ref().filter(|latest| latest.finished && latest.partial());
    let said = failed.and_then(|latest| {
        let error = latest.tree.nodes.iter().find_map(|node| node.failure())?;
        Some(format!("{}: {}", error.source_name, error.message))
    });
    if let (Some(text), None) = (said, &app.flash) {
        app.say(format!("{text}  (x: details, R: again)"), Tone::Error);
    }
    effects
}

/// A search has ended without a last word.
pub(super) fn lost(app: &mut App, id: SearchId) {
    let (now, layout) = (app.now, app.layout());
    if let Some(view) = app.views.iter_mut().find(|view| view.id == id && view.running) {
        view.cancel(now, &layout);
    }
}
