"""The host functions, as the rules see them: a `Refusal` is raised for each refusal."""

from types import SimpleNamespace

from . import refusals
from .refusals import Refusal, VersionMismatch, Wrongs

_ANOTHERS_EVENT = "Only the organizer who created the event, or an admin, may do this; call with their credential."
_HEADER_ROLES = (
    "With header roles anybody may claim to be anybody, and the ids that a list gives away are keys to the tickets. Call a "
    "server with credentials (--auth), or one that was started with --allow-insecure-header-auth."
)


class HostRefused(Exception):
    """A host function refused: the name of the refusal in the WIT, and its value. `component.py` raises it, and a mock."""

    def __init__(self, name, value=None):
        super().__init__(name)
        self.name = name
        self.value = value


_CODES = {
    "event-not-found": refusals.EVENT_NOT_FOUND,
    "ticket-not-found": refusals.TICKET_NOT_FOUND,
    "sold-out": refusals.SOLD_OUT,
    "already-registered": refusals.ALREADY_REGISTERED,
    "idempotency-key-reused": refusals.IDEMPOTENCY_KEY_REUSED,
    "hold-expired": refusals.HOLD_EXPIRED,
    "ticket-cancelled": refusals.TICKET_CANCELLED,
}


def _refusal(refused, denied):
    """What a refusal of the host's is called in the contract of the module."""
    name, value = refused.name, refused.value
    if name == "access-denied":
        return Refusal(refusals.FORBIDDEN, denied)
    if name == "version-mismatch":
        return VersionMismatch(value)
    if name == "capacity-below-sold":
        detail = f"{value} seats are reserved or confirmed, so the capacity must be at least {value}; cancel tickets to have fewer."
        return Refusal(refusals.CAPACITY_BELOW_SOLD, detail)
    if name == "invalid":
        wrongs = Wrongs()
        for field in value:
            wrongs.add(field.pointer, field.detail)
        return Refusal(refusals.INVALID_REQUEST, None, wrongs.errors)
    if name in _CODES:
        return Refusal(_CODES[name])
    return Refusal(refusals.REFUSED, value or None)


def _ticket(ticket):
    return SimpleNamespace(**{**vars(ticket), "status": ticket.status.name.lower()})


def _tickets(page):
    return SimpleNamespace(items=[_ticket(ticket) for ticket in page.items], next_cursor=page.next_cursor)


class Host:
    """The host functions. `wit/events.wit` and `wit/tickets.wit` say what each promises, and which fields things have (with `_` for `-`).

    Each is one atomic use case, and the host checks the caller's role again in each. A ticket's `status` is a text.
    """

    def __init__(self, imports):
        self._imports = imports

    def _call(self, function, *arguments, denied=None, **named):
        try:
            return getattr(self._imports, function)(*arguments, **named)
        except HostRefused as refused:
            raise _refusal(refused, denied) from None

    def create_event(self, new):
        """`new`: `{"name", "capacity", "starts_at_ms", "tags", "attributes"}`."""
        return self._call("create_event", new)

    def event(self, event_id):
        return self._call("event", event_id)

    def events(self, query):
        return self._call("events", query)

    def update_event(self, event_id, patch):
        """What is not in `patch` stays as it is; `"starts_at_ms": None` removes the start."""
        return self._call("update_event", event_id, patch, denied=_ANOTHERS_EVENT)

    def register(self, registration):
        """What comes of it has `ticket` and `replayed`."""
        registered = self._call("register", vars(registration))
        return SimpleNamespace(ticket=_ticket(registered.ticket), replayed=registered.replayed)

    def ticket(self, ticket_id):
        return _ticket(self._call("ticket", ticket_id))

    def tickets_of_event(self, event_id, limit, cursor):
        return _tickets(self._call("tickets_of_event", event_id, limit, cursor, denied=_ANOTHERS_EVENT))

    def tickets_of_email(self, email, limit, cursor):
        return _tickets(self._call("tickets_of_email", email, limit, cursor, denied=_HEADER_ROLES))

    def confirm(self, ticket_id):
        return _ticket(self._call("confirm", ticket_id))

    def cancel(self, ticket_id):
        return _ticket(self._call("cancel", ticket_id))

    def log(self, level, message, **fields):
        """Writes a line to the operator's log. `level`: debug, info, warn, error."""
        self._imports.log(level, message, [(name, str(value)) for name, value in fields.items()])
