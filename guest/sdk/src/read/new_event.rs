//! The body of `POST /events`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::field::Field;
use super::values::{Capacity, Name, Start, Tags};
use super::{attributes, body};
use crate::context::Context;
use crate::event::NewEvent;
use crate::input::{Input, InputManifest};
use crate::manifest::Method;
use crate::refusal::{Faults, Refusal};
use crate::schema;

impl Input for NewEvent {
    fn read(cx: &Context<'_>) -> Result<Self, Refusal> {
        body::read::<NewEventBody>(&cx.request().body)?.check()
    }

    fn manifest(_: Method) -> InputManifest {
        InputManifest { body_schema: Some(schema::read::<NewEventBody>()), ..InputManifest::default() }
    }
}

/// What an organizer says of a new event.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewEvent")]
struct NewEventBody<'a> {
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
    fn check(self) -> Result<NewEvent, Refusal> {
        let mut faults = Faults::default();
        let name = self.name.required("name", &mut faults);
        let capacity = self.capacity.required("capacity", &mut faults);
        let starts_at = self.starts_at.optional("starts_at", &mut faults);
        let tags = self.tags.optional("tags", &mut faults);
        if let Some(attributes) = self.attributes {
            attributes::check(attributes, &mut faults);
        }
        match (name, capacity) {
            (Some(Name(name)), Some(Capacity(capacity))) if faults.is_empty() => Ok(NewEvent {
                name,
                capacity,
                starts_at: starts_at.map(|start| start.0),
                tags: tags.map_or_else(Vec::new, Tags::into_texts),
                attributes: self.attributes.map(|text| text.get().to_owned()),
            }),
            _ => Err(faults.into_refusal()),
        }
    }
}
