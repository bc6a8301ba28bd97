//! Talks to the operator's surface of a running host: one request, one connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use indicatif::ProgressBar;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::terminal;
use crate::config::{AdminUrl, Surface};
use crate::operator::read_token;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the host has to ask for a module that was announced to it; then it is sent all the same (RFC 9110, 10.1.1).
const ASK_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of a module that are sent at once.
const CHUNK: usize = 64 * 1024;
/// Most bytes of an answer: the longest list has well under that.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Null if it was none.
    pub(super) json: Value,
}

/// Why there is no answer that could be told: one line, and what to do.
#[derive(Debug)]
pub(super) struct Failed {
    /// A name for scripts.
    pub(super) code: &'static str,
    pub(super) why: String,
    pub(super) advice: String,
}

impl Failed {
    pub(super) fn new(code: &'static str, why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { code, why: why.into(), advice: advice.into() }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  what to do: {}", self.why, self.advice)
    }
}

type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// A host, and the operator's token for it.
pub(super) struct Client {
    url: AdminUrl,
    timeout: Duration,
    token: String,
    /// Where to see what was done, if no answer says it.
    see: &'static str,
}

/// What goes with a request.
pub(super) enum Sent {
    Nothing,
    Json(Value),
    /// A module and its signature.
    Module(Bytes, Option<String>, Option<ProgressBar>),
}

impl Client {
    /// `see` is the command that shows what was done when no answer comes, and what to do then.
    pub(super) fn of(surface: &Surface, see: &'static str) -> Result<Self, Failed> {
        let Some(path) = &surface.admin_token_file else {
            let advice =
                "give --admin-token-file FILE, or set BOXOFFICE_ADMIN_TOKEN_FILE; it is the file that the host has";
            return Err(Failed::new("no_token", "the operator's token is missing", advice));
        };
        let token = read_token(path).map(|read| read.token).map_err(|why| {
            let advice = "give the file that the host was started with";
            Failed::new("no_token", format!("--admin-token-file {}: {why}", path.display()), advice)
        })?;
        Ok(Self { url: surface.admin.clone(), timeout: surface.timeout, token, see })
    }

    /// Sends one request and waits for its answer, whatever it is. What was done is told in a field of this name: an answer without it is
    /// none of a host's.
    pub(super) async fn call(&self, method: Method, path: &str, sent: Sent, tells: &str) -> Result<Answer, Failed> {
        let talking = tokio::time::timeout(self.timeout, self.talk(method, path, sent));
        let answer = talking.await.map_err(|_| {
            let why = format!("{} has not answered within {}", self.url, humantime::format_duration(self.timeout));
            Failed::new("timeout", why, format!("see whether it did what was asked ({}); raise --timeout", self.see))
        })??;
        match answer.status {
            StatusCode::UNAUTHORIZED => {
                let why = format!("{} refuses the token", self.url);
                Err(Failed::new("unauthenticated", why, "give the host's own --admin-token-file"))
            }
            StatusCode::NOT_FOUND if answer.json["code"] == "route_not_found" => Err(self.not_a_surface(answer.status)),
            // Every answer of the surface is JSON, and every refusal has a code.
            status if answer.json.is_null() || !status.is_success() && !answer.json["code"].is_string() => {
                Err(self.not_a_surface(status))
            }
            status if status.is_success() && answer.json.get(tells).is_none() => Err(self.not_a_surface(status)),
            _ => Ok(answer),
        }
    }

    fn not_a_surface(&self, status: StatusCode) -> Failed {
        let why = format!("{} does not answer as the operator's surface of a host does (status {status})", self.url);
        Failed::new("not_a_host", why, "give the address of its --admin-listen, which is not that of the REST API")
    }

    async fn talk(&self, method: Method, path: &str, sent: Sent) -> Result<Answer, Failed> {
        let unreachable = |error: &dyn fmt::Display| {
            let why = format!("{} cannot be reached: {error}", self.url);
            Failed::new("unreachable", why, "see whether the host runs, and give its --admin-listen as --admin URL")
        };
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(&self.url.authority));
        let stream = connecting.await.map_err(|_| unreachable(&"it does not take the connection"))?;
        let stream = stream.map_err(|error| unreachable(&error))?;
        let broken = |error: hyper::Error| {
            let why = format!("the connection to {} broke: {error}", self.url);
            Failed::new("broken_off", why, format!("see what the host did ({}), and its log", self.see))
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with the sender; what it has to say, the sender says.
        tokio::spawn(connection);
        let request = self.request(method, path, sent).map_err(|error| unreachable(&error))?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|error| {
            let why = format!("the answer of {} cannot be read: {error}", self.url);
            Failed::new("broken_off", why, format!("see what the host did ({}), and its log", self.see))
        })?;
        Ok(Answer { status, json: serde_json::from_slice(&body.to_bytes()).unwrap_or_default() })
    }

    fn request(&self, method: Method, path: &str, sent: Sent) -> Result<Request<Body>, hyper::http::Error> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.url.authority)
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        match sent {
            Sent::Nothing => request.body(Full::default().boxed_unsync()),
            Sent::Json(json) => {
                let body = Full::from(json.to_string());
                request.header(CONTENT_TYPE, "application/json").body(body.boxed_unsync())
            }
            Sent::Module(module, signature, bar) => {
                let mut request = request
                    .header(CONTENT_TYPE, "application/wasm")
                    .header(CONTENT_LENGTH, module.len())
                    .header(EXPECT, "100-continue");
                if let Some(signature) = signature {
                    request = request.header("x-boxoffice-signature", signature);
                }
                let asked = Arc::new(Notify::new());
                let mut request = request.body(chunks(module, Arc::clone(&asked), bar))?;
                hyper::ext::on_informational(&mut request, move |_| asked.notify_one());
                Ok(request)
            }
        }
    }
}

/// A module in pieces, once the host has asked for it: who is refused need not send it.
fn chunks(module: Bytes, asked: Arc<Notify>, bar: Option<ProgressBar>) -> Body {
    let pieces = stream::unfold((module, Some(asked)), move |(mut left, asked)| {
        let bar = bar.clone();
        async move {
            if let Some(asked) = asked {
                // If it does not ask, it may be one that never does.
                let _ = tokio::time::timeout(ASK_TIMEOUT, asked.notified()).await;
            }
            if left.is_empty() {
                return None;
            }
            let piece = left.split_to(left.len().min(CHUNK));
            if let Some(bar) = bar {
                bar.inc(piece.len() as u64);
                if left.is_empty() {
                    terminal::sent(&bar);
                }
            }
            Some((Ok(Frame::data(piece)), (left, None)))
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}
