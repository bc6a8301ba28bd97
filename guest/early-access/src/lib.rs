//! Members first: the standard rules, but an event can have a time in which only emails of certain domains may register.
//!
//! Its organizer says so in the attributes: `{"early_access": {"until": "2026-12-01T10:00:00Z", "domains": ["example.org"]}}`.

use boxoffice_sdk::prelude::*;

const MEMBERS_FIRST: Code =
    Code::new(403, "members_first", "Members register first", "Come back when all may register.");

/// The attribute.
#[derive(serde::Deserialize)]
struct Window {
    until: Moment,
    domains: Vec<String>,
}

/// The rules.
#[derive(Default)]
pub struct EarlyAccess;

impl Rules for EarlyAccess {
    const REFUSES: MoreRefusals = &[("register", &[MEMBERS_FIRST, Code::WRONG_ATTRIBUTE])];

    fn about() -> About {
        about!()
    }

    fn register(&self, cx: &Context<'_>, registration: Registration) -> Result<Registered, Refusal> {
        // Where the event cannot be read the host has the say: a used key, for one, is refused before an event that there is not.
        if let Ok(event) = self.event(cx, &registration.event_id)
            && let Some(window) = event.attribute::<Window>("early_access")?
            && cx.now() < window.until
            && !window.domains.iter().any(|domain| domain.eq_ignore_ascii_case(registration.email_domain()))
        {
            return Err(MEMBERS_FIRST.because(format!("Until {} only members can register.", window.until)));
        }
        standard::register(cx, registration)
    }
}

boxoffice_sdk::export!(EarlyAccess);
