//! Whose the rows are that a caller makes.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::domain::OwnerId;

/// What would make two owners look like one: the separator, and what it is written with. (What is not ASCII is always encoded.)
const UNSAFE: &AsciiSet = &CONTROLS.add(b':').add(b'%').add(b' ');

/// Of a token: its issuer and its subject. `jwt:ISSUER:SUBJECT`, both encoded, so that no two pairs give one owner.
pub(super) fn of_token(issuer: &str, subject: &str) -> Option<OwnerId> {
    OwnerId::new(&format!("jwt:{}:{}", utf8_percent_encode(issuer, UNSAFE), utf8_percent_encode(subject, UNSAFE)))
}

/// Of an API key: its subject. `key:SUBJECT`, which is no owner of a token's.
pub(super) fn of_key(subject: &str) -> Option<OwnerId> {
    OwnerId::new(&format!("key:{}", utf8_percent_encode(subject, UNSAFE)))
}
