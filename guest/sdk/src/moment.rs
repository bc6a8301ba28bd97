//! Moments: milliseconds inside, RFC 3339 outside.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;
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
/// What a moment must be, for a person.
pub(crate) const EXPECTED: &str =
    "must be a moment in RFC 3339, in the years 1970 to 9999, for example 2026-11-21T09:30:00Z";
/// The last moment of the year 9999, after which RFC 3339 has no text.
pub(crate) const LAST_MS: u64 = 253_402_300_799_999;

/// A moment, to the millisecond, from 1970 on. As text and in JSON it is RFC 3339; what is written is in UTC with milliseconds.
///
/// ```
/// use boxoffice_sdk::Moment;
///
/// let doors = Moment::parse("2026-11-21T10:30:00+01:00").unwrap();
/// assert_eq!(doors.to_string(), "2026-11-21T09:30:00.000Z");
/// assert!(doors < doors.after(std::time::Duration::from_secs(1)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub(crate) u64);

impl Moment {
    /// Reads RFC 3339 with any offset. None for other text, for a leap second, and for years outside of 1970 to 9999 (in UTC).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
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

    /// The moment this many milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// The moment this much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The moment this much earlier, 1970 at the earliest.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    fn text(self) -> Result<[u8; TEXT_BYTES], time::error::Format> {
        // A moment past 9999 can only be a host's mistake; the last text there is beats no answer.
        let ns = i128::from(self.0.min(LAST_MS)) * 1_000_000;
        let moment = OffsetDateTime::from_unix_timestamp_nanos(ns).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let mut text = [0; TEXT_BYTES];
        moment.format_into(&mut text.as_mut_slice(), &Iso8601::<FORMAT>)?;
        Ok(text)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text().map_err(|_| fmt::Error)?;
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text().map_err(S::Error::custom)?;
        serializer.serialize_str(str::from_utf8(&text).map_err(S::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(EXPECTED))
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
