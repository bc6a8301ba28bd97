//! The contract in memory, written anew: it shares no rule with the store, only the types of questions and answers.

use std::collections::BTreeMap;

use boxoffice::domain::{
    AuditAction, AuditEntry, Event, EventId, EventPatch, EventQuery, Identity, Millis, Principal, Registration, Role,
    Ticket, TicketFilter, TicketId, TicketStatus,
};
use boxoffice::store::{ConfirmRefusal, ListRefusal, RegisterRefusal, TicketNotFound, UpdateRefusal};

struct Show {
    id: EventId,
    owner: String,
    /// As made and edited; its counts are worked out when it is asked for.
    event: Event,
}

struct Place {
    id: TicketId,
    owner: String,
    wish: Registration,
    reserved_at: Millis,
    expires_at: Millis,
    confirmed_at: Option<Millis>,
    cancelled_at: Option<Millis>,
}

impl Place {
    fn status(&self, now: Millis) -> TicketStatus {
        if self.cancelled_at.is_some() {
            TicketStatus::Cancelled
        } else if self.confirmed_at.is_some() {
            TicketStatus::Confirmed
        } else if now.0 < self.expires_at.0 {
            TicketStatus::Reserved
        } else {
            TicketStatus::Cancelled
        }
    }

    fn is_live(&self, now: Millis) -> bool {
        self.status(now) != TicketStatus::Cancelled
    }

    fn seen(&self, now: Millis) -> Ticket {
        let status = self.status(now);
        let over = status == TicketStatus::Cancelled;
        Ticket {
            id: self.id.clone(),
            event_id: self.wish.event_id.clone(),
            email: self.wish.email.shown().to_owned(),
            quantity: self.wish.quantity,
            status,
            reserved_at: self.reserved_at,
            expires_at: self.expires_at,
            confirmed_at: self.confirmed_at,
            cancelled_at: if over { Some(self.cancelled_at.unwrap_or(self.expires_at)) } else { None },
            attributes: self.wish.attributes.clone(),
        }
    }
}

/// One effect, and who caused it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Done {
    at: Millis,
    action: AuditAction,
    event: EventId,
    ticket: Option<TicketId>,
    owner: String,
    roles: String,
}

impl From<AuditEntry> for Done {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { at, action, event_id: event, ticket_id: ticket, owner, roles, .. } = entry;
        Self { at, action, event, ticket, owner, roles }
    }
}

/// Everything that was ever answered.
#[derive(Default)]
pub(super) struct Model {
    trail: Vec<Done>,
    shows: BTreeMap<String, Show>,
    places: BTreeMap<String, Place>,
}

/// A known caller sees his own, an admin and the unknown caller everything.
fn mine(caller: &Principal, owner: &str) -> bool {
    matches!(caller.identity, Identity::Unproved { .. }) || caller.roles.has(Role::Admin) || caller.owner_key() == owner
}

impl Model {
    fn did(&mut self, at: Millis, caller: &Principal, action: AuditAction, event: &EventId, ticket: Option<&TicketId>) {
        let (owner, roles) = (caller.owner_key().to_owned(), caller.roles.names());
        self.trail.push(Done { at, action, event: event.clone(), ticket: ticket.cloned(), owner, roles });
    }

    /// Who did what, to all events or to one of them.
    pub(super) fn trail(&self, caller: &Principal, event: Option<&EventId>) -> Result<Vec<Done>, ListRefusal> {
        if let Some(id) = event {
            let show = self.shows.get(id.as_str()).ok_or(ListRefusal::EventNotFound)?;
            if !mine(caller, &show.owner) {
                return Err(ListRefusal::NotYours);
            }
        }
        Ok(self.trail.iter().filter(|done| event.is_none_or(|event| done.event == *event)).cloned().collect())
    }

    pub(super) fn created(&mut self, now: Millis, caller: &Principal, event: &Event) {
        self.did(now, caller, AuditAction::CreateEvent, &event.id, None);
        let show = Show { id: event.id.clone(), owner: caller.owner_key().to_owned(), event: event.clone() };
        self.shows.insert(event.id.as_str().to_owned(), show);
    }

    pub(super) fn event_ids(&self) -> Vec<EventId> {
        self.shows.values().map(|show| show.id.clone()).collect()
    }

    pub(super) fn ticket_ids(&self) -> Vec<TicketId> {
        self.places.values().map(|place| place.id.clone()).collect()
    }

    /// The moments at which holds run out.
    pub(super) fn deadlines(&self, now: Millis) -> Vec<Millis> {
        let holds = self.places.values().filter(|place| place.status(now) == TicketStatus::Reserved);
        holds.map(|hold| hold.expires_at).collect()
    }

    fn seats(&self, event: &EventId, now: Millis, status: TicketStatus) -> u32 {
        let of = self.places.values().filter(|place| place.wish.event_id == *event && place.status(now) == status);
        of.map(|place| place.wish.quantity).sum()
    }

    pub(super) fn event(&self, now: Millis, id: &EventId) -> Option<Event> {
        let mut event = self.shows.get(id.as_str())?.event.clone();
        event.reserved = self.seats(id, now, TicketStatus::Reserved);
        event.confirmed = self.seats(id, now, TicketStatus::Confirmed);
        event.available = event.capacity - event.reserved - event.confirmed;
        Some(event)
    }

    pub(super) fn update(
        &mut self,
        now: Millis,
        caller: &Principal,
        id: &EventId,
        patch: &EventPatch,
    ) -> Result<Event, UpdateRefusal> {
        let before = self.event(now, id).ok_or(UpdateRefusal::EventNotFound)?;
        let show = self.shows.get_mut(id.as_str()).ok_or(UpdateRefusal::EventNotFound)?;
        if !mine(caller, &show.owner) {
            return Err(UpdateRefusal::NotYours);
        }
        if patch.if_version.is_some_and(|wanted| wanted != before.version) {
            return Err(UpdateRefusal::VersionMismatch(before.version));
        }
        let taken = before.reserved + before.confirmed;
        if patch.capacity.is_some_and(|capacity| capacity < taken) {
            return Err(UpdateRefusal::CapacityBelowSold(taken));
        }
        let event = &mut show.event;
        event.version += 1;
        event.capacity = patch.capacity.unwrap_or(event.capacity);
        if let Some(name) = &patch.name {
            event.name.clone_from(name);
        }
        if let Some(tags) = &patch.tags {
            event.tags.clone_from(tags);
        }
        if let Some(attributes) = &patch.attributes {
            event.attributes.clone_from(attributes);
        }
        if let Some(starts_at) = patch.starts_at {
            event.starts_at = starts_at;
        }
        self.did(now, caller, AuditAction::UpdateEvent, id, None);
        self.event(now, id).ok_or(UpdateRefusal::EventNotFound)
    }

    /// The ticket that a replay gives, or a refusal; `None`: a new ticket.
    pub(super) fn register(
        &self,
        now: Millis,
        caller: &Principal,
        wish: &Registration,
    ) -> Result<Option<Ticket>, RegisterRefusal> {
        let keyed = self
            .places
            .values()
            .find(|place| wish.key.is_some() && place.wish.key == wish.key && place.owner == caller.owner_key());
        if let Some(place) = keyed {
            let same = place.wish.event_id == wish.event_id
                && place.wish.email.key() == wish.email.key()
                && place.wish.quantity == wish.quantity;
            return if same { Ok(Some(place.seen(now))) } else { Err(RegisterRefusal::IdempotencyKeyReused) };
        }
        let event = self.event(now, &wish.event_id).ok_or(RegisterRefusal::EventNotFound)?;
        let again = self.places.values().any(|place| {
            place.wish.event_id == wish.event_id && place.wish.email.key() == wish.email.key() && place.is_live(now)
        });
        if again {
            return Err(RegisterRefusal::AlreadyRegistered);
        }
        if event.available < wish.quantity { Err(RegisterRefusal::SoldOut) } else { Ok(None) }
    }

    /// The store made a ticket: what it must look like.
    pub(super) fn registered(&mut self, now: Millis, caller: &Principal, wish: Registration, id: &TicketId) -> Ticket {
        let expires_at = Millis(now.0 + i64::try_from(wish.hold.as_millis()).expect("a short hold"));
        let owner = caller.owner_key().to_owned();
        let place =
            Place { id: id.clone(), owner, wish, reserved_at: now, expires_at, confirmed_at: None, cancelled_at: None };
        let seen = place.seen(now);
        self.did(now, caller, AuditAction::Register, &seen.event_id, Some(id));
        self.places.insert(id.as_str().to_owned(), place);
        seen
    }

    fn place(&mut self, caller: &Principal, id: &TicketId) -> Option<&mut Place> {
        self.places.get_mut(id.as_str()).filter(|place| mine(caller, &place.owner))
    }

    pub(super) fn ticket(&mut self, now: Millis, caller: &Principal, id: &TicketId) -> Result<Ticket, TicketNotFound> {
        self.place(caller, id).map(|place| place.seen(now)).ok_or(TicketNotFound)
    }

    pub(super) fn confirm(&mut self, now: Millis, caller: &Principal, id: &TicketId) -> Result<Ticket, ConfirmRefusal> {
        let place = self.place(caller, id).ok_or(ConfirmRefusal::TicketNotFound)?;
        match place.status(now) {
            TicketStatus::Cancelled if place.cancelled_at.is_none() => Err(ConfirmRefusal::HoldExpired),
            TicketStatus::Cancelled => Err(ConfirmRefusal::TicketCancelled),
            TicketStatus::Confirmed => Ok(place.seen(now)),
            TicketStatus::Reserved => {
                place.confirmed_at = Some(now);
                let seen = place.seen(now);
                self.did(now, caller, AuditAction::Confirm, &seen.event_id, Some(id));
                Ok(seen)
            }
        }
    }

    /// A hold that ran out stays one that ran out, whoever cancels it afterwards.
    pub(super) fn cancel(&mut self, now: Millis, caller: &Principal, id: &TicketId) -> Result<Ticket, TicketNotFound> {
        let place = self.place(caller, id).ok_or(TicketNotFound)?;
        let live = place.is_live(now);
        if live {
            place.cancelled_at = Some(now);
        }
        let seen = place.seen(now);
        if live {
            self.did(now, caller, AuditAction::Cancel, &seen.event_id, Some(id));
        }
        Ok(seen)
    }

    pub(super) fn events(&self, now: Millis, query: &EventQuery) -> Vec<Event> {
        let mut all: Vec<Event> = self.shows.values().filter_map(|show| self.event(now, &show.id)).collect();
        all.retain(|event| {
            let name = event.name.to_ascii_lowercase();
            let words = query.words.as_deref().unwrap_or_default().to_ascii_lowercase();
            words.split_whitespace().all(|word| name.contains(word))
                && query.tag.as_ref().is_none_or(|tag| event.tags.contains(tag))
                && query.starts_after.is_none_or(|after| event.starts_at.is_some_and(|at| at >= after))
                && query.starts_before.is_none_or(|before| event.starts_at.is_some_and(|at| at < before))
                && (!query.available_only || event.available > 0)
        });
        all.sort_by_key(|event| (event.starts_at.is_none(), event.starts_at, event.id.as_str().to_owned()));
        all
    }

    pub(super) fn tickets(
        &self,
        now: Millis,
        caller: &Principal,
        filter: &TicketFilter,
    ) -> Result<Vec<Ticket>, ListRefusal> {
        let chosen: Vec<&Place> = match filter {
            TicketFilter::OfEvent(id) => {
                let show = self.shows.get(id.as_str()).ok_or(ListRefusal::EventNotFound)?;
                if !mine(caller, &show.owner) {
                    return Err(ListRefusal::NotYours);
                }
                self.places.values().filter(|place| place.wish.event_id == *id).collect()
            }
            TicketFilter::OfEmail(email) => {
                let of = self.places.values().filter(|place| place.wish.email.key() == email.key());
                of.filter(|place| mine(caller, &place.owner)).collect()
            }
        };
        // The map is in the order of the ids.
        Ok(chosen.into_iter().map(|place| place.seen(now)).collect())
    }
}
