//! What happens next: an event changes the state and asks for effects. Pure.
#![deny(clippy::disallowed_methods, reason = "pure room")]

mod act;
mod find;
mod further;
mod history;
mod motion;
mod popups;
mod trace;

use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::app::App;
use super::effect::{Effect, SearchId};
use super::event::Event;
use super::theme::Tone;

/// Changes the state by an event; what it returns is to be done, in this order.
pub(crate) fn update(app: &mut App, event: Event) -> Vec<Effect> {
    let acts = matches!(event, Event::Key(_) | Event::Mouse(_));
    let before = acts.then(|| looked_at(app));
    let mut effects = react(app, event);
    let now = looked_at(app);
    let Some((id, key)) = now else { return effects };
    let moved = before.flatten().is_some_and(|(of, before)| of == id && before != key);
    // A search that is repeated shows the old tree, and the user is still there. At the root all
    // is of equal interest.
    let begun = |effect: &Effect| matches!(effect, Effect::Search(new, _) if *new == id);
    let inside =
        app.view().and_then(|view| view.node()).is_some_and(|(_, node)| node.parent.is_some());
    if moved || inside && effects.iter().any(begun) {
        effects.push(Effect::Prefer(id, key));
    }
    effects
}

/// What the user has selected in a search that goes on.
fn looked_at(app: &App) -> Option<(SearchId, Arc<str>)> {
    let view = app.view().filter(|view| view.running)?;
    let (_, node) = view.node()?;
    Some((view.id, Arc::clone(&node.key)))
}

fn react(app: &mut App, event: Event) -> Vec<Effect> {
    match event {
        Event::Key(key) => return on_key(app, key),
        Event::Paste(text) => popups::paste(app, &text),
        Event::Mouse(mouse) => motion::mouse(app, mouse),
        Event::Resize(width, height) => {
            app.size = (width, height);
            refit(app);
        }
        Event::Tick(now) => {
            app.now = now;
            if app.waiting() && app.at.is_none() {
                return vec![Effect::LookAtSources];
            }
        }
        Event::Alerts(listing) => {
            app.sources.clone_from(&listing.sources);
            let rows = app.alert_rows();
            app.alerts.take(listing, rows);
        }
        Event::Resolved(found) => return history::resolved(app, found),
        Event::Snapshot(id, snapshot) => return history::snapshot(app, id, snapshot),
        Event::Lost(id) => history::lost(app, id),
        Event::Trace(id, span, found) => {
            trace::arrived(app, id, &span, found);
            return vec![Effect::LookAtSources];
        }
        Event::Lines(id, span, found) => {
            trace::told(app, id, &span, found);
            return vec![Effect::LookAtSources];
        }
        Event::Sources(sources) => app.sources = sources,
    }
    Vec::new()
}

fn on_key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    app.flash = None;
    if let Some(view) = app.view_mut() {
        view.awaits_logs = false;
    }
    if app.popup.is_some() {
        return popups::key(app, key);
    }
    if app.typing.is_some() {
        find::key(app, key);
        return Vec::new();
    }
    if let Some(action) = app.keymap.action(app.scope(), key.into()) {
        return act::act(app, action);
    }
    let key = super::keymap::Key::from(key);
    app.say(format!("{key} has no meaning here; ? shows all keys"), Tone::Quiet);
    Vec::new()
}

/// Makes everything fit a screen that has changed.
fn refit(app: &mut App) {
    let rows = app.alert_rows();
    app.alerts.wrap = app.alerts.wrap.map(|_| usize::from(app.size.0));
    app.alerts.refine(rows);
    let layout = app.layout();
    if let Some(view) = app.view_mut() {
        view.rebuild(&layout);
    }
}
