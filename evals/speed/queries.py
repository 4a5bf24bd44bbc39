"""One hand-written SQL query per trigger on DuckDB, then a join: what a team would write before it had this."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from agent.signals.library import load_library

FILE = Path(__file__).with_name("triggers.sql")
_HEAD = re.compile(r"^-- (?:prepare (?P<table>\w+)|(?P<trigger>\w+): (?P<condition>.+))$", re.MULTILINE)


@dataclass(frozen=True)
class Query:
    """One trigger: the figures by account, and the condition on them."""

    trigger: str
    condition: str
    figures: str

    @property
    def names(self) -> tuple[str, ...]:
        """The figures that the condition reads."""
        return tuple(dict.fromkeys(re.findall(r"[a-z]\w*", self.condition.replace(" and ", " "))))


@cache
def _file() -> tuple[dict[str, str], dict[str, Query]]:
    text = FILE.read_text(encoding="utf-8")
    text = text[text.index("-- prepare") :]
    prepared, queries = {}, {}
    heads = list(_HEAD.finditer(text))
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        body = text[head.end() : after.start() if after else None].strip()
        if head["table"]:
            prepared[head["table"]] = body
        else:
            queries[head["trigger"]] = Query(head["trigger"], head["condition"], body)
    return prepared, queries


def queries() -> Mapping[str, Query]:
    """The queries by trigger."""
    return _file()[1]


def worth() -> dict[str, tuple[str, int]]:
    """By trigger: its group, and the points of that group."""
    library = load_library()
    return {entry.name: (entry.group, library.points[entry.group]) for entry in library.entries}


def prepare(duck: Any, as_of: date) -> None:
    """The small tables that several queries join: plans in force, their ceilings, features of higher plans."""
    for table, sql in _file()[0].items():
        duck.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {dated(sql, as_of)}")


def dated(sql: str, as_of: date) -> str:
    """A query for a day."""
    return sql.replace("$D", f"DATE '{as_of}'")


def fire(duck: Any, as_of: date) -> None:
    """Run all queries into the temporary table `fired` (trigger, account_id, value)."""
    prepare(duck, as_of)
    duck.execute("CREATE OR REPLACE TEMP TABLE fired (trigger VARCHAR, account_id VARCHAR, value DOUBLE)")
    for name, query in queries().items():
        duck.execute(
            f"INSERT INTO fired SELECT '{name}', account_id, {query.names[0]} "
            f"FROM ({dated(query.figures, as_of)}) WHERE {query.condition}"
        )


def candidates(duck: Any, ready_points: int = 9, ready_groups: int = 2) -> int:
    """How many accounts `fired` brings to the ready bar."""
    rows = [(name, group, points) for name, (group, points) in worth().items()]
    duck.execute("CREATE OR REPLACE TEMP TABLE worth (trigger VARCHAR, grp VARCHAR, points INTEGER)")
    duck.executemany("INSERT INTO worth VALUES (?, ?, ?)", rows)
    [(count,)] = duck.execute(
        "SELECT count(*) FROM (SELECT account_id FROM (SELECT DISTINCT account_id, grp, points FROM fired "
        "JOIN worth USING (trigger)) GROUP BY account_id HAVING sum(points) >= ? AND count(*) >= ?)",
        [ready_points, ready_groups],
    ).fetchall()
    return int(count)


def one_date(path: Path, as_of: date) -> int:
    """All triggers and the points as of a day; answers how many accounts reach the bar, holds not looked at."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as duck:
        fire(duck, as_of)
        return candidates(duck)


def profiles(path: Path, as_of: date) -> list[dict[str, Any]]:
    """One wide row an account: every figure that a condition reads, 0 where there is none."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as duck:
        prepare(duck, as_of)
        joins, names = [], []
        for name, query in queries().items():
            duck.execute(f"CREATE TEMP TABLE figures_{name} AS {dated(query.figures, as_of)}")
            joins.append(f"LEFT JOIN figures_{name} USING (account_id)")
            names += [f"coalesce({figure}, 0)::DOUBLE AS {figure}" for figure in query.names]
        answer = duck.execute(
            f"SELECT account_id, {', '.join(names)} FROM accounts {' '.join(joins)} "
            f"WHERE created_on <= DATE '{as_of}' ORDER BY account_id"
        )
        columns = [column[0] for column in answer.description]
        return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]
