"""The routes of the standard contract: what the manifest says of each, and what runs."""

from dataclasses import dataclass, field
from typing import Callable, Optional

from . import event_routes, refusals, shapes, ticket_routes

# Bytes of a body that has nothing to say: room for `{}` with some white space.
NOTHING_BYTES_MAX = 1024


@dataclass(frozen=True)
class Described:
    """One answer of a route, for the API's description; `content_type` None: it has no body."""

    status: int
    description: str
    schema: Optional[dict] = None
    content_type: Optional[str] = "application/json"


@dataclass(frozen=True)
class Body:
    """What a route reads, body or query: a title and a line for the API's description, and a shape."""

    title: str
    description: str
    shape: dict


@dataclass(frozen=True)
class Route:
    """A route. `id` names it in logs and metrics, `summary` is its line in the API's description; `run(rules, cx)` answers."""

    method: str
    id: str
    path: str
    summary: str
    run: Callable
    access: str = "public"
    answers: list = field(default_factory=list)
    refuses: tuple = ()
    query: Optional[Body] = None
    body: Optional[Body] = None
    max_body_bytes: Optional[int] = None
    cacheable: bool = False


def get(route_id, path, summary, run, **more):
    """A route that reads, and takes no body."""
    return Route("get", route_id, path, summary, run, max_body_bytes=0, **more)


def post(route_id, path, summary, run, **more):
    """A route that does something."""
    return Route("post", route_id, path, summary, run, **more)


def standard_routes(rules):
    """The routes of the standard contract, for these rules."""
    return _event_routes(rules) + _ticket_routes(rules)


_INVALID = refusals.INVALID_REQUEST
_FORBIDDEN = refusals.FORBIDDEN
_NO_EVENT = refusals.EVENT_NOT_FOUND
_NO_TICKET = refusals.TICKET_NOT_FOUND


def _event_routes(rules):
    event = shapes.object_schema("Event", "An event.", rules.event)
    page = shapes.page_schema("EventPage", "A page of events, soonest start first.", event)
    seats = shapes.object_schema("Availability", "The seats of an event.", shapes.AVAILABILITY)
    new = Body("NewEvent", "What an organizer says of a new event.", rules.new_event)
    patch = Body("EventPatch", "What is to change in an event: a JSON merge patch. What is absent stays as it is.", rules.event_patch)
    which = "Which events, and which page of them. All conditions must hold."
    return [
        post(
            "create-event",
            "/events",
            "Create an event",
            event_routes.create,
            access="organizer",
            body=new,
            answers=[Described(201, "The event was created", event)],
            refuses=(_INVALID, _FORBIDDEN),
        ),
        get(
            "list-events",
            "/events",
            "List events, soonest first",
            event_routes.list_page,
            cacheable=True,
            query=Body("EventParameters", which, shapes.EVENT_QUERY),
            answers=[Described(200, "One page of events", page)],
            refuses=(_INVALID, _FORBIDDEN),
        ),
        get(
            "get-event",
            "/events/{id}",
            "Read an event",
            event_routes.get,
            cacheable=True,
            answers=[
                Described(304, "The event is still what `If-None-Match` names", None, None),
                Described(200, "The event", event),
            ],
            refuses=(_INVALID, _NO_EVENT, _FORBIDDEN),
        ),
        Route(
            "patch",
            "update-event",
            "/events/{id}",
            "Change an event, by a JSON merge patch",
            event_routes.update,
            access="organizer",
            body=patch,
            answers=[Described(200, "The event after the change", event)],
            refuses=(
                _INVALID,
                _NO_EVENT,
                _FORBIDDEN,
                refusals.PRECONDITION_FAILED,
                refusals.CAPACITY_BELOW_SOLD,
                refusals.EDIT_CONFLICT,
            ),
        ),
        # Not cacheable: the answer tells the time.
        get(
            "get-availability",
            "/events/{id}/availability",
            "Read how many seats are left",
            event_routes.availability,
            answers=[Described(200, "The seats of the event", seats)],
            refuses=(_INVALID, _NO_EVENT, _FORBIDDEN),
        ),
    ]


def _ticket_routes(rules):
    ticket = shapes.object_schema("Ticket", "A ticket.", rules.ticket)
    page = Described(200, "One page of tickets", shapes.page_schema("TicketPage", "A page of tickets, oldest first.", ticket))
    table = Described(200, "One page of tickets, as a table with a header row", None, ticket_routes.CSV)
    nothing = Body("Nothing", "Nothing: the body may be absent too.", {})
    held = "The seats are held; or, for a repeated idempotency key, the ticket as it is"
    return [
        post(
            "register",
            "/events/{id}/register",
            "Reserve seats",
            ticket_routes.register,
            access="user",
            body=Body("Registration", "Who wants how many seats.", rules.registration),
            answers=[Described(201, held, ticket)],
            refuses=(
                _INVALID,
                refusals.IDEMPOTENCY_KEY_REUSED,
                _NO_EVENT,
                refusals.ALREADY_REGISTERED,
                refusals.SOLD_OUT,
                _FORBIDDEN,
            ),
        ),
        get(
            "list-event-tickets",
            "/events/{id}/tickets",
            "List an event's tickets, oldest first",
            ticket_routes.of_event,
            access="organizer",
            query=Body("PageParameters", "Which page of an event's tickets.", shapes.PAGE_QUERY),
            answers=[page, table],
            refuses=(_INVALID, _NO_EVENT, _FORBIDDEN),
        ),
        get(
            "list-tickets",
            "/tickets",
            "List an email's tickets, oldest first",
            ticket_routes.of_email,
            access="user",
            query=Body("EmailParameters", "Which page of an email's tickets.", shapes.EMAIL_QUERY),
            answers=[page],
            refuses=(_INVALID, _FORBIDDEN),
        ),
        get(
            "get-ticket",
            "/tickets/{id}",
            "Read a ticket",
            ticket_routes.get,
            access="user",
            answers=[Described(200, "The ticket", ticket)],
            refuses=(_INVALID, _NO_TICKET, _FORBIDDEN),
        ),
        post(
            "confirm-ticket",
            "/tickets/{id}/confirm",
            "Confirm a reserved ticket",
            ticket_routes.confirm,
            access="user",
            max_body_bytes=NOTHING_BYTES_MAX,
            body=nothing,
            answers=[Described(200, "The ticket is confirmed", ticket)],
            refuses=(_INVALID, _NO_TICKET, refusals.HOLD_EXPIRED, refusals.TICKET_CANCELLED, _FORBIDDEN),
        ),
        post(
            "cancel-ticket",
            "/tickets/{id}/cancel",
            "Cancel a ticket",
            ticket_routes.cancel,
            access="user",
            max_body_bytes=NOTHING_BYTES_MAX,
            body=nothing,
            answers=[Described(200, "The ticket is cancelled and its seats are free", ticket)],
            refuses=(_INVALID, _NO_TICKET, _FORBIDDEN),
        ),
    ]
