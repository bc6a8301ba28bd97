//! What the operator's paths mean.

use hyper::Method;

use crate::error::Error;

/// What an operator wants. A module is named by its digest, the beginning of one, or `standard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `GET /v1/modules`
    List,
    /// `POST /v1/modules`
    Upload,
    /// `GET /v1/modules/{digest}`
    Show(&'a str),
    /// `DELETE /v1/modules/{digest}`
    Delete(&'a str),
    /// `POST /v1/modules/{digest}/activate`
    Activate(&'a str),
    /// `POST /v1/rollback`
    RollBack,
    /// `GET /v1/invariants`
    Invariants,
    /// `GET /v1/keys`
    Keys,
    /// `POST /v1/keys`
    CreateKey,
    /// `GET /v1/keys/{id}`
    ShowKey(&'a str),
    /// `DELETE /v1/keys/{id}`
    RevokeKey(&'a str),
}

impl<'a> Route<'a> {
    /// What this method of this path is.
    pub(super) fn of(method: &Method, path: &'a str) -> Result<Self, Error> {
        let parts: Vec<_> = path.split('/').skip(1).take(6).collect();
        // What a look gives, what a change is, and the methods that there are.
        let (look, post, delete, allow) = match parts[..] {
            ["v1", "modules"] => (Some(Self::List), Some(Self::Upload), None, "GET, HEAD, POST"),
            ["v1", "modules", asked] if !asked.is_empty() => {
                (Some(Self::Show(asked)), None, Some(Self::Delete(asked)), "GET, HEAD, DELETE")
            }
            ["v1", "modules", asked, "activate"] if !asked.is_empty() => {
                (None, Some(Self::Activate(asked)), None, "POST")
            }
            ["v1", "rollback"] => (None, Some(Self::RollBack), None, "POST"),
            ["v1", "invariants"] => (Some(Self::Invariants), None, None, "GET, HEAD"),
            ["v1", "keys"] => (Some(Self::Keys), Some(Self::CreateKey), None, "GET, HEAD, POST"),
            ["v1", "keys", id] if !id.is_empty() => {
                (Some(Self::ShowKey(id)), None, Some(Self::RevokeKey(id)), "GET, HEAD, DELETE")
            }
            _ => return Err(Error::RouteNotFound),
        };
        let found = match *method {
            Method::GET | Method::HEAD => look,
            Method::POST => post,
            Method::DELETE => delete,
            _ => None,
        };
        found.ok_or_else(|| Error::MethodNotAllowed { allow: allow.into() })
    }

    /// Whether it changes something.
    pub(super) fn is_change(&self) -> bool {
        !matches!(self, Self::List | Self::Show(_) | Self::Invariants | Self::Keys | Self::ShowKey(_))
    }

    /// For the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Show(_) => "show",
            Self::Upload => "upload",
            Self::Delete(_) => "delete",
            Self::Activate(_) => "activate",
            Self::RollBack => "rollback",
            Self::Invariants => "invariants",
            Self::Keys => "keys",
            Self::CreateKey => "create-key",
            Self::ShowKey(_) => "show-key",
            Self::RevokeKey(_) => "revoke-key",
        }
    }

    /// The module that it is about, as the operator calls it.
    pub(super) fn module(&self) -> Option<&'a str> {
        match self {
            Self::Show(asked) | Self::Delete(asked) | Self::Activate(asked) => Some(asked),
            _ => None,
        }
    }

    /// The API key that it is about, as the operator calls it.
    pub(super) fn key(&self) -> Option<&'a str> {
        match self {
            Self::ShowKey(id) | Self::RevokeKey(id) => Some(id),
            _ => None,
        }
    }
}
