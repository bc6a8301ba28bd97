"""JSON, read so that nothing is lost."""

import json
import re

from .answers import Real

# Levels of a body. The host takes attributes that are one less deep.
DEPTH_MAX = 128

_STRINGS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class BadJson(Exception):
    """The body is not what it must be. `pointer` (RFC 6901) says where."""

    def __init__(self, pointer, detail):
        super().__init__(detail)
        self.pointer = pointer


def segment(name):
    """A name as one segment of a JSON Pointer."""
    return str(name).replace("~", "~0").replace("/", "~1")


class Doubled(dict):
    """An object that has a name twice: this one."""

    name = None


def _constant(text):
    raise ValueError(f"{text} is not JSON")


def read_object(body):
    """The object that a body is. A number with a fraction or an exponent is a `Real`; a name is there once in each object."""
    try:
        text = body.decode().strip(" \t\r\n")
    except UnicodeDecodeError:
        raise BadJson("", "the body is not valid JSON: it is not UTF-8") from None
    if not text:
        raise BadJson("", "a JSON object is required")
    _check_depth(text)
    doubled = []

    def members(pairs):
        found = dict(pairs)
        if len(found) < len(pairs):
            found = Doubled(found)
            seen = set()
            found.name = next(name for name, _ in pairs if name in seen or seen.add(name))
            doubled.append(found)
        return found

    try:
        value = json.loads(text, object_pairs_hook=members, parse_float=Real, parse_constant=_constant)
    except ValueError as error:
        raise BadJson("", f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadJson("", "must be a JSON object")
    if _HALF.search(text) and _has_half(value):
        raise BadJson("", "the body is not valid JSON: it has half of a surrogate pair")
    if doubled:
        raise BadJson(_place(value), "is given more than once; give it once")
    return value


def _check_depth(text):
    """Refuses what is nested so deeply that Python's own reader would give up."""
    if text.count("[") + text.count("{") < DEPTH_MAX:
        return
    brackets = _NO_BRACKETS.sub("", _STRINGS.sub("", text))
    # Each round takes the innermost level away.
    for _ in range(DEPTH_MAX):
        left = brackets.replace("[]", "").replace("{}", "")
        if not left:
            return
        if left == brackets:
            raise BadJson("", "the body is not valid JSON: its brackets do not match")
        brackets = left
    raise BadJson("", f"is nested too deeply: at most {DEPTH_MAX} levels are taken")


def _has_half(value):
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return True
    return False


def _place(value):
    """The place of the first name that is there twice."""
    if isinstance(value, Doubled):
        return f"/{segment(value.name)}"
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for at, member in inside:
        place = _place(member) if isinstance(member, (dict, list)) else None
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
