//! The stories of the demo, by the queries that rules make of them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use korrel8::domain;
use korrel8::model::{Domains, Found, Scope, Store, Vocabulary, Window};
use korrel8::replay::{Recording, demo, stores};

struct Demo {
    domains: Domains,
    stores: Vec<(String, Arc<dyn Store>)>,
    now: DateTime<Utc>,
}

impl Demo {
    fn new() -> Self {
        let domains = domain::all(&Vocabulary::builtin());
        let now = "2029-05-06T07:08:09Z".parse().expect("a time");
        let recording = demo(now);
        Self { stores: stores(recording, &domains, "--demo", "demo"), domains, now }
    }

    async fn ask(&self, query: &str, minutes: i64) -> Found {
        let query = self.domains.query(query).unwrap_or_else(|fault| panic!("{query}: {fault}"));
        let window = Window { start: self.now - TimeDelta::minutes(minutes), end: self.now };
        let scope = Scope { window, focus: None, limit: 100_000 };
        let (_, store) =
            self.stores.iter().find(|(name, _)| name == query.class().domain()).expect("a store");
        let answer = store.fetch(vec![query.into()], scope).next().await.expect("an answer");
        answer.result.unwrap_or_else(|fault| panic!("{}: {fault}", answer.query))
    }

    /// At least `least` objects, one of which says the words in its preview.
    async fn check(&self, query: &str, minutes: i64, least: usize, words: &str) {
        let found = self.ask(query, minutes).await;
        assert!(found.objects.len() >= least, "{query}: {} objects", found.objects.len());
        let told = found.objects.iter().any(|object| object.preview.contains(words));
        assert!(told, "{query}: no {words:?} in {:#?}", found.objects[0].preview);
    }
}

#[tokio::test]
async fn the_stories_can_be_followed() {
    let demo = Demo::new();
    for (query, minutes, least, words) in [
        (
            "alert:alert:{alertname: KubePersistentVolumeFillingUp, severity: critical}",
            5,
            1,
            "critical firing",
        ),
        (
            "k8s:PersistentVolumeClaim:{namespace: shop, name: data-postgres-0}",
            5,
            1,
            "data-postgres-0",
        ),
        (
            r#"k8s:Pod:{namespace: shop, match: {"spec.volumes[*].persistentVolumeClaim.claimName": data-postgres-0}}"#,
            5,
            1,
            "CrashLoopBackOff restarts 9 node-2",
        ),
        (
            "log:application:{namespace: shop, name: postgres-0, containers: [postgres]}",
            45,
            30,
            "No space left on device",
        ),
        (
            "k8s:Event:{namespace: shop, fields: {involvedObject.name: postgres-0}}",
            45,
            3,
            "Back-off",
        ),
        (
            "k8s:Pod:{namespace: shop, labels: {app.kubernetes.io/name: web}}",
            5,
            4,
            "ImagePullBackOff",
        ),
        ("k8s:Pod:{fields: {spec.nodeName: node-4}}", 5, 7, "Unknown node-4"),
        (
            "k8s:Event:{namespace: default, fields: {involvedObject.name: node-4}}",
            45,
            2,
            "NodeNotReady",
        ),
        ("metric:metric:log_collector_error_count_total", 60, 3, "vector-"),
        (
            r#"metric:metric:kubelet_volume_stats_used_bytes{persistentvolumeclaim="data-postgres-0"}"#,
            60,
            1,
            "data-postgres-0",
        ),
        (
            r#"trace:span:{resource.service.name = "checkout" && status = error}"#,
            45,
            5,
            "connection refused",
        ),
        ("trace:span:5d08e3c1f6b94a27835be1907adc42f0", 45, 17, "checkout SELECT orders 3.19 s"),
        (
            "log:application:{namespace: shop, trace: 9c1f4a7be2d35086b1f07ce4a8d2936e}",
            45,
            5,
            "connect failed",
        ),
        ("log:infrastructure:{namespace: kube-system}", 60, 20, "taint-eviction-controller"),
    ] {
        demo.check(query, minutes, least, words).await;
    }
}

#[tokio::test]
async fn lines_have_the_levels_of_their_formats() {
    let demo = Demo::new();
    let mut levels = std::collections::BTreeMap::new();
    for query in ["log:application:{}", "log:infrastructure:{}"] {
        for line in &demo.ask(query, 400).await.objects {
            let app = line.text("/labels/app").unwrap_or_default().to_owned();
            let level = line.text("/level").unwrap_or("unknown").to_owned();
            *levels.entry((app, level)).or_insert(0) += 1;
        }
    }
    for app in
        ["postgres", "checkout", "orders", "ledger", "cart", "search", "vector", "kube-proxy"]
    {
        let count = |level: &str| levels.get(&(app.to_owned(), level.to_owned())).copied();
        assert!(count("error").or(count("fatal")).unwrap_or(0) > 0, "{app}: {levels:#?}");
        let all: i32 = levels.iter().filter(|((name, _), _)| name == app).map(|(_, n)| n).sum();
        assert!(count("unknown").unwrap_or(0) * 5 < all, "{app}: {levels:#?}");
    }
}

#[test]
fn a_demo_written_to_a_file_is_read_back() {
    let domains = domain::all(&Vocabulary::builtin());
    let demo = demo("2026-11-23T12:00:00Z".parse().expect("a time"));
    let bytes = demo.write(&domains);
    assert!(bytes.len() < 2_000_000, "{} bytes", bytes.len());
    assert_eq!(Recording::read(&bytes, &domains).expect("reads"), demo);
}
