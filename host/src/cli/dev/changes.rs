//! In what the routes of two builds differ, and what to ask first.

use std::net::SocketAddr;

use crate::domain::Role;
use crate::wasm::{Access, Manifest, Method, Route};

/// What another build of a module has changed of its routes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// `POST /bookings`
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
    /// Same method and path, another role or limit.
    pub(super) changed: Vec<String>,
}

impl Changes {
    pub(super) fn between(before: &Manifest, now: &Manifest) -> Self {
        let same = |one: &Route, other: &Route| one.method == other.method && one.path == other.path;
        let find = |manifest: &'_ Manifest, route: &Route| manifest.routes.iter().any(|other| same(route, other));
        let added = now.routes.iter().filter(|route| !find(before, route)).map(name).collect();
        let removed = before.routes.iter().filter(|route| !find(now, route)).map(name).collect();
        let pairs =
            now.routes.iter().filter_map(|route| Some((before.routes.iter().find(|other| same(route, other))?, route)));
        let changed = pairs.filter_map(|(before, route)| change(before, route)).collect();
        Self { added, removed, changed }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn name(route: &Route) -> String {
    format!("{} {}", route.method.name(), route.path)
}

fn change(before: &Route, now: &Route) -> Option<String> {
    let mut what = Vec::new();
    if before.access != now.access {
        what.push(format!("access {}, was {}", now.access.name(), before.access.name()));
    }
    if before.max_body != now.max_body {
        let bytes =
            |limit: Option<usize>| limit.map_or_else(|| "the host's".to_owned(), |limit| format!("{limit} bytes"));
        what.push(format!("body {}, was {}", bytes(now.max_body), bytes(before.max_body)));
    }
    if before.described != now.described {
        what.push("its description".to_owned());
    }
    (!what.is_empty()).then(|| format!("{}: {}", name(now), what.join(", ")))
}

/// A request that this module answers: the making of an event if it has that, a page of something, or else its description.
pub(super) fn first_request(address: SocketAddr, manifest: &Manifest) -> String {
    let url = format!("http://{address}");
    let makes_events =
        |route: &&Route| route.method == Method::Post && route.path == "/events" && takes_an_event(route);
    if let Some(route) = manifest.routes.iter().find(makes_events) {
        let body = r#"{"name":"Concert","capacity":5}"#;
        return format!("curl{} -H 'Content-Type: application/json' -d '{body}' {url}/events", role(route.access));
    }
    let plain = |route: &&Route| route.method == Method::Get && !route.path.contains('{') && !needs_query(route);
    match manifest.routes.iter().find(plain) {
        Some(route) => format!("curl{} {url}{}", role(route.access), route.path),
        None => format!("curl {url}/openapi.json"),
    }
}

fn role(access: Access) -> String {
    match access {
        Access::Public => String::new(),
        Access::Role(role) => format!(" -H 'X-Role: {}'", Role::name(role)),
    }
}

/// Whether nothing but a name and a number of seats is asked for, as far as it says.
fn takes_an_event(route: &Route) -> bool {
    required(route.described.body.as_ref()).iter().all(|name| ["name", "capacity"].contains(name))
}

fn needs_query(route: &Route) -> bool {
    !required(route.described.query.as_ref()).is_empty()
}

fn required(schema: Option<&serde_json::Value>) -> Vec<&str> {
    let names = schema.and_then(|schema| schema.get("required")).and_then(serde_json::Value::as_array);
    names.into_iter().flatten().filter_map(serde_json::Value::as_str).collect()
}
