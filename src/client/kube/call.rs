//! One GET: bounded in time and bytes, and tried again where that can help.

use std::time::Duration;

use chrono::Utc;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

use super::failure::{Refusal, glimpse, in_chain, unsent};
use super::{Kube, NAME, Url};
use crate::client::gate::until_useless;
use crate::client::retry::{self, Retry};
use crate::model::{ErrorKind, StoreError, clean};

/// What to accept where JSON is expected.
pub const JSON: &str = "application/json";
/// What to accept where anything will do.
pub const TEXT: &str = "*/*";

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The media type as the server gave it.
    pub content_type: String,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON of some shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        serde_json::from_slice(&self.body).map_err(|fault| {
            let shown = glimpse(&self.body);
            let words = format!(
                "the answer is not the JSON that was expected: {fault}; it starts with {shown}"
            );
            let error = StoreError::new(ErrorKind::BadAnswer, NAME, clean(&words));
            let page = self.content_type.starts_with("text/html");
            error.hint(if page {
                "that is a web page: the address in the kubeconfig is not an API server's"
            } else {
                "something between here and the server may cut or change answers"
            })
        })
    }
}

/// How one try ended without an answer.
enum Failed {
    /// Not to be tried again.
    Final(StoreError),
    /// The connection broke.
    Broken(StoreError),
}

impl Kube {
    /// The answer to a GET, if its status is 2xx.
    pub async fn get(&self, url: &Url, accept: &'static str) -> Result<Reply, Box<Refusal>> {
        let (answered, took) = self.persist(url, accept).await;
        let answered = answered.map_err(|mut refusal| {
            self.name.clone_into(&mut refusal.error.source_name);
            refusal
        });
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.note(millis, answered.as_ref().err().map(|refusal| &refusal.error));
        answered
    }

    fn late(&self, url: &Url) -> StoreError {
        let seconds = self.inner.timeout.as_secs_f64();
        let words = format!("GET {}: no answer within {seconds} s", path_of(url));
        StoreError::new(ErrorKind::Timeout, NAME, words)
            .hint("raise --request-timeout, or ask for less with -n NAMESPACE")
    }

    /// Tries until there is an answer that another try would not change, or too little time; and
    /// how long the last try took. Waiting for a turn is not counted: the server has not been
    /// asked yet.
    async fn persist(
        &self,
        url: &Url,
        accept: &'static str,
    ) -> (Result<Reply, Box<Refusal>>, Duration) {
        let mut left = retry::bounded(self.inner.timeout);
        let mut made = 0;
        loop {
            let slot = self.inner.gate.enter().await;
            let began = Instant::now();
            let tried = timeout(left, self.once(url, accept)).await;
            drop(slot);
            let took = began.elapsed();
            left = left.saturating_sub(took);
            let (refusal, asked) = match tried {
                Ok(Ok((reply, _))) if (200..300).contains(&reply.status) => {
                    return (Ok(reply), took);
                }
                Ok(Ok((reply, wait))) => {
                    let refusal = Box::new(Refusal::of(path_of(url), &reply).after(wait));
                    if !retry::may_pass(reply.status) {
                        return (Err(refusal), took);
                    }
                    (refusal, wait)
                }
                Ok(Err(Failed::Broken(error))) => (error.into(), None),
                Ok(Err(Failed::Final(error))) => return (Err(error.into()), took),
                Err(_) => return (Err(self.late(url).into()), took),
            };
            let Some(pause) = Retry::USUAL.pause(made, asked, until_useless(left)) else {
                return (Err(refusal), took);
            };
            sleep(pause).await;
            left -= pause;
            made += 1;
        }
    }

    /// One try, and how long the server wants to be left alone.
    async fn once(
        &self,
        url: &Url,
        accept: &'static str,
    ) -> Result<(Reply, Option<Duration>), Failed> {
        let request = Request::get(url.as_str()).header(ACCEPT, accept).body(Body::empty());
        let request = request.map_err(|fault| {
            Failed::Final(StoreError::new(ErrorKind::BadQuery, NAME, fault.to_string()))
        })?;
        let answer = self.inner.client.send(request).await.map_err(|fault| {
            let error = unsent(&self.inner.url, &fault);
            if reset(&fault) { Failed::Broken(error) } else { Failed::Final(error) }
        })?;
        let status = answer.status().as_u16();
        let wait = retry::retry_after(&header(answer.headers(), RETRY_AFTER.as_str()), Utc::now());
        let content_type = header(answer.headers(), CONTENT_TYPE.as_str());
        let body = self.collect(answer.into_body(), url).await?;
        Ok((Reply { status, content_type, body }, wait))
    }

    /// Reads a body up to the cap.
    async fn collect(&self, mut body: Body, url: &Url) -> Result<Vec<u8>, Failed> {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|fault| {
                let words = format!("GET {}: the answer broke off: {fault}", path_of(url));
                Failed::Broken(StoreError::new(ErrorKind::BadAnswer, NAME, clean(&words)))
            })?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > self.inner.cap {
                let words = format!(
                    "GET {}: the answer is larger than {} MiB",
                    path_of(url),
                    self.inner.cap.div_ceil(1 << 20)
                );
                let error = StoreError::new(ErrorKind::TooLarge, NAME, words);
                return Err(Failed::Final(error.hint("ask for less: give -n NAMESPACE")));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes)
    }
}

fn path_of(url: &Url) -> &str {
    url.as_str().split('?').next().unwrap_or_default()
}

fn header(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// Whether a connection was made and then broke, so that another try may do better.
fn reset(fault: &kube::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let io = in_chain::<std::io::Error>(fault).map(std::io::Error::kind);
    let io = io.is_some_and(|kind| {
        matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
    });
    io || fault_text(fault).contains("connection closed before message completed")
}

fn fault_text(fault: &kube::Error) -> String {
    let mut words = String::new();
    let mut next: Option<&dyn std::error::Error> = Some(fault);
    while let Some(fault) = next {
        words.push_str(&fault.to_string());
        next = fault.source();
    }
    words
}
