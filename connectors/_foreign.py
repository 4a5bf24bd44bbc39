"""Foreign files read through a map, and rows given in the settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.facts.incoming import first_line
from agent.facts.schema import column_rules
from agent.facts.staged import Staged
from agent.facts.tables import TABLES
from agent.foundation.errors import InputError
from connectors import _sql
from connectors._compile import compiled
from connectors._mapping import TableMap
from connectors._sources import Source, open_source


def staged(duck: Any, folder: Path, table: str, made: TableMap, where: str) -> Staged:
    """The rows that a map makes of a foreign file.

    Raises ConfigError for a map that does not fit the file and InputError for a file that cannot be read.
    """
    from duckdb import Error

    source = open_source(duck, folder / made.file)
    try:
        return _staged(duck, folder, table, made, where, source)
    except Error as bad:
        if source.mend is None:
            reason = first_line(bad)
            raise InputError(
                f"{made.file} could not be read for {table}: {reason}; mend it or {where}."
            ) from bad
        return _staged(duck, folder, table, made, where, source.mend(bad))


def _staged(duck: Any, folder: Path, table: str, made: TableMap, where: str, source: Source) -> Staged:
    rows = compiled(duck, table, made, where, source, lambda name: open_source(duck, folder / name))
    mend = source.mend
    return Staged(
        table=table,
        file=made.file,
        relation=rows.sql,
        lines=source.lines,
        unread=source.unread,
        notes=rows.notes,
        mend=(lambda bad: _staged(duck, folder, table, made, where, mend(bad))) if mend else None,
    )


def given(table: str, rows: Sequence[dict[str, Any]], where: str) -> Staged:
    """Rows given in the settings; their line is their place in the list."""
    names = [rule.name for rule in column_rules(TABLES[table]) if any(rule.name in row for row in rows)]
    if not rows:
        names = [rule.name for rule in column_rules(TABLES[table])]
    values = ", ".join(
        "(" + ", ".join(f"CAST({_sql.literal(row.get(name))} AS VARCHAR)" for name in names) + ")"
        for row in rows
    )
    columns = ", ".join(_sql.name(name) for name in names)
    empty = ", ".join(f"CAST(NULL AS VARCHAR) AS {_sql.name(name)}" for name in names)
    relation = (
        f"SELECT * FROM (VALUES {values}) AS given({columns})" if rows else f"SELECT {empty} WHERE false"
    )
    return Staged(table, where, relation, notes=("given in outgrown.toml",))
