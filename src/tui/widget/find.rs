//! Searching and filtering rows by a piece of text.

/// A piece of text to look for. Upper case matters only if there is some in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needle {
    text: String,
    exact: bool,
}

impl Needle {
    /// What was typed.
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), exact: text.chars().any(char::is_uppercase) }
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What was typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is in there.
    pub(crate) fn within(&self, hay: &str) -> bool {
        self.next(hay, 0).is_some()
    }

    /// The byte range of the first place at or after `from`.
    pub(crate) fn next(&self, hay: &str, from: usize) -> Option<(usize, usize)> {
        let rest = hay.get(from..)?;
        if self.text.is_empty() {
            return None;
        }
        if self.exact || !self.text.is_ascii() {
            return rest.find(&self.text).map(|at| (from + at, from + at + self.text.len()));
        }
        let (bytes, want) = (rest.as_bytes(), self.text.as_bytes());
        let at = bytes.windows(want.len()).position(|part| part.eq_ignore_ascii_case(want))?;
        Some((from + at, from + at + want.len()))
    }
}

/// A filter: keeps what matches, or the rest if it begins with `!`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    needle: Needle,
    inverted: bool,
}

impl Filter {
    /// What was typed.
    pub(crate) fn new(text: &str) -> Self {
        let kept = text.strip_prefix('!');
        Self { needle: Needle::new(kept.unwrap_or(text)), inverted: kept.is_some() }
    }

    /// Whether it keeps everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.needle.is_empty()
    }

    /// Whether it keeps this.
    pub(crate) fn keeps(&self, hay: &str) -> bool {
        self.is_empty() || self.needle.within(hay) != self.inverted
    }

    /// What was typed.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", if self.inverted { "!" } else { "" }, self.needle.text())
    }
}

/// A search: rows with hits, without hiding the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Find {
    /// What is looked for.
    pub(crate) needle: Needle,
    /// The rows with hits, sorted.
    pub(crate) hits: Vec<usize>,
}

impl Find {
    /// Looks through rows anew.
    pub(crate) fn look<T: AsRef<str>>(&mut self, rows: impl Iterator<Item = T>) {
        self.hits.clear();
        if !self.needle.is_empty() {
            let hits = rows.enumerate().filter(|(_, text)| self.needle.within(text.as_ref()));
            self.hits = hits.map(|(row, _)| row).collect();
        }
    }

    /// The next row with a hit in a direction, all around.
    pub(crate) fn step(&self, at: usize, forward: bool) -> Option<usize> {
        let next = if forward {
            self.hits.iter().find(|hit| **hit > at).or(self.hits.first())
        } else {
            self.hits.iter().rev().find(|hit| **hit < at).or(self.hits.last())
        };
        next.copied()
    }

    /// Where the selected row stands among the hits: `3/17`, `-/17` between them; `None` without
    /// a search.
    pub(crate) fn position(&self, at: usize) -> Option<String> {
        if self.needle.is_empty() {
            return None;
        }
        let total = self.hits.len();
        Some(match self.hits.binary_search(&at) {
            Ok(index) => format!("{}/{total}", index + 1),
            Err(_) if total == 0 => "no hits".to_owned(),
            Err(_) => format!("-/{total}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_matters_only_if_typed() {
        for (needle, hay, expected) in [
            ("refused", "Connection REFUSED", true),
            ("REFUSED", "connection refused", false),
            ("日本", "in 日本 now", true),
            ("", "anything", false),
        ] {
            assert_eq!(Needle::new(needle).within(hay), expected, "{needle:?} in {hay:?}");
        }
    }

    #[test]
    fn a_filter_can_be_turned_round() {
        assert!(Filter::new("").keeps("x"));
        assert!(Filter::new("!dns").keeps("disk full"));
        assert!(!Filter::new("!dns").keeps("DNS lookup"));
        assert_eq!(Filter::new("!dns").text(), "!dns");
    }

    #[test]
    fn hits_go_round() {
        let mut find = Find { needle: Needle::new("a"), hits: Vec::new() };
        find.look(["a", "b", "a"].iter());
        assert_eq!(find.position(2).as_deref(), Some("2/2"));
        assert_eq!(find.position(1).as_deref(), Some("-/2"));
        assert_eq!((find.step(2, true), find.step(0, false)), (Some(0), Some(2)));
    }
}
