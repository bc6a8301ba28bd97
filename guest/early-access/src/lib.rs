//! Members first: the standard rules, but an event can have a time in which only emails of certain domains may register.
//!
//! Its organizer says so in the attributes: `{"early_access": {"until": "2026-12-01T10:00:00Z", "domains": ["example.org"]}}`.

use boxoffice_sdk::prelude::*;
use serde::Deserialize;

const ADVICE: &str = "Register with a member's email address, or when registration is open to everybody.";
const MEMBERS_FIRST: Code = Code::new(403, "members_first", "Members register first", ADVICE);

/// The attribute.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    until: Moment,
    domains: Vec<String>,
}

/// The rules.
#[derive(Default)]
pub struct EarlyAccess;

impl Rules for EarlyAccess {
    fn about() -> About {
        about!()
    }

    fn routes() -> Routes<Self> {
        Routes::standard().refusing("register", &[MEMBERS_FIRST, Code::WRONG_ATTRIBUTE])
    }

    fn register(&self, cx: &Context<'_>, registration: Registration) -> Result<Registered, Refusal> {
        let event = self.event(cx, &registration.event_id)?;
        let window = event.attribute::<Window>("early_access")?.filter(|window| cx.now() < window.until);
        // What stands behind the last @: a quoted part before it may have others.
        let domain = registration.email.rsplit('@').next().unwrap_or_default();
        match window {
            Some(window) if !window.domains.iter().any(|member| member.eq_ignore_ascii_case(domain)) => {
                Err(MEMBERS_FIRST.because(format!("Until {} only members can register. {ADVICE}", window.until)))
            }
            _ => standard::register(cx, registration),
        }
    }
}

boxoffice_sdk::export!(EarlyAccess);
