"""Answers, and JSON as it is written: what was read is written again with all its digits."""

import json
from dataclasses import dataclass
from datetime import date

# The last moment of the year 9999, after which RFC 3339 has no text.
LAST_MS = 253_402_300_799_999
DAY_MS = 86_400_000
EPOCH_DAY = date(1970, 1, 1).toordinal()


class Raw:
    """JSON that is already text: it is written as it is."""

    def __init__(self, text):
        self.text = text


class Real(Raw):
    """A number with a fraction or an exponent, as it was written."""


@dataclass
class Answer:
    """A response: its status, its headers as pairs, and its body in bytes."""

    status: int
    headers: list
    body: bytes = b""


def write(value):
    """A value as JSON. Members of an object that are None are written; leave out what is to be absent."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{write(member)}" for name, member in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def json_answer(status, value, headers=(), content_type="application/json"):
    """An answer with a body of JSON."""
    return Answer(status, [("content-type", content_type), *headers], write(value).encode())


def text_answer(status, content_type, body, headers=()):
    """An answer with a body of text."""
    return Answer(status, [("content-type", content_type), *headers], body.encode())


def moment(ms):
    """Milliseconds as RFC 3339 in UTC, with milliseconds always."""
    days, rest = divmod(min(ms, LAST_MS), DAY_MS)
    seconds, millis = divmod(rest, 1000)
    day = date.fromordinal(EPOCH_DAY + days).isoformat()
    return f"{day}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{millis:03}Z"
