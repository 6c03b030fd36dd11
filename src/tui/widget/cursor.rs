//! A selected row and the part of a list that is on screen.

/// A selected row, and the first row that is on screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The selected row.
    pub(crate) at: usize,
    /// The first row on screen.
    pub(crate) top: usize,
}

/// A way to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Motion {
    /// Rows down, or up if negative.
    By(isize),
    /// Pages down, or up if negative.
    Page(isize),
    /// To the first row.
    Top,
    /// To the last row.
    Bottom,
}

/// Where a move leads from a row, to `last` at most, on a screen of `height` rows.
pub(crate) fn moved(at: usize, motion: Motion, last: usize, height: usize) -> usize {
    let page = isize::try_from(height.max(2) - 1).unwrap_or(isize::MAX);
    match motion {
        Motion::By(rows) => at.saturating_add_signed(rows).min(last),
        Motion::Page(pages) => at.saturating_add_signed(pages * page).min(last),
        Motion::Top => 0,
        Motion::Bottom => last,
    }
}

impl Cursor {
    /// Moves the selected row in a list of `len` rows of which `height` fit.
    pub(crate) fn go(&mut self, motion: Motion, len: usize, height: usize) {
        self.at = moved(self.at, motion, len.saturating_sub(1), height);
        self.settle(len, height);
    }

    /// Puts the selected row on screen, and no more empty rows below the end than needed.
    pub(crate) fn settle(&mut self, len: usize, height: usize) {
        self.at = self.at.min(len.saturating_sub(1));
        self.top = self.top.min(self.at).min(len.saturating_sub(height));
        self.top = self.top.max((self.at + 1).saturating_sub(height));
    }

    /// The same where rows are of different height.
    pub(crate) fn settle_tall(&mut self, len: usize, height: usize, tall: impl Fn(usize) -> usize) {
        self.at = self.at.min(len.saturating_sub(1));
        self.top = self.top.min(self.at);
        if len == 0 {
            return;
        }
        let mut used = 0;
        for row in (self.top..=self.at).rev() {
            used += tall(row).max(1);
            if used > height {
                self.top = (row + 1).min(self.at);
                break;
            }
        }
    }

    /// The row at a line of the screen, where rows are of different height.
    pub(crate) fn row(
        &self,
        line: usize,
        len: usize,
        tall: impl Fn(usize) -> usize,
    ) -> Option<usize> {
        let mut used = 0;
        (self.top..len).find(|row| {
            used += tall(*row).max(1);
            used > line
        })
    }

    /// Selects a row while it stays on the same line of the screen.
    pub(crate) fn hold(&mut self, at: usize) {
        let line = self.at - self.top.min(self.at);
        self.at = at;
        self.top = at.saturating_sub(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_stays_on_screen() {
        let mut cursor = Cursor::default();
        for (motion, at, top) in [
            (Motion::By(1), 1, 0),
            (Motion::Page(1), 3, 1),
            (Motion::Bottom, 9, 7),
            (Motion::By(5), 9, 7),
            (Motion::Page(-1), 7, 7),
            (Motion::By(-1), 6, 6),
            (Motion::Top, 0, 0),
        ] {
            cursor.go(motion, 10, 3);
            assert_eq!(cursor, Cursor { at, top }, "{motion:?}");
        }
        cursor.go(Motion::Bottom, 0, 3);
        assert_eq!(cursor, Cursor::default());
    }

    #[test]
    fn tall_rows_push_the_top_down() {
        let mut cursor = Cursor { at: 4, top: 0 };
        cursor.settle_tall(10, 6, |row| if row == 3 { 4 } else { 1 });
        assert_eq!(cursor.top, 2);
        cursor.settle_tall(10, 2, |_| 100);
        assert_eq!(cursor.top, 4);
        cursor.settle_tall(0, 2, |row| panic!("there is no row {row}"));
        assert_eq!(cursor, Cursor::default());
    }
}
