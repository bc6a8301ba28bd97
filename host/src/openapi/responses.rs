//! What a route answers: what the module says, and what the host answers by itself.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::Callers;
use super::host::{self, OwnAnswer, Told};
use super::operation::takes_key;
use super::schemas::Schemas;
use crate::error::Error;
use crate::wasm::{DescribedAnswer, Manifest, Method, Route};

/// The media type of refusals (RFC 9457).
const PROBLEM: &str = "application/problem+json";

/// All that a route answers, by status.
pub(super) fn of(module: &Manifest, route: &Route, callers: Callers, schemas: &mut Schemas) -> Value {
    let mut all: BTreeMap<u16, Vec<&DescribedAnswer>> = BTreeMap::new();
    for answer in &route.described.answers {
        all.entry(answer.status.as_u16()).or_default().push(answer);
    }
    let hosts = host::answers(route, callers);
    let mut responses = Map::new();
    for (status, answers) in &all {
        let host = hosts.iter().find(|own| own.status.as_u16() == *status);
        responses.insert(status.to_string(), together(module, route, answers, host, schemas));
    }
    for own in hosts.iter().filter(|own| !all.contains_key(&own.status.as_u16())) {
        responses
            .insert(own.status.as_str().to_owned(), json!({ "$ref": format!("#/components/responses/{}", own.name) }));
    }
    responses.into()
}

/// What the host answers by itself, by name, for all routes.
pub(super) fn of_host(callers: Callers) -> Value {
    let all = host::every_answer(callers);
    let all = all.into_iter().map(|own| {
        let content = json!({ PROBLEM: { "schema": host::problem() } });
        let response = json!({ "description": own.description(), "headers": headers(with_status(own.status)), "content": content });
        (own.name.to_owned(), response)
    });
    all.collect::<Map<_, _>>().into()
}

/// One status: what the module answers with it, and the host.
fn together(
    module: &Manifest,
    route: &Route,
    answers: &[&DescribedAnswer],
    own: Option<&OwnAnswer>,
    schemas: &mut Schemas,
) -> Value {
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
    let mut response = json!({ "description": descriptions.join("; "), "headers": of_module(module, route, status) });
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

/// What the host refuses, by status.
pub(super) fn of_refusals(refusals: &[Error]) -> Map<String, Value> {
    let mut told: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for row in refusals.iter().map(Error::row) {
        let sentence = format!("{} (`{}`)", row.title, row.code);
        let sentences = told.entry(row.status.as_u16()).or_default();
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    let responses = told.into_iter().map(|(status, told)| {
        let content = json!({ PROBLEM: { "schema": host::problem() } });
        let names = StatusCode::from_u16(status).map_or(&[][..], with_status);
        (status.to_string(), json!({ "description": told.join("; "), "headers": headers(names), "content": content }))
    });
    responses.collect()
}

/// The headers that come with a module's answer, as far as its manifest lets one know.
fn of_module(module: &Manifest, route: &Route, status: StatusCode) -> Value {
    let decides = |other: &Route| {
        other.path == route.path && other.described.answers.iter().any(|a| matches!(a.status.as_u16(), 304 | 412))
    };
    let mut names = with_status(status).to_vec();
    if status == StatusCode::CREATED {
        names.push("Location");
    }
    let of_what_it_is = matches!(route.method, Method::Get | Method::Patch) && matches!(status.as_u16(), 200 | 304);
    if of_what_it_is && module.routes.iter().any(decides) {
        names.push("ETag");
    }
    if status.is_success() && takes_key(route) {
        names.push("Idempotency-Replayed");
    }
    headers(&names)
}

/// The headers that come with every answer of this status, whoever gives it.
fn with_status(status: StatusCode) -> &'static [&'static str] {
    match status {
        StatusCode::UNAUTHORIZED => &["WWW-Authenticate"],
        StatusCode::METHOD_NOT_ALLOWED => &["Allow"],
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => &["Retry-After"],
        _ => &[],
    }
}

/// These, and those of every answer.
pub(super) fn headers(names: &[&str]) -> Value {
    let every = ["X-Request-Id", "RateLimit", "RateLimit-Policy"];
    let place = |name: &str| json!({ "$ref": format!("#/components/headers/{name}") });
    every.iter().chain(names).map(|name| ((*name).to_owned(), place(name))).collect::<Map<_, _>>().into()
}
