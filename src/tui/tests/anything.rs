//! Whatever is typed, pasted, clicked and answered at whatever size: the explorer goes on.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::super::effect::Effect;
use super::super::event::Event;
use super::super::fixture::{self, HOSTILE, finished, snapshot, tree};
use super::super::world::{Listing, Start};
use super::{Driver, trace};
use crate::graph::Tree;
use crate::model::{Found, cases};

/// What a user or a terminal does.
#[derive(Clone, Debug)]
enum Act {
    Key(char),
    Control(char),
    Code(KeyCode),
    Paste(&'static str),
    Click(u16, u16),
    Wheel(u16, u16, bool),
    Resize(u16, u16),
    /// Time passes, or the world answers in one of several ways.
    Answer(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let keys: Vec<char> = "jkgGlLeEwWTfon/&.[]-123aszvtxyc:?m+R Nzz".chars().collect();
    let codes = vec![
        KeyCode::Enter,
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::PageDown,
        KeyCode::PageUp,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Backspace,
    ];
    let sizes =
        vec![(120, 36), (80, 24), (60, 15), (40, 12), (40, 10), (99, 13), (10, 5), (250, 70)];
    let act = prop_oneof![
        8 => prop::sample::select(keys).prop_map(Act::Key),
        5 => prop::sample::select(codes).prop_map(Act::Code),
        1 => prop::sample::select(vec!['f', 'b', 'p', 'u', 'w', 'a']).prop_map(Act::Control),
        1 => prop::sample::select(vec!["zzz", "connect", "a\rb", HOSTILE, "", "!", "日本"]).prop_map(Act::Paste),
        1 => (0..250u16, 0..70u16).prop_map(|(x, y)| Act::Click(x, y)),
        1 => (0..120u16, 0..36u16, any::<bool>()).prop_map(|(x, y, down)| Act::Wheel(x, y, down)),
        1 => prop::sample::select(sizes).prop_map(|(x, y)| Act::Resize(x, y)),
        2 => (0..9usize).prop_map(Act::Answer),
    ];
    prop::collection::vec(act, 1..60)
}

impl Driver {
    fn act(&mut self, act: &Act) {
        let mouse = |kind, x: u16, y: u16| {
            Event::Mouse(MouseEvent { kind, column: x, row: y, modifiers: KeyModifiers::NONE })
        };
        let (width, height) = self.app.size;
        let event = match *act {
            Act::Key(key) => Event::Key(KeyEvent::from(KeyCode::Char(key))),
            Act::Control(key) => {
                Event::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL))
            }
            Act::Code(code) => Event::Key(KeyEvent::from(code)),
            Act::Paste(text) => Event::Paste(text.to_owned()),
            Act::Click(x, y) => {
                mouse(MouseEventKind::Down(MouseButton::Left), x % width, y % height)
            }
            Act::Wheel(x, y, true) => mouse(MouseEventKind::ScrollDown, x % width, y % height),
            Act::Wheel(x, y, false) => mouse(MouseEventKind::ScrollUp, x % width, y % height),
            Act::Resize(width, height) => Event::Resize(width, height),
            Act::Answer(0) => Event::Tick(self.app.now + chrono::TimeDelta::seconds(7)),
            Act::Answer(way) => return self.answer(way),
        };
        self.event(event);
    }

    /// The world answers what was asked for last.
    fn answer(&mut self, way: usize) {
        let fault = || "the server is gone".to_owned();
        match self.effects.pop() {
            Some(Effect::LoadAlerts) => {
                let alerts = if way == 1 { Vec::new() } else { vec![fixture::start(); way] };
                let sources = fixture::sources();
                self.event(Event::Alerts(Listing { alerts, errors: Vec::new(), sources }));
            }
            Some(Effect::Resolve(..)) if way == 1 => self.event(Event::Resolved(Err(fault()))),
            Some(Effect::Resolve(..)) => {
                let objects = vec![fixture::start(); way - 2];
                self.event(Event::Resolved(Ok(Start { asked: None, objects })));
            }
            Some(Effect::Search(id, _)) if way == 1 => self.event(Event::Lost(id)),
            Some(Effect::Search(id, _)) => {
                let found = match way {
                    2 => snapshot(Tree::default()),
                    3 => snapshot(tree()),
                    4 | 5 => trace::searched(),
                    _ => finished(),
                };
                self.event(Event::Snapshot(id, Arc::new(found)));
            }
            Some(Effect::Trace(id, span)) => {
                let spans = match way {
                    1 => Err(fault()),
                    2 => Ok(Found::default()),
                    _ => Ok(Found::all(trace::spans())),
                };
                self.event(Event::Trace(id, Arc::clone(&span.id), spans));
                self.event(Event::Lines(id, Arc::clone(&span.id), Ok(Found::default())));
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn whatever_happens_there_is_a_screen(acts in acts(), begin in 0..4usize) {
        let mut driver = match begin {
            0 => Driver::new((120, 36)),
            1 => Driver::listed((80, 24)),
            2 => Driver::exploring((120, 36), finished()),
            _ => trace::opened((120, 36)),
        };
        for act in &acts {
            driver.act(act);
            let rows = driver.screen().lines().count();
            prop_assert_eq!(rows, usize::from(driver.app.size.1));
        }
    }
}
