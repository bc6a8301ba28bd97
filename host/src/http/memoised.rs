//! Which requests may be answered by what is kept ([`crate::memo`]), and by which runs it comes to be kept.

use hyper::Method;
use hyper::body::{Body as _, Incoming};
use hyper::header::ACCEPT;
use hyper::http::request::Parts;

use super::request::FOR_GUEST;
use super::{Trace, Turn};
use crate::domain::Principal;
use crate::memo::{Found, Key};
use crate::registry::Chosen;
use crate::wasm::Route;

/// A request that is routed, and whose caller may call the route.
pub(super) struct Asked<'a> {
    pub(super) chosen: &'a Chosen,
    pub(super) route: &'a Route,
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Incoming,
    pub(super) principal: &'a Principal,
}

impl Turn<'_> {
    /// Looks whether the answer is there. `None`: the rules have to run, and what they answer is not kept.
    pub(super) fn memoised(&self, asked: &Asked<'_>, trace: &Trace) -> Option<Found> {
        let memo = self.app.memo.as_ref()?;
        let Asked { chosen, route, parts, body, principal } = asked;
        // Whoever looks at runs wants to see one.
        if !route.cacheable || trace.recorded || chosen.is_on_trial() {
            return None;
        }
        // The rules see neither: `HEAD` is the same to them as `GET`, and the connection leaves the body out.
        let reads = matches!(parts.method, Method::GET | Method::HEAD) && body.is_end_stream();
        // Of what they see, only `Accept` is in the key: conditions and keys are about more than reading.
        let plain = FOR_GUEST.iter().all(|name| *name == ACCEPT.as_str() || !parts.headers.contains_key(*name));
        if !reads || !plain {
            return None;
        }
        // As it came: one that the rules are not shown, because it is not text or too long a list, has never had an answer that is kept.
        let accept = parts.headers.get_all(ACCEPT).iter().map(hyper::header::HeaderValue::as_bytes);
        let (path, query) = (parts.uri.path(), parts.uri.query());
        memo.look(Key::of(chosen.module.digest, principal.roles, path, query, accept), self.app.clock.now())
    }
}
