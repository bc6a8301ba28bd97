"""The standard rules, but for one: a registration may say which name is to be on the badge, and the ticket shows it."""

import json
from dataclasses import replace

from boxoffice import Field, Rules, line, optional, written


class NamedTickets(Rules):
    name = "badges"
    version = "0.1.0"
    summary = "The standard rules; a registration may say the name on the badge"

    registration = Rules.registration | {"name": optional(line(1, 80), "The name on the badge.")}
    ticket = Rules.ticket | {"name": Field(written({"type": "string"}), "The name on the badge, where there is one.")}

    def register(self, cx, registration):
        name = cx.body.get("name")
        if name is not None:
            registration = replace(registration, attributes=json.dumps({"name": name}))
        return super().register(cx, registration)

    def show_ticket(self, cx, ticket):
        shown = super().show_ticket(cx, ticket)
        # A ticket may have been sold under other rules, which kept something else with it.
        kept = json.loads(ticket.attributes or "{}")
        if isinstance(kept.get("name"), str):
            shown["name"] = kept["name"]
        return shown
