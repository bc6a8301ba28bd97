//! Attributes of an event, read as the type that rules keep there.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

use crate::code::Code;
use crate::event::Event;
use crate::read::body::pointer;
use crate::refusal::Refusal;

impl Event {
    /// One attribute of the event, as a typed value: `event.attribute::<Window>("early_access")?`. None where the organizer has not set
    /// it, or has set it to null; refused as `wrong_attribute`, with the place and what would be right, where it is something else.
    pub fn attribute<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let all: BTreeMap<String, &RawValue> = serde_json::from_str(&self.attributes)
            .map_err(|error| Refusal::failed(format_args!("The event's attributes are not JSON: {error}")))?;
        let Some(attribute) = all.get(name) else { return Ok(None) };
        let mut deserializer = serde_json::Deserializer::from_str(attribute.get());
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let place = format!("/attributes/{name}{}", pointer(error.path()));
            let message = error.into_inner().to_string();
            // The end of the message is the place in the text, of no use beside a pointer.
            let what = message.split(" at line ").next().unwrap_or_default();
            Code::WRONG_ATTRIBUTE.because(format!(
                "The event's attribute `{name}` is wrong at {place}: {what}. The event's organizer has to correct it."
            ))
        })
    }
}
