//! The body of `PATCH /events/{id}`: a JSON merge patch (RFC 7396).

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::field::Field;
use super::values::{Capacity, Name, Start, Tags};
use super::{attributes, body};
use crate::context::Context;
use crate::event::EventPatch;
use crate::input::{Input, InputManifest};
use crate::manifest::Method;
use crate::read::condition::{self, Wanted};
use crate::refusal::{Faults, Refusal};
use crate::schema;

/// What a caller wants changed in an event: the body of `PATCH /events/{id}` and its `If-Match`, checked.
#[derive(Clone, Debug)]
pub struct EventChange {
    /// All but what depends on the event.
    pub patch: EventPatch,
    /// What its attributes are to be merged with: a JSON object, by RFC 7396.
    pub(crate) merge: Option<Box<RawValue>>,
    /// The versions of the event that the caller wants changed.
    pub wanted: Wanted,
}

impl EventChange {
    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patch == EventPatch::default() && self.merge.is_none()
    }

    /// What the attributes are to be merged with, as JSON text, if with anything.
    #[must_use]
    pub fn merged_attributes(&self) -> Option<&str> {
        self.merge.as_deref().map(RawValue::get)
    }
}

impl Input for EventChange {
    fn read(cx: &Context<'_>) -> Result<Self, Refusal> {
        let mut faults = Faults::default();
        let (patch, merge) = body::read::<EventPatchBody>(&cx.request().body)?.check(&mut faults);
        let wanted = condition::if_match(cx, &mut faults);
        let merge = merge.map(ToOwned::to_owned);
        faults.check().map(|()| Self { patch, merge, wanted })
    }

    fn manifest(_: Method) -> InputManifest {
        InputManifest { body_schema: Some(schema::read::<EventPatchBody>()), ..InputManifest::default() }
    }
}

/// What is to change in an event: a JSON merge patch. What is absent stays as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EventPatch")]
struct EventPatchBody<'a> {
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
    /// The change that the body describes. What is wrong with it is added to `faults`.
    fn check(self, faults: &mut Faults) -> (EventPatch, Option<&'a RawValue>) {
        let name = self.name.and_then(|name| kept(name, "name", faults)).map(|name| name.0);
        let capacity = self.capacity.and_then(|seats| kept(seats, "capacity", faults)).map(|seats| seats.0);
        let starts_at = self.starts_at.map(|start| start.optional("starts_at", faults).map(|start| start.0));
        let tags = self.tags.map(|tags| tags.optional("tags", faults).map_or_else(Vec::new, Tags::into_texts));
        let (attributes, merge) = match self.attributes {
            None => (None, None),
            Some(null) if null.get() == "null" => (Some("{}".to_owned()), None),
            Some(patch) => {
                attributes::check_patch(patch, faults);
                (None, Some(patch).filter(|patch| !attributes::is_empty(patch)))
            }
        };
        (EventPatch { name, capacity, starts_at, tags, attributes, if_version: None }, merge)
    }
}

/// A field that null does not remove.
fn kept<T>(field: Field<T>, name: &str, faults: &mut Faults) -> Option<T> {
    if matches!(field, Field::Absent) {
        faults.add(format!("/{name}"), "cannot be removed; leave it out to keep it as it is");
    }
    field.optional(name, faults)
}
