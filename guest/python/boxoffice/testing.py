"""For tests: the host's functions in memory, and requests to rules that run natively, without a server and without wasm.

The mock keeps what rules go by: seats are never sold twice, a hold ends, one live ticket for each event and email, a key is used once.
Roles, limits of lengths and pages, the order of lists and the finer conditions of their queries are the host's own; `boxoffice rules test`
tries those with the real one.
"""

import json
from dataclasses import dataclass, replace
from enum import Enum
from types import SimpleNamespace
from typing import Optional
from urllib.parse import parse_qsl, unquote, urlsplit

from .host import HostRefused
from .serve import Module

HOLD_MS = 300_000


class TicketStatus(Enum):
    RESERVED = 0
    CONFIRMED = 1
    CANCELLED = 2


@dataclass
class Event:
    id: str
    name: str
    capacity: int
    starts_at_ms: Optional[int]
    tags: list
    attributes: str
    created_at_ms: int
    version: int = 1
    available: int = 0
    reserved: int = 0
    confirmed: int = 0


@dataclass
class Ticket:
    id: str
    event_id: str
    email: str
    quantity: int
    reserved_at_ms: int
    expires_at_ms: int
    attributes: Optional[str]
    status: TicketStatus = TicketStatus.RESERVED
    confirmed_at_ms: Optional[int] = None
    cancelled_at_ms: Optional[int] = None


class MockHost:
    """The host in memory. `now` is its clock, in milliseconds: move it as you like.

    `refusals`: `{"confirm": [HostRefused("hold-expired")]}`, raised by the next calls of that function.
    """

    def __init__(self):
        self.now = 1_795_251_600_000
        self.refusals = {}
        self.logged = []
        self._events = {}
        self._tickets = {}
        self._keys = {}

    def __getattribute__(self, name):
        refusals = object.__getattribute__(self, "__dict__").get("refusals", {})
        if refusals.get(name):
            raise refusals[name].pop(0)
        return object.__getattribute__(self, name)

    def create_event(self, new):
        event_id = f"event-{len(self._events)}"
        attributes = new["attributes"] or "{}"
        self._events[event_id] = Event(**{**new, "attributes": attributes}, id=event_id, created_at_ms=self.now)
        return self.event(event_id)

    def event(self, event_id):
        if event_id not in self._events:
            raise HostRefused("event-not-found")
        event = self._events[event_id]
        taken = {status: 0 for status in TicketStatus}
        for ticket in self._all(lambda ticket: ticket.event_id == event_id):
            taken[ticket.status] += ticket.quantity
        reserved, confirmed = taken[TicketStatus.RESERVED], taken[TicketStatus.CONFIRMED]
        return replace(event, reserved=reserved, confirmed=confirmed, available=event.capacity - reserved - confirmed)

    def events(self, query):
        def fits(event):
            named = (query["words"] or "").lower() in event.name.lower()
            tagged = query["tag"] is None or query["tag"] in event.tags
            return named and tagged and (event.available > 0 or not query["available_only"])

        return _page(list(filter(fits, map(self.event, self._events))), query["limit"], query["cursor"])

    def update_event(self, event_id, patch):
        event = self.event(event_id)
        if patch.get("if_version") not in (None, event.version):
            raise HostRefused("version-mismatch", event.version)
        sold = event.reserved + event.confirmed
        if (patch.get("capacity") or sold) < sold:
            raise HostRefused("capacity-below-sold", sold)
        change = {name: value for name, value in patch.items() if value is not None and name != "if_version"}
        if "starts_at_ms" in patch:
            change["starts_at_ms"] = patch["starts_at_ms"]
        self._events[event_id] = replace(self._events[event_id], **change, version=event.version + 1)
        return self.event(event_id)

    def register(self, registration):
        wanted = SimpleNamespace(**registration)
        same = (wanted.event_id, wanted.email.lower(), wanted.quantity)
        if wanted.idempotency_key in self._keys:
            before, ticket_id = self._keys[wanted.idempotency_key]
            if before != same:
                raise HostRefused("idempotency-key-reused")
            return SimpleNamespace(ticket=self.ticket(ticket_id), replayed=True)
        event = self.event(wanted.event_id)
        live = [it for it in self._all(lambda it: (it.event_id, it.email.lower()) == same[:2]) if it.status != TicketStatus.CANCELLED]
        if live:
            raise HostRefused("already-registered")
        if event.available < wanted.quantity:
            raise HostRefused("sold-out")
        ticket_id = f"ticket-{len(self._tickets)}"
        expires = self.now + min(wanted.hold_ms or HOLD_MS, HOLD_MS)
        self._tickets[ticket_id] = Ticket(
            ticket_id, wanted.event_id, wanted.email, wanted.quantity, self.now, expires, wanted.attributes
        )
        if wanted.idempotency_key is not None:
            self._keys[wanted.idempotency_key] = (same, ticket_id)
        return SimpleNamespace(ticket=self.ticket(ticket_id), replayed=False)

    def _all(self, fits):
        """The tickets as they stand now: a hold whose time has run out reads as cancelled."""
        for ticket in self._tickets.values():
            due = ticket.status == TicketStatus.RESERVED and ticket.expires_at_ms <= self.now
            if due:
                ticket = replace(ticket, status=TicketStatus.CANCELLED, cancelled_at_ms=ticket.expires_at_ms)
            if fits(ticket):
                yield ticket

    def ticket(self, ticket_id):
        for ticket in self._all(lambda ticket: ticket.id == ticket_id):
            return ticket
        raise HostRefused("ticket-not-found")

    def tickets_of_event(self, event_id, limit, cursor):
        self.event(event_id)
        return _page(list(self._all(lambda ticket: ticket.event_id == event_id)), limit, cursor)

    def tickets_of_email(self, email, limit, cursor):
        return _page(list(self._all(lambda ticket: ticket.email.lower() == email.lower())), limit, cursor)

    def confirm(self, ticket_id):
        stands = self.ticket(ticket_id).status
        if stands == TicketStatus.CANCELLED:
            expired = self._tickets[ticket_id].status == TicketStatus.RESERVED
            raise HostRefused("hold-expired" if expired else "ticket-cancelled")
        if stands == TicketStatus.RESERVED:
            self._change(ticket_id, status=TicketStatus.CONFIRMED, confirmed_at_ms=self.now)
        return self.ticket(ticket_id)

    def cancel(self, ticket_id):
        if self.ticket(ticket_id).status != TicketStatus.CANCELLED:
            self._change(ticket_id, status=TicketStatus.CANCELLED, cancelled_at_ms=self.now)
        return self.ticket(ticket_id)

    def _change(self, ticket_id, **change):
        self._tickets[ticket_id] = replace(self._tickets[ticket_id], **change)

    def log(self, level, message, fields):
        self.logged.append({"level": level, "message": message, **dict(fields)})


def _page(found, limit, cursor):
    start = int(cursor or 0)
    stop = start + limit
    return SimpleNamespace(items=found[start:stop], next_cursor=str(stop) if stop < len(found) else None)


class Response:
    """What came of a request: `status`, `headers`, `body` in bytes, `text`, and `json` where it is JSON."""

    def __init__(self, answer):
        self.status = answer.status
        self.headers = dict(answer.headers)
        self.body = answer.body
        self.text = answer.body.decode()
        self.json = json.loads(self.text) if self.headers.get("content-type", "").endswith("json") else None


class App:
    """Rules, with a host in memory: `app = App(MyRules())`, `app.post("/events", {"name": "Rust night", "capacity": 20})`."""

    def __init__(self, rules, host=None):
        self.host = host or MockHost()
        self.module = Module(rules, self.host)

    def get(self, path, headers=None):
        return self.send("get", path, None, headers)

    def post(self, path, body=None, headers=None):
        return self.send("post", path, body, headers)

    def patch(self, path, body=None, headers=None):
        return self.send("patch", path, body, headers)

    def send(self, method, target, body=None, headers=None):
        """`body`: a value, or text as it is. Roles are the host's to check, so here all are given."""
        url = urlsplit(target)
        route, params = self._find(method, url.path.split("/"))
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        request = SimpleNamespace(
            route_id=route.id,
            params=params,
            query=parse_qsl(url.query, keep_blank_values=True),
            headers=list((headers or {}).items()),
            body=text.encode(),
            roles={"user", "organizer", "admin"},
            request_id="test",
            now_ms=self.host.now,
        )
        return Response(self.module.handle(request))

    def _find(self, method, parts):
        """The route and its parameters. Where both fit, a literal segment wins over a parameter."""
        found = []
        for route in self.module.routes.values():
            template = route.path.split("/")
            pairs = list(zip(template, parts))
            if route.method == method and len(template) == len(parts) and all(t == p or t.startswith("{") for t, p in pairs):
                params = [(t[1:-1], unquote(p)) for t, p in pairs if t.startswith("{")]
                found.append((len(params), route.path, route, params))
        if not found:
            raise LookupError(f"no route of the module is {method.upper()} {'/'.join(parts)}")
        return min(found, key=lambda it: it[0])[2:]
