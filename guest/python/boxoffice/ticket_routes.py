"""What the routes of tickets do: read the request, ask the rules, write the answer."""

import re
from urllib.parse import quote

from .answers import json_answer, moment, text_answer
from .refusals import Wrongs
from .request import idempotency_key, prefers_csv, read_body, read_nothing

# The media type of an export.
CSV = "text/csv; charset=utf-8; header=present"
# Tickets are personal.
PRIVATE = ("cache-control", "no-store")
# The header row. Who reads an export goes by these names: new columns come last.
COLUMNS = "id,event_id,email,quantity,status,reserved_at,expires_at,confirmed_at,cancelled_at"


_QUOTED = re.compile('[",\r\n]')


def register(rules, cx):
    from .rules import Registration

    wrongs = Wrongs()
    cx.body = read_body(cx.request, rules.registration, wrongs)
    key = idempotency_key(cx.request, cx.body.get("idempotency_key"), wrongs)
    wrongs.check()
    quantity = cx.body.get("quantity") or 1
    wanted = Registration(cx.params["id"], cx.body["email"], quantity, idempotency_key=key)
    registered = rules.register(cx, wanted)
    headers = [("location", f"/tickets/{registered.ticket.id}"), PRIVATE]
    if registered.replayed:
        headers.append(("idempotency-replayed", "true"))
    return json_answer(201, rules.show_ticket(cx, registered.ticket), headers)


def get(rules, cx):
    return json_answer(200, rules.show_ticket(cx, rules.get_ticket(cx, cx.params["id"])), [PRIVATE])


def confirm(rules, cx):
    read_nothing(cx.request)
    return json_answer(200, rules.show_ticket(cx, rules.confirm(cx, cx.params["id"])), [PRIVATE])


def cancel(rules, cx):
    read_nothing(cx.request)
    return json_answer(200, rules.show_ticket(cx, rules.cancel(cx, cx.params["id"])), [PRIVATE])


def of_email(rules, cx):
    page = rules.tickets_of_email(cx, cx.query["email"], cx.query.get("limit", 50), cx.query.get("cursor"))
    return json_answer(200, _page(rules, cx, page), [PRIVATE])


def of_event(rules, cx):
    event_id, limit = cx.params["id"], cx.query.get("limit", 50)
    page = rules.tickets_of_event(cx, event_id, limit, cx.query.get("cursor"))
    answer = _csv(page.items) if prefers_csv(cx.request) else json_answer(200, _page(rules, cx, page), [PRIVATE])
    answer.headers.append(("vary", "accept"))
    if page.next_cursor is not None:
        path, cursor = quote(event_id, safe=""), quote(page.next_cursor, safe="")
        answer.headers.append(("link", f'</events/{path}/tickets?limit={limit}&cursor={cursor}>; rel="next"'))
    return answer


def _page(rules, cx, page):
    return {"items": [rules.show_ticket(cx, ticket) for ticket in page.items], "next_cursor": page.next_cursor}


def _csv(tickets):
    """A page of tickets as a table (RFC 4180), with a header row."""
    rows = [COLUMNS]
    for ticket in tickets:
        times = (ticket.reserved_at_ms, ticket.expires_at_ms, ticket.confirmed_at_ms, ticket.cancelled_at_ms)
        cells = [_cell(ticket.id), _cell(ticket.event_id), _cell(ticket.email), str(ticket.quantity), ticket.status]
        rows.append(",".join(cells + ["" if ms is None else moment(ms) for ms in times]))
    headers = [("content-disposition", 'attachment; filename="tickets.csv"'), PRIVATE]
    return text_answer(200, CSV, "".join(f"{row}\r\n" for row in rows), headers)


def _cell(text):
    """A text that is not ours. A spreadsheet takes what begins like a formula for one, and runs it on the reader's machine: an
    apostrophe in front makes it a text again."""
    safe = f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
    return '"' + safe.replace('"', '""') + '"' if _QUOTED.search(safe) else safe
