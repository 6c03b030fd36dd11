//! Puts the program together: settings, domains, rules, stores, engine. The only place that
//! knows all of them.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use color_eyre::eyre::{self, Context as _, eyre};

use super::args::Global;
use super::resolve::failure;
use super::{note, usage, when};
use crate::client::transport::address_of;
use crate::config::{self, Settings};
use crate::domain::k8s::K8s;
use crate::engine::{self, Engine, Stores};
use crate::model::{Class, Domains, Object, Scope, Vocabulary, Window};
use crate::replay::{self, Recording};
use crate::rule::{RuleFile, RuleSet};

/// The runtime of the program.
pub(super) fn runtime() -> eyre::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .wrap_err("cannot start the runtime")
}

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A command that asks sources; without any there is nothing to do.
    Ask,
    /// A command that tells about the program; it works without a cluster.
    Tell,
    /// The explorer, which has the terminal to itself.
    Explore,
}

/// Everything that a command needs.
pub(super) struct Session {
    pub(super) engine: Engine,
    pub(super) settings: Settings,
    /// The kubeconfig context, `demo`, or the name of a recording.
    pub(super) context: String,
    /// The namespace to look at; `None` for all.
    pub(super) namespace: Option<String>,
    /// The namespace that the user asked for, not only the kubeconfig.
    pub(super) asked_namespace: Option<String>,
    /// The reach that the command line asks for.
    pub(super) asked_reach: Option<u32>,
    /// The end of a recording, which is its now.
    end: Option<DateTime<Utc>>,
    /// The window of a recording.
    recorded: Option<Window>,
    /// What the command line says of the window.
    asked: Asked,
    /// Learning what kinds the cluster has, once.
    discovery: Option<super::live::Discovery>,
    /// Why nothing can be asked.
    useless: Option<String>,
}

#[derive(Clone, Debug, Default)]
struct Asked {
    since: Option<String>,
    until: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// The settings: defaults < file < environment < flags.
pub(super) fn settings(global: &Global) -> eyre::Result<Settings> {
    let mut settings = config::read(global.config.as_deref())?;
    let backends = [
        (&mut settings.prometheus, &global.prometheus_url, "--prometheus-url"),
        (&mut settings.alertmanager, &global.alertmanager_url, "--alertmanager-url"),
        (&mut settings.loki, &global.loki_url, "--loki-url"),
        (&mut settings.tempo, &global.tempo_url, "--tempo-url"),
        (&mut settings.jaeger, &global.jaeger_url, "--jaeger-url"),
        (&mut settings.netflow, &global.netflow_url, "--netflow-url"),
    ];
    for (backend, url, found) in backends {
        backend.set_url(url.clone(), found);
        if let (Some(url), true) = (&backend.url, backend.found == found) {
            let named = found.trim_start_matches("--").trim_end_matches("-url");
            address_of(url, named).map_err(|fault| usage(failure(&fault)))?;
        }
    }
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let loki = &mut settings.loki;
    if loki.url.is_none() {
        loki.set_url(env("LOKI_ADDR"), "LOKI_ADDR");
    }
    if let Some(token) = env("LOKI_BEARER_TOKEN") {
        loki.token = Some(token);
        loki.token_file = None;
    }
    loki.ca_file = env("LOKI_CA_CERT_PATH").map(PathBuf::from).or(loki.ca_file.take());
    loki.org_id = global.loki_org_id.clone().or(loki.org_id.take());
    let tempo = &mut settings.tempo;
    tempo.org_id = global.tempo_org_id.clone().or(tempo.org_id.take());
    tempo.tenant = global.tempo_tenant.clone().or(tempo.tenant.take());
    settings.context = global.context.clone().or(settings.context);
    settings.namespace = global.namespace.clone().or(settings.namespace);
    settings.rules.extend(global.rules.iter().cloned());
    if let Some(limit) = global.limit {
        settings.limit = usize::try_from(limit)?;
    }
    if let Some(calls) = global.concurrency {
        settings.concurrency = usize::try_from(calls)?;
    }
    settings.reach = global.reach.unwrap_or(settings.reach);
    if let Some(text) = &global.request_timeout {
        settings.request_timeout = seconds("--request-timeout", text)?.max(1);
    }
    if let Some(text) = &global.timeout {
        settings.timeout = seconds("--timeout", text)?;
    }
    Ok(settings)
}

/// Whole seconds of a duration flag; a bare number counts as seconds.
fn seconds(flag: &str, text: &str) -> eyre::Result<u64> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(seconds.min(YEAR));
    }
    let span = when::duration(flag, text).map_err(usage)?;
    Ok(u64::try_from(span.num_milliseconds().max(0))?.div_ceil(1000).min(YEAR))
}

/// No timeout is longer than this.
const YEAR: u64 = 365 * 24 * 3600;

/// The rules, built in and the user's. Faults are told on standard error; the rest works.
pub(super) fn rules(settings: &Settings, domains: &Domains) -> eyre::Result<RuleSet> {
    Ok(load(&rule_files(settings)?, domains))
}

fn load(files: &[RuleFile], domains: &Domains) -> RuleSet {
    let (rules, faults) = RuleSet::load(domains, files);
    for fault in &faults {
        note(&fault.render());
    }
    if !faults.is_empty() {
        note("the rules above are left out; `korrel8 rules check` tells more");
    }
    rules
}

/// Every rule file: the built-in ones first.
pub(super) fn rule_files(settings: &Settings) -> eyre::Result<Vec<RuleFile>> {
    let mut files = RuleSet::builtin_files();
    let own = config::rule_files(&settings.rules)?;
    files.extend(own.into_iter().map(|(name, text)| RuleFile { name, text }));
    Ok(files)
}

impl Session {
    /// Reads settings and prepares sources, without asking any of them yet.
    pub(super) async fn open(global: &Global, purpose: Purpose) -> eyre::Result<Self> {
        let settings = settings(global)?;
        let files = rule_files(&settings)?;
        let vocabulary = Arc::new(RuleSet::vocabulary_of(&files));
        let k8s = Arc::new(K8s::new());
        let domains = crate::domain::with_k8s(Arc::clone(&k8s), &vocabulary);
        let rules = Arc::new(load(&files, &domains));
        let asked = Asked {
            since: global.since.clone(),
            until: global.until.clone(),
            from: global.from.clone(),
            to: global.to.clone(),
        };
        let chosen = if global.all_namespaces { None } else { settings.namespace.clone() };
        let mut session = Self {
            engine: Engine::new(domains, rules, Stores::new()),
            context: String::new(),
            asked_reach: global.reach,
            asked_namespace: chosen.clone(),
            namespace: chosen,
            end: None,
            recorded: None,
            asked,
            discovery: None,
            useless: None,
            settings,
        };
        session.window_within(Window::last_hour(Utc::now()), Utc::now())?;
        if global.demo {
            let recording = replay::demo(Utc::now());
            session.replay(recording, "--demo", "demo");
        } else if let Some(path) = &global.replay {
            let file = File::open(path)
                .wrap_err_with(|| format!("cannot read the recording {}", path.display()))?;
            let recording = Recording::load(BufReader::new(file), session.engine.domains())
                .map_err(|fault| eyre!("{}: {fault}", path.display()))?;
            session.end = Some(recording.manifest.recorded);
            let manifest = recording.manifest.clone();
            session.replay(recording, "--replay", &path.display().to_string());
            session.context = manifest.context;
            let window = manifest.more.get("window").cloned();
            session.recorded = window.and_then(|window| serde_json::from_value(window).ok());
        } else {
            session.live(global, k8s, &vocabulary, purpose).await?;
        }
        Ok(session)
    }

    fn replay(&mut self, recording: Recording, found: &str, url: &str) {
        let domains = self.engine.domains().clone();
        let stores: Stores = replay::stores(recording, &domains, found, url).into_iter().collect();
        url.clone_into(&mut self.context);
        self.engine = Engine::new(domains, Arc::clone(self.engine.rules()), stores);
    }

    async fn live(
        &mut self,
        global: &Global,
        k8s: Arc<K8s>,
        vocabulary: &Arc<Vocabulary>,
        purpose: Purpose,
    ) -> eyre::Result<()> {
        let live = super::live::open(global, &self.settings, k8s, vocabulary, purpose).await?;
        let domains = self.engine.domains().clone();
        self.engine = Engine::new(domains, Arc::clone(self.engine.rules()), live.stores);
        self.context = live.context;
        if !global.all_namespaces && self.namespace.is_none() {
            self.namespace = live.namespace;
        }
        self.discovery = live.discovery;
        self.useless = live.useless;
        Ok(())
    }

    /// That there is somebody to ask. Comes after the reading of the command line, whose faults
    /// are told first.
    pub(super) fn usable(&self) -> eyre::Result<()> {
        match &self.useless {
            Some(why) => Err(eyre!("{why}")),
            None => Ok(()),
        }
    }

    /// Gets ready for a search while what it starts from is asked for.
    pub(super) fn prepare(&self) {
        let rules = Arc::clone(self.engine.rules());
        tokio::task::spawn_blocking(move || rules.warm());
    }

    /// Waits until the kinds of the cluster are known, or it is clear that they will not be.
    pub(super) async fn ready(&self) {
        if let Some(discovery) = &self.discovery {
            discovery.done().await;
        }
    }

    /// Forgets what was kept, and learns anew what kinds there are.
    pub(super) fn refresh(&self) {
        self.engine.refresh();
        if let Some(discovery) = &self.discovery {
            discovery.again();
        }
    }

    /// The time: the end of a recording, else the clock's.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.end.unwrap_or_else(Utc::now)
    }

    /// Whether the command line says anything of the window.
    pub(super) fn asked_for_window(&self) -> bool {
        let Asked { since, until, from, to } = &self.asked;
        [since, until, from, to].iter().any(|flag| flag.is_some())
    }

    /// The usual window with what the command line says in place of it.
    pub(super) fn window_within(&self, usual: Window, now: DateTime<Utc>) -> eyre::Result<Window> {
        let Asked { since, until, from, to } = &self.asked;
        let back = (since.as_deref(), until.as_deref());
        let fixed = (from.as_deref(), to.as_deref());
        Ok(when::window(back, fixed, usual, now).map_err(usage)?.unwrap_or(usual))
    }

    /// The window of a search from these objects, if nobody says else.
    pub(super) fn usual_window(&self, start: &[Arc<Object>]) -> Window {
        self.recorded.unwrap_or_else(|| engine::window(start, self.now()))
    }

    /// What every call of a search from these objects carries.
    pub(super) fn scope(&self, start: &[Arc<Object>]) -> eyre::Result<Scope> {
        let now = self.now();
        let window = self.window_within(self.usual_window(start), now)?;
        Ok(Scope { window, focus: engine::focus(start), limit: self.settings.limit })
    }

    /// What a query for a start carries: alerts are looked for however old they are.
    pub(super) fn start_scope(&self, class: &Class) -> eyre::Result<Scope> {
        let now = self.now();
        let usual = match class.domain() {
            "alert" => Window { start: now - chrono::TimeDelta::days(3650), end: now },
            _ => self.usual_window(&[]),
        };
        let window = self.window_within(usual, now)?;
        Ok(Scope { window, focus: None, limit: self.settings.limit })
    }

    /// When a search gives up.
    pub(super) fn deadline(&self) -> Option<Duration> {
        (self.settings.timeout > 0).then(|| Duration::from_secs(self.settings.timeout))
    }
}
