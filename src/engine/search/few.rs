//! A list that needs no memory of its own for one item: most lists of a search have one.

use std::ops::Deref;

/// Items in the order in which they were put in.
#[derive(Clone, Debug, Default)]
pub(super) enum Few<T> {
    #[default]
    None,
    One(T),
    Many(Vec<T>),
}

impl<T> Few<T> {
    pub(super) fn push(&mut self, item: T) {
        let len = self.len();
        self.insert(len, item);
    }

    pub(super) fn insert(&mut self, at: usize, item: T) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(item),
            Self::One(first) if at == 0 => Self::Many(vec![item, first]),
            Self::One(first) => Self::Many(vec![first, item]),
            Self::Many(mut items) => {
                items.insert(at, item);
                Self::Many(items)
            }
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        *self = match std::mem::take(self) {
            Self::One(item) if keep(&item) => Self::One(item),
            Self::None | Self::One(_) => Self::None,
            Self::Many(mut items) => {
                items.retain(keep);
                match items.len() {
                    0 => Self::None,
                    1 => items.pop().map_or(Self::None, Self::One),
                    _ => Self::Many(items),
                }
            }
        }
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(item) => std::slice::from_ref(item),
            Self::Many(items) => items,
        }
    }
}
