//! The headers that the rules read. Those with conditions are in `condition`, `Accept` is in `accept`.

use sfv::visitor::{Ignored, ParameterVisitor, parameter_visitor_with};
use sfv::{BareItemFromInput, Parser};
use std::fmt;

use super::field::Value;
use super::values::Key;
use crate::context::Context;
use crate::refusal::Faults;

/// The field of the body that the header `Idempotency-Key` stands for.
pub(crate) const KEY_FIELD: &str = "idempotency_key";

/// The idempotency key, from the body and the header, which must not differ.
pub(crate) fn idempotency_key(cx: &Context<'_>, of_body: Option<Key>, faults: &mut Faults) -> Option<String> {
    let mut wrong = |detail: &'static str| faults.add(format!("/{KEY_FIELD}"), detail);
    let mut values = cx.header_lines("idempotency-key");
    let Some(value) = values.next() else {
        return of_body.map(|key| key.0);
    };
    if values.next().is_some() {
        wrong("the header Idempotency-Key is given more than once; send it once");
        return None;
    }
    let Some(text) = unwrap(value) else {
        wrong("the header Idempotency-Key must be a bare key, or a string in double quotes (RFC 9651)");
        return None;
    };
    let Ok(key) = Key::from_text(&text) else {
        wrong("the header Idempotency-Key must hold 1 to 255 characters, none of them a control character");
        return None;
    };
    if of_body.is_some_and(|other| other.0 != key.0) {
        wrong("the header Idempotency-Key and the field differ; send one of them, or the same in both");
        return None;
    }
    Some(key.0)
}

/// The key in a header's value: a structured string unquoted, or else the value as it is.
fn unwrap(value: &str) -> Option<String> {
    if value.starts_with('"') {
        Parser::new(value).parse_item_with_visitor(quoted).ok()
    } else {
        // A quote further in is half of a quoted key, or two keys that a proxy has joined.
        (!value.contains('"')).then(|| value.to_owned())
    }
}

/// Reads a structured string; its parameters mean nothing here, and RFC 9651 has them ignored.
fn quoted(item: BareItemFromInput<'_>) -> Result<impl ParameterVisitor<'_, Out = String>, NotText> {
    match item {
        BareItemFromInput::String(text) => {
            let text = text.as_str().to_owned();
            Ok(parameter_visitor_with(Ignored, move |()| Ok(text)))
        }
        _ => Err(NotText),
    }
}

/// The structured field is no string.
#[derive(Debug)]
struct NotText;

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a string")
    }
}

impl std::error::Error for NotText {}
