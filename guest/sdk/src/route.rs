//! Routes: from the id of a request's route to the function that answers it, and from the same list to the manifest.

use crate::code::Code;
use crate::context::Context;
use crate::input::{Input, InputManifest};
use crate::manifest::{Access, AnswerManifest, Method};
use crate::output::Output;
use crate::read::query;
use crate::refusal::Refusal;
use crate::request::Response;
use crate::rules::Rules;

/// A function that answers, without what it reads and gives.
type Handler<R> = Box<dyn Fn(&R, &Context<'_>) -> Result<Response, Refusal>>;

/// One route of a module: what the host matches, who may call it, and the function that answers.
///
/// The function reads an [`Input`] and gives an [`Output`]; its types are what the manifest says of the route.
pub struct Route<R> {
    pub(crate) id: &'static str,
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) access: Access,
    pub(crate) cacheable: bool,
    pub(crate) description: &'static str,
    pub(crate) refusals: &'static [Code],
    pub(crate) max_body_bytes: Option<u32>,
    pub(crate) input: fn(Method) -> InputManifest,
    pub(crate) answers: fn(&str) -> Vec<AnswerManifest>,
    pub(crate) other_answers: fn(&str) -> Vec<AnswerManifest>,
    /// A function has no size, so neither has the closure around it, and its box takes no memory.
    handler: Handler<R>,
}

impl<R: Rules> Route<R> {
    /// A route of any method. Its id names it in logs and metrics: 1 to 64 of `a-z 0-9 - _ .`, unique in the module. Its path is one
    /// like `/events/{id}/register`. Everybody may call it until [`access`](Self::access) says otherwise.
    pub fn new<I, O, F>(method: Method, id: &'static str, path: &'static str, handler: F) -> Self
    where
        I: Input,
        O: Output,
        F: Fn(&R, &Context<'_>, I) -> Result<O, Refusal> + 'static,
    {
        Self {
            id,
            method,
            path,
            summary: "",
            access: Access::Public,
            cacheable: false,
            description: "Done",
            refusals: &[],
            max_body_bytes: None,
            input: I::manifest,
            answers: O::answers,
            other_answers: O::other_answers,
            handler: Box::new(move |rules, cx| {
                if !I::READS_QUERY {
                    query::none(cx)?;
                }
                handler(rules, cx, I::read(cx)?)?.into_response(cx)
            }),
        }
    }

    /// A GET. It also answers HEAD.
    pub fn get<I: Input, O: Output, F>(id: &'static str, path: &'static str, handler: F) -> Self
    where
        F: Fn(&R, &Context<'_>, I) -> Result<O, Refusal> + 'static,
    {
        Self::new(Method::Get, id, path, handler)
    }

    /// A POST.
    pub fn post<I: Input, O: Output, F>(id: &'static str, path: &'static str, handler: F) -> Self
    where
        F: Fn(&R, &Context<'_>, I) -> Result<O, Refusal> + 'static,
    {
        Self::new(Method::Post, id, path, handler)
    }

    /// A PUT.
    pub fn put<I: Input, O: Output, F>(id: &'static str, path: &'static str, handler: F) -> Self
    where
        F: Fn(&R, &Context<'_>, I) -> Result<O, Refusal> + 'static,
    {
        Self::new(Method::Put, id, path, handler)
    }

    /// A PATCH: its body is a JSON merge patch.
    pub fn patch<I: Input, O: Output, F>(id: &'static str, path: &'static str, handler: F) -> Self
    where
        F: Fn(&R, &Context<'_>, I) -> Result<O, Refusal> + 'static,
    {
        Self::new(Method::Patch, id, path, handler)
    }

    /// A DELETE.
    pub fn delete<I: Input, O: Output, F>(id: &'static str, path: &'static str, handler: F) -> Self
    where
        F: Fn(&R, &Context<'_>, I) -> Result<O, Refusal> + 'static,
    {
        Self::new(Method::Delete, id, path, handler)
    }

    /// One line for the API's description, of at most 256 bytes.
    #[must_use]
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Who may call it. The host functions check again, so a route can be stricter than what it calls, and never looser.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// What it answers when all is well, in a line.
    #[must_use]
    pub fn answers(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// The refusals that it gives. `refused`, which any host function can give, is added.
    #[must_use]
    pub fn refuses(mut self, refusals: &'static [Code]) -> Self {
        self.refusals = refusals;
        self
    }

    /// A smaller limit for its body, in bytes, than the host's.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: u32) -> Self {
        self.max_body_bytes = Some(bytes);
        self
    }

    /// Its 200 depends on nothing but path, query and what the host functions gave (not on the time, nor on the caller), so the host may
    /// keep it until one of them would give something else. It keeps only what was made of events, without tickets, clocks or randomness.
    #[must_use]
    pub fn cacheable(mut self) -> Self {
        self.cacheable = true;
        self
    }
}

/// The routes of a module.
pub struct Routes<R> {
    pub(crate) all: Vec<Route<R>>,
    /// Ids that [`without`](Self::without) found no route of: the tests' host tells them.
    pub(crate) unknown: Vec<String>,
}

impl<R: Rules> Routes<R> {
    /// None yet.
    #[must_use]
    pub fn none() -> Self {
        Self { all: Vec::new(), unknown: Vec::new() }
    }

    /// Those of the REST contract, each of which calls a method of [`Rules`].
    #[must_use]
    pub fn standard() -> Self {
        crate::standard::routes::all()
    }

    /// The same with this route, in the place of the one with its id if there is one.
    #[must_use]
    pub fn with(mut self, route: Route<R>) -> Self {
        match self.all.iter_mut().find(|other| other.id == route.id) {
            Some(other) => *other = route,
            None => self.all.push(route),
        }
        self
    }

    /// The same without the route of this id. If there is none, [`testing::App::new`](crate::testing::App::new) says so.
    #[must_use]
    pub fn without(mut self, id: &str) -> Self {
        let before = self.all.len();
        self.all.retain(|route| route.id != id);
        if self.all.len() == before {
            self.unknown.push(id.to_owned());
        }
        self
    }

    /// Answers a request to one of them.
    pub(crate) fn answer(&self, rules: &R, cx: &Context<'_>) -> Result<Response, Refusal> {
        let id = cx.request().route_id.as_str();
        match self.all.iter().find(|route| route.id == id) {
            Some(route) => (route.handler)(rules, cx),
            None => Err(Refusal::failed(format_args!("The host asked for the route {id:?}, which there is not"))),
        }
    }
}
