"""Our own fact store: a DuckDB file through Ibis, held briefly."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.foundation.errors import StoreBusy, StoreError
from agent.foundation.memo import Memo
from agent.foundation.warehouse.reading import Warehouse

try:
    import fcntl
except ImportError:  # Not on Windows.
    fcntl = None  # type: ignore[assignment]

WAIT_SECONDS = 10.0


@contextmanager
def open_warehouse(
    path: Path | None, *, write: bool = False, wait: float | None = None, memo: Memo | None = None
) -> Iterator[Warehouse]:
    """The facts at `path` (None: in memory), for as long as the block lasts.

    A file another process is writing is waited for up to `wait` seconds (WAIT_SECONDS by default).
    `memo` keeps what later evaluations would otherwise write again.

    Raises StoreBusy when it stays taken and StoreError when it cannot be opened.
    """
    if path is not None and not write and not path.is_file():
        raise StoreError(f"There are no facts yet at {path}; run `outgrown sync` first.")
    deadline = time.monotonic() + (WAIT_SECONDS if wait is None else wait)
    with _turn(path, write=write, deadline=deadline):
        con = _connect(path, write=write, deadline=deadline)
    try:
        yield Warehouse(con, memo)
    except Exception as error:
        broken = _broken(path, error)
        if broken is None:
            raise
        raise broken from error
    finally:
        con.disconnect()


@contextmanager
def _turn(path: Path | None, *, write: bool, deadline: float) -> Iterator[None]:
    """Whose turn it is to open the file: while a writer waits for readers to leave, no new ones come in.

    Without it a writer waits for ever beside readers whose stays overlap. Nobody can wait for a turn longer than
    for the file itself: then it is opened without one.
    """
    try:
        # A file of its own: DuckDB has locks on the other, and closing any handle of that would end them.
        name = None if path is None or fcntl is None else path.with_suffix(".turn")
        handle = None if name is None else os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        handle = None  # A folder that nobody may write to has no writers to wait for.
    if handle is None:
        yield
        return
    try:
        kind = fcntl.LOCK_EX if write else fcntl.LOCK_SH
        while time.monotonic() < deadline:
            try:
                fcntl.flock(handle, kind | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _connect(path: Path | None, *, write: bool, deadline: float) -> Any:
    import duckdb
    import ibis

    # Fusing projections is the engine's job and costs Ibis a fifth of its time.
    ibis.options.sql.fuse_selects = False
    settings = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    while True:
        try:
            con = ibis.duckdb.connect(
                path or ":memory:", read_only=path is not None and not write, **settings
            )
        except duckdb.Error as bad:
            text = str(bad)
            # What keeps other processes out by a lock keeps out other threads of this one in these words.
            is_ours = "different configuration" in text or "already attached" in text
            is_locked = isinstance(bad, duckdb.IOException) and "lock" in text.lower()
            if not is_ours and not is_locked:
                raise _unusable(path, text) from bad
            if time.monotonic() >= deadline:
                holder = re.search(r"PID (\d+)", text)
                who = f"process {holder.group(1)}" if holder else "another process"
                who = "another piece of work of this process" if is_ours else who
                raise StoreBusy(
                    f"The facts at {path} are in use by {who}; wait for it or stop it, then try again."
                ) from bad
            time.sleep(0.1)
        else:
            con.raw_sql("SET TimeZone = 'UTC'")
            return con


def _broken(path: Path | None, error: Exception) -> StoreError | None:
    """The error for a file or a machine that fails while the facts are read or written; None for any other."""
    import duckdb

    failed = isinstance(error, duckdb.IOException | duckdb.FatalException | duckdb.OutOfMemoryException)
    if failed or (isinstance(error, duckdb.TransactionException) and "Could not write" in str(error)):
        return _unusable(path, str(error))
    return None


def _unusable(path: Path | None, said: str) -> StoreError:
    """What is wrong with the facts at `path`, and how to mend it."""
    reason = _first_line(said)
    if any(word in said for word in ("Permission denied", "Read-only file system", "read-only mode")):
        mend = "mend its permissions"
    elif any(word in said for word in ("No space left", "Disk quota", "Out of Memory", "failed to allocate")):
        mend = "make room, then run the command again; nothing was changed"
    elif "newer version" in said:
        mend = "install the newer Outgrown that wrote them"
    else:
        mend = "remove that file and run `outgrown sync`, which reads everything from your sources again"
    return StoreError(f"The facts at {path} cannot be used ({reason}); {mend}.")


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else "unknown reason"
    return line.removeprefix("IO Error: ").rstrip(".!")
