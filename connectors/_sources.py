"""A file as rows: CSV, Parquet or JSON lines, each as a SELECT with numbered columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.facts.staged import Lines, Rejection
from agent.foundation.errors import InputError
from connectors import _csv, _sql

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".jsonl")


@dataclass(frozen=True)
class Source:
    """A readable file: `relation` is a SELECT whose columns c0, c1, … hold the columns called `names`."""

    path: Path
    names: tuple[str, ...]
    relation: str
    lines: Lines | None = None
    unread: tuple[Rejection, ...] = ()

    def column(self, name: str) -> str | None:
        """The SQL name of a column of the file, or None."""
        return f"c{self.names.index(name)}" if name in self.names else None


def open_source(duck: Any, path: Path) -> Source:
    """The rows of a file by its suffix.

    Raises InputError when it is not there or cannot be read.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path.name} in {path.parent}; check the name and the folder.")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes); export it again or remove it.")
    if path.name.endswith(".parquet"):
        return _parquet(duck, path)
    if path.name.endswith(".jsonl"):
        return _jsonl(duck, path)
    if path.name.endswith((".csv", ".csv.gz")):
        return _open_csv(duck, path)
    raise InputError(f"{path.name} is of no known kind; give {', '.join(SUFFIXES)}.")


def stem(path: Path) -> str | None:
    """The file's name without a known suffix, or None."""
    for suffix in (".csv.gz", *SUFFIXES):
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    return None


def _open_csv(duck: Any, path: Path) -> Source:
    shape = _csv.shape(path)
    relation = _read_csv(shape)
    return Source(path, shape.header, relation, shape.lines, _unread(duck, shape, relation))


def _read_csv(shape: _csv.Shape, *, skip_bad: bool = False) -> str:
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(shape.header)))
    bad = ", ignore_errors = true" if skip_bad else ""
    return (
        f"SELECT * FROM read_csv({_sql.path(str(shape.path))}, auto_detect = false, header = true, "
        f"delim = {_sql.literal(shape.delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}{bad})"
    )


def _unread(duck: Any, shape: _csv.Shape, relation: str) -> tuple[Rejection, ...]:
    return ()


def _parquet(duck: Any, path: Path) -> Source:
    read = f"read_parquet({_sql.path(str(path))})"
    return _described(duck, path, read, None)


def _jsonl(duck: Any, path: Path) -> Source:
    read = f"read_json({_sql.path(str(path))}, format = 'newline_delimited', maximum_depth = 1, sample_size = -1)"
    names = _describe(duck, path, read)
    if not names:
        raise InputError(f"{path.name} holds no objects; give one JSON object a line.")
    columns = ", ".join(f"{_sql.name(name)}: 'VARCHAR'" for name in names)
    text = f"read_json({_sql.path(str(path))}, format = 'newline_delimited', columns = {{{columns}}})"
    return _named(path, names, text)


def _described(duck: Any, path: Path, read: str, lines: Lines | None) -> Source:
    return _named(path, _describe(duck, path, read), read)


def _describe(duck: Any, path: Path, read: str) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in duck.execute(f"DESCRIBE SELECT * FROM {read}").fetchall())


def _named(path: Path, names: tuple[str, ...], read: str) -> Source:
    columns = ", ".join(f"{_sql.name(name)} AS c{number}" for number, name in enumerate(names))
    return Source(path, names, f"SELECT {columns} FROM {read}")
