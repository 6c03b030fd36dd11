//! Alerts and metrics of a real Prometheus and a real Alertmanager, started by the test.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use korrel8::client::alertmanager::Alertmanager;
use korrel8::client::http::HttpOptions;
use korrel8::client::prometheus::Prometheus;
use korrel8::domain::alert::AlertStore;
use korrel8::domain::metric::MetricStore;
use korrel8::model::{ErrorKind, Found, Scope, SourceState, Store, Window};
use serde_json::json;

use crate::ask::{ask, ask_all};
use crate::fake::http::{Request, Response, Server};

const PROMETHEUS: &str = "prometheus";
const ALERTMANAGER: &str = "prometheus-alertmanager";

/// How often something is looked at, a fifth of a second apart, before the test gives up.
const LOOKS: usize = 450;

/// A program that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Running {
    fn start(program: &str, dir: &Path, arguments: &[String]) -> Self {
        let log = fs::File::create(dir.join(format!("{program}.log"))).unwrap();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(dir).stdout(Stdio::null()).stderr(log);
        Self(command.spawn().unwrap())
    }
}

fn installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Both servers, and what is needed to speak to them.
struct Servers {
    prometheus: Arc<Prometheus>,
    alertmanager: Arc<Alertmanager>,
    alertmanager_url: String,
    _running: [Running; 2],
    _dir: tempfile::TempDir,
}

fn configuration(prometheus: u16, alertmanager: u16, shop: &str) -> String {
    format!(
        r#"
global: {{scrape_interval: 1s, evaluation_interval: 1s, external_labels: {{cluster: test-eu}}}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]}}]}}
scrape_configs:
  - {{job_name: self, metrics_path: /prom/metrics, static_configs: [{{targets: ["127.0.0.1:{prometheus}"]}}]}}
  - {{job_name: shop, static_configs: [{{targets: ["{shop}"]}}]}}
"#
    )
}

const RULES: &str = r#"
groups:
  - name: test
    rules:
      - alert: PersistentVolumeFillingUp
        expr: vector(1) > 0
        labels: {namespace: shop, persistentvolumeclaim: data-db-0, severity: critical}
        annotations: {summary: the volume is full, runbook_url: "https://runbooks.example/pv"}
      - alert: PersistentVolumeFillingUp
        expr: vector(2) > 0
        labels: {namespace: shop, persistentvolumeclaim: data-db-1, severity: warning}
      - alert: NotYet
        expr: vector(3) > 0
        for: 1h
"#;

const ROUTES: &str = "{route: {receiver: team, group_wait: 0s}, receivers: [{name: team}]}";

/// A program with a histogram that names a trace.
fn measured(_: &Request) -> Response {
    let text = format!(
        r#"# TYPE request_seconds histogram
request_seconds_bucket{{le="0.5"}} 1
request_seconds_bucket{{le="+Inf"}} 2 # {{trace_id="{TRACE}"}} 1.7
request_seconds_count 2
request_seconds_sum 2.0
# EOF
"#
    );
    Response::new(200, "application/openmetrics-text; version=1.0.0; charset=utf-8", text)
}

const TRACE: &str = "65040764d6005ae10d313a235526acca";

impl Servers {
    fn start(shop: &Server) -> Self {
        korrel8::client::install_tls();
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (free_port(), free_port());
        fs::write(
            dir.path().join("prometheus.yml"),
            configuration(first, second, shop.url.trim_start_matches("http://")),
        )
        .unwrap();
        fs::write(dir.path().join("rules.yml"), RULES).unwrap();
        fs::write(dir.path().join("alertmanager.yml"), ROUTES).unwrap();
        let prometheus = [
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=data".to_owned(),
            "--enable-feature=exemplar-storage".to_owned(),
            "--rules.alert.resend-delay=1s".to_owned(),
            "--web.route-prefix=/prom".to_owned(),
            format!("--web.external-url=http://127.0.0.1:{first}/prom"),
            format!("--web.listen-address=127.0.0.1:{first}"),
        ];
        let alertmanager = [
            "--config.file=alertmanager.yml".to_owned(),
            "--storage.path=alerts".to_owned(),
            "--cluster.listen-address=".to_owned(),
            format!("--web.listen-address=127.0.0.1:{second}"),
        ];
        let running = [
            Running::start(ALERTMANAGER, dir.path(), &alertmanager),
            Running::start(PROMETHEUS, dir.path(), &prometheus),
        ];
        let url = format!("http://127.0.0.1:{first}/prom");
        let alertmanager_url = format!("http://127.0.0.1:{second}");
        let of = |kind: &str, url: &str| HttpOptions::new(kind, url, "test");
        Self {
            prometheus: Arc::new(Prometheus::new(of("prometheus", &url)).unwrap()),
            alertmanager: Arc::new(
                Alertmanager::new(of("alertmanager", &alertmanager_url)).unwrap(),
            ),
            alertmanager_url,
            _running: running,
            _dir: dir,
        }
    }

    async fn silence(&self, claim: &str) {
        let now = Utc::now();
        let matcher = json!({"name": "persistentvolumeclaim", "value": claim, "isRegex": false, "isEqual": true});
        let silence = json!({"matchers": [matcher], "startsAt": now, "endsAt": now + TimeDelta::hours(1),
            "createdBy": "test", "comment": "known"});
        let request = reqwest::Client::new()
            .post(format!("{}/api/v2/silences", self.alertmanager_url))
            .header("Content-Type", "application/json")
            .body(silence.to_string());
        assert!(request.send().await.unwrap().status().is_success());
    }
}

fn last_hour() -> Scope {
    let window = Window::last_hour(Utc::now() + TimeDelta::minutes(1));
    Scope { window, focus: None, limit: 500 }
}

/// Asks until what was found is as wanted.
async fn until(store: &impl Store, text: &str, wanted: impl Fn(&Found) -> bool) -> Found {
    let mut last = None;
    for _ in 0..LOOKS {
        store.refresh();
        let result = ask(store, text, last_hour()).await;
        match result {
            Ok(found) if wanted(&found) => return found,
            other => last = Some(other),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{text} did not come to what was wanted: {last:?}");
}

fn states(found: &Found) -> Vec<&str> {
    found.objects.iter().filter_map(|alert| alert.text("/state")).collect()
}

#[tokio::test]
async fn alerts_and_series_of_real_servers() {
    let missing: Vec<&str> =
        [PROMETHEUS, ALERTMANAGER].into_iter().filter(|program| !installed(program)).collect();
    if !missing.is_empty() {
        let line =
            format!("SKIPPED: the test with real servers, for lack of {}", missing.join(", "));
        // Past the capture of output, so that it is seen that nothing was tested.
        let _ = writeln!(std::io::stderr(), "{line}");
        assert!(std::env::var("CI").is_err(), "{line}; CI must have them");
        return;
    }
    let shop = Server::start(measured).await;
    let servers = Servers::start(&shop);
    let alerts = AlertStore::new(
        Some(Arc::clone(&servers.prometheus)),
        Some(Arc::clone(&servers.alertmanager)),
    );
    joined_alerts(&servers, &alerts).await;
    let metrics = MetricStore::new(Arc::clone(&servers.prometheus));
    series(&metrics).await;
    exemplars(&metrics).await;
    let states: Vec<SourceState> = alerts.sources().iter().map(|source| source.state).collect();
    assert_eq!(states, [SourceState::Ok, SourceState::Ok]);
}

async fn joined_alerts(servers: &Servers, store: &AlertStore) {
    let full = "alert:alert:{persistentvolumeclaim: data-db-0}";
    let sent = |found: &Found| {
        found.objects.iter().any(|alert| alert.body.get("externalLabels").is_some())
    };
    let found = until(store, full, sent).await;
    assert_eq!(found.objects.len(), 1);
    assert_eq!(found.note, None);
    let alert = &found.objects[0];
    assert_eq!(alert.body["state"], "firing");
    assert_eq!(alert.body["expression"], "vector(1) > 0");
    assert_eq!(alert.body["value"], 1.0);
    assert_eq!(alert.body["externalLabels"], json!({"cluster": "test-eu"}));
    assert_eq!(alert.body["annotations"]["runbook_url"], "https://runbooks.example/pv");
    assert_eq!(alert.body["receivers"], json!(["team"]));
    assert!(alert.text("/generatorURL").is_some_and(|url| url.contains("/prom/graph")));
    assert_eq!(alert.preview, "PersistentVolumeFillingUp critical firing: the volume is full");
    assert!(alert.time.is_some() && alert.end.is_none());

    servers.silence("data-db-1").await;
    let silenced = "alert:alert:{persistentvolumeclaim: data-db-1}";
    let found = until(store, silenced, |found| states(found) == ["suppressed"]).await;
    assert_eq!(found.objects[0].body["silencedBy"].as_array().map(Vec::len), Some(1));

    let found =
        until(store, "alert:alert:{alertname: NotYet}", |found| !found.objects.is_empty()).await;
    assert_eq!(states(&found), ["pending"]);
    let found =
        ask(store, r#"alert:alert:{alertname=~"Persistent.*"}"#, last_hour()).await.unwrap();
    assert_eq!(found.objects.len(), 2);
}

async fn series(store: &MetricStore) {
    let scraped = |found: &Found| {
        let values =
            found.objects.first().and_then(|series| series.body["values"].as_array().cloned());
        values.is_some_and(|values| values.last().is_some_and(|pair| pair[1] == "1"))
    };
    let found = until(store, r#"metric:metric:sum(up{job="self"})"#, scraped).await;
    assert_eq!(found.objects.len(), 1);
    let labels = &found.objects[0].body["labels"];
    assert_eq!((&labels["__name__"], &labels["job"]), (&json!("up"), &json!("self")));
    let texts = [
        "metric:metric:ALERTS{persistentvolumeclaim=\"data-db-0\"}",
        "metric:metric:no_such_metric",
        "metric:metric:{__name__=~\"prometheus_.*\"}",
    ];
    let answers = ask_all(store, &texts, last_hour()).await;
    let counts: Vec<usize> =
        answers.iter().map(|answer| answer.result.as_ref().unwrap().objects.len()).collect();
    assert_eq!(counts[..2], [1, 0]);
    assert!(counts[2] > 100);
    assert!(
        answers[2]
            .result
            .as_ref()
            .unwrap()
            .note
            .as_ref()
            .is_some_and(|note| note.contains("values"))
    );
    merged_is_alone(store).await;
    // The regular expressions of the server repeat a thousand times at most.
    let error = ask(store, r#"metric:metric:up{job=~"x{1001}"}"#, last_hour()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadQuery);
    assert!(error.message.contains("invalid repeat count"), "{error}");
}

/// Series that are asked for together are those that each query finds alone.
async fn merged_is_alone(store: &MetricStore) {
    let texts: Vec<String> = ["data-db-0", "data-db-1", "none"]
        .iter()
        .flat_map(|claim| {
            let own = format!("persistentvolumeclaim=\"{claim}\"");
            [
                format!("metric:metric:{{namespace=\"shop\",{own}}}"),
                format!("metric:metric:{{__name__=~\"ALERTS.*\",{own}}}"),
                format!("metric:metric:ALERTS{{{own},alertstate!=\"pending\"}}"),
            ]
        })
        .collect();
    let scope = last_hour();
    let ids = |found: &Found| {
        let mut ids: Vec<String> = found.objects.iter().map(|one| one.id.to_string()).collect();
        ids.sort();
        ids
    };
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let together = ask_all(store, &texts, scope).await;
    for (text, merged) in texts.iter().zip(together) {
        let alone = ask(store, text, scope).await.unwrap();
        let merged = ids(&merged.result.unwrap());
        assert_eq!(merged, ids(&alone), "{text}");
        assert_eq!(merged.is_empty(), text.contains("none"), "{text}");
    }
}

async fn exemplars(store: &MetricStore) {
    let texts = [
        r#"metric:exemplar:{"__name__":"request_seconds_bucket","job":"shop","le":"+Inf"}"#,
        r#"metric:exemplar:{"__name__":"request_seconds_bucket","job":"shop","le":"0.5"}"#,
        "metric:exemplar:sum(rate(request_seconds_bucket[1m])) by (le)",
    ];
    until(store, texts[0], |found| !found.objects.is_empty()).await;
    let answers = ask_all(store, &texts, last_hour()).await;
    let counts: Vec<usize> =
        answers.iter().map(|answer| answer.result.as_ref().unwrap().objects.len()).collect();
    assert_eq!(counts, [1, 0, 1]);
    let exemplar = &answers[0].result.as_ref().unwrap().objects[0];
    assert_eq!(exemplar.text("/traceID"), Some(TRACE));
    assert_eq!((exemplar.text("/value"), exemplar.text("/labels/le")), (Some("1.7"), Some("+Inf")));
}
