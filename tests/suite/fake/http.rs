//! A small HTTP/1.1 server: a closure answers, and can misbehave in the ways that real servers
//! and networks do.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Decoded, without the query.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The first value of a parameter, or nothing.
    pub(crate) fn param(&self, key: &str) -> &str {
        self.query.iter().find(|(had, _)| had == key).map_or("", |(_, value)| value)
    }

    /// The first value of a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(had, _)| had == name).map_or("", |(_, value)| value)
    }
}

/// How an answer goes wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing is ever sent.
    Hang,
    /// The connection is closed before anything is sent.
    Drop,
    /// The connection is closed in the middle of the body.
    Cut,
    /// The body goes on for this many bytes more.
    Huge(usize),
}

/// What to answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) delay: Duration,
    pub(crate) fault: Option<Fault>,
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into(), delay: Duration::ZERO, fault: None }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body)
    }

    pub(crate) fn fault(fault: Fault) -> Self {
        let body = r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}"#;
        Self { fault: Some(fault), ..Self::new(200, "application/json", body) }
    }

    /// The same packed with gzip, as servers do for clients that say they can read it.
    #[must_use]
    pub(crate) fn gzip(mut self) -> Self {
        let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        let mut chunks = self.body.chunks(0xffff).peekable();
        while let Some(chunk) = chunks.next() {
            // A block of deflate that holds its bytes as they are.
            let length = u16::try_from(chunk.len()).expect("a chunk");
            packed.push(u8::from(chunks.peek().is_none()));
            packed.extend(length.to_le_bytes());
            packed.extend((!length).to_le_bytes());
            packed.extend(chunk);
        }
        let crc = !self.body.iter().fold(!0_u32, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
        });
        packed.extend(crc.to_le_bytes());
        packed.extend(u32::try_from(self.body.len()).expect("small").to_le_bytes());
        self.body = packed;
        self.header("Content-Encoding", "gzip")
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

type Answer = dyn Fn(&Request) -> Response + Send + Sync;

/// A running server, which ends with this value.
pub(crate) struct Server {
    pub(crate) url: String,
    /// The certificate authority in PEM, if it speaks TLS.
    pub(crate) ca: Option<String>,
    requests: Arc<Mutex<Vec<Request>>>,
    hanging: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(
        answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Arc::new(answer), None).await
    }

    /// The same over TLS, with a certificate for 127.0.0.1 of an authority of its own.
    pub(crate) async fn start_tls(
        answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        korrel8::client::install_tls();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::try_from(
            made.signing_key.serialize_der(),
        );
        let config = tokio_rustls::rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
            .unwrap();
        let tls = Some((TlsAcceptor::from(Arc::new(config)), made.cert.pem()));
        Self::listen(Arc::new(answer), tls).await
    }

    async fn listen(answer: Arc<Answer>, tls: Option<(TlsAcceptor, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        let hanging = Arc::new(AtomicUsize::new(0));
        let hung = Arc::clone(&hanging);
        let (acceptor, ca) = tls.unzip();
        let scheme = if ca.is_some() { "https" } else { "http" };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Head and body are written on their own; nobody should wait for the second.
                stream.set_nodelay(true).ok();
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                let hung = Arc::clone(&hung);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, &*answer, &log, &hung).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &*answer, &log, &hung).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { url: format!("{scheme}://{address}"), ca, requests, hanging, task }
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// How many callers wait for an answer that never comes.
    pub(crate) fn hanging(&self) -> usize {
        self.hanging.load(Ordering::SeqCst)
    }

    /// The paths of all requests so far, sorted.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> =
            self.requests().into_iter().map(|request| request.path).collect();
        paths.sort();
        paths
    }
}

/// Serves one connection until it ends; `None` is its end.
async fn serve<S>(
    stream: S,
    answer: &Answer,
    log: &Mutex<Vec<Request>>,
    hanging: &AtomicUsize,
) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    loop {
        let request = read(&mut stream).await?;
        log.lock().unwrap().push(request.clone());
        let response = answer(&request);
        tokio::time::sleep(response.delay).await;
        if let Some(Fault::Hang) = response.fault {
            hanging.fetch_add(1, Ordering::SeqCst);
            // Until the caller goes away.
            stream.read_u8().await.ok();
            hanging.fetch_sub(1, Ordering::SeqCst);
            return None;
        }
        write(&mut stream, &response).await?;
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|&bytes| bytes > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok().filter(|&bytes| bytes > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key), decode(value))
    });
    let mut request =
        Request { method, path: decode(path), query: pairs.collect(), headers, body: Vec::new() };
    request.body = vec![0; request.header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let hex = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                u8::from_str_radix(std::str::from_utf8(&hex).unwrap_or("0"), 16).unwrap_or(b'?')
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, response: &Response) -> Option<()> {
    if let Some(Fault::Drop) = response.fault {
        return None;
    }
    let more = if let Some(Fault::Huge(more)) = response.fault { more } else { 0 };
    let mut head = format!("HTTP/1.1 {} Reason\r\n", response.status);
    for (name, value) in &response.headers {
        write!(head, "{name}: {value}\r\n").ok()?;
    }
    write!(head, "Content-Length: {}\r\n\r\n", response.body.len() + more).ok()?;
    stream.write_all(head.as_bytes()).await.ok()?;
    let half = response.body.len() / 2;
    let body =
        if let Some(Fault::Cut) = response.fault { &response.body[..half] } else { &response.body };
    stream.write_all(body).await.ok()?;
    let chunk = vec![b' '; 64 << 10];
    let mut left = more;
    while left > 0 {
        let part = left.min(chunk.len());
        stream.write_all(&chunk[..part]).await.ok()?;
        left -= part;
    }
    stream.flush().await.ok()?;
    if let Some(Fault::Cut) = response.fault { None } else { Some(()) }
}
