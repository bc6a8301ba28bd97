//! The host functions in memory, for one caller.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::app::LogLine;
use super::quota::{Quota, Weight};
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

/// Bytes of a log line's message, of the name and the value of one of its fields; how many fields.
const MAX_MESSAGE: usize = 1024;
const MAX_FIELD: usize = 256;
const MAX_FIELDS: usize = 16;

/// Why a run ended inside a host function: nothing that rules could catch.
pub(super) enum RunEnded {
    /// The calls were too many, or too large: how.
    Quota(&'static str),
    /// The store could not say.
    OutcomeUnknown,
    /// The store had too much to do.
    Overloaded,
    /// The server was about to stop.
    ShuttingDown,
}

/// The host functions, as one caller has them. [`Client::host`](super::Client::host) gives one, to call them without any rules.
#[derive(Clone)]
pub struct Mock {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) caller: Caller,
    quota: Arc<Mutex<Quota>>,
}

/// What nobody else is using. A test that panicked has changed nothing by halves.
pub(super) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mock {
    pub(super) fn new(state: Arc<Mutex<State>>, caller: Caller) -> Self {
        Self { state, caller, quota: Arc::default() }
    }

    /// One call with arguments of so many bytes: counted, and answered by the script where that has something to say.
    fn call<T: Weight, R: Scripted>(
        &self,
        bytes: usize,
        call: impl FnOnce(&mut State, &Caller) -> Result<T, R>,
    ) -> Result<T, R> {
        let admitted = lock(&self.quota).call(bytes);
        if let Err(what) = admitted {
            resume_unwind(Box::new(RunEnded::Quota(what)));
        }
        let mut state = lock(&self.state);
        let place = state.script.iter().position(|script| R::is_meant(script));
        let script = place.map(|place| state.script.remove(place));
        if let Some(refusal) = script.as_ref().and_then(R::of) {
            return Err(refusal);
        }
        let ended = match script {
            Some(Script::Overloaded) => RunEnded::Overloaded,
            Some(Script::ShuttingDown) => RunEnded::ShuttingDown,
            // What the host refuses is known: nothing was done.
            Some(Script::DoneOutcomeUnknown) => call(&mut state, &self.caller).map(|_| RunEnded::OutcomeUnknown)?,
            Some(_) => RunEnded::OutcomeUnknown,
            None => return self.answered(call(&mut state, &self.caller)),
        };
        drop(state);
        resume_unwind(Box::new(ended))
    }

    /// Counts an answer.
    fn answered<T: Weight, R>(&self, answer: Result<T, R>) -> Result<T, R> {
        lock(&self.quota).answered(answer.as_ref().map_or(0, Weight::weight));
        answer
    }
}

impl Host for Mock {
    fn create_event(&self, new: NewEvent) -> Result<Event, CreateRefusal> {
        self.call(new.weight(), |state, caller| state.create_event(caller, new))
    }

    fn event(&self, id: &EventId) -> Result<Event, GetEventRefusal> {
        self.call(id.weight(), |state, _| state.event(id))
    }

    fn events(&self, query: EventQuery) -> Result<EventPage, ListEventsRefusal> {
        self.call(query.weight(), |state, _| state.events(&query))
    }

    fn update_event(&self, id: &EventId, patch: EventPatch) -> Result<Event, UpdateRefusal> {
        self.call(id.weight() + patch.weight(), |state, caller| state.update_event(caller, id, patch))
    }

    fn atomic_register(&self, registration: Registration) -> Result<Registered, RegisterRefusal> {
        self.call(registration.weight(), |state, caller| state.register(caller, registration))
    }

    fn ticket(&self, id: &TicketId) -> Result<Ticket, GetTicketRefusal> {
        self.call(id.weight(), |state, caller| state.ticket(caller, id))
    }

    fn tickets(&self, query: TicketQuery) -> Result<TicketPage, ListTicketsRefusal> {
        self.call(query.weight(), |state, caller| state.tickets(caller, &query))
    }

    fn confirm(&self, id: &TicketId) -> Result<Ticket, ConfirmRefusal> {
        self.call(id.weight(), |state, caller| state.confirm(caller, id))
    }

    fn cancel(&self, id: &TicketId) -> Result<Ticket, CancelRefusal> {
        self.call(id.weight(), |state, caller| state.cancel(caller, id))
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let mut quota = lock(&self.quota);
        if !quota.log_has_room() {
            return;
        }
        let fields = fields.iter().take(MAX_FIELDS).map(|(name, value)| (cut(name, MAX_FIELD), cut(value, MAX_FIELD)));
        let line = LogLine { level, message: cut(message, MAX_MESSAGE), fields: fields.collect() };
        // As the log has it: `name=value `, control characters escaped.
        let written = |text: &str| text.escape_debug().map(char::len_utf8).sum::<usize>();
        let of_fields = line.fields.iter().map(|(name, value)| written(name) + written(value) + 2).sum::<usize>();
        if quota.log_fits(written(&line.message) + of_fields) {
            lock(&self.state).log.push(line);
        }
    }
}

/// At most so many bytes, and whole characters.
fn cut(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}
