"""Who holds a lease, and whether they can still be at work."""

from __future__ import annotations

import os
import socket
import uuid
from datetime import UTC, datetime
from pathlib import Path

_NAMESPACE = Path("/proc/self/ns/pid")


def this_holder() -> str:
    """This process and this one lease: host, process namespace, process id, a word of its own."""
    return f"{_place()}/{os.getpid()}/{uuid.uuid4().hex[:12]}"


def is_gone(holder: str | None) -> bool:
    """Whether the holder has certainly ended; False when that cannot be seen from here."""
    place, _, rest = (holder or "").partition("/")
    number = rest.partition("/")[0]
    if place != _place() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _place() -> str:
    """The host and process namespace: only there does a process id mean anything."""
    try:
        namespace = str(_NAMESPACE.stat().st_ino)
    except OSError:
        namespace = "0"
    return f"{socket.gethostname()}:{namespace}".replace("/", "-")


def machine_now() -> datetime:
    """The machine's time, UTC and without a zone mark: leases are about processes, whatever day we play."""
    return datetime.now(UTC).replace(tzinfo=None)
