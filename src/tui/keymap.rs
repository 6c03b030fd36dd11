//! Which key means what: the defaults of the key table with the user's changes.
#![deny(clippy::disallowed_methods, reason = "pure room")]

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, ROWS, Row, Scope};
use crate::model::similar;

/// A key as the config writes it: `q`, `G`, `ctrl-c`, `enter`, `f1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    code: KeyCode,
    control: bool,
    alt: bool,
}

const NAMES: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
];

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        Self {
            code: event.code,
            control: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut rest, mut control, mut alt) = (text, false, false);
        while let Some((modifier, after)) = rest.split_once('-').filter(|(_, key)| !key.is_empty())
        {
            match modifier {
                "ctrl" => control = true,
                "alt" => alt = true,
                _ => break,
            }
            rest = after;
        }
        let function = || rest.strip_prefix('f')?.parse().ok().filter(|n| (1..=12).contains(n));
        let named = NAMES.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code);
        let mut letters = rest.chars();
        let code = match (named, letters.next(), letters.next()) {
            (Some(code), ..) => code,
            (None, Some(letter), None) => KeyCode::Char(letter),
            _ => KeyCode::F(function().ok_or_else(|| {
                format!("{text:?} is not a key: write q, G, ctrl-p, enter, space, pgdn or f1")
            })?),
        };
        Ok(Self { code, control, alt })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.control {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        match (self.code, NAMES.iter().find(|(_, code)| *code == self.code)) {
            (_, Some((name, _))) => f.write_str(name),
            (KeyCode::Char(letter), _) => write!(f, "{letter}"),
            (KeyCode::F(number), _) => write!(f, "f{number}"),
            (other, _) => write!(f, "{other}"),
        }
    }
}

/// Which key means what, in which pane.
#[derive(Clone, Debug)]
pub struct Keymap {
    actions: HashMap<(Scope, Key), Action>,
    keys: HashMap<Action, Vec<Key>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::bind(|row| row.keys.iter().filter_map(|key| key.parse().ok()).collect())
    }
}

impl Keymap {
    /// The default keys with changes: action name -> all its keys, as `quit: [Q, ctrl-q]`. An
    /// empty list takes an action's keys away. Every fault is reported.
    pub fn with(changes: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut own: HashMap<&str, Vec<Key>> = HashMap::new();
        for (name, keys) in changes {
            if !ROWS.iter().any(|row| row.name == name) {
                faults.push(unknown(name));
                continue;
            }
            let mut parsed = Vec::new();
            for key in keys {
                match key.parse() {
                    Ok(key) => parsed.push(key),
                    Err(fault) => faults.push(format!("keys.{name}: {fault}")),
                }
            }
            own.insert(name, parsed);
        }
        let map = Self::bind(|row| match own.get(row.name) {
            Some(keys) => keys.clone(),
            None => row.keys.iter().filter_map(|key| key.parse().ok()).collect(),
        });
        faults.extend(map.clashes());
        if faults.is_empty() { Ok(map) } else { Err(faults) }
    }

    fn bind(keys_of: impl Fn(&Row) -> Vec<Key>) -> Self {
        let mut map = Self { actions: HashMap::new(), keys: HashMap::new() };
        for row in ROWS {
            let keys = keys_of(row);
            for key in &keys {
                map.actions.entry((row.scope, *key)).or_insert(row.action);
            }
            map.keys.insert(row.action, keys);
        }
        map
    }

    /// Keys that mean two things in one place, as sentences.
    fn clashes(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (at, row) in ROWS.iter().enumerate() {
            for other in &ROWS[at + 1..] {
                let together = row.scope == other.scope
                    || row.scope == Scope::Everywhere
                    || other.scope == Scope::Everywhere;
                for key in self.keys(row.action).iter().filter(|_| together) {
                    if self.keys(other.action).contains(key) {
                        faults.push(format!(
                            "key {key} would mean both {} and {}: give one of them another key",
                            row.name, other.name
                        ));
                    }
                }
            }
        }
        faults
    }

    /// What a key means in a pane. In the detail of an object the keys of the results go on to
    /// others, unless they mean something else there.
    pub(crate) fn action(&self, scope: Scope, key: Key) -> Option<Action> {
        let found = |scope| self.actions.get(&(scope, key)).copied();
        let results = || found(Scope::Results).filter(|_| scope == Scope::Detail);
        found(scope).or_else(|| found(Scope::Everywhere)).or_else(results)
    }

    /// The keys of an action.
    pub(crate) fn keys(&self, action: Action) -> &[Key] {
        self.keys.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The keys of an action for a reader: `j down`.
    pub(crate) fn label(&self, action: Action) -> String {
        let keys: Vec<String> = self.keys(action).iter().map(ToString::to_string).collect();
        keys.join(" ")
    }

    /// The first key of an action, if it has one.
    pub(crate) fn first(&self, action: Action) -> Option<String> {
        self.keys(action).first().map(ToString::to_string)
    }
}

fn unknown(name: &str) -> String {
    let near = similar(name, ROWS.iter().map(|row| row.name));
    if near.is_empty() {
        format!("keys.{name}: there is no such action; ? in the explorer lists them all")
    } else {
        format!("keys.{name}: there is no such action; did you mean {}?", near.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_place() {
        assert_eq!(Keymap::default().clashes(), Vec::<String>::new());
    }

    #[test]
    fn keys_print_as_they_are_written() {
        for row in ROWS {
            for text in row.keys {
                let key: Key = text.parse().expect("a default key parses");
                assert_eq!(&key.to_string(), text);
            }
        }
        for wrong in ["", "zork", "f13", "hyper-x"] {
            let fault = wrong.parse::<Key>().expect_err(wrong);
            assert!(fault.contains("is not a key"), "{fault}");
        }
    }

    #[test]
    fn changes_are_checked_all_at_once() {
        let change = |name: &str, keys: &[&str]| {
            (name.to_owned(), keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>())
        };
        let map = Keymap::with(&[change("quit", &["Q"])].into()).expect("it is right");
        let key = |text: &str| text.parse::<Key>().expect("a key");
        assert_eq!(map.action(Scope::Paths, key("Q")), Some(Action::Quit));
        assert_eq!(map.action(Scope::Paths, key("q")), None);

        let wrong = [change("qiut", &["Q"]), change("help", &["zork"]), change("zoom", &["y"])];
        let faults = Keymap::with(&wrong.into()).expect_err("three faults").join("\n");
        for part in
            ["did you mean lift, quit?", "keys.help: \"zork\" is not a key", "both copy and zoom"]
        {
            assert!(faults.contains(part), "{part:?} is missing in\n{faults}");
        }
    }
}
