//! The client of the API server: kubeconfig, discovery, and answers that are no answers.

use std::path::PathBuf;
use std::time::Duration;

use korrel8::client::kube::{JSON, Kube, KubeOptions, Url};
use korrel8::domain::k8s::{K8s, discover};
use korrel8::model::{Domain, ErrorKind, SourceState, StoreError};
use serde_json::{Value, json};

use crate::fake::apiserver::{ApiServer, status};
use crate::fake::http::{Fault, Request, Response, Server};

/// A kubeconfig for a server, in a directory that lives as long as this value.
pub(crate) struct Config {
    pub(crate) file: PathBuf,
    _dir: tempfile::TempDir,
}

impl Config {
    pub(crate) fn new(server: &Server) -> Self {
        let cluster = json!({"server": server.url,
            "certificate-authority-data": server.ca.as_deref().map(base64)});
        Self::of(&json!({
            "kind": "Config", "apiVersion": "v1", "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": "admin"}},
                {"name": "viewer", "user": {"token": "viewer"}}],
            "contexts": [
                {"name": "test", "context": {"cluster": "test", "user": "admin"}},
                {"name": "explicit", "context":
                    {"cluster": "test", "user": "admin", "namespace": "default"}},
                {"name": "limited", "context":
                    {"cluster": "test", "user": "viewer", "namespace": "shop"}}],
        }))
    }

    fn of(config: &Value) -> Self {
        Self::text(&config.to_string())
    }

    fn text(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        std::fs::write(&file, text).unwrap();
        Self { file, _dir: dir }
    }

    pub(crate) fn options(&self) -> KubeOptions {
        KubeOptions {
            kubeconfig: Some(self.file.clone()),
            timeout: Some(Duration::from_secs(30)),
            ..KubeOptions::default()
        }
    }
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let place = (bits >> (18 - 6 * digit) & 63) as usize;
            out.push(if digit <= chunk.len() { DIGITS[place] as char } else { '=' });
        }
    }
    out
}

pub(crate) async fn connect(server: &Server) -> Kube {
    let config = Config::new(server);
    Kube::connect(&config.options()).await.unwrap()
}

fn pods() -> Url {
    Url::resource("", "v1", Some("shop"), "pods")
}

/// The error of a list of Pods, which a server answers so, within small bounds.
async fn failure(
    answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> (StoreError, usize) {
    let server = Server::start(answer).await;
    let config = Config::new(&server);
    let options = KubeOptions { byte_cap: Some(1 << 20), ..config.options() };
    let kube = Kube::connect(&options).await.unwrap();
    let error = match kube.get(&pods(), JSON).await {
        Ok(reply) => reply.json::<Value>().unwrap_err(),
        Err(refusal) => refusal.error,
    };
    (error, server.requests().len())
}

#[tokio::test]
async fn bad_answers_are_told_apart() {
    let list = r#"{"kind":"PodList","items":["#;
    let page = "<html><head><title>Log in</title></head></html>";
    let cases: Vec<(Response, ErrorKind, &str, usize)> = vec![
        (Response::text(500, "boom"), ErrorKind::Server(500), "boom", 1),
        (Response::new(200, "text/html", page), ErrorKind::BadAnswer, "Log in", 1),
        (Response::new(200, "application/json", list), ErrorKind::BadAnswer, "EOF", 1),
        (
            Response::new(200, "application/json", b"{\"a\":\"\xff\xfe\"}".to_vec()),
            ErrorKind::BadAnswer,
            "not the JSON",
            1,
        ),
        (Response::fault(Fault::Huge(200 << 20)), ErrorKind::TooLarge, "larger than 1 MiB", 1),
        (Response::fault(Fault::Cut), ErrorKind::BadAnswer, "broke off", 3),
        (Response::fault(Fault::Drop), ErrorKind::Unreachable, "connection closed", 3),
        (
            status(503, "ServiceUnavailable", "etcd is \u{1b}[31mgone", None),
            ErrorKind::Server(503),
            "etcd is gone",
            3,
        ),
        (
            status(429, "TooManyRequests", "slow down", None).header("Retry-After", "0"),
            ErrorKind::Server(429),
            "slow down",
            3,
        ),
        (
            status(429, "TooManyRequests", "come back tomorrow", None)
                .header("Retry-After", "86400"),
            ErrorKind::Server(429),
            "come back tomorrow",
            1,
        ),
        (
            status(429, "TooManyRequests", "come back never", None)
                .header("Retry-After", "18446744073709551615"),
            ErrorKind::Server(429),
            "come back never",
            1,
        ),
        (
            status(401, "Unauthorized", "Unauthorized", None),
            ErrorKind::Unauthorized,
            "Unauthorized",
            1,
        ),
    ];
    for (response, kind, words, tries) in cases {
        let shown = format!("{:?} {:?}", response.status, response.fault);
        let (error, requests) = failure(move |_| response.clone()).await;
        assert_eq!(error.kind, kind, "{shown}: {error}");
        assert!(error.message.contains(words), "{shown}: {error}");
        assert!(!error.message.contains('\u{1b}'), "{shown}");
        assert_eq!(requests, tries, "{shown}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    let server = Server::start(|_| Response::fault(Fault::Hang)).await;
    let config = Config::new(&server);
    let options = KubeOptions { timeout: Some(Duration::from_millis(200)), ..config.options() };
    let kube = Kube::connect(&options).await.unwrap();
    let refusal = kube.get(&pods(), JSON).await.unwrap_err();
    assert_eq!(refusal.error.kind, ErrorKind::Timeout);
    assert!(refusal.error.message.contains("0.2 s"), "{}", refusal.error);
    let source = kube.source();
    assert_eq!((source.state, source.calls), (SourceState::Failed, 1));
    assert!(source.error.unwrap().contains("no answer"));
}

#[tokio::test]
async fn a_timeout_may_be_as_long_as_one_likes() {
    let server = ApiServer::default().start().await;
    let config = Config::new(&server);
    let options = KubeOptions { timeout: Some(Duration::MAX), ..config.options() };
    let kube = Kube::connect(&options).await.unwrap();
    assert_eq!(kube.get(&pods(), JSON).await.unwrap().status, 200);
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let server = Server::start(|_| Response::text(200, "")).await;
    let config = Config::new(&server);
    drop(server);
    let kube = Kube::connect(&config.options()).await.unwrap();
    let error = kube.get(&pods(), JSON).await.unwrap_err().error;
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.hint.is_some());
}

#[tokio::test]
async fn https_trusts_the_authority_of_the_kubeconfig_only() {
    let mut server = Server::start_tls(ApiServer::default().answerer()).await;
    let kube = connect(&server).await;
    assert_eq!(kube.get(&pods(), JSON).await.unwrap().status, 200);
    let stranger = Server::start_tls(ApiServer::default().answerer()).await;
    server.ca.clone_from(&stranger.ca);
    let config = Config::new(&server);
    let kube = Kube::connect(&config.options()).await.unwrap();
    let error = kube.get(&pods(), JSON).await.unwrap_err().error;
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.hint.clone().unwrap().contains("certificate-authority"), "{error:?}");
    let options = KubeOptions { insecure_skip_tls_verify: true, ..config.options() };
    let kube = Kube::connect(&options).await.unwrap();
    assert_eq!(kube.get(&pods(), JSON).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_namespace_is_that_which_the_context_names() {
    let server = ApiServer::default().start().await;
    let config = Config::new(&server);
    for (context, namespace) in
        [("test", None), ("explicit", Some("default")), ("limited", Some("shop"))]
    {
        let options = KubeOptions { context: Some(context.into()), ..config.options() };
        assert_eq!(Kube::connect(&options).await.unwrap().namespace(), namespace, "{context}");
    }
}

#[tokio::test]
async fn requests_say_who_asks() {
    let server = ApiServer::default().start().await;
    let config = Config::new(&server);
    let options = KubeOptions {
        context: Some("limited".into()),
        token: Some("admin".into()),
        impersonate: Some("viewer".into()),
        impersonate_groups: vec!["a".into(), "b".into()],
        ..config.options()
    };
    let kube = Kube::connect(&options).await.unwrap();
    assert_eq!((kube.namespace(), kube.context()), (Some("shop"), Some("limited")));
    kube.get(&pods(), JSON).await.unwrap();
    let request = &server.requests()[0];
    assert!(request.header("user-agent").starts_with("korrel8/"));
    assert_eq!(request.header("authorization"), "Bearer admin");
    assert_eq!(request.header("impersonate-user"), "viewer");
    let groups = request.headers.iter().filter(|(name, _)| name == "impersonate-group");
    assert_eq!(groups.count(), 2);
    assert_eq!(kube.source().state, SourceState::Ok);
}

#[tokio::test]
async fn faults_of_the_kubeconfig_say_what_to_do() {
    let server = ApiServer::default().start().await;
    let good = Config::new(&server);
    let absent = good.file.with_file_name("absent");
    let broken = Config::text("clusters:\n- name: a\n  cluster: [token-of-mine\n");
    let empty = Config::text("{}");
    let ask = |file: &PathBuf, context: Option<&str>| KubeOptions {
        kubeconfig: Some(file.clone()),
        context: context.map(str::to_owned),
        ..KubeOptions::default()
    };
    for (options, words, hint) in [
        (ask(&absent, None), "absent cannot be read", "--kubeconfig"),
        (ask(&broken.file, None), "is not a kubeconfig", "--kubeconfig"),
        (ask(&broken.file, None), "line 3", "--kubeconfig"),
        (ask(&empty.file, None), "no current context", "--context"),
        (ask(&good.file, Some("tset")), "no context \"tset\"", "did you mean --context test?"),
        (ask(&good.file, Some("prod-eu")), "no context", "test, explicit, limited"),
        (
            KubeOptions { user: Some("nobody".into()), ..ask(&good.file, None) },
            "no user \"nobody\"",
            "admin, viewer",
        ),
        (
            KubeOptions { impersonate_groups: vec!["g".into()], ..ask(&good.file, None) },
            "--as-group needs --as",
            "",
        ),
    ] {
        let error = Kube::connect(&options).await.map(|_| ()).unwrap_err();
        assert!(error.message.contains(words), "{error}");
        assert!(error.hint.unwrap_or_default().contains(hint), "{}", error.message);
        assert!(!error.message.contains("token-of-mine"), "no credentials: {}", error.message);
    }
}

#[tokio::test]
async fn a_failed_login_shows_what_the_plugin_said() {
    let config = Config::of(&json!({
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "IfAvailable",
            "command": "sh", "env": [{"name": "API_KEY", "value": "hunter2-of-env"}],
            "args": ["-c", "echo session expired >&2; exit 3", "--key=hunter2-of-args"]}}}],
    }));
    let options = KubeOptions { quiet_plugins: true, ..config.options() };
    let error = Kube::connect(&options).await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(error.message.contains("session expired"), "{error}");
    assert!(error.message.contains("exit status: 3"), "{error}");
    let shown = format!("{error:?}");
    assert!(!shown.contains("hunter2"), "what the plugin is called with is secret: {shown}");
}

#[tokio::test]
async fn discovery_learns_custom_kinds() {
    for plain_discovery in [false, true] {
        let server = ApiServer { plain_discovery, ..ApiServer::default() }.start().await;
        let kube = connect(&server).await;
        let domain = K8s::new();
        assert!(domain.class("pgc").is_none());
        let (catalog, faults) = discover(&kube).await.unwrap();
        assert_eq!(faults, []);
        domain.learn(catalog);
        for (name, class) in [
            ("pgc", "PostgresCluster.v1.db.shop.example"),
            ("postgresclusters", "PostgresCluster.v1.db.shop.example"),
            (
                "PostgresCluster.v1alpha1.db.shop.example",
                "PostgresCluster.v1alpha1.db.shop.example",
            ),
            ("hpa", "HorizontalPodAutoscaler.v2.autoscaling"),
            ("no", "Node.v1"),
        ] {
            assert_eq!(domain.class(name).unwrap().name(), class, "plain: {plain_discovery}");
        }
        let classes = domain.classes();
        assert!(classes.iter().any(|class| class.kind() == "PostgresCluster"));
        assert!(!classes.iter().any(|class| class.kind() == "Review"), "it cannot be read");
        assert!(!classes.iter().any(|class| class.kind() == "Ingress"), "this server has none");
        let query = domain.parse(&domain.class("no").unwrap(), "{namespace: x}").unwrap();
        assert_eq!(query.selector_text(), "{}", "it knows that Nodes have no namespace");
        if !plain_discovery {
            assert_eq!(server.paths(), ["/api", "/apis"]);
        }
    }
}

#[tokio::test]
async fn a_partial_discovery_hides_no_kind_and_is_told() {
    for (plain_discovery, broken, faulty, failed) in [
        (false, "/apis", "/apis", true),
        (false, "/api", "/api", true),
        (true, "/apis", "/apis", true),
        (true, "/apis/apps/v1", "/apis/apps/v1", false),
    ] {
        let server = ApiServer { plain_discovery, broken: vec![broken], ..ApiServer::default() };
        let server = server.start().await;
        let kube = connect(&server).await;
        let domain = K8s::new();
        let usual = domain.classes().len();
        let (catalog, faults) = discover(&kube).await.unwrap();
        assert_eq!(faults.len(), 1, "{broken}: {faults:?}");
        let words = &faults[0].message;
        assert!(words.contains(faulty) && words.contains("etcd is gone"), "{words}");
        domain.learn(catalog);
        assert!(domain.classes().len() >= usual, "{broken}: {:?}", domain.classes());
        assert_eq!(domain.class("deploy").unwrap().name(), "Deployment.v1.apps");
        kube.get(&pods(), JSON).await.unwrap();
        let source = kube.source();
        assert_eq!(source.state == SourceState::Failed, failed, "{broken}: {source:?}");
        assert_eq!(source.error.as_ref() == Some(words), failed, "{broken}: {source:?}");
    }
}

#[tokio::test]
async fn a_discovery_that_learns_nothing_fails_the_source() {
    let server = ApiServer { broken: vec!["/api", "/apis"], ..ApiServer::default() };
    let server = server.start().await;
    let kube = connect(&server).await;
    let fault = discover(&kube).await.unwrap_err();
    assert_eq!(fault.kind, ErrorKind::Server(500));
    kube.get(&pods(), JSON).await.unwrap();
    assert_eq!(kube.source().failure, Some(fault.kind), "the kinds are still not known");
}
