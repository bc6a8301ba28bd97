//! What is the host's own: its answers, its routes, and how callers are known.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::audit;
use super::schemas::Schemas;
use crate::auth::{AuthMode, CredentialRefusal};
use crate::domain::{Principal, Role};
use crate::error::Error;
use crate::limiter::{RateLimit, Standing};
use crate::store::StoreFailure;
use crate::wasm::{Access, Cause, Failure, Route};
use std::time::Duration;

/// What a reader needs to know of all routes.
pub(super) const DESCRIPTION: &str = "Events are sold seat by seat: a registration holds seats until it is confirmed or its time is over.\n\n\
    Every refusal is `application/problem+json` (RFC 9457) with a `code`. After a 500, 503 or 504 on a write its outcome is unknown: \
    repeat it with the same idempotency key. Every answer carries `X-Request-Id`: the caller's own, if it is sane, else a new one.";

/// What the host's own routes are about.
pub(super) const TAG: &str = "host";

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
pub(super) fn answers(route: &Route, auth: AuthMode) -> Vec<OwnAnswer> {
    let takes_body = route.max_body != Some(0);
    let given = |given: Given| match given {
        Given::Always => true,
        Given::ByAccess => auth != AuthMode::Header,
        Given::WithBody => takes_body,
    };
    table().into_iter().filter(|(_, when)| given(*when)).map(|(own, _)| own).collect()
}

/// What the host may answer on any route.
pub(super) fn every_answer(auth: AuthMode) -> Vec<OwnAnswer> {
    let given = |given: Given| given != Given::ByAccess || auth != AuthMode::Header;
    table().into_iter().filter(|(_, when)| given(*when)).map(|(own, _)| own).collect()
}

/// Who may call a route, and how they are known.
pub(super) fn security(auth: AuthMode, access: Access) -> Value {
    match (auth, access) {
        (_, Access::Public) => json!([]),
        (AuthMode::Header, Access::Role(role)) => json!([{ "role": [role.name()] }]),
        (AuthMode::Credentials(_), Access::Role(role)) => json!([{ "bearer": [role.name()] }]),
    }
}

/// How callers are known.
pub(super) fn security_schemes(auth: AuthMode) -> Value {
    let tokens = "A JSON Web Token of the issuer that this server trusts";
    let keys = "an API key of this server (`bo_...`)";
    let description = match (auth.takes_tokens(), auth.takes_keys()) {
        (false, false) => {
            return json!({ "role": {
                "type": "apiKey", "in": "header", "name": "X-Role",
                "description": "The caller's role: user, organizer or admin. Anybody can claim any: for development.",
            } });
        }
        (true, false) => format!("{tokens}."),
        (false, true) => format!("An API key: {keys}."),
        (true, true) => format!("{tokens}, or {keys}."),
    };
    json!({ "bearer": { "type": "http", "scheme": "bearer", "description": description } })
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
    })
}

/// The body of the host's refusals.
pub(super) fn problem() -> Value {
    json!({ "$ref": "#/components/schemas/HostProblem" })
}

/// Its schema.
fn problem_schema() -> Value {
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

/// The host's own routes, each a GET.
pub(super) fn operations(auth: AuthMode, schemas: &mut Schemas) -> Vec<(&'static str, Value)> {
    schemas.place("HostProblem", &problem_schema());
    let json = |schema: &Value| json!({ "application/json": { "schema": schema } });
    let page = json!({ "text/html": { "schema": { "type": "string" } } });
    let description = operation("openapi", "This description", &json(&json!({ "type": "object" })), auth, &[]);
    let page = operation("docs", "This description, for people", &page, auth, &[]);
    let refusals = [Error::lacks(&Principal::default(), ""), Error::Unproved, Error::EventNotFound];
    let trail = json(&schemas.place("AuditPage", &audit::page()));
    let mut trail = operation("audit", "Who did what, oldest first", &trail, auth, &refusals);
    trail["description"] = audit::DESCRIPTION.into();
    trail["security"] = security(auth, Access::Role(Role::Organizer));
    trail["parameters"] = audit::parameters();
    vec![("/openapi.json", description), ("/docs", page), ("/audit", trail)]
}

/// A route that everybody may read, and that takes no body and no time.
fn operation(name: &str, summary: &str, content: &Value, auth: AuthMode, refusals: &[Error]) -> Value {
    let mut responses = Map::new();
    responses.insert("200".to_owned(), json!({ "description": "It is as asked for", "content": content }));
    let never = |status: StatusCode| {
        matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::GATEWAY_TIMEOUT)
    };
    for own in every_answer(auth).iter().filter(|own| !never(own.status)) {
        let there = json!({ "$ref": format!("#/components/responses/{}", own.name) });
        responses.insert(own.status.as_str().to_owned(), there);
    }
    for refusal in refusals {
        let row = refusal.row();
        let content = json!({ "application/problem+json": { "schema": problem() } });
        let told = json!({ "description": format!("{} (`{}`)", row.title, row.code), "content": content });
        responses.entry(row.status.as_str()).or_insert(told);
    }
    let id = format!("host.{name}");
    json!({ "operationId": id, "summary": summary, "tags": [TAG], "security": [], "responses": responses })
}
