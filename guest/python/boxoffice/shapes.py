"""What bodies, queries and answers are made of. A shape is `{name: Field}`; from it come the JSON Schema of the manifest and the
check of a request, so that the two cannot differ."""

import re
from dataclasses import dataclass
from typing import Optional

from . import kinds
from .kinds import Kind

_UNSET = object()


@dataclass(frozen=True)
class Field:
    """A field. `kept`: it may be absent, and null does not remove it. `initial`: what the schema tells as the default."""

    kind: Kind
    description: Optional[str] = None
    required: bool = False
    nullable: bool = False
    kept: bool = False
    initial: object = _UNSET


def required(kind, description=None):
    """A field that must be there."""
    return Field(kind, description, required=True)


def optional(kind, description=None):
    """A field that may be absent or null."""
    return Field(kind, description, nullable=True)


def written(schema):
    """The kind of a field that is only written."""
    return Kind(schema, "", None)


def read_schema(title, description, shape):
    """The JSON Schema of an object that is read: it has these fields and no other."""
    return {**object_schema(title, description, shape), "additionalProperties": False}


def object_schema(title, description, shape):
    """The JSON Schema of an object that is written."""
    schema = {"title": title, "description": description, "type": "object"}
    if shape:
        schema["properties"] = {name: _field_schema(field) for name, field in shape.items()}
    needed = [name for name, field in shape.items() if field.required]
    return {**schema, "required": needed} if needed else schema


def _field_schema(field):
    schema = dict(field.kind.schema)
    if field.nullable:
        schema["type"] = [schema["type"], "null"]
    if field.initial is not _UNSET:
        schema["default"] = field.initial
    if field.description is not None:
        schema["description"] = field.description
    return schema


_TEXT = written({"type": "string"})
_COUNT = written({"type": "integer", "format": "uint32", "minimum": 0})
_MOMENT = written({"type": "string", "format": "date-time"})

NEW_EVENT = {
    "name": required(kinds.NAME, "Trimmed."),
    "capacity": required(kinds.CAPACITY, "Seats in all."),
    "starts_at": optional(kinds.MOMENT, "When it begins."),
    "tags": optional(kinds.TAGS),
    "attributes": optional(kinds.ATTRIBUTES, "At most 8 KiB of anything, no name twice in one object."),
}

# A JSON merge patch.
EVENT_PATCH = {
    "name": Field(kinds.NAME, "Trimmed.", kept=True),
    "capacity": Field(kinds.CAPACITY, "Seats in all, never fewer than are reserved and confirmed.", kept=True),
    "starts_at": optional(kinds.MOMENT, "When it begins; null removes it."),
    "tags": optional(kinds.TAGS, "All tags anew; null removes them all."),
    "attributes": Field(
        kinds.ATTRIBUTES_PATCH,
        "Merged with what is there, objects in it too; null removes a member, and in place of the object all of them. At most 8 KiB\n"
        "afterwards.",
        nullable=True,
        initial=None,
    ),
}

REGISTRATION = {
    "email": required(kinds.EMAIL, "Trimmed."),
    "quantity": optional(kinds.QUANTITY, "Seats; the host allows at most 10, unless configured otherwise."),
    "idempotency_key": optional(kinds.KEY, "Makes a repetition harmless. The header `Idempotency-Key` says the same."),
}

EVENT = {
    "id": required(_TEXT),
    "name": required(_TEXT),
    "capacity": required(_COUNT, "Seats in all."),
    "available": required(_COUNT, "Seats that can be reserved now."),
    "starts_at": Field(_MOMENT, "When it begins; absent where the organizer did not say."),
    "tags": required(written({"type": "array", "items": {"type": "string"}})),
    "attributes": required(written({"type": "object", "additionalProperties": True}), "Whatever the organizer stored."),
    "created_at": required(_MOMENT),
    "version": required(written({"type": "integer", "format": "uint64", "minimum": 0}), "Counts the organizer's edits, from 1."),
}

AVAILABILITY = {
    "event_id": required(_TEXT),
    "capacity": required(_COUNT, "`available + reserved + confirmed`."),
    "available": required(_COUNT),
    "reserved": required(_COUNT, "Seats held and not yet confirmed."),
    "confirmed": required(_COUNT),
    "server_time": required(_MOMENT),
}

TICKET = {
    "id": required(_TEXT),
    "event_id": required(_TEXT),
    "email": required(_TEXT),
    "quantity": required(_COUNT, "Seats."),
    "status": required(
        written({"type": "string", "enum": ["reserved", "confirmed", "cancelled"]}),
        "Where a ticket stands; a hold that has run out is cancelled.",
    ),
    "reserved_at": required(_MOMENT),
    "expires_at": required(_MOMENT, "From this moment on, a hold that is not confirmed is over."),
    "confirmed_at": Field(_MOMENT),
    "cancelled_at": Field(_MOMENT),
    "server_time": required(_MOMENT, "For a countdown that does not trust the caller's clock."),
}


def page_schema(title, description, item):
    """The JSON Schema of a page of things."""
    shape = {
        "items": required(written({"type": "array", "items": item})),
        "next_cursor": required(written({"type": ["string", "null"]}), "Null on the last page."),
    }
    return object_schema(title, description, shape)


_LIMIT = re.compile(r"([1-9][0-9]?|100)")


def _limit(things):
    schema = {"type": "string", "pattern": f"^{_LIMIT.pattern}$", "default": "50"}
    kind = Kind(schema, "must be a whole number from 1 to 100", lambda text, _: int(text) if _LIMIT.fullmatch(text) else None)
    return Field(kind, f"{things} of the page, 1 to 100.")


def _cursor(of):
    kind = Kind({"type": "string", "minLength": 1, "maxLength": 512}, "must be a cursor", lambda text, _: text)
    return Field(kind, f"The `next_cursor` of the page before, of the same {of}.")


_BOUND = Kind(kinds.MOMENT.schema, f"{kinds.MOMENT.expected}; in a query, + is written as %2B", kinds.parse_moment)
_WORDS = Kind(
    {"type": "string", "maxLength": 200}, "must be at most 200 characters", lambda text, _: text if len(text) <= 200 else None
)
_YES = Kind(
    {"type": "string", "enum": ["true"]},
    "must be true; leave it out for all events",
    lambda text, _: True if text == "true" else None,
)

EVENT_QUERY = {
    "limit": _limit("Events"),
    "cursor": _cursor("query"),
    "q": Field(_WORDS, "Words that the name contains, each anywhere, ASCII case ignored."),
    "tag": Field(kinds.TAG, "A tag that the event has, exactly."),
    "starts_after": Field(_BOUND, "Starts at this moment or later."),
    "starts_before": Field(_BOUND, "Starts before this moment."),
    "available": Field(_YES, "Only events with a seat available. Leave it out for all."),
}
EMAIL_QUERY = {
    "email": required(kinds.EMAIL, "Whose tickets; compared in ASCII lower case."),
    "limit": _limit("Tickets"),
    "cursor": _cursor("email"),
}
PAGE_QUERY = {"limit": _limit("Tickets"), "cursor": _cursor("event")}
