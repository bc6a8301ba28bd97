//! The attributes of an event: any JSON object, kept as its organizer wrote it, to the digits of its numbers and the order of its names.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::body::{escape, pointer};
use crate::refusal::{Faults, Refusal};

/// Bytes, as text.
const BYTES_MAX: usize = 8 * 1024;

/// What goes before the name that an object has twice, in an error.
const TWICE: &str = "twice: ";

/// New attributes: an object within its limits. What is wrong with them is added to `faults`.
pub(crate) fn check(attributes: &RawValue, faults: &mut Faults) {
    if !is_object(attributes.get()) || attributes.get().len() > BYTES_MAX {
        faults.add("/attributes", "must be a JSON object of at most 8 KiB");
    } else {
        check_inside(attributes, faults);
    }
}

/// A patch of attributes: an object of any size, since names can be many that are to go.
pub(crate) fn check_patch(patch: &RawValue, faults: &mut Faults) {
    if is_object(patch.get()) {
        check_inside(patch, faults);
    } else {
        faults.add("/attributes", "must be a JSON object, or null");
    }
}

/// Whether a patch that was checked changes nothing.
pub(crate) fn is_empty(patch: &RawValue) -> bool {
    patch.get().trim_start_matches('{').trim_start().starts_with('}')
}

/// The attributes after a patch (RFC 7396), both of which were checked.
pub(crate) fn merge(present: &str, patch: &RawValue) -> Result<String, Refusal> {
    let merged = merge_value(Some(present), patch.get())
        .map_err(|error| Refusal::failed(format_args!("The event's attributes are not JSON: {error}")))?;
    if merged.len() > BYTES_MAX {
        let bytes = merged.len();
        let detail = format!("would have {bytes} bytes in all with this, and can have 8 KiB: remove some with null");
        return Err(Refusal::invalid("/attributes", detail));
    }
    Ok(merged)
}

fn is_object(json: &str) -> bool {
    json.starts_with('{')
}

/// The algorithm of RFC 7396, on text. As deep as the patch, whose depth was checked.
fn merge_value(present: Option<&str>, patch: &str) -> serde_json::Result<String> {
    if !is_object(patch) {
        return Ok(patch.to_owned());
    }
    let Members(present) = match present.filter(|present| is_object(present)) {
        Some(present) => serde_json::from_str(present)?,
        None => Members::default(),
    };
    let mut members: Vec<(String, Option<Cow<str>>)> =
        present.into_iter().map(|(name, value)| (name, Some(value.get().into()))).collect();
    let mut places: BTreeMap<String, usize> =
        members.iter().enumerate().map(|(place, (name, _))| (name.clone(), place)).collect();
    let Members(changes) = serde_json::from_str(patch)?;
    for (name, change) in changes {
        let place = *places.entry(name).or_insert_with_key(|name| {
            members.push((name.clone(), None));
            members.len() - 1
        });
        let slot = &mut members[place].1;
        *slot = match change.get() {
            "null" => None,
            change => Some(merge_value(slot.as_deref(), change)?.into()),
        };
    }
    let mut merged = String::from("{");
    for (name, value) in members.iter().filter_map(|(name, value)| Some((name, value.as_deref()?))) {
        if merged.len() > 1 {
            merged.push(',');
        }
        merged.extend([serde_json::to_string(name)?.as_str(), ":", value]);
    }
    merged.push('}');
    Ok(merged)
}

/// The members of an object in order, their values as they are written.
#[derive(Default)]
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = entries.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

/// An object that is kept has each name once: of two, readers of JSON take whichever they like.
fn check_inside(object: &RawValue, faults: &mut Faults) {
    // Where the fault is costs time to track, so that is done only where there is one.
    if serde_json::from_str::<Distinct>(object.get()).is_ok() {
        return;
    }
    let mut deserializer = serde_json::Deserializer::from_str(object.get());
    let Err(error) = serde_path_to_error::deserialize::<_, Distinct>(&mut deserializer) else { return };
    let place = format!("/attributes{}", pointer(error.path()));
    let error = error.into_inner();
    let message = error.to_string();
    let twice = message.split(" at line ").next().and_then(|text| text.strip_prefix(TWICE));
    match (error.classify(), twice) {
        (Category::Data, Some(name)) => {
            faults.add(format!("{place}/{}", escape(name)), "is given more than once; give it once");
        }
        // Nested too deeply, or a number beyond all bounds.
        _ => faults.add(place, format!("cannot be kept: {message}")),
    }
}

/// Any JSON whose objects have each name once, at most as deep as the host takes it.
struct Distinct;

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Distinct {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = entries.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format_args!("{TWICE}{name}")));
            }
            names.insert(name);
            entries.next_value::<Self>()?;
        }
        Ok(self)
    }
}
