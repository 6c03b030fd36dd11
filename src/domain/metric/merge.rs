//! Many selectors as few: those that differ by the value of one label become one with a regular
//! expression, and calls are only as long as a URL may be.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{MatchOp, Matcher};

/// The longest that the selectors of one call may be in a URL, in bytes: proxies refuse lines of
/// more than 8 KiB.
const LONGEST: usize = 6500;

/// The matchers that selectors have in common, and the values of the label by which they differ.
type Alike<'s> = (Vec<Matcher>, BTreeSet<&'s str>);

/// The selectors of several queries, each once, as few texts that select the same series together, sorted.
pub(super) fn texts(selectors: &[&[Matcher]]) -> Vec<String> {
    let mut count: HashMap<(String, &str), usize> = HashMap::new();
    for selector in selectors {
        for (at, matcher) in varying(selector) {
            *count.entry((rest(selector, at), matcher.name())).or_default() += 1;
        }
    }
    let mut merged: BTreeMap<(String, &str), Alike<'_>> = BTreeMap::new();
    let mut texts = BTreeSet::new();
    for selector in selectors {
        let keys = varying(selector).map(|(at, matcher)| {
            let key = (rest(selector, at), matcher.name());
            (count[&key], key, at)
        });
        match keys.max().filter(|(count, ..)| *count > 1) {
            None => drop(texts.insert(Matcher::selector(selector))),
            Some((_, key, at)) => {
                let others = || without(selector, at).cloned().collect();
                let entry = merged.entry(key).or_insert_with(|| (others(), BTreeSet::new()));
                entry.1.insert(selector[at].value());
            }
        }
    }
    for ((_, label), (mut matchers, values)) in merged {
        matchers.push(Matcher::one_of(label, &values));
        matchers.sort();
        texts.insert(Matcher::selector(&matchers));
    }
    texts.into_iter().collect()
}

/// The matchers of a selector whose value may differ from that of another.
fn varying(selector: &[Matcher]) -> impl Iterator<Item = (usize, &Matcher)> {
    let differs = |matcher: &Matcher| {
        matcher.op() == MatchOp::Equal
            && matcher.name() != "__name__"
            && !matcher.value().is_empty()
    };
    selector.iter().enumerate().filter(move |(_, matcher)| differs(matcher))
}

fn without(selector: &[Matcher], at: usize) -> impl Iterator<Item = &Matcher> {
    selector.iter().enumerate().filter(move |(other, _)| *other != at).map(|(_, matcher)| matcher)
}

fn rest(selector: &[Matcher], at: usize) -> String {
    without(selector, at).map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Whether texts are short enough for the URL of one call.
pub(super) fn fits(texts: &[String]) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let long = |text: &String| -> usize {
        let bytes: usize = text.bytes().map(|byte| if plain(byte) { 1 } else { 3 }).sum();
        bytes + "&match%5B%5D=".len()
    };
    texts.iter().map(long).sum::<usize>() <= LONGEST
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::parse_matchers;

    fn merged(all: &[&str]) -> Vec<String> {
        let all: Vec<Vec<Matcher>> =
            all.iter().map(|text| parse_matchers(text).expect("matchers").0).collect();
        texts(&all.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    #[test]
    fn selectors_that_differ_by_one_label_are_one() {
        for (all, expected) in [
            (
                &[r#"{namespace="shop",pod="web-a"}"#, r#"{namespace="shop",pod="web-b"}"#][..],
                vec![r#"{namespace="shop",pod=~"web-(?:a|b)"}"#],
            ),
            (
                &[r#"{a="x",p="1"}"#, r#"{a="x",p="2"}"#, r#"{a="x",p="3"}"#, r#"{a="y",p="1"}"#],
                vec![r#"{a="x",p=~"1|2|3"}"#, r#"{a="y",p="1"}"#],
            ),
            (
                &[r#"{__name__="up",a=~"x"}"#, r#"{__name__="down",a=~"x"}"#],
                vec![r#"{__name__="down",a=~"x"}"#, r#"{__name__="up",a=~"x"}"#],
            ),
            (&[r#"{a="",b="x"}"#, r#"{a="1",b="x"}"#], vec![r#"{a="",b="x"}"#, r#"{a="1",b="x"}"#]),
        ] {
            assert_eq!(merged(all), expected);
        }
    }

    proptest! {
        #[test]
        fn merged_selectors_select_the_same(
            all in prop::collection::btree_set(
                prop::collection::btree_map("[abc]", "[xy-]{1,3}", 1..4), 1..8),
            series in prop::collection::btree_map("[abc]", "[xy-]{1,3}", 0..4),
        ) {
            let all: Vec<Vec<Matcher>> = all
                .iter()
                .map(|map| map.iter().map(|(name, value)| Matcher::equal(name, value)).collect())
                .collect();
            let label = |name: &str| series.get(name).map(String::as_str);
            let alone = all.iter().any(|matchers| Matcher::all(matchers, label));
            let texts = texts(&all.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let together = texts.iter().any(|text| {
                Matcher::all(&parse_matchers(text).expect("matchers").0, label)
            });
            prop_assert_eq!(alone, together, "{:?}", texts);
        }
    }
}
