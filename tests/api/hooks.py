"""What schemathesis cannot know by itself."""

import schemathesis


@schemathesis.hook
def map_query(context, query):
    """A cursor is opaque: all that is made up is refused. Those that a page has given are followed by the tests in Rust."""
    if query and "cursor" in query:
        query = {name: value for name, value in query.items() if name != "cursor"}
    return query
