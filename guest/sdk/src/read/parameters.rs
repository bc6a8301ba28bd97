//! The parameters of the lists, as far as the manifest tells them: `query` reads them, and since they are text it needs no serde for that.
//! That both say the same of each parameter is a test of the standard rules (`described::of_a_query`).
#![expect(dead_code, reason = "only their schemas are used")]

use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;
use std::marker::PhantomData;

use super::values::{Email, Start, Tag};

/// Items of a page.
#[derive(JsonSchema)]
struct Limit(#[schemars(regex(pattern = r"^([1-9][0-9]?|100)$"), extend("default" = "50"))] String);

/// Where a page begins.
#[derive(JsonSchema)]
struct Cursor(#[schemars(length(min = 1, max = 512))] String);

/// Words that are looked for.
#[derive(JsonSchema)]
struct Words(#[schemars(length(max = 200))] String);

/// The only value of a parameter that narrows a list.
#[derive(JsonSchema)]
struct True(#[schemars(extend("enum" = ["true"]))] String);

/// Which events, and which page of them. All conditions must hold.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct EventParameters {
    /// Events of the page, 1 to 100.
    #[schemars(default)]
    limit: Optional<Limit>,
    /// The `next_cursor` of the page before, of the same query.
    #[schemars(default)]
    cursor: Optional<Cursor>,
    /// Words that the name contains, each anywhere, ASCII case ignored.
    #[schemars(default)]
    q: Optional<Words>,
    /// A tag that the event has, exactly.
    #[schemars(default)]
    tag: Optional<Tag>,
    /// Starts at this moment or later.
    #[schemars(default)]
    starts_after: Optional<Start>,
    /// Starts before this moment.
    #[schemars(default)]
    starts_before: Optional<Start>,
    /// Only events with a seat available. Leave it out for all.
    #[schemars(default)]
    available: Optional<True>,
}

/// Which page of an email's tickets.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct EmailParameters {
    /// Whose tickets; compared in ASCII lower case.
    email: Email,
    /// Tickets of the page, 1 to 100.
    #[schemars(default)]
    limit: Optional<Limit>,
    /// The `next_cursor` of the page before, of the same email.
    #[schemars(default)]
    cursor: Optional<Cursor>,
}

/// Which page of an event's tickets.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct PageParameters {
    /// Tickets of the page, 1 to 100.
    #[schemars(default)]
    limit: Optional<Limit>,
    /// The `next_cursor` of the page before, of the same event.
    #[schemars(default)]
    cursor: Optional<Cursor>,
}

/// A parameter that may be left out, as far as its schema goes. (An `Option` could be null too, which no text is.)
struct Optional<T>(PhantomData<T>);

impl<T> Default for Optional<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: JsonSchema> JsonSchema for Optional<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
