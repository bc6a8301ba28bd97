//! One route of the module.

use serde_json::{Value, json};

use super::schemas::Schemas;
use super::{Callers, host, responses};
use crate::wasm::{Access, Manifest, Method, Route};

/// Describes it.
pub(super) fn of(module: &Manifest, route: &Route, callers: Callers, schemas: &mut Schemas) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.described.summary,
        "tags": [tag(&route.path)],
        "security": host::security(callers, route.access),
        "responses": responses::of(module, route, callers, schemas),
    });
    if let Access::Role(role) = route.access {
        operation["description"] = format!("Needs the role {}, or admin.", role.name()).into();
    }
    let in_query = in_query(route, schemas);
    let parameters: Vec<Value> = in_path(&route.path).chain(in_query).chain(in_headers(route)).collect();
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
fn in_query(route: &Route, schemas: &mut Schemas) -> Vec<Value> {
    let Some(schema) = &route.described.query else { return Vec::new() };
    let properties = schemas.properties(&format!("{}-query", route.id), schema);
    let parameters = properties.into_iter().map(|(name, mut schema, required)| {
        let description = schema.as_object_mut().and_then(|members| members.remove("description"));
        let mut parameter = json!({ "name": name, "in": "query", "required": required, "schema": schema });
        if let Some(description) = description {
            parameter["description"] = description;
        }
        parameter
    });
    parameters.collect()
}

/// `*`, or entity tags (RFC 9110, 8.8.3).
const TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#;

/// Of a route that may answer 304.
pub(super) fn if_none_match() -> Value {
    header("If-None-Match", "Entity tags that the caller has: 304 if it is one of them.", &json!({ "type": "string" }))
}

fn header(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema })
}

/// Whether a repeated request is known by its key.
pub(super) fn takes_key(route: &Route) -> bool {
    route.described.body.as_ref().is_some_and(|schema| schema.pointer("/properties/idempotency_key").is_some())
}

/// Which of the headers that reach a module this route reads follows from what it answers and takes: a manifest does not name them.
fn in_headers(route: &Route) -> impl Iterator<Item = Value> {
    let answers = |status: u16| route.described.answers.iter().any(|answer| answer.status == status);
    let if_match = || {
        let told = "Entity tags, one of which it must still be: 412 if it is none.";
        header("If-Match", told, &json!({ "type": "string", "minLength": 1, "pattern": TAGS }))
    };
    let key = || {
        // A structured string, in which quotes and backslashes stand behind a backslash (RFC 9651, 3.3.3), or bare.
        let pattern = r#"^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-~]{1,255})$"#;
        let schema = json!({ "type": "string", "pattern": pattern });
        header(
            "Idempotency-Key",
            "Names the request, so that it can be repeated safely; the same as in the body.",
            &schema,
        )
    };
    let all = [answers(304).then(if_none_match), answers(412).then(if_match), takes_key(route).then(key)];
    all.into_iter().flatten()
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
