"""The component: the host's functions in, the module's exports out. Nothing here decides anything."""

import re
from types import SimpleNamespace

from componentize_py_types import Err, Some
from wit_world import exports
from wit_world.exports.handler import Response
from wit_world.exports.manifest import Access, Answer, Method, ModuleManifest, Route
from wit_world.imports import events, log, tickets
from wit_world.imports.types import Roles

from boxoffice import Module
from boxoffice.host import HostRefused
from rules import NamedTickets


def call(function, *arguments):
    """Calls a host function. A refusal is named as in the WIT: `GetRefusal_EventNotFound` is `event-not-found`."""
    try:
        return function(*arguments)
    except Err as error:
        name = type(error.value).__name__.partition("_")[2]
        raise HostRefused(re.sub("(?<!^)([A-Z])", r"-\1", name).lower(), getattr(error.value, "value", None)) from None


class Imports:
    """The host functions."""

    def create_event(self, new):
        return call(events.create, events.NewEvent(**new))

    def event(self, event_id):
        return call(events.get, event_id)

    def events(self, query):
        return call(events.list, events.EventQuery(**query))

    def update_event(self, event_id, patch):
        whole = dict.fromkeys(("name", "capacity", "starts_at_ms", "tags", "attributes", "if_version")) | patch
        if "starts_at_ms" in patch:
            whole["starts_at_ms"] = Some(patch["starts_at_ms"])
        return call(events.update, event_id, events.EventPatch(**whole))

    def register(self, registration):
        return call(tickets.atomic_register, tickets.Registration(**registration))

    def ticket(self, ticket_id):
        return call(tickets.get, ticket_id)

    def tickets_of_event(self, event_id, limit, cursor):
        return call(tickets.list, tickets.TicketQuery(tickets.TicketFilter_OfEvent(event_id), limit, cursor))

    def tickets_of_email(self, email, limit, cursor):
        return call(tickets.list, tickets.TicketQuery(tickets.TicketFilter_OfEmail(email), limit, cursor))

    def confirm(self, ticket_id):
        return call(tickets.confirm, ticket_id)

    def cancel(self, ticket_id):
        return call(tickets.cancel, ticket_id)

    def log(self, level, message, fields):
        log.write(log.Level[level.upper()], message, fields)


module = Module(NamedTickets(), Imports())
# Made when the component is built: what is made now is there when a request comes.
described = module.describe()


def route(plain):
    answers = [Answer(**answer) for answer in plain["answers"]]
    method, access = Method[plain["method"].upper()], Access[plain["access"].upper()]
    return Route(**{**plain, "answers": answers, "method": method, "access": access})


class Manifest(exports.Manifest):
    def describe(self):
        return ModuleManifest(**{**described, "routes": [route(plain) for plain in described["routes"]]})


class Handler(exports.Handler):
    def handle(self, request):
        roles = {role.name.lower() for role in Roles if role in request.roles}
        answer = module.handle(SimpleNamespace(**{**vars(request), "roles": roles}))
        return Response(answer.status, answer.headers, answer.body)
