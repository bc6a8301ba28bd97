//! One client of the throw-away host, and how its requests are told to people.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::domain::Role;

/// Most bytes of an answer: what `--rules-answer-bytes` can be set to, and its headers beside it.
const MAX_ANSWER: usize = 33 * 1024 * 1024;
/// Most bytes of a body that is shown in a command line; a longer one is described.
const MAX_SHOWN: usize = 600;

/// A request in the making.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: &'static str,
    /// Path and query, as they are sent.
    pub(super) target: String,
    pub(super) headers: Vec<(&'static str, Vec<u8>)>,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: Bytes::new() }
    }

    pub(super) fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    pub(super) fn post(target: impl Into<String>) -> Self {
        Self::new("POST", target)
    }

    pub(super) fn patch(target: impl Into<String>) -> Self {
        Self::new("PATCH", target)
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The caller's role; `None`: nobody in particular.
    pub(super) fn role(self, role: Option<Role>) -> Self {
        match role {
            Some(role) => self.header("x-role", role.name()),
            None => self,
        }
    }

    pub(super) fn by(self, role: Role) -> Self {
        self.role(Some(role))
    }

    pub(super) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    /// A body that says that it is JSON.
    pub(super) fn text(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        if self.headers.iter().any(|(name, _)| *name == "content-type") {
            return self;
        }
        self.header("content-type", "application/json")
    }

    /// The same with another query or path.
    pub(super) fn to(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    /// As a command line that sends it again, to a host on its usual address. What a shell cannot carry is described.
    pub(super) fn curl(&self) -> String {
        let mut line =
            format!("curl -i -X {} {}", self.method, quoted(&format!("http://127.0.0.1:8080{}", cut(&self.target))));
        for (name, value) in &self.headers {
            // Writing to a text cannot fail.
            let _ = write!(line, " -H {}", quoted(&cut(&format!("{name}: {}", String::from_utf8_lossy(value)))));
        }
        if !self.body.is_empty() {
            let _ = match std::str::from_utf8(&self.body) {
                Ok(text) if self.body.len() <= MAX_SHOWN && !text.contains('\0') => {
                    write!(line, " --data-binary {}", quoted(text))
                }
                _ => write!(
                    line,
                    " --data-binary @- # {} bytes, beginning with {}",
                    self.body.len(),
                    beginning(&self.body)
                ),
            };
        }
        line
    }
}

fn cut(text: &str) -> String {
    if text.len() <= MAX_SHOWN {
        return text.to_owned();
    }
    format!("{}... ({} bytes)", &text[..text.floor_char_boundary(MAX_SHOWN)], text.len())
}

fn beginning(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(60)].escape_ascii().to_string()
}

/// In single quotes, as a shell takes any text.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What came back.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The body, parsed when somebody first looks into it: what is only kept is kept as it came.
    json: OnceLock<Value>,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub(super) fn json(&self) -> &Value {
        self.json.get_or_init(|| serde_json::from_slice(&self.body).unwrap_or_default())
    }
}

/// One connection after the other: each is used again as long as the host leaves it open.
pub(super) struct Client {
    host: SocketAddr,
    deadline: Duration,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(super) fn new(host: SocketAddr, deadline: Duration) -> Self {
        Self { host, deadline, open: None }
    }

    /// Sends it and waits for the answer, which must come within the deadline.
    ///
    /// # Errors
    /// There is none, and why.
    pub(super) async fn send(&mut self, call: &Call, request_id: &str) -> Result<Answer, String> {
        let request = self.request(call, request_id)?;
        let deadline = self.deadline;
        let talking = tokio::time::timeout(deadline, self.talk(request));
        let answered =
            talking.await.unwrap_or_else(|_| Err(format!("no answer within {}", humantime::format_duration(deadline))));
        if answered.is_err() {
            self.open = None;
        }
        answered
    }

    fn request(&self, call: &Call, request_id: &str) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::builder().method(call.method).uri(&call.target).header(HOST, self.host.to_string());
        for (name, value) in &call.headers {
            let value = HeaderValue::from_bytes(value).map_err(|error| format!("{name}: {error}"))?;
            request = request.header(*name, value);
        }
        let request = request.header("x-request-id", request_id).body(Full::new(call.body.clone()));
        request.map_err(|error| format!("HTTP has no such request: {error}"))
    }

    async fn talk(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let broken = |error: hyper::Error| format!("the connection broke: {error}");
        let mut kept = self.open.take();
        // The host closes a connection over a body that it has not read to its end.
        let is_open = match &mut kept {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        let mut sender = match kept.filter(|_| is_open) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let response = sender.send_request(request).await.map_err(broken)?;
        let (parts, body) = response.into_parts();
        let body =
            Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| format!("the answer broke off: {error}"))?;
        let body = body.to_bytes();
        if parts.headers.get("connection").is_none() {
            self.open = Some(sender);
        }
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, json: OnceLock::new() })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let stream =
            TcpStream::connect(self.host).await.map_err(|error| format!("the host takes no connection: {error}"))?;
        // One small request after the other: nothing is to wait for more.
        let _ = stream.set_nodelay(true);
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        // It ends with the sender, which says what it has to say.
        tokio::spawn(connection);
        Ok(sender)
    }
}
