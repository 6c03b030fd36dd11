//! The selector of alerts: maps of labels, any of which may match, or label matchers.

use serde::{Serialize, Serializer};

use crate::model::{
    Compact, Demand, MatchOp, Matcher, Object, Path, Selector, SelectorError, UniqueMap,
    is_matchers, parse_matchers,
};

/// Which alerts: those that fulfil all matchers of one of the lists.
#[derive(Clone, Debug)]
pub struct AlertSelector(Vec<Vec<Matcher>>);

impl AlertSelector {
    /// Reads one map that is canonical already; `None` if it may not be.
    pub(super) fn canonical(text: &str) -> Option<Self> {
        let mut matchers = Vec::new();
        Compact::read(text, |reader, name| {
            matchers.push(Matcher::equal(name, reader.text()?));
            Some(())
        })?;
        Some(Self(vec![matchers]))
    }

    /// Reads `{label: value}`, a list of such maps, or `{label=~"regex"}`.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let text = text.trim();
        let mut any = if is_matchers(text) {
            let (matchers, end) = parse_matchers(text)?;
            if !text[end..].trim().is_empty() {
                return Err(SelectorError::at(end, "nothing may follow the matchers"));
            }
            vec![matchers]
        } else if text.starts_with(['[', '-']) {
            let maps: Vec<UniqueMap<String>> = SelectorError::parse_yaml(text)?;
            if maps.is_empty() {
                return Err(SelectorError::at(
                    0,
                    "an empty list selects nothing: write {} for all",
                ));
            }
            maps.iter().map(equalities).collect()
        } else if text.is_empty() {
            return Err(SelectorError::at(0, "the selector is empty: write {} for all alerts"));
        } else {
            vec![equalities(&SelectorError::parse_yaml(text)?)]
        };
        for matchers in &mut any {
            matchers.sort();
            matchers.dedup();
        }
        any.sort();
        any.dedup();
        Ok(Self(any))
    }
}

fn equalities(UniqueMap(map): &UniqueMap<String>) -> Vec<Matcher> {
    map.iter().map(|(name, value)| Matcher::equal(name, value)).collect()
}

impl Selector for AlertSelector {
    fn text(&self) -> String {
        if !self.0.iter().all(|matchers| is_map(matchers)) {
            return self.0.iter().map(|matchers| Matcher::selector(matchers)).collect();
        }
        let maps: Vec<Map<'_>> = self.0.iter().map(|matchers| Map(matchers)).collect();
        let text = match maps.as_slice() {
            [map] => serde_json::to_string(map),
            maps => serde_json::to_string(maps),
        };
        text.unwrap_or_default()
    }

    fn matches(&self, object: &Object) -> Option<bool> {
        let label = |name: &str| {
            let of = |part: &str| object.body.get(part)?.get(name)?.as_str();
            of("labels").or_else(|| of("externalLabels"))
        };
        Some(self.0.iter().any(|matchers| Matcher::all(matchers, label)))
    }

    fn demands(&self) -> Vec<Demand> {
        let [matchers] = &self.0[..] else { return Vec::new() };
        let equal = |one: &&Matcher| one.op() == MatchOp::Equal && !one.value().is_empty();
        let places = |name| ["labels", "externalLabels"].map(|part| Path::of(&[part, name]));
        matchers
            .iter()
            .filter(equal)
            .map(|one| Demand {
                places: places(one.name()).into(),
                values: vec![one.value().to_owned()],
            })
            .collect()
    }
}

/// Whether matchers, which are sorted, are equalities of different labels: a map of labels.
fn is_map(matchers: &[Matcher]) -> bool {
    matchers.iter().all(|matcher| matcher.op() == MatchOp::Equal)
        && matchers.windows(2).all(|pair| pair[0].name() != pair[1].name())
}

/// Matchers as a map of labels.
struct Map<'m>(&'m [Matcher]);

impl Serialize for Map<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|matcher| (matcher.name(), matcher.value())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::Class;

    fn printed(text: &str) -> String {
        AlertSelector::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}")).text()
    }

    #[test]
    fn equal_selectors_print_equally() {
        for (text, expected) in [
            ("{namespace: shop, alertname: X}", r#"{"alertname":"X","namespace":"shop"}"#),
            (r#"{namespace="shop",alertname="X"}"#, r#"{"alertname":"X","namespace":"shop"}"#),
            ("{code: 500, on: yes, zero: 007}", r#"{"code":"500","on":"yes","zero":"007"}"#),
            ("[{b: x}, {a: y}, {b: x}]", r#"[{"a":"y"},{"b":"x"}]"#),
            ("[{a: y}]", r#"{"a":"y"}"#),
            ("{}", "{}"),
            (r#"{b!="x", a=~"Kube.*"}"#, r#"{a=~"Kube.*",b!="x"}"#),
        ] {
            assert_eq!(printed(text), expected, "{text}");
        }
    }

    #[test]
    fn canonical_maps_are_read_quickly() {
        for (text, quick) in [
            (r#"{"alertname":"X","namespace":"shop"}"#, true),
            (r#"{"a":""}"#, true),
            (r#"{"b":"x","a":"y"}"#, false),
            (r#"{"a":"x","a":"y"}"#, false),
            (r#"{"a": "x"}"#, false),
            (r#"{"a":"\u0041"}"#, false),
            (r#"{"a":1}"#, false),
            (r#"{"a":"x"}}"#, false),
            (r#"[{"a":"x"}]"#, false),
            ("{}", false),
        ] {
            let read = AlertSelector::canonical(text);
            assert_eq!(read.is_some(), quick, "{text}");
            assert!(read.is_none_or(|read| read.text() == text), "{text}");
        }
    }

    #[test]
    fn faults_say_what_and_where() {
        for (text, offset, words) in [
            (r#"{alertname=~"("}"#, Some(12), "regular expression"),
            (r#"{a="x"} | b"#, Some(7), "follow"),
            ("{alertname: X", None, ""),
            ("", None, ""),
            ("X", None, ""),
            ("[]", Some(0), "selects nothing"),
            ("{a: {b: c}}", None, ""),
            (r#"{"a": "x", "a": "y"}"#, None, ""),
        ] {
            let fault = AlertSelector::parse(text).expect_err(text);
            assert!(offset.is_none() || fault.offset == offset, "{text}: {fault:?}");
            assert!(fault.message.contains(words), "{text}: {fault}");
        }
    }

    #[test]
    fn alerts_match_by_every_label() {
        let body = json!({
            "labels": {"alertname": "KubeJobFailed", "namespace": "shop"},
            "externalLabels": {"cluster": "eu"},
        });
        let alert = Object::new(Class::new("alert", "alert"), "1", body);
        for (text, expected) in [
            ("{alertname: KubeJobFailed}", true),
            ("{alertname: KubeJobFailed, namespace: x}", false),
            ("[{namespace: x}, {namespace: shop}]", true),
            ("{cluster: eu}", true),
            (r#"{alertname=~"Kube"}"#, false),
            (r#"{alertname=~"Kube.*"}"#, true),
            (r#"{severity=""}"#, true),
            ("{severity: ''}", true),
            (r#"{namespace!="shop"}"#, false),
            ("{}", true),
        ] {
            let selector = AlertSelector::parse(text).unwrap();
            assert_eq!(selector.matches(&alert), Some(expected), "{text}");
        }
    }

    fn matchers() -> impl Strategy<Value = String> {
        let one = ("[a-z_]{1,6}", prop_oneof!["=", "!="], ".{0,8}");
        prop::collection::vec(one, 1..4).prop_map(|all| {
            let all = all
                .iter()
                .map(|(name, op, value)| format!("{name}{op}{}", crate::model::quote(value)));
            format!("{{{}}}", all.collect::<Vec<_>>().join(" , "))
        })
    }

    fn maps() -> impl Strategy<Value = String> {
        let map = prop::collection::btree_map(".{0,6}", ".{0,8}", 0..4);
        prop::collection::vec(map, 1..3)
            .prop_map(|maps| serde_json::to_string(&maps).expect("JSON"))
    }

    proptest! {
        #[test]
        fn printed_selectors_are_fixed_points(text in prop_oneof![matchers(), maps()]) {
            let once = AlertSelector::parse(&text).map_err(|fault| TestCaseError::fail(fault.message))?.text();
            prop_assert_eq!(printed(&once), once.as_str());
            // What is read quickly is the same; in debug builds its text is compared, too.
            if let Some(quick) = AlertSelector::canonical(&once) {
                prop_assert_eq!(quick.0, AlertSelector::parse(&once).expect("parses").0);
            }
        }
    }
}
