//! Host functions with whatever arguments a request has: what the standard routes leave out (`hold_ms`, the attributes of a ticket) or
//! check themselves (limits, texts) reaches the host as it came.

use boxoffice_sdk::prelude::*;
use boxoffice_sdk::{EventPatch, TicketFilter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rules. Without `HOLDS` they forget what hold a request asks for, which a comparison has to find.
#[derive(Default)]
pub struct Forwarding<const HOLDS: bool>;

/// As they are served.
pub type Forwarded = Forwarding<true>;

/// The arguments of `atomic-register`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Register {
    event_id: EventId,
    email: String,
    quantity: u32,
    hold_ms: Option<u32>,
    idempotency_key: Option<String>,
    attributes: Option<String>,
}

/// Some arguments of `events.update`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    event_id: EventId,
    name: Option<String>,
    capacity: Option<u32>,
    tags: Option<Vec<String>>,
    attributes: Option<String>,
    if_version: Option<u64>,
}

/// Some arguments of `events.list`, or of `tickets.list`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    limit: u32,
    cursor: Option<String>,
    /// Whose tickets. Neither this nor the next: events.
    email: Option<String>,
    /// The tickets of this event.
    event_id: Option<EventId>,
    words: Option<String>,
    tag: Option<String>,
}

/// A ticket, and what is not shown of it elsewhere.
#[derive(Serialize, JsonSchema)]
struct Whole {
    ticket: Ticket,
    attributes: Option<String>,
    replayed: bool,
}

/// A page of either.
#[derive(Serialize, JsonSchema)]
struct Page {
    events: Vec<Event>,
    tickets: Vec<Ticket>,
    more: bool,
}

impl<const HOLDS: bool> Rules for Forwarding<HOLDS> {
    fn about() -> About {
        About { name: "forwarding", summary: "Arguments of host functions as a request has them", ..about!() }
    }

    fn routes() -> Routes<Self> {
        Routes::standard()
            .with(Route::post("raw-register", "/raw/register", Self::raw_register))
            .with(Route::post("raw-update", "/raw/update", Self::raw_update))
            .with(Route::post("raw-list", "/raw/list", Self::raw_list))
    }
}

impl<const HOLDS: bool> Forwarding<HOLDS> {
    fn raw_register(&self, cx: &Context<'_>, Json(asked): Json<Register>) -> Result<Json<Whole>, Refusal> {
        let Register { event_id, email, quantity, hold_ms, idempotency_key, attributes } = asked;
        let hold_ms = hold_ms.filter(|_| HOLDS);
        let wish = Registration { event_id, email, quantity, hold_ms, idempotency_key, attributes };
        let Registered { ticket, replayed } = self.register(cx, wish)?;
        Ok(Json(Whole { attributes: ticket.attributes.clone(), ticket, replayed }))
    }

    #[expect(clippy::unused_self, reason = "handlers are methods")]
    fn raw_update(&self, cx: &Context<'_>, Json(asked): Json<Update>) -> Result<Json<Event>, Refusal> {
        let Update { event_id, name, capacity, tags, attributes, if_version } = asked;
        let patch = EventPatch { name, capacity, starts_at: None, tags, attributes, if_version };
        Ok(Json(cx.host().update_event(&event_id, patch)?))
    }

    fn raw_list(&self, cx: &Context<'_>, Json(asked): Json<List>) -> Result<Json<Page>, Refusal> {
        let List { limit, cursor, email, event_id, words, tag } = asked;
        let filter = email.map(TicketFilter::OfEmail).or(event_id.map(TicketFilter::OfEvent));
        let Some(filter) = filter else {
            let page = self.events(cx, EventQuery { limit, cursor, words, tag, ..EventQuery::default() })?;
            return Ok(Json(Page { events: page.items, tickets: Vec::new(), more: page.next_cursor.is_some() }));
        };
        let page = self.tickets(cx, TicketQuery { filter, limit, cursor })?;
        Ok(Json(Page { events: Vec::new(), tickets: page.items, more: page.next_cursor.is_some() }))
    }
}

boxoffice_sdk::export!(Forwarded);
