//! A piece of a text that others share: many lines of one answer are pieces of few strings, so
//! that a line costs no allocation of its own.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, Range};
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A piece of a shared text; reads as a `str`, and is cheap to clone and to cut.
#[derive(Clone, Default)]
pub struct Text {
    whole: Option<Arc<String>>,
    start: u32,
    end: u32,
}

impl Text {
    /// A piece of a text. Beyond 4 GiB, and where the range does not fit the text, it is copied.
    pub fn of(whole: &Arc<String>, range: Range<usize>) -> Self {
        let Some(piece) = whole.get(range.clone()) else { return Self::default() };
        match (u32::try_from(range.start), u32::try_from(range.end)) {
            _ if piece.is_empty() => Self::default(),
            (Ok(start), Ok(end)) => Self { whole: Some(Arc::clone(whole)), start, end },
            _ => Self::from(piece),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.whole.as_ref().map_or("", |whole| &whole[self.start as usize..self.end as usize])
    }

    /// A piece of this text, by its place in it.
    #[must_use]
    pub fn piece(&self, range: Range<usize>) -> Self {
        let from = self.start as usize;
        match &self.whole {
            Some(whole) if range.end <= self.len() => {
                Self::of(whole, from + range.start..from + range.end)
            }
            _ => Self::default(),
        }
    }

    /// A part of this text as a piece of it; `None` for a text that lies elsewhere.
    pub fn part(&self, part: &str) -> Option<Self> {
        let start = part.as_ptr().addr().checked_sub(self.as_ptr().addr())?;
        let end = start.checked_add(part.len()).filter(|end| *end <= self.len())?;
        Some(self.piece(start..end))
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        // A text of more than 4 GiB is cut; answers are bounded far below.
        let end = u32::try_from(text.len()).unwrap_or_default();
        if end == 0 { Self::default() } else { Self { whole: Some(Arc::new(text)), start: 0, end } }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_texts() {
        let whole = Arc::new("one two".to_owned());
        let two = Text::of(&whole, 4..7);
        assert_eq!((two.as_str(), two.piece(1..3).as_str()), ("two", "wo"));
        assert_eq!(two, Text::from("two"));
        for (start, end) in [(2, 4), (0, 9), (5, 6)] {
            assert_eq!(two.piece(start..end), "", "{start}..{end}");
        }
        assert_eq!(Text::of(&whole, 3..3), Text::default());
        assert_eq!(Text::from("é").piece(1..2), "", "never through the middle of a character");
    }
}
