//! Alternatives: queries that are asked only when others were answered and found nothing. What is
//! due of a group depends on answers alone and only grows, so that a tree which is built from all
//! answers at once is the same.

use super::Search;
use super::objects::Made;
use crate::model::Alternatives;

impl Search {
    /// Notes what a rule made of a group, and what of it is due by the answers known so far.
    pub(super) fn note_made(&mut self, group: usize, rule: usize, made: Alternatives) {
        let from = self.objects.group(group).made.len();
        let (all, first) = (made.all().len(), made.steps().next().map_or(0, <[_]>::len));
        let number = (first < all).then(|| self.objects.add_try(group, from..from + first));
        for (place, (query, next)) in made.into_places().enumerate() {
            let query = self.queries.number(query);
            if let Some(number) = number.filter(|_| next < all) {
                self.queries.waits(query).push((group, number));
            }
            let group = self.objects.group_mut(group);
            if place < first {
                group.due.push(from + place);
            }
            group.made.push(Made { rule, query, later: from + next..from + all });
        }
        if let Some(number) = number {
            self.advance(group, number);
        }
    }

    /// A query has ended: where it found nothing, what comes after it is due.
    pub(super) fn go_on(&mut self, query: usize) {
        let waits = self.queries.get(query).waits.to_vec();
        for (group, number) in waits {
            if !self.advance(group, number) {
                continue;
            }
            let users = self.queries.get(query).users.to_vec();
            for (child, call) in users {
                let Some(parent) = self.drafts[child].parent else { continue };
                let makers = self.drafts[child].calls[call].makers.to_vec();
                for (held, _) in makers {
                    if self.drafts[parent].held[held].expanded == group {
                        self.drafts[parent].work.due.push(held);
                        self.mark(parent);
                    }
                }
            }
        }
    }

    /// Goes on to what is due of alternatives; tells whether that is more than before.
    fn advance(&mut self, group: usize, number: usize) -> bool {
        let mut more = false;
        loop {
            let group = self.objects.group_mut(group);
            let step = group.tries[number].clone();
            let Some(Made { later, .. }) = group.made.get(step.start).cloned() else { break };
            let queries = group.made[step].iter();
            let nothing = |made: &Made| self.queries.get(made.query).found_nothing();
            if later.is_empty() || !queries.clone().all(nothing) {
                break;
            }
            let next = later.start..group.made[later.start].later.start;
            group.due.extend(next.clone());
            group.tries[number] = next;
            more = true;
        }
        more
    }
}
