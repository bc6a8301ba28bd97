//! From HTTP to what a guest gets: decoded, bounded and only what the contract allows.

use std::net::IpAddr;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT, HOST, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{HeaderMap, Method, Version};
use percent_encoding::percent_decode_str;

use crate::error::Error;
use crate::operator::Operator;

/// The headers that reach a guest. Credentials and cookies never do.
pub(super) const FOR_GUEST: [&str; 5] = ["accept", "content-type", "idempotency-key", "if-match", "if-none-match"];
/// What bodies are.
const JSON: &str = "application/json";
/// What the body of a PATCH may be.
pub(super) const PATCH_TYPES: [&str; 2] = ["application/merge-patch+json", JSON];
/// Most parameters of a query: more than any route has.
const MAX_QUERY: usize = 64;
/// Most values that one of the guest's headers can have.
const MAX_REPEATS: usize = 8;
/// Most characters of a caller's request id.
const MAX_ID: usize = 128;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The caller's request id, if it has exactly one that is fit for a log.
pub(crate) fn sane_id(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(REQUEST_ID).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let id = value.to_str().ok()?;
    let sane = id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    (sane && (1..=MAX_ID).contains(&id.len())).then_some(id)
}

/// The version that a tester asks for.
const TESTER: HeaderName = HeaderName::from_static("x-boxoffice-rules");
/// The operator's token, beside it. Not `Authorization`, which says who the caller is.
const TESTER_TOKEN: HeaderName = HeaderName::from_static("x-boxoffice-operator-token");

/// The version that the request asks for, if it comes with the operator's token.
/// `peer` and `now` are for the log of wrong tokens.
pub(super) fn tester<'a>(
    headers: &'a HeaderMap,
    operator: &Operator,
    peer: IpAddr,
    now: Duration,
) -> Result<Option<&'a str>, Error> {
    if !headers.contains_key(TESTER) {
        return Ok(None);
    }
    let one = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes)
    };
    if !one(TESTER_TOKEN).is_some_and(|token| operator.check(token, peer, now)) {
        return Err(Error::NotTheOperator);
    }
    let asked = one(TESTER).and_then(|name| std::str::from_utf8(name).ok());
    asked
        .map(Some)
        .ok_or_else(|| Error::InvalidRequest("Send one X-Boxoffice-Rules header, the digest of a version.".into()))
}

/// Checks what hyper leaves to the server.
pub(crate) fn check_head(parts: &Parts) -> Result<(), Error> {
    // RFC 9112, 3.2: a server must refuse a request of HTTP/1.1 without exactly one Host.
    let hosts = parts.headers.get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && parts.version == Version::HTTP_11) {
        return Err(Error::InvalidRequest("Send exactly one Host header.".into()));
    }
    // An empty one is right where there is no authority.
    let good = |host: &HeaderValue| host.is_empty() || Authority::try_from(host.as_bytes()).is_ok();
    if !parts.headers.get_all(HOST).iter().all(good) {
        return Err(Error::InvalidRequest("The Host header is not a host and a port.".into()));
    }
    if parts.headers.get(EXPECT).is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(Error::InvalidRequest("The only expectation that is met is 100-continue.".into()));
    }
    Ok(())
}

/// Whether this is `OPTIONS *` (RFC 9110, 9.3.7).
pub(super) fn is_for_the_server(method: &Method, path: &str) -> bool {
    method == Method::OPTIONS && path == "*"
}

/// Decodes one parameter; `None` if it is not UTF-8.
fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The path's parameters, decoded.
pub(crate) fn params(raw: &[(&str, &str)]) -> Result<Vec<(String, String)>, Error> {
    let decoded = raw.iter().map(|(name, value)| Some(((*name).to_owned(), decode(value)?)));
    decoded.collect::<Option<_>>().ok_or_else(|| Error::InvalidRequest("The path is not UTF-8.".into()))
}

/// The query's parameters in order, decoded; `+` is a space, as in forms.
pub(crate) fn query(raw: Option<&str>) -> Result<Vec<(String, String)>, Error> {
    let pairs: Vec<&str> = raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    if pairs.len() > MAX_QUERY {
        return Err(Error::InvalidRequest(format!("A query has at most {MAX_QUERY} parameters.")));
    }
    let part = |text: &str| decode(&text.replace('+', " "));
    let decoded = pairs.into_iter().map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((part(name)?, part(value)?))
    });
    decoded.collect::<Option<_>>().ok_or_else(|| Error::InvalidRequest("The query is not UTF-8.".into()))
}

/// The headers that a guest may see.
pub(super) fn headers_for_guest(headers: &HeaderMap) -> Result<Vec<(String, String)>, Error> {
    let mut allowed = Vec::new();
    for name in FOR_GUEST {
        for (count, value) in headers.get_all(name).iter().enumerate() {
            let Ok(value) = std::str::from_utf8(value.as_bytes()) else {
                return Err(Error::InvalidRequest(format!("The header {name} is not UTF-8.")));
            };
            if count >= MAX_REPEATS {
                return Err(Error::InvalidRequest(format!("The header {name} comes more than {MAX_REPEATS} times.")));
            }
            allowed.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(allowed)
}

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// Its size.
    pub(crate) bytes: usize,
    /// The time that it has to arrive.
    pub(crate) timeout: Duration,
}

/// Reads the body, within its limits; if there is one, it must say that it is JSON.
pub(crate) async fn body(headers: &HeaderMap, body: &mut Incoming, limits: BodyLimits) -> Result<Vec<u8>, Error> {
    body_that(is_type(headers, &[JSON]), body, limits).await
}

/// The same, for a guest: that of a PATCH may say that it is a JSON merge patch (RFC 7396), too.
pub(super) async fn body_for_guest(parts: &Parts, body: &mut Incoming, limits: BodyLimits) -> Result<Vec<u8>, Error> {
    let types: &[_] = if parts.method == Method::PATCH { &PATCH_TYPES } else { &[JSON] };
    body_that(is_type(&parts.headers, types), body, limits).await
}

async fn body_that(is_json: bool, body: &mut Incoming, limits: BodyLimits) -> Result<Vec<u8>, Error> {
    let announced = body.size_hint();
    if announced.lower() > limits.bytes as u64 {
        return Err(Error::BodyTooLarge { limit: limits.bytes });
    }
    if announced.lower() > 0 && !is_json {
        return Err(Error::UnsupportedMediaType);
    }
    let reading = read(body, limits.bytes);
    let bytes = tokio::time::timeout(limits.timeout, reading).await.map_err(|_| Error::RequestTimeout)??;
    if !bytes.is_empty() && !is_json {
        return Err(Error::UnsupportedMediaType);
    }
    Ok(bytes)
}

/// All of a body, as long as it has no more than `limit` bytes.
pub(crate) async fn read(body: &mut Incoming, limit: usize) -> Result<Vec<u8>, Error> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(limit);
    let mut bytes = Vec::with_capacity(announced.min(limit));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::InvalidRequest("The body is broken off or wrongly framed.".into()))?;
        // Trailers are of no use to anybody here.
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(Error::BodyTooLarge { limit });
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// How much of a refused body is read, and how long that may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Discard {
    /// Most bytes.
    pub(crate) bytes: usize,
    /// Longest time.
    pub(crate) timeout: Duration,
}

impl Discard {
    /// Of what anybody sends.
    pub(crate) const OF_ANYBODY: Self = Self { bytes: 1024 * 1024, timeout: Duration::from_secs(1) };
}

/// Reads what is left of a body that nobody wants, within limits, and forgets it: a connection that is closed over unread bytes is reset, and
/// the client might never see why it was refused.
///
/// Gives whether nothing is left of it.
pub(crate) async fn discard(headers: &HeaderMap, body: &mut Incoming, limits: Discard) -> bool {
    // Whoever waits for "100 Continue" has not sent a body, and reading would ask for it.
    if body.is_end_stream() || headers.contains_key(EXPECT) {
        return body.is_end_stream();
    }
    let reading = async {
        let mut seen = 0;
        // A chunked body never says that it is at its end: it just has no more.
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            seen += frame.data_ref().map_or(0, bytes::Bytes::len);
            if seen > limits.bytes {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(limits.timeout, reading).await.unwrap_or(false)
}

/// Whether there is exactly one content type, and it is one of these, in UTF-8 and not compressed.
fn is_type(headers: &HeaderMap, types: &[&str]) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let mut parts = value.to_str().unwrap_or_default().split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let utf8 = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    };
    let plain =
        headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    types.iter().any(|known| essence.eq_ignore_ascii_case(known)) && parts.all(utf8) && plain
}
