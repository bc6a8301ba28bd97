//! The API's description: `OpenAPI` 3.1, from what a module says of itself and what the host answers by itself. Pure.
//!
//! | file | what |
//! |---|---|
//! | `operation` | one route of the module |
//! | `responses` | what it answers: the module's and the host's, together |
//! | `schemas` | what a schema is called, and where it stands |
//! | `audit` | the audit trail |
//! | `host` | what is the host's own: its answers, its routes, how callers are known |

mod audit;
mod host;
mod operation;
mod responses;
mod schemas;

use serde_json::{Map, Value, json};

use crate::auth::AuthMode;
use crate::wasm::{Digest, Manifest};
use schemas::Schemas;

/// The version of the specification that the description is written in.
const OPENAPI: &str = "3.1.1";

/// Describes the API as this module and this host serve it.
pub(crate) fn document(module: &Manifest, digest: Digest, auth: AuthMode) -> Value {
    let mut schemas = Schemas::default();
    let mut paths = Map::new();
    for route in &module.routes {
        let operation = operation::of(route, auth, &mut schemas);
        add(&mut paths, &route.path, &route.method.name().to_ascii_lowercase(), operation);
    }
    for (path, operation) in host::operations(auth, &mut schemas) {
        add(&mut paths, path, "get", operation);
    }
    json!({
        "openapi": OPENAPI,
        "info": {
            "title": "boxoffice",
            "version": module.version,
            "summary": module.summary,
            "description": host::DESCRIPTION,
            "x-boxoffice-rules": {
                "name": module.name,
                "version": module.version,
                "digest": digest.to_string(),
            },
        },
        "servers": [{ "url": "/" }],
        "tags": tags(module),
        "paths": paths,
        "components": {
            "schemas": schemas.into_components(),
            "responses": responses::of_host(auth),
            "headers": host::headers(),
            "securitySchemes": host::security_schemes(auth),
        },
    })
}

/// What the routes are about, in the module's order, and the host's own last.
fn tags(module: &Manifest) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for name in module.routes.iter().map(|route| operation::tag(&route.path)).chain([host::TAG]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

fn add(paths: &mut Map<String, Value>, path: &str, method: &str, operation: Value) {
    let operations = paths.entry(path).or_insert_with(|| json!({}));
    if let Some(operations) = operations.as_object_mut() {
        operations.insert(method.to_owned(), operation);
    }
}
