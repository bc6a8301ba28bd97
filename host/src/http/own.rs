//! Routes of the host's own on the REST API, beside those of the module, which cannot have them.

mod audit;

use hyper::http::request::Parts;

use super::Turn;
use crate::domain::Principal;
use crate::error::Error;
use crate::wasm::Answer;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnRoute {
    /// `/openapi.json`: what there is.
    OpenApi,
    /// `/docs`: the same for people; the page itself, or the name of a part of it.
    Docs,
    /// `/audit`: who did what.
    Audit,
}

/// The host's own route at this path, whatever the method.
pub(super) fn find(path: &str) -> Option<OwnRoute> {
    match path {
        "/openapi.json" => Some(OwnRoute::OpenApi),
        "/docs" => Some(OwnRoute::Docs),
        "/audit" => Some(OwnRoute::Audit),
        _ => None,
    }
}

impl OwnRoute {
    /// For the log and the metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OpenApi => "openapi",
            Self::Docs => "docs",
            Self::Audit => "audit",
        }
    }

    pub(super) async fn answer(self, turn: &Turn<'_>, parts: &Parts, principal: &Principal) -> Result<Answer, Error> {
        match self {
            Self::Audit => audit::answer(turn, parts, principal).await,
            Self::OpenApi | Self::Docs => Err(Error::RouteNotFound),
        }
    }
}
