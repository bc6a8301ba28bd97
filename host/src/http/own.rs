//! Routes of the host's own on the REST API, beside those of the module, which cannot have them.

mod audit;
mod docs;
mod openapi;

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};

use super::{Turn, response};
use crate::domain::Principal;
use crate::error::Error;
use crate::wasm::{Answer, Module};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnRoute {
    /// `/openapi.json`: what there is.
    OpenApi,
    /// `/docs`: the same for people.
    Docs,
    /// `/audit`: who did what.
    Audit,
}

/// The host's own route at this path, whatever the method.
pub(super) fn find(path: &str) -> Option<OwnRoute> {
    OwnRoute::ALL.into_iter().find(|own| own.path() == path)
}

/// The paths of all of them: whoever says who may do what must say it of these, too.
#[must_use]
pub fn own_paths() -> Vec<&'static str> {
    OwnRoute::ALL.into_iter().map(OwnRoute::path).collect()
}

/// The methods of all of them.
const ALLOW: &str = "GET, HEAD, OPTIONS";

impl OwnRoute {
    const ALL: [Self; 3] = [Self::OpenApi, Self::Docs, Self::Audit];

    const fn path(self) -> &'static str {
        match self {
            Self::OpenApi => "/openapi.json",
            Self::Docs => "/docs",
            Self::Audit => "/audit",
        }
    }

    /// For the log and the metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OpenApi => "host.openapi",
            Self::Docs => "host.docs",
            Self::Audit => "host.audit",
        }
    }

    /// `testers`: the version that a tester has chosen.
    pub(super) async fn answer(
        self,
        turn: &Turn<'_>,
        parts: &Parts,
        principal: &Principal,
        testers: Option<&Arc<Module>>,
    ) -> Result<Answer, Error> {
        match parts.method {
            Method::GET | Method::HEAD => {}
            Method::OPTIONS => return Ok(response::options(ALLOW)),
            _ => return Err(Error::MethodNotAllowed { allow: ALLOW.into() }),
        }
        match self {
            Self::OpenApi => Ok(openapi::answer(turn.app, &parts.headers, testers)),
            Self::Docs => Ok(docs::answer(&parts.headers)),
            Self::Audit => audit::answer(turn, parts, principal).await,
        }
    }
}

/// An answer that the client may have already: 304 if it says so (RFC 9110, 13.1.2).
fn tagged(asked: &HeaderMap, etag: &HeaderValue, content_type: &'static str, body: Bytes) -> Answer {
    let known = asked.get_all(IF_NONE_MATCH).iter().any(|value| names(value.as_bytes(), etag.as_bytes()));
    let mut headers = HeaderMap::from_iter([
        (ETAG, etag.clone()),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    ]);
    if known {
        return Answer { status: StatusCode::NOT_MODIFIED, headers, body: Bytes::new() };
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Answer { status: StatusCode::OK, headers, body }
}

/// Whether a list of entity tags has this one, or is `*`. Ours have no comma.
fn names(list: &[u8], etag: &[u8]) -> bool {
    let mut tags = list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    tags.any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag)
}
