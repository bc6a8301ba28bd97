//! How the operator's surface refuses.

use hyper::header::{HeaderValue, WWW_AUTHENTICATE};

use crate::auth::{KeyRefusal, MAX_API_KEYS};
use crate::error::{Error, Problem, Row, operator};
use crate::http::Reply;
use crate::http::request::Discard;
use crate::registry::Refusal;
use crate::store::StoreFailure;

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
    /// There is no such API key.
    KeyNotFound,
    /// There are as many API keys as there can be.
    TooManyKeys,
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

impl From<KeyRefusal> for Trouble {
    fn from(refusal: KeyRefusal) -> Self {
        match refusal {
            KeyRefusal::Invalid(found) => {
                let told: Vec<_> = found.iter().map(|field| format!("{} {}", field.pointer, field.detail)).collect();
                Error::InvalidRequest(format!("{}.", told.join("; "))).into()
            }
            KeyRefusal::TooMany => Self::TooManyKeys,
            KeyRefusal::NotFound => Self::KeyNotFound,
            KeyRefusal::Failed(failure) => failure.into(),
        }
    }
}

impl From<StoreFailure> for Trouble {
    fn from(failure: StoreFailure) -> Self {
        Self::Host(failure.into())
    }
}

impl Trouble {
    fn row(&self) -> Row {
        match self {
            Self::NoToken => operator::NO_TOKEN,
            Self::Unauthenticated => operator::UNAUTHENTICATED,
            Self::NotAModule => operator::NOT_A_MODULE,
            Self::ProofInProgress => operator::PROOF_IN_PROGRESS,
            Self::Refused(refusal) => operator::refused(refusal),
            Self::KeyNotFound => operator::KEY_NOT_FOUND,
            Self::TooManyKeys => operator::TOO_MANY_KEYS,
            Self::Host(error) => error.row(),
        }
    }

    /// The name, the same in answers and in the log.
    pub(super) fn code(&self) -> &'static str {
        self.row().code
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
            Self::KeyNotFound => "There is no API key of this id.".into(),
            Self::TooManyKeys => format!("There are {MAX_API_KEYS} API keys that are neither revoked nor expired."),
            Self::Host(error) => error.detail(),
        }
    }

    fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NoToken => {
                Some("start it with --admin-token-file FILE; make one with: head -c 32 /dev/urandom | base64")
            }
            Self::Refused(refusal) => Some(refusal.advice()),
            Self::KeyNotFound => Some("boxoffice keys list names them all; an id has 16 digits, and is not the key"),
            Self::TooManyKeys => Some("revoke those that have expired or that nobody uses (boxoffice keys list)"),
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
        if let Self::Host(error) = self {
            return Reply::from_error(error, request_id);
        }
        let refusal = match self {
            Self::Refused(Refusal::Module(error)) => Some(error.refusal.name()),
            _ => None,
        };
        let Row { status, code, title } = self.row();
        let (detail, advice) = (self.detail(), self.advice());
        let reply = Reply::problem(&Problem { status, code, title, detail, request_id, refusal, advice });
        match self {
            Self::Unauthenticated => reply.header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            _ => reply,
        }
    }
}
