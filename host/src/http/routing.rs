//! What a module's routes, and the host before them, make of a request: the same for the module that is served and for one beside it.

use hyper::Method;

use super::{request, response};
use crate::error::Error;
use crate::wasm::{Answer, Found, Module, Route};

/// What there is for a request.
pub(crate) enum Destination<'a> {
    /// A route, and its parameters, still percent-encoded.
    Route(&'a Route, Vec<(&'a str, &'a str)>),
    /// The host answers by itself.
    Host(Answer),
}

/// Finds what there is for `method` at `path`, the raw path of the request.
pub(crate) fn find<'a>(module: &'a Module, method: &Method, path: &'a str) -> Result<Destination<'a>, Error> {
    match module.router.find(&module.manifest, method, path) {
        Found::Route(route, params) => Ok(Destination::Route(route, params)),
        Found::OtherMethods(allow) if method == Method::OPTIONS => Ok(Destination::Host(response::options(&allow))),
        Found::OtherMethods(allow) => Err(Error::MethodNotAllowed { allow }),
        Found::Nothing if request::is_for_the_server(method, path) => {
            Ok(Destination::Host(response::options(&module.router.allow_anywhere())))
        }
        Found::Nothing => Err(Error::RouteNotFound),
    }
}

/// Most bytes of a body: the route's, but never more than the host's.
pub(crate) fn body_limit(route: &Route, host: usize) -> usize {
    route.max_body.map_or(host, |own| own.min(host))
}
