//! One turn of a node: its queries, then its objects, then its children. A change reaches only
//! nodes that have their turn later: children, other holders of an object, and nodes further down
//! that have the same class. So one pass in the order of turns settles all.

use std::cmp::Reverse;
use std::sync::Arc;

use super::draft::{Draft, Held, NOWHERE, State};
use super::objects::Holder;
use super::queries::Reply;
use super::{Search, Wanted};
use crate::graph::{RunState, Weight};

impl Search {
    /// Gives a draft its turn.
    pub(super) fn mark(&mut self, at: usize) {
        let draft = &mut self.drafts[at];
        if !std::mem::replace(&mut draft.work.queued, true) {
            self.turns.push(Reverse((Arc::clone(&draft.turn), at)));
        }
    }

    /// A draft has its turn.
    pub(super) fn settle(&mut self, at: usize) {
        let work = std::mem::take(&mut self.drafts[at].work);
        let calls = if work.calls { self.order_calls(at) } else { work.answered };
        let mut touched = work.held;
        for call in calls {
            self.renew(at, call, &mut touched);
        }
        touched.sort_unstable();
        touched.dedup();
        let moved = self.place(at, &touched, work.calls);
        self.expand(at, &touched, &work.due, moved);
        self.sweep(at, &touched);
    }

    /// Puts the calls in order: by the first of the parent's objects that made them. Returns all
    /// that are to be looked at.
    #[expect(clippy::stable_sort_primitive, reason = "it is fast where most are in order")]
    fn order_calls(&mut self, at: usize) -> Vec<usize> {
        let Some(parent) = self.drafts[at].parent else { return Vec::new() };
        let mut calls = std::mem::take(&mut self.drafts[at].calls);
        let above = &self.drafts[parent].held;
        let objects = &self.objects;
        let mut order: Vec<((usize, usize), usize)> = Vec::with_capacity(calls.len());
        let mut gone = Vec::new();
        for (number, call) in calls.iter().enumerate() {
            let made = call.makers.iter().map(|&(held, place)| (above[held].at, place));
            match made.min() {
                Some(first) => order.push((first, number)),
                None if call.state.is_some() => gone.push(number),
                None => {}
            }
        }
        order.sort();
        for (place, (_, number)) in order.iter().enumerate() {
            let call = &mut calls[*number];
            call.at = place;
            call.guard = objects.with_alternatives()
                && call.makers.iter().any(|&(held, place)| {
                    !objects.group(above[held].expanded).made[place].later.is_empty()
                });
        }
        let was_alive = self.drafts[at].alive();
        let draft = &mut self.drafts[at];
        draft.calls = calls;
        draft.order = order.into_iter().map(|(_, number)| number).collect();
        draft.stale.runs = true;
        draft.stale.members = true;
        gone.extend(&draft.order);
        if was_alive != draft.alive() {
            self.enroll(at);
        }
        gone
    }

    /// Puts a draft into the rows of the tree, or takes it out.
    fn enroll(&mut self, at: usize) {
        let row = self.drafts[at].turn.row();
        match self.rows.binary_search_by(|&other| self.drafts[other].turn.row().cmp(&row)) {
            Ok(place) => {
                self.rows.remove(place);
            }
            Err(place) => self.rows.insert(place, at),
        }
    }

    /// Brings a call up to date, with the objects that it brings.
    fn renew(&mut self, at: usize, number: usize, touched: &mut Vec<usize>) {
        let call = &self.drafts[at].calls[number];
        let (query, from) = (call.query, call.state);
        let within = call.guard || call.at < self.bounds.queries;
        let stays = !call.makers.is_empty() && within;
        if stays && from == Some(State::Ended) {
            return;
        }
        let asked = self.queries.get(query);
        let to = if call.makers.is_empty() {
            None
        } else if !within {
            Some(State::Skipped)
        } else {
            Some(match asked.reply {
                Reply::Ended => State::Ended,
                _ if self.over => State::Cancelled,
                Reply::Pending | Reply::Unasked => State::Pending,
            })
        };
        if from == to {
            return;
        }
        let run = match to {
            Some(State::Skipped) => asked.marked(RunState::Skipped),
            Some(State::Cancelled) => asked.marked(RunState::Cancelled),
            _ => asked.run.clone(),
        };
        if to == Some(State::Pending) && asked.reply == Reply::Unasked {
            let cost = self.drafts[at].total;
            self.wanted.push(Wanted { query: asked.query().clone(), node: at, cost });
            self.queries.ask(query);
        }
        self.queries.count(query, from, to);
        let draft = &mut self.drafts[at];
        draft.calls[number].state = to;
        draft.calls[number].done = run.state == RunState::Done;
        draft.calls[number].run = run;
        draft.stale.runs = true;
        if to.is_none() {
            draft.spare_calls.push(number);
            self.queries.users(query).retain(|user| user.0 != at);
        }
        if (from == Some(State::Ended)) != (to == Some(State::Ended)) {
            self.bring(at, number, to.is_some_and(|state| state == State::Ended), touched);
        }
    }

    /// Takes in the objects of a call, or gives them back.
    fn bring(&mut self, at: usize, call: usize, take: bool, touched: &mut Vec<usize>) {
        let parts = Arc::clone(&self.queries.get(self.drafts[at].calls[call].query).parts);
        for (place, part) in parts.iter().enumerate() {
            let held = self.objects.held_by(part.number, at);
            let draft = &mut self.drafts[at];
            match held {
                Some(held) if take => draft.held[held].sources.push((call, place)),
                Some(held) => draft.held[held].sources.retain(|source| source.0 != call),
                None => {}
            }
            if let Some(held) = held {
                touched.push(held);
            } else if take {
                let weight = Weight::of(&part.object, self.focus);
                let held = Held::new(part.clone(), weight, (call, place));
                touched.push(self.hold(at, held));
            }
        }
    }

    /// Puts a new object into a draft.
    pub(super) fn hold(&mut self, at: usize, new: Held) -> usize {
        let (draft, number) = (&mut self.drafts[at], new.part.number);
        let held = draft.spare_held.pop().unwrap_or(draft.held.len());
        match draft.held.get_mut(held) {
            Some(place) => *place = new,
            None => draft.held.push(new),
        }
        let turn = &self.drafts[at].turn;
        let holders = self.objects.holders(number);
        let place = holders.partition_point(|holder| self.drafts[holder.draft].turn < *turn);
        holders.insert(place, Holder { draft: at, held });
        held
    }

    /// Forgets what has gone.
    fn sweep(&mut self, at: usize, touched: &[usize]) {
        let draft = &mut self.drafts[at];
        if !draft.alive() {
            draft.clear();
            return;
        }
        let Draft { held, spare_held, .. } = draft;
        spare_held.extend(touched.iter().filter(|&&touched| {
            let held = &held[touched];
            held.sources.is_empty() && held.expanded == NOWHERE
        }));
    }
}
