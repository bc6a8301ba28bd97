//! Events, and what is asked of the host about them.

use schemars::JsonSchema;
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::ids::EventId;
use crate::moment::Moment;

/// An event as it stands at the moment of the request. As JSON it is the event of the REST contract.
///
/// At all times `capacity = available + reserved + confirmed`; a hold that is due counts as available.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(description = "An event.")]
pub struct Event {
    #[allow(missing_docs, reason = "a line here would be one in the API's description")]
    pub id: EventId,
    #[allow(missing_docs, reason = "as above")]
    pub name: String,
    /// Seats in all.
    pub capacity: u32,
    /// Seats that can be reserved now.
    pub available: u32,
    /// Seats held and not yet confirmed. Not in the JSON.
    #[serde(skip)]
    pub reserved: u32,
    /// Seats of confirmed tickets. Not in the JSON.
    #[serde(skip)]
    pub confirmed: u32,
    /// When it begins; absent where the organizer did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Moment")]
    pub starts_at: Option<Moment>,
    #[allow(missing_docs, reason = "as above")]
    pub tags: Vec<String>,
    /// Whatever the organizer stored.
    #[serde(serialize_with = "as_json")]
    #[schemars(with = "Map<String, Json>")]
    pub attributes: String,
    #[allow(missing_docs, reason = "as above")]
    pub created_at: Moment,
    /// Counts the organizer's edits, from 1.
    pub version: u64,
}

/// The attributes are JSON already, kept to the digit.
fn as_json<S: Serializer>(attributes: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let json: &RawValue = serde_json::from_str(attributes)
        .map_err(|error| S::Error::custom(format_args!("The event's attributes are not JSON: {error}")))?;
    json.serialize(serializer)
}

impl Event {
    /// The entity tag of the event's JSON: nothing in it changes without its version or its availability.
    ///
    /// What stands before the dash is the version alone. `If-Match` compares nothing else: a change that somebody makes of what they
    /// have read holds whether or not a seat was sold since.
    #[must_use]
    pub fn etag(&self) -> String {
        tag(self.version, self.available)
    }
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

/// The seats of an event at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(description = "The seats of an event.")]
pub struct Availability {
    #[allow(missing_docs, reason = "a line here would be one in the API's description")]
    pub event_id: EventId,
    /// `available + reserved + confirmed`.
    pub capacity: u32,
    #[allow(missing_docs, reason = "as above")]
    pub available: u32,
    /// Seats held and not yet confirmed.
    pub reserved: u32,
    #[allow(missing_docs, reason = "as above")]
    pub confirmed: u32,
    #[allow(missing_docs, reason = "as above")]
    pub server_time: Moment,
}

impl Availability {
    /// The seats of this event, which is as it stood at `now`.
    #[must_use]
    pub fn of(event: Event, now: Moment) -> Self {
        Self {
            event_id: event.id,
            capacity: event.capacity,
            available: event.available,
            reserved: event.reserved,
            confirmed: event.confirmed,
            server_time: now,
        }
    }
}

/// What an organizer says of a new event. As an [`Input`](crate::Input), it is the body of `POST /events`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// 1 to 200 characters, not only white space, no control characters.
    pub name: String,
    /// 1 to 1,000,000 seats.
    pub capacity: u32,
    /// When it begins.
    pub starts_at: Option<Moment>,
    /// At most 16, each 1 to 64 characters without control characters, no two the same.
    pub tags: Vec<String>,
    /// A JSON object of at most 8 KiB; none means `{}`.
    pub attributes: Option<String>,
}

/// What is to change in an event, as the host takes it; none leaves a field as it is. The limits are those of [`NewEvent`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventPatch {
    /// Its new name.
    pub name: Option<String>,
    /// Never below the seats reserved and confirmed.
    pub capacity: Option<u32>,
    /// `Some(None)` removes the start.
    pub starts_at: Option<Option<Moment>>,
    /// All tags anew.
    pub tags: Option<Vec<String>>,
    /// The whole new object.
    pub attributes: Option<String>,
    /// Change nothing unless the event's version is this one. Versions count from 1: with 0, the host says who may change the event
    /// and which version it has, and changes nothing.
    pub if_version: Option<u64>,
}

/// Which events, and how many of them. All conditions must hold. As an [`Input`](crate::Input), it is the query of `GET /events`.
#[derive(Clone, Debug, PartialEq)]
pub struct EventQuery {
    /// Items of the page, 1 to 100.
    pub limit: u32,
    /// The `next_cursor` of the page before, from a query with the same conditions.
    pub cursor: Option<String>,
    /// Words that the name contains, each anywhere, ASCII case ignored. At most 200 characters.
    pub words: Option<String>,
    /// A tag that the event has, exactly.
    pub tag: Option<String>,
    /// Starts at this moment or later.
    pub starts_after: Option<Moment>,
    /// Starts before this moment.
    pub starts_before: Option<Moment>,
    /// Only events with at least one seat available.
    pub available_only: bool,
}

impl Default for EventQuery {
    /// The first 50 events there are.
    fn default() -> Self {
        Self {
            limit: crate::read::query::LIMIT_DEFAULT,
            cursor: None,
            words: None,
            tag: None,
            starts_after: None,
            starts_before: None,
            available_only: false,
        }
    }
}

/// One page of events: soonest start first (none: last), then by id.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(description = "A page of events, soonest start first.")]
pub struct EventPage {
    #[allow(missing_docs, reason = "a line here would be one in the API's description")]
    pub items: Vec<Event>,
    /// Null on the last page.
    pub next_cursor: Option<String>,
}
