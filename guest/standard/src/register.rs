//! `POST /events/{id}/register`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::body;
use crate::field::Field;
use crate::handler::Request;
use crate::header::{self, KEY_FIELD};
use crate::host::Host;
use crate::problem::{Code, Problem, Wrongs};
use crate::reply::{self, Answer};
use crate::router::id;
use crate::ticket::TicketJson;
use crate::tickets::{RegisterRefusal, Registration};
use crate::values::{Email, Key, Quantity};

/// Who wants how many seats.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Registration")]
pub(crate) struct RegistrationBody {
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
    fn check(self, request: &Request) -> Result<Registration, Problem> {
        let mut wrongs = Wrongs::default();
        let email = self.email.required("email", &mut wrongs);
        let quantity = self.quantity.optional("quantity", &mut wrongs);
        let key = self.idempotency_key.optional(KEY_FIELD, &mut wrongs);
        let idempotency_key = header::idempotency_key(request, key, &mut wrongs);
        match email {
            Some(Email(email)) if wrongs.is_empty() => Ok(Registration {
                event_id: id(request).to_owned(),
                email,
                quantity: quantity.map_or(1, |quantity| quantity.0),
                // The host's, for both.
                hold_ms: None,
                attributes: None,
                idempotency_key,
            }),
            _ => Err(wrongs.into_problem()),
        }
    }
}

/// Reserves. Availability is the host's to judge: a check before the call would refuse replays.
pub(crate) fn register(host: &impl Host, request: &Request) -> Answer {
    let registration = body::read::<RegistrationBody>(&request.body)?.check(request)?;
    let registered = host.atomic_register(&registration).map_err(refusal)?;
    let location = format!("/tickets/{}", registered.ticket.id);
    let body = TicketJson::new(&registered.ticket, request.now_ms);
    if registered.replayed {
        reply::json(201, &body, [("location", location.as_str()), reply::PRIVATE, ("idempotency-replayed", "true")])
    } else {
        reply::json(201, &body, [("location", location.as_str()), reply::PRIVATE])
    }
}

fn refusal(refusal: RegisterRefusal) -> Problem {
    match refusal {
        RegisterRefusal::AccessDenied => Code::Forbidden.into(),
        RegisterRefusal::Invalid(fields) => Problem::of_host(fields),
        RegisterRefusal::IdempotencyKeyReused => Code::IdempotencyKeyReused.into(),
        RegisterRefusal::EventNotFound => Code::EventNotFound.into(),
        RegisterRefusal::AlreadyRegistered => Code::AlreadyRegistered.into(),
        RegisterRefusal::SoldOut => Code::SoldOut.into(),
        RegisterRefusal::Other(text) => Problem::refused(text),
    }
}
