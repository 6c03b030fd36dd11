//! What a failed call means: from a server's Status or a broken connection to a [`StoreError`].

use std::error::Error;
use std::time::Duration;

use kube::client::AuthError;
use serde::Deserialize;

use super::{NAME, Reply};
use crate::client::retry::patience;
use crate::model::{ErrorKind, StoreError, clean, fit};

/// Why a call has no answer, with what some callers must tell apart.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What to tell the user.
    pub error: StoreError,
    /// The server says that the object is missing, not its kind.
    pub no_object: bool,
    /// The server says that the token of the next page is too old.
    pub expired: bool,
}

/// The `Status` object that an API server sends instead of an answer.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    kind: String,
    message: Option<String>,
    reason: Option<String>,
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    name: Option<String>,
}

impl Refusal {
    /// The refusal that an answer with a status other than 2xx is.
    pub(super) fn of(path: &str, reply: &Reply) -> Self {
        let status: Status = serde_json::from_slice(&reply.body).unwrap_or_default();
        let is_status = status.kind == "Status";
        let words = match status.message.filter(|words| is_status && !words.is_empty()) {
            Some(message) => message,
            None => format!("GET {path} got {} with {}", reply.status, glimpse(&reply.body)),
        };
        let kind = match reply.status {
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            400 | 405 | 406 | 410 | 422 => ErrorKind::BadQuery,
            429 | 500..=599 => ErrorKind::Server(reply.status),
            _ => ErrorKind::BadAnswer,
        };
        let mut error = StoreError::new(kind, NAME, clean(&words));
        error.hint = hint(kind).map(str::to_owned);
        let named = status.details.is_some_and(|details| details.name.is_some());
        Self {
            error,
            no_object: reply.status == 404 && is_status && named,
            expired: reply.status == 410 && status.reason.as_deref() == Some("Expired"),
        }
    }

    /// The same with what the server asks for: to be left alone so long.
    pub(super) fn after(mut self, wait: Option<Duration>) -> Self {
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            self.error.hint = Some(patience(NAME, wait));
        }
        self
    }
}

impl From<StoreError> for Box<Refusal> {
    fn from(error: StoreError) -> Self {
        Self::new(Refusal { error, no_object: false, expired: false })
    }
}

fn hint(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Unauthorized => Some("log in again, or give --token or another --context"),
        ErrorKind::Forbidden => Some("ask for that right, or use --as or another --context"),
        ErrorKind::Server(429) => Some("the server is busy: try again, or lower --limit"),
        _ => None,
    }
}

/// The first bytes of an answer that was not expected, fit for one line.
pub(super) fn glimpse(body: &[u8]) -> String {
    if body.is_empty() {
        return "an empty answer".to_owned();
    }
    let start = String::from_utf8_lossy(&body[..body.len().min(400)]);
    let words: Vec<&str> = start.split_whitespace().collect();
    format!("{:?}", fit(&clean(&words.join(" ")), 80))
}

/// The error for a request that could not be sent or whose connection broke.
pub(super) fn unsent(what: &str, fault: &kube::Error) -> StoreError {
    if let Some(login) = in_chain::<AuthError>(fault) {
        return login_failed(login);
    }
    let mut words = vec![];
    let mut next: Option<&dyn Error> = Some(fault);
    while let Some(fault) = next {
        let text = fault.to_string();
        if !words.iter().any(|had: &String| had.contains(&text)) {
            words.push(text);
        }
        next = fault.source();
    }
    let words = words.last().map_or("", String::as_str);
    let error = StoreError::new(ErrorKind::Unreachable, NAME, clean(&format!("{what}: {words}")));
    match words {
        words if words.contains("certificate") => error.hint(
            "check certificate-authority in the kubeconfig, or use --insecure-skip-tls-verify",
        ),
        _ => error.hint("check the server's address in the kubeconfig, the network and the proxy"),
    }
}

fn login_failed(fault: &AuthError) -> StoreError {
    let words = match fault {
        // What it was called with is left out, for that holds credentials.
        AuthError::AuthExecRun { out, .. } => {
            format!("the login plugin said {} ({})", glimpse(&out.stderr), out.status)
        }
        AuthError::AuthExecStart(fault) => format!("the login plugin does not start: {fault}"),
        AuthError::AuthExecParse(_) => "the login plugin printed no credential".to_owned(),
        other => other.to_string(),
    };
    StoreError::new(ErrorKind::Unauthorized, NAME, clean(&format!("login failed: {words}")))
        .hint("run the login command of the kubeconfig's user by hand, then try again")
}

/// The first error of a type among an error and its causes.
pub(super) fn in_chain<'e, T: Error + 'static>(fault: &'e (dyn Error + 'static)) -> Option<&'e T> {
    let mut next = Some(fault);
    while let Some(fault) = next {
        if let Some(found) = fault.downcast_ref() {
            return Some(found);
        }
        next = fault.source();
    }
    None
}
