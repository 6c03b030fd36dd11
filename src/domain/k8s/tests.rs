//! What queries select and how they print; what objects look like.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::{self, Domains};

fn domains() -> Domains {
    Domains::new(vec![Arc::new(K8s::new())])
}

fn made(class: &str, body: Value) -> Object {
    let domains = domains();
    domains.object(&domains.class(class).expect(class), body).expect("the domain is there")
}

#[test]
fn queries_print_canonically() {
    for (text, canonical) in [
        (
            "k8s:Pod:{namespace: shop, name: db-0}",
            r#"k8s:Pod.v1:{"name":"db-0","namespace":"shop"}"#,
        ),
        ("k8s:po:", "k8s:Pod.v1:{}"),
        ("k8s:Pod:{}", "k8s:Pod.v1:{}"),
        (r#"k8s:Node:{"namespace": "x", "name": "n"}"#, r#"k8s:Node.v1:{"name":"n"}"#),
        ("k8s:Pod:{labels: {b: '2', a: 1}}", r#"k8s:Pod.v1:{"labels":{"a":"1","b":"2"}}"#),
        ("k8s:Pod:{labels: 'b=2,a in (1)'}", r#"k8s:Pod.v1:{"labels":{"a":"1","b":"2"}}"#),
        ("k8s:Pod:{labels: 'a in (y,x),!b'}", r#"k8s:Pod.v1:{"labels":"a in (x,y),!b"}"#),
        ("k8s:Pod:{labels: {}, fields: {}, match: {}}", "k8s:Pod.v1:{}"),
        ("k8s:Service:{selects: {}}", r#"k8s:Service.v1:{"selects":{}}"#),
        ("k8s:Pod:{match: {spec.a: [b, a, b]}}", r#"k8s:Pod.v1:{"match":{"spec.a":["a","b"]}}"#),
        ("k8s:Pod:{match: {spec.a: [b]}}", r#"k8s:Pod.v1:{"match":{"spec.a":"b"}}"#),
        (
            "k8s:Pod:{fields: {spec.nodeName: node-1}}",
            r#"k8s:Pod.v1:{"fields":{"spec.nodeName":"node-1"}}"#,
        ),
    ] {
        let query = domains().query(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!(query.text(), canonical, "{text}");
        assert_eq!(domains().query(canonical).expect(canonical), query);
    }
}

#[test]
fn faults_of_selectors_say_what_and_where() {
    for (selector, offset, words) in [
        ("{nam: x}", Some(1), "expected one of"),
        ("{namespace: x", None, ""),
        ("[a]", Some(0), ""),
        ("{labels: 'app in web'}", Some(17), "expected '('"),
        ("{labels: {app: a b}}", None, "cannot be a label"),
        ("{match: {'a..b': x}}", Some(10), "a key is missing"),
        ("{namespace: shop, name: ''}", Some(18), "name is empty"),
    ] {
        let class = Class::new("k8s", "Pod.v1");
        let fault = K8s::new().parse(&class, selector).expect_err(selector);
        assert!(fault.message.contains(words), "{selector}: {}", fault.message);
        if offset.is_some() {
            assert_eq!(fault.offset, offset, "{selector}: {}", fault.message);
        }
    }
}

#[test]
fn queries_are_decided_locally() {
    let pod = made(
        "k8s:Pod",
        json!({"metadata": {"name": "db-0", "namespace": "shop", "labels": {"app": "db"}},
            "spec": {"nodeName": "n1", "hostNetwork": true, "volumes": [{"name": "tmp"},
                {"persistentVolumeClaim": {"claimName": "data-0"}}],
                "containers": [{"ports": [{"containerPort": 80}]}]}}),
    );
    for (selector, expected) in [
        ("{}", true),
        ("{namespace: shop, name: db-0}", true),
        ("{namespace: shop, name: db-1}", false),
        ("{namespace: other}", false),
        ("{labels: {app: db}}", true),
        ("{labels: '!app'}", false),
        ("{fields: {spec.nodeName: n1, metadata.name: db-0, status.phase: ''}}", true),
        ("{fields: {spec.nodeName: n2}}", false),
        ("{fields: {spec.hostNetwork: 'true'}}", true),
        ("{match: {'spec.volumes[*].persistentVolumeClaim.claimName': data-0}}", true),
        ("{match: {'spec.volumes[*].persistentVolumeClaim.claimName': [x, data-0]}}", true),
        ("{match: {'spec.volumes[*].persistentVolumeClaim.claimName': []}}", false),
        ("{match: {'spec.containers[*].ports[*].containerPort': '80'}}", true),
        ("{match: {'spec.nothing': x}}", false),
        ("{selects: {app: db}}", false),
    ] {
        let query = domains().query(&format!("k8s:Pod:{selector}")).expect(selector);
        assert_eq!(query.matches(&pod), Some(expected), "{selector}");
    }
}

#[test]
fn times_of_events_are_the_last_ones() {
    let created = "2026-11-23T05:00:00Z";
    for (body, last) in [
        (json!({"lastTimestamp": "2026-11-23T05:03:00Z", "eventTime": null}), "05:03:00"),
        (
            json!({"lastTimestamp": null, "eventTime": "2026-11-23T05:01:00.000001Z",
                "series": {"count": 3, "lastObservedTime": "2026-11-23T05:04:00.000000Z"}}),
            "05:04:00",
        ),
        (json!({"eventTime": "2026-11-23T05:02:00.000000Z"}), "05:02:00"),
        (json!({"firstTimestamp": "2026-11-23T05:01:00Z"}), "05:01:00"),
        (json!({"lastTimestamp": "garbage"}), "05:00:00"),
    ] {
        let mut body = body;
        body["metadata"] = json!({"name": "e", "namespace": "shop", "creationTimestamp": created});
        let event = made("k8s:Event", body);
        let time = event.time.expect("has a time").format("%T").to_string();
        assert_eq!((time.as_str(), event.end), (last, event.time));
    }
}

#[test]
fn secrets_lose_what_is_secret() {
    let note = "kubectl.kubernetes.io/last-applied-configuration";
    let body = json!({"data": {"password": "aHVudGVyMg=="}, "stringData": {"a": "hunter2"},
        "metadata": {"name": "s", "namespace": "shop", "managedFields": [{}],
            "annotations": {note: "{\"data\":\"aHVudGVyMg==\"}", "team": "a"}}});
    let secret = made("k8s:Secret", body.clone());
    let text = secret.body.to_string();
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
    assert_eq!(secret.body["metadata"]["annotations"], json!({"team": "a"}));
    assert_eq!((secret.text("/kind"), secret.text("/apiVersion")), (Some("Secret"), Some("v1")));
    let map = made("k8s:ConfigMap", body);
    assert!(map.body["data"].is_object());
    assert!(map.body["metadata"].get("managedFields").is_none());
}

#[test]
fn previews_use_the_words_of_kubectl() {
    let waiting =
        |reason: &str| json!([{"restartCount": 14, "state": {"waiting": {"reason": reason}}}]);
    for (class, rest, expected) in [
        (
            "k8s:Pod",
            json!({"spec": {"nodeName": "node-3", "containers": [{}]},
                "status": {"phase": "Running", "containerStatuses": waiting("CrashLoopBackOff")}}),
            "x 0/1 CrashLoopBackOff restarts 14 node-3",
        ),
        (
            "k8s:Pod",
            json!({"spec": {"containers": [{}], "initContainers": [{"name": "a"}, {"name": "b"}]},
                "status": {"phase": "Pending", "initContainerStatuses": [
                    {"name": "a", "state": {"terminated": {"exitCode": 0}}},
                    {"name": "b", "state": {"running": {}}}]}}),
            "x 0/1 Init:1/2",
        ),
        (
            "k8s:Pod",
            json!({"spec": {"containers": [{}]}, "status": {"phase": "Failed", "reason": "Evicted"}}),
            "x 0/1 Evicted",
        ),
        (
            "k8s:Event",
            json!({"type": "Warning", "reason": "BackOff", "count": 14, "message": "Back-off\u{1b}[2J"}),
            "Warning BackOff x14: Back-off",
        ),
        (
            "k8s:Node",
            json!({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}),
            "x NotReady",
        ),
        (
            "k8s:Deployment",
            json!({"spec": {"replicas": 3}, "status": {"readyReplicas": 2}}),
            "x 2/3 ready",
        ),
        (
            "k8s:PersistentVolumeClaim",
            json!({"status": {"phase": "Bound", "capacity": {"storage": "10Gi"}}}),
            "x Bound 10Gi",
        ),
        ("k8s:ConfigMap", json!({"data": {"a.yaml": "", "b": ""}}), "x a.yaml,b"),
        ("k8s:Thing.v1.example.org", json!({"status": {"phase": "Degraded"}}), "x Degraded"),
        ("k8s:Lease", json!({}), "x"),
        ("k8s:Pod", json!({"spec": 3, "status": [1], "metadata": {"name": "x"}}), "x 0/0 "),
    ] {
        let mut body = rest;
        body["metadata"] = json!({"name": "x", "namespace": "shop"});
        assert_eq!(made(class, body).preview, expected, "{class}");
    }
}

#[test]
fn identity_is_namespace_and_name() {
    let meta = json!({"metadata": {"name": "db-0", "namespace": "shop"}});
    assert_eq!(&*made("k8s:Pod", meta).id, "shop/db-0");
    assert_eq!(&*made("k8s:Node", json!({"metadata": {"name": "n1"}})).id, "n1");
}

#[test]
fn clones_share_what_they_learn() {
    let domain = K8s::new();
    let kind = Kind {
        group: "shop.example".into(),
        kind: "Till".into(),
        plural: "tills".into(),
        singular: "till".into(),
        short: vec!["tl".into()],
        namespaced: Some(true),
        versions: vec!["v1alpha1".into()],
        served: true,
    };
    domain.clone().learn(Catalog::new(vec![kind]));
    assert_eq!(domain.class("tl").expect("learned").name(), "Till.v1alpha1.shop.example");
    assert!(domain.class("deploy").is_some());
    assert_eq!(domain.classes().len(), 1);
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 :,{}\\[\\]\"'#\\\\é\n-]{1,12}"
}

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9./-]{0,6}"
}

#[test]
fn a_selector_that_is_canonical_is_read_quickly() {
    for (text, quick) in [
        (r#"{"name":"db-0","namespace":"shop"}"#, true),
        (r#"{"fields":{"spec.nodeName":"n"},"labels":{"a":"b"},"match":{"x[*].y":"z"}}"#, true),
        (r#"{"selects":{"a":"b","c":"d"}}"#, true),
        (r#"{"namespace":"shop","name":"db-0"}"#, false),
        (r#"{"name":"a","name":"b"}"#, false),
        (r#"{"name":""}"#, false),
        (r#"{"namespace":""}"#, false),
        (r#"{"name":"a\"b"}"#, false),
        (r#"{"labels":{}}"#, false),
        (r#"{"labels":{"a":"not a label"}}"#, false),
        (r#"{"match":{"..":"z"}}"#, false),
        (r#"{"match":{"x":1}}"#, false),
        (r#"{"other":"x"}"#, false),
        (r#"{"name":"x"} "#, false),
    ] {
        let read = Selector::canonical(text);
        assert_eq!(read.is_some(), quick, "{text}");
        assert!(read.is_none_or(|read| model::Selector::text(&read) == text), "{text}");
    }
    let query = domains().query(r#"k8s:Node:{"name":"n","namespace":"shop"}"#).expect("parses");
    assert_eq!(query.selector_text(), r#"{"name":"n"}"#);
}

prop_compose! {
    fn selector()(
        namespace in proptest::option::of(text()),
        name in proptest::option::of(text()),
        labels in prop_oneof![
            proptest::collection::btree_map(word(), "[a-z0-9]{0,4}", 0..3).prop_map(|map| json!(map)),
            proptest::collection::vec(prop_oneof![
                word(), word().prop_map(|word| format!("!{word}")),
                (word(), "[a-z]{0,3}").prop_map(|(word, value)| format!("{word}!={value}")),
                (word(), "[a-z]{0,3}", "[a-z]{0,3}").prop_map(|(w, a, b)| format!("{w} in ({a},{b})")),
            ], 0..4).prop_map(|all| json!(all.join(","))),
        ],
        fields in proptest::collection::btree_map("[a-z]{1,5}(\\.[a-zA-Z]{1,5})?", text(), 0..2),
        matching in proptest::collection::btree_map("[a-z]{1,5}(\\[\\*\\])?", prop_oneof![
            text().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            proptest::collection::vec(text(), 0..3).prop_map(Value::from),
        ], 0..3),
        selects in proptest::option::of(proptest::collection::btree_map(text(), text(), 0..3)),
    ) -> Value {
        json!({"namespace": namespace, "name": name, "labels": labels, "fields": fields,
            "match": matching, "selects": selects as Option<BTreeMap<String, String>>})
    }
}

proptest! {
    #[test]
    fn a_printed_query_parses_to_itself(selector in selector()) {
        let domains = domains();
        let first = domains.query(&format!("k8s:Pod:{selector}")).expect("parses");
        let again = domains.query(first.text()).expect("parses again");
        prop_assert_eq!(first.text(), again.text());
        prop_assert_eq!(first.selector::<Selector>(), again.selector::<Selector>());
        if let Some(quick) = Selector::canonical(first.selector_text()) {
            let read = Selector::parse(first.selector_text(), false).expect("parses");
            prop_assert_eq!(model::Selector::text(&quick), first.selector_text());
            prop_assert_eq!(quick, read);
        }
    }
}
