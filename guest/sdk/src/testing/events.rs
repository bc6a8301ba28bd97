//! The host functions about events.

use super::checks;
use super::lists::{Scope, page};
use super::state::{Caller, EventRow, State};
use crate::event::{Event, EventPage, EventPatch, EventQuery, NewEvent};
use crate::host_refusal::{CreateRefusal, GetEventRefusal, ListEventsRefusal, UpdateRefusal};
use crate::ids::EventId;
use crate::moment::Moment;

impl State {
    pub(super) fn create_event(&mut self, caller: &Caller, new: NewEvent) -> Result<Event, CreateRefusal> {
        if !caller.roles.organizer && !caller.roles.admin {
            return Err(CreateRefusal::AccessDenied);
        }
        checks::new_event(&new).map_err(CreateRefusal::Invalid)?;
        let event = Event {
            id: self.next_event_id(),
            name: new.name,
            capacity: new.capacity,
            available: new.capacity,
            reserved: 0,
            confirmed: 0,
            starts_at: new.starts_at,
            tags: new.tags,
            attributes: new.attributes.unwrap_or_else(|| "{}".to_owned()),
            created_at: self.now,
            version: 1,
        };
        let row = EventRow { owner: caller.owner().to_owned(), event: event.clone() };
        self.events.insert(event.id.as_str().to_owned(), row);
        Ok(event)
    }

    pub(super) fn event(&self, id: &EventId) -> Result<Event, GetEventRefusal> {
        self.events.get(id.as_str()).map(|row| self.seen(row)).ok_or(GetEventRefusal::EventNotFound)
    }

    pub(super) fn update_event(
        &mut self,
        caller: &Caller,
        id: &EventId,
        patch: EventPatch,
    ) -> Result<Event, UpdateRefusal> {
        if !caller.roles.organizer && !caller.roles.admin {
            return Err(UpdateRefusal::AccessDenied);
        }
        checks::event_patch(&patch).map_err(UpdateRefusal::Invalid)?;
        let row = self.events.get(id.as_str()).ok_or(UpdateRefusal::EventNotFound)?;
        if !caller.may_touch(&row.owner) {
            return Err(UpdateRefusal::AccessDenied);
        }
        let before = self.seen(row);
        if patch.if_version.is_some_and(|version| version != before.version) {
            return Err(UpdateRefusal::VersionMismatch(before.version));
        }
        let taken = before.reserved + before.confirmed;
        if patch.capacity.unwrap_or(before.capacity) < taken {
            return Err(UpdateRefusal::CapacityBelowSold(taken));
        }
        let row = self.events.get_mut(id.as_str()).ok_or(UpdateRefusal::EventNotFound)?;
        let event = &mut row.event;
        event.name = patch.name.unwrap_or_else(|| before.name.clone());
        event.capacity = patch.capacity.unwrap_or(before.capacity);
        event.starts_at = patch.starts_at.unwrap_or(before.starts_at);
        event.tags = patch.tags.unwrap_or(before.tags);
        event.attributes = patch.attributes.unwrap_or(before.attributes);
        event.version += 1;
        self.event(id).map_err(|_| UpdateRefusal::EventNotFound)
    }

    pub(super) fn events(&self, query: &EventQuery) -> Result<EventPage, ListEventsRefusal> {
        checks::event_query(query).map_err(ListEventsRefusal::Invalid)?;
        let all: Vec<Event> = self.events.values().map(|row| self.seen(row)).filter(|e| fits(e, query)).collect();
        let (items, next_cursor) = page(all, place, &scope(query), query.cursor.as_deref(), query.limit)
            .map_err(ListEventsRefusal::Invalid)?;
        Ok(EventPage { items, next_cursor })
    }
}

/// Where an event stands in the order: soonest start first, none last, then by id.
fn place(event: &Event) -> String {
    format!("{:020}{}", event.starts_at.map_or(u64::MAX, Moment::as_ms), event.id)
}

fn scope(query: &EventQuery) -> Scope {
    let number = |at: Option<Moment>| at.map(|at| at.as_ms().to_string());
    Scope::new("events")
        .with(query.words.as_deref())
        .with(query.tag.as_deref())
        .with(number(query.starts_after).as_deref())
        .with(number(query.starts_before).as_deref())
        .with(query.available_only.then_some("available"))
}

/// Whether all conditions hold. An event without a start starts neither before nor after anything.
fn fits(event: &Event, query: &EventQuery) -> bool {
    let name = event.name.to_ascii_lowercase();
    let words = query.words.as_deref().unwrap_or_default().to_ascii_lowercase();
    words.split_whitespace().all(|word| name.contains(word))
        && query.tag.as_ref().is_none_or(|tag| event.tags.contains(tag))
        && query.starts_after.is_none_or(|after| event.starts_at.is_some_and(|at| at >= after))
        && query.starts_before.is_none_or(|before| event.starts_at.is_some_and(|at| at < before))
        && (!query.available_only || event.available > 0)
}
