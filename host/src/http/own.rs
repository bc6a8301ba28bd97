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
    OwnRoute::ALL.into_iter().find(|own| own.path() == path)
}

/// The paths of all of them: whoever says who may do what must say it of these, too.
#[must_use]
pub fn own_paths() -> Vec<&'static str> {
    OwnRoute::ALL.into_iter().map(OwnRoute::path).collect()
}

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
