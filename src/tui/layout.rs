//! Where everything is on a screen of a size. Update and view both ask here, so that what is
//! scrolled and clicked is what is drawn.
#![deny(clippy::disallowed_methods, reason = "pure room")]

use ratatui::layout::Rect;

/// The least size that can be used.
pub(crate) const LEAST: (u16, u16) = (40, 10);

/// From how many columns on the panes stand side by side.
const WIDE: u16 = 100;

/// Rows of panes from which on the detail has its own place.
const TALL: u16 = 18;

/// One of the three panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pane {
    /// The tree of rule paths.
    #[default]
    Paths,
    /// What the selected path found.
    Results,
    /// One object.
    Detail,
}

/// All panes, in the order of their numbers.
pub(crate) const PANES: [Pane; 3] = [Pane::Paths, Pane::Results, Pane::Detail];

impl Pane {
    /// The number in its title.
    pub(crate) fn number(self) -> usize {
        self as usize + 1
    }

    /// The pane so many further round.
    pub(crate) fn next(self, steps: usize) -> Self {
        PANES[(self as usize + steps) % PANES.len()]
    }
}

/// Where everything is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The two rows at the top.
    pub(crate) header: [Rect; 2],
    /// The row of titles where one pane is shown at a time.
    pub(crate) tabs: Option<Rect>,
    /// The column between left and right.
    pub(crate) divider: Option<Rect>,
    /// The bottom row.
    pub(crate) hints: Rect,
    /// All rows between header and hints.
    pub(crate) body: Rect,
    titles: [Option<Rect>; 3],
    bodies: [Rect; 3],
}

impl Layout {
    /// The layout of a screen, with the pane that has the focus and whether it is zoomed.
    /// `lines`: what has the focus consists of long lines, so that the tree gives way.
    pub(crate) fn new(size: (u16, u16), focus: Pane, zoom: bool, lines: bool) -> Self {
        let (width, height) = size;
        let row = |y| Rect { x: 0, y, width, height: 1 };
        let body = Rect { x: 0, y: 2, width, height: height.saturating_sub(3) };
        let mut layout = Self {
            header: [row(0), row(1)],
            tabs: None,
            divider: None,
            hints: row(height.saturating_sub(1)),
            body,
            titles: [None; 3],
            bodies: [below(body); 3],
        };
        if width < WIDE || zoom {
            layout.tabs = Some(row(body.y));
            return layout;
        }
        let left = if lines { width * 30 / 100 } else { (width * 38 / 100).clamp(36, 64) };
        let left = left.clamp(30, 64);
        let paths = Rect { width: left, ..body };
        let right = Rect { x: left + 1, width: width - left - 1, ..body };
        layout.divider = Some(Rect { x: left, width: 1, ..body });
        let (mut results, mut detail) = (right, right);
        let both = body.height >= TALL;
        if both {
            results.height = body.height * 55 / 100;
            detail.y += results.height;
            detail.height -= results.height;
        }
        layout.bodies = [below(paths), below(results), below(detail)];
        let shown = |pane| both || (pane == Pane::Detail) == (focus == Pane::Detail);
        layout.titles = [
            Some(paths),
            Some(results).filter(|_| shown(Pane::Results)),
            Some(detail).filter(|_| shown(Pane::Detail)),
        ]
        .map(|area| area.map(|area| Rect { height: 1, ..area }));
        layout
    }

    /// Where a pane's rows are, or would be if it were shown.
    pub(crate) fn rows(&self, pane: Pane) -> Rect {
        self.bodies[pane as usize]
    }

    /// The title row of a pane, if it has one of its own.
    pub(crate) fn title(&self, pane: Pane) -> Option<Rect> {
        self.titles[pane as usize]
    }

    /// Whether a pane is on screen.
    pub(crate) fn shows(&self, pane: Pane, focus: Pane) -> bool {
        if self.tabs.is_some() { pane == focus } else { self.title(pane).is_some() }
    }

    /// How many columns and rows a pane has.
    pub(crate) fn room(&self, pane: Pane) -> (u16, u16) {
        let area = self.rows(pane);
        (area.width, area.height)
    }

    /// The pane at a place of the screen, and the row in it.
    pub(crate) fn at(&self, x: u16, y: u16, focus: Pane) -> Option<(Pane, usize)> {
        let hit = |pane: &Pane| {
            self.shows(*pane, focus)
                && self.rows(*pane).contains(ratatui::layout::Position { x, y })
        };
        let pane = PANES.into_iter().find(hit)?;
        Some((pane, usize::from(y - self.rows(pane).y)))
    }
}

/// The area without its first row, the title.
fn below(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_stay_on_screen_and_apart() {
        for size in [(40, 10), (60, 15), (80, 24), (99, 40), (100, 12), (120, 36), (300, 80)] {
            for (focus, zoom) in PANES.into_iter().flat_map(|pane| [(pane, false), (pane, true)]) {
                let layout = Layout::new(size, focus, zoom, size.0 % 2 == 0);
                let screen = Rect::new(0, 0, size.0, size.1);
                let shown: Vec<Rect> = PANES
                    .into_iter()
                    .filter(|pane| layout.shows(*pane, focus))
                    .map(|pane| layout.rows(pane))
                    .collect();
                assert!(layout.shows(focus, focus), "{size:?}");
                for (at, area) in shown.iter().enumerate() {
                    assert_eq!(area.intersection(screen), *area, "{size:?} {focus:?}");
                    assert!(area.height >= 3, "{size:?} {focus:?}");
                    let others = shown.iter().skip(at + 1);
                    assert!(others.into_iter().all(|other| !area.intersects(*other)));
                }
            }
        }
    }
}
