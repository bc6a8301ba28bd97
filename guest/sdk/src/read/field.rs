//! A field of a body, read so that a wrong value is noted instead of ending the reading: all that is wrong with a
//! body is said at once, and in words for people.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use crate::refusal::{Fault, Faults};

/// What a body says of one field.
#[derive(Default)]
pub(crate) enum Field<T> {
    /// Nothing, or null.
    #[default]
    Absent,
    /// A value of the right kind and within its limits.
    Given(T),
    /// Something else.
    Wrong(Vec<Fault>),
}

impl<T> Field<T> {
    /// The value, if it is there and right. What is wrong is added to `faults`, as the field `name`.
    pub(crate) fn optional(self, name: &str, faults: &mut Faults) -> Option<T> {
        match self {
            Self::Absent => None,
            Self::Given(value) => Some(value),
            Self::Wrong(found) => {
                for fault in found {
                    faults.add(format!("/{name}{}", fault.pointer), fault.detail);
                }
                None
            }
        }
    }

    /// As `optional`, and its absence is wrong too.
    pub(crate) fn required(self, name: &str, faults: &mut Faults) -> Option<T> {
        if matches!(self, Self::Absent) {
            faults.add(format!("/{name}"), "is required");
        }
        self.optional(name, faults)
    }
}

/// A kind of value that a field can hold. Each method reads one kind of JSON; those left out are wrong.
pub(crate) trait Value: Sized {
    /// What the value must be, for a person.
    const EXPECTED: &'static str;

    /// From a string; otherwise, what is wrong with it.
    fn from_text(_: &str) -> Result<Self, Cow<'static, str>> {
        Err(Self::EXPECTED.into())
    }

    /// From a whole number from 0 up; those above `u64::MAX` come as that.
    fn from_number(_: u64) -> Result<Self, Cow<'static, str>> {
        Err(Self::EXPECTED.into())
    }

    /// From an array, all of which must be read.
    fn from_array<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Field<Self>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(wrong(Self::EXPECTED))
    }
}

/// The whole of a value is wrong.
fn wrong<T>(detail: impl Into<Cow<'static, str>>) -> Field<T> {
    Field::Wrong(vec![Fault::new("", detail)])
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: Value> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Field<T>, E> {
        Ok(wrong(T::EXPECTED))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Field<T>, E> {
        // serde_json gives only negative numbers as i64.
        Ok(wrong(T::EXPECTED))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field<T>, E> {
        Ok(T::from_number(number).map_or_else(wrong, Field::Given))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field<T>, E> {
        if number.is_sign_negative() || number.fract() != 0.0 {
            return Ok(wrong(T::EXPECTED));
        }
        // JSON Schema counts 5.0 as an integer, and so do we. Numbers too large for u64 become its maximum.
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and positive; `as` saturates"
        )]
        let number = number as u64;
        Ok(T::from_number(number).map_or_else(wrong, Field::Given))
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<T>, E> {
        Ok(T::from_text(text).map_or_else(wrong, Field::Given))
    }

    fn visit_none<E>(self) -> Result<Field<T>, E> {
        Ok(Field::Absent)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<T>, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Field<T>, A::Error> {
        T::from_array(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Field<T>, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(wrong(T::EXPECTED))
    }
}

impl<'de, T: Value> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As an option, since serde reads a missing field that way: it needs no default to be absent.
        deserializer.deserialize_option(FieldVisitor(PhantomData))
    }
}

/// A value of whole numbers, by itself: by the same rule as in a field, where any other value would be noted.
pub(crate) fn number<'de, T: Value, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    match deserializer.deserialize_u64(FieldVisitor::<T>(PhantomData))? {
        Field::Given(value) => Ok(value),
        Field::Wrong(_) | Field::Absent => Err(D::Error::custom(T::EXPECTED)),
    }
}

/// A field looks like its value.
impl<T: JsonSchema> JsonSchema for Field<T> {
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
