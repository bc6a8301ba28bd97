//! The ids of events and tickets. They are opaque texts that the host makes; rules hand them back unchanged.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// There is no conversion from just any text: an id comes from the host, from the path of a request, or from a field of a
        /// body or query that says it is one. [`from_text`](Self::from_text) is for tests, and for ids that came another way.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// An id, from the text that stood for one. Whether there is such a thing, the host says when it is asked.
            #[must_use]
            pub fn from_text(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text that stands for it, in paths and bodies.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text that stands for it.
            #[must_use]
            pub fn into_text(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                String::json_schema(generator)
            }
        }
    };
}

id! {
    /// Names an event.
    EventId
}

id! {
    /// Names a ticket.
    TicketId
}
