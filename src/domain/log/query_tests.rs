//! Log selectors: printing, faults, matching, and fixed points.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{Class, quote};

fn printed(text: &str) -> String {
    LogSelector::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}")).text()
}

#[test]
fn equal_selectors_print_equally() {
    for (text, expected) in [
        ("{namespace: shop, name: db-0}", r#"{"name":"db-0","namespace":"shop"}"#),
        (r#"{"namespace":"shop","previous":false}"#, r#"{"namespace":"shop"}"#),
        ("{containers: [b, a, b], previous: true}", r#"{"containers":["a","b"],"previous":true}"#),
        ("{labels: {app.kubernetes.io/name: x}}", r#"{"labels":{"app.kubernetes.io/name":"x"}}"#),
        ("{}", "{}"),
        ("{node: n1, units: [kubelet, crio]}", r#"{"node":"n1","units":["crio","kubelet"]}"#),
        ("{node: n1}", r#"{"node":"n1"}"#),
        (r#"{pod="db-0",namespace="shop"}"#, r#"{namespace="shop",pod="db-0"}"#),
        ("{a=`x`}|=\"b  c\"\n  |  json # why\n| x=`1`", r#"{a="x"} |="b  c" | json | x=`1`"#),
    ] {
        assert_eq!(printed(text), expected, "{text}");
    }
}

#[test]
fn canonical_selectors_are_read_quickly() {
    for (text, quick) in [
        (r#"{"containers":["a","b"],"name":"db-0","namespace":"shop"}"#, true),
        (r#"{"labels":{"app":"db"}}"#, true),
        (r#"{"node":"n1","units":["crio","kubelet"]}"#, true),
        (r#"{"node":"n1"}"#, true),
        (r#"{"units":["crio"]}"#, false),
        (r#"{"name":"x","node":"n1"}"#, false),
        (r#"{"namespace":"shop","units":["crio"]}"#, false),
        (r#"{"containers":["b","a"]}"#, false),
        (r#"{"containers":[]}"#, false),
        (r#"{"name":"x","previous":true}"#, false),
        (r#"{namespace="shop"}"#, false),
    ] {
        let read = LogSelector::canonical(text);
        assert_eq!(read.is_some(), quick, "{text}");
        assert!(read.is_none_or(|read| read.text() == text), "{text}");
    }
    for text in [r#"{"name":"x","node":"n1"}"#, r#"{"namespace":"shop","units":["crio"]}"#] {
        assert!(LogSelector::parse(text).is_err(), "{text}");
    }
    assert_eq!(printed(r#"{"nod\u0065":"n1"}"#), r#"{"node":"n1"}"#);
}

#[test]
fn faults_say_what_and_where() {
    for (text, offset, words) in [
        ("{namespac: shop}", None, "namespac"),
        ("{node: n1, unit: kubelet}", None, "units"),
        ("", Some(0), "starts with {"),
        (r#"sum(rate({a="x"}[5m]))"#, Some(0), "starts with {"),
        (r#"{a="x"} error"#, Some(8), "line filter"),
        (r#"{a="x"}[5m]"#, Some(7), "line filter"),
        (r#"{a="x"} |= "b"#, Some(11), "closing quote"),
        (r#"{a="x"} | json | (b"#, Some(17), "never closed"),
        (r#"{a="x"} | json )"#, Some(15), "nothing is open"),
        (r#"{a="x"} |"#, Some(8), "has to follow"),
        (r#"{a="x"} |~ "("#, Some(11), "closing quote"),
        (r#"{a="x"} |~ "(""#, Some(8), "regular expression"),
        (r#"{a=~".*"}"#, Some(0), "empty string"),
        (r#"{a="x""#, Some(6), "expected , or }"),
    ] {
        let fault = LogSelector::parse(text).expect_err(text);
        assert!(offset.is_none() || fault.offset == offset, "{text}: {fault:?}");
        assert!(fault.message.contains(words), "{text}: {fault}");
    }
}

#[test]
fn lines_match() {
    let body = json!({
        "body": "level=error msg=\"no space left\"",
        "namespace": "shop", "pod": "db-0", "container": "db",
        "labels": {"namespace": "shop", "app_kubernetes_io_name": "db", "kubernetes_labels_tier": "1"},
    });
    let line = Object::new(Class::new("log", "application"), "1", body);
    for (text, expected) in [
        ("{}", Some(true)),
        ("{namespace: shop, name: db-0}", Some(true)),
        ("{namespace: shop, name: db-1}", Some(false)),
        ("{containers: [db, x]}", Some(true)),
        ("{containers: [x]}", Some(false)),
        ("{previous: true}", Some(false)),
        ("{labels: {app.kubernetes.io/name: db, tier: '1'}}", Some(true)),
        ("{labels: {app.kubernetes.io/name: x}}", Some(false)),
        ("{labels: {unknown: x}}", Some(false)),
        ("{labels: {tier: '2', unknown: x}}", Some(false)),
        (r#"{namespace="shop"}"#, Some(true)),
        (r#"{namespace=~"sh"}"#, Some(false)),
        (r#"{namespace="shop"} |= "space" != "warn""#, Some(true)),
        (r#"{namespace="shop"} |= "warn" or "space""#, Some(true)),
        (r#"{namespace="shop"} |~ "sp.ce left" !~ `^x`"#, Some(true)),
        (r#"{namespace="shop"} != "space""#, Some(false)),
        (r#"{namespace="shop"} | logfmt"#, None),
        (r#"{namespace="shop"} |= "warn" | logfmt"#, Some(false)),
        (r#"{namespace="shop"} |= ip("10.0.0.0/8")"#, None),
        (r#"{namespace="x"} | logfmt"#, Some(false)),
    ] {
        let selector = LogSelector::parse(text).unwrap();
        assert_eq!(selector.matches(&line), expected, "{text}");
    }
}

fn logql() -> impl Strategy<Value = String> {
    let matcher = ("[a-z_]{1,5}", prop_oneof!["=", "!="], ".{0,6}")
        .prop_map(|(name, op, value)| format!(" {name} {op} {} ", quote(&value)));
    let stage = prop_oneof![
        ".{0,8}".prop_map(|text| format!("|= {}", quote(&text))),
        "[^`]{0,8}".prop_map(|text| format!("!=`{text}`")),
        Just("|  json".to_owned()),
        Just("\n| label_format a=\"{{.b}}\"".to_owned()),
        Just("# note\n".to_owned()),
        Just("| x > 5 or ( y  = `z` )".to_owned()),
    ];
    (prop::collection::vec(matcher, 0..3), prop::collection::vec(stage, 0..4)).prop_map(
        |(matchers, stages)| {
            let mut all = vec!["keep=\"1\"".to_owned()];
            all.extend(matchers);
            format!("{{{}}} {}", all.join(","), stages.join("  "))
        },
    )
}

fn pods() -> impl Strategy<Value = String> {
    let maybe = || prop::option::of(".{0,6}");
    let labels = prop::collection::btree_map(".{0,6}", ".{0,6}", 0..3);
    (maybe(), maybe(), labels, prop::collection::vec(".{0,5}", 0..3), any::<bool>()).prop_map(
        |(namespace, name, labels, containers, previous)| {
            let pods = PodLogs { containers, labels, name, namespace, previous, trace: None };
            serde_json::to_string(&pods).expect("JSON")
        },
    )
}

proptest! {
    #[test]
    fn printed_selectors_are_fixed_points(text in prop_oneof![logql(), pods()]) {
        let once = LogSelector::parse(&text)
            .map_err(|fault| TestCaseError::fail(format!("{text}: {fault}")))?
            .text();
        prop_assert_eq!(printed(&once), once.as_str());
        if let Some(quick) = LogSelector::canonical(&once) {
            let read = LogSelector::parse(&once).expect("parses");
            prop_assert_eq!(format!("{quick:?}"), format!("{read:?}"));
        }
    }
}
