//! `PATCH /events/{id}`: a JSON merge patch (RFC 7396).

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::attributes;
use crate::body;
use crate::condition::{self, Wanted};
use crate::event::{EventJson, etag};
use crate::event_reads::find;
use crate::events::{EventPatch, UpdateRefusal};
use crate::field::Field;
use crate::handler::Request;
use crate::host::Host;
use crate::problem::{Code, Problem, Wrongs};
use crate::reply::{self, Answer};
use crate::router::id;
use crate::types::Event;
use crate::values::{Capacity, Name, Start, Tags};

/// How often a change is tried before others, who were quicker each time, win.
const ATTEMPTS_MAX: usize = 16;
/// Versions count from 1, so no event has this one: asked for, it makes the host say whether the caller may change the event, and
/// which version it has, without a change.
const NO_VERSION: u64 = 0;

/// What is to change in an event: a JSON merge patch. What is absent stays as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EventPatch")]
pub(crate) struct EventPatchBody<'a> {
    /// Trimmed.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Name")]
    name: Option<Field<Name>>,
    /// Seats in all, never fewer than are reserved and confirmed.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Capacity")]
    capacity: Option<Field<Capacity>>,
    /// When it begins; null removes it.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<Start>")]
    starts_at: Option<Field<Start>>,
    /// All tags anew; null removes them all.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<Tags>")]
    tags: Option<Field<Tags>>,
    /// Merged with what is there, objects in it too; null removes a member, and in place of the object all of them. At most 8 KiB
    /// afterwards.
    #[serde(borrow, default, deserialize_with = "given")]
    #[schemars(with = "Option<Map<String, Json>>")]
    attributes: Option<&'a RawValue>,
}

/// Reads a field that is there, null included: in a patch that is not the same as its absence.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl<'a> EventPatchBody<'a> {
    /// The change that the body describes. What is wrong with it is added to `wrongs`.
    fn check(self, wrongs: &mut Wrongs) -> Change<'a> {
        let name = self.name.and_then(|name| kept(name, "name", wrongs)).map(|name| name.0);
        let capacity = self.capacity.and_then(|seats| kept(seats, "capacity", wrongs)).map(|seats| seats.0);
        let starts_at_ms = self.starts_at.map(|start| start.optional("starts_at", wrongs).map(|start| start.0.0));
        let tags = self.tags.map(|tags| tags.optional("tags", wrongs).map_or_else(Vec::new, Tags::into_texts));
        let (attributes, merge) = match self.attributes {
            None => (None, None),
            Some(null) if null.get() == "null" => (Some("{}".to_owned()), None),
            Some(patch) => {
                attributes::check_patch(patch, wrongs);
                (None, Some(patch).filter(|patch| !attributes::is_empty(patch)))
            }
        };
        Change { patch: EventPatch { name, capacity, starts_at_ms, tags, attributes, if_version: None }, merge }
    }
}

/// A field that null does not remove.
fn kept<T>(field: Field<T>, name: &str, wrongs: &mut Wrongs) -> Option<T> {
    if matches!(field, Field::Absent) {
        wrongs.add(format!("/{name}"), "cannot be removed; leave it out to keep it as it is");
    }
    field.optional(name, wrongs)
}

/// What is to change.
struct Change<'a> {
    /// All but what depends on the event.
    patch: EventPatch,
    /// What its attributes are to be merged with.
    merge: Option<&'a RawValue>,
}

impl Change<'_> {
    fn is_empty(&self) -> bool {
        let EventPatch { name, capacity, starts_at_ms, tags, attributes, if_version: _ } = &self.patch;
        let same = name.is_none() && capacity.is_none() && starts_at_ms.is_none();
        same && tags.is_none() && attributes.is_none() && self.merge.is_none()
    }

    /// Changes the event, if it has a version that is wanted. Merging takes a read before the write, so that is tried again where the
    /// version has moved in between.
    fn apply(&self, host: &impl Host, request: &Request, wanted: &Wanted) -> Result<Event, Problem> {
        let mut told = None;
        for _ in 0..ATTEMPTS_MAX {
            let mut patch = self.patch.clone();
            let mut base = None;
            if let Some(merge) = self.merge {
                let event = find(host, request)?;
                patch.attributes = Some(attributes::merge(&event.attributes, merge)?);
                base = Some(event.version);
            }
            patch.if_version = match (wanted, base.or(told)) {
                (Wanted::Any, _) => base,
                (Wanted::Versions(_), Some(present)) => {
                    Some(present).filter(|v| wanted.admits(*v)).or(Some(NO_VERSION))
                }
                (Wanted::Versions(versions), None) => versions.first().copied().or(Some(NO_VERSION)),
            };
            match host.update_event(id(request), &patch) {
                Ok(event) => return Ok(event),
                Err(UpdateRefusal::VersionMismatch(present)) if wanted.admits(present) => told = Some(present),
                Err(refusal) => return Err(refused(refusal)),
            }
        }
        Err(Code::EditConflict.into())
    }
}

/// The event as it is, for whoever may change it: what an empty patch comes to. It makes no new version.
fn unchanged(host: &impl Host, request: &Request, wanted: &Wanted) -> Result<Event, Problem> {
    let nothing = EventPatch {
        name: None,
        capacity: None,
        starts_at_ms: None,
        tags: None,
        attributes: None,
        if_version: Some(NO_VERSION),
    };
    match host.update_event(id(request), &nothing) {
        Ok(_) => Err(Problem::failed("The host changed an event of a version that there is not")),
        Err(UpdateRefusal::VersionMismatch(present)) if wanted.admits(present) => find(host, request),
        Err(refusal) => Err(refused(refusal)),
    }
}

/// Answers.
pub(crate) fn update(host: &impl Host, request: &Request) -> Answer {
    let mut wrongs = Wrongs::default();
    let change = body::read::<EventPatchBody>(&request.body)?.check(&mut wrongs);
    let wanted = condition::if_match(request, &mut wrongs);
    if !wrongs.is_empty() {
        return Err(wrongs.into_problem());
    }
    let event =
        if change.is_empty() { unchanged(host, request, &wanted)? } else { change.apply(host, request, &wanted)? };
    reply::json(200, &EventJson::try_from(&event)?, [("etag", etag(&event).as_str()), reply::REVALIDATE])
}

fn refused(refusal: UpdateRefusal) -> Problem {
    match refusal {
        UpdateRefusal::EventNotFound => Code::EventNotFound.into(),
        UpdateRefusal::AccessDenied => Problem::of_another_organizer(),
        UpdateRefusal::VersionMismatch(present) => Problem::from(Code::PreconditionFailed).because(format!(
            "The event has version {present} now, which If-Match does not name; read it again and send the change with its new ETag."
        )),
        UpdateRefusal::CapacityBelowSold(taken) => Problem::from(Code::CapacityBelowSold).because(format!(
            "{taken} seats are reserved or confirmed, so the capacity must be at least {taken}; cancel tickets to have fewer."
        )),
        UpdateRefusal::Invalid(fields) => Problem::of_host(fields),
        UpdateRefusal::Other(text) => Problem::refused(text),
    }
}
