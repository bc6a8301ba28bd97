"""What a module uses. `rules.py` beside this folder is the module itself."""

from .answers import Answer, Raw, json_answer, text_answer
from .kinds import Kind, line, whole
from .refusals import Code, Refusal
from .routes import Body, Described, Route, get, post
from .rules import Registration, Rules
from .serve import Module
from .shapes import Field, object_schema, optional, required, written

__all__ = [
    "Answer",
    "Body",
    "Code",
    "Described",
    "Field",
    "Kind",
    "Module",
    "Raw",
    "Refusal",
    "Registration",
    "Route",
    "Rules",
    "get",
    "json_answer",
    "line",
    "object_schema",
    "optional",
    "post",
    "required",
    "text_answer",
    "whole",
    "written",
]
