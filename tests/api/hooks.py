"""What schemathesis cannot know by itself, or does not do."""

import re

import schemathesis
from schemathesis import GenerationMode

TAGS = re.compile(r'(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)')


@schemathesis.hook
def filter_case(context, case):
    # A cursor is opaque: all that is made up is refused, as it should be. Those that a page has given are followed by the tests in Rust.
    if case.query and "cursor" in case.query:
        return False
    # Its coverage phase calls an If-Match valid that does not match the schema's pattern.
    tags = (case.headers or {}).get("If-Match")
    is_valid = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    return not (is_valid and tags is not None and not TAGS.fullmatch(str(tags)))
