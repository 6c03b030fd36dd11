//! Live back ends: from settings to clients and stores.

use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{self, eyre};
use futures::future::{BoxFuture, FutureExt as _, Shared};
use futures::stream::{self, BoxStream, StreamExt as _};

use super::args::Global;
use super::note;
use super::resolve::failure;
use super::wire::{Purpose, Session};
use crate::client;
use crate::client::alertmanager::Alertmanager;
use crate::client::http::HttpOptions;
use crate::client::jaeger::Jaeger;
use crate::client::kube::{Kube, KubeOptions};
use crate::client::loki::Loki;
use crate::client::prometheus::Prometheus;
use crate::client::span::Tracer;
use crate::client::tempo::Tempo;
use crate::config::{Address, Settings};
use crate::domain::alert::AlertStore;
use crate::domain::incident::IncidentStore;
use crate::domain::k8s::{K8s, KubeStore, discover};
use crate::domain::log::{Backed, LokiStore, PodLogStore, PodSource};
use crate::domain::metric::MetricStore;
use crate::domain::netflow::NetflowStore;
use crate::domain::trace::TraceStore;
use crate::engine::Stores;
use crate::model::{
    Answer, ErrorKind, Query, Rank, Ranked, Scope, Source, SourceState, Store, StoreError,
    Vocabulary,
};

/// What there is to ask.
pub(super) struct Live {
    pub(super) stores: Stores,
    pub(super) context: String,
    pub(super) namespace: Option<String>,
    pub(super) discovery: Option<Discovery>,
    /// Why nothing can be asked: there is no cluster, and either nothing else or it was asked for.
    pub(super) useless: Option<String>,
}

/// Learning what kinds the cluster has; it goes on in the background.
pub(super) struct Discovery {
    first: Shared<BoxFuture<'static, ()>>,
    kube: Kube,
    k8s: Arc<K8s>,
}

impl Discovery {
    /// Failures are told on standard error if that is not the explorer's; the source's state
    /// tells them too.
    fn start(kube: Kube, k8s: Arc<K8s>, tell: bool) -> Self {
        let (asked, learner) = (kube.clone(), Arc::clone(&k8s));
        let task = tokio::spawn(async move {
            for fault in learn(&asked, &learner).await.iter().filter(|_| tell) {
                note(&format!("not all kinds of the cluster are known: {}", failure(fault)));
            }
        });
        Self { first: task.map(|_| ()).boxed().shared(), kube, k8s }
    }

    /// Waits for the end, which the client's timeout bounds.
    pub(super) async fn done(&self) {
        self.first.clone().await;
    }

    /// Learns anew, in the background.
    pub(super) fn again(&self) {
        let (kube, k8s) = (self.kube.clone(), Arc::clone(&self.k8s));
        tokio::spawn(async move { learn(&kube, &k8s).await });
    }
}

/// Asks what kinds there are; returns what could not be learned.
async fn learn(kube: &Kube, k8s: &K8s) -> Vec<StoreError> {
    match discover(kube).await {
        Ok((catalog, faults)) => {
            k8s.learn(catalog);
            faults
        }
        Err(fault) => vec![fault],
    }
}

/// Reads the kubeconfig and makes clients for what is configured; asks nothing but, in the
/// background, what kinds there are.
pub(super) async fn open(
    global: &Global,
    settings: &Settings,
    k8s: Arc<K8s>,
    vocabulary: &Arc<Vocabulary>,
    purpose: Purpose,
) -> eyre::Result<Live> {
    client::install_tls();
    let prometheus = backend("prometheus", &settings.prometheus, settings)?;
    let prometheus = prometheus.map(Prometheus::new).transpose().map_err(wrong)?.map(Arc::new);
    let alertmanager = backend("alertmanager", &settings.alertmanager, settings)?;
    let alertmanager = alertmanager.map(Alertmanager::new).transpose().map_err(wrong)?;
    let loki = backend("loki", &settings.loki, settings)?;
    let loki = loki.map(Loki::new).transpose().map_err(wrong)?.map(Arc::new);
    let traces = tracer(settings)?;
    let flows = flows(settings, loki.as_ref())?;
    let alone = [prometheus.is_none(), alertmanager.is_none(), loki.is_none(), traces.is_none()];
    let alone = alone.into_iter().all(|absent| absent) && flows.is_none();

    let mut live = Live {
        stores: Stores::new(),
        context: String::new(),
        namespace: None,
        discovery: None,
        useless: None,
    };
    let mut put =
        |domain: &str, store: Arc<dyn Store>| live.stores.insert(domain.to_owned(), store);
    if let Some(prometheus) = &prometheus {
        put("metric", Arc::new(MetricStore::new(Arc::clone(prometheus))));
        put("incident", Arc::new(IncidentStore::new(Arc::clone(prometheus))));
    } else {
        let absent = |domain| Arc::new(Absent::new("prometheus", domain, "--prometheus-url"));
        put("metric", absent("metric"));
        put("incident", absent("incident"));
    }
    if prometheus.is_some() || alertmanager.is_some() {
        let alertmanager = alertmanager.map(Arc::new);
        put("alert", Arc::new(AlertStore::new(prometheus, alertmanager)));
    } else {
        let flags = "--prometheus-url and --alertmanager-url";
        put("alert", Arc::new(Absent::new("alertmanager", "alert", flags)));
    }
    let loki: Option<Arc<dyn Store>> =
        loki.map(|loki| Arc::new(LokiStore::new(loki, vocabulary)) as Arc<dyn Store>);
    put(
        "trace",
        match traces {
            Some(tracer) => Arc::new(TraceStore::new(tracer, vocabulary)),
            None => Arc::new(Absent::new("tempo", "trace", "--tempo-url or --jaeger-url")),
        },
    );
    put(
        "netflow",
        match flows {
            Some(loki) => Arc::new(NetflowStore::new(loki)),
            None => Arc::new(Absent::new("netflow", "netflow", "--loki-url or --netflow-url")),
        },
    );
    match Kube::connect(&kube_options(global, settings, purpose == Purpose::Explore)).await {
        Ok(kube) => {
            let store = KubeStore::new(kube.clone(), (*k8s).clone());
            let store = Arc::new(store.keeping(settings.max_kept.saturating_mul(1 << 20)));
            let pods = PodSource::new(Arc::<KubeStore>::clone(&store), Arc::<K8s>::clone(&k8s));
            let pods = Arc::new(PodLogStore::new(&kube, pods, vocabulary));
            let logs: Arc<dyn Store> = match loki {
                Some(loki) => Arc::new(Backed::new(loki, pods)),
                None => pods,
            };
            put("log", logs);
            put("k8s", store);
            kube.context().unwrap_or("in-cluster").clone_into(&mut live.context);
            live.namespace = kube.namespace().map(str::to_owned);
            live.discovery = Some(Discovery::start(kube, k8s, purpose != Purpose::Explore));
        }
        Err(mut error) => {
            let asked = global.kubeconfig.is_some() || settings.context.is_some();
            if (alone || asked) && purpose != Purpose::Tell {
                live.useless = Some(failure(&error));
            // Nobody asked for a cluster where there is no kubeconfig at all; anything else failed.
            } else if asked || !nowhere() {
                error.kind = ErrorKind::Unreachable;
                note(&format!("no cluster: {}", failure(&error)));
            }
            let absent = || Arc::new(Absent::new("loki", "log", "--loki-url"));
            put("log", loki.unwrap_or_else(|| absent()));
            put("k8s", Arc::new(Absent { error, kind: "kubernetes" }));
        }
    }
    Ok(live)
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn wrong(error: StoreError) -> eyre::Report {
    eyre!(failure(&error))
}

fn kube_options(global: &Global, settings: &Settings, screen: bool) -> KubeOptions {
    KubeOptions {
        kubeconfig: global.kubeconfig.clone(),
        context: settings.context.clone(),
        impersonate: global.as_user.clone(),
        impersonate_groups: global.as_group.clone(),
        token: global.token.clone(),
        insecure_skip_tls_verify: global.insecure_skip_tls_verify,
        timeout: Some(Duration::from_secs(settings.request_timeout)),
        byte_cap: Some(settings.max_answer.saturating_mul(1 << 20)),
        concurrency: Some(settings.concurrency),
        quiet_plugins: screen,
        ..KubeOptions::default()
    }
}

/// The server of traces, if one is configured: Tempo before Jaeger.
fn tracer(settings: &Settings) -> eyre::Result<Option<Arc<dyn Tracer>>> {
    if let Some(options) = backend("tempo", &settings.tempo, settings)? {
        return Ok(Some(Arc::new(Tempo::new(options).map_err(wrong)?)));
    }
    let Some(options) = backend("jaeger", &settings.jaeger, settings)? else { return Ok(None) };
    Ok(Some(Arc::new(Jaeger::new(options).map_err(wrong)?)))
}

/// The Loki with network flows: its own, or the one with logs. Behind an operator's gateway flows
/// have a tenant of their own.
fn flows(settings: &Settings, logs: Option<&Arc<Loki>>) -> eyre::Result<Option<Arc<Loki>>> {
    let mut address = settings.netflow.clone();
    if address.url.is_none() {
        if settings.loki.tenant.is_none() {
            return Ok(logs.cloned());
        }
        let tenant = address.tenant.or_else(|| Some("network".to_owned()));
        address = Address { tenant, ..settings.loki.clone() };
    }
    let options = backend("netflow", &address, settings)?;
    Ok(options.map(Loki::new).transpose().map_err(wrong)?.map(Arc::new))
}

/// The path that an operator's gateway puts before that of a tenant's back end.
fn gateway(kind: &str, tenant: &str) -> eyre::Result<String> {
    match kind {
        "tempo" => Ok(format!("/api/traces/v1/{tenant}/tempo")),
        "loki" | "netflow" => Ok(format!("/api/logs/v1/{tenant}")),
        _ => Err(eyre!(
            "{kind}.tenant: only loki, netflow and tempo have a gateway with tenants in its path; org_id is a header"
        )),
    }
}

/// The options of an HTTP back end, if it is configured.
fn backend(
    kind: &str,
    backend: &Address,
    settings: &Settings,
) -> eyre::Result<Option<HttpOptions>> {
    let Some(url) = &backend.url else { return Ok(None) };
    let path = backend.tenant.as_ref().map(|tenant| gateway(kind, tenant)).transpose()?;
    let url = format!("{}{}", url.trim_end_matches('/'), path.unwrap_or_default());
    let mut options = HttpOptions::new(kind, &url, &backend.found);
    options.timeout = Duration::from_secs(settings.request_timeout);
    options.max_bytes = settings.max_answer.saturating_mul(1 << 20);
    options.concurrency = settings.concurrency;
    let token = match &backend.token_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let text =
                text.map_err(|fault| eyre!("{kind}: token file {}: {fault}", path.display()))?;
            Some(text.trim().to_owned())
        }
        None => backend.token.clone(),
    };
    let address = &mut options.address;
    address.bearer = token;
    address.ca_file.clone_from(&backend.ca_file);
    address.insecure = backend.insecure;
    let headers = backend.headers.iter().map(|(name, value)| (name.clone(), value.clone()));
    address.headers = headers.collect();
    let tenant = backend.org_id.iter().map(|id| ("X-Scope-OrgID".to_owned(), id.clone()));
    address.headers.extend(tenant);
    Ok(Some(options))
}

/// Whether no kubeconfig is to be found anywhere, nor are we inside of a cluster.
fn nowhere() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let home = etcetera::home_dir().is_ok_and(|home| home.join(".kube/config").exists());
    !set("KUBECONFIG") && !set("KUBERNETES_SERVICE_HOST") && !home
}

/// A store of a back end that is not there, which says so.
struct Absent {
    error: StoreError,
    kind: &'static str,
}

impl Absent {
    fn new(kind: &'static str, domain: &str, flags: &str) -> Self {
        let message = format!("no source for {domain} is configured");
        let error = StoreError::new(ErrorKind::Missing, kind, message);
        Self { error: error.hint(format!("give {flags}")), kind }
    }
}

impl Store for Absent {
    fn fetch(&self, batch: Vec<Ranked>, _: Scope) -> BoxStream<'static, Answer> {
        let error = self.error.clone();
        let refuse = move |Ranked { query, .. }| Answer {
            query,
            result: Err(error.clone()),
            took: Duration::ZERO,
        };
        stream::iter(batch).map(refuse).boxed()
    }

    fn sources(&self) -> Vec<Source> {
        vec![Source {
            name: self.kind.to_owned(),
            kind: self.kind.to_owned(),
            state: match self.error.kind {
                ErrorKind::Missing => SourceState::Missing,
                _ => SourceState::Failed,
            },
            error: Some(self.error.advice()),
            failure: Some(self.error.kind),
            ..Source::default()
        }]
    }
}

impl Session {
    /// Makes a cheap call to every source and tells how they are.
    pub(super) async fn probe(&self) -> Vec<Source> {
        self.ready().await;
        let nowhere = "korrel8-probe";
        let texts = [
            format!("alert:alert:{{\"alertname\":\"{nowhere}\"}}"),
            format!("log:application:{{\"namespace\":\"{nowhere}\",\"name\":\"{nowhere}\"}}"),
            format!("k8s:Pod:{{\"namespace\":\"{nowhere}\",\"name\":\"{nowhere}\"}}"),
            "trace:span:00000000000000000000000000000001".to_owned(),
            format!("netflow:network:{{SrcK8S_Namespace=\"{nowhere}\"}}"),
        ];
        let domains = self.engine.domains();
        let queries: Vec<Query> =
            texts.iter().filter_map(|text| domains.query(text).ok()).collect();
        if let Some(query) = queries.first()
            && let Ok(scope) = self.start_scope(query.class())
        {
            // In which words a server speaks is not told by an answer.
            let stores = domains.iter().filter_map(|domain| self.engine.store(domain.name()));
            let ahead: Vec<_> =
                stores.filter_map(|store| store.prepare(scope, &Rank::default())).collect();
            futures::future::join_all(ahead).await;
            self.engine.get(queries, scope).await;
        }
        self.engine.sources()
    }
}
