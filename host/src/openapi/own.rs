//! The host's own routes, each a GET.

use serde_json::{Value, json};

use super::schemas::Schemas;
use super::{Callers, audit, host, responses};
use crate::auth::CredentialRefusal;
use crate::domain::Role;
use crate::error::Error;
use crate::limiter::{RateLimit, Standing};
use crate::store::StoreFailure;
use crate::wasm::Access;
use std::time::Duration;

/// What they are about.
pub(super) const TAG: &str = "host";

/// All of them, by path.
pub(super) fn operations(callers: Callers, schemas: &mut Schemas) -> Vec<(&'static str, Value)> {
    let json = |schema: &Value| json!({ "application/json": { "schema": schema } });
    let page = json!({ "text/html": { "schema": { "type": "string" } } });
    let description = tagged(operation(
        "openapi",
        "This description",
        &json(&json!({ "type": "object" })),
        &refusals(callers, false),
    ));
    let page = tagged(operation("docs", "This description, for people", &page, &refusals(callers, false)));
    let trail = json(&schemas.place("AuditPage", &audit::page()));
    let mut trail = operation("audit", "Who did what, oldest first", &trail, &refusals(callers, true));
    trail["description"] = audit::DESCRIPTION.into();
    trail["security"] = host::security(callers, Access::Role(Role::Organizer));
    trail["parameters"] = audit::parameters();
    vec![("/openapi.json", description), ("/docs", page), ("/audit", trail)]
}

/// What they refuse: any of them, and the trail.
fn refusals(callers: Callers, of_the_trail: bool) -> Vec<Error> {
    let limit = RateLimit { requests: 1, window: Duration::ZERO };
    let standing = Standing { remaining: 0, reset: Duration::ZERO };
    let mut all = vec![
        Error::InvalidRequest(String::new()),
        // For those who would choose the rules.
        Error::NotTheOperator,
        Error::RateLimited { limit, standing },
        Error::Internal(String::new()),
        Error::Overloaded(""),
        Error::ShuttingDown,
    ];
    if callers == Callers::Credential {
        all.push(Error::Unauthenticated(Some(CredentialRefusal::Invalid)));
    }
    if of_the_trail {
        all.extend([Error::NotYours, Error::EventNotFound, Error::from(StoreFailure::Overloaded)]);
        if callers == Callers::Role {
            all.push(Error::Unproved);
        }
    }
    all
}

/// A route that everybody may read, and that takes no body.
fn operation(name: &str, summary: &str, content: &Value, refusals: &[Error]) -> Value {
    let mut responses = responses::of_refusals(refusals);
    let fine = json!({ "description": "It is as asked for", "headers": responses::headers(&[]), "content": content });
    responses.insert("200".to_owned(), fine);
    json!({ "operationId": format!("host.{name}"), "summary": summary, "tags": [TAG], "security": [], "responses": responses })
}

/// One that says what it was the last time.
fn tagged(mut operation: Value) -> Value {
    operation["responses"]["200"]["headers"] = responses::headers(&["ETag"]);
    operation["responses"]["304"] =
        json!({ "description": "It is still what `If-None-Match` names", "headers": responses::headers(&["ETag"]) });
    operation["parameters"] = json!([super::operation::if_none_match()]);
    operation
}
