//! The objects of a node: their order, and which of them are expanded here.
//!
//! An object is expanded on the cheapest path. A path that still looks for a goal which the
//! cheaper ones had been at takes it again: it may go on where they could not.

use std::sync::Arc;

use super::Search;
use super::draft::{Draft, NOWHERE};
use crate::graph::Weight;

impl Search {
    /// Puts objects into their places: those that were touched, or all if the calls changed
    /// places. Returns whether one that had a place has another one now.
    pub(super) fn place(&mut self, at: usize, touched: &[usize], all: bool) -> bool {
        if touched.is_empty() && !all {
            return false;
        }
        for &held in touched {
            self.refresh(at, held);
        }
        if all {
            let several = |held: &usize| self.drafts[at].held[*held].sources.len() > 1;
            let several: Vec<usize> = (0..self.drafts[at].held.len()).filter(several).collect();
            for held in several {
                self.refresh(at, held);
            }
        }
        let moved = self.reorder(at, touched, all);
        for &held in touched {
            self.admit(at, held);
        }
        moved
    }

    /// Sets an object to what the first call that brings it says.
    fn refresh(&mut self, at: usize, number: usize) {
        let draft = &mut self.drafts[at];
        let held = &mut draft.held[number];
        let first = held.sources.iter().min_by_key(|source| (draft.calls[source.0].at, source.1));
        let Some(&(call, place)) = first else { return };
        let part = &self.queries.get(draft.calls[call].query).parts[place];
        if !Arc::ptr_eq(held.object(), &part.object) {
            held.part = part.clone();
            held.weight = Weight::of(&part.object, self.focus);
        }
        if let Some(above) = draft.above {
            held.barred = self.objects.held_by(held.part.number, above).is_some();
        }
    }

    #[expect(clippy::stable_sort_primitive, reason = "it is fast where most are in order")]
    fn reorder(&mut self, at: usize, touched: &[usize], all: bool) -> bool {
        let Draft { held, shown, calls, stale, .. } = &mut self.drafts[at];
        let entry = |number: usize| {
            let sources = held[number].sources.iter();
            let first = sources.map(|&(call, place)| (calls[call].at, place)).min()?;
            (!held[number].barred).then_some((first, number))
        };
        if all {
            *shown = (0..held.len()).filter_map(entry).collect();
        } else {
            shown.retain(|(_, number)| touched.binary_search(number).is_err());
            shown.extend(touched.iter().copied().filter_map(entry));
        }
        shown.sort();
        stale.members = true;
        for &number in touched {
            if held[number].barred || held[number].sources.is_empty() {
                held[number].at = NOWHERE;
            }
        }
        let mut moved = false;
        for (place, (_, number)) in shown.iter().enumerate() {
            let before = std::mem::replace(&mut held[*number].at, place);
            moved |= before != NOWHERE && before != place;
        }
        moved
    }

    /// Tells others of an object that came or went.
    pub(super) fn admit(&mut self, at: usize, number: usize) {
        let held = &mut self.drafts[at].held[number];
        let (object, gone) = (held.part.number, held.sources.is_empty());
        let fresh = std::mem::take(&mut held.fresh);
        if !fresh && !gone {
            return;
        }
        if gone {
            self.objects.holders(object).retain(|holder| holder.draft != at);
        }
        if self.drafts[at].dead_end() {
            return;
        }
        self.claim(at, object);
        for echo in self.drafts[at].echoes.clone() {
            if let Some(held) = self.objects.held_by(object, echo) {
                self.drafts[echo].work.held.push(held);
                self.mark(echo);
            }
        }
    }

    /// Says anew which of its holders expand an object. Only holders whose turn is later than
    /// that of the one which came or went can change their mind.
    fn claim(&mut self, at: usize, object: usize) {
        let mut before = u64::MAX;
        for holder in self.objects.holders(object).to_vec() {
            let draft = &mut self.drafts[holder.draft];
            if draft.dead_end() {
                continue;
            }
            let seen = before & !draft.reached == 0;
            if !seen {
                before &= draft.reached;
            }
            let was = std::mem::replace(&mut draft.held[holder.held].seen, seen);
            if was != seen {
                draft.stale.members = true;
                if holder.draft != at {
                    self.mark(holder.draft);
                }
            }
        }
    }
}
