//! `/docs`: the API's description for people, by Swagger UI. One page with everything in it, so that reading it takes two requests of the
//! five that the limiter admits; it loads nothing from anywhere else.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, HeaderValue, VARY, X_FRAME_OPTIONS};

use super::tagged;
use crate::wasm::Answer;

/// Made by `build.rs`.
const PAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/docs.html"));
const PAGE_GZIP: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/docs.html.gz"));
/// The page's own scripts and styles, by their hashes, and nobody else's.
const POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/docs.policy"));
const ETAG: &str = include_str!(concat!(env!("OUT_DIR"), "/docs.etag"));

pub(super) fn answer(asked: &HeaderMap) -> Answer {
    let gzip = takes_gzip(asked);
    let (page, etag) = if gzip { (PAGE_GZIP, format!("\"{ETAG}-gzip\"")) } else { (PAGE, format!("\"{ETAG}\"")) };
    let etag = HeaderValue::try_from(etag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
    let mut answer = tagged(asked, &etag, "text/html; charset=utf-8", Bytes::from_static(page));
    answer.headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    answer.headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    answer.headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if gzip && !answer.body.is_empty() {
        answer.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

/// Whether gzip is named and not refused (RFC 9110, 12.5.3). Whoever names it by `*` alone gets the page as it is.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let codings = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}
