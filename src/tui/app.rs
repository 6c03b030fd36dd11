//! The state of the explorer: the alerts to begin with, the searches on the history, and what
//! lies over them.
#![deny(clippy::disallowed_methods, reason = "pure room")]

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::action::Scope;
use super::effect::{Effect, SearchId};
use super::fact::{self, Kind};
use super::keymap::Keymap;
use super::layout::{Layout, Pane};
use super::pane::alerts::Alerts;
use super::pane::chooser::Chooser;
use super::pane::detail::Detail;
use super::pane::paths::Paths;
use super::pane::results::Results;
use super::pane::waterfall::Waterfall;
use super::theme::Tone;
use super::widget::prompt::Prompt;
use super::world::{Place, SearchRequest, Start};
use crate::engine::{DEPTH, REACH, Snapshot};
use crate::graph::{Node, RunState, Tree};
use crate::model::{Class, Object, Source, Window};

/// Everything the explorer knows.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) place: Place,
    pub(crate) now: DateTime<Utc>,
    pub(crate) size: (u16, u16),
    pub(crate) keymap: Keymap,
    /// Whether colours are used.
    pub(crate) color: bool,
    /// Whether the mouse is ours.
    pub(crate) mouse: bool,
    /// What new searches have in common.
    pub(crate) usual: Usual,
    pub(crate) alerts: Alerts,
    /// A START that is being looked up, or why that failed.
    pub(crate) start: Option<Result<String, String>>,
    /// Since when START or the alerts are asked for.
    pub(crate) asked: DateTime<Utc>,
    /// The search whose start is asked for anew.
    pub(crate) renewing: Option<SearchId>,
    /// The history of searches.
    pub(crate) views: Vec<Explore>,
    /// The one that is shown; `None` for the alerts.
    pub(crate) at: Option<usize>,
    /// The one that was shown before.
    pub(crate) last: Option<usize>,
    pub(crate) popup: Option<Popup>,
    pub(crate) typing: Option<Typing>,
    /// Something to say once, until the next key.
    pub(crate) flash: Option<(String, Tone)>,
    pub(crate) sources: Vec<Source>,
    pub(crate) next_id: u64,
}

/// What every search begins with unless the user says else.
#[derive(Clone, Debug, Default)]
pub struct Usual {
    /// Classes to look for; empty for all neighbors.
    pub goals: Vec<Class>,
    /// The budget of a path.
    pub reach: Option<u32>,
    /// The time range.
    pub window: Option<Window>,
}

/// What lies over the panes.
#[derive(Debug)]
pub(crate) enum Popup {
    /// All keys; the scope is that of the pane below.
    Help(Scope, Chooser),
    /// Actions by name.
    Palette(Scope, Chooser),
    /// Several objects to start from.
    Choice(Start, Chooser),
    /// Spans that the selected one links to.
    Links(Vec<Arc<Object>>, Chooser),
    /// A time range.
    Window { prompt: Prompt, preset: usize, fault: Option<String> },
    /// Every source, scrolled to a row.
    Sources(usize),
}

/// A line that is being typed at the bottom.
#[derive(Debug)]
pub(crate) struct Typing {
    pub(crate) what: Typed,
    pub(crate) prompt: Prompt,
    /// The selected row when it began.
    pub(crate) origin: usize,
}

/// What is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A search.
    Search,
    /// A filter.
    Filter,
}

/// One search and how it is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Explore {
    pub(crate) id: SearchId,
    pub(crate) request: SearchRequest,
    /// What is shown.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    /// What came last; differs from what is shown while a repeated search is catching up.
    pub(crate) latest: Option<Arc<Snapshot>>,
    /// When that came.
    pub(crate) seen: DateTime<Utc>,
    /// Whether more may come.
    pub(crate) running: bool,
    pub(crate) paths: Paths,
    pub(crate) results: Results,
    pub(crate) detail: Detail,
    /// A trace, which lies over the panes.
    pub(crate) trace: Option<Waterfall>,
    pub(crate) focus: Pane,
    pub(crate) zoom: bool,
    /// The user wants to see the logs as soon as there are some.
    pub(crate) awaits_logs: bool,
}

impl App {
    /// The state before anything has happened.
    pub(crate) fn new(place: Place, keymap: Keymap, now: DateTime<Utc>) -> Self {
        Self {
            alerts: Alerts::of(place.namespace.clone()),
            place,
            now,
            size: (80, 24),
            keymap,
            color: true,
            mouse: false,
            usual: Usual::default(),
            start: None,
            asked: now,
            renewing: None,
            views: Vec::new(),
            at: None,
            last: None,
            popup: None,
            typing: None,
            flash: None,
            sources: Vec::new(),
            next_id: 0,
        }
    }

    /// What to ask first: for the alerts, or for what START names.
    pub(crate) fn begin(&mut self, start: Option<String>) -> Vec<Effect> {
        let Some(start) = start else { return self.load_alerts() };
        self.start = Some(Ok(start.clone()));
        self.asked = self.now;
        vec![Effect::Resolve(start, 1)]
    }

    /// Asks for the alerts.
    pub(crate) fn load_alerts(&mut self) -> Vec<Effect> {
        self.alerts.asked = true;
        self.asked = self.now;
        vec![Effect::LoadAlerts]
    }

    /// The search that is shown.
    pub(crate) fn view(&self) -> Option<&Explore> {
        self.views.get(self.at?)
    }

    /// The search that is shown.
    pub(crate) fn view_mut(&mut self) -> Option<&mut Explore> {
        self.views.get_mut(self.at?)
    }

    /// The scope of the pane that has the focus.
    pub(crate) fn scope(&self) -> Scope {
        if self.view().is_some_and(|view| view.trace.is_some()) {
            return Scope::Trace;
        }
        match self.view().map(|view| view.focus) {
            None => Scope::Alerts,
            Some(Pane::Paths) => Scope::Paths,
            Some(Pane::Results) => Scope::Results,
            Some(Pane::Detail) => Scope::Detail,
        }
    }

    /// Where everything is on the screen.
    pub(crate) fn layout(&self) -> Layout {
        let Some(view) = self.view() else {
            return Layout::new(self.size, Pane::Paths, true, false);
        };
        let wordy = |kind| matches!(kind, Kind::Log | Kind::Event | Kind::Alert);
        let lines = view.focus != Pane::Paths
            && view.node().is_some_and(|(_, node)| wordy(fact::kind(&node.class)));
        Layout::new(self.size, view.focus, view.zoom, lines)
    }

    /// Rows that the list of alerts has.
    pub(crate) fn alert_rows(&self) -> usize {
        usize::from(self.layout().rows(Pane::Paths).height)
    }

    /// Says something until the next key.
    pub(crate) fn say(&mut self, text: impl Into<String>, tone: Tone) {
        self.flash = Some((text.into(), tone));
    }

    /// Whether something is under way, so that the time that it takes shows.
    pub(crate) fn busy(&self) -> bool {
        self.view().map_or(self.waiting(), |view| view.running)
    }

    /// Whether the alerts or what START names is asked for.
    pub(crate) fn waiting(&self) -> bool {
        self.alerts.asked || matches!(self.start, Some(Ok(_)))
    }
}

impl Explore {
    /// A search that begins now.
    pub(crate) fn new(id: SearchId, request: SearchRequest, now: DateTime<Utc>) -> Self {
        Self {
            id,
            request,
            snapshot: None,
            latest: None,
            seen: now,
            running: true,
            paths: Paths::default(),
            results: Results::default(),
            detail: Detail::default(),
            trace: None,
            focus: Pane::Paths,
            zoom: false,
            awaits_logs: false,
        }
    }

    /// The cost that a path may spend.
    pub(crate) fn reach(&self) -> u32 {
        let usual = if self.request.goals.is_empty() { DEPTH } else { REACH };
        self.request.reach.unwrap_or(usual)
    }

    /// The tree that is shown.
    pub(crate) fn tree(&self) -> Option<&Tree> {
        self.snapshot.as_ref().map(|snapshot| snapshot.tree.as_ref())
    }

    /// The selected node, with its number.
    pub(crate) fn node(&self) -> Option<(usize, &Node)> {
        let at = self.paths.node()?;
        Some((at, self.tree()?.nodes.get(at)?))
    }

    /// The selected object.
    pub(crate) fn object(&self) -> Option<&Arc<Object>> {
        let (_, node) = self.node()?;
        node.members.get(self.results.member()?).map(|member| &member.object)
    }

    /// Takes a newer state. One that has less than what is shown is kept back for a moment when
    /// the search is a repeated one, so that the tree does not fall to pieces and grow again.
    pub(crate) fn take(&mut self, snapshot: Arc<Snapshot>, now: DateTime<Utc>, layout: &Layout) {
        self.running = !snapshot.finished;
        self.seen = now;
        let repeated = self.snapshot.is_some() && self.latest.is_none();
        let behind = self.snapshot.as_ref().is_some_and(|shown| {
            shown.finished && shown.tree.nodes.len() > snapshot.tree.nodes.len()
        });
        let early = !snapshot.finished && snapshot.elapsed.as_millis() < 2000;
        let keep_back = behind && early && (repeated || !self.shows_latest());
        if !keep_back {
            self.snapshot = Some(Arc::clone(&snapshot));
        }
        self.latest = Some(snapshot);
        self.rebuild(layout);
    }

    fn shows_latest(&self) -> bool {
        match (&self.snapshot, &self.latest) {
            (Some(shown), Some(latest)) => Arc::ptr_eq(shown, latest),
            _ => false,
        }
    }

    /// Makes all panes fit the tree again.
    pub(crate) fn rebuild(&mut self, layout: &Layout) {
        if let Some(trace) = &mut self.trace {
            trace.fit(layout.body);
        }
        let Some(snapshot) = self.snapshot.clone() else { return };
        self.paths.build(&snapshot.tree, usize::from(layout.rows(Pane::Paths).height));
        self.follow(layout);
    }

    /// Makes results and detail fit the selected node.
    pub(crate) fn follow(&mut self, layout: &Layout) {
        let Some(snapshot) = self.snapshot.clone() else { return };
        let Some(node) = self.paths.node().and_then(|at| snapshot.tree.nodes.get(at)) else {
            return self.detail.clear();
        };
        self.results.build(node, snapshot.focus, layout.room(Pane::Results));
        self.follow_results(layout);
    }

    /// Makes the detail fit the selected object.
    pub(crate) fn follow_results(&mut self, layout: &Layout) {
        let Some(snapshot) = self.snapshot.clone() else { return };
        match (self.paths.node(), self.results.member()) {
            (Some(node), Some(member)) => {
                let (width, _) = layout.room(Pane::Detail);
                self.detail.build(&snapshot.tree, node, member, width);
            }
            _ => self.detail.clear(),
        }
    }

    /// Gives up what is still asked; what is there stays, also what an earlier search found as
    /// long as it is shown.
    pub(crate) fn cancel(&mut self, now: DateTime<Utc>, layout: &Layout) {
        self.running = false;
        if self.latest.is_none() {
            // Nothing of it has come yet.
            self.latest = self.snapshot.clone();
            return;
        }
        let older = self.snapshot.is_some() && !self.shows_latest();
        let Some(latest) = self.latest.as_deref().or(self.snapshot.as_deref()) else { return };
        let mut snapshot = latest.clone();
        let tree = Arc::make_mut(&mut snapshot.tree);
        for run in tree.nodes.iter_mut().flat_map(|node| &mut node.runs) {
            if run.state == RunState::Pending {
                run.state = RunState::Cancelled;
            }
        }
        snapshot.cancelled = true;
        snapshot.finished = true;
        snapshot.elapsed += (now - self.seen).to_std().unwrap_or_default();
        let snapshot = Arc::new(snapshot);
        if !older {
            self.snapshot = Some(Arc::clone(&snapshot));
        }
        self.latest = Some(snapshot);
        self.rebuild(layout);
    }
}
