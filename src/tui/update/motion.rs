//! Moving: rows, pages, sideways, from pane to pane, and by mouse.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use crate::tui::app::{App, Popup};
use crate::tui::layout::{PANES, Pane};
use crate::tui::widget::cursor::Motion;

/// Columns that one step sideways takes.
const SIDE: usize = 8;

/// Moves in the focused pane.
pub(super) fn go(app: &mut App, motion: Motion) {
    let body = app.layout().body;
    if let Some(trace) = app.view_mut().and_then(|view| view.trace.as_mut()) {
        return trace.go(motion, body);
    }
    match app.view().map(|view| view.focus) {
        None => {
            let rows = app.alert_rows();
            app.alerts.go(motion, rows);
        }
        Some(pane) => go_in(app, pane, motion),
    }
}

fn go_in(app: &mut App, pane: Pane, motion: Motion) {
    let layout = app.layout();
    let Some(view) = app.view_mut() else { return };
    let Some(snapshot) = view.snapshot.clone() else { return };
    let height = usize::from(layout.rows(pane).height);
    match pane {
        Pane::Paths => {
            view.paths.go(motion, height);
            view.follow(&layout);
        }
        Pane::Results => {
            if let Some(node) = view.paths.node().and_then(|at| snapshot.tree.nodes.get(at)) {
                view.results.go(motion, node, layout.room(pane));
            }
            view.follow_results(&layout);
        }
        Pane::Detail => view.detail.go(motion, height),
    }
}

/// Selects a row of the results.
pub(super) fn select_result(app: &mut App, row: usize) {
    let layout = app.layout();
    let Some(view) = app.view_mut() else { return };
    let Some(snapshot) = view.snapshot.clone() else { return };
    if let Some(node) = view.paths.node().and_then(|at| snapshot.tree.nodes.get(at)) {
        view.results.select(row, node, layout.room(Pane::Results));
    }
    view.follow_results(&layout);
}

/// Folds the selected path, turns it round, or goes to its parent.
pub(super) fn fold(app: &mut App, open: Option<bool>) {
    let layout = app.layout();
    let Some(view) = app.view_mut() else { return };
    let Some(snapshot) = view.snapshot.clone() else { return };
    if view.paths.fold(open) {
        view.rebuild(&layout);
    } else if open == Some(false) {
        view.paths.up(&snapshot.tree, usize::from(layout.rows(Pane::Paths).height));
        view.follow(&layout);
    }
}

/// Folds or unfolds in the paths, scrolls elsewhere.
pub(super) fn sideways(app: &mut App, right: bool) {
    let step = |side: usize| if right { side + SIDE } else { side.saturating_sub(SIDE) };
    let Some(view) = app.view_mut() else {
        app.alerts.side = step(app.alerts.side);
        return;
    };
    match view.focus {
        Pane::Paths => fold(app, Some(right)),
        Pane::Results => view.results.look.side = step(view.results.look.side),
        Pane::Detail => view.detail.side = step(view.detail.side),
    }
}

/// Gives a pane the focus.
pub(super) fn focus(app: &mut App, pane: Pane) {
    if let Some(view) = app.view_mut() {
        view.focus = pane;
    }
    super::refit(app);
}

/// What the mouse did: a click focuses and selects, the wheel scrolls what is under it.
pub(super) fn mouse(app: &mut App, mouse: MouseEvent) {
    let wheel = match mouse.kind {
        MouseEventKind::ScrollDown => Some(3),
        MouseEventKind::ScrollUp => Some(-3),
        MouseEventKind::Down(MouseButton::Left) => None,
        _ => return,
    };
    if let Some(popup) = &mut app.popup {
        match (popup, wheel) {
            (Popup::Sources(top), Some(rows)) => *top = top.saturating_add_signed(rows),
            (
                Popup::Help(_, list)
                | Popup::Palette(_, list)
                | Popup::Choice(_, list)
                | Popup::Links(_, list),
                Some(rows),
            ) => list.go(Motion::By(rows)),
            _ => {}
        }
        return;
    }
    let layout = app.layout();
    if let Some(trace) = app.view_mut().and_then(|view| view.trace.as_mut()) {
        return trace.mouse(wheel, mouse.row, layout.body);
    }
    let Some(focused) = app.view().map(|view| view.focus) else {
        let rows = app.alert_rows();
        match wheel {
            Some(step) => app.alerts.go(Motion::By(step), rows),
            None if mouse.row > layout.body.y => {
                app.alerts.click(usize::from(mouse.row - layout.body.y - 1), rows);
            }
            None => {}
        }
        return;
    };
    if let (Some(tabs), None) = (layout.tabs, wheel)
        && mouse.row == tabs.y
    {
        let third = usize::from(mouse.column) * PANES.len() / usize::from(tabs.width.max(1));
        return focus(app, PANES[third.min(2)]);
    }
    let Some((pane, row)) = layout.at(mouse.column, mouse.row, focused) else { return };
    match wheel {
        Some(step) => go_in(app, pane, Motion::By(step)),
        None => click(app, pane, row),
    }
}

fn click(app: &mut App, pane: Pane, row: usize) {
    focus(app, pane);
    let layout = app.layout();
    let Some(view) = app.view_mut() else { return };
    match pane {
        Pane::Paths => {
            let at = view.paths.cursor.top + row;
            if at < view.paths.len() {
                view.paths.select(at, usize::from(layout.rows(pane).height));
                view.follow(&layout);
            }
        }
        Pane::Results => {
            let (room, node) = (layout.room(pane), view.node());
            let at = node.and_then(|(_, node)| view.results.row_at(row, node, room));
            if let Some(at) = at {
                select_result(app, at);
            }
        }
        Pane::Detail => {}
    }
}
