//! The API's description: `OpenAPI` 3.1, from what a module says of itself and what the host answers by itself. Pure.
//!
//! | file | what |
//! |---|---|
//! | `operation` | one route of the module |
//! | `responses` | what it answers: the module's and the host's, together |
//! | `schemas` | what a schema is called, and where it stands |
//! | `own`, `audit` | the host's own routes |
//! | `host` | what the host answers by itself, and how callers are known |

mod audit;
mod host;
mod operation;
mod own;
mod responses;
mod schemas;

use bytes::Bytes;
use hyper::header::HeaderValue;
use serde_json::{Map, Value, json};

use crate::auth::AuthMode;
use crate::wasm::{Digest, Manifest};
use schemas::Schemas;

/// The version of the specification that the description is written in.
const OPENAPI: &str = "3.1.1";
/// Most bytes of a description. The standard rules' has some 50 KiB; a manifest of the largest size, with schemas that refer to themselves
/// wherever they can, would have more than ten times as much.
const MAX_DESCRIPTION: usize = 4 * 1024 * 1024;

/// How callers are known, as far as a description tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Callers {
    /// By the role that they claim.
    Role,
    /// By a token or a key.
    Credential,
}

/// The descriptions of one module, written when it is loaded: whoever asks waits for nothing.
#[derive(Debug)]
pub struct Descriptions {
    by_role: Written,
    by_credential: Written,
}

/// A description, as it is sent.
#[derive(Debug)]
pub(crate) struct Written {
    /// Another for every other text.
    pub(crate) etag: HeaderValue,
    /// JSON.
    pub(crate) body: Bytes,
}

impl Descriptions {
    /// Describes the API as this module and this host serve it.
    ///
    /// # Errors
    /// It would have more than [`MAX_DESCRIPTION`] bytes: so many.
    pub(crate) fn of(module: &Manifest, digest: Digest) -> Result<Self, usize> {
        let written = |callers| write(&document(module, digest, callers));
        Ok(Self { by_role: written(Callers::Role)?, by_credential: written(Callers::Credential)? })
    }

    /// The one for a host that knows its callers like this.
    pub(crate) fn with(&self, auth: AuthMode) -> &Written {
        if auth == AuthMode::Header { &self.by_role } else { &self.by_credential }
    }
}

fn write(document: &Value) -> Result<Written, usize> {
    let body = serde_json::to_vec(document).unwrap_or_default();
    if body.len() > MAX_DESCRIPTION {
        return Err(body.len());
    }
    let digest = Digest::of(&body).to_string();
    let etag = HeaderValue::try_from(format!("\"{}\"", &digest[..16]));
    Ok(Written { etag: etag.unwrap_or_else(|_| HeaderValue::from_static("\"\"")), body: body.into() })
}

fn document(module: &Manifest, digest: Digest, callers: Callers) -> Value {
    let mut schemas = Schemas::default();
    // First, so that no module's schema has its name.
    schemas.place("HostProblem", &host::problem_schema());
    let mut paths = Map::new();
    for route in &module.routes {
        let operation = operation::of(module, route, callers, &mut schemas);
        add(&mut paths, &route.path, &route.method.name().to_ascii_lowercase(), operation);
    }
    for (path, operation) in own::operations(callers, &mut schemas) {
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
            "responses": responses::of_host(callers),
            "headers": host::headers(),
            "securitySchemes": host::security_schemes(callers),
        },
    })
}

/// What the routes are about, in the module's order, and the host's own last.
fn tags(module: &Manifest) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for name in module.routes.iter().map(|route| operation::tag(&route.path)).chain([own::TAG]) {
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
