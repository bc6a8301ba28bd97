//! What is the host's own: its answers, its routes, and how callers are known.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::Callers;
use crate::auth::CredentialRefusal;
use crate::error::Error;
use crate::limiter::{RateLimit, Standing};
use crate::store::StoreFailure;
use crate::wasm::{Access, Cause, Failure, Route};
use std::time::Duration;

/// What a reader needs to know of all routes.
pub(super) const DESCRIPTION: &str = "Events are sold seat by seat: a registration holds seats until it is confirmed or its time is over.\n\n\
    Every refusal is `application/problem+json` (RFC 9457) with a `code`. After a 500, 503 or 504 on a write its outcome is unknown: \
    repeat it with the same idempotency key. Every answer carries `X-Request-Id`: the caller's own, if it is sane, else a new one. `RateLimit` and `RateLimit-Policy` say how the caller stands. A list tells where its next page is in \
    `next_cursor`, and where it has one in a `Link` header, too.";

/// An answer that the host gives by itself.
pub(super) struct OwnAnswer {
    pub(super) status: StatusCode,
    /// For references.
    pub(super) name: &'static str,
    /// What it can mean.
    pub(super) codes: Vec<Told>,
}

/// One name for machines, and what it means.
pub(super) struct Told {
    pub(super) code: &'static str,
    title: &'static str,
}

impl Told {
    pub(super) fn sentence(&self) -> String {
        format!("{} (`{}`)", self.title, self.code)
    }
}

impl OwnAnswer {
    pub(super) fn description(&self) -> String {
        self.codes.iter().map(Told::sentence).collect::<Vec<_>>().join("; ")
    }
}

/// Where an answer of the host's can come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    /// Any request.
    Always,
    /// One that needs a role, or brings a credential.
    ByAccess,
    /// One with a body.
    WithBody,
}

fn of(errors: &[Error], given: Given) -> (OwnAnswer, Given) {
    let rows: Vec<_> = errors.iter().map(Error::row).collect();
    let (status, name) =
        rows.first().map_or((StatusCode::INTERNAL_SERVER_ERROR, "internal"), |row| (row.status, row.code));
    let codes = rows.iter().map(|row| Told { code: row.code, title: row.title }).collect();
    (OwnAnswer { status, name, codes }, given)
}

/// All of them, from the one table of statuses.
fn table() -> Vec<(OwnAnswer, Given)> {
    let limit = RateLimit { requests: 1, window: Duration::ZERO };
    let standing = Standing { remaining: 0, reset: Duration::ZERO };
    let rules = |cause| Error::Rules(Failure::new(cause, String::new()));
    vec![
        of(&[Error::InvalidRequest(String::new())], Given::Always),
        of(&[Error::Unauthenticated(Some(CredentialRefusal::Invalid))], Given::ByAccess),
        of(&[Error::NotTheOperator], Given::Always),
        of(&[Error::RequestTimeout], Given::WithBody),
        of(&[Error::BodyTooLarge { limit: 0 }], Given::Always),
        of(&[Error::UnsupportedMediaType], Given::Always),
        of(&[Error::RateLimited { limit, standing }], Given::Always),
        of(&[Error::Internal(String::new()), rules(Cause::Trap)], Given::Always),
        of(&[Error::Overloaded(""), Error::from(StoreFailure::OutcomeUnknown), Error::ShuttingDown], Given::Always),
        of(&[rules(Cause::CpuBudget)], Given::Always),
    ]
}

/// What the host may answer on this route.
pub(super) fn answers(route: &Route, callers: Callers) -> Vec<OwnAnswer> {
    let takes_body = route.max_body != Some(0);
    let given = |given: Given| match given {
        Given::Always => true,
        Given::ByAccess => callers == Callers::Credential,
        Given::WithBody => takes_body,
    };
    table().into_iter().filter(|(_, when)| given(*when)).map(|(own, _)| own).collect()
}

/// What the host may answer on any route.
pub(super) fn every_answer(callers: Callers) -> Vec<OwnAnswer> {
    let given = |given: Given| given != Given::ByAccess || callers == Callers::Credential;
    table().into_iter().filter(|(_, when)| given(*when)).map(|(own, _)| own).collect()
}

/// Who may call a route, and how they are known.
pub(super) fn security(callers: Callers, access: Access) -> Value {
    match (callers, access) {
        (_, Access::Public) => json!([]),
        (Callers::Role, Access::Role(role)) => json!([{ "role": [role.name()] }]),
        (Callers::Credential, Access::Role(role)) => json!([{ "bearer": [role.name()] }]),
    }
}

/// How callers are known.
pub(super) fn security_schemes(callers: Callers) -> Value {
    match callers {
        Callers::Role => json!({ "role": {
            "type": "apiKey", "in": "header", "name": "X-Role",
            "description": "The caller's role: user, organizer or admin. Anybody can claim any: for development.",
        } }),
        Callers::Credential => json!({ "bearer": {
            "type": "http", "scheme": "bearer",
            "description": "An API key of this server (`bo_...`), or a JSON Web Token of the issuer that it trusts: whichever it takes.",
        } }),
    }
}

/// Headers of answers, by name.
pub(super) fn headers() -> Value {
    let header = |description: &str, schema: Value| json!({ "description": description, "schema": schema });
    let text = || json!({ "type": "string" });
    let seconds = json!({ "type": "integer", "minimum": 1 });
    json!({
        "X-Request-Id": header("Names the request in the server's log.", text()),
        "Retry-After": header("Seconds until it is worth trying again.", seconds),
        "RateLimit": header("How the caller stands (draft-ietf-httpapi-ratelimit-headers).", text()),
        "RateLimit-Policy": header("The limit (draft-ietf-httpapi-ratelimit-headers).", text()),
        "WWW-Authenticate": header("What to send (RFC 6750).", text()),
        "Allow": header("The methods that the path has.", text()),
        "ETag": header("The version of what was read, for If-None-Match and If-Match.", text()),
        "Location": header("Where it is now.", text()),
        "Idempotency-Replayed": header("true: the key had been used for the same request, and nothing was done.", text()),
    })
}

/// The body of the host's refusals.
pub(super) fn problem() -> Value {
    json!({ "$ref": "#/components/schemas/HostProblem" })
}

/// Its schema.
pub(super) fn problem_schema() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "title": "HostProblem",
        "description": "A refusal of the host's, as RFC 9457 has it.",
        "type": "object",
        "properties": {
            "type": text("A URN that ends in the code."),
            "title": text("The same for every problem of this code."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": text("What happened this time, and what to do about it."),
            "code": text("The name of the refusal."),
            "request_id": text("The request's id, as in X-Request-Id."),
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": { "pointer": text("A JSON Pointer (RFC 6901)."), "detail": text("What is wrong with it.") },
                    "required": ["pointer", "detail"],
                },
            },
        },
        "required": ["type", "title", "status", "detail", "code", "request_id"],
    })
}
