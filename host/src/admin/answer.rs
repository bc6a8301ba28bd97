//! How the operator's surface refuses.

use hyper::StatusCode;
use hyper::header::{HeaderValue, WWW_AUTHENTICATE};

use crate::error::{Error, Problem};
use crate::http::Reply;
use crate::http::request::Discard;
use crate::registry::Refusal;
use crate::store::StoreFailure;
use crate::wasm::LoadRefusal;

/// Why an operator, or whoever would be one, gets no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// This host has no operator.
    NoToken,
    /// It is not the operator, or does not say so.
    Unauthenticated,
    /// What is uploaded is not said to be a module.
    NotAModule,
    /// Somebody else proves the invariants.
    ProofInProgress,
    /// The registry refuses.
    Refused(Refusal),
    /// As for requests.
    Host(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Host(error)
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreFailure> for Trouble {
    fn from(failure: StoreFailure) -> Self {
        Self::Host(failure.into())
    }
}

impl Trouble {
    /// The name, the same in answers and in the log.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::NoToken => "operator_token_not_configured",
            Self::Unauthenticated => "unauthenticated",
            Self::NotAModule => "unsupported_media_type",
            Self::ProofInProgress => "proof_in_progress",
            Self::Refused(refusal) => refusal.code(),
            Self::Host(error) => error.code(),
        }
    }

    /// Whether it is a fault of the host's, to be told whoever asked.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self, Self::Host(error) if error.logged().is_some())
    }

    /// In words, for the log.
    pub(super) fn logged(&self) -> String {
        match self {
            Self::Host(error) => error.logged().unwrap_or_else(|| error.detail()),
            other => other.detail(),
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::NoToken => "This host has no operator's token.".into(),
            Self::Unauthenticated => "Send the operator's token, as Authorization: Bearer TOKEN.".into(),
            Self::NotAModule => "Send the module's bytes as Content-Type: application/wasm.".into(),
            Self::ProofInProgress => "The invariants are being proved for somebody else; try again shortly.".into(),
            Self::Refused(refusal) => refusal.to_string(),
            Self::Host(error) => error.detail(),
        }
    }

    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NoToken => {
                Some("start it with --admin-token-file FILE; make one with: head -c 32 /dev/urandom | base64")
            }
            Self::Refused(refusal) => Some(refusal.advice()),
            _ => None,
        }
    }

    /// How much of the body is read and forgotten, before the answer; `None`: nothing.
    pub(super) fn discard(&self) -> Option<Discard> {
        match self {
            Self::NoToken
            | Self::Unauthenticated
            | Self::Host(Error::RouteNotFound | Error::MethodNotAllowed { .. }) => Some(Discard::OF_ANYBODY),
            Self::Host(Error::ShuttingDown | Error::RequestTimeout) => None,
            _ => Some(Discard::OF_AN_OPERATOR),
        }
    }

    pub(super) fn reply(&self, request_id: &str) -> Reply {
        let (status, title) = match self {
            Self::Host(error) => return Reply::from_error(error, request_id),
            Self::NoToken => (StatusCode::FORBIDDEN, "The operator's surface is closed"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "The caller is not known"),
            Self::NotAModule => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is not a module"),
            Self::ProofInProgress => (StatusCode::CONFLICT, "Another proof is under way"),
            Self::Refused(refusal) => refused(refusal),
        };
        let refusal = match self {
            Self::Refused(Refusal::Module(error)) => Some(error.refusal.name()),
            _ => None,
        };
        let (code, detail, advice) = (self.code(), self.detail(), self.advice());
        let reply = Reply::problem(&Problem { status, code, title, detail, request_id, refusal, advice });
        match self {
            Self::Unauthenticated => reply.header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            _ => reply,
        }
    }
}

/// What a refusal of the registry's is in HTTP, and in a few words.
fn refused(refusal: &Refusal) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match refusal {
        Refusal::Pinned(_) => (S::CONFLICT, "The rules are pinned"),
        Refusal::UploadInProgress => (S::CONFLICT, "Another upload is under way"),
        // Not the module's fault.
        Refusal::Module(error) if error.refusal == LoadRefusal::Unavailable => {
            (S::SERVICE_UNAVAILABLE, "The module cannot be loaded now")
        }
        Refusal::Module(_) => (S::UNPROCESSABLE_ENTITY, "This host would not serve the module"),
        Refusal::ModuleNotFound(_) => (S::NOT_FOUND, "There is no such module"),
        Refusal::ModuleAmbiguous(_) => (S::BAD_REQUEST, "Several modules could be meant"),
        Refusal::InvalidPercent(_) => (S::BAD_REQUEST, "The share is not valid"),
        Refusal::AlreadyActive => (S::CONFLICT, "The module is active already"),
        Refusal::ModuleInUse(_) => (S::CONFLICT, "The module is in use"),
        Refusal::ModuleNotInUse => (S::CONFLICT, "The module is not in use"),
        Refusal::BuiltIn => (S::CONFLICT, "The module is part of the program"),
        Refusal::CanaryHasEnded(..) => (S::CONFLICT, "The canary has ended already"),
        Refusal::NothingBefore => (S::CONFLICT, "There is nothing to go back to"),
        Refusal::NotKept(_) => (S::INSUFFICIENT_STORAGE, "The change could not be kept"),
    }
}
