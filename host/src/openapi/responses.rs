//! What a route answers: what the module says, and what the host answers by itself.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::host::{self, OwnAnswer, Told};
use super::schemas::Schemas;
use crate::auth::AuthMode;
use crate::wasm::{DescribedAnswer, Route};

/// The media type of refusals (RFC 9457).
const PROBLEM: &str = "application/problem+json";

/// All that a route answers, by status.
pub(super) fn of(route: &Route, auth: AuthMode, schemas: &mut Schemas) -> Value {
    let mut all: BTreeMap<u16, Vec<&DescribedAnswer>> = BTreeMap::new();
    for answer in &route.described.answers {
        all.entry(answer.status.as_u16()).or_default().push(answer);
    }
    let hosts = host::answers(route, auth);
    let mut responses = Map::new();
    for (status, answers) in &all {
        let host = hosts.iter().find(|own| own.status.as_u16() == *status);
        responses.insert(status.to_string(), together(route, answers, host, schemas));
    }
    for own in hosts.iter().filter(|own| !all.contains_key(&own.status.as_u16())) {
        responses
            .insert(own.status.as_str().to_owned(), json!({ "$ref": format!("#/components/responses/{}", own.name) }));
    }
    responses.into()
}

/// What the host answers by itself, by name, for all routes.
pub(super) fn of_host(auth: AuthMode) -> Value {
    let all = host::every_answer(auth);
    let all = all.into_iter().map(|own| {
        let content = json!({ PROBLEM: { "schema": host::problem() } });
        let response = json!({ "description": own.description(), "headers": headers(own.status), "content": content });
        (own.name.to_owned(), response)
    });
    all.collect::<Map<_, _>>().into()
}

/// One status: what the module answers with it, and the host.
fn together(route: &Route, answers: &[&DescribedAnswer], own: Option<&OwnAnswer>, schemas: &mut Schemas) -> Value {
    let mut descriptions: Vec<String> = answers.iter().map(|answer| answer.description.clone()).collect();
    let mut content: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for answer in answers {
        let Some(content_type) = &answer.content_type else { continue };
        let bodies = content.entry(content_type).or_default();
        if let Some(schema) = &answer.schema {
            bodies.push(schemas.place(&format!("{}-{}", route.id, answer.status.as_u16()), schema));
        }
    }
    if let Some(own) = own {
        let known = |code: &str| answers.iter().any(|answer| answer.description.contains(&format!("`{code}`")));
        descriptions.extend(own.codes.iter().filter(|told| !known(told.code)).map(Told::sentence));
        content.entry(PROBLEM).or_default().push(host::problem());
    }
    let status = answers.first().map_or(StatusCode::OK, |answer| answer.status);
    let mut response = json!({ "description": descriptions.join("; "), "headers": headers(status) });
    if !content.is_empty() {
        let bodies = content.into_iter().map(|(content_type, mut schemas)| {
            schemas.dedup();
            let media = match schemas.len() {
                0 => json!({}),
                1 => json!({ "schema": schemas[0] }),
                _ => json!({ "schema": { "anyOf": schemas } }),
            };
            (content_type.to_owned(), media)
        });
        response["content"] = bodies.collect::<Map<_, _>>().into();
    }
    response
}

/// The headers that come with every answer of this status, whoever gives it.
fn headers(status: StatusCode) -> Value {
    let mut names = vec!["X-Request-Id"];
    names.extend(match status {
        StatusCode::UNAUTHORIZED => &["WWW-Authenticate"][..],
        StatusCode::METHOD_NOT_ALLOWED => &["Allow"],
        StatusCode::TOO_MANY_REQUESTS => &["Retry-After", "RateLimit", "RateLimit-Policy"],
        StatusCode::SERVICE_UNAVAILABLE => &["Retry-After"],
        _ => &[],
    });
    let all =
        names.into_iter().map(|name| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })));
    all.collect::<Map<_, _>>().into()
}
