"""Refusals, as RFC 9457 problems."""

from dataclasses import dataclass

from .answers import json_answer

# Faults that one problem lists: enough to work with, too few to make an answer large.
WRONGS_MAX = 32


@dataclass(frozen=True)
class Code:
    """A kind of refusal: its status, the name that clients go by, the title, and what to do about it.

    Make your own: `MEMBERS_FIRST = Code(403, "members_first", "Members first", "Come back tomorrow.")`.
    """

    status: int
    name: str
    title: str
    advice: str


INVALID_REQUEST = Code(400, "invalid_request", "The request is not valid", "Correct what `errors` lists and send the request again.")
FORBIDDEN = Code(403, "forbidden", "Not allowed", "The caller's role does not allow this; call with a role that does.")
EVENT_NOT_FOUND = Code(404, "event_not_found", "No such event", "No event has this id; GET /events lists those there are.")
TICKET_NOT_FOUND = Code(
    404, "ticket_not_found", "No such ticket", "No ticket of this caller has this id; check the id that the registration gave."
)
SOLD_OUT = Code(
    409,
    "sold_out",
    "Not enough seats are available",
    "Fewer seats are available than were asked for; ask for fewer, or try again when holds have run out.",
)
ALREADY_REGISTERED = Code(
    409,
    "already_registered",
    "This email is registered already",
    "The email has a live ticket for this event; use that one, or cancel it before registering again.",
)
HOLD_EXPIRED = Code(
    409,
    "hold_expired",
    "The hold has run out",
    "The hold ran out before it was confirmed and its seats are free again; register anew.",
)
TICKET_CANCELLED = Code(
    409, "ticket_cancelled", "The ticket is cancelled", "A cancelled ticket cannot be confirmed; register anew."
)
CAPACITY_BELOW_SOLD = Code(
    409,
    "capacity_below_sold",
    "More seats are taken than there would be",
    "More seats are reserved or confirmed than there would be; ask for more.",
)
EDIT_CONFLICT = Code(
    409,
    "edit_conflict",
    "Others are changing the event",
    "The event changed each time that this was to be merged with it; send the request again.",
)
REFUSED = Code(409, "refused", "The request was refused", "The host refused this without a reason that these rules know.")
PRECONDITION_FAILED = Code(
    412, "precondition_failed", "The event has changed", "Read the event again and send the change with its new ETag."
)
IDEMPOTENCY_KEY_REUSED = Code(
    422,
    "idempotency_key_reused",
    "The idempotency key belongs to another request",
    "The key was used for another event, email or quantity; use a new key for a new registration.",
)


class Refusal(Exception):
    """A refusal on its way to the caller: raise it.

    `code`: one of those above, or your own. `detail`: what is special about it this time, and what to do; otherwise the advice of
    the code. `errors`: what is wrong with the request, as pairs of a JSON Pointer (`/email`) and what is wrong.
    """

    def __init__(self, code, detail=None, errors=()):
        super().__init__(detail or code.advice)
        self.code = code
        self.errors = list(errors)

    @staticmethod
    def invalid(pointer, detail):
        """One thing is wrong with the request."""
        return Refusal(INVALID_REQUEST, None, [(pointer, detail)])

    def answer(self, request_id):
        """What the caller gets."""
        problem = {
            "type": f"urn:boxoffice:problem:{self.code.name}",
            "title": self.code.title,
            "status": self.code.status,
            "detail": str(self),
            "code": self.code.name,
            "request_id": request_id,
        }
        if self.errors:
            problem["errors"] = [{"pointer": pointer, "detail": detail} for pointer, detail in self.errors]
        return json_answer(self.code.status, problem, [("cache-control", "no-store")], "application/problem+json")


class VersionMismatch(Refusal):
    """The event has another version than the one that was asked for."""

    def __init__(self, present):
        super().__init__(
            PRECONDITION_FAILED,
            f"The event has version {present} now, which If-Match does not name; read it again and send the change with its new ETag.",
        )
        self.present = present


class Wrongs:
    """All that is wrong with a request: collected, so that it is said at once."""

    def __init__(self):
        self.errors = []

    def add(self, pointer, detail):
        """Adds one, unless there are plenty."""
        if len(self.errors) < WRONGS_MAX:
            self.errors.append((pointer, detail))

    def check(self):
        """Raises the refusal that these make, if there are any."""
        if self.errors:
            raise Refusal(INVALID_REQUEST, None, self.errors)
