//! Merging many selectors into few calls of Prometheus changes no answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use korrel8::client::http::HttpOptions;
use korrel8::client::prometheus::Prometheus;
use korrel8::domain::metric::MetricStore;
use korrel8::model::{Matcher, parse_matchers};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::ask::{ask_all, scope};
use crate::fake::http::{Request, Response, Server};

type Labels = BTreeMap<String, String>;

/// What the server knows, and how many calls it answered.
#[derive(Default)]
struct Held {
    series: Vec<Labels>,
    calls: AtomicUsize,
}

impl Held {
    fn selected(&self, selector: &str) -> Vec<&Labels> {
        let (matchers, _) = parse_matchers(selector).expect("matchers");
        let fits =
            |own: &&Labels| Matcher::all(&matchers, |name| own.get(name).map(String::as_str));
        self.series.iter().filter(fits).collect()
    }

    fn answer(&self, request: &Request) -> Response {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let data = if request.path == "/api/v1/series" {
            let selectors = request.query.iter().filter(|(key, _)| key == "match[]");
            let mut all: Vec<&Labels> =
                selectors.flat_map(|(_, selector)| self.selected(selector)).collect();
            all.sort();
            all.dedup();
            json!(all)
        } else {
            let series = self.selected(request.param("query")).into_iter();
            let result: Vec<Value> = series
                .map(|own| json!({"metric": own, "values": [[1_795_398_341, own["n"]]]}))
                .collect();
            json!({"resultType": "matrix", "result": result})
        };
        Response::json(200, &json!({"status": "success", "data": data}))
    }
}

/// Series of Pods, by the places of namespace and Pod, and queries for them with a form.
type Case = (Vec<(usize, usize)>, Vec<(usize, usize, usize)>);

/// Series of Pods, and queries for them.
fn cases() -> impl Strategy<Value = Case> {
    let series = prop::collection::vec((0_usize..3, 0_usize..8), 0..250);
    let queries = prop::collection::vec((0_usize..3, 0_usize..8, 0_usize..4), 1..30);
    (series, queries)
}

const SPACES: [&str; 3] = ["shop", "pay", "sh.p"];
const PODS: [&str; 8] = ["web-5c-a", "web-5c-b", "web-5c", "a.b", "axb", "a-b", "b", ""];

fn series(all: &[(usize, usize)]) -> Vec<Labels> {
    let one = |(at, (space, pod)): (usize, &(usize, usize))| {
        let pairs = [("__name__", "up"), ("namespace", SPACES[*space]), ("pod", PODS[*pod])];
        let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let mut labels: Labels = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        labels.insert("n".to_owned(), at.to_string());
        labels
    };
    all.iter().enumerate().map(one).collect()
}

fn text((space, pod, form): (usize, usize, usize)) -> String {
    let (space, pod) = (SPACES[space], PODS[pod]);
    match form {
        0 | 1 => format!(r#"metric:metric:{{namespace="{space}",pod="{pod}"}}"#),
        2 => format!(r#"metric:metric:up{{pod="{pod}"}} / up{{namespace="{space}"}}"#),
        _ => format!(
            r#"metric:metric:{{namespace!="{space}",pod=~".*{}"}}"#,
            pod.get(..1).unwrap_or("x")
        ),
    }
}

#[test]
fn merged_and_unmerged_answers_are_equal() {
    korrel8::client::install_tls();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let held = Arc::new(Mutex::new(Held::default()));
    let shared = Arc::clone(&held);
    let server = runtime
        .block_on(Server::start(move |request| shared.lock().expect("no panic").answer(request)));
    let options = HttpOptions::new("prometheus", &server.url, "--prometheus-url");
    let store = MetricStore::new(Arc::new(Prometheus::new(options).expect("a client")));
    let calls = || held.lock().expect("no panic").calls.swap(0, Ordering::Relaxed);
    let mut runner = TestRunner::new(Config { cases: 60, ..Config::default() });
    let result = runner.run(&cases(), |(all, queries)| {
        held.lock().expect("no panic").series = series(&all);
        let texts: std::collections::BTreeSet<String> = queries.into_iter().map(text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        calls();
        let together = runtime.block_on(ask_all(&store, &texts, scope(40)));
        let merged = calls();
        for (text, merged) in texts.iter().zip(together) {
            let alone = runtime.block_on(ask_all(&store, &[text], scope(40))).remove(0);
            let (merged, alone) = (merged.result.expect("found"), alone.result.expect("found"));
            prop_assert_eq!(&merged.objects, &alone.objects, "{}", text);
            prop_assert_eq!(merged.cut, alone.cut, "{}", text);
            prop_assert_eq!(merged.note, alone.note, "{}", text);
        }
        prop_assert!(merged <= calls(), "{merged} calls together");
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[tokio::test]
async fn five_hundred_pods_are_few_calls() {
    korrel8::client::install_tls();
    let held = Arc::new(Held::default());
    let shared = Arc::clone(&held);
    let server = Server::start(move |request| shared.answer(request)).await;
    let options = HttpOptions::new("prometheus", &server.url, "--prometheus-url");
    let store = MetricStore::new(Arc::new(Prometheus::new(options).expect("a client")));
    let texts: Vec<String> = (0..500)
        .flat_map(|at| {
            ["pod", "exported_pod", "pod_name", "kubernetes_pod_name"].map(|label| {
                format!(r#"metric:metric:{{namespace="shop",{label}="web-57dbfd5fd5-{at:05}"}}"#)
            })
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    ask_all(&store, &texts, scope(10)).await;
    assert!(held.calls.load(Ordering::Relaxed) <= 8, "{:?} calls", held.calls);
}
