"""A file as rows: CSV, Parquet or JSON lines, each as a SELECT with numbered columns."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.facts.incoming import first_line
from agent.facts.staged import Lines, Rejection
from agent.foundation.errors import InputError
from connectors import _csv, _sql
from connectors._words import nearest

LONGEST_LINE = 16 * 1024**2
"Bytes of a CSV row, line breaks in its cells included."
BUFFER = 2 * LONGEST_LINE
"What DuckDB reads at once; left to itself it takes sixteen times the longest line."
SUFFIXES = (".csv", ".csv.gz", ".parquet", ".jsonl")


@dataclass(frozen=True)
class Source:
    """A readable file: `relation` is a SELECT whose columns c0, c1, … hold the columns called `names`."""

    path: Path
    names: tuple[str, ...]
    relation: str
    lines: Lines | None = None
    unread: tuple[Rejection, ...] = ()
    mend: Callable[[Exception], Source] | None = None
    """Told what DuckDB could not read: the same file without the rows that are too long or too short, or
    an InputError that names the line."""


def open_source(duck: Any, path: Path) -> Source:
    """The rows of a file by its suffix.

    Raises InputError when it is not there or cannot be read.
    """
    if not path.is_file():
        near = nearest(path.name, [other.name for other in path.parent.glob("*")], 0.6)
        hint = f"did you mean {near}?" if near else "check the name and the folder."
        raise InputError(f"There is no file {path.name} in {path.parent}; {hint}")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes); export it again or remove it.")
    if path.name.endswith(".parquet"):
        return _parquet(duck, path)
    if path.name.endswith(".jsonl"):
        return _jsonl(duck, path)
    if path.name.endswith((".csv", ".csv.gz")):
        shape = _csv.shape(path)
        return Source(
            path, shape.header, _read_csv(shape), shape.lines, mend=lambda bad: _mended(duck, shape, bad)
        )
    raise InputError(f"{path.name} is of no known kind; give one of {', '.join(SUFFIXES)}.")


def stem(path: Path) -> str | None:
    """The file's name without its suffix, or None when the suffix is no known one."""
    for suffix in SUFFIXES:
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return None


def _read_csv(shape: _csv.Shape, *, skip_bad: bool = False) -> str:
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(shape.header)))
    more = ", ignore_errors = true" if skip_bad else ""
    if shape.blank_lines:
        more += f", skip = {shape.blank_lines}"
    if shape.line_end:
        # DuckDB would take a line break within a quoted name for the end of every line.
        escaped = shape.line_end.replace("\r", "\\r").replace("\n", "\\n")
        more += f", new_line = '{escaped}'"
    delimiter = _sql.literal(shape.delimiter)
    return (
        f"SELECT * FROM read_csv({_sql.path(str(shape.path))}, auto_detect = false, header = true, "
        f"delim = {delimiter}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
        f"max_line_size = {LONGEST_LINE}, buffer_size = {BUFFER}{more})"
    )


def _mended(duck: Any, shape: _csv.Shape, bad: Exception) -> Source:
    from duckdb import Error

    if not str(bad).startswith("Invalid Input Error"):
        raise InputError(f"{shape.path.name} could not be read: {first_line(bad)}.") from bad
    _csv.check_text(shape.path)
    unread, readable = _csv.ragged(shape)
    relation = _read_csv(shape, skip_bad=True)
    try:
        counted = duck.execute(f"SELECT count(*) FROM ({relation})").fetchone()
    except Error as worse:
        raise _unreadable(shape, worse) from worse
    if not unread or counted != (readable,):
        raise _unreadable(shape, bad) from bad
    return Source(shape.path, shape.header, relation, shape.lines, unread)


def _unreadable(shape: _csv.Shape, bad: Exception) -> InputError:
    """The error for a file that is broken in another way than by ragged rows."""
    line = re.search(r"Line: (\d+)", str(bad))
    where = f"{shape.path.name} line {int(line.group(1)):,}" if line else shape.path.name
    said = str(bad).strip().splitlines()
    told = (text for text in said[1:] if text and not text.startswith(("Original Line", "Possible")))
    reason = next(told, said[0]).split(". ")[0][:200].rstrip(".")
    return InputError(f"{where} cannot be read as CSV: {reason}; mend it.")


def _parquet(duck: Any, path: Path) -> Source:
    read = f"read_parquet({_sql.path(str(path))})"
    return _named(path, _describe(duck, path, read), read)


def _jsonl(duck: Any, path: Path) -> Source:
    lines = f"{_sql.path(str(path))}, format = 'newline_delimited'"
    # Every value is taken as text: guessing would make dates of ids that look like dates.
    names = _describe(duck, path, f"read_json({lines}, maximum_depth = 1, sample_size = -1)")
    columns = ", ".join(f"{_sql.name(name)}: 'VARCHAR'" for name in names)
    source = _named(path, names, f"read_json({lines}, columns = {{{columns}}})")
    return replace(source, lines=lambda positions: _json_lines(path, positions))


def _json_lines(path: Path, positions: Any) -> dict[int, int]:
    wanted, position = set(positions), 0
    found: dict[int, int] = {}
    with path.open(encoding="utf-8-sig") as text:
        for line, content in enumerate(text, start=1):
            position += bool(content.strip())
            if position in wanted:
                found.setdefault(position, line)
    return {position: found.get(position, position) for position in positions}


def _describe(duck: Any, path: Path, read: str) -> tuple[str, ...]:
    from duckdb import Error

    try:
        return tuple(str(row[0]) for row in duck.execute(f"DESCRIBE SELECT * FROM {read}").fetchall())
    except Error as bad:
        if path.name.endswith(".jsonl"):
            _check_json(path)
        reason = first_line(bad)
        raise InputError(f"{path.name} cannot be read: {reason}; export it again.") from bad


def _check_json(path: Path) -> None:
    """Raise InputError naming the first line that is not a JSON object."""
    with path.open("rb") as raw:
        for line, content in enumerate(raw, start=1):
            try:
                value = json.loads(content.decode("utf-8-sig")) if content.strip() else {}
            except ValueError:
                value = None
            if not isinstance(value, dict):
                raise InputError(f"{path.name} line {line:,} is not a JSON object; mend that line.")


def _named(path: Path, names: tuple[str, ...], read: str) -> Source:
    columns = ", ".join(f"{_sql.name(name)} AS c{number}" for number, name in enumerate(names))
    return Source(path, names, f"SELECT {columns} FROM {read}")
