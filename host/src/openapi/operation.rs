//! One route of the module.

use serde_json::{Value, json};

use super::host;
use super::responses;
use super::schemas::Schemas;
use crate::auth::AuthMode;
use crate::wasm::{Access, Method, Route};

/// Describes it.
pub(super) fn of(route: &Route, auth: AuthMode, schemas: &mut Schemas) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.described.summary,
        "tags": [tag(&route.path)],
        "security": host::security(auth, route.access),
        "responses": responses::of(route, auth, schemas),
    });
    if let Access::Role(role) = route.access {
        operation["description"] = format!("Needs the role {}, or admin.", role.name()).into();
    }
    let parameters: Vec<Value> = in_path(&route.path).chain(in_query(route)).chain(in_headers(route)).collect();
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = body(route, schemas) {
        operation["requestBody"] = body;
    }
    operation
}

/// The first word of the path: what it is about.
pub(super) fn tag(path: &str) -> &str {
    path.split('/').find(|part| !part.is_empty()).unwrap_or("root")
}

fn in_path(path: &str) -> impl Iterator<Item = Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(
        |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }),
    )
}

/// The query's schema is one of an object; here each of its properties is a parameter.
fn in_query(route: &Route) -> impl Iterator<Item = Value> {
    let schema = route.described.query.as_ref();
    let required = schema.and_then(|schema| schema.get("required")?.as_array()).cloned().unwrap_or_default();
    let properties = schema.and_then(|schema| schema.get("properties")?.as_object());
    properties.into_iter().flatten().map(move |(name, schema)| {
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|members| members.remove("description"));
        let required = required.iter().any(|other| other == name);
        let mut parameter = json!({ "name": name, "in": "query", "required": required, "schema": schema });
        if let Some(description) = description {
            parameter["description"] = description;
        }
        parameter
    })
}

/// Which of the headers that reach a module this route reads follows from what it answers and takes: a manifest does not name them.
fn in_headers(route: &Route) -> impl Iterator<Item = Value> {
    let answers = |status: u16| route.described.answers.iter().any(|answer| answer.status == status);
    let has_key = |schema: &Value| schema.pointer("/properties/idempotency_key").is_some();
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema });
    let tags = json!({ "type": "string" });
    let key = json!({ "type": "string", "pattern": r#"^("[ !#-\[\]-~]{1,255}"|[!#-~]{1,255})$"# });
    [
        answers(304).then(|| {
            header("If-None-Match", "Entity tags that the caller has: 304 if it is one of them.", tags.clone())
        }),
        answers(412)
            .then(|| header("If-Match", "Entity tags, one of which it must still be: 412 if it is none.", tags)),
        route.described.body.as_ref().is_some_and(has_key).then(|| {
            header(
                "Idempotency-Key",
                "Names the request, so that it can be repeated safely; the same as in the body.",
                key,
            )
        }),
    ]
    .into_iter()
    .flatten()
}

fn body(route: &Route, schemas: &mut Schemas) -> Option<Value> {
    let schema = route.described.body.as_ref()?;
    let has_required = schema.get("required").and_then(Value::as_array).is_some_and(|names| !names.is_empty());
    let patches = route.method == Method::Patch;
    let placed = schemas.place(&format!("{}-body", route.id), schema);
    let types: &[&str] =
        if patches { &["application/merge-patch+json", "application/json"] } else { &["application/json"] };
    let content: serde_json::Map<_, _> =
        types.iter().map(|name| ((*name).to_owned(), json!({ "schema": placed.clone() }))).collect();
    Some(json!({ "required": has_required || patches || route.method == Method::Put, "content": content }))
}
