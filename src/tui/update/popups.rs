//! Opening popups, and keys while one is open.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{act, find, history, trace};
use crate::tui::action::Action;
use crate::tui::app::{App, Popup};
use crate::tui::effect::Effect;
use crate::tui::pane::chooser::Chosen;
use crate::tui::pane::help::{self, action_of, palette_actions};
use crate::tui::time::{PRESETS, parse_window};
use crate::tui::widget::prompt::Prompt;

/// All keys.
pub(super) fn help(app: &mut App) {
    app.popup = Some(Popup::Help(app.scope(), help::help(app.scope(), &app.keymap)));
}

/// Actions by name.
pub(super) fn palette(app: &mut App) {
    app.popup = Some(Popup::Palette(app.scope(), help::palette(app.scope(), &app.keymap)));
}

/// A time range.
pub(super) fn window(app: &mut App) {
    app.popup = Some(Popup::Window { prompt: Prompt::default(), preset: 0, fault: None });
}

/// Every source.
pub(super) fn sources(app: &mut App) -> Vec<Effect> {
    app.popup = Some(Popup::Sources(0));
    vec![Effect::LookAtSources]
}

/// Text pasted into whatever is typed in.
pub(super) fn paste(app: &mut App, text: &str) {
    match &mut app.popup {
        Some(
            Popup::Help(_, list)
            | Popup::Palette(_, list)
            | Popup::Choice(_, list)
            | Popup::Links(_, list),
        ) => list.paste(text),
        Some(Popup::Window { prompt, .. }) => prompt.paste(text),
        Some(Popup::Sources(_)) => {}
        None => {
            if let Some(typing) = &mut app.typing {
                typing.prompt.paste(text);
                find::typed(app);
            }
        }
    }
}

/// A key while a popup is open.
pub(super) fn key(app: &mut App, key: KeyEvent) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let quit = app.keymap.action(app.scope(), key.into()) == Some(Action::Quit);
    let Some(mut popup) = app.popup.take() else { return Vec::new() };
    if control && quit {
        return act::act(app, Action::Quit);
    }
    match &mut popup {
        Popup::Help(scope, list) => match list.key(key) {
            Chosen::Open => app.popup = Some(popup),
            Chosen::Nothing => {}
            Chosen::Entry(at) => return run(app, action_of(*scope, at)),
        },
        Popup::Palette(scope, list) => match list.key(key) {
            Chosen::Open => app.popup = Some(popup),
            Chosen::Nothing => {}
            Chosen::Entry(at) => return run(app, palette_actions(*scope).nth(at)),
        },
        Popup::Choice(start, list) => match list.key(key) {
            Chosen::Open => app.popup = Some(popup),
            Chosen::Nothing => return app.load_alerts(),
            Chosen::Entry(0) => {
                return history::begin(app, start.objects.clone(), start.asked.clone());
            }
            Chosen::Entry(at) => {
                let chosen = start.objects.get(at - 1).cloned();
                return history::begin(app, chosen.into_iter().collect(), None);
            }
        },
        Popup::Links(links, list) => match list.key(key) {
            Chosen::Open => app.popup = Some(popup),
            Chosen::Nothing => {}
            Chosen::Entry(at) => return trace::lead(app, &links[at]),
        },
        Popup::Window { .. } => return window_key(app, popup, key),
        Popup::Sources(top) => {
            match key.code {
                KeyCode::Char('j') | KeyCode::Down => *top += 1,
                KeyCode::Char('k') | KeyCode::Up => *top = top.saturating_sub(1),
                KeyCode::PageDown | KeyCode::Char(' ') => *top += 10,
                KeyCode::PageUp => *top = top.saturating_sub(10),
                _ => match app.keymap.action(app.scope(), key.into()) {
                    Some(action @ Action::Refresh) => return act::act(app, action),
                    _ => return Vec::new(),
                },
            }
            app.popup = Some(popup);
        }
    }
    Vec::new()
}

fn run(app: &mut App, action: Option<Action>) -> Vec<Effect> {
    action.map(|action| act::act(app, action)).unwrap_or_default()
}

fn window_key(app: &mut App, mut popup: Popup, key: KeyEvent) -> Vec<Effect> {
    let Popup::Window { prompt, preset, fault } = &mut popup else { return Vec::new() };
    match key.code {
        KeyCode::Esc => return Vec::new(),
        KeyCode::Down | KeyCode::Tab => *preset = (*preset + 1) % (PRESETS.len() + 1),
        KeyCode::Up | KeyCode::BackTab => *preset = (*preset + PRESETS.len()) % (PRESETS.len() + 1),
        KeyCode::Enter => {
            let typed = prompt.text().trim().to_owned();
            let text = match preset.checked_sub(1) {
                _ if !typed.is_empty() => Some(typed),
                Some(at) => PRESETS.get(at).map(|text| (*text).to_owned()),
                None => None,
            };
            match text.map(|text| parse_window(&text, app.now)).transpose() {
                Ok(window) => return history::within(app, window),
                Err(why) => *fault = Some(why),
            }
        }
        _ => {
            if prompt.key(key) {
                *fault = None;
            }
        }
    }
    app.popup = Some(popup);
    Vec::new()
}
