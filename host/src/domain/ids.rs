//! Names of things that nobody can guess.

use std::fmt;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::Millis;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes any text: one that no host made names nothing, and is answered as such.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text, as the contract has it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Names an API key: 16 hexadecimal digits. It is no secret.
    ApiKeyId
}

id! {
    /// Names an event: a UUIDv7 (RFC 9562) as text.
    EventId
}
id! {
    /// Names a ticket: a UUIDv7 (RFC 9562) as text. With header roles it is also the key to the ticket.
    TicketId
}

/// Makes ids. Time and randomness come in from the edge, so that a seeded source repeats itself exactly.
#[derive(Debug)]
pub struct IdSource {
    random: StdRng,
}

impl IdSource {
    /// A source seeded by the operating system: what a server runs on.
    #[must_use]
    pub fn from_system() -> Self {
        Self { random: rand::make_rng() }
    }

    /// A source that repeats itself: for tests, simulations and replays.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed) }
    }

    /// A seed for what a guest calls random in one request.
    pub fn seed(&mut self) -> u64 {
        self.random.next_u64()
    }

    /// A UUIDv7: 48 bits of time, so that neighbours in time are neighbours in the index, and 74 random bits, so
    /// that nobody guesses one.
    pub fn next(&mut self, now: Millis) -> String {
        let mut random = [0; 10];
        self.random.fill_bytes(&mut random);
        uuid::Builder::from_unix_timestamp_millis(now.as_u64(), &random).into_uuid().to_string()
    }
}
