//! `boxoffice:rules/events`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::convert::{findings, optional_moment};
use super::function::{HostFunction, Known};
use super::quota::Weight;
use crate::domain::{self, EventId, Millis, Permission};
use crate::store::{ListRefusal, UpdateRefusal};
use crate::wasm::bindings::boxoffice::rules::events::{
    CreateRefusal, EventPage, EventPatch, EventQuery, GetRefusal, Host, ListRefusal as WitListRefusal, NewEvent,
    UpdateRefusal as WitUpdateRefusal,
};
use crate::wasm::bindings::boxoffice::rules::types::{Event, InvalidField};
use crate::wasm::run::{Grants, Run};

impl Host for Run {
    async fn create(&mut self, new: NewEvent) -> wasmtime::Result<Result<Event, CreateRefusal>> {
        self.host_call::<Create>(new).await
    }

    async fn get(&mut self, id: String) -> wasmtime::Result<Result<Event, GetRefusal>> {
        self.host_call::<Get>(id).await
    }

    async fn list(&mut self, query: EventQuery) -> wasmtime::Result<Result<EventPage, WitListRefusal>> {
        self.host_call::<List>(query).await
    }

    async fn update(&mut self, id: String, patch: EventPatch) -> wasmtime::Result<Result<Event, WitUpdateRefusal>> {
        self.host_call::<Update>(Patched { id, patch }).await
    }
}

/// `events.create`
pub(in crate::wasm) struct Create;

impl HostFunction for Create {
    type Asked = NewEvent;
    type Answer = Event;
    type Refusal = CreateRefusal;
    const DENIED: CreateRefusal = CreateRefusal::AccessDenied;

    fn permission(_: &NewEvent) -> Permission {
        Permission::CreateEvent
    }

    fn call(
        grants: &Grants,
        now: Millis,
        asked: NewEvent,
    ) -> Result<impl Future<Output = Known<Self>> + Send, CreateRefusal> {
        let new = new_event(asked).map_err(CreateRefusal::Invalid)?;
        Ok(async move { Ok(Ok(grants.store.create_event(now, &grants.actor, new).await?.into())) })
    }
}

/// `events.get`
pub(in crate::wasm) struct Get;

impl HostFunction for Get {
    type Asked = String;
    type Answer = Event;
    type Refusal = GetRefusal;
    const DENIED: GetRefusal = GetRefusal::AccessDenied;

    fn permission(_: &String) -> Permission {
        Permission::ReadEvents
    }

    fn call(
        grants: &Grants,
        now: Millis,
        asked: String,
    ) -> Result<impl Future<Output = Known<Self>> + Send, GetRefusal> {
        let id = EventId::new(asked);
        Ok(async move {
            let event = grants.store.event(now, &id).await?;
            Ok(event.map(Into::into).ok_or(GetRefusal::EventNotFound))
        })
    }
}

/// `events.list`
pub(in crate::wasm) struct List;

impl HostFunction for List {
    type Asked = EventQuery;
    type Answer = EventPage;
    type Refusal = WitListRefusal;
    const DENIED: WitListRefusal = WitListRefusal::AccessDenied;

    fn permission(_: &EventQuery) -> Permission {
        Permission::ReadEvents
    }

    fn call(
        grants: &Grants,
        now: Millis,
        asked: EventQuery,
    ) -> Result<impl Future<Output = Known<Self>> + Send, WitListRefusal> {
        let query = event_query(asked).map_err(WitListRefusal::Invalid)?;
        Ok(async move {
            let page = grants.store.events(now, query).await?;
            Ok(page
                .map(|page| {
                    let items = page.items.into_iter().map(Into::into).collect();
                    EventPage { items, next_cursor: page.next_cursor }
                })
                .map_err(|refusal| match refusal {
                    ListRefusal::Invalid(field) => WitListRefusal::Invalid(findings(vec![field])),
                    ListRefusal::EventNotFound | ListRefusal::NotYours => WitListRefusal::AccessDenied,
                }))
        })
    }
}

/// `events.update`
pub(in crate::wasm) struct Update;

/// The arguments of [`Update`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wasm) struct Patched {
    /// Which event.
    id: String,
    /// What is to change.
    #[serde(with = "PatchForm")]
    patch: EventPatch,
}

/// How a patch is written: as it is, but for what can be removed.
#[derive(Serialize, Deserialize)]
#[serde(remote = "EventPatch", deny_unknown_fields)]
#[expect(clippy::option_option, reason = "the contract's")]
struct PatchForm {
    name: Option<String>,
    capacity: Option<u32>,
    #[serde(serialize_with = "written", deserialize_with = "read")]
    starts_at_ms: Option<Option<u64>>,
    tags: Option<Vec<String>>,
    attributes: Option<String>,
    if_version: Option<u64>,
}

/// A new value, or none. JSON has one `null`, which stands for "as it is"; so what removes a value is written as `{"set": null}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    set: Option<u64>,
}

#[expect(clippy::ref_option, clippy::option_option, reason = "serde's form, and the contract's")]
fn written<S: Serializer>(change: &Option<Option<u64>>, serializer: S) -> Result<S::Ok, S::Error> {
    change.map(|set| Change { set }).serialize(serializer)
}

#[expect(clippy::option_option, reason = "the contract's")]
fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Ok(Option::<Change>::deserialize(deserializer)?.map(|change| change.set))
}

impl Weight for Patched {
    fn weight(&self) -> usize {
        self.id.len() + self.patch.weight()
    }
}

impl HostFunction for Update {
    type Asked = Patched;
    type Answer = Event;
    type Refusal = WitUpdateRefusal;
    const DENIED: WitUpdateRefusal = WitUpdateRefusal::AccessDenied;

    fn permission(_: &Patched) -> Permission {
        Permission::UpdateEvent
    }

    fn call(
        grants: &Grants,
        now: Millis,
        asked: Patched,
    ) -> Result<impl Future<Output = Known<Self>> + Send, WitUpdateRefusal> {
        let patch = event_patch(asked.patch).map_err(WitUpdateRefusal::Invalid)?;
        let id = EventId::new(asked.id);
        Ok(async move {
            let updated = grants.store.update_event(now, &grants.actor, &id, patch).await?;
            Ok(updated.map(Into::into).map_err(|refusal| match refusal {
                UpdateRefusal::EventNotFound => WitUpdateRefusal::EventNotFound,
                UpdateRefusal::NotYours => WitUpdateRefusal::AccessDenied,
                UpdateRefusal::VersionMismatch(present) => WitUpdateRefusal::VersionMismatch(present),
                UpdateRefusal::CapacityBelowSold(taken) => WitUpdateRefusal::CapacityBelowSold(taken),
            }))
        })
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
