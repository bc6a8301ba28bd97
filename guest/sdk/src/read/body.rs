//! Bodies: one JSON object each, or another value where an author's type is one.

use schemars::JsonSchema;
use serde::de::value::Error as ProbeError;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use serde_json::error::Category;
use serde_path_to_error::Segment;

use crate::refusal::Refusal;

/// Nothing: the body may be absent too.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
// Some clients cannot help sending an empty object.
pub(crate) struct Nothing {}

/// Reads a body that must be there.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    // serde reads a struct from an array too, and speaks of structs when it gets neither.
    match body.trim_ascii_start().first() {
        Some(b'{') => {}
        Some(_) => return Err(Refusal::invalid("", "must be a JSON object")),
        None => return Err(Refusal::invalid("", "a JSON object is required")),
    }
    // Where the fault is costs time to track, so that is done only for bodies that have one.
    serde_json::from_slice(body).map_err(|_| fault::<T>(body))
}

/// Reads a body that must be there, of a type that need not be an object.
pub(crate) fn read_any<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    if is_object::<T>() {
        return read(body);
    }
    if body.trim_ascii().is_empty() {
        return Err(Refusal::invalid("", "a body of JSON is required"));
    }
    serde_json::from_slice(body).map_err(|_| fault::<T>(body))
}

/// Whether a `T` is read from an object, as structs and maps are: it is asked what it wants, and given nothing.
fn is_object<T: DeserializeOwned>() -> bool {
    let mut probe = Probe { object: false };
    let _ = T::deserialize(&mut probe);
    probe.object
}

struct Probe {
    object: bool,
}

impl Probe {
    fn object<T>(&mut self) -> Result<T, ProbeError> {
        self.object = true;
        Err(ProbeError::custom(""))
    }
}

impl<'de> Deserializer<'de> for &mut Probe {
    type Error = ProbeError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ProbeError> {
        Err(ProbeError::custom(""))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, ProbeError> {
        self.object()
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ProbeError> {
        self.object()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ProbeError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct enum identifier ignored_any
    }
}

/// Checks a body that may be absent and has nothing to say.
pub(crate) fn nothing(body: &[u8]) -> Result<(), Refusal> {
    if body.trim_ascii().is_empty() {
        return Ok(());
    }
    read::<Nothing>(body).map(|Nothing {}| ())
}

/// Reads again, to say where the body is at fault.
fn fault<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Refusal {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let (pointer, error) = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => (pointer(error.path()), error.into_inner()),
        // The object is right, so what follows it is wrong.
        Ok(_) => match deserializer.end() {
            Err(error) => (String::new(), error),
            Ok(()) => return Refusal::invalid("", "must be a JSON object"),
        },
    };
    let message = error.to_string();
    match error.classify() {
        // The end of the message is the place in the text, of no use beside a pointer.
        Category::Data => {
            let text = message.split(" at line ").next().unwrap_or_default();
            let named = |problem| text.strip_prefix(problem).and_then(|rest| rest.strip_suffix('`'));
            if let Some(name) = named("missing field `") {
                Refusal::invalid(format!("{pointer}/{}", escape(name)), "is required")
            } else if let Some(name) = named("duplicate field `") {
                // A field seen again is found after its path has been left: that of what it is in is known, and its name is in the message.
                Refusal::invalid(format!("{pointer}/{}", escape(name)), "is given more than once; give it once")
            } else if let Some((_, expected)) = text.split_once(", expected must ") {
                // What a value of ours must be is said in full; what serde says before it is about its types.
                Refusal::invalid(pointer, format!("must {expected}"))
            } else {
                Refusal::invalid(pointer, text.to_owned())
            }
        }
        Category::Io | Category::Syntax | Category::Eof => {
            Refusal::invalid(pointer, format!("the body is not valid JSON: {message}"))
        }
    }
}

/// A path as a JSON Pointer.
pub(crate) fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.extend(["/", &index.to_string()]),
            Segment::Map { key } => pointer.extend(["/", &escape(key)]),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// A name as one segment of a JSON Pointer.
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quantity;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        seats: Quantity,
        #[serde(default)]
        rooms: Vec<Room>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Room {
        n: u32,
    }

    #[track_caller]
    fn fault_of<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (String, String) {
        let refusal = read_any::<T>(body.as_bytes()).unwrap_err();
        let fault = &refusal.faults()[0];
        (fault.pointer.clone(), fault.detail.to_string())
    }

    #[test]
    fn a_body_is_what_its_type_is() {
        let rooms: Vec<Room> = read_any(b" [{\"n\": 1}, {\"n\": 2}]").unwrap();
        assert_eq!((rooms[0].n, rooms[1].n), (1, 2));
        assert_eq!(read_any::<u32>(b"7").unwrap(), 7);
        assert_eq!(fault_of::<Vec<Room>>("").1, "a body of JSON is required");
        assert_eq!(fault_of::<Vec<Room>>("[{\"n\": 1}, {}]").0, "/1/n");
        // serde would read a struct from an array too.
        assert_eq!(fault_of::<Order>("[1, []]").1, "must be a JSON object");
        assert_eq!(fault_of::<std::collections::BTreeMap<String, u32>>("[]").1, "must be a JSON object");
    }

    #[test]
    fn a_field_that_comes_twice_is_pointed_at_where_it_is() {
        assert_eq!(fault_of::<Order>("{\"seats\": 1, \"seats\": 2}").0, "/seats");
        assert_eq!(fault_of::<Order>("{\"seats\": 1, \"rooms\": [{\"n\": 1}, {\"n\": 1, \"n\": 2}]}").0, "/rooms/1/n");
    }

    #[test]
    fn seats_are_any_whole_number_that_is_not_0() {
        for (seats, wanted) in [("2", 2), ("2.0", 2), ("2e0", 2), ("99999999999", u32::MAX)] {
            let order: Order = read_any(format!("{{\"seats\": {seats}}}").as_bytes()).unwrap();
            assert_eq!((order.seats.seats(), order.rooms.len()), (wanted, 0), "{seats}");
        }
        for seats in ["0", "-1", "1.5", "\"2\"", "null", "[]", "true"] {
            let (pointer, detail) = fault_of::<Order>(&format!("{{\"seats\": {seats}}}"));
            assert_eq!(
                (pointer.as_str(), detail.as_str()),
                ("/seats", "must be a whole number of seats, 1 or more"),
                "{seats}"
            );
        }
    }
}
