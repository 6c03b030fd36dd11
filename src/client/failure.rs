//! Turning what a server says, or that it says nothing, into words and a next step for a person.

use serde_json::Value;

use super::retry::{may_pass, patience};
use super::transport::{Broken, Reply};
use crate::model::{ErrorKind, StoreError, clean};

/// How much of a server's words is shown.
const WORDS: usize = 600;

/// How much of something that is no answer is shown.
const GLIMPSE: usize = 80;

/// The failure that a reply of an error status stands for.
pub(super) fn of_status(source: &str, url: &str, reply: &Reply) -> StoreError {
    let status = reply.status;
    let kind = match status {
        400 | 422 => ErrorKind::BadQuery,
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 | 405 => ErrorKind::NotFound,
        300..=399 => ErrorKind::BadAnswer,
        _ => ErrorKind::Server(status),
    };
    let words = words(reply);
    let message = match (kind, words.is_empty()) {
        (_, true) => format!("{source} answered {status} at {url}"),
        (ErrorKind::BadQuery, false) => format!("{source} refused the query ({status}): {words}"),
        (ErrorKind::NotFound, false) => format!("{source} answered {status} at {url}: {words}"),
        (_, false) => format!("{source} answered {status}: {words}"),
    };
    let error = StoreError::new(kind, source, message);
    let wait = reply.retry_after.filter(|wait| may_pass(status) && !wait.is_zero());
    match wait.map(|wait| patience(source, wait)).or_else(|| hint(source, kind, &words)) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn hint(source: &str, kind: ErrorKind, words: &str) -> Option<String> {
    let lower = words.to_lowercase();
    let limit = ["max_query_length", "query time range exceeds", "too many", "limit", "timed out"];
    match kind {
        ErrorKind::Unauthorized if lower.contains("no org id") => {
            let flag = match source {
                "loki" | "tempo" => format!("--{source}-org-id"),
                _ => format!("{source}.org_id in the config file"),
            };
            Some(format!("{source} has several tenants: name one with {flag}"))
        }
        ErrorKind::Unauthorized => {
            Some(format!("give a token, or user:password@ in the URL of {source}"))
        }
        ErrorKind::Forbidden => Some("these credentials may not read this".to_owned()),
        ErrorKind::NotFound => {
            Some(format!("the URL of {source} may lack a sub-path, or have one too many"))
        }
        ErrorKind::BadQuery | ErrorKind::Server(_)
            if limit.iter().any(|word| lower.contains(word)) =>
        {
            Some("a shorter window (--since) or a smaller --limit asks for less".to_owned())
        }
        ErrorKind::Server(429) => Some("the server is busy; try again in a while".to_owned()),
        _ => None,
    }
}

/// What a server says in an error body: the error of Prometheus, the bare string of Alertmanager,
/// the plain text of Loki, the Status of an API server, or the start of an HTML page.
fn words(reply: &Reply) -> String {
    let text = String::from_utf8_lossy(&reply.body);
    let text = text.trim();
    if is_html(reply) {
        return format!("an HTML page, {}", glimpse(text));
    }
    let parsed: Option<Value> = serde_json::from_str(text).ok();
    let field = |name: &str| parsed.as_ref()?.get(name)?.as_str();
    let said = match &parsed {
        Some(Value::String(words)) => words.clone(),
        Some(Value::Object(_)) => match (field("errorType"), field("error"), field("message")) {
            (Some(kind), Some(error), _) => format!("{kind}: {error}"),
            (_, Some(said), _) | (_, _, Some(said)) => said.to_owned(),
            _ => text.to_owned(),
        },
        _ => text.to_owned(),
    };
    let cut = said.floor_char_boundary(WORDS);
    let more = if cut < said.len() { "…" } else { "" };
    clean(said[..cut].trim()) + more
}

fn is_html(reply: &Reply) -> bool {
    reply.content_type.starts_with("text/html") || reply.body.trim_ascii_start().starts_with(b"<")
}

fn glimpse(text: &str) -> String {
    let cut = text.floor_char_boundary(GLIMPSE);
    format!("{:?}", clean(&text[..cut]))
}

/// The failure of an answer with status 200 that is not the JSON that was expected.
pub(super) fn of_body(
    source: &str,
    url: &str,
    reply: &Reply,
    why: &serde_json::Error,
) -> StoreError {
    let text = String::from_utf8_lossy(&reply.body);
    let start = glimpse(text.trim());
    let bad = |message| StoreError::new(ErrorKind::BadAnswer, source, message);
    let path = format!(
        "check the URL of {source}: a sub-path may be missing, or a login page is in front"
    );
    if is_html(reply) {
        bad(format!("{url} answered with an HTML page, not JSON: {start}")).hint(path)
    } else if reply.body.is_empty() {
        bad(format!("{url} answered with nothing")).hint(path)
    } else if why.is_eof() {
        bad(format!("the answer of {source} breaks off after {} bytes", reply.body.len()))
            .hint("something between here and the server may cut long answers; try again")
    } else {
        let why = clean(&why.to_string());
        bad(format!("{url} answered with something else than {source} does ({why}): {start}"))
            .hint(path)
    }
}

/// The failure of a call that no reply came to.
pub(super) fn of_broken(source: &str, url: &str, broken: &Broken, cap: usize) -> StoreError {
    match broken {
        Broken::TooLarge => StoreError::new(
            ErrorKind::TooLarge,
            source,
            format!("the answer of {source} is longer than the cap of {}", size(cap)),
        )
        .hint("a shorter window (--since) or a smaller --limit asks for less"),
        Broken::Reset(words) => StoreError::new(
            ErrorKind::BadAnswer,
            source,
            format!("the connection to {source} broke off: {}", clean(words)),
        ),
        Broken::Elsewhere(server) => StoreError::new(
            ErrorKind::BadAnswer,
            source,
            format!("{url} redirects to another server, {}", clean(server)),
        )
        .hint(format!("if {source} is there now, change its URL; logins are not sent on")),
        Broken::Connect(words) => {
            let hint = connect_hint(source, words);
            StoreError::new(
                ErrorKind::Unreachable,
                source,
                format!("no connection to {url}: {}", clean(words)),
            )
            .hint(hint)
        }
    }
}

fn connect_hint(source: &str, words: &str) -> String {
    let lower = words.to_lowercase();
    if lower.contains("certificate") || lower.contains("unknownissuer") || lower.contains("x509") {
        "trust its CA with a CA file, or use --insecure-skip-tls-verify".to_owned()
    } else if lower.contains("invalid message") || lower.contains("corrupt message") {
        format!("{source} may speak http where the URL says https")
    } else if lower.contains("dns") || lower.contains("lookup") {
        format!("check the host in the URL of {source}")
    } else {
        format!("check that {source} runs and that its URL has the right port")
    }
}

fn size(bytes: usize) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}
