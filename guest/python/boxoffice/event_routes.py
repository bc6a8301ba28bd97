"""What the routes of events do: read the request, ask the rules, write the answer."""

from .answers import Answer, json_answer, moment
from .refusals import Wrongs
from .request import if_match, none_match, read_body

# Bytes of an answer's body that the host takes at most.
BODY_BYTES_MAX = 1024 * 1024
# May be kept, but has to be asked about each time.
REVALIDATE = ("cache-control", "no-cache")


def etag(event):
    """The entity tag of an event: nothing that is shown changes without its version or its availability.

    `If-Match` compares the version alone: a change that somebody makes of what they have read holds whether or not a seat was sold
    since.
    """
    return f'"{event.version}-{event.available}"'


def create(rules, cx):
    wrongs = Wrongs()
    cx.body = read_body(cx.request, rules.new_event, wrongs)
    wrongs.check()
    new = {
        "name": cx.body["name"],
        "capacity": cx.body["capacity"],
        "starts_at_ms": cx.body.get("starts_at"),
        "tags": cx.body.get("tags") or [],
        "attributes": cx.body.get("attributes"),
    }
    event = rules.create_event(cx, new)
    headers = [("location", f"/events/{event.id}"), ("etag", etag(event)), REVALIDATE]
    return json_answer(201, rules.show_event(cx, event), headers)


def list_page(rules, cx):
    words = cx.query.get("q", "")
    query = {
        "limit": cx.query.get("limit", 50),
        "cursor": cx.query.get("cursor"),
        # A search form that was left empty looks for nothing in particular.
        "words": words if words.strip() else None,
        "tag": cx.query.get("tag"),
        "starts_after_ms": cx.query.get("starts_after"),
        "starts_before_ms": cx.query.get("starts_before"),
        "available_only": cx.query.get("available", False),
    }
    while True:
        page = rules.list_events(cx, query)
        shown = {"items": [rules.show_event(cx, event) for event in page.items], "next_cursor": page.next_cursor}
        answer = json_answer(200, shown, [REVALIDATE])
        # Events as large as they may be fill an answer at some 70: such a page is cut shorter. The cursor goes on from wherever it
        # ends, and one event always fits.
        if len(answer.body) <= BODY_BYTES_MAX or query["limit"] == 1:
            return answer
        query["limit"] //= 2


def get(rules, cx):
    event = rules.get_event(cx, cx.params["id"])
    tag = etag(event)
    headers = [("etag", tag), REVALIDATE]
    if none_match(cx.request, tag):
        return Answer(304, headers)
    return json_answer(200, rules.show_event(cx, event), headers)


def availability(rules, cx):
    event = rules.get_event(cx, cx.params["id"])
    seats = {
        "event_id": event.id,
        "capacity": event.capacity,
        "available": event.available,
        "reserved": event.reserved,
        "confirmed": event.confirmed,
        "server_time": moment(cx.now),
    }
    return json_answer(200, seats, [REVALIDATE])


def update(rules, cx):
    wrongs = Wrongs()
    cx.body = read_body(cx.request, rules.event_patch, wrongs)
    versions = if_match(cx.request, wrongs)
    wrongs.check()
    change, patch = _change(cx.body)
    event_id = cx.params["id"]
    if change or patch:
        event = rules.update_event(cx, event_id, change, patch, versions)
    else:
        event = rules.keep_event(cx, event_id, versions)
    return json_answer(200, rules.show_event(cx, event), [("etag", etag(event)), REVALIDATE])


def _change(body):
    """What a patch says, and what the attributes are to be merged with: null removes."""
    change = {name: body[name] for name in ("name", "capacity") if name in body}
    if "starts_at" in body:
        change["starts_at_ms"] = body["starts_at"]
    if "tags" in body:
        change["tags"] = body["tags"] or []
    if "attributes" in body and body["attributes"] is None:
        change["attributes"] = "{}"
    return change, body.get("attributes") or None
