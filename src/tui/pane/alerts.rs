//! The list to begin with: alerts, the worst and newest first, without those that someone has
//! silenced.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Frame;
use super::logs::Names;
use super::results::{Look, Rows};
use super::table;
use crate::graph::{Links, Member, Node, Shared};
use crate::model::{Class, Object, Source, StoreError};
use crate::tui::fact;
use crate::tui::theme::Tone;
use crate::tui::widget::cursor::{Cursor, Motion};
use crate::tui::widget::find::{Filter, Find};
use crate::tui::widget::line::{Line, wrap};
use crate::tui::world::Listing;

/// The list of alerts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alerts {
    /// Whether an answer has come.
    pub(crate) known: bool,
    /// Whether an answer is awaited.
    pub(crate) asked: bool,
    all: Vec<Arc<Object>>,
    /// The namespace that is looked at; `None` for all.
    namespace: Option<String>,
    errors: Vec<StoreError>,
    /// What failed or is not there, of sources that are not among the errors.
    lacking: Vec<(String, String)>,
    shown: Vec<usize>,
    pub(crate) cursor: Cursor,
    pub(crate) find: Find,
    pub(crate) filter: Filter,
    pub(crate) show_suppressed: bool,
    pub(crate) side: usize,
    /// The columns in which messages are wrapped, if they are.
    pub(crate) wrap: Option<usize>,
}

impl Alerts {
    /// An empty list of a namespace, or of all.
    pub(crate) fn of(namespace: Option<String>) -> Self {
        Self { namespace, ..Self::default() }
    }

    /// Takes an answer.
    pub(crate) fn take(&mut self, listing: Listing, height: usize) {
        self.known = true;
        self.asked = false;
        self.all = listing.alerts;
        self.all.sort_by(|a, b| {
            (b.severity, fact::state(a) == "pending", b.time)
                .cmp(&(a.severity, fact::state(b) == "pending", a.time))
                .then_with(|| a.id.cmp(&b.id))
        });
        self.errors = listing.errors;
        let told = |source: &&Source| {
            !self.errors.iter().any(|error| {
                error.source_name == source.name || Some(&error.message) == source.error.as_ref()
            })
        };
        let lacking = listing.sources.iter().filter(told);
        let lacking = lacking.filter_map(|at| Some((at.name.clone(), at.error.clone()?)));
        self.lacking = lacking.collect();
        self.refine(height);
    }

    /// Applies the filter and finds the selected alert again.
    pub(crate) fn refine(&mut self, height: usize) {
        let selected = self.selected().map(|alert| Arc::clone(&alert.id));
        let keeps = |at: &usize| {
            let alert = &self.all[*at];
            (self.show_suppressed || !fact::suppressed(alert))
                && (self.filter.is_empty() || self.filter.keeps(&fact::hay(alert)))
        };
        self.shown = (0..self.all.len()).filter(keeps).collect();
        self.find.look(self.shown.iter().map(|&at| fact::hay(&self.all[at])));
        let at = selected.and_then(|id| self.shown.iter().position(|&at| self.all[at].id == id));
        self.cursor.hold(at.unwrap_or(0));
        self.settle(height);
    }

    /// Puts the selected row on screen.
    fn settle(&mut self, height: usize) {
        let room = self.room(height);
        if let Some(width) = self.wrap {
            let tall = |row: usize| table::height(&self.all[self.shown[row]], width);
            self.cursor.settle_tall(self.shown.len(), room, tall);
        } else {
            self.cursor.settle(self.shown.len(), room);
        }
    }

    /// The selected alert.
    pub(crate) fn selected(&self) -> Option<&Arc<Object>> {
        self.shown.get(self.cursor.at).and_then(|&at| self.all.get(at))
    }

    /// Rows for alerts where the pane has `height`.
    fn room(&self, height: usize) -> usize {
        height.saturating_sub(1 + self.errors.len())
    }

    /// Moves the selected row.
    pub(crate) fn go(&mut self, motion: Motion, height: usize) {
        self.cursor.go(motion, self.shown.len(), self.room(height));
        self.settle(height);
    }

    /// Selects the row that is drawn at a line of the pane.
    pub(crate) fn click(&mut self, line: usize, height: usize) {
        let tall = |row: usize| {
            let alert = &self.all[self.shown[row]];
            self.wrap.map_or(1, |width| table::height(alert, width))
        };
        let line = line.checked_sub(1 + self.errors.len());
        if let Some(row) = line.and_then(|line| self.cursor.row(line, self.shown.len(), tall)) {
            self.cursor.at = row;
            self.settle(height);
        }
    }

    fn suppressed(&self) -> usize {
        self.all.iter().filter(|alert| fact::suppressed(alert)).count()
    }

    /// What the title of the pane tells.
    pub(crate) fn title(&self) -> Line {
        let mut line = Line::new();
        line.push("Alerts", Tone::Strong);
        if !self.known {
            return line;
        }
        let firing = self.all.iter().filter(|a| fact::state(a) == "firing" && !fact::suppressed(a));
        match (firing.count(), self.errors.is_empty()) {
            (0, false) => line.push("  firing unknown", Tone::Warning),
            (count, false) => line.push(format!("  {count} or more firing"), Tone::Warning),
            (count, true) => line.push(format!("  {count} firing"), Tone::Plain),
        };
        if let Some(namespace) = &self.namespace {
            line.push(format!("  in namespace {namespace}"), Tone::Plain);
        }
        let pending = self.all.iter().filter(|alert| fact::state(alert) == "pending").count();
        if pending > 0 {
            line.push(format!("  {pending} pending"), Tone::Quiet);
        }
        let suppressed = self.suppressed();
        if suppressed > 0 {
            let verb = if self.show_suppressed { "shown" } else { "hidden" };
            line.push(format!("  {suppressed} silenced or inhibited, {verb}"), Tone::Quiet);
        }
        line
    }

    /// What the right end of the title tells.
    pub(crate) fn state(&self) -> Line {
        let mut line = Line::new();
        if self.wrap.is_some() {
            line.push(" wrap on ", Tone::Quiet);
        }
        if self.asked && self.known {
            line.push(" asking again … ", Tone::Quiet);
        }
        if !self.filter.is_empty() {
            line.push(format!(" & {} ", self.filter.text()), Tone::Accent);
        }
        if let Some(position) = self.find.position(self.cursor.at) {
            line.push(format!(" /{} {position} ", self.find.needle.text()), Tone::Accent);
        }
        line
    }

    /// Draws the alerts, or a sentence where there are none.
    pub(crate) fn draw(&self, buffer: &mut Buffer, frame: Frame) {
        let mut area = frame.area;
        if self.shown.is_empty() {
            return self.draw_words(buffer, area);
        }
        for error in &self.errors {
            let mut line = Line::new();
            line.push(" ", Tone::Plain);
            line.push(format!("{}: {}", error.source_name, error.message), Tone::Error);
            if let Some(hint) = &error.hint {
                line.push(format!("  {hint}"), Tone::Quiet);
            }
            line.draw(buffer, Rect { height: area.height.min(1), ..area }, 0);
            area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        }
        let node = self.node();
        let rows = Rows {
            node: &node,
            shown: &self.shown,
            cursor: self.cursor,
            look: Look { side: self.side, wrap: self.wrap.is_some(), ..Look::default() },
            find: &self.find,
            focus: None,
            names: &Names::default(),
        };
        table::draw(&rows, buffer, Frame { area, ..frame });
    }

    /// Says why there are no rows, with the words of every source that could not be asked.
    fn draw_words(&self, buffer: &mut Buffer, area: Rect) {
        let mut said = vec![(self.sentence(), Tone::Plain)];
        for error in &self.errors {
            said.push((format!("{}: {}", error.source_name, error.message), Tone::Error));
            said.extend(error.hint.clone().map(|hint| (hint, Tone::Quiet)));
        }
        let lacking = self.lacking.iter().filter(|_| self.known && self.filter.is_empty());
        let named = |(name, error): &(String, String)| {
            if error.starts_with(name) { error.clone() } else { format!("{name}: {error}") }
        };
        said.extend(lacking.map(|lacking| (named(lacking), Tone::Quiet)));
        let mut y = area.y + 1;
        for (text, tone) in said {
            for part in wrap(&text, usize::from(area.width).saturating_sub(4), 6) {
                if y >= area.bottom() {
                    return;
                }
                let mut line = Line::new();
                line.push("  ", Tone::Plain).push(part, tone);
                line.draw(buffer, Rect { y, height: 1, ..area }, 0);
                y += 1;
            }
            y += u16::from(tone == Tone::Plain);
        }
    }

    fn sentence(&self) -> String {
        let place = self.namespace.as_ref();
        let place = place.map(|name| format!(" in namespace {name}")).unwrap_or_default();
        if !self.known {
            "Asking for the alerts …".to_owned()
        } else if !self.filter.is_empty() {
            format!("No alert matches the filter {:?}. Esc clears it.", self.filter.text())
        } else if self.suppressed() > 0 {
            format!("No alert is firing{place}, but some are silenced or inhibited: s shows them.")
        } else if self.errors.is_empty() {
            format!(
                "No alert is firing{place}. Start from an object instead, as in: korrel8 pod/db-0"
            )
        } else {
            "No alerts, as not every source could be asked. x tells more, R asks again.".to_owned()
        }
    }

    /// The alerts on and around the screen as the table wants them.
    fn node(&self) -> Node {
        let members = self.all.iter().map(|alert| Member {
            object: Arc::clone(alert),
            links: Links::default(),
            seen: false,
        });
        Node {
            key: "".into(),
            parent: None,
            children: Vec::new(),
            rule: None,
            class: Class::new("alert", "alert"),
            cost: 0,
            members: members.collect(),
            runs: Shared::default(),
            end: None,
            score: 0.0,
            left_out: 0,
            goal: false,
        }
    }
}
