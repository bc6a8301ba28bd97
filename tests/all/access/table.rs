//! Who may do what: the one table that the matrix is judged by. Written down once more, and not taken from the host.

use super::matrix::{Kind, Outcome, Owner};

/// What of a row's owner matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Nothing: it is nobody's, or everybody's.
    Nothing,
    /// The event is its organizer's; events are public, so others are told that it is not theirs.
    Event,
    /// The ticket is its buyer's; to others there is no such ticket.
    Ticket,
    /// A search, which gives only what is the caller's; and the ids in it are keys, where callers are not known.
    Search,
    /// The same of what somebody has done to an event, which is its organizer's.
    SearchOfEvent,
}

/// One operation.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) method: &'static str,
    /// As in the manifest.
    pub(super) path: &'static str,
    /// What is asked for.
    pub(super) query: &'static str,
    pub(super) body: &'static str,
    /// The host functions that it reaches.
    pub(super) functions: &'static [&'static str],
    /// The role that it needs; `None`: none.
    pub(super) needs: Option<&'static str>,
    pub(super) of: Of,
}

const fn row(method: &'static str, path: &'static str, needs: Option<&'static str>, of: Of) -> Row {
    Row { method, path, query: "", body: "", functions: &[], needs, of }
}

const USER: Option<&str> = Some("user");
const ORGANIZER: Option<&str> = Some("organizer");

/// Every route of the standard rules. `{event}`, `{ticket}` and `{number}` in a query or a body are those of the cell.
pub(super) const ROUTES: [Row; 11] = [
    Row {
        body: r#"{"name": "x", "capacity": 3}"#,
        functions: &["events.create"],
        ..row("POST", "/events", ORGANIZER, Of::Nothing)
    },
    Row { functions: &["events.list"], ..row("GET", "/events", None, Of::Nothing) },
    Row { functions: &["events.get"], ..row("GET", "/events/{id}", None, Of::Nothing) },
    Row {
        body: r#"{"name": "y"}"#,
        functions: &["events.update"],
        ..row("PATCH", "/events/{id}", ORGANIZER, Of::Event)
    },
    Row { functions: &["events.get"], ..row("GET", "/events/{id}/availability", None, Of::Nothing) },
    Row {
        body: r#"{"email": "{number}@example.org"}"#,
        functions: &["tickets.atomic-register"],
        ..row("POST", "/events/{id}/register", USER, Of::Nothing)
    },
    Row { functions: &["tickets.list"], ..row("GET", "/events/{id}/tickets", ORGANIZER, Of::Event) },
    Row {
        query: "?email=of.a.cell%40example.org",
        functions: &["tickets.list"],
        ..row("GET", "/tickets", USER, Of::Search)
    },
    Row { functions: &["tickets.get"], ..row("GET", "/tickets/{id}", USER, Of::Ticket) },
    Row { functions: &["tickets.confirm"], ..row("POST", "/tickets/{id}/confirm", USER, Of::Ticket) },
    Row { functions: &["tickets.cancel"], ..row("POST", "/tickets/{id}/cancel", USER, Of::Ticket) },
];

/// Every route of the host's own.
pub(super) const OWN: [Row; 3] = [
    row("GET", "/openapi.json", None, Of::Nothing),
    row("GET", "/docs", None, Of::Nothing),
    Row { query: "?event_id={event}", ..row("GET", "/audit", ORGANIZER, Of::SearchOfEvent) },
];

/// Every route of the operator's surface, which no client's credential opens.
pub(super) const OPERATORS: [(&str, &str); 12] = [
    ("GET", "/v1/modules"),
    ("POST", "/v1/modules"),
    ("GET", "/v1/modules/standard"),
    ("DELETE", "/v1/modules/standard"),
    ("POST", "/v1/modules/standard/activate"),
    ("POST", "/v1/rollback"),
    ("GET", "/v1/invariants"),
    ("GET", "/v1/keys"),
    ("POST", "/v1/keys"),
    ("GET", "/v1/keys/0000000000000000"),
    ("DELETE", "/v1/keys/0000000000000000"),
    ("GET", "/v1/nothing"),
];

impl Row {
    /// What comes of it for a caller with these roles; `None`: without a credential.
    pub(super) fn expected(&self, kind: Kind, roles: Option<&[&str]>, owner: Owner) -> Outcome {
        let has = |role: &str| roles.is_some_and(|roles| roles.contains(&role));
        let admin = has("admin");
        if !(self.needs.is_none_or(has) || admin) {
            let known = kind == Kind::Header || roles.is_some();
            return if known { Outcome::Forbidden } else { Outcome::Unauthenticated };
        }
        // With header roles nobody is known: whoever has an id may use it, and no search by email and no trail gives one away. The list of
        // an event's tickets does, to whoever claims to be an organizer, as README says.
        let theirs = kind == Kind::Header || admin || owner == Owner::Own;
        match self.of {
            Of::Search | Of::SearchOfEvent if kind == Kind::Header => Outcome::Forbidden,
            Of::Nothing | Of::Search => Outcome::Done,
            _ if theirs => Outcome::Done,
            Of::Event | Of::SearchOfEvent => Outcome::Forbidden,
            Of::Ticket => Outcome::Hidden,
        }
    }

    /// Whether a search is to find what this owner has; `None`: it is no search that is answered.
    pub(super) fn finds(&self, roles: Option<&[&str]>, owner: Owner) -> Option<bool> {
        let admin = roles.is_some_and(|roles| roles.contains(&"admin"));
        (self.of == Of::Search).then_some(admin || owner == Owner::Own)
    }
}
