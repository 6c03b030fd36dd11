//! The explorer as its user meets it: keys in, effects and screens out.

mod anything;
mod behaviour;
mod hostile;
mod prefer;
mod screens;
mod start;
mod trace;
mod wishes;
mod words;

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::app::App;
use super::effect::{Effect, SearchId};
use super::event::Event;
use super::fixture;
use super::keymap::Keymap;
use super::update::update;
use super::view;
use super::world::{Listing, Place};
use crate::engine::Snapshot;

/// An explorer without terminal and world.
struct Driver {
    app: App,
    effects: Vec<Effect>,
}

impl Driver {
    /// On a screen of a size, before anything is known.
    fn new(size: (u16, u16)) -> Self {
        let place = Place { context: "prod-eu".to_owned(), namespace: Some("shop".to_owned()) };
        let mut app = App::new(place, Keymap::default(), fixture::now());
        app.size = size;
        let effects = app.begin(None);
        Self { app, effects }
    }

    /// With the alerts known.
    fn listed(size: (u16, u16)) -> Self {
        let mut driver = Self::new(size);
        let mut silenced = fixture::alert("KubeJobFailed", "warning", ("job_name", "report"), 90);
        silenced.body["state"] = "suppressed".into();
        let mut pending = fixture::alert("KubeHpaMaxedOut", "warning", ("pod", "cart-0"), 2);
        pending.body["state"] = "pending".into();
        let alerts = [
            fixture::alert("KubePodCrashLooping", "warning", ("pod", "db-0"), 12),
            silenced,
            pending,
            fixture::alert("Watchdog", "none", ("instance", "prometheus-0"), 9000),
            (*fixture::start()).clone(),
            fixture::alert("KubeNodeNotReady", "critical", ("node", "node-7"), 3),
        ];
        driver.event(Event::Alerts(Listing {
            alerts: alerts.into_iter().map(Arc::new).collect(),
            errors: Vec::new(),
            sources: fixture::sources(),
        }));
        driver
    }

    /// Exploring the full volume, as far as a snapshot.
    fn exploring(size: (u16, u16), snapshot: Snapshot) -> Self {
        let mut driver = Self::listed(size);
        driver.press("down enter");
        driver.snapshot(snapshot);
        driver.effects.clear();
        driver
    }

    /// A snapshot of the search that is shown arrives.
    fn snapshot(&mut self, snapshot: Snapshot) {
        let id = self.id();
        self.event(Event::Snapshot(id, Arc::new(snapshot)));
    }

    /// The search that is shown.
    fn id(&self) -> SearchId {
        self.app.view().expect("a search").id
    }

    fn event(&mut self, event: Event) {
        self.effects.extend(update(&mut self.app, event));
    }

    /// Keys by their names, separated by spaces; a word in quotes is typed letter by letter.
    fn press(&mut self, keys: &str) {
        for word in keys.split(' ') {
            if let Some(text) = word.strip_prefix('"') {
                for letter in text.trim_end_matches('"').chars() {
                    self.key(KeyCode::Char(letter), KeyModifiers::NONE);
                }
                continue;
            }
            let (control, name) = match word.strip_prefix("ctrl-") {
                Some(name) => (KeyModifiers::CONTROL, name),
                None => (KeyModifiers::NONE, word),
            };
            let code = match name {
                "enter" => KeyCode::Enter,
                "esc" => KeyCode::Esc,
                "tab" => KeyCode::Tab,
                "up" => KeyCode::Up,
                "down" => KeyCode::Down,
                "left" => KeyCode::Left,
                "right" => KeyCode::Right,
                "pgdn" => KeyCode::PageDown,
                "space" => KeyCode::Char(' '),
                letter => KeyCode::Char(letter.chars().next().expect("a key")),
            };
            self.key(code, control);
        }
    }

    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.event(Event::Key(KeyEvent::new(code, modifiers)));
    }

    fn terminal(&self) -> Terminal<TestBackend> {
        let (width, height) = self.app.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        terminal.draw(|frame| view::draw(&self.app, frame.buffer_mut())).expect("it draws");
        terminal
    }

    /// The screen as text.
    fn screen(&self) -> String {
        self.terminal().backend().to_string()
    }

    /// What is said at the bottom.
    fn said(&self) -> &str {
        self.app.flash.as_ref().map_or("", |(text, _)| text)
    }

    /// The label and the screen row of the selected path.
    fn selected(&self) -> (String, usize) {
        let view = self.app.view().expect("a search");
        let (_, node) = view.node().expect("a node");
        let cursor = view.paths.cursor;
        (super::fact::label(node), cursor.at - cursor.top)
    }
}
