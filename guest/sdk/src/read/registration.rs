//! The body of `POST /events/{id}/register`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::body;
use super::field::Field;
use super::header::{self, KEY_FIELD};
use super::values::{Email, Key, Quantity};
use crate::context::Context;
use crate::input::{Input, InputManifest};
use crate::manifest::Method;
use crate::refusal::{Faults, Refusal};
use crate::schema;
use crate::ticket::Registration;

impl Input for Registration {
    fn read(cx: &Context<'_>) -> Result<Self, Refusal> {
        body::read::<RegistrationBody>(&cx.request().body)?.check(cx)
    }

    fn manifest(_: Method) -> InputManifest {
        InputManifest { body_schema: Some(schema::read::<RegistrationBody>()), ..InputManifest::default() }
    }
}

/// Who wants how many seats.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Registration")]
struct RegistrationBody {
    /// Trimmed.
    email: Field<Email>,
    /// Seats; the host allows at most 10, unless configured otherwise.
    #[serde(default)]
    #[schemars(with = "Option<Quantity>")]
    quantity: Field<Quantity>,
    /// Makes a repetition harmless. The header `Idempotency-Key` says the same.
    #[serde(default)]
    #[schemars(with = "Option<Key>")]
    idempotency_key: Field<Key>,
}

impl RegistrationBody {
    /// The registration that body and header describe, or all that is wrong with them.
    fn check(self, cx: &Context<'_>) -> Result<Registration, Refusal> {
        let mut faults = Faults::default();
        let email = self.email.required("email", &mut faults);
        let quantity = self.quantity.optional("quantity", &mut faults);
        let key = self.idempotency_key.optional(KEY_FIELD, &mut faults);
        let idempotency_key = header::idempotency_key(cx, key, &mut faults);
        match email {
            Some(Email(email)) if faults.is_empty() => Ok(Registration {
                event_id: cx.event_id(),
                email,
                quantity: quantity.map_or(1, |quantity| quantity.0),
                // The host's, for both.
                hold_ms: None,
                attributes: None,
                idempotency_key,
            }),
            _ => Err(faults.into_refusal()),
        }
    }
}
