"""The standard policy. A module is a class that extends `Rules` and overrides what it does otherwise."""

import json
from dataclasses import dataclass
from typing import Optional

from . import refusals, shapes
from .answers import Raw, moment, write
from .bodies import merge
from .kinds import ATTRIBUTES_BYTES_MAX
from .refusals import Refusal, VersionMismatch
from .routes import standard_routes

# How often a change is tried before others, who were quicker each time, win.
ATTEMPTS_MAX = 16
# Versions count from 1: asked for this one, the host says who may change the event and which version it has, and changes nothing.
NO_VERSION = 0


@dataclass
class Registration:
    """What a caller wants reserved. `hold_ms` and `attributes` (JSON text, kept with the ticket) are the rules' to say."""

    event_id: str
    email: str
    quantity: int
    hold_ms: Optional[int] = None
    idempotency_key: Optional[str] = None
    attributes: Optional[str] = None


class Rules:
    """The rules of the standard contract, one method for each thing that can be done.

    Override a method to change the rule; call `super().method(...)` for what the standard does. `cx` is the request: `cx.host` (the
    host functions), `cx.now` (milliseconds; the one time of the whole run), `cx.roles` (a set of "user", "organizer", "admin"),
    `cx.request_id`, `cx.params`, `cx.query` and `cx.body` (as their shapes have read them), `cx.request` (all of it). Raise a
    `Refusal` to refuse; any other exception is a fault of yours, which the caller sees as a 500 and the operator in the log.
    """

    # The module, as the operator sees it.
    name = version = summary = ""

    # What bodies and answers are made of. To add a field: `registration = Rules.registration | {"seat": optional(line(1, 8))}`.
    new_event = shapes.NEW_EVENT
    event_patch = shapes.EVENT_PATCH
    registration = shapes.REGISTRATION
    event = shapes.EVENT
    ticket = shapes.TICKET

    def routes(self):
        """The routes, from which the manifest is made. Add your own, or leave some out."""
        return standard_routes(self)

    def create_event(self, cx, new):
        """Creates an event. `new`: `{"name", "capacity", "starts_at_ms", "tags", "attributes"}`, attributes as JSON text."""
        return cx.host.create_event(new)

    def get_event(self, cx, event_id):
        return cx.host.event(event_id)

    def list_events(self, cx, query):
        """One page of events: `items` and `next_cursor`. `query` has the fields of the WIT's `event-query`."""
        return cx.host.events(query)

    def update_event(self, cx, event_id, change, patch, versions):
        """Changes an event. `change`: what is to change. `patch`: what its attributes are to be merged with, or None. `versions`:
        those that may be changed; None for any.

        Merging takes a read before the write, so that is tried again where others changed the event in between.
        """

        def admits(version):
            return versions is None or version in versions

        told = None
        for _ in range(ATTEMPTS_MAX):
            change = dict(change)
            if patch is not None:
                present = cx.host.event(event_id)
                change["attributes"] = merged(present.attributes, patch)
                told = present.version
            if versions is None:
                change["if_version"] = told if patch is not None else None
            elif told is None:
                change["if_version"] = versions[0] if versions else NO_VERSION
            else:
                change["if_version"] = told if admits(told) else NO_VERSION
            try:
                return cx.host.update_event(event_id, change)
            except VersionMismatch as mismatch:
                if not admits(mismatch.present):
                    raise
                told = mismatch.present
        raise Refusal(refusals.EDIT_CONFLICT)

    def keep_event(self, cx, event_id, versions):
        """The event as it is, for whoever may change it: what an empty patch comes to. It makes no new version."""
        try:
            cx.host.update_event(event_id, {"if_version": NO_VERSION})
        except VersionMismatch as mismatch:
            if versions is not None and mismatch.present not in versions:
                raise
            return cx.host.event(event_id)
        raise RuntimeError("the host changed an event of a version that there is not")

    def register(self, cx, registration):
        """Takes seats; what comes of it has `ticket` and `replayed`. Availability is the host's to judge: a check before the call
        would refuse the repetition of a request that was granted."""
        return cx.host.register(registration)

    def get_ticket(self, cx, ticket_id):
        return cx.host.ticket(ticket_id)

    def tickets_of_event(self, cx, event_id, limit, cursor):
        return cx.host.tickets_of_event(event_id, limit, cursor)

    def tickets_of_email(self, cx, email, limit, cursor):
        return cx.host.tickets_of_email(email, limit, cursor)

    def confirm(self, cx, ticket_id):
        return cx.host.confirm(ticket_id)

    def cancel(self, cx, ticket_id):
        return cx.host.cancel(ticket_id)

    def show_event(self, cx, event):
        """How an event is shown: what the shape `event` says."""
        shown = {"id": event.id, "name": event.name, "capacity": event.capacity, "available": event.available}
        if event.starts_at_ms is not None:
            shown["starts_at"] = moment(event.starts_at_ms)
        return shown | {
            "tags": event.tags,
            "attributes": Raw(event.attributes),
            "created_at": moment(event.created_at_ms),
            "version": event.version,
        }

    def show_ticket(self, cx, ticket):
        """How a ticket is shown: what the shape `ticket` says."""
        shown = {
            "id": ticket.id,
            "event_id": ticket.event_id,
            "email": ticket.email,
            "quantity": ticket.quantity,
            "status": ticket.status,
            "reserved_at": moment(ticket.reserved_at_ms),
            "expires_at": moment(ticket.expires_at_ms),
        }
        if ticket.confirmed_at_ms is not None:
            shown["confirmed_at"] = moment(ticket.confirmed_at_ms)
        if ticket.cancelled_at_ms is not None:
            shown["cancelled_at"] = moment(ticket.cancelled_at_ms)
        return shown | {"server_time": moment(cx.now)}


def merged(present, patch):
    """The attributes, as JSON text, after a patch."""
    text = write(merge(json.loads(present, parse_float=_real), patch))
    size = len(text.encode())
    if size > ATTRIBUTES_BYTES_MAX:
        raise Refusal.invalid("/attributes", f"would have {size} bytes in all with this, and can have 8 KiB: remove some with null")
    return text


def _real(text):
    return Raw(text)
