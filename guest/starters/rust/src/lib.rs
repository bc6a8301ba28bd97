//! The standard rules of boxoffice, but for one: at events tagged `limited`, one registration gets at most 4 seats.
//!
//! What is not written here is the standard policy. To change another rule, override another method of [`Rules`] (its documentation lists
//! them: `cargo doc --open`); to add or replace a route, override [`Rules::routes`]; to let an organizer decide, read
//! `event.attribute::<T>("name")?` instead of a constant.

use boxoffice_sdk::prelude::*;

/// Events with this tag are limited.
const LIMITED: &str = "limited";
/// Most seats of one registration there.
const MOST_SEATS: u32 = 4;

/// What a client is told: the status, a code for programs, a title, and what to do.
const TOO_MANY_SEATS: Code = Code::new(
    409,
    "too_many_seats",
    "Too many seats for this event",
    "Ask for at most 4 seats: this event is limited.",
);

/// The rules of this module.
#[derive(Default)]
pub struct MyRules;

impl Rules for MyRules {
    fn about() -> About {
        about!()
    }

    fn register(&self, cx: &Context<'_>, registration: Registration) -> Result<Registered, Refusal> {
        // An event that cannot be read is refused below, as the standard rules refuse it.
        if registration.quantity > MOST_SEATS
            && let Ok(event) = standard::event(cx, &registration.event_id)
            && event.tags.iter().any(|tag| tag == LIMITED)
        {
            return Err(TOO_MANY_SEATS.into());
        }
        standard::register(cx, registration)
    }
}

boxoffice_sdk::export!(MyRules);
