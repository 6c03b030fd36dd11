//! Drawing the state. Pure: what is drawn depends on the state alone.
#![deny(clippy::disallowed_methods, reason = "pure room")]

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::action::{Action, Scope};
use super::app::{App, Explore, Typed};
use super::fact::{self, Kind};
use super::layout::{LEAST, Layout, PANES, Pane};
use super::overlay;
use super::pane::{Frame, header, help};
use super::theme::{Tone, strip};
use super::widget::line::Line;
use super::widget::spark::moving;

/// Draws everything.
pub(crate) fn draw(app: &App, buffer: &mut Buffer) {
    let size = (buffer.area.width, buffer.area.height);
    // The terminal changes as it is drawn; the next frame has its size.
    if size != app.size {
        return;
    }
    if size.0 < LEAST.0 || size.1 < LEAST.1 {
        let mut line = Line::new();
        let needs = format!("needs {}×{}", LEAST.0, LEAST.1);
        let all = format!("korrel8 {needs}, this is {}×{}", size.0, size.1);
        let fits = all.chars().count() <= usize::from(size.0);
        line.push(if fits { all } else { needs }, Tone::Plain);
        line.draw(buffer, Rect { height: 1, ..buffer.area }, 0);
    } else {
        let layout = app.layout();
        match app.view() {
            Some(view) => explorer(app, view, &layout, buffer),
            None => alerts(app, &layout, buffer),
        }
        bottom(app, layout.hints, buffer);
        overlay::over(app, layout.body, buffer);
    }
    if !app.color {
        strip(buffer);
    }
}

fn frame(app: &App, area: Rect, focused: bool) -> Frame {
    Frame { area, focused: focused && app.popup.is_none(), now: app.now }
}

fn alerts(app: &App, layout: &Layout, buffer: &mut Buffer) {
    let mut left = Line::new();
    left.push(" korrel8", Tone::Strong);
    header::pair(
        buffer,
        layout.header[0],
        &left,
        &header::place(&app.place, app.usual.window, app.now),
    );
    let mut left = Line::new();
    match &app.start {
        Some(Ok(text)) => left
            .push(format!(" {} ", moving(waited(app))), Tone::Accent)
            .push(format!("Looking for {text} … {}s", waited(app) / 1000), Tone::Plain)
            .push("  Esc: to the alerts", Tone::Quiet),
        Some(Err(fault)) => left.push(format!(" {fault}"), Tone::Error),
        None => left.push(" What belongs to an alert? Choose one.", Tone::Quiet),
    };
    header::pair(buffer, layout.header[1], &left, &header::progress(&app.sources, &Line::new()));
    let title = Rect { height: 1, ..layout.body };
    rule(buffer, title, &app.alerts.title(), &app.alerts.state());
    let looking = matches!(app.start, Some(Ok(_)));
    if !looking || app.alerts.known {
        app.alerts.draw(buffer, frame(app, layout.rows(Pane::Paths), true));
    }
}

fn explorer(app: &App, view: &Explore, layout: &Layout, buffer: &mut Buffer) {
    let start = &view.request.start;
    let latest = view.latest.as_ref().or(view.snapshot.as_ref());
    let window = latest.map(|latest| latest.window).or(view.request.window);
    let lefts = header::subject(start, app.now);
    header::best(buffer, layout.header[0], &lefts, &header::place(&app.place, window, app.now));
    // A trace is asked for after the search, and may fare differently.
    let later = view.trace.is_some() && !app.sources.is_empty();
    let known = latest.filter(|_| !later).map_or(&app.sources, |latest| &latest.sources);
    let rights = header::progress(known, &work(app, view));
    let row = layout.header[1];
    let room = usize::from(row.width);
    let right = rights.iter().find(|right| right.width() * 10 <= room * 6).or(rights.last());
    let left = room.saturating_sub(right.map_or(0, Line::width) + 1);
    let left = match (view.tree(), view.paths.node()) {
        (Some(tree), Some(node)) => header::crumbs(tree, &view.paths.labels, node, left),
        _ => Line::new(),
    };
    header::pair(buffer, row, &left, right.map_or(&[], std::slice::from_ref));
    if let Some(trace) = &view.trace {
        return trace.draw(buffer, frame(app, layout.body, true), rule);
    }
    if let Some(tabs) = layout.tabs {
        draw_tabs(view, tabs, buffer);
    }
    for pane in PANES.into_iter().filter(|pane| layout.shows(*pane, view.focus)) {
        if let Some(area) = layout.title(pane) {
            let (left, right) = titles(view, pane, usize::from(area.width));
            rule(buffer, area, &left, &right);
        }
        pane_rows(app, view, pane, layout.rows(pane), buffer);
    }
    if let Some(divider) = layout.divider {
        for y in divider.y..divider.bottom() {
            let titled = |pane| layout.title(pane).is_some_and(|area: Rect| area.y == y);
            let right = titled(Pane::Results) || titled(Pane::Detail);
            let sign = match (y == divider.y, right) {
                (true, _) => "┬",
                (false, true) => "├",
                (false, false) => "│",
            };
            buffer.set_string(divider.x, y, sign, Tone::Quiet.style());
        }
    }
}

fn pane_rows(app: &App, view: &Explore, pane: Pane, area: Rect, buffer: &mut Buffer) {
    let frame = frame(app, area, view.focus == pane);
    let Some(tree) = view.tree() else {
        if pane == Pane::Paths {
            sentence(buffer, area, "Asking …");
        }
        return;
    };
    match pane {
        Pane::Paths if view.paths.len() == 0 => {
            sentence(buffer, area, "Nothing matches the filter. Esc clears it.");
        }
        Pane::Paths => view.paths.draw(tree, buffer, frame),
        Pane::Results => {
            if let Some((_, node)) = view.node() {
                view.results.draw(node, buffer, frame);
            }
        }
        Pane::Detail if view.detail.is_empty() => sentence(buffer, area, "Nothing is selected."),
        Pane::Detail => view.detail.draw(buffer, frame),
    }
}

fn sentence(buffer: &mut Buffer, area: Rect, text: &str) {
    let mut line = Line::new();
    line.push(" ", Tone::Plain).push(text, Tone::Quiet);
    line.draw(buffer, Rect { height: area.height.min(1), ..area }, 0);
}

/// Milliseconds since START or the alerts were asked for.
fn waited(app: &App) -> u128 {
    u128::try_from((app.now - app.asked).num_milliseconds()).unwrap_or(0)
}

/// How far the search is: `7/9 3.1s`, and at the end `9 queries 3.1s 1 failed`.
fn work(app: &App, view: &Explore) -> Line {
    let mut line = Line::new();
    let Some(latest) = view.latest.as_deref() else {
        line.push("asking …", Tone::Accent);
        return line;
    };
    let mut millis = latest.elapsed.as_millis();
    if view.running {
        millis += u128::try_from((app.now - view.seen).num_milliseconds()).unwrap_or(0);
    }
    let seconds = format!("{}.{}s", millis / 1000, millis % 1000 / 100);
    if view.running {
        line.push(format!("{} ", moving(millis)), Tone::Accent);
        line.push(format!("{}/{} {seconds}", latest.done, latest.total), Tone::Plain);
        return line;
    }
    if latest.cancelled {
        let text = format!("cancelled {}/{} {seconds}", latest.done, latest.total);
        line.push(text, Tone::Warning);
        return line;
    }
    let word = if latest.total == 1 { "query" } else { "queries" };
    line.push(format!("{} {word} {seconds}", latest.total), Tone::Quiet);
    let failed = failures(view).len();
    if failed > 0 {
        line.push(format!(" {failed} failed"), Tone::Error);
    }
    line
}

/// The queries that failed or lack a part of their answer, each once, with their errors.
pub(super) fn failures(view: &Explore) -> Vec<(String, crate::model::StoreError)> {
    let tree = view.latest.as_ref().map(|latest| &latest.tree);
    let runs = tree.into_iter().flat_map(|tree| &tree.nodes).flat_map(|node| &node.runs);
    let mut failed: Vec<(String, crate::model::StoreError)> = Vec::new();
    for run in runs {
        if let Some(error) = run.failure()
            && !failed.iter().any(|(query, _)| query == run.query.text())
        {
            failed.push((run.query.text().to_owned(), error.clone()));
        }
    }
    failed
}

/// The title of a pane that is so wide: what stands at its left and at its right.
fn titles(view: &Explore, pane: Pane, room: usize) -> (Line, Line) {
    let focused = view.focus == pane;
    let mut left = Line::new();
    let tone = if focused { Tone::Accent } else { Tone::Quiet };
    left.push(format!("{} ", pane.number()), tone);
    match pane {
        Pane::Paths => {
            left.push("Paths", if focused { Tone::Accent } else { Tone::Plain });
            (left, paths_state(view, room))
        }
        Pane::Results => {
            if let Some((_, node)) = view.node() {
                let label = view.paths.labels.of(node);
                let title = |most| view.results.title(node, &label, false, most);
                let whole = title(usize::MAX);
                let room = room.saturating_sub(view.results.state().width() + 5);
                let over = whole.width().saturating_sub(room);
                let most = label.width().saturating_sub(over).max(12);
                left.append(if over == 0 { whole } else { title(most) });
            }
            (left, view.results.state())
        }
        Pane::Detail => {
            left.push("Detail", if focused { Tone::Accent } else { Tone::Plain });
            let name = &view.detail.name;
            left.push(if name.is_empty() { "" } else { "  " }, Tone::Plain).push(name, Tone::Quiet);
            (left, view.detail.state())
        }
    }
}

/// What the right end of the title of the paths tells, where there is room for all of it.
fn paths_state(view: &Explore, room: usize) -> Line {
    let mut line = view.paths.title(true);
    line.push(format!(" reach {} ", view.reach()), Tone::Quiet);
    if line.width() + TITLED > room { view.paths.title(false) } else { line }
}

/// Columns that the rest of the title of the paths takes.
const TITLED: usize = 18;

/// A row with a rule through it and text at both ends.
fn rule(buffer: &mut Buffer, area: Rect, left: &Line, right: &Line) {
    let width = usize::from(area.width);
    buffer.set_string(area.x, area.y, "─".repeat(width), Tone::Quiet.style());
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let mut padded = Line::new();
    padded.push(" ", Tone::Plain).append(left.clone());
    padded.push(" ", Tone::Plain);
    let room = usize::from(inner.width);
    let taken = if right.is_empty() { 0 } else { right.width() + 1 };
    if taken == 0 || taken + 8 > room {
        return padded.draw(buffer, inner, 0);
    }
    right.draw_right(buffer, inner);
    let width = inner.width.saturating_sub(u16::try_from(taken).unwrap_or(0));
    padded.draw(buffer, Rect { width, ..inner }, 0);
}

/// One pane at a time: all titles in a row, that of the focused one in brackets.
fn draw_tabs(view: &Explore, area: Rect, buffer: &mut Buffer) {
    let state = match view.focus {
        Pane::Paths => paths_state(view, usize::from(area.width)),
        Pane::Results => view.results.state(),
        Pane::Detail => view.detail.state(),
    };
    let width = usize::from(area.width);
    let mut line = tabs(view, false, usize::MAX);
    if line.width() > width {
        line = tabs(view, true, usize::MAX);
    }
    let over = line.width().saturating_sub(width);
    if over > 0 {
        line = tabs(view, true, over);
    }
    let fits = line.width() + state.width() < width;
    header::pair(buffer, area, &line, if fits { std::slice::from_ref(&state) } else { &[] });
}

/// All titles; `over` is how much too wide the label of the results would be, if that is known.
fn tabs(view: &Explore, short: bool, over: usize) -> Line {
    let mut line = Line::new();
    for pane in PANES {
        let focused = pane == view.focus;
        if focused {
            line.push(format!("[{} ", pane.number()), Tone::Accent);
        } else {
            line.push(format!(" {} ", pane.number()), Tone::Quiet);
        }
        match (pane, view.node()) {
            (Pane::Results, Some((_, node))) => {
                let label = view.paths.labels.of(node);
                let most = match over {
                    usize::MAX => usize::MAX,
                    over => label.chars().count().saturating_sub(over).max(6),
                };
                line.append(view.results.title(node, &label, short || !focused, most));
            }
            (Pane::Results, None) => line.append(plain("Results")),
            (Pane::Paths, _) => line.append(plain("Paths")),
            (Pane::Detail, _) => line.append(plain("Detail")),
        }
        line.push(if focused { "]" } else { " " }, Tone::Accent);
    }
    line
}

fn plain(text: &str) -> Line {
    let mut line = Line::new();
    line.push(text, Tone::Plain);
    line
}

/// What is typed, else what is to be said, else what the focused pane offers.
fn bottom(app: &App, area: Rect, buffer: &mut Buffer) {
    if let Some(typing) = &app.typing {
        let label = match typing.what {
            Typed::Search => " / ",
            Typed::Filter => " & ",
        };
        return typing.prompt.draw(buffer, area, label);
    }
    if let Some((text, tone)) = &app.flash {
        let mut line = Line::new();
        line.push(" ", Tone::Plain).push(text, *tone);
        return line.draw(buffer, area, 0);
    }
    let node = app.view().and_then(Explore::node);
    let spans = node.is_some_and(|(_, node)| fact::kind(&node.class) == Kind::Span);
    let trace = app.view().and_then(|view| view.trace.as_ref());
    let linked = trace.is_some_and(|trace| !trace.links().is_empty());
    let offered: &[(Action, &str)] = match app.view().map(|view| view.focus) {
        _ if app.scope() == Scope::Trace => &[
            (
                if linked { Action::FollowLink } else { Action::Open },
                if linked { "" } else { "detail" },
            ),
            (Action::NextFailed, ""),
            (Action::FoldSpan, ""),
            (Action::Search, ""),
            (Action::Explore, "explore from here"),
            (Action::Close, "back"),
            (Action::Zoom, "spans only"),
            (Action::Copy, ""),
            (Action::CopyQuery, "copy query"),
        ],
        None => &[
            (Action::Open, "explore"),
            (Action::Search, "filter"),
            (Action::ToggleSuppressed, ""),
            (Action::Refresh, "refresh"),
            (Action::Sources, "sources"),
            (Action::Quit, "quit"),
        ],
        Some(Pane::Paths) => &[
            (Action::Open, "results"),
            (Action::Logs, ""),
            (Action::Fold, ""),
            (Action::Explore, "explore from these"),
            (Action::Window, ""),
            (Action::NextPane, ""),
            (Action::Zoom, ""),
            (Action::ToggleEmpty, ""),
            (Action::Back, "back"),
        ],
        Some(Pane::Results) => &[
            (Action::Open, if spans { "trace" } else { "detail" }),
            (Action::NextError, ""),
            (Action::Search, ""),
            (Action::Filter, ""),
            (Action::Explore, ""),
            (Action::Copy, ""),
            (Action::Window, ""),
            (Action::Zoom, ""),
            (Action::Wrap, "wrap"),
        ],
        Some(Pane::Detail) => &[
            (Action::Open, "explore from here"),
            (Action::Search, ""),
            (Action::Format, ""),
            (Action::Copy, ""),
            (Action::CopyQuery, "copy query"),
            (Action::Wrap, "wrap"),
            (Action::Zoom, ""),
        ],
    };
    help::hints(offered, &app.keymap, area.width).draw(buffer, area, 0);
}
