"""The mapping file: what the founder has said about which account a vendor's record is."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from agent.foundation.errors import InputError

if TYPE_CHECKING:
    from agent.foundation.settings import Workspace

try:
    import fcntl
except ImportError:  # Not on Windows.
    fcntl = None  # type: ignore[assignment]

NAME = "identities.csv"
HEADER = ("source", "record_id", "account_id")

Settled = dict[tuple[str, str], str]


def path_of(workspace: Workspace) -> Path:
    """Where it lies: beside outgrown.toml."""
    return workspace.folder / NAME


def read(workspace: Workspace) -> Settled:
    """The founder's word by (source, record); empty without a file. Of two lines about one record the last counts.

    Raises InputError that names the line.
    """
    path = path_of(workspace)
    if not path.is_file():
        return {}
    found: Settled = {}
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error, OSError) as bad:
        raise InputError(f"{path} cannot be read ({bad}); save it as CSV in UTF-8.") from bad
    if not rows or tuple(cell.strip() for cell in rows[0]) != HEADER:
        raise InputError(f"{path} line 1 must be {','.join(HEADER)}; mend that line.")
    for line, row in enumerate(rows[1:], start=2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) != len(HEADER) or not all(cells):
            raise InputError(
                f"{path} line {line} must hold a source, a record id and an account id (or + for an account by "
                "itself, - to leave it out); mend that line."
            )
        found[cells[0], cells[1]] = cells[2]
    return found


def change(workspace: Workspace, source: str, record_id: str, account: str | None) -> None:
    """Write one line, or take it out where `account` is None; two people at once both get their way."""
    handle = os.open(workspace.private / "identities.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        settled = read(workspace)
        settled.pop((source, record_id), None)
        if account is not None:
            settled[source, record_id] = account
        write(workspace, settled)
    finally:
        os.close(handle)


def write(workspace: Workspace, settled: Mapping[tuple[str, str], str]) -> None:
    """Write the whole file, in one step: nobody ever reads half of it."""
    path = path_of(workspace)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".identities")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(HEADER)
            writer.writerows((*key, account) for key, account in sorted(settled.items()))
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
