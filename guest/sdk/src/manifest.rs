//! What a module says of itself, written from its routes. The types mirror `wit/manifest.wit`.

use crate::code::Code;
use crate::refusal::RefusalShape;
use crate::route::Route;
use crate::rules::{MoreRefusals, Rules};

/// Who a module is. [`about!`](crate::about) makes it of the author's Cargo.toml.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// 1 to 64 of `a-z 0-9 -`.
    pub name: &'static str,
    /// A semantic version.
    pub version: &'static str,
    /// One line for the operator, of at most 256 bytes.
    pub summary: &'static str,
}

/// The methods a route can have. HEAD and OPTIONS are the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are HTTP's")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Who may call a route. An admin may call every route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Users.
    User,
    /// Organizers.
    Organizer,
    /// Admins alone.
    Admin,
}

/// What a module says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Who it is.
    pub about: About,
    /// 1 to 256 routes, no two of which take the same request.
    pub routes: Vec<RouteManifest>,
}

/// What a module says of one route.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteManifest {
    /// Names the route in logs and metrics.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// For example `/events/{id}/register`.
    pub path: String,
    /// One line for the API's description.
    pub summary: String,
    /// Who may call it.
    pub access: Access,
    /// A smaller limit for the body than the host's, in bytes. 0: the route takes no body.
    pub max_body_bytes: Option<u32>,
    /// Whether the host may keep its 200.
    pub cacheable: bool,
    /// JSON Schema of the query's parameters.
    pub query_schema: Option<String>,
    /// JSON Schema of the body.
    pub body_schema: Option<String>,
    /// What it answers.
    pub answers: Vec<AnswerManifest>,
}

/// One answer that a route gives.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerManifest {
    /// 200 to 599.
    pub status: u16,
    /// A line.
    pub description: String,
    /// The media type of its body; none: it has no body.
    pub content_type: Option<String>,
    /// JSON Schema of its body, where that is JSON.
    pub schema: Option<String>,
}

/// The manifest of these rules.
#[must_use]
pub fn describe<R: Rules>() -> Manifest {
    let shape = R::refusal_shape();
    Manifest {
        about: R::about(),
        routes: R::routes().all.iter().map(|route| describe_route(route, R::REFUSES, shape)).collect(),
    }
}

fn describe_route<R>(route: &Route<R>, more: MoreRefusals, shape: RefusalShape) -> RouteManifest {
    let input = (route.input)(route.method);
    let mut answers = (route.answers)(route.description);
    let more = more.iter().filter(|(id, _)| *id == route.id).flat_map(|(_, codes)| *codes);
    add_refusals(&mut answers, route.refusals.iter().chain(more), shape);
    answers.extend((route.other_answers)(route.description));
    RouteManifest {
        id: route.id.to_owned(),
        method: route.method,
        path: route.path.to_owned(),
        summary: route.summary.to_owned(),
        access: route.access,
        max_body_bytes: route.max_body_bytes.or(input.max_body_bytes),
        cacheable: route.cacheable,
        query_schema: input.query_schema,
        body_schema: input.body_schema,
        answers,
    }
}

/// Adds the refusals, which any host function can extend by `refused`: one answer for each status, as `OpenAPI` has it.
fn add_refusals<'a>(answers: &mut Vec<AnswerManifest>, refusals: impl Iterator<Item = &'a Code>, shape: RefusalShape) {
    for code in refusals.chain(&[Code::REFUSED]) {
        let (status, text) = (code.status(), format!("{} (`{}`)", code.title(), code.name()));
        match answers.iter_mut().find(|answer| answer.status == status) {
            Some(answer) => answer.description = format!("{}; {text}", answer.description),
            None => answers.push(AnswerManifest {
                status,
                description: text,
                content_type: Some(shape.content_type.to_owned()),
                schema: Some((shape.schema)()),
            }),
        }
    }
}
