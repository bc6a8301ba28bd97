//! Moments: milliseconds inside, RFC 3339 outside.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer, ser::Error};
use std::borrow::Cow;
use time::OffsetDateTime;
use time::format_description::well_known::iso8601::{Config, EncodedConfig, TimePrecision};
use time::format_description::well_known::{Iso8601, Rfc3339};

/// `2026-11-21T09:30:00.000Z`: milliseconds always, so that moments sort as text too.
const FORMAT: EncodedConfig = {
    // Three is not zero.
    let digits = std::num::NonZeroU8::new(3);
    Config::DEFAULT.set_time_precision(TimePrecision::Second { decimal_digits: digits }).encode()
};
const TEXT_BYTES: usize = "2026-11-21T09:30:00.000Z".len();
/// The last moment of the year 9999, after which RFC 3339 has no text.
const LAST_MS: u64 = 253_402_300_799_999;

/// A moment in milliseconds since 1970; in JSON, RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    /// Reads RFC 3339 with any offset. None for other text, for a leap second, and for years outside of 1970 to 9999 (in UTC).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // The reader takes any character between date and time; in a query that would be the `+` of an offset that nobody escaped.
        let separated = matches!(text.as_bytes().get(10), Some(b'T' | b't'));
        // There is none to come, and what is written as one is read as the second before.
        let leaps = text.as_bytes().get(17..19) == Some(b"60");
        if !separated || leaps {
            return None;
        }
        let ns = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
        let ms = u64::try_from(ns.div_euclid(1_000_000)).ok()?;
        (ms <= LAST_MS).then_some(Self(ms))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A moment past 9999 can only be a host's mistake; the last text there is beats no answer.
        let ns = i128::from(self.0.min(LAST_MS)) * 1_000_000;
        let moment = OffsetDateTime::from_unix_timestamp_nanos(ns).map_err(S::Error::custom)?;
        let mut text = [0; TEXT_BYTES];
        moment.format_into(&mut text.as_mut_slice(), &Iso8601::<FORMAT>).map_err(S::Error::custom)?;
        serializer.serialize_str(str::from_utf8(&text).map_err(S::Error::custom)?)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}
