//! API keys: what is known of one. Its secret is nowhere, and what is compared with it is not here.

use super::{ApiKeyId, InvalidField, Millis, Roles};

/// Most characters of a key's name.
pub const MAX_KEY_NAME: usize = 100;
/// Most bytes of a key's subject, as of a token's.
pub const MAX_KEY_SUBJECT: usize = 255;

/// A key, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public half: 16 hexadecimal digits.
    pub id: ApiKeyId,
    /// What operators call it.
    pub name: String,
    /// Whose the rows are that its bearer makes. Several keys can share one: that is how a key is exchanged for another.
    pub subject: String,
    /// What its bearer may be.
    pub roles: Roles,
    /// When it was made.
    pub created_at: Millis,
    /// From then on it lets nobody in; `None`: never.
    pub expires_at: Option<Millis>,
    /// When it was revoked.
    pub revoked_at: Option<Millis>,
    /// When it let somebody in last. What was in the last minute before a crash is lost.
    pub last_used_at: Option<Millis>,
}

impl ApiKey {
    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it lets its bearer in.
    #[must_use]
    pub fn is_in_force(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && !self.is_expired(now)
    }
}

/// A key that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// 1 to [`MAX_KEY_NAME`] characters.
    pub name: String,
    /// 1 to [`MAX_KEY_SUBJECT`] bytes; `None`: the key's own id.
    pub subject: Option<String>,
    /// One or more.
    pub roles: Roles,
    /// In the future.
    pub expires_at: Option<Millis>,
}

impl NewApiKey {
    /// Checks it at `now`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn check(&self, now: Millis) -> Result<(), Vec<InvalidField>> {
        let mut found = Vec::new();
        let shown = |text: &str| !text.trim().is_empty() && !text.contains(char::is_control);
        if self.name.chars().count() > MAX_KEY_NAME || !shown(&self.name) {
            let what = format!("must have 1 to {MAX_KEY_NAME} characters, none of which controls a terminal");
            found.push(InvalidField::new("/name", what));
        }
        if self.subject.as_deref().is_some_and(|subject| subject.len() > MAX_KEY_SUBJECT || !shown(subject)) {
            let what = format!("must have 1 to {MAX_KEY_SUBJECT} bytes, none of which controls a terminal");
            found.push(InvalidField::new("/subject", what));
        }
        if self.roles.is_empty() {
            found.push(InvalidField::new("/roles", "must name one role or more: user, organizer, admin"));
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            found.push(InvalidField::new("/expires", "must be in the future"));
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}
