"""Which e-mail addresses mail can reach: what the hold refuses, delivery would refuse too."""

from __future__ import annotations

import re

from agent.signals.names import clean

LONGEST = 254
"RFC 5321: characters of an address."
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*[a-z0-9]"
)


def is_reachable(address: str) -> bool:
    """Whether `address` is one plain address and nothing else: no line break, hidden character or second one."""
    local, at, domain = address.rpartition("@")
    if not at or len(address) > LONGEST or clean(address, LONGEST) != address:
        return False
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return False
    try:
        ascii_domain = domain.lower().encode("idna").decode("ascii")
    except UnicodeError:
        return False
    return bool(_LOCAL.fullmatch(local) and _DOMAIN.fullmatch(ascii_domain))
