"""The kinds of value that bodies and queries are made of: how each looks in a JSON Schema, and how it is read.

The host checks every limit again. They are checked here too, so that all that is wrong with a request is said at once.
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Callable

from .addresses import is_email
from .answers import DAY_MS, EPOCH_DAY, LAST_MS, Real, write

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# White space as Unicode has it.
_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_LINE = r"^[^\x00-\x1f\x7f-\x9f]+$"
_MOMENT = (
    r"^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
_PARTS = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
ATTRIBUTES_BYTES_MAX = 8 * 1024


@dataclass(frozen=True)
class Kind:
    """A kind of value: its JSON Schema, what it must be for a person (`must be ...`), and `read(value, wrong)`.

    `read` makes of a JSON value what the rules work with; None says that it is wrong. For a part of the value,
    `wrong(pointer, detail)` says what.
    """

    schema: dict
    expected: str
    read: Callable[[Any, Callable], Any]


def line(least, most):
    """A text of one line, `least` to `most` characters, as it is written."""

    def read(value, _):
        fits = type(value) is str and least <= len(value) <= most and not _CONTROL.search(value)
        return value if fits else None

    schema = {"type": "string", "minLength": least, "maxLength": most, "pattern": _LINE}
    return Kind(schema, f"must be a text of {least} to {most} characters, none of them a control character", read)


def number(value):
    """A whole number, or None. 5.0 is one too, as JSON Schema has it."""
    if isinstance(value, Real):
        real = float(value.text)
        return int(real) if real.is_integer() else None
    return value if type(value) is int else None


def whole(least, most):
    """A whole number, `least` to `most`."""

    def read(value, _):
        found = number(value)
        return found if found is not None and least <= found <= most else None

    schema = {"type": "integer", "format": "uint32", "minimum": least, "maximum": most}
    return Kind(schema, f"must be a whole number from {least} to {most}", read)


def _name(value, wrong):
    return (_NAME_LINE.read(value, wrong) or "").strip(_SPACE) or None


_NAME_LINE = line(1, 200)
NAME = Kind(
    {**_NAME_LINE.schema, "pattern": r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"},
    "must be a text of 1 to 200 characters, none of them a control character, not only white space",
    _name,
)
CAPACITY = whole(1, 1_000_000)


def parse_moment(text, _=None):
    """RFC 3339 in milliseconds; None for other text, a leap second, and years outside of 1970 to 9999 (in UTC)."""
    parts = _PARTS.fullmatch(text) if type(text) is str else None
    if parts is None:
        return None
    year, month, day, hour, minute, second = map(int, parts.groups()[:6])
    fraction, sign, hours, minutes = parts.groups()[6:]
    hours, minutes = int(hours or 0), int(minutes or 0)
    if hour > 23 or minute > 59 or second > 59 or hours > 23 or minutes > 59:
        return None
    try:
        days = date(year, month, day).toordinal() - EPOCH_DAY
    except ValueError:
        return None
    offset = (hours * 60 + minutes) * (-1 if sign == "-" else 1)
    millis = int(((fraction or "") + "000")[:3])
    ms = days * DAY_MS + ((hour * 60 + minute - offset) * 60 + second) * 1000 + millis
    return ms if 0 <= ms <= LAST_MS else None


MOMENT = Kind(
    {"type": "string", "format": "date-time", "pattern": _MOMENT},
    "must be a moment in RFC 3339, in the years 1970 to 9999, for example 2026-11-21T09:30:00Z",
    parse_moment,
)
TAG = line(1, 64)


def _tags(value, wrong):
    if type(value) is not list:
        return None
    # Past the limit the rest is only counted: 64 KiB of wrong tags need not be listed one by one.
    for place, item in enumerate(value[:16]):
        if TAG.read(item, wrong) is None:
            wrong(f"/{place}", TAG.expected)
        elif item in value[:place]:
            wrong(f"/{place}", "is given twice")
    if len(value) > 16:
        wrong("", TAGS.expected)
    return value


TAGS = Kind(
    {
        "type": "array",
        "items": {**TAG.schema, "description": "A tag of an event."},
        "maxItems": 16,
        "uniqueItems": True,
        "description": "The tags of an event, in order.",
    },
    "must be a list of at most 16 texts, no two the same",
    _tags,
)


def _email(value, _):
    email = value.strip(_SPACE) if type(value) is str else ""
    return email if is_email(email) else None


EMAIL = Kind(
    {"type": "string", "format": "email", "maxLength": 254},
    "must be an email address of at most 254 bytes, for example ada@example.org",
    _email,
)


def _quantity(value, _):
    if isinstance(value, Real) and float(value.text) == float("inf"):
        return 0xFFFF_FFFF
    found = number(value)
    # Too many for 32 bits are too many for the host: it refuses them and names its limit.
    return min(found, 0xFFFF_FFFF) if found is not None and found >= 1 else None


# Only the host knows how many it allows at most; the schema tells its default.
QUANTITY = Kind(
    {"type": "integer", "format": "uint32", "minimum": 1, "maximum": 10, "default": 1},
    "must be a whole number of seats, 1 or more",
    _quantity,
)
KEY = line(1, 255)


def _attributes(value, _):
    if not isinstance(value, dict):
        return None
    reals = []
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=lambda real: reals.append(real) or 0)
    if reals and len(text) <= ATTRIBUTES_BYTES_MAX:
        text = write(value)
    return text if len(text.encode()) <= ATTRIBUTES_BYTES_MAX else None


# Attributes as JSON text, and a patch of them as the object that it is, of any size, since names can be many that are to go.
ATTRIBUTES = Kind({"type": "object", "additionalProperties": True}, "must be a JSON object of at most 8 KiB", _attributes)
ATTRIBUTES_PATCH = Kind(
    ATTRIBUTES.schema, "must be a JSON object, or null", lambda value, _: value if isinstance(value, dict) else None
)
