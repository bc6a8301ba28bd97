//! A client: one request over one connection of its own, from an address of its choice.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// A loopback address that nobody has used in this process: 127.1.0.1 and up.
#[must_use]
pub fn fresh_address() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0x7f01_0001);
    IpAddr::V4(Ipv4Addr::from_bits(NEXT.fetch_add(1, Ordering::Relaxed)))
}

/// How long a test waits for what must happen: long enough for the slowest machine, and not for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `holds` does.
///
/// # Panics
/// If it does not within 30 s.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "in vain waited until {what}");
}

/// A request in the making.
#[derive(Debug, Clone)]
pub struct Call {
    server: SocketAddr,
    from: Option<IpAddr>,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub body: Value,
}

impl Answer {
    /// The `code` of a problem; empty where there is none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// A header as text; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Checks that this is a problem as RFC 9457 and the contract have it.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        for field in ["type", "title", "detail"] {
            assert!(self.body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {}", self.text);
        }
    }
}

impl Call {
    /// A request to `server`.
    #[must_use]
    pub fn new(server: SocketAddr, method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        Self { server, from: None, method, path, headers: Vec::new(), body: Bytes::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With header roles: the role.
    #[must_use]
    pub fn role(self, role: &str) -> Self {
        self.header("x-role", role)
    }

    /// With a credential: a token or an API key.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With this idempotency key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string()).header("content-type", "application/json")
    }

    /// With any body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// From this address, instead of a fresh one.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.from = Some(address);
        self
    }

    /// Opens the connection that the request will use.
    ///
    /// # Errors
    /// If the server does not take it.
    pub async fn connect(&self) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.from.unwrap_or_else(fresh_address), 0))?;
        socket.connect(self.server).await
    }

    /// Sends it over a connection of its own and waits for the answer.
    ///
    /// # Panics
    /// If there is none.
    pub async fn send(self) -> Answer {
        let stream = self.connect().await.expect("the server takes connections");
        self.send_over(stream).await.expect("there is an answer")
    }

    /// Sends it over `stream`.
    ///
    /// # Errors
    /// If there is no answer.
    ///
    /// # Panics
    /// If the request is none that HTTP has.
    pub async fn send_over<S>(self, stream: S) -> hyper::Result<Answer>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // The connection ends with the sender; what it says then is what the sender has said.
        let driver = tokio::spawn(connection);
        let mut request = Request::builder().method(self.method.as_str()).uri(&self.path);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            request = request.header("host", self.server.to_string());
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(self.body)).expect("a request that hyper can send");
        let response = sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let text = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
        driver.abort();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, text, body })
    }
}

/// Sends bytes as they are and gives everything that comes back until the server closes the connection.
///
/// # Panics
/// If the server does not take the connection, or leaves it open for 30 s.
pub async fn raw(server: SocketAddr, bytes: &[u8]) -> String {
    String::from_utf8_lossy(&raw_bytes(server, bytes).await).into_owned()
}

/// The same, as bytes.
///
/// # Panics
/// If the server does not take the connection, or leaves it open for 30 s.
pub async fn raw_bytes(server: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = Call::new(server, "GET", "/").connect().await.expect("the server takes connections");
    // A server that refuses early may close before it has all of it.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // Closed or reset: what came before that is what the test looks at.
    let _ = read.expect("the server closes the connection");
    answer
}
