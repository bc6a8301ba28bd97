//! Events: how they look in JSON, and how one is made.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::attributes;
use crate::body;
use crate::events::{CreateRefusal, NewEvent};
use crate::field::Field;
use crate::handler::Request;
use crate::host::Host;
use crate::problem::{Code, Problem, Wrongs};
use crate::reply::{self, Answer};
use crate::time::Moment;
use crate::types::Event;
use crate::values::{Capacity, Name, Start, Tags};

/// An event.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub(crate) struct EventJson<'a> {
    id: &'a str,
    name: &'a str,
    /// Seats in all.
    capacity: u32,
    /// Seats that can be reserved now.
    available: u32,
    /// When it begins; absent where the organizer did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Moment")]
    starts_at: Option<Moment>,
    tags: &'a [String],
    /// Whatever the organizer stored.
    #[schemars(with = "Map<String, Json>")]
    attributes: &'a RawValue,
    created_at: Moment,
    /// Counts the organizer's edits, from 1.
    version: u64,
}

impl<'a> TryFrom<&'a Event> for EventJson<'a> {
    type Error = Problem;

    fn try_from(event: &'a Event) -> Result<Self, Problem> {
        Ok(Self {
            id: &event.id,
            name: &event.name,
            capacity: event.capacity,
            available: event.available,
            starts_at: event.starts_at_ms.map(Moment),
            tags: &event.tags,
            attributes: serde_json::from_str(&event.attributes)
                .map_err(|error| Problem::failed(format_args!("The event's attributes are not JSON: {error}")))?,
            created_at: Moment(event.created_at_ms),
            version: event.version,
        })
    }
}

/// The entity tag of an event's JSON: nothing in it changes without its version or its availability.
///
/// What stands before the dash is the version alone. `If-Match` compares nothing else: a change that somebody makes of what they have
/// read holds whether or not a seat was sold since.
pub(crate) fn etag(event: &Event) -> String {
    tag(event.version, event.available)
}

fn tag(version: u64, available: u32) -> String {
    format!("\"{version}-{available}\"")
}

/// The version in an entity tag, if it is one of ours.
pub(crate) fn version_in(etag: &str) -> Option<u64> {
    let (version, available) = etag.trim_matches('"').split_once('-')?;
    let (version, available) = (version.parse().ok()?, available.parse().ok()?);
    // Numbers can be written otherwise, and we do not.
    (tag(version, available) == etag).then_some(version)
}

/// What an organizer says of a new event.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewEvent")]
pub(crate) struct NewEventBody<'a> {
    /// Trimmed.
    name: Field<Name>,
    /// Seats in all.
    capacity: Field<Capacity>,
    /// When it begins.
    #[serde(default)]
    #[schemars(with = "Option<Start>")]
    starts_at: Field<Start>,
    #[serde(default)]
    #[schemars(with = "Option<Tags>")]
    tags: Field<Tags>,
    /// At most 8 KiB of anything, no name twice in one object.
    #[serde(borrow)]
    #[schemars(with = "Option<Map<String, Json>>")]
    attributes: Option<&'a RawValue>,
}

impl NewEventBody<'_> {
    /// The event that the body describes, or all that is wrong with it.
    fn check(self) -> Result<NewEvent, Problem> {
        let mut wrongs = Wrongs::default();
        let name = self.name.required("name", &mut wrongs);
        let capacity = self.capacity.required("capacity", &mut wrongs);
        let starts_at = self.starts_at.optional("starts_at", &mut wrongs);
        let tags = self.tags.optional("tags", &mut wrongs);
        if let Some(attributes) = self.attributes {
            attributes::check(attributes, &mut wrongs);
        }
        match (name, capacity) {
            (Some(Name(name)), Some(Capacity(capacity))) if wrongs.is_empty() => Ok(NewEvent {
                name,
                capacity,
                starts_at_ms: starts_at.map(|start| start.0.0),
                tags: tags.map_or_else(Vec::new, Tags::into_texts),
                attributes: self.attributes.map(|text| text.get().to_owned()),
            }),
            _ => Err(wrongs.into_problem()),
        }
    }
}

/// `POST /events`.
pub(crate) fn create(host: &impl Host, request: &Request) -> Answer {
    let new = body::read::<NewEventBody>(&request.body)?.check()?;
    let event = host.create_event(&new).map_err(|refusal| match refusal {
        CreateRefusal::AccessDenied => Problem::from(Code::Forbidden),
        CreateRefusal::Invalid(fields) => Problem::of_host(fields),
        CreateRefusal::Other(text) => Problem::refused(text),
    })?;
    let location = format!("/events/{}", event.id);
    let headers = [("location", location.as_str()), ("etag", &etag(&event)), reply::REVALIDATE];
    reply::json(201, &EventJson::try_from(&event)?, headers)
}
