//! The loader: faults with places, files that change others, aliases, examples, statuses.

use serde_json::{Value, json};

use super::super::*;
use super::load;
use crate::model::Severity;

fn names(set: &RuleSet) -> Vec<&str> {
    set.rules().iter().map(|rule| &*rule.name).collect()
}

const POD: &str = "{name: A, start: k8s:Pod, goal: k8s:Node, query: 'k8s:Node:{a: 1}'}";

#[test]
fn all_faults_of_a_file_come_at_once_with_their_places() {
    let text = "\
aliases:
  loop: [loop]
rules:
  - name: Good
    start: k8s:Pod
    goal: k8s:Node
    query: 'k8s:Node:{}'
  - name: BadClass
    start: k8s:Pood
    goal: k8s:Node
    query: 'k8s:Node:{}'
  - name: BadTemplate
    start: k8s:Pod
    goal: k8s:Node
    query: |-
      {% for x in y %}
      k8s:Node:{name: {{ x }}
      {% endfr %}
  - name: BadKey
    start: k8s:Pod
    gaol: k8s:Node
    query: 'k8s:Node:{}'
  - {name: Free, cost: 0, start: k8s:Pod, goal: k8s:Node, query: 'k8s:Node:{}'}
  - {name: Empty, start: k8s:Pod, goal: k8s:Node, query: ''}
  - {name: Good, start: k8s:Pod, goal: k8s:Node, query: 'k8s:Node:{}'}
  - {name: Half}
disable: [Goood]
";
    let (set, faults) = load(&[text]);
    assert_eq!(names(&set), ["Good"]);
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "file0.yaml:2:10: alias \"loop\" is defined by itself",
            "file0.yaml:9:12: unknown class \"Pood\" in domain k8s; did you mean Pod.v1?",
            "file0.yaml:18:7: syntax error: unknown statement endfr",
            "file0.yaml:21:5: unknown key \"gaol\" in a rule; did you mean goal?",
            "file0.yaml:23:24: cost must be a number from 1 to 1000",
            "file0.yaml:24:58: the query is empty: the rule could never find anything",
            "file0.yaml:25:12: a rule named \"Good\" is already on line 4",
            "file0.yaml:26:5: the rule has no start, no goal, no query",
            "file0.yaml:27:11: unknown rule \"Goood\"; did you mean Good?",
        ]
    );
    assert_eq!(
        faults[1].render(),
        "\
error: unknown class \"Pood\" in domain k8s; did you mean Pod.v1?
 --> file0.yaml:9:12
  |
9 |     start: k8s:Pood
  |            ^^^^^^^^"
    );
}

#[test]
fn a_file_that_is_not_yaml_is_one_fault_and_hides_no_other_file() {
    let (set, faults) = load(&["rules: [", &format!("rules: [{POD}]"), "", "[]"]);
    assert_eq!(names(&set), ["A"]);
    let files: Vec<&str> = faults.iter().map(|fault| fault.file.as_str()).collect();
    assert_eq!(files, ["file0.yaml", "file3.yaml"]);
}

#[test]
fn later_files_add_replace_and_disable() {
    let first = format!("rules: [{POD}, {}]", POD.replace("name: A", "name: B"));
    let second = format!(
        "rules: [{}, {}]\ndisable: [B]",
        POD.replace("name: A", "name: C"),
        POD.replace("a: 1", "a: 2").replace("name: A", "name: A, cost: 4")
    );
    let (set, faults) = load(&[&first, &second]);
    assert_eq!(faults, []);
    assert_eq!(names(&set), ["A", "C"]);
    assert_eq!((set.rules()[0].cost, set.rules()[0].origin.as_str()), (4, "file1.yaml"));
    let (set, faults) = load(&[&first, "rules: [{name: A, start: x, goal: y, query: z}]"]);
    assert_eq!((names(&set), faults.len()), (vec!["A", "B"], 2), "a faulty rule replaces nothing");
}

#[test]
fn wildcards_stay_one_pattern_and_aliases_are_lists() {
    let text = "
aliases: {both: [pods, 'k8s:Node'], pods: 'k8s:Pod'}
rules:
  - {name: All, start: 'k8s:*', goal: both, query: 'k8s:Node:{}'}
  - {name: Two, start: both, goal: 'log:*', query: 'log:application:{}'}
";
    let (set, faults) = load(&[text]);
    assert_eq!(faults, []);
    let rule = &set.rules()[0];
    assert_eq!(rule.start, [Pattern::Any("k8s".to_owned())]);
    assert_eq!(
        rule.goal.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["k8s:Pod.v1", "k8s:Node.v1"]
    );
    let starts = |domain, name| set.starting_at(&Class::new(domain, name)).collect::<Vec<_>>();
    assert_eq!(starts("k8s", "Node.v1"), [0, 1]);
    assert_eq!(starts("k8s", "Anything.v1.x"), [0]);
    assert_eq!(starts("log", "application"), [0; 0]);
}

#[test]
fn a_version_that_was_written_is_meant_and_none_means_any() {
    let text = "
rules:
  - {name: Any, start: 'k8s:Deployment', goal: 'k8s:Pod', query: 'k8s:Pod:{}'}
  - {name: Own, start: 'k8s:Deployment.v1.apps', goal: 'k8s:Pod.v1', query: 'k8s:Pod:{}'}
status:
  - {for: 'k8s:Deployment', checks: [{path: state, error: [Broken]}]}
";
    let (set, faults) = load(&[text]);
    assert_eq!(faults, []);
    for (name, starts) in [
        ("Deployment.v1.apps", vec![0, 1]),
        ("Deployment.v2beta1.apps", vec![0]),
        ("Deployment.v1.other", vec![]),
        ("Deployment.v1", vec![]),
    ] {
        let class = Class::new("k8s", name);
        assert_eq!(set.starting_at(&class).collect::<Vec<_>>(), starts, "{name}");
        let admits = |rule: usize| set.rules()[rule].start[0].admits(&class);
        assert_eq!((0..2).filter(|rule| admits(*rule)).collect::<Vec<_>>(), starts, "{name}");
        let mut object = Object::new(class, "id", serde_json::json!({"state": "Broken"}));
        set.judge(&mut object);
        assert_eq!(object.status.is_empty(), starts.is_empty(), "{name}");
    }
    assert_eq!(set.rules()[0].start[0].to_string(), "k8s:Deployment.v1.apps");
}

#[test]
fn classes_that_nobody_knows_are_found_without_an_example() {
    for (query, words) in [
        ("k8s:Nodeee:{name: x}", "line 1 of its query: unknown class \"Nodeee\""),
        (
            "{% if x %}\n    k8s:Pod:{}\n    {% endif %}",
            "line 2 of its query: k8s:Pod.v1 is no goal",
        ),
        ("nope:Node:{}", "unknown domain"),
    ] {
        let head = "rules:\n- name: A\n  start: k8s:Pod\n  goal: k8s:Node\n  query: |-\n";
        let (set, faults) = load(&[&format!("{head}    {query}\n")]);
        assert_eq!(faults, [], "{query}");
        let faults = set.check();
        assert!(faults.len() == 1 && faults[0].message.contains(words), "{query}: {faults:?}");
    }
}

#[test]
fn unsatisfied_examples_say_what_was_made() {
    let rule = "name: A, start: k8s:Pod, goal: k8s:Node, query: 'k8s:Node:{n: {{ n }}}'";
    let check = |examples: &str| {
        let (set, faults) = load(&[&format!("rules:\n- {{{rule},\n  examples: [{examples}]}}")]);
        assert_eq!(faults, []);
        set.check()
    };
    assert_eq!(check("{given: {n: 1}, expect: ['k8s:Node:{n: 1}']}, {given: {}, expect: []}"), []);
    let faults = check("{given: {n: 2}, expect: ['k8s:Node:{n: 1}']}");
    assert_eq!((faults.len(), faults[0].line), (1, 3));
    assert!(faults[0].message.contains("made\n  k8s:Node.v1:{\"n\":2}"), "{}", faults[0]);
    assert!(check("{given: {n: 2}, expect: ['k8s:Nope:{}']}")[0].message.contains("unknown class"));
}

#[test]
fn the_worst_status_wins_and_a_later_file_replaces_a_check() {
    let first = "
status:
- for: k8s:Pod
  checks:
  - {path: 'state[*].reason', error: [Crash], info: [Wait], else: none}
  - {path: restarts, above: {warning: 3, error: 10}, say: '{} restarts', unless: {phase: [Done]}}
  - {path: deleted, else: info, say: Terminating, when: [phase]}
  - {path: ready, warning: [False], word: why}
";
    let second = "status: [{for: k8s:Pod, checks: [{path: restarts, none: [5], say: fine}]}]";
    let judge = |texts: &[&str], body: Value| {
        let (set, faults) = load(texts);
        assert_eq!(faults, []);
        let mut object = Object::new(Class::new("k8s", "Pod.v1"), "id", body);
        set.judge(&mut object);
        (object.severity, object.status)
    };
    for (body, severity, word) in [
        (json!({"state": [{"reason": "Wait"}, {"reason": "crash"}]}), Severity::Error, "crash"),
        (json!({"state": [{"reason": "Other"}]}), Severity::None, "Other"),
        (json!({"restarts": 4, "state": [{"reason": "Wait"}]}), Severity::Warning, "4 restarts"),
        (json!({"restarts": 11}), Severity::Error, "11 restarts"),
        (json!({"restarts": 11, "phase": "Done"}), Severity::None, ""),
        (json!({"deleted": "now", "phase": "Done"}), Severity::Info, "Terminating"),
        (json!({"deleted": "now"}), Severity::None, ""),
        (json!({"ready": "False", "why": "Because"}), Severity::Warning, "Because"),
        (json!([]), Severity::None, ""),
    ] {
        assert_eq!(judge(&[first], body.clone()), (severity, word.into()), "{body}");
    }
    assert_eq!(judge(&[first, second], json!({"restarts": 5})), (Severity::None, "fine".into()));
}

#[test]
fn a_value_may_tell_an_object_of_any_class_and_an_unknown_class_is_a_fault() {
    let text = "\
subjects:
  order: [object]
  values:
    - {label: pod, class: Pood}
    - {label: box, class: '{sort}.v1.boxes.example.com', cluster: true}
rules:
  - name: ToObject
    start: alert:alert
    goal: k8s:Pod
    query: 'k8s:{{ subjectclass() }}:{{ named(subject(\"object\")) }}'
";
    let (set, faults) = load(&[text]);
    let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let unknown = "file0.yaml:4:27: unknown class \"Pood\" in domain k8s; did you mean Pod.v1?";
    assert_eq!(shown, [unknown]);
    let about = |labels: Value| {
        let class = Class::new("alert", "alert");
        let mut alert = Object::new(class, "id", json!({"labels": labels}));
        set.judge(&mut alert);
        alert.about
    };
    assert_eq!(about(json!({"box": "b", "sort": "Crate", "namespace": "shop"})), "b");
    // What can be no part of a class names nothing.
    assert_eq!(about(json!({"box": "b", "sort": "Crate:{}", "namespace": "shop"})), "");
    assert_eq!(about(json!({"box": "b", "namespace": "shop"})), "");
}
