"""From the component's exports to the rules: the manifest once, and then one request each."""

import json
import traceback
from types import SimpleNamespace

from . import refusals, shapes
from .host import Host
from .refusals import Refusal, Wrongs
from .request import read_query

_TEXT = shapes.written({"type": "string"})
_WRONG = {
    "type": "object",
    "description": "One thing that is wrong with a request.",
    "properties": {
        "pointer": {"type": "string", "description": "A JSON Pointer to the field, parameter or header; empty for the whole body."},
        "detail": {"type": "string", "description": "What is wrong and what would be right."},
    },
    "required": ["pointer", "detail"],
}
# How refusals look.
_PROBLEM = shapes.object_schema(
    "Problem",
    "A refusal, as RFC 9457 has it.",
    {
        "type": shapes.required(_TEXT, "A URN that ends in the code."),
        "title": shapes.required(_TEXT, "The same for every problem of this code."),
        "status": shapes.required(shapes.written({"type": "integer", "format": "uint16", "minimum": 0, "maximum": 65535})),
        "detail": shapes.required(_TEXT, "What happened this time, and what to do about it."),
        "code": shapes.required(_TEXT, "The name of the refusal."),
        "request_id": shapes.required(_TEXT),
        "errors": shapes.Field(
            shapes.written({"type": "array", "items": _WRONG}),
            "All that is wrong with the request, where that is the problem.",
        ),
    },
)


class Module:
    """A module: these rules, with these imports."""

    def __init__(self, rules, imports):
        self.rules = rules
        self.host = Host(imports)
        self.routes = {route.id: route for route in rules.routes()}

    def describe(self):
        """The manifest, as plain values in the names of the WIT."""
        return {
            "name": self.rules.name,
            "version": self.rules.version,
            "summary": self.rules.summary,
            "routes": [_described(route) for route in self.routes.values()],
        }

    def handle(self, request):
        """Answers one request. `request` has the fields of the WIT's, but for `roles`, which is a set of names."""
        try:
            route = self.routes[request.route_id]
            cx = SimpleNamespace(
                host=self.host,
                request=request,
                now=request.now_ms,
                roles=request.roles,
                request_id=request.request_id,
                params={"id": "", **dict(request.params)},
                body=None,
            )
            wrongs = Wrongs()
            cx.query = read_query(request, route.query.shape if route.query else {}, wrongs)
            wrongs.check()
            return route.run(self.rules, cx)
        except Refusal as refusal:
            return refusal.answer(request.request_id)
        except Exception as error:
            # A fault of the rules. The operator gets to know where; raised again, it ends the run, and the caller gets a 500.
            frames = traceback.extract_tb(error.__traceback__)[-6:]
            places = " < ".join(f"{frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in reversed(frames))
            self.host.log("error", f"{type(error).__name__}: {error}", stack=places)
            raise


def _described(route):
    return {
        "id": route.id,
        "method": route.method,
        "path": route.path,
        "summary": route.summary,
        "access": route.access,
        "max_body_bytes": route.max_body_bytes,
        "cacheable": route.cacheable,
        "query_schema": _schema(route.query),
        "body_schema": _schema(route.body),
        "answers": [_fine(answer) for answer in route.answers] + _problems(route.refuses),
    }


def _schema(body):
    return None if body is None else json.dumps(shapes.read_schema(body.title, body.description, body.shape))


def _fine(answer):
    schema = None if answer.schema is None else json.dumps(answer.schema)
    return {
        "status": answer.status,
        "description": answer.description,
        "content_type": answer.content_type,
        "schema": schema,
    }


def _problems(refuses):
    """One answer for each status, as OpenAPI has it; any host function can refuse for a reason without a name here."""
    found = {}
    for code in (*refuses, refusals.REFUSED):
        found.setdefault(code.status, []).append(f"{code.title} (`{code.name}`)")
    schema = json.dumps(_PROBLEM)
    return [
        {
            "status": status,
            "description": "; ".join(texts),
            "content_type": "application/problem+json",
            "schema": schema,
        }
        for status, texts in found.items()
    ]
