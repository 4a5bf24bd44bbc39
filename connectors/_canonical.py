"""Files with the canonical names: found in the folder, their headers checked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.facts.schema import ColumnRule, column_rules
from agent.facts.staged import Staged
from agent.facts.tables import TABLES
from agent.foundation.errors import InputError
from connectors import _sql
from connectors._sources import SUFFIXES, Source, open_source, stem
from connectors._words import nearest

NEAR_FILE = 0.8
NEAR_COLUMN = 0.85


@dataclass(frozen=True)
class Found:
    """The canonical files of a folder by table, and the names of data files that are none."""

    files: dict[str, Path]
    others: tuple[str, ...]


def find(folder: Path, mapped: Collection[str], given: Collection[str]) -> Found:
    """The canonical files of `folder`, leaving out those a map reads.

    Names alone are looked at: a misspelt one may be huge.

    Raises InputError for a file that is nearly called like a table that nothing else gives, and for a
    table that comes twice.
    """
    files: dict[str, Path] = {}
    strange: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        name = stem(path)
        if name is None or path.name in mapped or path.name[0] in ".~" or not path.is_file():
            continue
        if name not in TABLES:
            strange[path.name] = name
        elif name in files:
            raise InputError(f"{files[name].name} and {path.name} both give {name}; keep one of them.")
        else:
            files[name] = path
    for shown, name in strange.items():
        near = nearest(name, TABLES, NEAR_FILE)
        if near and near not in files and near not in given:
            suffix = shown[len(name) :].lower()
            raise InputError(
                f"{shown} in {folder} is not the name of a table; did you mean {near}{suffix}? "
                "Rename it, map it, or move it away."
            )
    return Found(files, tuple(strange))


def require(tables: Sequence[str], folder: Path, found: Found, given: Collection[str]) -> None:
    """Raise InputError when a table that is always needed comes from nowhere."""
    missing = [table for table in tables if table not in found.files and table not in given]
    if missing:
        kinds = ", ".join(f"{missing[0]}{suffix}" for suffix in SUFFIXES)
        also = (
            f"; so {'do' if len(missing) > 2 else 'does'} {' and '.join(missing[1:])}" if missing[1:] else ""
        )
        there = f"; there are {', '.join(found.others[:5])}" if found.others else ""
        raise InputError(
            f"{missing[0]} is missing in {folder}{also}: put {kinds} there, or map a file to it under "
            f"[connectors.files.map.{missing[0]}]{there}."
        )


def staged(duck: Any, table: str, path: Path, *, needed: bool = False) -> Staged:
    """A file whose columns have the canonical names.

    Raises InputError for a missing column, for one that is nearly called like a column, and for a needed
    file without rows.
    """
    from duckdb import Error

    source = open_source(duck, path)
    made = _staged(table, source)
    with suppress(Error):  # what cannot be read is explained when it is loaded
        if needed and duck.execute(f"SELECT 1 FROM ({source.relation}) LIMIT 1").fetchone() is None:
            raise InputError(
                f"{path.name} has a header and no rows, and {table} are needed; export it again."
            )
    return made


def _staged(table: str, source: Source) -> Staged:
    rules = column_rules(TABLES[table])
    ignored = _check_header(table, source, rules)
    known = {rule.name for rule in rules}
    columns = ", ".join(
        f"c{number} AS {_sql.name(name)}" for number, name in enumerate(source.names) if name in known
    )
    mend = source.mend
    return Staged(
        table=table,
        file=source.path.name,
        relation=f"SELECT {columns} FROM ({source.relation})",
        lines=source.lines,
        unread=source.unread,
        notes=(f"ignored columns: {', '.join(ignored)}",) if ignored else (),
        mend=(lambda bad: _staged(table, mend(bad))) if mend else None,
    )


def _check_header(table: str, source: Source, rules: Sequence[ColumnRule]) -> list[str]:
    """The names of columns that mean nothing here."""
    file, known = source.path.name, [rule.name for rule in rules]
    missing = [name for name in known if name not in source.names]
    extra = [name or "(no name)" for name in source.names if name not in known]
    for name in extra:
        near = nearest(name, missing, NEAR_COLUMN)
        if near:
            raise InputError(
                f"{file} line 1: column '{name}' is not one of {table}' columns; did you mean '{near}'? "
                f"Rename it, or map it under [connectors.files.map.{table}]."
            )
    for rule in rules:
        if rule.required and rule.name in missing:
            near = nearest(rule.name, extra, 0.6)
            hint = f" (perhaps it is '{near}')" if near else ""
            raise InputError(
                f"{file} line 1: the column '{rule.name}' is missing, and {table} needs it{hint}; add it, or "
                f"map another column to it under [connectors.files.map.{table}]."
            )
    return extra
