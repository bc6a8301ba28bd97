//! A throw-away host, made ready for one check: its clock stands still, its ids repeat themselves, and everything that is sent is seen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};

use super::client::{Answer, Call, Client};
use crate::clock::{Clock as _, ManualClock};
use crate::config::Serve;
use crate::domain::{
    Actor, Email, EventId, IdSource, IdempotencyKey, Millis, NewEvent, Principal, Registration, Role, Ticket, TicketId,
};
use crate::seen::{Came, Observer, Seen};
use crate::store::{Store as _, StoreFailure};
use crate::throwaway::{Throwaway, ThrowawaySetup};
use crate::wasm::{Cause, Exchange, Failure, Module};

/// When every check begins: 2026-11-21T09:30:00.000Z.
pub(super) const START: Millis = Millis(1_795_253_400_000);
/// What a request gets beyond the time that its run may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of what one check has said that are kept until its end.
const MAX_SAID_BYTES: usize = 64 * 1024 * 1024;
/// Times that a request is sent again which the host had no room for, and how long it waits each time.
const AGAIN: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);
/// Rows that are made at the same time: they share a commit, and the store's queue has room for more.
const TOGETHER: usize = 64;

/// The check cannot go on: the throw-away host itself is in trouble, in words.
#[derive(Debug)]
pub(super) struct Stop(pub(super) String);

/// One request, what was answered, and what the host saw of it.
#[derive(Clone)]
pub(super) struct Talk {
    pub(super) call: Call,
    /// `None`: there was none, and why.
    pub(super) answer: Result<Answer, String>,
    /// `None`: the host answered before it looked for a route.
    pub(super) seen: Option<Arc<Seen>>,
}

/// What one check has said, as far as it is kept.
#[derive(Default)]
pub(super) struct Said {
    pub(super) talks: Vec<Talk>,
    bytes: usize,
    /// Those that were too much.
    pub(super) dropped: usize,
}

impl Said {
    /// Keeps it, or counts it where there is no room of these bytes.
    fn keep(&mut self, talk: &Talk) {
        let bytes = talk.weight();
        if self.bytes + bytes > MAX_SAID_BYTES {
            self.dropped += 1;
            return;
        }
        self.bytes += bytes;
        self.talks.push(talk.clone());
    }
}

impl Talk {
    /// Bytes, near enough, of the request, the answer and all that the host saw.
    pub(super) fn weight(&self) -> usize {
        let seen = self.seen.as_ref().map_or(0, |seen| seen.weight());
        let answer = self.answer.as_ref().map_or(0, |answer| answer.body.len());
        let headers: usize = self.call.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        size_of::<Self>() + self.call.target.len() + headers + self.call.body.len() + answer + seen
    }

    /// Whether the host had no room for it: then it says nothing of the module.
    fn is_overloaded(&self) -> bool {
        match self.seen.as_ref().map(|seen| &seen.came) {
            Some(Came::Failed(failure)) => failure.cause == Cause::NoInstance,
            Some(Came::StoreFailed(failure)) => *failure == StoreFailure::Overloaded,
            Some(Came::Refused(refusal)) => refusal.code == "overloaded",
            Some(Came::Answer(_)) => false,
            None => self.status() == Some(503) && self.text_at("/code") == "overloaded",
        }
    }

    /// Whether it failed for time, which a busy machine takes too.
    fn is_of_time(&self) -> bool {
        let Some(Came::Failed(failure)) = self.seen.as_ref().map(|seen| &seen.came) else { return false };
        matches!(failure.cause, Cause::CpuBudget | Cause::WallClock)
    }

    /// Whether the module answered with success.
    pub(super) fn is_success(&self) -> bool {
        self.status().is_some_and(|status| (200..300).contains(&status))
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.answer.as_ref().ok().map(|answer| answer.status)
    }

    /// The host calls of its run.
    pub(super) fn exchanges(&self) -> &[Exchange] {
        let ran = self.seen.as_ref().and_then(|seen| seen.ran.as_ref());
        ran.map_or(&[], |ran| &ran.recording.exchanges)
    }

    /// What of it is a fault of the module's, whatever was asked: a trap, a limit, a 5xx, no answer at all.
    pub(super) fn fault(&self) -> Option<String> {
        if self.is_overloaded() {
            return None;
        }
        if let Some(Came::Failed(failure)) = self.seen.as_ref().map(|seen| &seen.came) {
            return Some(told(failure));
        }
        match &self.answer {
            Err(why) => Some(why.clone()),
            Ok(answer) if answer.status >= 500 => Some(format!("status {}", answer.status)),
            Ok(_) => None,
        }
    }
}

/// Most functions that are told of a failure.
const MAX_FUNCTIONS: usize = 4;
/// Most bytes of what the guest said that are told: the end of it, where a panic's message is.
const MAX_SAID: usize = 300;

/// A failure for the module's author: its own functions, with their lines where it has them, and what it said.
fn told(failure: &Failure) -> String {
    let mut text = format!("the run failed: {}: {}", failure.cause.name(), failure.message);
    let all: Vec<String> = if failure.places.is_empty() {
        failure.functions.clone()
    } else {
        failure.places.iter().map(ToString::to_string).collect()
    };
    let of_the_language =
        ["std::", "core::", "alloc::", "__rust", "abort", "rust_panic", "<core::", "<alloc::", "<std::"];
    let own = all.into_iter().filter(|name| !of_the_language.iter().any(|beginning| name.starts_with(beginning)));
    let own: Vec<_> = own.take(MAX_FUNCTIONS).collect();
    if !own.is_empty() {
        text = format!("{text}; in {}", own.join(" < "));
    }
    // Rust's advice to set a variable is none for a module, which has no environment.
    let lines = failure.output.lines().filter(|line| !line.starts_with("note: run with"));
    let said = lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    if said.is_empty() {
        return text;
    }
    let end = &said[said.ceil_char_boundary(said.len().saturating_sub(MAX_SAID))..];
    format!("{text}; it said: {end}")
}

/// Keeps what the host saw until whoever sent the request asks for it.
#[derive(Default)]
struct Watcher(Mutex<HashMap<String, Arc<Seen>>>);

impl Observer for Watcher {
    fn saw(&self, seen: &Arc<Seen>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(seen.request_id.clone(), Arc::clone(seen));
    }
}

/// What a request is about: each has its own, so that none stands in another's way.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) event: String,
    /// A hold for that event.
    pub(super) ticket: String,
    /// Whose hold that is.
    pub(super) holder: String,
    /// An email without a ticket.
    pub(super) email: String,
    /// A key that nobody has used.
    pub(super) key: String,
}

/// The host, and its client.
pub(super) struct Bench {
    host: Throwaway,
    pub(super) clock: Arc<ManualClock>,
    watcher: Arc<Watcher>,
    client: Client,
    deadline: Duration,
    hold: Duration,
    /// What is told apart so far: requests, emails, keys.
    count: u64,
    name: &'static str,
    said: Said,
}

impl Bench {
    /// Starts a host with this module, for the check of that name.
    pub(super) async fn start(
        settings: &Serve,
        module: &Arc<Module>,
        seed: u64,
        name: &'static str,
    ) -> Result<Self, Stop> {
        let mut settings = settings.clone();
        settings.rate_limit.0 = None;
        // Ids of tickets may be searched for: nobody else is on this host.
        settings.allow_insecure_header_auth = true;
        // What runs out is seen to have run out, swept or not; nothing happens here by the machine's clock.
        settings.sweep_interval = Duration::from_hours(1);
        settings.grace = Duration::ZERO;
        let (clock, watcher) = (Arc::new(ManualClock::at(START)), Arc::new(Watcher::default()));
        let (deadline, hold) = (settings.limits.rules_timeout + PATIENCE, settings.hold);
        let host = Throwaway::start(ThrowawaySetup {
            settings,
            listener: None,
            clock: clock.clone(),
            ids: [IdSource::seeded(seed), IdSource::seeded(seed.wrapping_add(1))],
            module: Some(Arc::clone(module)),
            observer: watcher.clone(),
        });
        let host = host.await.map_err(|error| Stop(format!("no throw-away host: {error}")))?;
        let client = Client::new(host.server.address(), deadline);
        Ok(Self { host, clock, watcher, client, deadline, hold, count: 0, name, said: Said::default() })
    }

    /// Ends it, and gives what was said.
    pub(super) async fn stop(self) -> Said {
        drop(self.client);
        self.host.stop().await;
        self.said
    }

    fn next_id(&mut self) -> String {
        let count = self.next();
        format!("{}-{count}", self.name)
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn talk(&self, call: Call, id: &str, answer: Result<Answer, String>) -> Talk {
        let seen = self.watcher.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        Talk { call, answer, seen }
    }

    async fn once(&mut self, call: Call) -> Talk {
        let id = self.next_id();
        let answer = self.client.send(&call, &id).await;
        self.talk(call, &id, answer)
    }

    /// What came of it in the end: a request that the host had no room for is sent again, and so is, once, one that failed for time. The
    /// machine may have been busy; a module that is to blame does it again.
    async fn settled(&mut self, mut talk: Talk) -> Talk {
        if talk.is_of_time() {
            talk = self.once(talk.call).await;
        }
        for _ in 0..AGAIN {
            if !talk.is_overloaded() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            talk = self.once(talk.call).await;
        }
        self.said.keep(&talk);
        talk
    }

    /// Sends one request.
    pub(super) async fn send(&mut self, call: Call) -> Talk {
        let talk = self.once(call).await;
        self.settled(talk).await
    }

    /// Sends all of them at the same time, each over a connection of its own.
    pub(super) async fn send_together(&mut self, calls: Vec<Call>) -> Vec<Talk> {
        let address = self.host.server.address();
        let ids: Vec<_> = calls.iter().map(|_| self.next_id()).collect();
        let sent = calls.iter().zip(&ids).map(|(call, id)| {
            let mut client = Client::new(address, self.deadline);
            async move { client.send(call, id).await }
        });
        let answers = join_all(sent).await;
        let mut talks = Vec::new();
        for ((call, id), answer) in calls.into_iter().zip(ids).zip(answers) {
            let talk = self.talk(call, &id, answer);
            talks.push(self.settled(talk).await);
        }
        talks
    }

    pub(super) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// An email that nobody has used on this host.
    pub(super) fn email(&mut self) -> String {
        format!("guest-{}@example.org", self.next())
    }

    /// An idempotency key that nobody has used on this host.
    pub(super) fn key(&mut self) -> String {
        format!("key-{}", self.next())
    }

    /// An event, made in the store: no route of the module has a hand in it.
    pub(super) async fn event(&mut self, capacity: u32) -> Result<String, Stop> {
        let name = format!("Event {}", self.next());
        self.event_like(NewEvent { name, capacity, starts_at: None, tags: Vec::new(), attributes: "{}".to_owned() })
            .await
    }

    pub(super) async fn event_like(&mut self, new: NewEvent) -> Result<String, Stop> {
        let made = self.host.server.store().create_event(self.now(), &of(Role::Organizer), new).await;
        made.map(|event| event.id.to_string()).map_err(|failure| stop("an event cannot be made", &failure))
    }

    /// A hold, made in the store.
    pub(super) async fn hold(&mut self, event: &str, email: &str, quantity: u32) -> Result<String, Stop> {
        self.hold_with_key(event, email, quantity, None).await
    }

    /// A hold with an idempotency key, made in the store.
    pub(super) async fn hold_with_key(
        &mut self,
        event: &str,
        email: &str,
        quantity: u32,
        key: Option<&str>,
    ) -> Result<String, Stop> {
        let wrong = |field: crate::domain::InvalidField| Stop(format!("{}: {}", field.pointer, field.detail));
        let registration = Registration {
            event_id: EventId::new(event),
            email: Email::parse(email).map_err(wrong)?,
            quantity,
            hold: self.hold_time(),
            key: key.map(IdempotencyKey::parse).transpose().map_err(wrong)?,
            attributes: None,
        };
        let made = self.host.server.store().register(self.now(), &of(Role::User), registration).await;
        match made {
            Ok(Ok(registered)) => Ok(registered.ticket.id.to_string()),
            Ok(Err(refusal)) => Err(Stop(format!("a hold cannot be made: {refusal:?}"))),
            Err(failure) => Err(stop("a hold cannot be made", &failure)),
        }
    }

    /// So many more events and holds at once, made in the store: events that say nothing, each with a hold of this holder, and as many
    /// holds of others for the subject's event.
    pub(super) async fn more_rows(&mut self, subject: &Subject, count: usize) -> Result<(), Stop> {
        let numbers: Vec<u64> = (0..count).map(|_| self.next()).collect();
        let bench = &*self;
        for some in numbers.chunks(TOGETHER) {
            try_join_all(some.iter().map(|n| bench.more_row(subject, *n))).await?;
        }
        Ok(())
    }

    async fn more_row(&self, subject: &Subject, n: u64) -> Result<(), Stop> {
        let (now, store) = (self.now(), self.host.server.store());
        let (name, attributes) = (format!("Event {n}"), "{}".to_owned());
        let new = NewEvent { name, capacity: 10, starts_at: None, tags: Vec::new(), attributes };
        let made = store.create_event(now, &of(Role::Organizer), new).await;
        let event = made.map_err(|failure| stop("an event cannot be made", &failure))?.id;
        let others = format!("guest-{n}@example.org");
        for (event_id, email) in [(event, subject.holder.as_str()), (EventId::new(&subject.event), others.as_str())] {
            let email = Email::parse(email).map_err(|field| Stop(format!("{}: {}", field.pointer, field.detail)))?;
            let registration =
                Registration { event_id, email, quantity: 1, hold: self.hold, key: None, attributes: None };
            match store.register(now, &of(Role::User), registration).await {
                Ok(Ok(_)) => {}
                other => return Err(Stop(format!("a hold cannot be made: {other:?}"))),
            }
        }
        Ok(())
    }

    /// How long a hold lasts here.
    pub(super) fn hold_time(&self) -> Duration {
        self.hold
    }

    pub(super) async fn cancel(&self, ticket: &str) -> Result<(), Stop> {
        let id = TicketId::new(ticket);
        match self.host.server.store().cancel(self.now(), &of(Role::User), &id).await {
            Ok(Ok(_)) => Ok(()),
            other => Err(Stop(format!("a ticket cannot be cancelled: {other:?}"))),
        }
    }

    pub(super) async fn confirm(&self, ticket: &str) -> Result<(), Stop> {
        let id = TicketId::new(ticket);
        match self.host.server.store().confirm(self.now(), &of(Role::User), &id).await {
            Ok(Ok(_)) => Ok(()),
            other => Err(Stop(format!("a ticket cannot be confirmed: {other:?}"))),
        }
    }

    /// A ticket as the store has it; `None`: there is none.
    pub(super) async fn ticket(&self, id: &str) -> Result<Option<Ticket>, Stop> {
        let found = self.host.server.store().ticket(self.now(), &of(Role::Admin), &TicketId::new(id)).await;
        found.map(Result::ok).map_err(|failure| stop("a ticket cannot be read", &failure))
    }

    /// An event as the store has it.
    pub(super) async fn stored(&self, event: &str) -> Result<crate::domain::Event, Stop> {
        let found = self.host.server.store().event(self.now(), &EventId::new(event)).await;
        let found = found.map_err(|failure| stop("an event cannot be read", &failure))?;
        found.ok_or_else(|| Stop(format!("the event {event} is gone")))
    }

    /// Seats of the event that are taken.
    pub(super) async fn taken(&self, event: &str) -> Result<u32, Stop> {
        let event = self.stored(event).await?;
        Ok(event.reserved + event.confirmed)
    }

    /// What does not hold in the store, in words.
    pub(super) async fn violations(&self) -> Result<Vec<String>, Stop> {
        self.host.server.store().invariants().await.map_err(|failure| stop("the invariants cannot be read", &failure))
    }

    /// Something for a request to be about, with so many seats.
    pub(super) async fn subject(&mut self, capacity: u32) -> Result<Subject, Stop> {
        let event = self.event(capacity).await?;
        let (holder, email, key) = (self.email(), self.email(), self.key());
        let ticket = self.hold(&event, &holder, 1).await?;
        Ok(Subject { event, ticket, holder, email, key })
    }

    /// The same event and ticket, for another caller.
    pub(super) fn another(&mut self, subject: &Subject) -> Subject {
        let (email, key) = (self.email(), self.key());
        Subject { email, key, ..subject.clone() }
    }
}

fn of(role: Role) -> Actor {
    Actor::nowhere(Principal::with_role(role))
}

fn stop(what: &str, failure: &impl std::fmt::Debug) -> Stop {
    Stop(format!("{what}: {failure:?}"))
}
