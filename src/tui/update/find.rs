//! Searching without hiding, and filtering, as it is typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::motion::{self, select_result};
use crate::tui::app::{App, Explore, Typed, Typing};
use crate::tui::layout::Pane;
use crate::tui::theme::Tone;
use crate::tui::widget::cursor::Motion;
use crate::tui::widget::find::{Filter, Find, Needle};
use crate::tui::widget::prompt::Prompt;

/// Begins to type a search or a filter for the focused pane. The alerts are a list to choose from,
/// so there a search filters as well.
pub(super) fn open(app: &mut App, what: Typed) {
    let what = if app.at.is_none() { Typed::Filter } else { what };
    let traced = app.view().is_some_and(|view| view.trace.is_some());
    let what = if traced { Typed::Search } else { what };
    let text = match what {
        Typed::Search => String::new(),
        Typed::Filter => filter(app),
    };
    let origin = at(app);
    app.typing = Some(Typing { what, prompt: Prompt::new(&text), origin });
}

/// A key while a search or a filter is typed.
pub(super) fn key(app: &mut App, key: KeyEvent) {
    let Some(typing) = &mut app.typing else { return };
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let (what, origin) = (typing.what, typing.origin);
    match key.code {
        KeyCode::Enter => app.typing = None,
        KeyCode::Esc => {
            app.typing = None;
            clear(app, what);
            select(app, origin);
        }
        KeyCode::Char('c') if control => app.typing = None,
        KeyCode::Down => motion::go(app, Motion::By(1)),
        KeyCode::Up => motion::go(app, Motion::By(-1)),
        _ => {
            if typing.prompt.key(key) {
                typed(app);
            }
        }
    }
}

/// Applies what has been typed so far.
pub(super) fn typed(app: &mut App) {
    let Some(typing) = &app.typing else { return };
    let (what, origin) = (typing.what, typing.origin);
    let text = typing.prompt.text().to_owned();
    match what {
        Typed::Filter => set_filter(app, &text),
        Typed::Search => {
            set_needle(app, &text);
            let hits = &find(app).hits;
            let from = hits.iter().find(|hit| **hit >= origin).or(hits.first()).copied();
            match app.view_mut().filter(|view| view.trace.is_none()).map(|view| view.focus) {
                Some(Pane::Detail) => {
                    if let Some(view) = app.view_mut() {
                        view.detail.first_hit();
                    }
                }
                _ => select(app, from.unwrap_or(origin)),
            }
        }
    }
}

/// The next or previous hit of the search in the focused pane.
pub(super) fn step(app: &mut App, forward: bool) {
    if find(app).needle.is_empty() {
        return app.say("nothing is searched for: / begins a search", Tone::Quiet);
    }
    let detail = |view: &&mut Explore| view.focus == Pane::Detail && view.trace.is_none();
    if let Some(view) = app.view_mut().filter(detail) {
        return view.detail.step(forward);
    }
    match find(app).step(at(app), forward) {
        Some(row) => select(app, row),
        None => app.say("no hits", Tone::Quiet),
    }
}

/// Clears the search, else the filter, of the focused pane; whether there was one.
pub(super) fn clear_any(app: &mut App) -> bool {
    if !find(app).needle.is_empty() {
        clear(app, Typed::Search);
        true
    } else if !filter(app).is_empty() {
        clear(app, Typed::Filter);
        true
    } else {
        false
    }
}

fn clear(app: &mut App, what: Typed) {
    match what {
        Typed::Search => set_needle(app, ""),
        Typed::Filter => set_filter(app, ""),
    }
}

fn find(app: &App) -> &Find {
    if let Some(trace) = app.view().and_then(|view| view.trace.as_ref()) {
        return &trace.find;
    }
    match app.view() {
        None => &app.alerts.find,
        Some(view) => match view.focus {
            Pane::Paths => &view.paths.find,
            Pane::Results => &view.results.find,
            Pane::Detail => &view.detail.find,
        },
    }
}

fn filter(app: &App) -> String {
    if app.view().is_some_and(|view| view.trace.is_some()) {
        return String::new();
    }
    match app.view() {
        None => app.alerts.filter.text(),
        Some(view) => match view.focus {
            Pane::Paths => view.paths.filter.text(),
            Pane::Results => view.results.filter().text(),
            Pane::Detail => view.detail.filter.text(),
        },
    }
}

fn at(app: &App) -> usize {
    if let Some(trace) = app.view().and_then(|view| view.trace.as_ref()) {
        return trace.span();
    }
    match app.view() {
        None => app.alerts.cursor.at,
        Some(view) => match view.focus {
            Pane::Paths => view.paths.cursor.at,
            Pane::Results => view.results.at(),
            Pane::Detail => view.detail.top,
        },
    }
}

fn select(app: &mut App, row: usize) {
    let (rows, layout) = (app.alert_rows(), app.layout());
    if let Some(trace) = app.view_mut().and_then(|view| view.trace.as_mut()) {
        return trace.reveal(row, layout.body);
    }
    match app.view().map(|view| view.focus) {
        None => {
            app.alerts.cursor.at = row;
            app.alerts.refine(rows);
        }
        Some(Pane::Results) => select_result(app, row),
        Some(pane) => {
            let Some(view) = app.view_mut() else { return };
            if pane == Pane::Paths {
                view.paths.select(row, usize::from(layout.rows(pane).height));
                view.follow(&layout);
            } else {
                view.detail.top = row;
            }
        }
    }
}

fn set_needle(app: &mut App, text: &str) {
    let needle = Needle::new(text);
    if let Some(trace) = app.view_mut().and_then(|view| view.trace.as_mut()) {
        return trace.look(needle);
    }
    match app.view_mut() {
        None => app.alerts.find.needle = needle,
        Some(view) => match view.focus {
            Pane::Paths => view.paths.find.needle = needle,
            Pane::Results => view.results.find.needle = needle,
            Pane::Detail => view.detail.find.needle = needle,
        },
    }
    super::refit(app);
}

fn set_filter(app: &mut App, text: &str) {
    let filter = Filter::new(text);
    match app.view_mut() {
        None => app.alerts.filter = filter,
        Some(view) => match view.focus {
            Pane::Paths => view.paths.filter = filter,
            Pane::Results => view.results.set_filter(filter),
            Pane::Detail => view.detail.filter = filter,
        },
    }
    super::refit(app);
}
