"""What a request says: its body and its query, read by their shapes, and the headers that the contract knows."""

import re

from .bodies import BadJson, read_object, segment
from .kinds import KEY
from .refusals import WRONGS_MAX, Refusal, Wrongs


def read_body(request, shape, wrongs):
    """Reads a body that must be there: `{name: value}`, without what is absent or wrong, and None for what is null."""
    try:
        given = read_object(request.body)
    except BadJson as error:
        raise Refusal.invalid(error.pointer, str(error)) from None
    # A body can have thousands that are unknown, of which few are told.
    for name in list(given)[: WRONGS_MAX + len(shape)]:
        if name not in shape:
            wrongs.add(f"/{segment(name)}", f"is not a field of this request, which has {', '.join(shape) or 'none'}")
    body = {}
    for name, field in shape.items():
        value = given.get(name)
        if value is not None:
            _read_field(body, name, field.kind, value, wrongs)
            continue
        if field.required:
            wrongs.add(f"/{name}", "is required")
        if field.kept and name in given:
            wrongs.add(f"/{name}", "cannot be removed; leave it out to keep it as it is")
        if name in given:
            body[name] = None
    return body


def _read_field(into, name, kind, value, wrongs):
    before = len(wrongs.errors)
    read = kind.read(value, lambda place, detail: wrongs.add(f"/{name}{place}", detail))
    if len(wrongs.errors) > before:
        return
    if read is None:
        wrongs.add(f"/{name}", kind.expected)
    else:
        into[name] = read


def read_nothing(request):
    """Checks a body that may be absent and has nothing to say."""
    if request.body.strip(b" \t\n\x0c\r"):
        wrongs = Wrongs()
        read_body(request, {}, wrongs)
        wrongs.check()


def read_query(request, shape, wrongs):
    """The parameters of the query by name, as the shape has read them. Each may come once, and no other than the shape's."""
    given = {}
    for name, value in request.query:
        if name not in shape:
            wrongs.add(f"/{segment(name)}", f"is not a parameter of this route, which has {', '.join(shape) or 'none'}")
        elif name in given:
            wrongs.add(f"/{name}", "is given more than once; give it once")
        else:
            given[name] = value
    query = {}
    for name, field in shape.items():
        if name in given:
            _read_field(query, name, field.kind, given[name], wrongs)
        elif field.required:
            wrongs.add(f"/{name}", "is required")
    return query


def lines(request, name):
    """The values of a header, one for each of its lines, trimmed."""
    return [value.strip(" \t") for other, value in request.headers if other == name]


# A structured string (RFC 9651), whose parameters mean nothing here.
_TEXT = r'"((?:[ !#-\[\]-~]|\\["\\])*)"'
_PARAMETER = r' *; *[a-z*][a-z0-9_.*-]*(?:=(?:"(?:[ !#-\[\]-~]|\\["\\])*"|[^\s";,]+))?'
_QUOTED = re.compile(f"{_TEXT}(?:{_PARAMETER})*")
_ESCAPED = re.compile(r"\\(.)")


def idempotency_key(request, of_body, wrongs):
    """The idempotency key, from the body and the header, which must not differ."""

    def wrong(detail):
        wrongs.add("/idempotency_key", detail)

    values = lines(request, "idempotency-key")
    if not values:
        return of_body
    if len(values) > 1:
        return wrong("the header Idempotency-Key is given more than once; send it once")
    [value] = values
    quoted = _QUOTED.fullmatch(value)
    # A quote further in is half of a quoted key, or two keys that a proxy has joined.
    if quoted is None and '"' in value:
        return wrong("the header Idempotency-Key must be a bare key, or a string in double quotes (RFC 9651)")
    key = value if quoted is None else _ESCAPED.sub(r"\1", quoted[1])
    if KEY.read(key, None) is None:
        return wrong("the header Idempotency-Key must hold 1 to 255 characters, none of them a control character")
    if of_body not in (None, key):
        return wrong("the header Idempotency-Key and the field differ; send one of them, or the same in both")
    return key


_ENTITY_TAG = re.compile(r'(W/)?("[^"\x00-\x20\x7f]*")[ \t]*(?=,|\Z)')
_OURS = re.compile(r'"([1-9][0-9]{0,18})-(0|[1-9][0-9]{0,9})"')


def _entity_tags(request, name):
    """The entity tags that a header names: None where it is not there, `"*"`, pairs of weakness and text, or [] if it is none of these."""
    values = lines(request, name)
    if not values:
        return None
    if values == ["*"]:
        return "*"
    tags = []
    for value in values:
        # A tag may contain commas, so its end is the next quote; elements may be empty.
        at = 0
        while rest := value[at:].lstrip(" \t,"):
            at = len(value) - len(rest)
            match = _ENTITY_TAG.match(value, at)
            if match is None:
                return []
            tags.append((match[1] is not None, match[2]))
            at = match.end()
    return tags


def none_match(request, etag):
    """Whether `If-None-Match` names this entity tag. What is no list of entity tags matches nothing: the caller gets the whole answer."""
    named = _entity_tags(request, "if-none-match")
    return named == "*" or any(text == etag for _, text in named or [])


def if_match(request, wrongs):
    """The versions that `If-Match` wants; None: whichever there is.

    Weak tags and tags that were never ours match no version, as the strong comparison has it.
    """
    named = _entity_tags(request, "if-match")
    if named is None or named == "*":
        return None
    if not named:
        wrongs.add("/If-Match", "the header If-Match must be the ETag of the event, in its quotes, a list of such, or *")
    ours = [_OURS.fullmatch(text) for weak, text in named if not weak]
    return [int(match[1]) for match in ours if match is not None]


_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_PARTS = {it: re.compile(rf'(?:"(?:[^"\\]|\\.?)*"?|[^"{it}])+') for it in ",;"}


def prefers_csv(request):
    """Whether the caller would rather have CSV than JSON (RFC 9110, 12.5.1): not where both are as welcome, or neither is."""
    ranges = [_range(element) for line in lines(request, "accept") for element in _split(line, ",")]
    ranges = [found for found in ranges if found is not None]
    return _welcome(ranges, "text", "csv") > _welcome(ranges, "application", "json")


def _welcome(ranges, kind, subtype):
    """The welcome of a media type: that of the narrowest range that has it."""
    narrowness = {("*", "*"): 0, (kind, "*"): 1, (kind, subtype): 2}
    fitting = [(narrowness[types], weight) for types, weight in ranges if types in narrowness]
    return max(fitting)[1] if fitting else 0.0


def _range(element):
    """One element of the list; None where it is none. Of its parameters only the weight is looked at."""
    types, *parameters = _split(element, ";")
    kind, slash, subtype = types.lower().partition("/")
    weight = 1.0
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if equals and name.strip().lower() == "q":
            if not _WEIGHT.fullmatch(value.strip()):
                return None
            weight = float(value)
    return ((kind, subtype), weight) if slash else None


def _split(text, separator):
    """The parts of a list, trimmed; what is in double quotes is no separator."""
    parts = _PARTS[separator].findall(text) or [""]
    return [part.strip() for part in parts]
