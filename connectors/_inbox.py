"""What vendors push to us, kept until the next reading: appended before it is acknowledged, taken up by the stream."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.foundation.errors import OutgrownError
from agent.foundation.holder import machine_now

try:
    import fcntl
except ImportError:  # Not on Windows.
    fcntl = None  # type: ignore[assignment]

CURRENT = "current.jsonl"
WINDOW_SECONDS = 300
"How old a signed call may be: an older one may be somebody's copy."


class NotGenuine(OutgrownError):
    """A call that the vendor did not sign, or signed too long ago."""


class NotUnderstood(OutgrownError):
    """A signed call whose body is not what the vendor's documentation says."""


@dataclass(frozen=True)
class Hook:
    """How a vendor's webhook is known to be its own, and what of it is kept.

    `read` gets headers (lower case), the body and the secret, and answers the rows to keep: JSON objects. It raises
    NotGenuine or NotUnderstood.
    """

    secret: str
    "The environment variable of the signing secret."
    where: str
    "Where the founder sets it up, and which events to choose."
    read: Callable[[Mapping[str, str], bytes, str], Sequence[dict[str, Any]]]


def put(inbox: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows to the inbox; they are on the disk when this returns."""
    inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    with _alone(inbox):
        handle = os.open(inbox / CURRENT, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # What a killed writer left half-written stands on a line of its own.
            if (end := os.fstat(handle).st_size) and not _ends_line(inbox / CURRENT, end):
                os.write(handle, b"\n")
            _write(handle, text.encode())
            os.fsync(handle)
        finally:
            os.close(handle)


def take(inbox: Path | None) -> list[Path]:
    """The files that wait, oldest first; from now on nothing is added to them."""
    if inbox is None or not inbox.is_dir():
        return []
    with _alone(inbox):
        current = inbox / CURRENT
        if current.exists():
            current.rename(inbox / f"taken-{time.time_ns():020d}.jsonl")
    return sorted(inbox.glob("taken-*.jsonl"))


def rows(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Every row of the files; a line that was never finished was never acknowledged, and is passed over."""
    for path in files:
        with path.open("rb") as lines:
            for line in lines:
                try:
                    found = json.loads(line)
                except ValueError:
                    continue
                if isinstance(found, dict):
                    yield found


def is_signed(secret: str, message: bytes, signature: str, digest: str = "sha256") -> bool:
    """Whether a hexadecimal HMAC is right, in constant time."""
    expected = hmac.new(secret.encode(), message, getattr(hashlib, digest)).hexdigest()
    return hmac.compare_digest(expected, signature.strip().lower())


def must_be_recent(seconds: float) -> None:
    """Raise NotGenuine for a moment (seconds since 1970) too far from now."""
    from datetime import UTC

    if abs(machine_now().replace(tzinfo=UTC).timestamp() - seconds) > WINDOW_SECONDS:
        raise NotGenuine("the call was signed too long ago, or by a clock that is wrong")


def _ends_line(path: Path, size: int) -> bool:
    with path.open("rb") as text:
        text.seek(size - 1)
        return text.read(1) == b"\n"


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


@contextmanager
def _alone(inbox: Path) -> Iterator[None]:
    handle = os.open(inbox / "inbox.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
