"""What vendors push to us, kept until the next reading: appended before it is acknowledged, taken up by the stream.

Calls that come at the same time share one append and one fsync: the first takes the others' rows along.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from agent.foundation.errors import OutgrownError, StoreError
from agent.foundation.holder import machine_now

try:
    import fcntl
except ImportError:  # Not on Windows.
    fcntl = None  # type: ignore[assignment]

# Made once: a million rows pass through them.
_written = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_read = json.JSONDecoder().decode
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


@dataclass
class _Waiting:
    """Rows of one call on their way to the disk."""

    text: bytes
    is_written: bool = False
    "Whether somebody has tried."
    is_kept: bool = False
    says: str = "it could not be tried"


@dataclass
class _Writer:
    """All calls of this process for one inbox."""

    writing: threading.Lock = field(default_factory=threading.Lock)
    adding: threading.Lock = field(default_factory=threading.Lock)
    waiting: list[_Waiting] = field(default_factory=list)


@cache
def _writer(inbox: Path) -> _Writer:
    """The one writer of an inbox."""
    del inbox
    return _Writer()


def put(inbox: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows to the inbox; they are on the disk when this returns.

    Raises StoreError when they cannot be kept.
    """
    # Half a character, which JSON can spell and UTF-8 cannot, would stop the reading later.
    lines = [_written(row) for row in rows]
    mine = _Waiting("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
    writer = _writer(inbox)
    with writer.adding:
        writer.waiting.append(mine)
    with writer.writing:
        if not mine.is_written:
            with writer.adding:
                together, writer.waiting = writer.waiting, []
            _write_all(inbox, together)
    if not mine.is_kept:
        raise StoreError(
            f"What came for {inbox.parent.name} cannot be kept in {inbox} ({mine.says}); mend that: "
            "the vendor will send it again."
        )


def _write_all(inbox: Path, together: Sequence[_Waiting]) -> None:
    says = ""
    try:
        _append(inbox, b"".join(one.text for one in together))
    except OSError as bad:
        says = bad.strerror or type(bad).__name__
    for one in together:
        one.is_written, one.is_kept, one.says = True, not says, says


def _append(inbox: Path, text: bytes) -> None:
    inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(inbox):
        path = inbox / CURRENT
        is_new = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # What a killed writer left half-written stands on a line of its own.
            end = os.fstat(handle).st_size
            if end and os.pread(handle, 1, end - 1) != b"\n":
                text = b"\n" + text
            _write(handle, text)
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            _sync_folder(inbox)


def _sync_folder(folder: Path) -> None:
    """The name of a new file is on the disk as well when this returns."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_empty(inbox: Path) -> bool:
    """Whether nothing waits there."""
    return not (inbox / CURRENT).exists() and next(inbox.glob("taken-*.jsonl"), None) is None


def take(inbox: Path | None) -> list[Path]:
    """The files that wait, oldest first; from now on nothing is added to them."""
    if inbox is None or not inbox.is_dir():
        return []
    with _alone(inbox):
        current = inbox / CURRENT
        if current.exists():
            current.rename(inbox / f"taken-{time.time_ns():020d}.jsonl")
    return sorted(inbox.glob("taken-*.jsonl"))


def rows(files: Sequence[Path], but: tuple[bytes, ...] = ()) -> Iterator[dict[str, Any]]:
    """Every row of the files; a line that was never finished was never acknowledged, and is passed over.

    So are lines that begin like one of `but`.
    """
    for path in files:
        with path.open("rb") as lines:
            for line in lines:
                if line.startswith(but):
                    continue
                try:
                    found = _read(line.decode())
                except (ValueError, RecursionError):
                    continue
                if isinstance(found, dict):
                    yield found


def is_signed(secret: str, message: bytes, signature: str, digest: str = "sha256") -> bool:
    """Whether a hexadecimal HMAC is right, in constant time."""
    expected = hmac.new(secret.encode(), message, getattr(hashlib, digest)).hexdigest()
    # As bytes: text that is not ASCII could not be compared at all.
    return hmac.compare_digest(expected.encode(), signature.strip().lower().encode("utf-8", "replace"))


def must_be_recent(seconds: float) -> None:
    """Raise NotGenuine for a moment (seconds since 1970) too far from now."""
    from datetime import UTC

    if abs(machine_now().replace(tzinfo=UTC).timestamp() - seconds) > WINDOW_SECONDS:
        raise NotGenuine("the call was signed too long ago, or by a clock that is wrong")


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
