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

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::code::Code;
    use crate::event::Event;
    use crate::ids::EventId;
    use crate::moment::Moment;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Prices {
        full: u32,
        less: Vec<u32>,
    }

    fn event(attributes: &str) -> Event {
        Event {
            id: EventId::from_text("e1"),
            name: "Jazz".to_owned(),
            capacity: 1,
            available: 1,
            reserved: 0,
            confirmed: 0,
            starts_at: None,
            tags: Vec::new(),
            attributes: attributes.to_owned(),
            created_at: Moment::from_ms(0),
            version: 1,
        }
    }

    #[test]
    fn an_attribute_is_a_typed_value_or_none() {
        let prices =
            event(r#"{"prices": {"full": 5, "less": [3]}, "other": "x"}"#).attribute::<Prices>("prices").unwrap();
        assert_eq!(prices, Some(Prices { full: 5, less: vec![3] }));
        for none in ["{}", r#"{"prices": null}"#, r#"{"Prices": {}}"#] {
            assert_eq!(event(none).attribute::<Prices>("prices").unwrap(), None, "{none}");
        }
    }

    #[test]
    fn a_wrong_attribute_is_refused_with_its_place() {
        for (attributes, place) in [
            (r#"{"prices": {"full": 5, "less": [3, "x"]}}"#, "/attributes/prices/less/1:"),
            (r#"{"prices": {"full": -5, "less": []}}"#, "/attributes/prices/full:"),
            (r#"{"prices": {"full": 5}}"#, "/attributes/prices:"),
        ] {
            let refusal = event(attributes).attribute::<Prices>("prices").unwrap_err();
            assert_eq!(refusal.code(), Code::WRONG_ATTRIBUTE);
            assert!(
                refusal.detail().contains(place) && !refusal.detail().contains(" at line "),
                "{}",
                refusal.detail()
            );
        }
        assert_eq!(event("[]").attribute::<Prices>("prices").unwrap_err().code(), Code::RULES_FAILED);
    }
}
