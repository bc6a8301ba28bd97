//! What a module says of itself, checked.

mod schema;

use std::collections::HashSet;
use std::fmt;

use hyper::StatusCode;
use serde_json::Value;

use super::backtrace::readable;
use super::bindings::exports::boxoffice::rules::manifest as wit;
use super::failure::{LoadError, LoadRefusal};
use crate::domain::{Principal, Role};
use schema::Schemas;

/// Most routes of a module.
const MAX_ROUTES: usize = 256;
/// Most characters of a name or a route's id.
const MAX_NAME: usize = 64;
/// Most bytes of a summary: a line.
const MAX_SUMMARY: usize = 256;
/// Most bytes of what is said of one answer.
const MAX_DESCRIPTION: usize = 2048;
/// Most answers of a route: one for each status and media type, with room.
const MAX_ANSWERS: usize = 64;
/// Most bytes of a path template.
const MAX_PATH: usize = 256;
/// Paths that the host keeps for itself, and those below them: a module that had one would never be asked.
const OF_THE_HOST: [&str; 3] = ["/openapi.json", "/docs", "/audit"];
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
    /// The name, as the contract has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Role(role) => role.name(),
        }
    }

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
    /// Whether it says that its 200 depends on nothing but path, query and what the host functions gave. The host believes it only as far
    /// as that harms nobody but the module.
    pub cacheable: bool,
    /// What it says of itself, for the API's description.
    pub described: Described,
}

/// What a route says of itself. The host enforces none of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// One line.
    pub summary: String,
    /// JSON Schema of the query parameters, as an object of strings.
    pub query: Option<Value>,
    /// JSON Schema of the body.
    pub body: Option<Value>,
    /// What it answers.
    pub answers: Vec<DescribedAnswer>,
}

/// One answer of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribedAnswer {
    /// Its status.
    pub status: StatusCode,
    /// One line.
    pub description: String,
    /// The media type of its body; none: it has no body.
    pub content_type: Option<String>,
    /// JSON Schema of its body.
    pub schema: Option<Value>,
}

/// What a module says of itself, within the contract's limits.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// For the operator.
    pub name: String,
    /// For the operator.
    pub version: String,
    /// One line for the operator.
    pub summary: String,
    /// In the module's order.
    pub routes: Vec<Route>,
}

impl Manifest {
    /// Checks what a module said.
    pub(super) fn check(said: wit::ModuleManifest) -> Result<Self, LoadError> {
        if !is_name(&said.name, "") {
            return Err(refuse(format!(
                "its name \"{}\" must be 1 to {MAX_NAME} of a-z, 0-9 and -",
                readable(&said.name)
            )));
        }
        if said.version.len() > MAX_NAME || semver::Version::parse(&said.version).is_err() {
            return Err(refuse(format!(
                "its version \"{}\" must be a semantic version such as 1.2.3",
                readable(&said.version)
            )));
        }
        if !(1..=MAX_ROUTES).contains(&said.routes.len()) {
            return Err(refuse(format!("it has {} routes, and must have 1 to {MAX_ROUTES}", said.routes.len())));
        }
        check_line("its summary", &said.summary, MAX_SUMMARY)?;
        let (mut ids, mut schemas) = (HashSet::new(), Schemas::default());
        let routes = said.routes.into_iter().map(|said| route(said, &mut schemas)).collect::<Result<Vec<_>, _>>()?;
        if let Some(twice) = routes.iter().find(|route| !ids.insert(&route.id)) {
            return Err(refuse(format!("two routes have the id {:?}", twice.id)));
        }
        Ok(Self { name: said.name, version: said.version, summary: said.summary, routes })
    }
}

pub(super) fn refuse(what: impl fmt::Display) -> LoadError {
    LoadError::new(LoadRefusal::BadManifest, format!("the module's manifest is not valid: {what}"))
}

fn is_name(text: &str, also: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || also.contains(c);
    (1..=MAX_NAME).contains(&text.len()) && text.chars().all(good)
}

/// Text for people: bounded, and without what would break lines or move a terminal's cursor.
fn check_line(what: &str, text: &str, most: usize) -> Result<(), LoadError> {
    if text.len() > most {
        return Err(refuse(format!("{what} has {} bytes, more than {most}", text.len())));
    }
    if text.chars().any(|c| c.is_control() || turns_text(c)) {
        return Err(refuse(format!("{what} has a line break or another control character")));
    }
    Ok(())
}

/// Characters that break lines, change the direction of text or cannot be seen: with them a line shows something else than it says.
pub(crate) fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn route(said: wit::Route, schemas: &mut Schemas) -> Result<Route, LoadError> {
    if !is_name(&said.id, "_.") {
        return Err(refuse(format!(
            "the route id \"{}\" must be 1 to {MAX_NAME} of a-z, 0-9, -, _ and .",
            readable(&said.id)
        )));
    }
    let id = &said.id;
    if id.starts_with("host.") {
        return Err(refuse(format!("the route id \"{}\" is the host's own (host. and more)", readable(id))));
    }
    check_path(&said.path)?;
    check_line(&format!("the summary of route {id}"), &said.summary, MAX_SUMMARY)?;
    if said.answers.len() > MAX_ANSWERS {
        return Err(refuse(format!("route {id} has {} answers, more than {MAX_ANSWERS}", said.answers.len())));
    }
    let answers = said.answers.into_iter().map(|said| answer(id, said, schemas)).collect::<Result<_, _>>()?;
    let query = said.query_schema.map(|text| schemas.check_query(id, &text)).transpose()?;
    let body = said.body_schema.map(|text| schemas.check(id, &text)).transpose()?;
    let described = Described { summary: said.summary, query, body, answers };
    Ok(Route {
        described,
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
        cacheable: said.cacheable,
        id: said.id,
        path: said.path,
    })
}

fn answer(route: &str, said: wit::Answer, schemas: &mut Schemas) -> Result<DescribedAnswer, LoadError> {
    let status = StatusCode::from_u16(said.status).ok().filter(|status| (200..600).contains(&status.as_u16()));
    let status =
        status.ok_or_else(|| refuse(format!("route {route} answers {}, which is not 200 to 599", said.status)))?;
    check_line(&format!("the description of an answer of route {route}"), &said.description, MAX_DESCRIPTION)?;
    if let Some(content_type) = &said.content_type {
        check_line(&format!("the content type of an answer of route {route}"), content_type, MAX_SUMMARY)?;
    }
    let schema = said.schema.map(|text| schemas.check(route, &text)).transpose()?;
    Ok(DescribedAnswer { status, description: said.description, content_type: said.content_type, schema })
}

/// A template is `/`, or segments that are each literal or one whole parameter.
fn check_path(path: &str) -> Result<(), LoadError> {
    let literal = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let parameter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good_segment = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => !name.is_empty() && name.chars().all(parameter),
        None => !segment.is_empty() && segment.chars().all(literal),
    };
    let segments = path.strip_prefix('/').filter(|_| path.len() <= MAX_PATH);
    let good = segments.is_some_and(|segments| segments.is_empty() || segments.split('/').all(good_segment));
    // One more than it may have are enough to know; a stranger's path can have any number.
    let names: Vec<_> = path.split('/').filter(|segment| segment.starts_with('{')).take(MAX_PARAMETERS + 1).collect();
    let distinct = names.iter().enumerate().all(|(at, name)| !names[..at].contains(name));
    let below = |own: &str| path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if let Some(own) = OF_THE_HOST.into_iter().find(|own| below(own)) {
        return Err(refuse(format!("the path \"{}\" is the host's own ({own} and below)", readable(path))));
    }
    if good && names.len() <= MAX_PARAMETERS && distinct {
        return Ok(());
    }
    let path = readable(path);
    Err(refuse(format!(
        "the path \"{path}\" must be / and segments that are each literal (letters, digits, - . _ ~) or one {{parameter}}, \
         at most {MAX_PARAMETERS} parameters, no two of one name, and {MAX_PATH} bytes in all"
    )))
}
