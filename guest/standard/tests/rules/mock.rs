//! A host that answers as it is told and notes what it was asked, and the requests to try it with.

use boxoffice_sdk::{
    CancelRefusal, ConfirmRefusal, Context, CreateRefusal, Event, EventPage, EventPatch, EventQuery, Fault,
    GetEventRefusal, GetTicketRefusal, Host, Level, ListEventsRefusal, ListTicketsRefusal, Manifest, NewEvent,
    RegisterRefusal, Registered, Registration, Request, Response, Roles, Rules, Ticket, TicketPage, TicketQuery,
    TicketStatus, UpdateRefusal,
};
pub(crate) use boxoffice_sdk::{EventId, Moment, TicketId};
use serde_json::Value;
use standard_rules::Standard;
use std::cell::RefCell;

/// The manifest of the standard rules.
pub(crate) fn describe() -> Manifest {
    boxoffice_sdk::describe::<Standard>()
}

/// 2026-11-21T09:30:00.000Z, the moment of every request.
pub(crate) const NOW_MS: u64 = 1_795_253_400_000;

/// What the rules asked the host.
#[derive(Debug, PartialEq)]
pub(crate) enum Call {
    Create(NewEvent),
    Event(String),
    Events(EventQuery),
    Update(String, EventPatch),
    Tickets(TicketQuery),
    Register(Registration),
    Ticket(String),
    Confirm(String),
    Cancel(String),
}

/// The scripted host.
pub(crate) struct Mock {
    pub(crate) create: Result<Event, CreateRefusal>,
    pub(crate) event: Result<Event, GetEventRefusal>,
    pub(crate) events: Result<EventPage, ListEventsRefusal>,
    /// One after the other; the last one from then on.
    pub(crate) updates: RefCell<Vec<Result<Event, UpdateRefusal>>>,
    pub(crate) tickets: Result<TicketPage, ListTicketsRefusal>,
    pub(crate) register: Result<Registered, RegisterRefusal>,
    pub(crate) ticket: Result<Ticket, GetTicketRefusal>,
    pub(crate) confirm: Result<Ticket, ConfirmRefusal>,
    pub(crate) cancel: Result<Ticket, CancelRefusal>,
    pub(crate) asked: RefCell<Vec<Call>>,
    /// Why the rules failed, by their own log.
    pub(crate) logged: RefCell<Vec<String>>,
}

impl Mock {
    /// A host where all goes well.
    pub(crate) fn new() -> Self {
        Self {
            create: Ok(event()),
            event: Ok(event()),
            events: Ok(EventPage { items: vec![event()], next_cursor: None }),
            updates: RefCell::new(vec![Ok(Event { version: 4, ..event() })]),
            tickets: Ok(TicketPage { items: vec![ticket()], next_cursor: None }),
            register: Ok(Registered { ticket: ticket(), replayed: false }),
            ticket: Ok(ticket()),
            confirm: Ok(confirmed()),
            cancel: Ok(cancelled()),
            asked: RefCell::default(),
            logged: RefCell::default(),
        }
    }

    /// Answers the request. The rules log when they fail, once, and at no other time.
    pub(crate) fn answer(&self, request: &Request) -> Response {
        let response = Standard.handle(&Context::new(self, request));
        assert_eq!(self.logged.take().len(), usize::from(response.status == 500), "{}", response.status);
        response
    }

    /// What was asked so far, from the first on.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.asked.take()
    }

    fn note(&self, call: Call) {
        self.asked.borrow_mut().push(call);
    }
}

impl Host for Mock {
    fn create_event(&self, new: NewEvent) -> Result<Event, CreateRefusal> {
        self.note(Call::Create(new));
        self.create.clone()
    }

    fn event(&self, id: &EventId) -> Result<Event, GetEventRefusal> {
        self.note(Call::Event(id.to_string()));
        self.event.clone()
    }

    fn events(&self, query: EventQuery) -> Result<EventPage, ListEventsRefusal> {
        self.note(Call::Events(query.clone()));
        let mut page = self.events.clone()?;
        page.items.truncate(query.limit as usize);
        Ok(page)
    }

    fn update_event(&self, id: &EventId, patch: EventPatch) -> Result<Event, UpdateRefusal> {
        self.note(Call::Update(id.to_string(), patch));
        let mut updates = self.updates.borrow_mut();
        if updates.len() > 1 { updates.remove(0) } else { updates[0].clone() }
    }

    fn atomic_register(&self, registration: Registration) -> Result<Registered, RegisterRefusal> {
        self.note(Call::Register(registration));
        self.register.clone()
    }

    fn ticket(&self, id: &TicketId) -> Result<Ticket, GetTicketRefusal> {
        self.note(Call::Ticket(id.to_string()));
        self.ticket.clone()
    }

    fn tickets(&self, query: TicketQuery) -> Result<TicketPage, ListTicketsRefusal> {
        self.note(Call::Tickets(query));
        self.tickets.clone()
    }

    fn confirm(&self, id: &TicketId) -> Result<Ticket, ConfirmRefusal> {
        self.note(Call::Confirm(id.to_string()));
        self.confirm.clone()
    }

    fn cancel(&self, id: &TicketId) -> Result<Ticket, CancelRefusal> {
        self.note(Call::Cancel(id.to_string()));
        self.cancel.clone()
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        assert_eq!((level, message), (Level::Error, "The rules failed"));
        let [("why", why)] = fields else { panic!("{fields:?}") };
        self.logged.borrow_mut().push((*why).to_owned());
    }
}

/// An event with 42 of 50 seats left.
pub(crate) fn event() -> Event {
    Event {
        id: EventId::from_text("e1"),
        name: "Rust meetup".to_owned(),
        capacity: 50,
        available: 42,
        reserved: 5,
        confirmed: 3,
        starts_at: Some(Moment::from_ms(NOW_MS + 86_400_000)),
        tags: vec!["rust".to_owned(), "évening".to_owned()],
        attributes: r#"{"room": {"n": 1.50}, "b":[]}"#.to_owned(),
        created_at: Moment::from_ms(NOW_MS - 1),
        version: 3,
    }
}

/// A hold of two seats, made now.
pub(crate) fn ticket() -> Ticket {
    Ticket {
        id: TicketId::from_text("t1"),
        event_id: EventId::from_text("e1"),
        email: "Ada@example.org".to_owned(),
        quantity: 2,
        status: TicketStatus::Reserved,
        reserved_at: Moment::from_ms(NOW_MS),
        expires_at: Moment::from_ms(NOW_MS + 300_000),
        confirmed_at: None,
        cancelled_at: None,
        attributes: None,
        server_time: Moment::from_ms(NOW_MS),
    }
}

/// That hold, confirmed.
pub(crate) fn confirmed() -> Ticket {
    Ticket { status: TicketStatus::Confirmed, confirmed_at: Some(Moment::from_ms(NOW_MS + 1_000)), ..ticket() }
}

/// That hold, cancelled.
pub(crate) fn cancelled() -> Ticket {
    Ticket { status: TicketStatus::Cancelled, cancelled_at: Some(Moment::from_ms(NOW_MS + 2_000)), ..ticket() }
}

/// A fault that the host finds.
pub(crate) fn invalid(pointer: &str, detail: &str) -> Fault {
    Fault::new(pointer, detail.to_owned())
}

/// A request to a route, with the path's `id` where there is one.
pub(crate) fn request(route: &str, id: Option<&str>, body: &str) -> Request {
    Request {
        route_id: route.to_owned(),
        params: id.map(|id| ("id".to_owned(), id.to_owned())).into_iter().collect(),
        query: Vec::new(),
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
        roles: Roles::NOBODY,
        request_id: "r-7".to_owned(),
        now: Moment::from_ms(NOW_MS),
    }
}

/// A request to create an event.
pub(crate) fn create(body: &str) -> Request {
    request("create-event", None, body)
}

/// A request to change `e1`.
pub(crate) fn patch(body: &str) -> Request {
    request("update-event", Some("e1"), body)
}

/// A request to register for `e1`.
pub(crate) fn register(body: &str) -> Request {
    request("register", Some("e1"), body)
}

/// With a header more.
pub(crate) fn with_header(mut request: Request, name: &str, value: &str) -> Request {
    request.headers.push((name.to_owned(), value.to_owned()));
    request
}

/// With a query.
pub(crate) fn with_query(mut request: Request, query: &[(&str, &str)]) -> Request {
    request.query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    request
}

/// The value of a header that comes at most once.
pub(crate) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let mut values = response.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let value = values.next();
    assert_eq!(values.next(), None, "{name} comes twice");
    value
}

/// The body as text.
pub(crate) fn text(response: &Response) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}

/// The body as JSON.
pub(crate) fn json(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

/// Asserts that the answer is a whole problem of this status and code, and gives its body.
pub(crate) fn problem(response: &Response, status: u16, code: &str) -> Value {
    assert_eq!(response.status, status, "{}", text(response));
    assert_eq!(header(response, "content-type"), Some("application/problem+json"));
    assert_eq!(header(response, "cache-control"), Some("no-store"));
    let body = json(response);
    assert_eq!(body["code"], code, "{body}");
    assert_eq!(body["type"], format!("urn:boxoffice:problem:{code}"));
    assert_eq!(body["status"], status);
    assert_eq!(body["request_id"], "r-7");
    assert!(!body["title"].as_str().unwrap().is_empty());
    assert!(!body["detail"].as_str().unwrap().is_empty());
    assert_eq!(body.get("errors").is_some(), code == "invalid_request", "{body}");
    body
}

/// Asserts that the answer is a 400, and gives its faults as (pointer, detail).
pub(crate) fn faults(response: &Response) -> Vec<(String, String)> {
    let body = problem(response, 400, "invalid_request");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    body["errors"].as_array().unwrap().iter().map(|e| (text(&e["pointer"]), text(&e["detail"]))).collect()
}

/// The pointers of the faults alone.
pub(crate) fn pointers(response: &Response) -> Vec<String> {
    faults(response).into_iter().map(|(pointer, _)| pointer).collect()
}
