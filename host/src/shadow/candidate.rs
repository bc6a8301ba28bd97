//! One request, answered by the candidate.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::compare::{Side, Verdict, compare};
use super::example::Example;
use super::tally::Tally;
use crate::domain::Actor;
use crate::error::Error;
use crate::http::{Destination, body_limit, find_destination, params};
use crate::seen::{Came, Ran, Refusal, Seen};
use crate::store::Store;
use crate::wasm::{Cause, Errand, Failure, Grants, GuestRequest, Lane, Module, Playback, Report, RunError};

/// The module that runs as a shadow, and what is found of it.
pub(super) struct Candidate {
    pub(super) module: Arc<Module>,
    /// Refuses writes.
    pub(super) store: Arc<dyn Store>,
    pub(super) max_body: usize,
    pub(super) tally: Tally,
    /// Bytes of requests that wait or are compared.
    pub(super) taken: Arc<AtomicUsize>,
}

impl Candidate {
    /// Lets the candidate answer what the active module has answered, and keeps what differs.
    pub(super) async fn look_at(&self, seen: &Seen) {
        if is_of_the_moment(seen) {
            return self.tally.skipped();
        }
        let side = self.answer(seen).await.unwrap_or_else(|error| Side::Came(Came::Refused(Refusal::of(&error))));
        match compare(seen, &side) {
            Verdict::Skip => self.tally.skipped(),
            Verdict::Drop => self.tally.dropped(),
            Verdict::Same => self.tally.identical(),
            Verdict::Different(difference) => {
                let route = seen.route.clone().or_else(|| side.route().map(str::to_owned));
                self.tally
                    .differs(route.as_deref(), difference.kind, |route| Example::of(seen, &side, route, difference));
            }
        }
    }

    async fn answer(&self, seen: &Seen) -> Result<Side, Error> {
        let (route, found) = match find_destination(&self.module, &seen.method, &seen.path)? {
            Destination::Route(route, params) => (route, params),
            Destination::Host(answer) => return Ok(Side::Came(Came::Answer(answer))),
        };
        route.access.check(&seen.principal).map_err(|needs| Error::lacks(&seen.principal, needs))?;
        let limit = body_limit(route, self.max_body);
        let Some(ran) = &seen.ran else { return Ok(Side::WouldRun { route: route.id.clone(), limit }) };
        if ran.request.body.len() > limit {
            return Err(Error::BodyTooLarge { limit });
        }
        let params = params(&found)?;
        let request = GuestRequest { route_id: route.id.clone(), params, ..ran.request.clone() };
        Ok(self.run(seen, ran, &request).await)
    }

    async fn run(&self, seen: &Seen, ran: &Ran, request: &GuestRequest) -> Side {
        // It only reads, and reads are nobody's deed.
        let actor = Actor::nowhere(seen.principal.clone());
        let reader = Grants { store: Arc::clone(&self.store), actor, limits: seen.registration };
        let playback = Playback::beside(ran.recording.exchanges.clone(), reader);
        let report = self.module.run(request, Errand::played(playback, seen.seed, Lane::Shadows)).await;
        let Report { result, played, crowded_out, waited_micros, .. } = report;
        // Out of time, it hung, unless it was kept from running.
        let hung = u128::from(waited_micros) * 2 >= self.module.limits().timeout.as_micros();
        match result {
            // Not the candidate's doing, but of the place that it runs in.
            Err(RunError::Failed(Failure { cause: Cause::NoInstance, .. }) | RunError::Store(_)) => Side::NoRoom,
            Err(RunError::Failed(Failure { cause: Cause::WallClock, .. })) if !hung => Side::NoRoom,
            _ if crowded_out || played.as_ref().is_some_and(|played| played.unanswered) => Side::NoRoom,
            result => Side::Ran { came: Came::of_run(&result), played: played.unwrap_or_default() },
        }
    }
}

/// Whether it ended as it did for what else went on at that moment, and not for what the module is.
fn is_of_the_moment(seen: &Seen) -> bool {
    match &seen.came {
        Came::StoreFailed(_) => true,
        Came::Failed(failure) => {
            let crowded_out = seen.ran.as_ref().is_some_and(|ran| ran.crowded_out);
            crowded_out || matches!(failure.cause, Cause::WallClock | Cause::NoInstance)
        }
        Came::Answer(_) | Came::Refused(_) => false,
    }
}
