//! A trace: the tree of its spans beside their times under a ruler, and below what is known of
//! the selected one. What a frame needs is worked out once per change: rows that are folded
//! away, colours, widths. A frame draws the rows on screen only.

mod about;
mod draw;
mod lines;
mod scale;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use lines::Lines;
use ratatui::layout::Rect;
use serde_json::{Value, json};

use crate::graph::{SpanNode, SpanTree};
use crate::model::{Found, Object};
use crate::tui::fact;
use crate::tui::widget::cursor::{Cursor, Motion, moved};
use crate::tui::widget::find::{Find, Needle};
use crate::tui::widget::line::Line;

/// A trace and how it is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Waterfall {
    /// The span that was opened.
    pub(crate) asked: Arc<Object>,
    /// Whether the whole trace is here; if not, only what the search had found of it.
    whole: Asked,
    /// What is not told of it: a cut, a failure.
    remark: Option<String>,
    tree: Arc<SpanTree>,
    /// The number of each span's service, by which it has its colour.
    services: Vec<usize>,
    /// How many of the spans before each one failed; one more entry than spans.
    failed: Vec<usize>,
    folded: HashSet<usize>,
    /// The spans that are not folded away, in order.
    shown: Vec<usize>,
    cursor: Cursor,
    pub(crate) find: Find,
    /// What a search looks through, made by the first one.
    hays: OnceLock<Vec<String>>,
    lines: Result<Lines, String>,
    told: Asked,
    /// What is known of the selected span, cut into rows: what happened, and what it is.
    about: [Vec<Line>; 2],
    /// Rows of that which are scrolled away.
    top: usize,
    look: Look,
    /// The trace from which a link led here.
    before: Option<Box<Self>>,
}

/// Which part has the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Spans, and below them what is known of one.
    Both,
    /// The spans alone.
    Spans,
    /// More of what is known of one span; keys scroll it.
    Deep,
}

/// Whether an answer is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Waiting,
    Here,
    Failed,
}

/// Where everything is within the rows between header and hints.
#[derive(Clone, Copy, Debug)]
struct Areas {
    title: Rect,
    ruler: Rect,
    rows: Rect,
    rule: Rect,
    below: Rect,
}

/// The rows from which on there is room below the spans.
const TALL: u16 = 14;

impl Areas {
    /// A trace of so few spans that they do not fill their part leaves the rest to the lower one.
    fn of(body: Rect, look: Look, spans: usize) -> Self {
        let wanted = u16::try_from(spans.saturating_add(3)).unwrap_or(u16::MAX);
        let below = match look {
            Look::Spans => 0,
            Look::Both if body.height < TALL => 0,
            Look::Both => (body.height * 2 / 5).max(6).max(body.height.saturating_sub(wanted)),
            Look::Deep if body.height < TALL => body.height.saturating_sub(1),
            Look::Deep => body.height * 7 / 10,
        };
        let spans = body.height.saturating_sub(below);
        let row = |y, height| Rect { y: body.y + y, height, ..body };
        let head = |at: u16| row(at.min(spans), u16::from(spans > at));
        Self {
            title: head(0),
            ruler: head(1),
            rows: row(2.min(spans), spans.saturating_sub(2)),
            rule: row(spans, u16::from(below > 0)),
            below: row((spans + 1).min(body.height), below.saturating_sub(1)),
        }
    }
}

impl Waterfall {
    /// The trace of a span as far as it is known.
    pub(crate) fn new(span: &Arc<Object>, known: &[Arc<Object>]) -> Self {
        let mut trace = Self {
            asked: Arc::clone(span),
            whole: Asked::Waiting,
            remark: None,
            tree: Arc::default(),
            services: Vec::new(),
            failed: Vec::new(),
            folded: HashSet::new(),
            shown: Vec::new(),
            cursor: Cursor::default(),
            find: Find::default(),
            hays: OnceLock::new(),
            lines: Ok(Lines::default()),
            told: Asked::Waiting,
            about: Default::default(),
            top: 0,
            look: Look::Both,
            before: None,
        };
        trace.plant(known);
        trace.cursor.at = trace.place(&span.id).unwrap_or(0);
        trace
    }

    /// The trace that a link of this one leads to.
    pub(crate) fn follow(self, link: &Arc<Object>) -> Self {
        Self { before: Some(Box::new(self)), ..Self::new(link, &[]) }
    }

    /// The trace from which a link led here.
    pub(crate) fn back(self) -> Option<Self> {
        self.before.map(|before| *before)
    }

    /// Whether its spans or its lines are still to come.
    pub(crate) fn waits(&self) -> bool {
        self.whole == Asked::Waiting || self.told == Asked::Waiting
    }

    /// The spans that the selected one links to, of which no more than the ids is known.
    pub(crate) fn links(&self) -> Vec<Arc<Object>> {
        let Some(span) = self.selected() else { return Vec::new() };
        let links = span.object.body.get("links").and_then(Value::as_array);
        let stub = |link: &Value| {
            let part = |key: &str| link.get(key).and_then(Value::as_str);
            let (trace, id) = (part("traceID")?, part("spanID")?);
            let body = json!({"traceID": trace, "spanID": id, "partial": true});
            let mut stub = Object::new(self.asked.class.clone(), format!("{trace}/{id}"), body);
            stub.time = span.object.time;
            Some(Arc::new(stub))
        };
        links.into_iter().flatten().filter_map(stub).collect()
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        self.asked.text("/traceID").unwrap_or_default()
    }

    /// It is asked for once more.
    pub(crate) fn ask(&mut self) {
        (self.whole, self.told) = (Asked::Waiting, Asked::Waiting);
    }

    /// Takes the whole trace; the selected span stays selected.
    pub(crate) fn take(&mut self, found: Result<Found, String>, body: Rect) {
        let fault = match found {
            Ok(found) if !found.objects.is_empty() => {
                let held = self.selected().map(|span| Arc::clone(&span.object.id));
                self.plant(&found.objects);
                let held = held.unwrap_or_else(|| Arc::clone(&self.asked.id));
                self.cursor.at = self.place(&held).unwrap_or(0);
                self.whole = Asked::Here;
                let cut = found.cut.map(|cut| match cut.total {
                    Some(total) => format!("{} of {total} spans", cut.shown),
                    None => format!("{} spans, there are more", cut.shown),
                });
                self.remark = cut.or(found.missing.map(|fault| fault.message)).or(found.note);
                return self.reveal(self.span(), body);
            }
            Ok(found) => found
                .note
                .unwrap_or_else(|| "the server does not have the trace (any more)".to_owned()),
            Err(fault) => fault,
        };
        self.whole = Asked::Failed;
        self.remark = Some(fault);
        self.fit(body);
    }

    /// Takes what the Pods of the trace said.
    pub(crate) fn hear(&mut self, found: Result<Found, String>, body: Rect) {
        self.told = if found.is_ok() { Asked::Here } else { Asked::Failed };
        self.lines = found.map(|found| Lines::new(found.objects));
        self.fit(body);
    }

    /// Makes the tree and what follows from it.
    fn plant(&mut self, spans: &[Arc<Object>]) {
        let tree = SpanTree::new(spans);
        let names = tree.services();
        let number: HashMap<&str, usize> =
            names.into_iter().enumerate().map(|(at, name)| (name, at)).collect();
        self.services = tree.spans.iter().map(|span| number[span.service()]).collect();
        self.failed = vec![0];
        for span in &tree.spans {
            let before = self.failed.last().copied().unwrap_or_default();
            self.failed.push(before + usize::from(span.failed));
        }
        self.tree = Arc::new(tree);
        self.hays = OnceLock::new();
        self.folded.clear();
        self.unfold();
        self.look(self.find.needle.clone());
    }

    /// Chooses the rows anew.
    fn unfold(&mut self) {
        self.shown.clear();
        let mut at = 0;
        while let Some(span) = self.tree.spans.get(at) {
            self.shown.push(at);
            at += 1 + if self.folded.contains(&at) { span.below } else { 0 };
        }
    }

    fn areas(&self, body: Rect) -> Areas {
        Areas::of(body, self.look, self.tree.spans.len())
    }

    /// The place of a span in the tree.
    pub(crate) fn place(&self, id: &str) -> Option<usize> {
        self.tree.spans.iter().position(|span| *span.object.id == *id)
    }

    /// The place of the selected span in the tree.
    pub(crate) fn span(&self) -> usize {
        self.shown.get(self.cursor.at).copied().unwrap_or(0)
    }

    /// The selected span.
    pub(crate) fn selected(&self) -> Option<&SpanNode> {
        self.tree.spans.get(self.span())
    }

    /// Whether keys scroll what is known of a span.
    pub(crate) fn deep(&self) -> bool {
        self.look == Look::Deep
    }

    /// Gives what is known of the selected span more room and the keys, or takes them away.
    pub(crate) fn deepen(&mut self, deep: bool, body: Rect) {
        self.look = if deep { Look::Deep } else { Look::Both };
        self.top = 0;
        self.fit(body);
    }

    /// The spans alone, or with what is known of one.
    pub(crate) fn widen(&mut self, body: Rect) {
        self.look = if self.look == Look::Spans { Look::Both } else { Look::Spans };
        self.fit(body);
    }

    /// How many spans at and below a place failed, without the place itself.
    fn failed_below(&self, at: usize) -> usize {
        let end = at + self.tree.spans[at].below + 1;
        self.failed[end] - self.failed[at + 1]
    }

    /// Another failed span.
    pub(crate) fn failed(&self, forward: bool) -> Option<usize> {
        let at = self.span();
        if forward { self.tree.next_failed(at) } else { self.tree.previous_failed(at) }
    }

    /// Looks for something in all spans, also in those that are folded away.
    pub(crate) fn look(&mut self, needle: Needle) {
        self.find.needle = needle;
        if self.find.needle.is_empty() {
            return self.find.hits.clear();
        }
        let hay = |span: &SpanNode| fact::hay(&span.object);
        let hays = self.hays.get_or_init(|| self.tree.spans.iter().map(hay).collect());
        self.find.look(hays.iter());
    }

    /// Selects a span by its place in the tree, and unfolds what it stands below.
    pub(crate) fn reveal(&mut self, span: usize, body: Rect) {
        let mut above = self.tree.spans.get(span).and_then(|span| span.parent);
        let mut hidden = false;
        while let Some(parent) = above {
            hidden |= self.folded.remove(&parent);
            above = self.tree.spans[parent].parent;
        }
        if hidden {
            self.unfold();
        }
        self.cursor.at = self.shown.binary_search(&span).unwrap_or(0);
        self.top = 0;
        self.fit(body);
    }

    /// Folds, unfolds or turns round the selected span. One that cannot be folded any more gives
    /// the cursor to what called it.
    pub(crate) fn fold(&mut self, open: Option<bool>, body: Rect) {
        let at = self.span();
        let Some(span) = self.tree.spans.get(at) else { return };
        let (leaf, parent) = (span.below == 0, span.parent);
        let folded = self.folded.contains(&at);
        if open == Some(false) && (leaf || folded) {
            return self.reveal(parent.unwrap_or(at), body);
        }
        if open.unwrap_or(folded) {
            self.folded.remove(&at);
        } else if !leaf {
            self.folded.insert(at);
        }
        self.unfold();
        self.fit(body);
    }

    /// Moves the selected span, or scrolls what is known of it.
    pub(crate) fn go(&mut self, motion: Motion, body: Rect) {
        let areas = self.areas(body);
        if self.deep() {
            let height = usize::from(areas.below.height);
            self.top = moved(self.top, motion, self.length().saturating_sub(height), height);
            return;
        }
        self.cursor.go(motion, self.shown.len(), usize::from(areas.rows.height));
        self.top = 0;
        self.fit(body);
    }

    /// A click selects a span, the wheel scrolls what is under it.
    pub(crate) fn mouse(&mut self, wheel: Option<isize>, y: u16, body: Rect) {
        let areas = self.areas(body);
        let on_rows = y >= areas.rows.y && y < areas.rows.bottom();
        match wheel {
            Some(rows) if on_rows != self.deep() => self.go(Motion::By(rows), body),
            Some(rows) => {
                let most = self.length().saturating_sub(1);
                self.top = self.top.saturating_add_signed(rows).min(most);
                self.fit(body);
            }
            None if on_rows => {
                let row = self.cursor.top + usize::from(y - areas.rows.y);
                if let Some(span) = self.shown.get(row).copied() {
                    self.reveal(span, body);
                }
            }
            None => {}
        }
    }

    /// Makes everything fit the rows between header and hints.
    pub(crate) fn fit(&mut self, body: Rect) {
        let areas = self.areas(body);
        self.cursor.settle(self.shown.len(), usize::from(areas.rows.height));
        // Keys scroll all of it in the detail; above that, the wheel goes a screen at most.
        let height = usize::from(areas.below.height);
        let enough = if self.deep() { usize::MAX } else { self.top + 2 * height };
        self.about = self.describe(usize::from(areas.below.width), enough);
        self.top = self.top.min(self.length().saturating_sub(1));
    }

    /// How many rows what is known of the selected span takes.
    fn length(&self) -> usize {
        self.about.iter().map(Vec::len).max().unwrap_or(0)
    }
}
