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
        let window = self.event(cx, &registration.event_id)?.attribute::<Window>("early_access")?;
        let domain_is = |domain: &String| domain.eq_ignore_ascii_case(registration.email_domain());
        if let Some(window) = window.filter(|window| cx.now() < window.until && !window.domains.iter().any(domain_is)) {
            return Err(MEMBERS_FIRST.because(format!("Until {} only members can register.", window.until)));
        }
        standard::register(cx, registration)
    }
}

boxoffice_sdk::export!(EarlyAccess);
