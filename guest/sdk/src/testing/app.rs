//! Rules, and a host in memory for them.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::answer;
use super::client::{Answer, Client, FOR_GUEST, Sent};
use super::manifest;
use super::mock::{Mock, RunEnded, lock};
use super::routing::{self, Found};
use super::script::Script;
use super::state::{Caller, Identity, State};
use crate::context::Context;
use crate::host::Level;
use crate::manifest::{Manifest, Method, RouteManifest, describe};
use crate::moment::Moment;
use crate::request::{Request, Response, Roles};
use crate::rules::Rules;

/// Bytes of a body, unless the route says less.
const MAX_BODY: usize = 64 * 1024;
/// Most values of one header.
const MAX_REPEATS: usize = 8;

/// A line that rules have written to the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// At most 1 KiB of it.
    pub message: String,
    /// Names and values.
    pub fields: Vec<(String, String)>,
}

/// These rules, on a host in memory. Its clock stands at 2026-11-21T09:30:00Z until the test moves it.
pub struct App<R> {
    pub(super) state: Arc<Mutex<State>>,
    manifest: Manifest,
    rules: PhantomData<fn() -> R>,
}

impl<R> Drop for App<R> {
    fn drop(&mut self) {
        let waiting = std::mem::take(&mut lock(&self.state).script);
        // A test that is failing already has something else to say.
        assert!(
            waiting.is_empty() || std::thread::panicking(),
            "nobody made the call that these were for: {waiting:?}"
        );
    }
}

impl<R: Rules> Default for App<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Rules> App<R> {
    /// A host without events, for these rules.
    ///
    /// # Panics
    /// If no host would take the rules' manifest, or if [`Rules::REFUSES`] or [`Routes::without`](crate::Routes::without) name a route
    /// that there is not; says which and why.
    #[must_use]
    pub fn new() -> Self {
        let manifest = describe::<R>();
        let faults = manifest::faults(&manifest);
        assert!(faults.is_empty(), "no host takes this manifest: {}", faults.join("; "));
        let unknown = R::routes().unknown;
        assert!(unknown.is_empty(), "Routes::without has no route to leave out with the id {}", unknown.join(", "));
        for (id, _) in R::REFUSES {
            assert!(
                manifest.routes.iter().any(|route| route.id == *id),
                "REFUSES names the route {id}, which there is not"
            );
        }
        Self { state: Arc::new(Mutex::new(State::new())), manifest, rules: PhantomData }
    }

    /// What the rules say of themselves.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        lock(&self.state).now
    }

    /// Moves the clock on.
    pub fn advance(&self, time: Duration) {
        let mut state = lock(&self.state);
        state.now = state.now.after(time);
    }

    /// Sets the clock. The host's never goes back, and this one neither: a moment that has passed changes nothing.
    pub fn set_now(&self, now: Moment) {
        let mut state = lock(&self.state);
        state.now = state.now.max(now);
    }

    /// Holds last this long from now on, unless the rules ask for less. The host's default is five minutes.
    pub fn set_hold(&self, hold: Duration) {
        lock(&self.state).hold = hold;
    }

    /// A ticket has at most so many seats. The host's default is 10.
    pub fn set_max_quantity(&self, seats: u32) {
        lock(&self.state).max_quantity = seats;
    }

    /// Callers of whom only a role is known may look for the tickets of an email from now on: as on a server with header roles that was
    /// started with `--allow-insecure-header-auth`. On any other they may not, since an email would give away the ids of its tickets.
    pub fn allow_insecure_header_auth(&self) {
        lock(&self.state).may_search = true;
    }

    /// The next call of that refusal's host function gets it, whoever calls; several wait for one call each.
    /// `app.refuse_next(RegisterRefusal::SoldOut)`. When the app goes and one still waits, that is a panic: the rules never made the call
    /// that the test is about.
    pub fn refuse_next(&self, refusal: impl Into<Script>) {
        lock(&self.state).script.push(refusal.into());
    }

    /// What the rules have logged so far, which is forgotten.
    #[must_use]
    pub fn logged(&self) -> Vec<LogLine> {
        std::mem::take(&mut lock(&self.state).log)
    }

    /// A caller of whom nothing but the user's role is known, as on a server for development: any ticket's id is the key to it.
    #[must_use]
    pub fn user(&self) -> Client<'_, R> {
        self.caller(Roles::USER, Identity::Unproved)
    }

    /// A caller of whom nothing but the organizer's role is known.
    #[must_use]
    pub fn organizer(&self) -> Client<'_, R> {
        self.caller(Roles::ORGANIZER, Identity::Unproved)
    }

    /// A caller of whom nothing but the admin's role is known.
    #[must_use]
    pub fn admin(&self) -> Client<'_, R> {
        self.caller(Roles::ADMIN, Identity::Unproved)
    }

    /// A caller without a role.
    #[must_use]
    pub fn nobody(&self) -> Client<'_, R> {
        self.caller(Roles::NOBODY, Identity::Unproved)
    }

    /// A caller without a credential, where callers have one.
    #[must_use]
    pub fn stranger(&self) -> Client<'_, R> {
        self.caller(Roles::NOBODY, Identity::Nobody)
    }

    /// A caller who has proved to be this one: its events and tickets are its own, and those of others are not.
    #[must_use]
    pub fn known(&self, name: &str, roles: Roles) -> Client<'_, R> {
        self.caller(roles, Identity::Known(name.to_owned()))
    }

    fn caller(&self, roles: Roles, identity: Identity) -> Client<'_, R> {
        Client { app: self, caller: Caller { roles, identity } }
    }

    /// Answers one request.
    pub(super) fn answer(&self, caller: &Caller, sent: Sent) -> Answer {
        let id = {
            let mut state = lock(&self.state);
            state.requests += 1;
            format!("test-{}", state.requests)
        };
        let head = sent.method == "HEAD";
        let mut response = self.respond(caller, sent, &id).unwrap_or_else(|response| response);
        if head {
            response.body.clear();
        }
        if !response.headers.iter().any(|(name, _)| name == "cache-control") {
            response = response.with_header("cache-control", "no-store");
        }
        Answer::of(response.with_header("x-request-id", id))
    }

    /// The rules' answer, or else the host's.
    fn respond(&self, caller: &Caller, sent: Sent, id: &str) -> Result<Response, Response> {
        let (path, query) = sent.path.split_once('?').unwrap_or((&sent.path, ""));
        let (route, raw) = match routing::find(&self.manifest, &sent.method, path) {
            Found::Route(route, raw) => (route, raw),
            Found::OtherMethods(allow) if sent.method == "OPTIONS" => {
                return Err(Response { status: 204, headers: vec![("allow".to_owned(), allow)], body: Vec::new() });
            }
            Found::OtherMethods(allow) => {
                let title = "The route does not have this method";
                let problem = answer::problem(405, "method_not_allowed", title, &format!("This path has {allow}."), id);
                return Err(problem.with_header("allow", allow));
            }
            Found::Nothing => {
                let detail = "Nothing is served at this path; check it for a typing error.";
                return Err(answer::problem(404, "route_not_found", "There is no such route", detail, id));
            }
        };
        admit(caller, route, id)?;
        let invalid = |what: String| answer::problem(400, "invalid_request", "The request is not valid", &what, id);
        let params = routing::params(raw).map_err(invalid)?;
        let query = routing::query(query).map_err(invalid)?;
        let times = |name: &str| sent.headers.iter().filter(|(other, _)| other == name).count();
        if let Some(name) = FOR_GUEST.into_iter().find(|name| times(name) > MAX_REPEATS) {
            return Err(invalid(format!("The header {name} comes more than {MAX_REPEATS} times.")));
        }
        check_body(route, &sent, id)?;
        let request = Request {
            route_id: route.id.clone(),
            params,
            query,
            headers: sent.headers,
            body: sent.body,
            roles: caller.roles,
            request_id: id.to_owned(),
            now: self.now(),
        };
        self.run(caller, &request)
    }

    fn run(&self, caller: &Caller, request: &Request) -> Result<Response, Response> {
        let host = Mock::new(self.state.clone(), caller.clone());
        let run = catch_unwind(AssertUnwindSafe(|| R::default().handle(&Context::new(&host, request))));
        let failed = |why: &str| {
            let detail = format!("The rules failed to answer: {why}.");
            answer::problem(500, "rules_failed", "The rules failed", &detail, &request.request_id)
        };
        match run {
            Ok(response) => match answer::fault(&response) {
                None => Ok(response),
                Some(fault) => Err(failed(&fault)),
            },
            Err(payload) => match payload.downcast::<RunEnded>() {
                Ok(ended) => Err(match *ended {
                    RunEnded::Quota(what) => failed(what),
                    store => stored(&store, &request.request_id),
                }),
                // The rules' own panic, which on a host would be a 500: the test is to see it.
                Err(payload) => resume_unwind(payload),
            },
        }
    }
}

/// The host's answer where the store ended the run.
fn stored(ended: &RunEnded, id: &str) -> Response {
    let (code, title, detail, retry_after) = match ended {
        RunEnded::Overloaded => {
            ("overloaded", "The server is overloaded", "The server is busy; try again shortly.", "1")
        }
        RunEnded::ShuttingDown => {
            ("shutting_down", "The server is shutting down", "The server is about to stop; try again shortly.", "5")
        }
        RunEnded::Quota(_) | RunEnded::OutcomeUnknown => (
            "outcome_unknown",
            "Whether it was done is not known",
            "The write may or may not have been done: repeat it with the same idempotency key.",
            "5",
        ),
    };
    answer::problem(503, code, title, detail, id).with_header("retry-after", retry_after)
}

/// Refuses who may not call the route.
fn admit(caller: &Caller, route: &RouteManifest, id: &str) -> Result<(), Response> {
    let Some(needs) = routing::lacks(route.access, caller.roles) else { return Ok(()) };
    if caller.identity == Identity::Nobody {
        let detail = "This route needs a credential: send it as Authorization: Bearer TOKEN.";
        return Err(answer::problem(401, "unauthenticated", "The caller is not known", detail, id));
    }
    let detail = format!("This route needs the role {needs}.");
    Err(answer::problem(403, "forbidden", "The caller may not do this", &detail, id))
}

/// Refuses a body that is too large for the route, or not said to be JSON.
fn check_body(route: &RouteManifest, sent: &Sent, id: &str) -> Result<(), Response> {
    let own = route.max_body_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let limit = own.unwrap_or(MAX_BODY).min(MAX_BODY);
    if sent.body.len() > limit {
        let detail = match limit {
            0 => "This route takes no body.".to_owned(),
            _ => format!("This route takes at most {limit} bytes of body."),
        };
        return Err(answer::problem(413, "body_too_large", "The body is too large", &detail, id));
    }
    let types = sent.headers.iter().filter(|(name, _)| name == "content-type");
    let essence = |value: &str| value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let types: Vec<String> = types.map(|(_, value)| essence(value)).collect();
    let merge_patch = route.method == Method::Patch && types == ["application/merge-patch+json"];
    if sent.body.is_empty() || types == ["application/json"] || merge_patch {
        return Ok(());
    }
    let detail = "Send the body as Content-Type: application/json; a PATCH may be application/merge-patch+json, too.";
    Err(answer::problem(415, "unsupported_media_type", "The body is not JSON", detail, id))
}
