//! A back end that is asked by GET for JSON: with a bound on calls in flight, on time and bytes,
//! with retries where they help, and with an account of how it is doing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use tokio::time::{Instant as Moment, sleep, timeout};

use super::failure;
use super::gate::{CONCURRENCY, Gate, until_useless};
use super::retry::{self, Retry};
use super::silence::Silence;
use super::transport::{Address, Broken, Call, Direct, Reply, Transport};
use crate::model::{ErrorKind, Source, SourceState, StoreError};

/// What is allowed for one back end.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The name of the source, which is unique: `prometheus`.
    pub name: String,
    /// What it speaks: `prometheus`, `alertmanager`, `loki`.
    pub kind: String,
    /// How it was found: `--loki-url`, `KORREL8_LOKI_URL`, `config`.
    pub found: String,
    /// Where it is and how to log in.
    pub address: Address,
    /// How long a call may take, retries included; waiting for a turn is not counted.
    pub timeout: Duration,
    /// How many bytes an answer may have.
    pub max_bytes: usize,
    /// How many calls may be in flight.
    pub concurrency: usize,
    /// How often a call is made again after a failure that may pass.
    pub retries: u32,
    /// How long to wait before the first of these; twice as long before each further one.
    pub backoff: Duration,
}

impl HttpOptions {
    /// The usual bounds for a back end, which is named after its kind.
    pub fn new(kind: &str, url: &str, found: &str) -> Self {
        Self {
            name: kind.to_owned(),
            kind: kind.to_owned(),
            found: found.to_owned(),
            address: Address { url: url.to_owned(), ..Address::default() },
            timeout: Duration::from_secs(10),
            max_bytes: 64 << 20,
            concurrency: CONCURRENCY,
            retries: Retry::USUAL.most,
            backoff: Retry::USUAL.backoff,
        }
    }
}

/// One back end.
pub struct HttpClient {
    options: HttpOptions,
    transport: Arc<dyn Transport>,
    gate: Gate,
    silence: Silence,
    source: Mutex<Source>,
}

impl HttpClient {
    /// A back end that is reached directly; fails if its address cannot be understood.
    pub fn new(options: HttpOptions) -> Result<Self, StoreError> {
        let direct = Direct::new(options.address.clone(), &options.name)?;
        Ok(Self::with(options, Arc::new(direct)))
    }

    /// A back end that is reached in another way; the address in the options is not used.
    pub fn with(options: HttpOptions, transport: Arc<dyn Transport>) -> Self {
        let source = Source {
            name: options.name.clone(),
            kind: options.kind.clone(),
            via: transport.via().to_owned(),
            url: transport.url("/").trim_end_matches('/').to_owned(),
            found: options.found.clone(),
            ..Source::default()
        };
        let gate = Gate::new(options.concurrency);
        let silence = Silence::default();
        Self { options, transport, gate, silence, source: Mutex::new(source) }
    }

    /// How long it is waited for where another server has answered.
    pub fn grace(&self) -> Duration {
        self.options.timeout / 3
    }

    /// The failure of a server that is not waited for any longer.
    pub fn late(&self) -> StoreError {
        let (name, grace) = (self.name(), self.grace());
        let words = format!("no answer from {name} within {grace:.1?} of the other's");
        let error = StoreError::new(ErrorKind::Timeout, name, words);
        self.disowned(error.hint("a longer --request-timeout waits longer"))
    }

    /// Forgets that there was no answer, so that the server is asked again at once.
    pub fn forget(&self) {
        self.silence.ends();
    }

    /// How it is doing.
    pub fn source(&self) -> Source {
        self.source.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The name of the source.
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// Makes a call and reads its answer as JSON. Bytes that are no UTF-8 are replaced.
    pub async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, StoreError> {
        self.parsed(call, |text| serde_json::from_str(text)).await
    }

    /// The same, but for `None` if `absent` tells from the status and the body of a refusal that
    /// what was asked for is not there: that is no failure.
    pub async fn find<T: DeserializeOwned>(
        &self,
        call: Call,
        absent: impl Fn(u16, &str) -> bool + Send + Sync,
    ) -> Result<Option<T>, StoreError> {
        let find = async {
            let url = self.transport.url(&call.path);
            let reply = self.reply(&call, &url).await?;
            let refused = !(200..300).contains(&reply.status);
            if refused && absent(reply.status, &String::from_utf8_lossy(&reply.body)) {
                return Ok(None);
            }
            self.read(&url, &reply, |text| serde_json::from_str(text)).map(Some)
        };
        self.account(find).await
    }

    /// The same with a way of reading JSON of one's own.
    pub async fn parsed<T>(
        &self,
        call: Call,
        parse: impl Fn(&str) -> Result<T, serde_json::Error>,
    ) -> Result<T, StoreError> {
        self.account(self.attempt(&call, parse)).await
    }

    /// Keeps account of a failure that its caller has found: an answer that is none, or none in time.
    pub fn disowned(&self, error: StoreError) -> StoreError {
        self.note(Some(&error));
        error
    }

    /// Keeps account of what became of a call.
    async fn account<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let result = call.await;
        let millis = u64::try_from(started.elapsed().as_millis()).ok();
        self.source.lock().unwrap_or_else(PoisonError::into_inner).millis = millis;
        // A refused query is the query's fault: the server is well.
        self.note(result.as_ref().err().filter(|error| error.kind != ErrorKind::BadQuery));
        result
    }

    fn note(&self, failure: Option<&StoreError>) {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.state = if failure.is_none() { SourceState::Ok } else { SourceState::Failed };
        source.error = failure.map(StoreError::advice);
        source.failure = failure.map(|failure| failure.kind);
    }

    async fn attempt<T>(
        &self,
        call: &Call,
        parse: impl Fn(&str) -> Result<T, serde_json::Error>,
    ) -> Result<T, StoreError> {
        let url = self.transport.url(&call.path);
        let reply = self.reply(call, &url).await?;
        self.read(&url, &reply, parse)
    }

    fn read<T>(
        &self,
        url: &str,
        reply: &Reply,
        parse: impl Fn(&str) -> Result<T, serde_json::Error>,
    ) -> Result<T, StoreError> {
        let name = &self.options.name;
        if !(200..300).contains(&reply.status) {
            return Err(failure::of_status(name, url, reply));
        }
        let parsed = match std::str::from_utf8(&reply.body) {
            Ok(text) => parse(text),
            Err(_) => parse(&String::from_utf8_lossy(&reply.body)),
        };
        parsed.map_err(|why| failure::of_body(name, url, reply, &why))
    }

    /// The last reply, after as many calls as were needed and allowed.
    async fn reply(&self, call: &Call, url: &str) -> Result<Reply, StoreError> {
        let options = &self.options;
        let retry = Retry { most: options.retries, backoff: options.backoff };
        // Waiting for a turn is not counted: the server has not been asked yet.
        let mut left = retry::bounded(options.timeout);
        let mut made = 0;
        loop {
            let slot = self.gate.enter().await;
            if let Some(since) = self.silence.lasts() {
                return Err(self.silent(since));
            }
            let began = Moment::now();
            self.source.lock().unwrap_or_else(PoisonError::into_inner).calls += 1;
            let result = timeout(left, self.transport.get(call, self.options.max_bytes)).await;
            drop(slot);
            match &result {
                Ok(_) => self.silence.ends(),
                Err(_) => self.silence.goes_on(began),
            }
            let asked = match &result {
                Ok(Ok(reply)) if may_pass(reply) => reply.retry_after,
                Ok(Err(Broken::Reset(_))) => None,
                _ => return self.settle(result, url),
            };
            left = left.saturating_sub(began.elapsed());
            let Some(pause) = retry.pause(made, asked, until_useless(left)) else {
                return self.settle(result, url);
            };
            sleep(pause).await;
            left -= pause;
            made += 1;
        }
    }

    fn silent(&self, since: Duration) -> StoreError {
        let Self { options: HttpOptions { name, timeout, .. }, .. } = self;
        let words = format!(
            "{name} gave no answer within {timeout:?} again and again, the last time {} s ago; it \
             was not asked once more",
            since.as_secs()
        );
        StoreError::new(ErrorKind::Timeout, name, words)
            .hint("R in the explorer asks again, a longer --request-timeout waits longer")
    }

    fn settle(
        &self,
        result: Result<Result<Reply, Broken>, tokio::time::error::Elapsed>,
        url: &str,
    ) -> Result<Reply, StoreError> {
        let name = &self.options.name;
        match result {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(broken)) => Err(failure::of_broken(name, url, &broken, self.options.max_bytes)),
            Err(_) => {
                let limit = self.options.timeout;
                let words = format!("no answer from {url} within {limit:?}");
                Err(StoreError::new(ErrorKind::Timeout, name, words).hint(
                    "a longer --request-timeout waits longer, a shorter window asks for less",
                ))
            }
        }
    }
}

/// Whether the same call may succeed a little later.
fn may_pass(reply: &Reply) -> bool {
    // Prometheus says 503 for a query that ran out of time, which it would again.
    let out_of_time = || String::from_utf8_lossy(&reply.body).contains("\"errorType\":\"timeout\"");
    retry::may_pass(reply.status) && !out_of_time()
}
