//! `boxoffice:rules/events`.

use super::convert::{findings, optional_moment};
use super::{StoreFailed, known};
use crate::domain::{self, EventId, Permission};
use crate::store::{ListRefusal, UpdateRefusal};
use crate::wasm::bindings::boxoffice::rules::events::{
    CreateRefusal, EventPage, EventPatch, EventQuery, GetRefusal, Host, ListRefusal as WitListRefusal, NewEvent,
    UpdateRefusal as WitUpdateRefusal,
};
use crate::wasm::bindings::boxoffice::rules::types::{Event, InvalidField};
use crate::wasm::run::Run;

impl Host for Run {
    async fn create(&mut self, new: NewEvent) -> wasmtime::Result<Result<Event, CreateRefusal>> {
        let Some(grants) = self.begin(Permission::CreateEvent, &new)? else {
            return Ok(Err(CreateRefusal::AccessDenied));
        };
        let new = match new_event(new) {
            Ok(new) => new,
            Err(found) => return Ok(Err(CreateRefusal::Invalid(found))),
        };
        let now = self.now;
        let created = self.store_call(grants.store.create_event(now, &grants.principal, new)).await;
        Ok(Ok(self.answer(created.map_err(StoreFailed)?)))
    }

    async fn get(&mut self, id: String) -> wasmtime::Result<Result<Event, GetRefusal>> {
        let Some(grants) = self.begin(Permission::ReadEvents, &id)? else { return Ok(Err(GetRefusal::AccessDenied)) };
        let now = self.now;
        let event = self.store_call(grants.store.event(now, &EventId::new(id))).await.map_err(StoreFailed)?;
        Ok(event.map(|event| self.answer(event)).ok_or(GetRefusal::EventNotFound))
    }

    async fn list(&mut self, query: EventQuery) -> wasmtime::Result<Result<EventPage, WitListRefusal>> {
        let Some(grants) = self.begin(Permission::ReadEvents, &query)? else {
            return Ok(Err(WitListRefusal::AccessDenied));
        };
        let query = match event_query(query) {
            Ok(query) => query,
            Err(found) => return Ok(Err(WitListRefusal::Invalid(found))),
        };
        let now = self.now;
        let page = known(self.store_call(grants.store.events(now, query)).await)?;
        Ok(page
            .map(|page| {
                let items = page.items.into_iter().map(Into::into).collect();
                self.answer(EventPage { items, next_cursor: page.next_cursor })
            })
            .map_err(|refusal| match refusal {
                ListRefusal::Invalid(field) => WitListRefusal::Invalid(findings(vec![field])),
                ListRefusal::EventNotFound | ListRefusal::NotYours => WitListRefusal::AccessDenied,
            }))
    }

    async fn update(&mut self, id: String, patch: EventPatch) -> wasmtime::Result<Result<Event, WitUpdateRefusal>> {
        let Some(grants) = self.begin(Permission::UpdateEvent, &(&id, &patch))? else {
            return Ok(Err(WitUpdateRefusal::AccessDenied));
        };
        let patch = match event_patch(patch) {
            Ok(patch) => patch,
            Err(found) => return Ok(Err(WitUpdateRefusal::Invalid(found))),
        };
        let now = self.now;
        let id = EventId::new(id);
        let call = grants.store.update_event(now, &grants.principal, &id, patch);
        let updated = known(self.store_call(call).await)?;
        Ok(updated.map(|event| self.answer(event)).map_err(|refusal| match refusal {
            UpdateRefusal::EventNotFound => WitUpdateRefusal::EventNotFound,
            UpdateRefusal::NotYours => WitUpdateRefusal::AccessDenied,
            UpdateRefusal::VersionMismatch(present) => WitUpdateRefusal::VersionMismatch(present),
            UpdateRefusal::CapacityBelowSold(taken) => WitUpdateRefusal::CapacityBelowSold(taken),
        }))
    }
}

fn new_event(new: NewEvent) -> Result<domain::NewEvent, Vec<InvalidField>> {
    let new = domain::NewEvent {
        name: new.name,
        capacity: new.capacity,
        starts_at: optional_moment("/starts_at", new.starts_at_ms)?,
        tags: new.tags,
        attributes: new.attributes.unwrap_or_else(|| "{}".into()),
    };
    new.check().map_err(findings)?;
    Ok(new)
}

fn event_query(query: EventQuery) -> Result<domain::EventQuery, Vec<InvalidField>> {
    let query = domain::EventQuery {
        limit: query.limit,
        cursor: query.cursor,
        words: query.words,
        tag: query.tag,
        starts_after: optional_moment("/starts_after", query.starts_after_ms)?,
        starts_before: optional_moment("/starts_before", query.starts_before_ms)?,
        available_only: query.available_only,
    };
    query.check().map_err(findings)?;
    Ok(query)
}

fn event_patch(patch: EventPatch) -> Result<domain::EventPatch, Vec<InvalidField>> {
    let patch = domain::EventPatch {
        name: patch.name,
        capacity: patch.capacity,
        starts_at: patch.starts_at_ms.map(|at| optional_moment("/starts_at", at)).transpose()?,
        tags: patch.tags,
        attributes: patch.attributes,
        if_version: patch.if_version,
    };
    patch.check().map_err(findings)?;
    Ok(patch)
}
