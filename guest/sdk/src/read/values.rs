//! The values that bodies are made of, each of which exists only within its limits.
//!
//! The host checks every limit again. They are checked here too, so that a body's faults are all listed at once,
//! also where one of them (a capacity of `"many"`) keeps the host from being asked.

use email_address::{EmailAddress, Options};
use schemars::JsonSchema;
use serde::de::{Error as _, SeqAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;

use super::field::{self, Field, Value};
use crate::moment::{self, Moment};
use crate::refusal::Fault;

/// Characters of an event's name.
const NAME_CHARS_MAX: usize = 200;
/// Seats of an event.
const CAPACITY_MAX: u64 = 1_000_000;
/// Tags of an event.
const TAGS_MAX: usize = 16;
/// Characters of a tag.
const TAG_CHARS_MAX: usize = 64;
/// Bytes of an email, by RFC 5321.
const EMAIL_BYTES_MAX: usize = 254;
/// Characters of an idempotency key.
const KEY_CHARS_MAX: usize = 255;

/// Whether a text has 1 to `most` characters, none of them a control character.
fn is_line(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// The name of an event, trimmed. Its limits are those of the text before that: what the schema refuses is refused.
#[derive(JsonSchema)]
pub(crate) struct Name(
    #[schemars(
        length(min = 1, max = 200),
        // Something that is seen, and no control characters around it.
        regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")
    )]
    pub(crate) String,
);

impl Value for Name {
    const EXPECTED: &'static str =
        "must be a text of 1 to 200 characters, none of them a control character, not only white space";

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        let name = text.trim();
        let fits = is_line(text, NAME_CHARS_MAX) && !name.is_empty();
        if fits { Ok(Self(name.to_owned())) } else { Err(Self::EXPECTED.into()) }
    }
}

/// The seats of an event.
#[derive(JsonSchema)]
pub(crate) struct Capacity(#[schemars(range(min = 1, max = 1_000_000))] pub(crate) u32);

impl Value for Capacity {
    const EXPECTED: &'static str = "must be a whole number from 1 to 1000000";

    fn from_number(number: u64) -> Result<Self, Cow<'static, str>> {
        match u32::try_from(number) {
            Ok(seats) if (1..=CAPACITY_MAX).contains(&number) => Ok(Self(seats)),
            _ => Err(Self::EXPECTED.into()),
        }
    }
}

/// The moment at which an event starts.
#[derive(JsonSchema)]
pub(crate) struct Start(
    #[schemars(regex(
        pattern = r"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
    ))]
    pub(crate) Moment,
);

impl Value for Start {
    const EXPECTED: &'static str = moment::EXPECTED;

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        Moment::parse(text).map(Self).ok_or(Self::EXPECTED.into())
    }
}

/// A tag of an event.
#[derive(JsonSchema)]
pub(crate) struct Tag(
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"))] pub(crate) String,
);

impl Value for Tag {
    const EXPECTED: &'static str = "must be a text of 1 to 64 characters, none of them a control character";

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        let fits = is_line(text, TAG_CHARS_MAX);
        if fits { Ok(Self(text.to_owned())) } else { Err(Self::EXPECTED.into()) }
    }
}

/// The tags of an event, in order.
#[derive(JsonSchema)]
pub(crate) struct Tags(#[schemars(length(max = 16), extend("uniqueItems" = true))] pub(crate) Vec<Tag>);

impl Tags {
    /// As the contract has them.
    pub(crate) fn into_texts(self) -> Vec<String> {
        self.0.into_iter().map(|tag| tag.0).collect()
    }
}

impl Value for Tags {
    const EXPECTED: &'static str = "must be a list of at most 16 texts, no two the same";

    fn from_array<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Field<Self>, A::Error> {
        let (mut tags, mut faults, mut count) = (Vec::<Tag>::new(), Vec::new(), 0);
        while let Some(item) = items.next_element::<Field<Tag>>()? {
            // Past the limit the rest is only counted: 64 KiB of wrong tags need not be listed one by one.
            if count < TAGS_MAX {
                let detail: Option<Cow<'static, str>> = match item {
                    Field::Given(tag) if tags.iter().any(|other| other.0 == tag.0) => Some("is given twice".into()),
                    Field::Given(tag) => {
                        tags.push(tag);
                        None
                    }
                    Field::Absent | Field::Wrong(_) => Some(Tag::EXPECTED.into()),
                };
                faults.extend(detail.map(|detail| Fault::new(format!("/{count}"), detail)));
            }
            count += 1;
        }
        if count > TAGS_MAX {
            faults.push(Fault::new("", Self::EXPECTED));
        }
        Ok(if faults.is_empty() { Field::Given(Self(tags)) } else { Field::Wrong(faults) })
    }
}

/// An email address, trimmed: a shape that mail can be sent to, nothing more. Read from a body, it is one or the request is refused.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(description = "An email address, trimmed: a shape that mail can be sent to, nothing more.")]
pub struct Email(#[schemars(email, length(max = 254))] pub(crate) String);

impl Email {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As it was written.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_text(&text).map_err(D::Error::custom)
    }
}

impl Value for Email {
    const EXPECTED: &'static str = "must be an email address of at most 254 bytes, for example ada@example.org";

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        let email = text.trim();
        let options = Options::default().without_display_text().without_domain_literal();
        let shaped =
            email.len() <= EMAIL_BYTES_MAX && EmailAddress::parse_with_options(&with_letters(email), options).is_ok();
        if shaped { Ok(Self(email.to_owned())) } else { Err(Self::EXPECTED.into()) }
    }
}

/// The address with a letter for each character beyond ASCII that an address may have (RFC 6531: all but spaces and controls), for the
/// check of its shape, which takes a combining mark for a mistake and with it whole scripts.
fn with_letters(email: &str) -> String {
    let foreign = |c: char| !c.is_ascii() && !c.is_whitespace() && !c.is_control();
    email.chars().map(|c| if foreign(c) { 'x' } else { c }).collect()
}

/// The seats of a registration, 1 unless given. Only the host knows how many it allows at most; the schema tells its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(
    description = "The seats of a registration. Only the host knows how many it allows at most; the schema tells its default."
)]
pub struct Quantity(#[schemars(range(min = 1, max = 10), extend("default" = 1))] pub(crate) u32);

impl Quantity {
    /// How many.
    #[must_use]
    pub fn seats(self) -> u32 {
        self.0
    }
}

impl Default for Quantity {
    fn default() -> Self {
        Self(1)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        field::number(deserializer)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl Value for Quantity {
    const EXPECTED: &'static str = "must be a whole number of seats, 1 or more";

    fn from_number(number: u64) -> Result<Self, Cow<'static, str>> {
        if number == 0 {
            return Err(Self::EXPECTED.into());
        }
        // Too many for u32 are too many for the host: it refuses them and names its limit.
        Ok(Self(u32::try_from(number).unwrap_or(u32::MAX)))
    }
}

/// An idempotency key, in the body or unwrapped from its header.
#[derive(JsonSchema)]
pub(crate) struct Key(
    #[schemars(length(min = 1, max = 255), regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"))] pub(crate) String,
);

impl Value for Key {
    const EXPECTED: &'static str = "must be a text of 1 to 255 characters, none of them a control character";

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        let fits = is_line(text, KEY_CHARS_MAX);
        if fits { Ok(Self(text.to_owned())) } else { Err(Self::EXPECTED.into()) }
    }
}
