"""JSON, read so that nothing is lost."""

import json
import re

from .answers import Real

# Levels of a body. The host takes attributes that are one less deep.
DEPTH_MAX = 128

_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"'
_STRINGS = re.compile(_STRING, re.DOTALL)
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_FLAT = re.compile(r"\[\]|\{\}")


class BadJson(Exception):
    """The body is not what it must be. `pointer` (RFC 6901) says where."""

    def __init__(self, pointer, detail):
        super().__init__(detail)
        self.pointer = pointer


def segment(name):
    """A name as one segment of a JSON Pointer."""
    return str(name).replace("~", "~0").replace("/", "~1")


class Object(dict):
    """An object whose names are each there once, or `twice`: the one that is not."""

    twice = None


def _object(pairs):
    members = Object(pairs)
    if len(members) != len(pairs):
        seen = set()
        members.twice = next(name for name, _ in pairs if name in seen or seen.add(name))
    return members


def _constant(text):
    raise ValueError(f"{text} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=Real, parse_constant=_constant)


def read_object(body):
    """The object that a body is. A number with a fraction or an exponent is a `Real`; a name is there once in each object."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BadJson("", "the body is not valid JSON: it is not UTF-8") from None
    text = text.strip(" \t\r\n")
    if not text:
        raise BadJson("", "a JSON object is required")
    _check_depth(text)
    try:
        value = _decoder.decode(text)
    except ValueError as error:
        raise BadJson("", f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadJson("", "must be a JSON object")
    if re.search(r"\\u[dD][89a-fA-F]", text) and _has_half(value):
        raise BadJson("", "the body is not valid JSON: it has half of a surrogate pair")
    place = _twice(value)
    if place is not None:
        raise BadJson(place, "is given more than once; give it once")
    return value


def _check_depth(text):
    """Refuses what is nested so deeply that Python's own reader would give up."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return
    brackets = _NO_BRACKETS.sub("", _STRINGS.sub("", text))
    depth = 0
    for bracket in _FLAT.sub("", brackets):
        depth += 1 if bracket in "[{" else -1
        if depth >= DEPTH_MAX:
            raise BadJson("", f"is nested too deeply: at most {DEPTH_MAX} levels are taken")


def _has_half(value):
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _twice(value):
    """The place of a name that is there twice."""
    if isinstance(value, dict):
        if value.twice is not None:
            return f"/{segment(value.twice)}"
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    else:
        return None
    for at, member in inside:
        if isinstance(member, (dict, list)):
            place = _twice(member)
            if place is not None:
                return f"/{segment(at)}{place}"
    return None


def merge(present, patch):
    """A JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(present) if isinstance(present, dict) else {}
    for name, change in patch.items():
        if change is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), change)
    return merged
