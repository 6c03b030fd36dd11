//! The explorer without a terminal and without a world, to measure what keys and frames cost.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::app::App;
use super::effect::{Effect, SearchId};
use super::event::Event;
use super::keymap::Keymap;
use super::update::update;
use super::view;
use super::world::{Listing, Place};
use crate::engine::Snapshot;
use crate::model::{Found, Object};

/// An explorer that shows what a search found, on a screen of its own.
#[derive(Debug)]
pub struct Bare {
    app: App,
    screen: Buffer,
    /// The trace that was asked for last.
    asked: Option<(SearchId, Arc<str>)>,
}

impl Bare {
    /// A search from an alert, on so many columns and rows.
    pub fn new(size: (u16, u16), now: DateTime<Utc>, alert: Arc<Object>, found: Snapshot) -> Self {
        let place = Place { context: String::new(), namespace: None };
        let mut app = App::new(place, Keymap::default(), now);
        app.size = size;
        app.begin(None);
        let screen = Buffer::empty(Rect::new(0, 0, size.0, size.1));
        let mut bare = Self { app, screen, asked: None };
        bare.event(Event::Alerts(Listing {
            alerts: vec![alert],
            errors: Vec::new(),
            sources: Vec::new(),
        }));
        bare.press(&[KeyCode::Enter]);
        if let Some(id) = bare.app.view().map(|view| view.id) {
            bare.event(Event::Snapshot(id, Arc::new(found)));
        }
        bare
    }

    /// Keys, one after the other.
    pub fn press(&mut self, keys: &[KeyCode]) {
        for key in keys {
            self.event(Event::Key(KeyEvent::new(*key, KeyModifiers::NONE)));
        }
    }

    /// Answers what the opened trace asked for: its spans, and the log lines that name it.
    pub fn answer(&mut self, spans: Vec<Arc<Object>>, lines: Vec<Arc<Object>>) {
        let Some((id, span)) = self.asked.clone() else { return };
        let found = |objects| Ok(Found { objects, ..Found::default() });
        self.event(Event::Trace(id, Arc::clone(&span), found(spans)));
        self.event(Event::Lines(id, span, found(lines)));
    }

    /// Draws a frame.
    pub fn frame(&mut self) -> &Buffer {
        self.screen.reset();
        view::draw(&self.app, &mut self.screen);
        &self.screen
    }

    fn event(&mut self, event: Event) {
        for effect in update(&mut self.app, event) {
            if let Effect::Trace(id, span) = effect {
                self.asked = Some((id, Arc::clone(&span.id)));
            }
        }
    }
}
