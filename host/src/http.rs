//! HTTP: one request from its head to its answer, as explicit calls in order. Knows no route of the guest.
//!
//! Invariant: nothing here reads a business rule; what a path means is in the module's manifest, and what it does is in the module.

mod access_log;
mod cors;
mod drain;
mod listener;
mod memoised;
mod own;
mod proxy;
pub(crate) mod request;
mod response;
mod routing;
mod tls;
mod witness;

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::http::request::Parts;

use crate::auth::Authenticator;
use crate::clock::Clock;
use crate::config::RateLimitBy;
use crate::domain::{Actor, IdSource, Millis, Origin, Principal, RegistrationLimits};
use crate::error::Error;
use crate::limiter::{ClientKey, Limiters, RateLimit, Standing, Verdict};
use crate::memo::{Found, Memo};
use crate::metrics::Metrics;
use crate::operator::Operator;
use crate::recorder::Recorder;
use crate::registry::{Chosen, Ending, Registry};
use crate::seen::Observer;
use crate::seen::{Came, Ran};
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::wasm::{Answer, Cause, Errand, Grants, GuestRequest, Report, Route, RunError, roles_for_guest};
use access_log::Entry;
use memoised::Asked;
use request::{BodyLimits, Discard};
use witness::Witness;

pub(crate) use cors::Cors;
pub(crate) use drain::Drain;
pub use listener::bind;
pub(crate) use listener::{Acceptor, Phase, accept_loop};
pub use own::own_paths;
pub(crate) use proxy::Proxies;
pub(crate) use request::params;
pub(crate) use response::{HttpResponse, Reply, plain};
pub(crate) use routing::{Destination, body_limit, find as find_destination};
pub(crate) use tls::Tls;

/// Addresses that the limiter remembers at the same time, and as many callers. More, all live: `overloaded`.
const MAX_CLIENTS: usize = 100_000;
/// Requests that it remembers of either kind, some 60 bytes each; a limit of many requests has room for fewer clients.
const MAX_ADMISSIONS: usize = 2_000_000;

/// How many clients of either kind the limiter remembers under this limit.
pub(crate) fn max_clients(limit: RateLimit) -> usize {
    MAX_CLIENTS.min(MAX_ADMISSIONS / limit.requests.max(1) as usize)
}

/// Everything that a request needs. Made once, by [`crate::Server::start`].
pub(crate) struct App {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) limiter: Option<Mutex<Limiters>>,
    pub(crate) rate_limit_by: RateLimitBy,
    /// Who is believed about whom.
    pub(crate) proxies: Proxies,
    /// Whose web pages may call; `None`: nobody's.
    pub(crate) cors: Option<Cors>,
    /// What is served with; `None`: plain HTTP.
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) auth: Authenticator,
    pub(crate) registry: Arc<Registry>,
    /// Who shows this may choose a version.
    pub(crate) operator: Operator,
    pub(crate) store: Arc<dyn Store>,
    /// What is kept of reads; `None`: the rules run for every request.
    pub(crate) memo: Option<Memo>,
    pub(crate) registration: RegistrationLimits,
    pub(crate) ids: Mutex<IdSource>,
    pub(crate) max_body: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) drain: Drain,
    pub(crate) metrics: Arc<Metrics>,
    /// What only the operator's surface asks of it.
    pub(crate) database: Arc<SqliteStore>,
    /// Keeps failing requests, where the operator wants that.
    pub(crate) recorder: Option<Arc<Recorder>>,
    /// Looks at every request, in a throw-away host.
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// Answers one request, whatever happens: a panic is an answer too, and every request is one line in the log.
pub(crate) async fn respond(app: Arc<App>, peer: IpAddr, request: Request<Incoming>) -> HttpResponse {
    let (parts, mut body) = request.into_parts();
    // From here on nobody asks who the neighbour on the wire is.
    let peer = app.proxies.client(peer, &parts.headers);
    let (request_id, seed) = {
        let mut ids = app.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let given = request::sane_id(&parts.headers).map(str::to_owned);
        (given.unwrap_or_else(|| ids.next(app.clock.now())), ids.seed())
    };
    let mut entry = Entry::start(&app.metrics, &parts.method, peer, &request_id);
    let mut standing = None;
    // In flight until the answer is handed over, what is left of a refused body included.
    let in_flight = app.drain.enter();
    let served = if in_flight.is_none() {
        Ok(Err(Error::ShuttingDown))
    } else {
        let turn = Turn { app: &app, peer, request_id: &request_id, seed };
        AssertUnwindSafe(turn.serve(&parts, &mut body, &mut entry, &mut standing)).catch_unwind().await
    };
    let result = served.unwrap_or_else(|panic| Err(Error::Internal(panic_message(panic.as_ref()))));
    witness::tell_unrouted(&app, &parts, &request_id, &entry, &result);
    let reply = match result {
        Ok(answer) => {
            // A module's run begins when the body has been read to its end; before that the host answers, and looks at none.
            let whole = entry.has_run() || request::discard(&parts.headers, &mut body, Discard::OF_ANYBODY).await;
            Reply::from_answer(answer).close_unless(whole)
        }
        Err(error) => {
            entry.failed(&error);
            let whole = match error {
                // No time for it, or it had its time.
                Error::ShuttingDown | Error::RequestTimeout => false,
                _ => request::discard(&parts.headers, &mut body, Discard::OF_ANYBODY).await,
            };
            response::of_method(Reply::from_error(&error, &request_id), &error, &parts.method).close_unless(whole)
        }
    };
    let mut response = reply.finish(&request_id, app.rate_limit.zip(standing));
    if let Some(cors) = &app.cors {
        cors.dress(&parts, &mut response);
    }
    entry.answered(response.status());
    response
}

/// What is kept of a request while it is answered, for those who look at it afterwards.
#[derive(Default)]
struct Trace {
    /// Whether anybody does.
    recorded: bool,
    route: Option<String>,
    ran: Option<Ran>,
    came: Option<Came>,
    took_micros: u64,
}

impl Trace {
    fn route(&mut self, id: &str) {
        if self.recorded {
            self.route = Some(id.to_owned());
        }
    }
}

/// One request's turn.
struct Turn<'a> {
    app: &'a App,
    /// The client's address, behind whatever proxies.
    peer: IpAddr,
    request_id: &'a str,
    seed: u64,
}

impl Turn<'_> {
    async fn serve(
        &self,
        parts: &Parts,
        body: &mut Incoming,
        entry: &mut Entry<'_>,
        standing: &mut Option<Standing>,
    ) -> Result<Answer, Error> {
        let principal = self.caller(parts, standing)?;
        entry.caller(&principal);
        self.app.cors.as_ref().map_or(Ok(()), |cors| cors.check(parts))?;
        // One request sees one version, from its routing to its answer.
        let (chosen, by_tester) = self.choose(parts, &principal)?;
        let module = Arc::clone(&chosen.module);
        if let Some(own) = own::find(parts.uri.path()) {
            entry.route(own.name());
            let testers = by_tester.then_some(&module);
            let mut answer = own.answer(self, parts, &principal, testers).await?;
            if by_tester {
                response::name_module(&mut answer, module.short_digest());
            }
            return Ok(answer);
        }
        entry.module(module.short_digest());
        let witness = Witness::of(self.app, chosen.shadow.as_ref());
        let mut trace = Trace { recorded: witness.is_there(), ..Trace::default() };
        let answered = self.answer(&chosen, parts, body, &principal, entry, &mut trace).await;
        trace.took_micros = entry.micros();
        witness.tell(self, parts, &module, principal, trace, &answered);
        let mut answer = answered?;
        if by_tester {
            response::name_module(&mut answer, module.short_digest());
        }
        Ok(answer)
    }

    /// The version that serves this request: the caller's, or the one that a tester with the operator's token names.
    fn choose(&self, parts: &Parts, principal: &Principal) -> Result<(Chosen, bool), Error> {
        let asked = request::tester(&parts.headers, &self.app.operator, self.peer, self.app.clock.elapsed())?;
        let Some(asked) = asked else { return Ok((self.app.registry.choose(principal, self.peer), false)) };
        match self.app.registry.chosen_by_tester(asked) {
            Some(chosen) => Ok((chosen, true)),
            None => Err(Error::InvalidRequest(format!("No version that could serve at once is named {asked:?}."))),
        }
    }

    async fn answer(
        &self,
        chosen: &Chosen,
        parts: &Parts,
        body: &mut Incoming,
        principal: &Principal,
        entry: &mut Entry<'_>,
        trace: &mut Trace,
    ) -> Result<Answer, Error> {
        let (route, params) = match routing::find(&chosen.module, &parts.method, parts.uri.path())? {
            Destination::Route(route, params) => (route, params),
            Destination::Host(answer) => return Ok(answer),
        };
        entry.route(&route.id);
        trace.route(&route.id);
        route.access.check(principal).map_err(|needs| Error::lacks(principal, needs))?;
        let place = match self.memoised(&Asked { chosen, route, parts, body, principal }, trace) {
            Some(Found::Answer(answer)) => {
                entry.remembered();
                return Ok(answer);
            }
            Some(Found::Nothing(place)) => Some(place),
            None => None,
        };
        let request = self.guest_request(parts, route, &params, body, principal).await?;
        let now = Millis::from_u64(request.now_ms);
        let (answer, reads_alone) = self.run(chosen, request, principal.clone(), entry, trace).await?;
        if let (Some(memo), Some(place), Some(now), true) = (&self.app.memo, place, now, reads_alone) {
            memo.keep(place, &answer, now).await;
        }
        Ok(answer)
    }

    /// Who is asking. The limiter comes before anything that costs, but for what tells whose requests it counts.
    fn caller(&self, parts: &Parts, standing: &mut Option<Standing>) -> Result<Principal, Error> {
        let known = || self.app.auth.principal(&parts.headers, &*self.app.clock, self.peer);
        let by_address = ClientKey::of(self.peer);
        let known = match self.app.rate_limit_by {
            RateLimitBy::Address => {
                *standing = self.admit(by_address)?;
                request::check_head(parts)?;
                known()
            }
            RateLimitBy::Credential => {
                let known = known();
                let key = known.as_ref().map_or(by_address, |known| ClientKey::of_caller(known, self.peer));
                *standing = self.admit(key)?;
                request::check_head(parts)?;
                known
            }
        };
        known.map_err(|refusal| Error::Unauthenticated(Some(refusal)))
    }

    fn admit(&self, key: ClientKey) -> Result<Option<Standing>, Error> {
        let Some(limiter) = &self.app.limiter else { return Ok(None) };
        let mut limiter = limiter.lock().unwrap_or_else(PoisonError::into_inner);
        match limiter.admit(key, self.app.clock.elapsed()) {
            Verdict::Admitted(standing) => Ok(Some(standing)),
            Verdict::Refused(standing) => Err(Error::RateLimited { limit: limiter.limit(), standing }),
            Verdict::Full => Err(Error::Overloaded("the rate limiter's table")),
        }
    }

    async fn guest_request(
        &self,
        parts: &Parts,
        route: &Route,
        params: &[(&str, &str)],
        body: &mut Incoming,
        principal: &Principal,
    ) -> Result<GuestRequest, Error> {
        let limits = BodyLimits { bytes: body_limit(route, self.app.max_body), timeout: self.app.body_timeout };
        let params = request::params(params)?;
        let query = request::query(parts.uri.query())?;
        let headers = request::headers_for_guest(&parts.headers)?;
        let had_to_come = !body.is_end_stream();
        let body = request::body_for_guest(parts, body, limits).await?;
        if had_to_come {
            // Whoever holds a body back does not outlast the revocation of the key.
            let still = self.app.auth.still_good(&parts.headers, &*self.app.clock, self.peer);
            still.map_err(|refusal| Error::Unauthenticated(Some(refusal)))?;
        }
        Ok(GuestRequest {
            route_id: route.id.clone(),
            params,
            query,
            headers,
            body,
            roles: roles_for_guest(principal.roles),
            request_id: self.request_id.to_owned(),
            now_ms: self.app.clock.now().as_u64(),
        })
    }

    /// Runs the rules. Gives their answer, and whether nothing went into it but the request and what everybody may read.
    async fn run(
        &self,
        chosen: &Chosen,
        request: GuestRequest,
        principal: Principal,
        entry: &mut Entry<'_>,
        trace: &mut Trace,
    ) -> Result<(Answer, bool), Error> {
        let module = chosen.module.digest.bytes();
        let origin = Origin { address: self.peer, module, request_id: self.request_id.to_owned() };
        let actor = Actor { principal, origin };
        let grants = Grants { store: Arc::clone(&self.app.store), actor, limits: self.app.registration };
        let errand = Errand::live(grants, self.seed).recorded(trace.recorded);
        let trial = chosen.trial();
        let mut report = chosen.module.run(&request, errand).await;
        trial.ended(ending(&report));
        entry.ran(&report);
        if trace.recorded {
            trace.came = Some(Came::of_run(&report.result));
            trace.ran = Ran::of(request, &mut report);
        }
        let reads_alone = report.reads_alone;
        report.result.map(|answer| (answer, reads_alone)).map_err(|error| match error {
            RunError::Failed(failure) => {
                self.app.metrics.rules_failed(chosen.module.short_digest(), failure.cause);
                Error::Rules(failure)
            }
            RunError::Store(failure) => failure.into(),
            RunError::Diverged => Error::Internal("a client's run was played back".to_owned()),
        })
    }
}

/// What a run tells of the version.
fn ending(report: &Report) -> Ending {
    match &report.result {
        Ok(answer) => Ending::Answered { server_error: answer.status.is_server_error() },
        Err(RunError::Failed(failure)) => match failure.cause {
            Cause::NoInstance => Ending::NotItsFault,
            Cause::MemoryLimit if report.crowded_out => Ending::NotItsFault,
            // The store's time is in it: to be compared with the other version's.
            Cause::WallClock => Ending::Answered { server_error: true },
            _ => Ending::Failed,
        },
        Err(RunError::Store(_) | RunError::Diverged) => Ending::NotItsFault,
    }
}

pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("without a message"))
}
