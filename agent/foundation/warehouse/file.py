"""Our own fact store: a DuckDB file through Ibis, held briefly."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.foundation.errors import StoreBusy, StoreError
from agent.foundation.memo import Memo
from agent.foundation.warehouse.reading import Warehouse

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
    con = _connect(path, write=write, wait=WAIT_SECONDS if wait is None else wait)
    try:
        yield Warehouse(con, memo)
    except Exception as error:
        broken = _broken(path, error)
        if broken is None:
            raise
        raise broken from error
    finally:
        con.disconnect()


def _connect(path: Path | None, *, write: bool, wait: float) -> Any:
    import duckdb
    import ibis

    # Fusing projections is the engine's job and costs Ibis a fifth of its time.
    ibis.options.sql.fuse_selects = False
    settings = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    deadline = time.monotonic() + wait
    while True:
        try:
            con = ibis.duckdb.connect(
                path or ":memory:", read_only=path is not None and not write, **settings
            )
        except duckdb.IOException as busy:
            text = str(busy)
            if "lock" not in text.lower():
                raise _unusable(path, text) from busy
            if time.monotonic() >= deadline:
                holder = re.search(r"PID (\d+)", text)
                who = f"process {holder.group(1)}" if holder else "another process"
                raise StoreBusy(
                    f"The facts at {path} are in use by {who}; wait for it or stop it, then try again."
                ) from busy
            time.sleep(0.1)
        except duckdb.Error as bad:
            raise _unusable(path, str(bad)) from bad
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
