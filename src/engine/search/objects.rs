//! Every object of a search, by class and id: which nodes hold it, and what rules make of it.

use std::collections::HashMap;
use std::sync::Arc;

use super::few::Few;
use crate::model::{Class, Object};

/// Objects and groups of them by number.
#[derive(Default)]
pub(super) struct Objects {
    classes: HashMap<Class, Known>,
    holders: Vec<Few<Holder>>,
    groups: Vec<Group>,
    faulty: bool,
    epoch: usize,
}

#[derive(Default)]
struct Known {
    objects: HashMap<Arc<str>, usize>,
    groups: HashMap<Arc<str>, usize>,
}

/// An object as an answer brought it.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) object: Arc<Object>,
    /// The number of its class and id.
    pub(super) number: usize,
    /// The number of its class and group.
    pub(super) group: usize,
}

/// A place where an object is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub(super) draft: usize,
    /// Index in the draft's objects.
    pub(super) held: usize,
}

/// Objects of one class that look the same to every rule.
#[derive(Default)]
pub(super) struct Group {
    /// The rules that have been applied, sorted.
    pub(super) applied: Vec<usize>,
    /// What they made, as (rule, query).
    pub(super) made: Vec<(usize, usize)>,
    /// What went wrong, as (rule, message).
    pub(super) faults: Vec<(usize, String)>,
    epoch: usize,
}

impl Objects {
    /// An object with its numbers.
    pub(super) fn part(&mut self, object: Arc<Object>) -> Part {
        let known = self.classes.entry(object.class.clone()).or_default();
        let number = *known.objects.entry(Arc::clone(&object.id)).or_insert_with(|| {
            self.holders.push(Few::None);
            self.holders.len() - 1
        });
        let group = *known.groups.entry(Arc::clone(&object.group)).or_insert_with(|| {
            self.groups.push(Group::default());
            self.groups.len() - 1
        });
        Part { object, number, group }
    }

    /// Who holds an object, in the order of their turns.
    pub(super) fn holders(&mut self, number: usize) -> &mut Few<Holder> {
        &mut self.holders[number]
    }

    /// Where a draft holds an object.
    pub(super) fn held_by(&self, number: usize, draft: usize) -> Option<usize> {
        let here = |holder: &&Holder| holder.draft == draft;
        self.holders[number].iter().find(here).map(|holder| holder.held)
    }

    pub(super) fn group(&self, number: usize) -> &Group {
        &self.groups[number]
    }

    /// Notes what rules made of a group.
    pub(super) fn note(
        &mut self,
        number: usize,
        rules: &[usize],
        made: Vec<(usize, usize)>,
        faults: Vec<(usize, String)>,
    ) {
        self.faulty |= !faults.is_empty();
        let group = &mut self.groups[number];
        group.applied.extend(rules);
        group.applied.sort_unstable();
        group.made.extend(made);
        group.faults.extend(faults);
    }

    /// Whether any rule ever failed.
    pub(super) fn faulty(&self) -> bool {
        self.faulty
    }

    /// Begins a round in which every group is met for the first time once.
    pub(super) fn begin(&mut self) {
        self.epoch += 1;
    }

    /// Whether a group has been met in this round.
    pub(super) fn met(&self, group: usize) -> bool {
        self.groups[group].epoch == self.epoch
    }

    /// Meets a group.
    pub(super) fn meet(&mut self, group: usize) {
        self.groups[group].epoch = self.epoch;
    }
}
