//! The rules that come with the program, on the real domains.

use std::sync::LazyLock;

use korrel8::domain;
use korrel8::model::{Class, Domains, Object, Query, Vocabulary};
use korrel8::rule::{Applied, RuleError, RuleFile, RuleSet};
use proptest::prelude::*;
use serde_json::{Value, json};

static DOMAINS: LazyLock<Domains> = LazyLock::new(|| domain::all(&Vocabulary::builtin()));

static BUILTIN: LazyLock<RuleSet> = LazyLock::new(|| builtin().0);

fn builtin() -> (RuleSet, Vec<RuleError>) {
    RuleSet::load(&DOMAINS, &RuleSet::builtin_files())
}

fn rendered(faults: &[RuleError]) -> String {
    faults.iter().map(RuleError::render).collect::<Vec<_>>().join("\n\n")
}

fn object(class: &str, body: Value) -> Object {
    let class = DOMAINS.class(class).expect(class);
    DOMAINS.object(&class, body).expect("an object")
}

/// The queries of the rule of a name.
fn queries(set: &RuleSet, rule: &str, object: &Object) -> Vec<Query> {
    let number = set.rules().iter().position(|known| *known.name == *rule).expect(rule);
    match set.apply(number, &set.view(object)) {
        Applied::Queries(queries) => queries.all().to_vec(),
        Applied::DoesNotApply => Vec::new(),
        Applied::Fault(fault) => panic!("{rule}: {fault}"),
    }
}

#[test]
fn every_rule_loads_and_does_what_its_examples_say() {
    let (set, mut faults) = builtin();
    faults.extend(set.check());
    assert!(faults.is_empty(), "\n{}", rendered(&faults));
    for rule in set.rules() {
        assert!(!rule.examples.is_empty(), "{} has no example", rule.name);
        assert!(rule.examples.iter().any(|e| !e.expect.is_empty()), "{} never applies", rule.name);
        assert!(!rule.about.is_empty(), "{} does not say what it finds", rule.name);
    }
}

#[test]
fn no_built_in_rule_hides_another() {
    let count = RuleSet::builtin_files()
        .iter()
        .map(|file| file.text.lines().filter(|line| line.starts_with("  - name: ")).count())
        .sum::<usize>();
    assert_eq!(builtin().0.rules().len(), count);
}

#[test]
fn loading_is_deterministic() {
    let order = |set: &RuleSet| {
        set.rules().iter().map(|rule| format!("{} {:?}", rule.name, rule.goal)).collect::<Vec<_>>()
    };
    assert_eq!(order(&builtin().0), order(&builtin().0));
}

#[test]
fn a_users_file_changes_built_in_rules() {
    let text = "
rules:
  - name: PodToNode
    start: k8s:Pod
    goal: k8s:Node
    cost: 7
    query: 'k8s:Node:{name: {{ spec.nodeName }}}'
  - name: VMToPods
    start: k8s:VirtualMachine.v1.kubevirt.io
    goal: k8s:Pod
    query: 'k8s:Pod:{namespace: {{ metadata.namespace }}, labels: {vm: {{ metadata.name }}}}'
disable: [AllToMetric]
vocabulary: {terms: {pod: {alert: [my_pod]}}}
status:
  - for: k8s:Widget.v1.example.com
    checks: [{path: status.state, error: [Broken]}]
";
    let mut files = RuleSet::builtin_files();
    files.push(RuleFile { name: "mine.yaml".to_owned(), text: text.to_owned() });
    let (set, faults) = RuleSet::load(&DOMAINS, &files);
    assert!(faults.is_empty(), "\n{}", rendered(&faults));
    let cost = |name: &str| set.rules().iter().find(|r| *r.name == *name).map(|r| r.cost);
    assert_eq!(
        (cost("PodToNode"), cost("VMToPods"), cost("AllToMetric")),
        (Some(7), Some(1), None)
    );
    let alert = object("alert:alert", json!({"labels": {"namespace": "shop", "my_pod": "db-0"}}));
    assert_eq!(
        queries(&set, "AlertToPod", &alert)[0].text(),
        r#"k8s:Pod.v1:{"name":"db-0","namespace":"shop"}"#
    );
    let mut widget = object("k8s:Widget.v1.example.com", json!({"status": {"state": "Broken"}}));
    set.judge(&mut widget);
    assert_eq!(widget.status, "Broken");
}

#[test]
fn alerts_say_what_they_are_about() {
    let ksm = json!({"namespace": "shop", "pod": "ksm-1", "service": "ksm", "job": "ksm"});
    for (labels, expression, about) in [
        (json!({"deployment": "web"}), "kube_deployment_status_replicas > 0", "shop/web"),
        (json!({"pod": "db-0"}), "kube_pod_status_phase > 0", "shop/db-0"),
        (json!({"node": "node-4"}), "kube_node_status_condition == 0", "node-4"),
        (json!({}), "kube_state_metrics_list_total > 0", "shop/ksm-1"),
        (json!({}), "sum(kube_node_info) > 0", "shop"),
        (json!({"pod": null}), "sum(kube_pod_info{node=\"node-4\"}) > 0", "node-4"),
        (json!({"name": "v1.x"}), "aggregator_unavailable_apiservice > 0", "v1.x"),
        (json!({"exported_namespace": "web", "name": "a"}), "argocd_app_info > 0", "web/a"),
        (json!({"configmap": "web/settings"}), "", "web/settings"),
        (json!({"job": "web/api", "pod": null, "service": null}), "up", "web/api"),
        (
            json!({"instance": "https://x.org/y", "node": "n"}),
            "probe_success == 0",
            "https://x.org/y",
        ),
    ] {
        let mut all = ksm.clone();
        let own = labels.as_object().expect("labels").clone();
        all.as_object_mut().expect("labels").extend(own);
        let body = json!({"labels": all, "expression": expression});
        let mut alert = object("alert:alert", body);
        BUILTIN.judge(&mut alert);
        assert_eq!(alert.about, about, "{labels} {expression}");
    }
    let url = "http://prom/graph?g0.expr=absent%28up%7Bjob%3D%22kube-proxy%22%7D%29";
    let body = json!({"labels": {"job": "kube-proxy"}, "generatorURL": url});
    let mut alert = object("alert:alert", body);
    BUILTIN.judge(&mut alert);
    assert_eq!(alert.about, "kube-proxy");
}

#[test]
fn the_stories_have_their_rules() {
    let set = &*BUILTIN;
    let class = |text: &str| DOMAINS.class(text).expect(text);
    let leads = |from: &Class, to: &Class| {
        set.starting_at(from).any(|rule| set.rules()[rule].goal.iter().any(|goal| goal.admits(to)))
    };
    for path in [
        "alert:alert k8s:PersistentVolumeClaim k8s:Pod log:application",
        "alert:alert k8s:Deployment k8s:Pod log:infrastructure",
        "alert:alert k8s:Pod k8s:Event",
        "metric:metric k8s:Pod log:application",
        "k8s:Pod alert:alert",
        "k8s:Pod k8s:ReplicaSet k8s:Deployment k8s:HorizontalPodAutoscaler",
        "k8s:Pod k8s:Node k8s:Pod",
        "k8s:Pod k8s:Service k8s:Ingress",
        "k8s:Pod metric:metric",
        "k8s:CronJob k8s:Job k8s:Pod",
        "k8s:Event k8s:VirtualMachine.v1.kubevirt.io k8s:Event",
        "log:application k8s:Pod",
        "k8s:ConfigMap k8s:Pod k8s:Secret",
    ] {
        let steps: Vec<Class> = path.split(' ').map(class).collect();
        for pair in steps.windows(2) {
            assert!(leads(&pair[0], &pair[1]), "{path}: {} to {}", pair[0], pair[1]);
        }
    }
}

proptest! {
    #[test]
    fn hostile_names_find_their_own_and_nothing_else(name in hostile()) {
        let set = &*BUILTIN;
        let other = format!("{name}x");
        let pod = |name: &str| object("k8s:Pod", json!({
            "metadata": {"namespace": "shop", "name": name},
            "spec": {"nodeName": name},
        }));
        let labelled = |class: &str, name: &str| object(class, json!({
            "labels": {"__name__": "kube_pod_container_status_restarts_total",
                       "namespace": "shop", "pod": name},
        }));
        let line = |name: &str| {
            object("log:application", json!({"namespace": "shop", "pod": name, "body": "x"}))
        };
        let found = |rule: &str, from: &Object, target: &Object| {
            queries(set, rule, from).iter().any(|query| query.matches(target) == Some(true))
        };
        for (rule, from, own, foreign) in [
            ("AlertToPod", labelled("alert:alert", &name), pod(&name), pod(&other)),
            ("MetricToPod", labelled("metric:metric", &name), pod(&name), pod(&other)),
            ("LogToPod", line(&name), pod(&name), pod(&other)),
            ("PodToLogs", pod(&name), line(&name), line(&other)),
            ("PodToAlert", pod(&name), labelled("alert:alert", &name), labelled("alert:alert", &other)),
            ("PodToMetrics", pod(&name), labelled("metric:metric", &name), labelled("metric:metric", &other)),
        ] {
            prop_assert!(found(rule, &from, &own), "{} does not find {:?}", rule, name);
            prop_assert!(!found(rule, &from, &foreign), "{} for {:?} finds {:?}", rule, name, other);
        }
    }
}

fn hostile() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "\"",
        "'",
        "\n",
        "\r",
        "}",
        "{{ x }}",
        "{% if %}",
        "\u{2028}",
        "\u{85}",
        "\\",
        ": ",
        "#",
        "`",
        "<",
        "&",
        ", name: x",
        "alert:alert:{}",
        "é",
        "日",
        "🍵",
        "~",
        "null",
        "$",
        "007",
    ]);
    prop::collection::vec(bits, 1..6).prop_map(|bits| bits.concat())
}
