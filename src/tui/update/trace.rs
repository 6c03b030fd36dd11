//! A trace over the panes: opening it, hearing of it, and what keys mean in it.

use std::sync::Arc;

use super::{act, motion};
use crate::model::{Found, Object};
use crate::tui::action::Action;
use crate::tui::app::{App, Explore, Popup};
use crate::tui::effect::{Effect, SearchId};
use crate::tui::fact::{self, Kind};
use crate::tui::pane::chooser::{Chooser, Entry};
use crate::tui::pane::waterfall::Waterfall;
use crate::tui::theme::Tone;

/// Opens the trace of the selected span: what is known of it at once, the rest when it comes.
/// `None` if it is no span.
pub(super) fn open(app: &mut App) -> Option<Vec<Effect>> {
    let body = app.layout().body;
    let view = app.view_mut()?;
    let span = view.object().filter(|object| fact::kind(&object.class) == Kind::Span).cloned()?;
    let (_, node) = view.node()?;
    let of = |object: &Object| object.text("/traceID") == span.text("/traceID");
    let members = node.members.iter().map(|member| &member.object);
    let known: Vec<Arc<Object>> = members.filter(|object| of(object)).cloned().collect();
    let mut trace = Waterfall::new(&span, &known);
    trace.reveal(trace.span(), body);
    view.trace = Some(trace);
    Some(vec![Effect::Trace(view.id, span)])
}

/// The whole trace is here, or it cannot be had.
pub(super) fn arrived(app: &mut App, id: SearchId, span: &str, found: Result<Found, String>) {
    let body = app.layout().body;
    if let Some(trace) = opened(app, id, span) {
        trace.take(found, body);
    }
}

/// What the Pods of the trace said in it is here, or it cannot be had.
pub(super) fn told(app: &mut App, id: SearchId, span: &str, found: Result<Found, String>) {
    let body = app.layout().body;
    if let Some(trace) = opened(app, id, span) {
        trace.hear(found, body);
    }
}

/// Asks again for the trace on screen if it waits: what was asked for it may have been given up
/// for another one since.
pub(super) fn resume(app: &App) -> Vec<Effect> {
    let waiting = |view: &Explore| {
        let trace = view.trace.as_ref().filter(|trace| trace.waits())?;
        Some(Effect::Trace(view.id, Arc::clone(&trace.asked)))
    };
    app.view().and_then(waiting).into_iter().collect()
}

/// Follows the link of the selected span; asks which if there are several.
fn follow(app: &mut App) -> Vec<Effect> {
    let trace = app.view().and_then(|view| view.trace.as_ref());
    let links = trace.map(Waterfall::links).unwrap_or_default();
    match &links[..] {
        [] => app.say("this span links to no other", Tone::Quiet),
        [link] => return lead(app, link),
        _ => {
            let entry = |link: &Arc<Object>| Entry {
                text: format!("trace:span:{}", link.text("/traceID").unwrap_or_default()),
                aside: format!("span {}", link.text("/spanID").unwrap_or_default()),
                heading: false,
            };
            let list = Chooser::new(links.iter().map(entry).collect()).moved_by_letters();
            app.popup = Some(Popup::Links(links, list));
        }
    }
    Vec::new()
}

/// To a span that another links to: in the trace on screen, or in its own, over that one.
pub(super) fn lead(app: &mut App, link: &Arc<Object>) -> Vec<Effect> {
    let body = app.layout().body;
    let Some(view) = app.view_mut() else { return Vec::new() };
    let Some(mut trace) = view.trace.take() else { return Vec::new() };
    if link.text("/traceID") == Some(trace.id()) {
        match trace.place(&link.id) {
            Some(span) => trace.reveal(span, body),
            None => app.say("the span that it links to is not in this trace", Tone::Warning),
        }
        if let Some(view) = app.view_mut() {
            view.trace = Some(trace);
        }
        return Vec::new();
    }
    let mut other = trace.follow(link);
    other.fit(body);
    view.trace = Some(other);
    resume(app)
}

/// The trace of a search that was opened by a span, if it is still open.
fn opened<'a>(app: &'a mut App, id: SearchId, span: &str) -> Option<&'a mut Waterfall> {
    let view = app.views.iter_mut().find(|view| view.id == id)?;
    view.trace.as_mut().filter(|trace| *trace.asked.id == *span)
}

/// What an action means in a trace; `None` if no trace is open, or if it means the same as
/// everywhere.
pub(super) fn act(app: &mut App, action: Action) -> Option<Vec<Effect>> {
    let body = app.layout().body;
    let view = app.view_mut()?;
    let id = view.id;
    let trace = view.trace.as_mut()?;
    let object = trace.selected().map(|span| Arc::clone(&span.object));
    match action {
        Action::FoldSpan | Action::Fold => trace.fold(None, body),
        Action::Left => trace.fold(Some(false), body),
        Action::Right => trace.fold(Some(true), body),
        Action::NextFailed | Action::NextError => return Some(failed(app, true)),
        Action::PreviousFailed | Action::PreviousError => return Some(failed(app, false)),
        Action::Open | Action::Logs | Action::NextPane | Action::PreviousPane => {
            let turn = action != Action::Open && action != Action::Logs;
            trace.deepen(!(turn && trace.deep()), body);
        }
        Action::FollowLink => return Some(follow(app)),
        Action::Zoom => trace.widen(body),
        Action::Close => return close(app),
        Action::PathsPane | Action::ResultsPane | Action::DetailPane => {
            view.trace = None;
            return None;
        }
        Action::Explore => {
            return Some(super::history::begin(app, object.into_iter().collect(), None));
        }
        Action::Copy => {
            let object = object?;
            let lines = crate::tui::pane::yaml::yaml(&object.body);
            let what = format!("{} lines", lines.len());
            let text = lines.into_iter().map(|line| line.text + "\n").collect();
            return Some(act::put(app, text, &what));
        }
        Action::CopyQuery => {
            let text = format!("trace:span:{}", trace.id());
            return Some(act::put(app, text, "the query"));
        }
        Action::Refresh => {
            let span = Arc::clone(&trace.asked);
            trace.ask();
            return Some(vec![Effect::Refresh, Effect::Trace(id, span)]);
        }
        Action::Wrap
        | Action::Filter
        | Action::Timestamps
        | Action::Format
        | Action::ToggleEmpty => {
            app.say("this has no meaning in a trace; / searches it", Tone::Quiet);
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// To another failed span, all around.
fn failed(app: &mut App, forward: bool) -> Vec<Effect> {
    let body = app.layout().body;
    let Some(trace) = app.view_mut().and_then(|view| view.trace.as_mut()) else {
        return Vec::new();
    };
    match trace.failed(forward) {
        Some(span) => trace.reveal(span, body),
        None => app.say("no span of this trace failed", Tone::Quiet),
    }
    Vec::new()
}

/// From the inside out: the search, the detail of the span, the trace, the one that led to it. `None` if the search was
/// what Esc is for.
fn close(app: &mut App) -> Option<Vec<Effect>> {
    let body = app.layout().body;
    let view = app.view_mut()?;
    let trace = view.trace.as_mut()?;
    if !trace.find.needle.is_empty() {
        return None;
    }
    if trace.deep() {
        trace.deepen(false, body);
        return Some(Vec::new());
    }
    view.trace = view.trace.take().and_then(Waterfall::back);
    if let Some(trace) = &mut view.trace {
        trace.fit(body);
    } else {
        let focus = view.focus;
        motion::focus(app, focus);
    }
    Some(resume(app))
}
