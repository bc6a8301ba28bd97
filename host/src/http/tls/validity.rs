//! From when to when a certificate is valid (RFC 5280, 4.1): the one thing that TLS libraries leave to clients, and operators forget.

use std::time::{Duration, UNIX_EPOCH};

use der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use der::{Decode as _, Reader, SliceReader, Tag};

use crate::domain::Millis;

/// A certificate's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    not_before: Millis,
    pub(super) not_after: Millis,
}

impl Validity {
    /// Of a certificate in DER; `None`: it is none.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let certificate = within(AnyRef::from_der(certificate).ok()?)?;
        let signed = within(next(&mut { certificate })?)?;
        let mut fields = signed;
        // The version is there unless it is the first; then the number, the algorithm and the issuer.
        let first = next(&mut fields)?;
        let before = if first.header().tag() == Tag::Integer { 2 } else { 3 };
        for _ in 0..before {
            next(&mut fields)?;
        }
        let mut times = within(next(&mut fields)?)?;
        Some(Self { not_before: time(next(&mut times)?)?, not_after: time(next(&mut times)?)? })
    }

    /// Whether it is valid at `now`; if not, why, and what to do.
    pub(super) fn check(self, now: Millis) -> Result<(), String> {
        if now > self.not_after {
            return Err(format!("the certificate ended at {}; get a new one", text(self.not_after)));
        }
        if now < self.not_before {
            return Err(format!("the certificate begins at {}; check the clock", text(self.not_before)));
        }
        Ok(())
    }

    /// Its end, for people.
    pub(super) fn not_after_text(self) -> String {
        text(self.not_after)
    }
}

/// What a sequence has in it.
fn within(sequence: AnyRef<'_>) -> Option<SliceReader<'_>> {
    (sequence.header().tag() == Tag::Sequence).then(|| SliceReader::new(sequence.value()).ok()).flatten()
}

fn next<'a>(fields: &mut SliceReader<'a>) -> Option<AnyRef<'a>> {
    fields.decode().ok()
}

/// Seconds, in the form that dates before 2050 have, or in the other.
fn time(field: AnyRef<'_>) -> Option<Millis> {
    let since_1970 = match field.header().tag() {
        Tag::UtcTime => field.decode_as::<UtcTime>().ok()?.to_unix_duration(),
        _ => field.decode_as::<GeneralizedTime>().ok()?.to_unix_duration(),
    };
    Some(Millis(0).plus(since_1970))
}

fn text(at: Millis) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(at.as_u64())).to_string()
}
