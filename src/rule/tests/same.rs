//! Rules without the template engine do what they do with it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::quick::{Known, Outcome, Program};
use super::super::*;
use super::Fake;

/// The built-in rules, on domains that take any class and any JSON.
fn builtin() -> RuleSet {
    let names = ["k8s", "alert", "log", "metric"];
    let domains = names.map(|name| Arc::new(Fake(name, &[])) as Arc<dyn crate::model::Domain>);
    RuleSet::load(&Domains::new(domains.to_vec()), &RuleSet::builtin_files()).0
}

/// Rules that show more of the language than the built-in ones.
fn odd() -> RuleSet {
    let queries = [
        "k8s:Pod:{name: {{ a.b }}, n: {{ n }}, list: {{ list }}, map: {{ a }}, no: {{ flag }}}",
        "k8s:Pod:{a: {{ a['b'] if flag else n }}, b: 1.10, c: yes, d: 007}",
        "k8s:Pod: { x : {{ list|first }} , y: '{{ text }}' }",
        "k8s:Pod:{x: {{ text ~ '-' ~ a.b }}}\nk8s:Pod:{x: {{ text }}-1}",
        "{% for x in list + (more or []) if x != 'b' %}k8s:Pod:{x: {{ x }}}\n{% endfor %}",
        "{% for x in more if x.on %}\nk8s:Pod:{x: {{ x.name }}}\n{% else %}\nk8s:Pod:{}\n{% endfor %}",
        "{% set z = a.b or text %}{% if z in list and not flag %}\nk8s:Pod:{z: {{ z }}}\n{% elif n %}\nk8s:Pod:{n: {{ n }}}\n{% endif %}",
        "{% for x, y in [('a', 1), ('b', 2)] if x in text %}\nk8s:Pod:{ {{ x }}: {{ y }}}\n{% endfor %}",
        "k8s:Pod:{x: {{ re(text) }}, y: {{ line(text) }}, z: {{ labelname(text) }}}",
        "k8s:{{ class(api, text) }}:{x: {{ selector(a) }}}",
        "log:{{ logclass(text) }}:{x: {{ a.missing }}, 'korrel8 0': {{ text }}}",
        "k8s:Pod:{x: {{ more|selectattr('on')|list|first }}}",
        "k8s:Pod:{x: {{ more[0].name }}, y: {{ list[1] }}, z: {{ list[2] }}}",
        "k8s:Pod:{x: {{ (text|split('x'))[0] }}, y: {{ text|split('x')|last }}, z: {{ list|length }}}",
        "{% if text is startingwith 'a' and not text is endingwith '.' %}\nk8s:Pod:{x: {{ list|last }}}\n{% endif %}",
        "{% for x in text|split('x') if x %}\nk8s:Pod:{x: {{ (x|split(':'))[1] or 'v1' }}}\n{% endfor %}",
        "{%- if text -%} k8s:Pod:{x: {{ loop }}} {%- endif %}",
        "k8s:Pod:{x: {{ range }}}\n# not a query",
        "k8s:Pod:{x: {{ none }}, y: {{ not flag }}, z: {{ {} }}}",
        "{% for x in [a.b, text, n, c] if x %}k8s:Pod:{x: {{ x }}}\n{% endfor %}",
        "{% for x, y in [('p', a.b), (text, a)] if y %}\nk8s:Pod:{ {{ x }}: {{ y }}}\n{% endfor %}",
        "k8s:Pod:{x: {{ subject('node') or beside('node').node }}, y: {{ messenger('pod') }}}",
        "{% set at = beside('servicemonitor') %}k8s:Pod:{x: {{ at.namespace }}, y: {{ at.no or [at] }}}",
        "{% set at = messenger(text) %}{% if at %}k8s:Pod:{x: {{ at }}}{% endif %}",
        "{% set own = stem(text) or stem(a.b) %}{% if stem(own) or stem(n) %}\nk8s:Pod:{x: {{ stem(stem(text)) }}, y: {{ own }}}\n{% endif %}\nk8s:Pod:{x: {{ stem(text ~ '-' ~ '12') }}}",
        "k8s:Pod:{x: {{ n == 1 }}, y: {{ text == 'x' }}, z: {{ text in text }}}",
    ];
    let rules: Vec<Value> = queries
        .iter()
        .enumerate()
        .map(|(number, query)| {
            let goals = ["k8s:*", "log:*"];
            json!({"name": format!("R{number}"), "start": "k8s:*", "goal": goals, "query": query})
        })
        .collect();
    let names = ["k8s", "alert", "log", "metric"];
    let domains = names.map(|name| Arc::new(Fake(name, &[])) as Arc<dyn crate::model::Domain>);
    let file = RuleFile { name: "odd".to_owned(), text: json!({"rules": rules}).to_string() };
    let (set, faults) = RuleSet::load(&Domains::new(domains.to_vec()), &[file]);
    assert_eq!((set.rules.len(), faults), (queries.len(), Vec::new()));
    set
}

/// The bodies of all examples with the numbers of their rules, and one for the odd rules.
fn bodies(set: &RuleSet) -> Vec<(usize, Value)> {
    let examples = set.rules.iter().enumerate();
    let examples = examples.flat_map(|(own, rule)| rule.examples.iter().map(move |one| (own, one)));
    let mut bodies: Vec<(usize, Value)> =
        examples.map(|(own, example)| (own, example.given.clone())).collect();
    bodies.push((
        usize::MAX,
        json!({"a": {"b": "x", "matchLabels": {"k": "v"}}, "n": 3, "list": ["a", "b"],
        "flag": true, "text": "axb", "api": "v1",
        "more": [{"name": "m", "on": true}, {"name": "n"}]}),
    ));
    bodies
}

/// What may stand in place of what should be there.
fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!("")),
        Just(json!(0)),
        Just(json!(1.5)),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!("db-0")),
        Just(json!("web-5d4f9c-x2x1z")),
        Just(json!(["b", {"name": "x"}])),
        Just(json!({"name": "x", "b": ["c"], "n": 1})),
        "[a-z{}\"'\\\\:#,ü日 \n\t-]{0,8}".prop_map(Value::from),
    ]
}

/// Replaces, or else removes, the value that is the n-th of all.
fn change(body: &mut Value, n: &mut usize, by: Option<&Value>) -> bool {
    let at = |n: &mut usize| {
        *n = n.wrapping_sub(1);
        *n == usize::MAX
    };
    match body {
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            keys.into_iter().any(|key| {
                if at(n) {
                    match by {
                        Some(value) => map.insert(key, value.clone()),
                        None => map.remove(&key),
                    };
                    return true;
                }
                map.get_mut(&key).is_some_and(|inner| change(inner, n, by))
            })
        }
        Value::Array(list) => list.iter_mut().any(|inner| {
            if at(n) {
                *inner = by.cloned().unwrap_or_default();
                return true;
            }
            change(inner, n, by)
        }),
        _ => false,
    }
}

/// Compares the rule that a body was made for, which reads most of it, and every `step`-th rule.
fn compare(
    set: &RuleSet,
    (own, body): (usize, &Value),
    (start, step): (usize, usize),
) -> Result<(), TestCaseError> {
    // Only carriers of labels have subjects.
    let domain = if body.get("labels").is_some() { "alert" } else { "k8s" };
    let object = Object::new(Class::new(domain, "Widget.v1"), "id", body.clone());
    let view = set.view(&object);
    let others = (start % step..set.rules.len()).step_by(step).filter(|number| *number != own);
    for number in others.chain((own < set.rules.len()).then_some(own)) {
        let (quick, engine) = (set.apply(number, &view), set.render(number, &view));
        prop_assert_eq!(quick, engine, "{} of {}", set.rules[number].name, body);
    }
    Ok(())
}

#[test]
fn the_built_in_rules_need_no_template_engine_for_what_is_usual() {
    let set = builtin();
    let mut engine: Vec<&str> = Vec::new();
    for rule in &set.rules {
        let program = Program::of(&rule.query, &set.domains).unwrap_or_default();
        for example in &rule.examples {
            let object = Object::new(Class::new("alert", "alert"), "id", example.given.clone());
            let view = set.view(&object);
            let labels = || &**view.labels();
            let known = Known { body: &object.body, labels: &labels, words: &set.vocabulary };
            if program.run(&known) == Outcome::Unsure {
                engine.push(&rule.name);
            }
        }
    }
    engine.dedup();
    let few = engine.len() * 4 < set.rules.len();
    let frequent = ["AllToEvent", "DependentToOwner", "PodToLogs", "PodToPVC", "PodToMetrics"];
    assert!(few && !frequent.iter().any(|name| engine.contains(name)), "{engine:?}");
}

#[test]
fn examples_come_to_the_same() {
    let set = builtin();
    let bodies = bodies(&set);
    for (number, (own, body)) in bodies.iter().enumerate() {
        compare(&set, (*own, body), (number, 40)).expect("the same");
    }
    let (own, body) = bodies.last().expect("some");
    compare(&odd(), (*own, body), (0, 1)).expect("the same");
}

#[test]
fn names_with_dots_are_read_by_all_as_the_vocabulary_does() {
    let domains = ["k8s", "alert", "log", "trace"]
        .map(|name| Arc::new(Fake(name, &[])) as Arc<dyn crate::model::Domain>);
    let query = "k8s:Pod:{x: {{ label('pod') }}}";
    let starts = ["alert:*", "log:*", "trace:*"];
    let rule = json!({"name": "R", "start": starts, "goal": "k8s:*", "query": query});
    let file = RuleFile { name: "r".to_owned(), text: json!({"rules": [rule]}).to_string() };
    let (set, faults) = RuleSet::load(&Domains::new(domains.to_vec()), &[file]);
    assert_eq!(faults, Vec::new());
    for labels in [
        json!({"k8s.pod.name": "a"}),
        json!({"k8s_pod_name": "a"}),
        json!({"k8s-pod/name": "a"}),
        json!({"kubernetes.pod_name": "a"}),
        json!({"k8s.pod.name": "a", "pod": "b"}),
        json!({"k8s.pod.name": "", "k8s_pod_name": "a"}),
        json!({"k8s.pod.name": 1, "k8s-pod-name": "a"}),
        json!({"app.kubernetes.io/name": "a"}),
        json!({"k8s.pod.names": "a", "x.k8s.pod.name": "b"}),
    ] {
        for carrier in ["alert", "log", "trace"] {
            let class = Class::new(carrier, "x");
            let body = json!({"labels": labels, "resource": labels});
            let object = Object::new(class, "id", body);
            let view = set.view(&object);
            let (quick, engine) = (set.apply(0, &view), set.render(0, &view));
            assert_eq!(quick, engine, "{carrier} {labels}");
            let map = labels.as_object().expect("a map");
            let told = match quick {
                Applied::Queries(made) => {
                    made.steps().flatten().next().map(|query| query.selector_text().to_owned())
                }
                Applied::DoesNotApply => None,
                Applied::Fault(fault) => panic!("{carrier} {labels}: {fault}"),
            };
            let read = set.vocabulary().read(carrier, "pod", map);
            assert_eq!(told, read.map(|pod| json!({"x": pod}).to_string()), "{carrier} {labels}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn odd_objects_come_to_the_same(
        which in any::<prop::sample::Index>(),
        odd_one in prop::bool::weighted(0.3),
        start in 0..40_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(odd_value())), 0..4),
    ) {
        thread_local! {
            static SETS: (RuleSet, RuleSet, Vec<(usize, Value)>) = {
                let builtin = builtin();
                let bodies = bodies(&builtin);
                (builtin, odd(), bodies)
            };
        }
        SETS.with(|(builtin, odd, bodies)| {
            let last = bodies.len() - 1;
            let (own, mut body) = bodies[if odd_one { last } else { which.index(last) }].clone();
            for (place, by) in changes {
                change(&mut body, &mut place.index(20), by.as_ref());
            }
            if odd_one {
                return compare(odd, (own, &body), (0, 1));
            }
            compare(builtin, (own, &body), (start, 40))?;
            compare(odd, (usize::MAX, &body), (start, 8))
        })?;
    }
}
