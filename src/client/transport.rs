//! How bytes reach a back end: directly by HTTP; other ways, as through the API server, are
//! further [`Transport`]s. Only GET exists.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use reqwest::{Certificate, Client, Url, redirect};

use super::retry::retry_after;
use crate::model::{ErrorKind, StoreError};

/// How many redirects in a row are followed.
const REDIRECTS: usize = 5;

/// A GET of a path below the back end's base URL.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The path, with a slash at its start.
    pub path: String,
    /// The parameters of the query string, not encoded.
    pub params: Vec<(&'static str, String)>,
    /// Headers of this call alone.
    pub headers: Vec<(&'static str, String)>,
}

impl Call {
    /// A call without parameters.
    pub fn new(path: &str) -> Self {
        Self { path: path.to_owned(), ..Self::default() }
    }

    /// The same with a parameter more.
    #[must_use]
    pub fn param(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.params.push((name, value.into()));
        self
    }

    /// The same with a header more.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What came back, of whatever status.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The content type, or nothing.
    pub content_type: String,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// No connection; the words of the cause.
    Connect(String),
    /// The connection went away before the answer was whole; the words of the cause.
    Reset(String),
    /// The body is longer than the cap.
    TooLarge,
    /// The server sends callers on to another one, of this scheme, host and port.
    Elsewhere(String),
}

/// A way to a back end.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Makes the call, and reads at most `cap` bytes of its answer.
    async fn get(&self, call: &Call, cap: usize) -> Result<Reply, Broken>;

    /// The URL of a path, without credentials.
    fn url(&self, path: &str) -> String;

    /// How it reaches the back end: `direct`, `proxy`, `route`, `port-forward`.
    fn via(&self) -> &'static str;
}

/// Where a back end is and how to log in to it.
#[derive(Clone, Debug, Default)]
pub struct Address {
    /// The base URL; its path is kept as a prefix, and `user:password@` in it is used to log in.
    pub url: String,
    /// Headers of every call, as `X-Scope-OrgID`.
    pub headers: Vec<(String, String)>,
    /// A bearer token.
    pub bearer: Option<String>,
    /// User and password.
    pub basic: Option<(String, String)>,
    /// A PEM file of certificate authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether any certificate is good enough.
    pub insecure: bool,
}

/// The URL in a text, if it is one of a server; `source` names the back end in the failure.
pub fn address_of(text: &str, source: &str) -> Result<Url, StoreError> {
    let url = Url::parse(text.trim()).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| {
        let words = format!("{:?} is not a URL of {source}", without_credentials(text));
        StoreError::new(ErrorKind::Unreachable, source, words)
            .hint("write it in full, as http://localhost:9090 or https://host/prefix")
    })
}

/// Plain HTTP or HTTPS.
pub struct Direct {
    client: Client,
    base: Url,
    address: Address,
}

impl Direct {
    /// A way to an address; fails if the address cannot be understood. `source` names the back
    /// end in the failure.
    pub fn new(mut address: Address, source: &str) -> Result<Self, StoreError> {
        let bad = |words: String| StoreError::new(ErrorKind::Unreachable, source, words);
        let mut base = address_of(&address.url, source)?;
        if !base.username().is_empty() {
            let password = base.password().unwrap_or_default().to_owned();
            address.basic.get_or_insert((decoded(base.username()), decoded(&password)));
            base.set_username("").ok();
            base.set_password(None).ok();
        }
        base.set_query(None);
        base.set_fragment(None);
        let client = client(&address).map_err(bad)?;
        Ok(Self { client, base, address })
    }

    fn target(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }
}

fn client(address: &Address) -> Result<Client, String> {
    let mut builder = Client::builder()
        .user_agent(concat!("korrel8/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::custom(within))
        .pool_idle_timeout(Duration::from_mins(1))
        .tls_danger_accept_invalid_certs(address.insecure);
    if let Some(path) = &address.ca_file {
        let shown = path.display();
        let pem = std::fs::read(path).map_err(|why| format!("CA file {shown}: {why}"))?;
        let all = Certificate::from_pem_bundle(&pem)
            .ok()
            .filter(|all| !all.is_empty())
            .ok_or_else(|| format!("CA file {shown}: it holds no certificate in PEM form"))?;
        builder = builder.tls_certs_merge(all);
    }
    builder.build().map_err(|why| chain(&why))
}

/// Follows redirects that stay at one server: another one must not see our headers and logins.
fn within(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let origin = attempt.previous().first().map(Url::origin);
    if origin != Some(attempt.url().origin()) {
        attempt.stop()
    } else if attempt.previous().len() > REDIRECTS {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}

/// The other server that a reply sends to, if it does.
fn elsewhere(response: &reqwest::Response) -> Option<String> {
    let location = response.headers().get("location")?.to_str().ok()?;
    let next = response.url().join(location).ok()?.origin();
    let leaves = response.status().is_redirection() && next != response.url().origin();
    leaves.then(|| next.ascii_serialization())
}

#[async_trait]
impl Transport for Direct {
    async fn get(&self, call: &Call, cap: usize) -> Result<Reply, Broken> {
        let mut url = self.target(&call.path);
        if !call.params.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.params);
        }
        let mut request = self.client.get(url).header("Accept", "application/json");
        for (name, value) in &self.address.headers {
            request = request.header(name, value);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(token) = &self.address.bearer {
            request = request.bearer_auth(token);
        } else if let Some((user, password)) = &self.address.basic {
            request = request.basic_auth(user, Some(password));
        }
        let mut response = request.send().await.map_err(broken)?;
        if let Some(server) = elsewhere(&response) {
            return Err(Broken::Elsewhere(server));
        }
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        let content_type = header("content-type").unwrap_or_default().to_owned();
        let retry_after = header("retry-after").and_then(|text| retry_after(text, Utc::now()));
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > cap {
                return Err(Broken::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, content_type, retry_after, body })
    }

    fn url(&self, path: &str) -> String {
        self.target(path).to_string()
    }

    fn via(&self) -> &'static str {
        "direct"
    }
}

fn broken(why: reqwest::Error) -> Broken {
    let connect = why.is_connect() || why.is_builder() || why.is_redirect();
    let words = chain(&why.without_url());
    if connect { Broken::Connect(words) } else { Broken::Reset(words) }
}

/// The words of an error and of its causes, each once.
fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !words.contains(&text) {
            write!(words, ": {text}").unwrap_or_default();
        }
        cause = next.source();
    }
    words
}

fn decoded(text: &str) -> String {
    // A form value is percent-encoded text with + for a space, which a user name may hold.
    let text = text.replace('+', "%2B");
    let mut url = String::from("http://x/?v=");
    url.push_str(&text);
    let parsed = Url::parse(&url).ok();
    let value = parsed.and_then(|url| url.query_pairs().next().map(|pair| pair.1.into_owned()));
    value.unwrap_or(text)
}

/// A URL as it may be shown, even if it is none: everything up to the last `@` is left out but
/// for the scheme, since a password may hold any character that ends a host.
pub fn without_credentials(url: &str) -> String {
    let Some(at) = url.rfind('@') else { return url.to_owned() };
    let (login, host) = (&url[..at], &url[at + 1..]);
    let scheme = login.trim_start().split_once("://").map_or("", |(scheme, _)| scheme);
    let known = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    if known { format!("{scheme}://{host}") } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("http://host:9090/prom", "http://host:9090/prom"),
            ("host:9090", "host:9090"),
            ("", ""),
            ("http://admin:hunter2@host:9090/prom", "http://host:9090/prom"),
            ("http://admin:hun/ter2@host:9090", "http://host:9090"),
            ("http://admin:hun#ter2@host:9090", "http://host:9090"),
            ("http://admin:hun?ter2@host:9090/x", "http://host:9090/x"),
            ("http://admin:hun@ter2@host", "http://host"),
            ("HTTPS://hunter2@host", "HTTPS://host"),
            (" https://admin:hunter2@host", "https://host"),
            ("admin:hunter2@host:9090", "host:9090"),
            ("admin:hun/ter2@host:9090", "host:9090"),
            ("admin:hunter2://x@host:9090", "host:9090"),
            ("http:/admin:hunter2@host", "host"),
            ("http://admin:hunter2@", "http://"),
        ] {
            assert_eq!(without_credentials(url), shown, "{url}");
        }
    }
}
