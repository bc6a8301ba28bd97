"""The shape of an email address (RFC 5322 without comments, display names and domain literals; RFC 6531 beyond ASCII)."""

import re

_ATOM = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
_LOCAL = re.compile(rf'(?:{_ATOM}(?:\.{_ATOM})*|"(?:[\t !#-\[\]-~]|\\[!-~])+")')
_LABEL = re.compile(rf"(?=[A-Za-z0-9]){_ATOM}(?<=[A-Za-z0-9])")
# Beyond ASCII, all but spaces and controls may be in an address.
_FOREIGN = re.compile("[^\x00-\x7f\x80-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


def is_email(address):
    """Whether mail could be sent to it: at most 254 bytes, 64 of them before the `@`, 63 in each label of the domain."""
    if len(address.encode("utf-8", "replace")) > 254 or " <" in address:
        return False
    local, at, domain = _FOREIGN.sub("x", address).rpartition("@")
    labels = domain.split(".")
    shaped = at and len(local) <= 64 and _LOCAL.fullmatch(local)
    return bool(shaped) and all(len(label) <= 63 and _LABEL.fullmatch(label) for label in labels)
