//! What can go wrong on the host's side, and the only table of its statuses.
//!
//! Every error has two messages: [`Error::detail`] is for the client, and [`Error::logged`] for the operator. What concerns the inside
//! (a trap, SQLite's words) is only in the second.

pub(crate) mod operator;

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;

use crate::auth::CredentialRefusal;
use crate::domain::{Identity, Principal};
use crate::limiter::{RateLimit, Standing};
use crate::store::StoreFailure;
use crate::wasm::{Cause, Failure};

/// An answer that the host gives by itself.
#[derive(Debug)]
pub enum Error {
    /// Malformed HTTP or parameters; says what.
    InvalidRequest(String),
    /// Nobody is known, where somebody must be; or what was sent lets nobody in, and why.
    Unauthenticated(Option<CredentialRefusal>),
    /// The caller lacks the role that the route needs.
    Forbidden {
        /// The role, by name.
        needs: &'static str,
    },
    /// A version of the rules was asked for, without the operator's token.
    NotTheOperator,
    /// A web page of this origin may not call the API.
    OriginNotAllowed,
    /// The event is another organizer's.
    NotYours,
    /// Only whoever has proved who it is may do this: the role alone, which anybody can claim, is not enough.
    Unproved,
    /// There is no such event.
    EventNotFound,
    /// No route of the active module has this path.
    RouteNotFound,
    /// The path has routes, but not for this method.
    MethodNotAllowed {
        /// The methods that it has, for the `Allow` header.
        allow: String,
    },
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is over the limit, in bytes.
    BodyTooLarge {
        /// The route's limit.
        limit: usize,
    },
    /// There is a body, and it is not JSON.
    UnsupportedMediaType,
    /// Over the rate limit.
    RateLimited {
        /// The limit.
        limit: RateLimit,
        /// How the client stands.
        standing: Standing,
    },
    /// A fault of ours; the text is for the log.
    Internal(String),
    /// The guest failed.
    Rules(Failure),
    /// A queue is full: which one, for the log.
    Overloaded(&'static str),
    /// A commit failed.
    OutcomeUnknown,
    /// The host is draining.
    ShuttingDown,
}

/// One row of the table: what a code means in HTTP.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) status: StatusCode,
    /// The name for machines.
    pub(crate) code: &'static str,
    /// In a few words.
    pub(crate) title: &'static str,
}

const fn row(status: StatusCode, code: &'static str, title: &'static str) -> Row {
    Row { status, code, title }
}

/// How long a client should wait before it tries again after a 503: long enough for a queue to drain.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The same when the host is about to restart.
const RETRY_AFTER_RESTART: Duration = Duration::from_secs(5);

impl Error {
    /// The caller lacks the role that a route needs.
    pub(crate) fn lacks(principal: &Principal, needs: &'static str) -> Self {
        if principal.identity == Identity::Nobody { Self::Unauthenticated(None) } else { Self::Forbidden { needs } }
    }

    pub(crate) fn row(&self) -> Row {
        use StatusCode as S;
        match self {
            Self::InvalidRequest(_) => row(S::BAD_REQUEST, "invalid_request", "The request is not valid"),
            Self::Unauthenticated(_) => row(S::UNAUTHORIZED, "unauthenticated", "The caller is not known"),
            Self::Forbidden { .. }
            | Self::NotTheOperator
            | Self::OriginNotAllowed
            | Self::NotYours
            | Self::Unproved => row(S::FORBIDDEN, "forbidden", "The caller may not do this"),
            Self::EventNotFound => row(S::NOT_FOUND, "event_not_found", "There is no such event"),
            Self::RouteNotFound => row(S::NOT_FOUND, "route_not_found", "There is no such route"),
            Self::MethodNotAllowed { .. } => {
                row(S::METHOD_NOT_ALLOWED, "method_not_allowed", "The route does not have this method")
            }
            Self::RequestTimeout => row(S::REQUEST_TIMEOUT, "request_timeout", "The body took too long"),
            Self::BodyTooLarge { .. } => row(S::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large"),
            Self::UnsupportedMediaType => {
                row(S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body is not JSON")
            }
            Self::RateLimited { .. } => row(S::TOO_MANY_REQUESTS, "rate_limited", "Too many requests"),
            Self::Internal(_) => row(S::INTERNAL_SERVER_ERROR, "internal", "The server failed"),
            Self::Rules(failure) => match failure.cause {
                Cause::CpuBudget | Cause::WallClock => {
                    row(S::GATEWAY_TIMEOUT, "rules_timeout", "The rules took too long")
                }
                Cause::NoInstance => row(S::SERVICE_UNAVAILABLE, "overloaded", "The server is overloaded"),
                Cause::Trap | Cause::MemoryLimit | Cause::HostCallQuota | Cause::BadResponse => {
                    row(S::INTERNAL_SERVER_ERROR, "rules_failed", "The rules failed")
                }
            },
            Self::Overloaded(_) => row(S::SERVICE_UNAVAILABLE, "overloaded", "The server is overloaded"),
            Self::OutcomeUnknown => row(S::SERVICE_UNAVAILABLE, "outcome_unknown", "Whether it was done is not known"),
            Self::ShuttingDown => row(S::SERVICE_UNAVAILABLE, "shutting_down", "The server is shutting down"),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.row().status
    }

    /// The name, the same in answers, logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.row().code
    }

    /// What the client is told: what is wrong, and what to do.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::InvalidRequest(what) => what.clone(),
            Self::Unauthenticated(None) => {
                "This route needs a credential: send it as Authorization: Bearer TOKEN.".into()
            }
            Self::Unauthenticated(Some(refusal)) => refusal.advice().into(),
            Self::Forbidden { needs } => format!("This route needs the role {needs}."),
            Self::NotYours => "The event is another organizer's.".into(),
            Self::Unproved => "With header roles nobody has proved who it is, and what is found here would give away ids that are keys; \
                               start the server with credentials (--auth jwt or keys), or with --allow-insecure-header-auth."
                .into(),
            Self::EventNotFound => "There is no event of this id.".into(),
            Self::OriginNotAllowed => "Web pages of this origin may not call this server.".into(),
            Self::NotTheOperator => {
                "Versions of the rules are chosen with the operator's token in X-Boxoffice-Operator-Token; \
                 leave X-Boxoffice-Rules out."
                    .into()
            }
            Self::RouteNotFound => "Nothing is served at this path; check it for a typing error.".into(),
            Self::MethodNotAllowed { allow } => format!("This path has {allow}."),
            Self::RequestTimeout => "The body did not arrive in time; send the request again.".into(),
            Self::BodyTooLarge { limit: 0 } => "This route takes no body.".into(),
            Self::BodyTooLarge { limit } => format!("This route takes at most {limit} bytes of body."),
            Self::UnsupportedMediaType => {
                "Send the body as Content-Type: application/json; a PATCH may be application/merge-patch+json, too."
                    .into()
            }
            Self::RateLimited { limit, standing } => format!(
                "At most {} requests in any {} are admitted from one client; try again in {} s.",
                limit.requests,
                humantime::format_duration(limit.window),
                whole_seconds(standing.reset),
            ),
            Self::Internal(_) => "The server failed to answer; report the request_id to its operator.".into(),
            Self::Rules(failure) => match failure.cause {
                Cause::CpuBudget | Cause::WallClock => {
                    "The rules used up their time. If this was a write, its outcome is unknown: \
                     repeat it with the same idempotency key."
                        .into()
                }
                Cause::NoInstance => "The server is busy; try again shortly.".into(),
                _ => "The rules failed to answer. If this was a write, its outcome is unknown: repeat it \
                      with the same idempotency key; report the request_id to the operator."
                    .into(),
            },
            Self::Overloaded(_) => "The server is busy; try again shortly.".into(),
            Self::OutcomeUnknown => {
                "The write may or may not have been done: repeat it with the same idempotency key.".into()
            }
            Self::ShuttingDown => "The server is about to stop; try again shortly.".into(),
        }
    }

    /// What the operator is told, where it is a fault on our side.
    #[must_use]
    pub fn logged(&self) -> Option<String> {
        match self {
            Self::Internal(what) => Some(what.clone()),
            Self::Rules(failure) => Some(failure.message.escape_debug().to_string()),
            Self::Overloaded(which) => Some(format!("{which} is full")),
            Self::OutcomeUnknown => Some("a commit failed".into()),
            _ => None,
        }
    }

    /// When to try again, where that helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { standing, .. } => Some(standing.reset),
            Self::Overloaded(_) | Self::Rules(Failure { cause: Cause::NoInstance, .. }) => Some(RETRY_AFTER),
            Self::OutcomeUnknown | Self::ShuttingDown => Some(RETRY_AFTER_RESTART),
            _ => None,
        }
    }

    /// What kind of error it is, in a few words.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.row().title
    }

    /// The body: `application/problem+json` (RFC 9457).
    #[must_use]
    pub fn problem(&self, request_id: &str) -> Bytes {
        let Row { status, code, title } = self.row();
        Problem { status, code, title, detail: self.detail(), request_id, refusal: None, advice: None }.body()
    }
}

/// An `application/problem+json` in the making.
#[derive(Debug)]
pub(crate) struct Problem<'a> {
    pub(crate) status: StatusCode,
    /// The name for machines.
    pub(crate) code: &'a str,
    pub(crate) title: &'a str,
    pub(crate) detail: String,
    pub(crate) request_id: &'a str,
    /// Why a module is refused, by name.
    pub(crate) refusal: Option<&'a str>,
    /// What to do about it, where the detail does not say it.
    pub(crate) advice: Option<&'a str>,
}

impl Problem<'_> {
    /// As it is sent.
    pub(crate) fn body(&self) -> Bytes {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            detail: &'a str,
            code: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            refusal: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            advice: Option<&'a str>,
            request_id: &'a str,
        }
        let Self { title, code, refusal, advice, request_id, .. } = *self;
        let r#type = format!("urn:boxoffice:problem:{code}");
        let status = self.status.as_u16();
        let body = Body { r#type, title, status, detail: &self.detail, code, refusal, advice, request_id };
        serde_json::to_vec(&body).unwrap_or_default().into()
    }
}

impl From<StoreFailure> for Error {
    fn from(failure: StoreFailure) -> Self {
        match failure {
            StoreFailure::Overloaded => Self::Overloaded("the store"),
            StoreFailure::OutcomeUnknown => Self::OutcomeUnknown,
            StoreFailure::ShuttingDown => Self::ShuttingDown,
            StoreFailure::Internal(what) => Self::Internal(what),
        }
    }
}

/// Whole seconds, rounded up: what `Retry-After` and `RateLimit` count in. At least 1, so that nobody spins.
#[must_use]
pub fn whole_seconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}
