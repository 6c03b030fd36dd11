//! Every object of a search, by class and id: which nodes hold it, and what rules make of it.

use std::collections::HashMap;
use std::ops::Range;
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
    alternatives: bool,
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
    /// What they made.
    pub(super) made: Vec<Made>,
    /// Places in `made` of what is to be asked, in the order in which that became known. It only
    /// grows: the answers that say so stay.
    pub(super) due: Vec<usize>,
    /// For each rule that has alternatives, those that are asked last, as places in `made`.
    pub(super) tries: Vec<Range<usize>>,
    /// What went wrong, as (rule, message).
    pub(super) faults: Vec<(usize, String)>,
    epoch: usize,
}

/// A query that a rule made.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) rule: usize,
    pub(super) query: usize,
    /// Places of what may be asked if this finds nothing.
    pub(super) later: Range<usize>,
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

    /// Notes that rules were applied to a group, and what went wrong.
    pub(super) fn note(&mut self, number: usize, rules: &[usize], faults: Vec<(usize, String)>) {
        self.faulty |= !faults.is_empty();
        let group = &mut self.groups[number];
        group.applied.extend(rules);
        group.applied.sort_unstable();
        group.faults.extend(faults);
    }

    /// Adds to what a rule made of a group.
    pub(super) fn group_mut(&mut self, number: usize) -> &mut Group {
        &mut self.groups[number]
    }

    /// Whether any rule ever failed.
    pub(super) fn faulty(&self) -> bool {
        self.faulty
    }

    /// Whether any rule ever made alternatives.
    pub(super) fn with_alternatives(&self) -> bool {
        self.alternatives
    }

    /// Adds alternatives that a rule made of a group; tells their number.
    pub(super) fn add_try(&mut self, number: usize, first: Range<usize>) -> usize {
        self.alternatives = true;
        let tries = &mut self.groups[number].tries;
        tries.push(first);
        tries.len() - 1
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
