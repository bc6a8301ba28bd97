//! The query as an author's type: a struct of texts, numbers and options.

use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor, value::Error};
use serde::forward_to_deserialize_any;
use std::collections::BTreeSet;

use super::body::escape;
use crate::refusal::{Faults, Refusal};

/// Reads all parameters into a `T`. Each may come once, and no other than its fields.
pub(crate) fn read<T: DeserializeOwned>(parameters: &[(String, String)]) -> Result<T, Refusal> {
    let mut faults = Faults::default();
    let mut seen = BTreeSet::new();
    for (name, _) in parameters {
        if !seen.insert(name) {
            faults.add(pointer(name), "is given more than once; give it once");
        }
    }
    let mut deserializer = Parameters { all: parameters, unknown: Vec::new(), known: &[] };
    let read = serde_path_to_error::deserialize(&mut deserializer);
    for name in deserializer.unknown {
        let known = deserializer.known.join(", ");
        faults.add(pointer(name), format!("is not a parameter of this route, which has {known}"));
    }
    match read {
        Ok(value) => faults.check().map(|()| value),
        Err(error) => {
            let at = super::body::pointer(error.path());
            let text = error.into_inner().to_string();
            match text.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
                Some(name) => faults.add(pointer(name), "is required"),
                None => faults.add(at, text),
            }
            Err(faults.into_refusal())
        }
    }
}

fn pointer(name: &str) -> String {
    format!("/{}", escape(name))
}

/// The parameters as a map, and what the struct made of them: which of them it has no field for.
struct Parameters<'a> {
    all: &'a [(String, String)],
    unknown: Vec<&'a str>,
    known: &'static [&'static str],
}

impl<'de> Deserializer<'de> for &mut Parameters<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let pairs = self.all.iter().map(|(name, value)| (name.as_str(), Text(value)));
        MapDeserializer::new(pairs).deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.known = fields;
        let is_field = |name: &str| fields.contains(&name);
        let names = self.all.iter().map(|(name, _)| name.as_str());
        self.unknown = names.filter(|name| !is_field(name)).collect();
        let mut seen = BTreeSet::new();
        let once = self.all.iter().filter(|(name, _)| is_field(name) && seen.insert(name));
        MapDeserializer::new(once.map(|(name, value)| (name.as_str(), Text(value)))).deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The value of a parameter: a text, read as what the field is.
struct Text<'a>(&'a str);

impl<'de> IntoDeserializer<'de> for Text<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty, $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let value = self.0.parse::<$type>().map_err(|_| Error::custom($expected))?;
            visitor.$visit(value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        StrDeserializer::new(self.0).deserialize_enum(name, variants, visitor)
    }

    parsed! {
        deserialize_bool visit_bool bool, "must be true or false";
        deserialize_i8 visit_i8 i8, "must be a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16, "must be a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 i32, "must be a whole number";
        deserialize_i64 visit_i64 i64, "must be a whole number";
        deserialize_u8 visit_u8 u8, "must be a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, "must be a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32, "must be a whole number from 0 to 4294967295";
        deserialize_u64 visit_u64 u64, "must be a whole number, 0 or more";
        deserialize_f64 visit_f64 f64, "must be a number";
    }

    forward_to_deserialize_any! {
        i128 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}
