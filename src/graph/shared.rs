//! What trees of one search share. A newer tree takes over what did not change from the one
//! before: copying a node costs a pointer per part, and a part is copied only to change it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::tree::Link;

/// A value that is shared until someone changes it.
#[derive(Debug, Default, PartialEq)]
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// Whether both are the same value in memory.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> FromIterator<T> for Shared<Vec<T>> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<'s, T> IntoIterator for &'s Shared<Vec<T>> {
    type Item = &'s T;
    type IntoIter = std::slice::Iter<'s, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'s, T: Clone> IntoIterator for &'s mut Shared<Vec<T>> {
    type Item = &'s mut T;
    type IntoIter = std::slice::IterMut<'s, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// The links of a member. Most have one, which needs no memory of its own; many members that one
/// query brought share theirs.
#[derive(Clone, Debug, Default)]
pub struct Links(List);

#[derive(Clone, Debug, Default)]
enum List {
    #[default]
    None,
    One(Link),
    Many(Arc<[Link]>),
}

impl Deref for Links {
    type Target = [Link];

    fn deref(&self) -> &[Link] {
        match &self.0 {
            List::None => &[],
            List::One(link) => std::slice::from_ref(link),
            List::Many(links) => links,
        }
    }
}

impl PartialEq for Links {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl From<Link> for Links {
    fn from(link: Link) -> Self {
        Self(List::One(link))
    }
}

impl From<Vec<Link>> for Links {
    fn from(links: Vec<Link>) -> Self {
        Self(match links[..] {
            [] => List::None,
            [link] => List::One(link),
            _ => List::Many(links.into()),
        })
    }
}

impl FromIterator<Link> for Links {
    fn from_iter<I: IntoIterator<Item = Link>>(links: I) -> Self {
        Vec::from_iter(links).into()
    }
}

impl<'l> IntoIterator for &'l Links {
    type Item = &'l Link;
    type IntoIter = std::slice::Iter<'l, Link>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
