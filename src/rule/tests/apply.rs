//! Templates: what they print, when they do not apply, when they fail.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use super::load;

fn one(query: &str) -> RuleSet {
    let query = query.replace('\n', "\n      ");
    let text = format!(
        "rules:\n  - name: R\n    start: k8s:Pod\n    goal: [k8s:*, log:*]\n    query: |-\n      {query}\n"
    );
    let (set, faults) = load(&[&text]);
    assert_eq!(faults, [], "{text}");
    set
}

fn apply(set: &RuleSet, body: Value) -> Applied {
    let class = Class::new("k8s", "Pod.v1");
    set.apply(0, &set.view(&Object::new(class, "id", body)))
}

/// The queries of a template for a body, or `missing`, or the fault.
fn made(query: &str, body: Value) -> Vec<String> {
    match apply(&one(query), body) {
        Applied::Queries(queries) => queries.all().iter().map(ToString::to_string).collect(),
        Applied::DoesNotApply => vec!["missing".to_owned()],
        Applied::Fault(fault) => vec![fault],
    }
}

#[test]
fn otherwise_stands_between_what_is_tried_in_order() {
    let set = one(
        "otherwise\nk8s:Pod:{name: {{ a }}}\nk8s:Node:{name: {{ a }}}\n{% if b %}\notherwise\nk8s:Pod:{name: {{ b }}}\n\
         {% endif %}\notherwise\notherwise\nk8s:Pod:{name: {{ a }}}\nk8s:Pod:{name: last}\notherwise",
    );
    for (body, expected) in [
        (json!({"a": "x", "b": "y"}), "Pod x, Node x | Pod y | Pod last"),
        (json!({"a": "x"}), "Pod x, Node x | Pod last"),
        (json!({"a": "last", "b": "last"}), "Pod last, Node last"),
    ] {
        let Applied::Queries(made) = apply(&set, body) else { panic!("it applies") };
        let name = |query: &crate::model::Query| {
            let selector: Value = serde_json::from_str(query.selector_text()).expect("JSON");
            format!("{} {}", query.class().kind(), selector["name"].as_str().expect("a name"))
        };
        let step =
            |step: &[crate::model::Query]| step.iter().map(name).collect::<Vec<_>>().join(", ");
        assert_eq!(made.steps().map(step).collect::<Vec<_>>().join(" | "), expected);
    }
    let many = "{% for n in range(40) %}\notherwise\nk8s:Pod:{n: {{ n }}}\n{% endfor %}";
    let fault = made(many, json!({})).join("");
    assert!(fault.contains("40 things one after the other"), "{fault}");
}

#[test]
fn values_are_json_and_lines_are_queries() {
    let body = json!({"name": "db-0", "labels": {"app": "db"}, "n": 3, "list": ["a", "b"]});
    for (query, expected) in [
        ("k8s:Node:{name: {{ name }}}", vec![r#"k8s:Node.v1:{"name":"db-0"}"#]),
        ("k8s:Node:{n: {{ n }}, l: {{ labels }}}", vec![r#"k8s:Node.v1:{"l":{"app":"db"},"n":3}"#]),
        (
            "{% for x in list %}\nk8s:Node:{name: {{ x }}}\n\n{% endfor %}",
            vec![r#"k8s:Node.v1:{"name":"a"}"#, r#"k8s:Node.v1:{"name":"b"}"#],
        ),
        ("k8s:Node:{a: 1}\nk8s:Node: {a: 1}", vec![r#"k8s:Node.v1:{"a":1}"#]),
        (
            "k8s:{{ class('apps/v1', 'Deployment') }}:{}\nk8s:{{ class('v1', 'Pod') }}:{}",
            vec!["k8s:Deployment.v1.apps:{}", "k8s:Pod.v1:{}"],
        ),
        ("log:{{ logclass('kube-system') }}:{}", vec!["log:infrastructure:{}"]),
        ("k8s:Node:{re: {{ re('a.b') }}}", vec![r#"k8s:Node.v1:{"re":"a\\.b"}"#]),
    ] {
        assert_eq!(made(query, body.clone()), expected, "{query}");
    }
}

#[test]
fn values_that_yaml_would_change_come_through() {
    // The second template is run by the engine, whose selectors are read as YAML.
    let engine = "{% set all = [name]|list %}k8s:Node:{name: {{ all|join }}}";
    for value in [
        " db ",
        "\tdb",
        "a\u{85}b",
        "a\u{2028}b\u{2029}",
        "\u{feff}a",
        "a\nb",
        "a: b #c",
        "'",
        "~",
        "no",
        "1.10",
    ] {
        for query in ["k8s:Node:{name: {{ name }}}", engine] {
            let expected = format!("k8s:Node.v1:{}", json!({"name": value}));
            assert_eq!(made(query, json!({"name": value})), [expected], "{value:?} in {query}");
        }
    }
}

#[test]
fn a_missing_value_means_that_the_rule_does_not_apply() {
    let body = json!({"empty": "", "null": null, "labels": {}, "list": []});
    for query in [
        "k8s:Node:{name: {{ nothing }}}",
        "k8s:Node:{name: {{ nothing.below }}}",
        "k8s:Node:{name: {{ empty }}}",
        "k8s:Node:{name: {{ null }}}",
        "k8s:Node:{name: {{ nothing|upper }}}",
        "k8s:Node:{name: {{ label('pod') }}}",
        "k8s:Node:{name: {{ subject('pod') }}}",
        "k8s:{{ class('v1', nothing) }}:{}",
        "log:{{ logclass(nothing) }}:{}",
        "{% for x in nothing %}k8s:Node:{}{% endfor %}",
        "{% for x in list %}k8s:Node:{}{% endfor %}",
        "{% if nothing %}k8s:Node:{}{% endif %}",
        "  \n",
    ] {
        if query.trim().is_empty() {
            continue;
        }
        assert_eq!(made(query, body.clone()), ["missing"], "{query}");
    }
}

#[test]
fn other_failures_are_faults_with_a_reason() {
    for (query, reason) in [
        ("k8s:Node:{name: {{ nope('x') }}}", "unknown function"),
        ("k8s:Node:{name: {{ 'x'|safe }}}", "unknown filter"),
        ("{% autoescape false %}k8s:Node:{name: {{ 'x' }}}{% endautoescape %}", "as JSON"),
        ("nonsense", "is not a query"),
        ("k8s:Nod:{}", "did you mean Node.v1"),
        ("k8s:Node:{a: [}", "bad selector of k8s:Node.v1"),
        ("alert:alert:{}", "which is no goal of the rule"),
        ("k8s:{{ class('v1', 'Pod:{}\nalert') }}:{}", "name no kind"),
        ("{% for x in range(9999) %}{% for y in range(9999) %}{% endfor %}{% endfor %}", "steps"),
        ("{% for x in range(9999) %}{{ 'x' * 2000 }}{% endfor %}", "prints more than"),
        ("{{ 'x' * 10000000 }}", "prints more than"),
        ("{{ 'x' * 999999999999 }}", "steps"),
    ] {
        let fault = made(query, json!({})).join("");
        assert!(fault.contains(reason), "{query}: {fault}");
    }
}

#[test]
fn the_subject_is_the_most_specific_label_that_is_not_the_messengers() {
    let text = "
subjects:
  order: [pvc, deployment, pod]
  messengers:
    - when: {labels.job: [kube-state-metrics], expression: 'kube_*'}
      unless: {labels.uid: '*'}
      hides: [pod]
rules:
  - {name: PVC, start: alert:alert, goal: k8s:Pod, query: 'k8s:Pod:{pvc: {{ subject(\"pvc\") }}}'}
  - {name: Pod, start: alert:alert, goal: k8s:Pod, query: 'k8s:Pod:{pod: {{ subject(\"pod\") }}}'}
";
    let (set, faults) = load(&[text]);
    assert_eq!(faults, []);
    for (body, expected) in [
        (json!({"labels": {"pod": "a", "persistentvolumeclaim": "d"}}), "PVC"),
        (json!({"labels": {"pod": "a"}}), "Pod"),
        (json!({"labels": {"pod": "a", "job": "kube-state-metrics"}}), "Pod"),
        (json!({"expression": "kube_x", "labels": {"pod": "a", "job": "kube-state-metrics"}}), ""),
        (
            json!({"expression": "kube_x", "labels": {"pod": "a", "uid": "1", "job": "kube-state-metrics"}}),
            "Pod",
        ),
    ] {
        let class = Class::new("alert", "alert");
        let object = Object::new(class.clone(), "id", body.clone());
        let view = set.view(&object);
        let applied: String = set
            .starting_at(&class)
            .filter(|rule| matches!(set.apply(*rule, &view), Applied::Queries(_)))
            .map(|rule| &*set.rules()[rule].name)
            .collect();
        assert_eq!(applied, expected, "{body}");
    }
}

proptest! {
    #[test]
    fn a_value_never_breaks_out_of_its_query(text in hostile()) {
        let set = one("k8s:Node:{name: {{ v }}, m: {\"k\": {{ v }}}}");
        let expected = json!({"name": text, "m": {"k": text}});
        match apply(&set, json!({"v": text})) {
            Applied::Queries(queries) => {
                prop_assert_eq!(queries.all().len(), 1);
                let got: Value = serde_json::from_str(queries.all()[0].selector_text()).expect("JSON");
                prop_assert_eq!(got, expected);
            }
            other => prop_assert!(text.is_empty(), "{:?}", other),
        }
    }

    #[test]
    fn an_escaped_regex_matches_only_its_text(text in "\\PC{0,20}") {
        let escaped = made("k8s:Node:{re: {{ re(v) }}}", json!({"v": format!("x{text}")})).join("");
        let value: Value = serde_json::from_str(escaped.trim_start_matches("k8s:Node.v1:")).expect("JSON");
        let regex = regex::Regex::new(value["re"].as_str().expect("text")).expect("a regex");
        let found = regex.find(&format!("x{text}")).map(|found| found.as_str().to_owned());
        prop_assert_eq!(found, Some(format!("x{text}")));
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "\"",
        "'",
        "\n",
        "\r",
        "}",
        "{",
        "{{ x }}",
        "{% if %}",
        "\u{2028}",
        "\u{85}",
        "\\",
        ":",
        "#",
        "`",
        "\u{0}",
        "<",
        "&",
        ", name: x",
        "alert:alert:{}",
        "é",
        "日",
        "~",
        "null",
        " ",
    ]);
    prop::collection::vec(bits, 0..8).prop_map(|bits| bits.concat())
}
