//! Which alert of Alertmanager belongs to which of Prometheus, without looking at every pair.
//!
//! Alerts whose labels have the same names have the same labels in common with all others of
//! such a kind, so that a look-up of their values finds those that agree. Of these the nearest in
//! time is looked for only as far as it is needed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::rc::Rc;

use chrono::DateTime;

use super::join::tells;
use crate::client::prometheus::Labels;

/// An alert: its labels, and when it began to fire, in Unix milliseconds.
pub(super) type Side<'a> = (&'a Labels, Option<i64>);

/// Alerts by the names of their labels.
type Kinds<'a> = BTreeMap<Vec<&'a str>, Vec<usize>>;

/// For each alert of the left that has one, its partner of the right: those with the most labels
/// in common first, then those that began at the same time. Each has one partner at most.
pub(super) fn partners(left: &[Side<'_>], right: &[Side<'_>]) -> BTreeMap<usize, usize> {
    let (lefts, rights) = (by_name(left), by_name(right));
    let mut groups = Vec::new();
    for (name, kinds) in &lefts {
        let Some(others) = rights.get(name) else { continue };
        for (own, mine) in kinds {
            for (other, theirs) in others {
                pair_up(&mut groups, (own, mine, left), (other, theirs, right));
            }
        }
    }
    greedy(&groups, left.len(), right.len())
}

fn by_name<'a>(side: &[Side<'a>]) -> BTreeMap<&'a str, Kinds<'a>> {
    let mut all: BTreeMap<&str, Kinds<'a>> = BTreeMap::new();
    for (at, (labels, _)) in side.iter().enumerate() {
        let name = labels.get("alertname").map_or("", String::as_str);
        let names = labels.keys().map(String::as_str).collect();
        all.entry(name).or_default().entry(names).or_default().push(at);
    }
    all
}

/// Alerts of the left that began at one time, and the alerts of the right that agree with them.
struct Group {
    common: usize,
    /// When all of the left began.
    time: Option<i64>,
    left: Vec<usize>,
    /// The right ones by time, shared by the groups of one look-up.
    right: Rc<Vec<(Option<i64>, usize)>>,
}

/// Names of labels, the alerts that have these, and all alerts of their side.
type Kind<'s, 'a> = (&'s [&'a str], &'s [usize], &'s [Side<'a>]);

/// Adds the groups of two kinds of alerts, if such alerts can be the same at all.
fn pair_up(
    groups: &mut Vec<Group>,
    (own, mine, left): Kind<'_, '_>,
    (other, theirs, right): Kind<'_, '_>,
) {
    let common: Vec<&str> =
        own.iter().copied().filter(|name| other.binary_search(name).is_ok()).collect();
    // Where no label could tell more, nothing was dropped.
    if !common.iter().any(|name| tells(name)) && own.iter().any(|name| tells(name)) {
        return;
    }
    let values = |(labels, _): &Side<'_>| -> Vec<String> {
        common.iter().filter_map(|name| labels.get(*name).cloned()).collect()
    };
    let mut agreeing: HashMap<Vec<String>, Vec<(Option<i64>, usize)>> = HashMap::new();
    for at in theirs {
        agreeing.entry(values(&right[*at])).or_default().push((right[*at].1, *at));
    }
    let mut found: BTreeMap<(Vec<String>, Option<i64>), Vec<usize>> = BTreeMap::new();
    for at in mine {
        found.entry((values(&left[*at]), left[*at].1)).or_default().push(*at);
    }
    let mut sorted: HashMap<Vec<String>, Rc<Vec<_>>> = HashMap::new();
    for ((values, time), left) in found {
        if let Some(mut right) = agreeing.remove(&values) {
            right.sort_unstable();
            sorted.insert(values.clone(), right.into());
        }
        if let Some(right) = sorted.get(&values) {
            let right = Rc::clone(right);
            groups.push(Group { common: common.len(), time, left, right });
        }
    }
}

/// The nearest alert of the right that is still free: how far away it is, and its number.
fn nearest(group: &Group, taken: &[bool]) -> Option<(u64, usize)> {
    let free = |(_, at): &&(Option<i64>, usize)| !taken[*at];
    let away = |time: Option<i64>| match (group.time, time) {
        (Some(own), Some(time)) => own.abs_diff(time),
        _ => u64::MAX,
    };
    let right = &group.right;
    if group.time.is_none() {
        return right.iter().filter(free).map(|(_, at)| (u64::MAX, *at)).min();
    }
    let middle = right.partition_point(|(time, _)| *time < group.time);
    let after = right[middle..].iter().find(free).map(|(time, at)| (away(*time), *at));
    // Of those at one time the first in number comes first.
    let before = right[..middle].iter().rev().find(free).map(|(time, _)| *time);
    let before = before.and_then(|time| {
        let start = right.partition_point(|(other, _)| *other < time);
        right[start..middle].iter().find(free).map(|(time, at)| (away(*time), *at))
    });
    after.into_iter().chain(before).min()
}

fn greedy(groups: &[Group], lefts: usize, rights: usize) -> BTreeMap<usize, usize> {
    let mut found = BTreeMap::new();
    let (mut done, mut taken) = (vec![false; lefts], vec![false; rights]);
    let mut next = vec![0; groups.len()];
    let mut queue = BinaryHeap::new();
    let mut again: Vec<usize> = (0..groups.len()).collect();
    loop {
        for number in again.drain(..) {
            let group = &groups[number];
            while group.left.get(next[number]).is_some_and(|at| done[*at]) {
                next[number] += 1;
            }
            let left = group.left.get(next[number]);
            if let Some((left, (apart, right))) = left.zip(nearest(group, &taken)) {
                queue.push(Reverse((Reverse(group.common), apart, *left, right, number)));
            }
        }
        let Some(Reverse((_, _, left, right, number))) = queue.pop() else { break };
        if !done[left] && !taken[right] {
            done[left] = true;
            taken[right] = true;
            found.insert(left, right);
        }
        again.push(number);
    }
    found
}

/// Unix milliseconds of a time.
pub(super) fn millis(time: Option<&String>) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(time?).ok()?.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many labels two alerts of one name have in common; `None` if they are not the same.
    fn common(own: &Labels, theirs: &Labels) -> Option<usize> {
        let both: Vec<&String> = own.keys().filter(|name| theirs.contains_key(*name)).collect();
        let same = both.iter().all(|name| own[*name] == theirs[*name]);
        let telling = both.iter().any(|name| tells(name)) || !own.keys().any(|name| tells(name));
        (same && telling).then_some(both.len())
    }

    /// Looks at every pair.
    fn plainly(left: &[Side<'_>], right: &[Side<'_>]) -> BTreeMap<usize, usize> {
        let mut pairs = Vec::new();
        for (l, (own, began)) in left.iter().enumerate() {
            for (r, (theirs, started)) in right.iter().enumerate() {
                if own.get("alertname") == theirs.get("alertname")
                    && let Some(common) = common(own, theirs)
                {
                    let apart = began.zip(*started).map_or(u64::MAX, |(a, b)| a.abs_diff(b));
                    pairs.push((Reverse(common), apart, l, r));
                }
            }
        }
        pairs.sort_unstable();
        let (mut found, mut taken) = (BTreeMap::new(), vec![false; right.len()]);
        for (_, _, l, r) in pairs {
            if !taken[r] && !found.contains_key(&l) {
                taken[r] = true;
                found.insert(l, r);
            }
        }
        found
    }

    fn alerts() -> impl Strategy<Value = Vec<(Labels, Option<i64>)>> {
        let labels = prop::collection::btree_map("[abc]|severity", "[xy]", 0..4);
        let one = (labels, "[AB]", prop::option::of(0_i64..5));
        let one = one.prop_map(|(mut labels, name, time)| {
            labels.insert("alertname".to_owned(), name);
            (labels.into_iter().collect(), time)
        });
        prop::collection::vec(one, 0..14)
    }

    proptest! {
        #[test]
        fn partners_are_those_of_all_pairs(left in alerts(), right in alerts()) {
            let left: Vec<Side<'_>> = left.iter().map(|(labels, time)| (labels, *time)).collect();
            let right: Vec<Side<'_>> = right.iter().map(|(labels, time)| (labels, *time)).collect();
            prop_assert_eq!(partners(&left, &right), plainly(&left, &right));
        }
    }
}
