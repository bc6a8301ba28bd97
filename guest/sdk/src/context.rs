//! What a rule knows while it answers one request: the host, and the request.

use crate::host::{Host, Level};
use crate::ids::{EventId, TicketId};
use crate::moment::Moment;
use crate::read::header;
use crate::refusal::{Faults, Refusal};
use crate::request::{Request, Roles};

/// One request, and the host that it came from.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    host: &'a dyn Host,
    request: &'a Request,
}

impl<'a> Context<'a> {
    /// The context of a request.
    #[must_use]
    pub fn new(host: &'a dyn Host, request: &'a Request) -> Self {
        Self { host, request }
    }

    /// The same request, on another host: one that looks at what the rules ask before it asks [`host`](Self::host), for example.
    #[must_use]
    pub fn on<'b>(&self, host: &'b dyn Host) -> Context<'b>
    where
        'a: 'b,
    {
        Context { host, request: self.request }
    }

    /// The host functions.
    #[must_use]
    pub fn host(&self) -> &'a dyn Host {
        self.host
    }

    /// The request as it came. The methods below read it more comfortably.
    #[must_use]
    pub fn request(&self) -> &'a Request {
        self.request
    }

    /// The one time of the whole run: the host's clock when the request had arrived.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.request.now
    }

    /// What the caller may be. The host functions check it again, whatever the rules make of it.
    #[must_use]
    pub fn roles(&self) -> Roles {
        self.request.roles
    }

    /// The id of the request, which the operator's log has too.
    #[must_use]
    pub fn request_id(&self) -> &'a str {
        &self.request.request_id
    }

    /// A parameter of the path, decoded: of `/events/{id}`, `id`. Empty where the route's path has none of this name.
    #[must_use]
    pub fn param(&self, name: &str) -> &'a str {
        self.request.params.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// The event that the path's parameter `id` names.
    #[must_use]
    pub fn event_id(&self) -> EventId {
        EventId::from_text(self.param("id"))
    }

    /// The ticket that the path's parameter `id` names.
    #[must_use]
    pub fn ticket_id(&self) -> TicketId {
        TicketId::from_text(self.param("id"))
    }

    /// A parameter of the query, decoded; the first of this name. [`Query`](crate::Query) reads them all, typed and checked.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&'a str> {
        self.request.query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The values of a header, trimmed, one for each of its lines. Names are in lower case, and the host passes on only `accept`,
    /// `content-type`, `idempotency-key`, `if-match` and `if-none-match`.
    pub fn header_lines(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.request.headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.trim_ascii())
    }

    /// The idempotency key in the header of this name, unquoted and checked; it makes a repetition harmless.
    pub fn idempotency_key(&self) -> Result<Option<String>, Refusal> {
        let mut faults = Faults::default();
        let key = header::idempotency_key(self, None, &mut faults);
        faults.check().map(|()| key)
    }

    /// Writes a line to the operator's log, tagged by the host with the module and the request.
    pub fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        self.host.log(level, message, fields);
    }
}
