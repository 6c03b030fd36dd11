//! Help, palette and hint line, all from the key table.

use super::chooser::{Chooser, Entry};
use crate::tui::action::{Action, ROWS, Scope};
use crate::tui::keymap::Keymap;
use crate::tui::theme::Tone;
use crate::tui::widget::line::Line;

/// All keys, those of the focused pane first, under headings.
pub(crate) fn help(focused: Scope, keymap: &Keymap) -> Chooser {
    let mut scopes = vec![focused, Scope::Everywhere];
    for row in ROWS {
        if !scopes.contains(&row.scope) {
            scopes.push(row.scope);
        }
    }
    let mut entries = Vec::new();
    for scope in scopes {
        let rows = ROWS.iter().filter(|row| row.scope == scope);
        entries.push(Entry { text: scope.title().to_owned(), heading: true, ..Entry::default() });
        entries.extend(rows.map(|row| entry(row.action, keymap)));
    }
    Chooser::new(entries).closed_by_q()
}

/// The actions behind the help's entries; `None` for a heading.
pub(crate) fn action_of(focused: Scope, entry: usize) -> Option<Action> {
    let mut scopes = vec![focused, Scope::Everywhere];
    let mut actions = Vec::new();
    for row in ROWS {
        if !scopes.contains(&row.scope) {
            scopes.push(row.scope);
        }
    }
    for scope in scopes {
        actions.push(None);
        actions.extend(ROWS.iter().filter(|row| row.scope == scope).map(|row| Some(row.action)));
    }
    actions.get(entry).copied().flatten()
}

/// Every action that means something in the focused pane, to be found by its name.
pub(crate) fn palette(focused: Scope, keymap: &Keymap) -> Chooser {
    Chooser::new(palette_actions(focused).map(|action| entry(action, keymap)).collect())
}

/// The actions of the palette, those of the focused pane first.
pub(crate) fn palette_actions(focused: Scope) -> impl Iterator<Item = Action> {
    let own = ROWS.iter().filter(move |row| row.scope == focused);
    let rest = ROWS.iter().filter(move |row| row.scope != focused);
    own.chain(rest).map(|row| row.action)
}

fn entry(action: Action, keymap: &Keymap) -> Entry {
    Entry { text: action.row().help.to_owned(), aside: keymap.label(action), heading: false }
}

/// What the focused pane offers, in one line.
pub(crate) fn hints(actions: &[(Action, &str)], keymap: &Keymap, width: u16) -> Line {
    let mut line = Line::new();
    let help = keymap.first(Action::Help).map(|key| format!("{key} help")).unwrap_or_default();
    for (action, own) in actions {
        let Some(key) = keymap.first(*action) else { continue };
        let key = if key == "enter" { "Enter".to_owned() } else { key };
        let word = if own.is_empty() { action.row().hint } else { own };
        let next = key.chars().count() + word.chars().count() + 4;
        if line.width() + next + help.len() + 1 > usize::from(width) {
            break;
        }
        line.push(" ", Tone::Plain).push(key, Tone::Accent);
        line.push(format!(" {word} "), Tone::Quiet);
    }
    if let Some(key) = keymap.first(Action::Help) {
        line.push(" ", Tone::Plain).push(key, Tone::Accent).push(" help", Tone::Quiet);
    }
    line
}
