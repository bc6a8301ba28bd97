//! What a module says of itself, checked.

use std::collections::HashSet;
use std::fmt;

use hyper::StatusCode;

use super::bindings::exports::boxoffice::rules::manifest as wit;
use super::failure::{LoadError, LoadRefusal};
use crate::domain::{Principal, Role};

/// Most routes of a module.
const MAX_ROUTES: usize = 256;
/// Most characters of a name or a route's id.
const MAX_NAME: usize = 64;
/// Most bytes of a path template.
const MAX_PATH: usize = 256;
/// Most parameters of a path template.
const MAX_PARAMETERS: usize = 8;

/// The methods a route can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`, and with it `HEAD`.
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// All of them, in the order of an `Allow` header.
    pub const ALL: [Self; 5] = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// As HTTP has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The method that serves an HTTP method, if any: `HEAD` is served by `GET`.
    #[must_use]
    pub fn serving(method: &hyper::Method) -> Option<Self> {
        let name = if method == hyper::Method::HEAD { "GET" } else { method.as_str() };
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everybody.
    Public,
    /// Whoever has the role, and admins.
    Role(Role),
}

impl Access {
    /// Whether this caller may.
    ///
    /// # Errors
    /// The name of the role that is missing.
    pub fn check(self, principal: &Principal) -> Result<(), &'static str> {
        match self {
            Self::Role(role) if !principal.roles.has(role) && !principal.roles.has(Role::Admin) => Err(role.name()),
            Self::Public | Self::Role(_) => Ok(()),
        }
    }
}

/// One route of a module.
#[derive(Debug, Clone)]
pub struct Route {
    /// Names it in requests to the guest, logs and metrics.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Its template, for example `/events/{id}`.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    /// A smaller limit for its body than the host's, in bytes.
    pub max_body: Option<usize>,
}

/// What a module says of itself, within the contract's limits.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// For the operator.
    pub name: String,
    /// For the operator.
    pub version: String,
    /// In the module's order.
    pub routes: Vec<Route>,
}

impl Manifest {
    /// Checks what a module said.
    pub(super) fn check(said: wit::ModuleManifest) -> Result<Self, LoadError> {
        if !is_name(&said.name, "") {
            return Err(refuse(format!("its name {:?} must be 1 to {MAX_NAME} of a-z, 0-9 and -", said.name)));
        }
        if said.version.len() > MAX_NAME || semver::Version::parse(&said.version).is_err() {
            return Err(refuse(format!("its version {:?} must be a semantic version such as 1.2.3", said.version)));
        }
        if !(1..=MAX_ROUTES).contains(&said.routes.len()) {
            return Err(refuse(format!("it has {} routes, and must have 1 to {MAX_ROUTES}", said.routes.len())));
        }
        let mut ids = HashSet::new();
        let routes = said.routes.into_iter().map(route).collect::<Result<Vec<_>, _>>()?;
        if let Some(twice) = routes.iter().find(|route| !ids.insert(&route.id)) {
            return Err(refuse(format!("two routes have the id {:?}", twice.id)));
        }
        Ok(Self { name: said.name, version: said.version, routes })
    }
}

pub(super) fn refuse(what: impl fmt::Display) -> LoadError {
    LoadError::new(LoadRefusal::BadManifest, format!("the module's manifest is not valid: {what}"))
}

fn is_name(text: &str, also: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || also.contains(c);
    (1..=MAX_NAME).contains(&text.len()) && text.chars().all(good)
}

fn route(said: wit::Route) -> Result<Route, LoadError> {
    if !is_name(&said.id, "_.") {
        return Err(refuse(format!("the route id {:?} must be 1 to {MAX_NAME} of a-z, 0-9, -, _ and .", said.id)));
    }
    check_path(&said.path)?;
    for answer in &said.answers {
        let status = StatusCode::from_u16(answer.status).ok().filter(|status| (200..600).contains(&status.as_u16()));
        if status.is_none() {
            return Err(refuse(format!("route {} answers {}, which is not 200 to 599", said.id, answer.status)));
        }
    }
    let schemas = said.answers.iter().filter_map(|answer| answer.schema.as_ref());
    for schema in schemas.chain(&said.query_schema).chain(&said.body_schema) {
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(schema) {
            return Err(refuse(format!("a schema of route {} is not JSON: {error}", said.id)));
        }
    }
    Ok(Route {
        method: match said.method {
            wit::Method::Get => Method::Get,
            wit::Method::Post => Method::Post,
            wit::Method::Put => Method::Put,
            wit::Method::Patch => Method::Patch,
            wit::Method::Delete => Method::Delete,
        },
        access: match said.access {
            wit::Access::Public => Access::Public,
            wit::Access::User => Access::Role(Role::User),
            wit::Access::Organizer => Access::Role(Role::Organizer),
            wit::Access::Admin => Access::Role(Role::Admin),
        },
        max_body: said.max_body_bytes.map(|bytes| bytes as usize),
        id: said.id,
        path: said.path,
    })
}

/// A template is `/`, or segments that are each literal or one whole parameter.
fn check_path(path: &str) -> Result<(), LoadError> {
    let literal = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let parameter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good_segment = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => !name.is_empty() && name.chars().all(parameter),
        None => !segment.is_empty() && segment.chars().all(literal),
    };
    let segments = path.strip_prefix('/');
    let good = segments.is_some_and(|segments| segments.is_empty() || segments.split('/').all(good_segment));
    let names: Vec<_> = path.split('/').filter(|segment| segment.starts_with('{')).collect();
    let distinct = names.iter().enumerate().all(|(at, name)| !names[..at].contains(name));
    if good && path.len() <= MAX_PATH && names.len() <= MAX_PARAMETERS && distinct {
        return Ok(());
    }
    Err(refuse(format!(
        "the path {path:?} must be / and segments that are each literal (letters, digits, - . _ ~) or one {{parameter}}, \
         at most {MAX_PARAMETERS} parameters, no two of one name, and {MAX_PATH} bytes in all"
    )))
}
