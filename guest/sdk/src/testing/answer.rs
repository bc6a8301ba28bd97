//! The host's own answers, and what it takes of the rules'.

use serde_json::json;

use crate::request::Response;

const ALLOWED: [&str; 13] = [
    "allow",
    "cache-control",
    "content-disposition",
    "content-language",
    "content-type",
    "etag",
    "idempotency-replayed",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "vary",
    "warning",
];
const FOR_PROXIES: [&str; 5] = ["x-accel-", "x-litespeed-", "x-lighttpd-", "x-reproxy-", "x-sendfile"];
const MAX_BODY: usize = 1024 * 1024;
const MAX_HEADERS: usize = 32;
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 4 * 1024;

/// A problem that the host answers by itself.
pub(super) fn problem(status: u16, code: &str, title: &str, detail: &str, request_id: &str) -> Response {
    let body = json!({
        "type": format!("urn:boxoffice:problem:{code}"),
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
    });
    let headers = [("content-type", "application/problem+json"), ("cache-control", "no-store")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Response { status, headers, body: body.to_string().into_bytes() }
}

/// What is wrong with an answer of the rules, if anything.
pub(super) fn fault(response: &Response) -> Option<String> {
    if !(200..600).contains(&response.status) {
        return Some(format!("the status {} is not 200 to 599", response.status));
    }
    if response.body.len() > MAX_BODY {
        return Some(format!("its body has {} bytes, more than {MAX_BODY}", response.body.len()));
    }
    if matches!(response.status, 204 | 205 | 304) && !response.body.is_empty() {
        return Some(format!("it has a body, and {} has none", response.status));
    }
    if response.headers.len() > MAX_HEADERS {
        return Some(format!("it has {} headers, more than {MAX_HEADERS}", response.headers.len()));
    }
    response.headers.iter().find_map(|(name, value)| {
        let for_proxies = FOR_PROXIES.iter().any(|beginning| name.starts_with(beginning));
        let extension = name.starts_with("x-") && name != "x-request-id" && !for_proxies;
        if name.len() > MAX_NAME || (!ALLOWED.contains(&name.as_str()) && !extension) {
            return Some(format!("the header {name:?} is not a module's to set"));
        }
        let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !name.bytes().all(token) {
            return Some(format!("the header {name:?} is not a valid name in lower case"));
        }
        let good = value.len() <= MAX_VALUE && value.bytes().all(|byte| byte >= b' ' && byte != 0x7f || byte == b'\t');
        (!good).then(|| format!("the value of the header {name:?} is not valid, or longer than {MAX_VALUE} bytes"))
    })
}
