//! The host functions in memory, for one caller.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::app::LogLine;
use super::script::{Script, Scripted};
use super::state::{Caller, State};
use crate::event::{Event, EventPage, EventPatch, EventQuery, NewEvent};
use crate::host::{Host, Level};
use crate::host_refusal::{
    CancelRefusal, ConfirmRefusal, CreateRefusal, GetEventRefusal, GetTicketRefusal, ListEventsRefusal,
    ListTicketsRefusal, RegisterRefusal, UpdateRefusal,
};
use crate::ids::{EventId, TicketId};
use crate::ticket::{Registered, Registration, Ticket, TicketPage, TicketQuery};

/// Calls of host functions that one request may make.
const MAX_CALLS: usize = 1_000;
/// Bytes of a log line's message, and of the value of one of its fields; how many fields; how many lines in a request.
const MAX_MESSAGE: usize = 1024;
const MAX_FIELD: usize = 256;
const MAX_FIELDS: usize = 16;
const MAX_LINES: usize = 64;

/// Why a run ended inside a host function: nothing that rules could catch.
pub(super) enum RunEnded {
    /// The store could not say.
    StoreFailure,
    /// One call too many.
    HostCallQuota,
}

/// The host functions, as one caller has them. [`Client::host`](super::Client::host) gives one, to call them without any rules.
#[derive(Clone)]
pub struct Mock {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) caller: Caller,
    calls: Arc<AtomicUsize>,
    lines: Arc<AtomicUsize>,
}

/// What nobody else is using. A test that panicked has changed nothing by halves.
pub(super) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mock {
    pub(super) fn new(state: Arc<Mutex<State>>, caller: Caller) -> Self {
        Self { state, caller, calls: Arc::default(), lines: Arc::default() }
    }

    /// One call: counted, and answered by the script where that has something to say.
    fn call<T, R: Scripted>(&self, call: impl FnOnce(&mut State, &Caller) -> Result<T, R>) -> Result<T, R> {
        if self.calls.fetch_add(1, Ordering::Relaxed) >= MAX_CALLS {
            resume_unwind(Box::new(RunEnded::HostCallQuota));
        }
        let mut state = lock(&self.state);
        let scripted =
            state.script.iter().position(|script| *script == Script::StoreFailure || R::of(script).is_some());
        if let Some(place) = scripted {
            let script = state.script.remove(place);
            drop(state);
            return match R::of(&script) {
                Some(refusal) => Err(refusal),
                None => resume_unwind(Box::new(RunEnded::StoreFailure)),
            };
        }
        call(&mut state, &self.caller)
    }
}

impl Host for Mock {
    fn create_event(&self, new: NewEvent) -> Result<Event, CreateRefusal> {
        self.call(|state, caller| state.create_event(caller, new))
    }

    fn event(&self, id: &EventId) -> Result<Event, GetEventRefusal> {
        self.call(|state, _| state.event(id))
    }

    fn events(&self, query: EventQuery) -> Result<EventPage, ListEventsRefusal> {
        self.call(|state, _| state.events(&query))
    }

    fn update_event(&self, id: &EventId, patch: EventPatch) -> Result<Event, UpdateRefusal> {
        self.call(|state, caller| state.update_event(caller, id, patch))
    }

    fn atomic_register(&self, registration: Registration) -> Result<Registered, RegisterRefusal> {
        self.call(|state, caller| state.register(caller, registration))
    }

    fn ticket(&self, id: &TicketId) -> Result<Ticket, GetTicketRefusal> {
        self.call(|state, caller| state.ticket(caller, id))
    }

    fn tickets(&self, query: TicketQuery) -> Result<TicketPage, ListTicketsRefusal> {
        self.call(|state, caller| state.tickets(caller, &query))
    }

    fn confirm(&self, id: &TicketId) -> Result<Ticket, ConfirmRefusal> {
        self.call(|state, caller| state.confirm(caller, id))
    }

    fn cancel(&self, id: &TicketId) -> Result<Ticket, CancelRefusal> {
        self.call(|state, caller| state.cancel(caller, id))
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        if self.lines.fetch_add(1, Ordering::Relaxed) >= MAX_LINES {
            return;
        }
        let fields = fields.iter().take(MAX_FIELDS).map(|(name, value)| (cut(name, MAX_FIELD), cut(value, MAX_FIELD)));
        let line = LogLine { level, message: cut(message, MAX_MESSAGE), fields: fields.collect() };
        lock(&self.state).log.push(line);
    }
}

/// At most so many bytes, and whole characters.
fn cut(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}
