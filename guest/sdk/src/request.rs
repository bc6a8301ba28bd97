//! A request, and its answer, as the host hands them over.

use crate::moment::Moment;

/// One request to one of the module's routes. [`Context`](crate::Context) reads it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The id of the route.
    pub route_id: String,
    /// The path's parameters by name, percent-decoded.
    pub params: Vec<(String, String)>,
    /// The query's parameters in order, decoded; a name can come more than once.
    pub query: Vec<(String, String)>,
    /// Only `accept`, `content-type`, `idempotency-key`, `if-match` and `if-none-match`, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Within the route's limit. That it is JSON is not checked.
    pub body: Vec<u8>,
    /// What the caller may be.
    pub roles: Roles,
    /// The id of the request, for refusals.
    pub request_id: String,
    /// The host's clock when the request had arrived in full: the one time of the whole run.
    pub now: Moment,
}

/// What the caller of a request may be. The host has established it. Nobody known is [`Roles::NOBODY`], the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// May register, and confirm, cancel and read own tickets.
    pub user: bool,
    /// May create and change own events and read their tickets.
    pub organizer: bool,
    /// May do everything.
    pub admin: bool,
}

impl Roles {
    /// Nobody known, or nobody with a role.
    pub const NOBODY: Self = Self { user: false, organizer: false, admin: false };
    /// A user.
    pub const USER: Self = Self { user: true, ..Self::NOBODY };
    /// An organizer.
    pub const ORGANIZER: Self = Self { organizer: true, ..Self::NOBODY };
    /// An admin.
    pub const ADMIN: Self = Self { admin: true, ..Self::NOBODY };
}

/// An answer. Handlers give an [`Output`](crate::Output) instead, from which the manifest knows what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    /// At most 32, names in lower case; `wit/handler.wit` lists which.
    pub headers: Vec<(String, String)>,
    /// At most 1 MiB. Empty with 204, 205 and 304.
    pub body: Vec<u8>,
}

impl Response {
    /// The same, with a header more.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
