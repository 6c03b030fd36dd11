//! Times on cells: the ruler above the bars, and where a bar begins and ends.

use crate::model::spent;

/// The least cells from one mark of the ruler to the next.
const APART: usize = 11;

/// A length of time over some cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// In nanoseconds; at least 1.
    length: i64,
    cells: usize,
}

impl Scale {
    pub(super) fn new(length: i64, cells: usize) -> Self {
        Self { length: length.max(1), cells }
    }

    /// The cell of a moment, rounded down.
    fn cell(self, time: i64) -> usize {
        let cells = i128::try_from(self.cells).unwrap_or_default();
        let at = i128::from(time.clamp(0, self.length)) * cells / i128::from(self.length);
        usize::try_from(at).unwrap_or_default().min(self.cells.saturating_sub(1))
    }

    /// The first cell of a stretch of time and the one after its last: at least one.
    pub(super) fn stretch(self, start: i64, end: i64) -> (usize, usize) {
        let first = self.cell(start);
        let last = if end > start { self.cell(end - 1) } else { first };
        (first, last.max(first) + 1)
    }

    /// How many cells there are from one to the end.
    pub(super) fn rest(self, cell: usize) -> usize {
        self.cells.saturating_sub(cell)
    }

    /// The marks of the ruler: cell and text. They are round numbers; the length itself ends it.
    pub(super) fn marks(self) -> Vec<(usize, String)> {
        let end = spent(self.length);
        let most = (self.cells / APART).max(1);
        let step = step(self.length / i64::try_from(most).unwrap_or(1));
        let last = self.cells.saturating_sub(end.chars().count());
        let mut marks = Vec::new();
        let mut time = 0;
        while time < self.length {
            let (at, text) = (self.cell(time), mark(time, step));
            if at + text.chars().count() < last {
                marks.push((at, text));
            }
            let Some(next) = i64::checked_add(time, step) else { break };
            time = next;
        }
        if end.chars().count() <= self.cells {
            marks.push((last, end));
        }
        marks
    }
}

/// The next round number: 1, 2 or 5 with zeros.
fn step(least: i64) -> i64 {
    let mut ten: i64 = 1;
    loop {
        for digit in [1, 2, 5] {
            let step = ten.saturating_mul(digit);
            if step >= least {
                return step.max(1);
            }
        }
        ten = ten.saturating_mul(10);
        if ten == i64::MAX {
            return ten;
        }
    }
}

/// A moment on the ruler: as many decimals as its steps need.
fn mark(time: i64, step: i64) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns")];
    let unit = units.into_iter().find(|(unit, _)| time >= *unit);
    let Some((unit, name)) = unit else { return "0".to_owned() };
    let (whole, mut part) = (time / unit, time % unit);
    let mut digits = String::new();
    let mut scale = unit;
    while part > 0 && scale > step {
        scale /= 10;
        digits += &(part / scale).to_string();
        part %= scale;
    }
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    format!("{whole}{point}{digits} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_keep_apart() {
        let ms = 1_000_000;
        for (length, cells, expected) in [
            (2411 * ms, 40, "0@0 1 s@16 2.41 s@34"),
            (2411 * ms, 60, "0@0 500 ms@12 1 s@24 1.5 s@37 2 s@49 2.41 s@54"),
            (120 * ms, 24, "0@0 120 ms@18"),
            (900, 30, "0@0 500 ns@16 900 ns@24"),
            (0, 30, "0@0 1 ns@26"),
            (i64::MAX, 8, ""),
        ] {
            let marks = Scale::new(length, cells).marks();
            let told: Vec<String> =
                marks.iter().map(|(cell, text)| format!("{text}@{cell}")).collect();
            assert_eq!(told.join(" "), expected, "{length} on {cells}");
        }
    }

    #[test]
    fn every_stretch_has_a_cell_and_stays_on_the_scale() {
        let scale = Scale::new(100, 10);
        for (start, end, expected) in [
            (0, 100, (0, 10)),
            (0, 1, (0, 1)),
            (99, 99, (9, 10)),
            (100, 100, (9, 10)),
            (30, 70, (3, 7)),
            (-5, 500, (0, 10)),
        ] {
            assert_eq!(scale.stretch(start, end), expected, "{start}..{end}");
        }
    }
}
