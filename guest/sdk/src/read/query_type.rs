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

/// Whether a text is a number as JSON writes it: `parse` alone would take `+5` and `007` too, and `inf`.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    match digits {
        [b'0', next, ..] => !next.is_ascii_digit(),
        [first, ..] => first.is_ascii_digit(),
        [] => false,
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty, $fits:expr, $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let value = self.0.parse::<$type>().ok().filter(|value| $fits(self.0, value));
            visitor.$visit(value.ok_or_else(|| Error::custom($expected))?)
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
        deserialize_bool visit_bool bool, |_: &str, _: &bool| true, "must be true or false";
        deserialize_i8 visit_i8 i8, |text, _: &i8| is_plain(text), "must be a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16, |text, _: &i16| is_plain(text), "must be a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 i32, |text, _: &i32| is_plain(text), "must be a whole number";
        deserialize_i64 visit_i64 i64, |text, _: &i64| is_plain(text), "must be a whole number";
        deserialize_u8 visit_u8 u8, |text, _: &u8| is_plain(text), "must be a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, |text, _: &u16| is_plain(text), "must be a whole number from 0 to 65535";
        deserialize_u32 visit_u32 u32, |text, _: &u32| is_plain(text), "must be a whole number from 0 to 4294967295";
        deserialize_u64 visit_u64 u64, |text, _: &u64| is_plain(text), "must be a whole number, 0 or more";
        deserialize_f32 visit_f32 f32, |text, value: &f32| is_plain(text) && value.is_finite(), "must be a number";
        deserialize_f64 visit_f64 f64, |text, value: &f64| is_plain(text) && value.is_finite(), "must be a number";
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Wanted {
        seats: Option<u32>,
        below: Option<i16>,
        price: Option<f64>,
        share: Option<f32>,
        soon: Option<bool>,
    }

    fn read_one(name: &str, value: &str) -> Result<Wanted, (String, String)> {
        let refused = |refusal: Refusal| (refusal.faults()[0].pointer.clone(), refusal.faults()[0].detail.to_string());
        read(&[(name.to_owned(), value.to_owned())]).map_err(refused)
    }

    #[test]
    fn numbers_are_read_as_json_writes_them() {
        assert_eq!(read_one("seats", "7").unwrap().seats, Some(7));
        assert_eq!(read_one("seats", "0").unwrap().seats, Some(0));
        assert_eq!(read_one("below", "-7").unwrap().below, Some(-7));
        assert_eq!(read_one("price", "0.5").unwrap().price, Some(0.5));
        assert_eq!(read_one("share", "-2e1").unwrap().share, Some(-20.0));
        assert_eq!(read_one("soon", "true").unwrap().soon, Some(true));
        for (name, value) in [
            ("seats", "+5"),
            ("seats", "007"),
            ("seats", "-1"),
            ("seats", ""),
            ("seats", "4294967296"),
            ("below", "--1"),
            ("below", "+1"),
            ("price", "NaN"),
            ("price", "inf"),
            ("price", "-inf"),
            ("price", "1e999"),
            ("price", ".5"),
            ("share", "1e39"),
            ("share", "01"),
            ("soon", "1"),
        ] {
            let (pointer, detail) = read_one(name, value).unwrap_err();
            assert_eq!(pointer, format!("/{name}"), "{value}");
            assert!(detail.starts_with("must be "), "{value}: {detail}");
        }
    }

    #[test]
    fn a_parameter_that_is_unknown_or_comes_twice_is_told() {
        assert_eq!(read_one("seat", "7").unwrap_err().0, "/seat");
        let twice = [("seats".to_owned(), "1".to_owned()), ("seats".to_owned(), "2".to_owned())];
        assert!(read::<Wanted>(&twice).unwrap_err().faults()[0].detail.contains("more than once"));
    }
}
