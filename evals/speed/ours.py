"""Our own engine, as the benchmark calls it: the one file that knows how."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from agent.facts.tables import TABLES
from agent.foundation.memo import Memo
from agent.foundation.warehouse import Warehouse, open_warehouse
from agent.scoring.holds import ContactFacts
from agent.scoring.replay import Replay
from agent.scoring.setwise import survey_days
from agent.scoring.sources import sources_of
from agent.signals.library import library_of
from agent.signals.source import Source
from agent.signals.world import read_book
from evals.speed.asks import TABLE
from evals.speed.catalogue import settings


def _source(warehouse: Warehouse) -> Source:
    """The facts, with the tickets' classes as everybody gets them: from the table of asks."""
    tables = {name: warehouse.table(name) for name in (*TABLES, "source_reads")}
    book = read_book(tables)
    return Source(warehouse.con, tables, (), book, warehouse.memo, kept_asks=warehouse.table(TABLE))


def _contacts(day: date) -> tuple[datetime, Mapping[str, ContactFacts]]:
    return datetime.combine(day + timedelta(days=1), datetime.min.time()), {}


def _standings(path: Path, days: Sequence[date]) -> Replay:
    given = settings()
    library = library_of(given)
    # As in a workspace, the plan's SQL is written once for a catalogue and its rules, and kept.
    with open_warehouse(path, memo=Memo(path.parent / "plans")) as warehouse:
        source = _source(warehouse)
        found = survey_days(source, library, given, days)
        sources = sources_of(source.tables["source_reads"], given)
        return found.looked_at(library, sources, given.scoring, _contacts)


def _ranked(found: Replay) -> int:
    """How many are ready, put in the rule book's order: composite, then what the offer adds, then account id."""
    bar = settings().scoring
    ready = np.flatnonzero(found.ready_at(bar.ready_points, bar.ready_groups))
    order = np.lexsort((found.account[ready], -found.adds[ready], -found.composite[ready], found.day[ready]))
    return len(ready[order])


def one_date(path: Path, as_of: date) -> int:
    """All triggers to ranked accounts as of a day: points, composite, holds, plays; answers how many are ready."""
    return _ranked(_standings(path, [as_of]))


def many_dates(path: Path, days: Sequence[date]) -> int:
    """The same for many days in one plan; answers how many account-days are ready."""
    return _ranked(_standings(path, days))


def rules_alone(file: Path) -> float:
    """Seconds from profiles in memory to ranked accounts, with the conditions that the rule engines get.

    As our engine does it: a condition is a column of the profile, evaluated for all accounts at once.
    """
    import duckdb

    from evals.speed.queries import queries, worth

    with duckdb.connect() as duck:
        duck.execute("CREATE TABLE profiles AS FROM read_parquet(?)", [str(file)])
        fires = {name: query.condition for name, query in queries().items()}
        groups: dict[str, tuple[int, list[str]]] = {}
        for name, (group, points) in worth().items():
            groups.setdefault(group, (points, []))[1].append(name)
        columns = ", ".join(f"coalesce({condition}, false) AS {name}" for name, condition in fires.items())
        scored = " + ".join(
            f"CASE WHEN {' OR '.join(names)} THEN {points} ELSE 0 END" for points, names in groups.values()
        )
        bits = " + ".join(
            f"CASE WHEN {name} THEN {1 << place} ELSE 0 END" for place, name in enumerate(fires)
        )
        started = time.perf_counter()
        duck.execute(
            f"SELECT account_id, points, CASE WHEN points >= 9 THEN 2 WHEN points >= 5 THEN 1 ELSE 0 END AS band, fired "
            f"FROM (SELECT account_id, {scored} AS points, {bits} AS fired FROM (SELECT account_id, {columns} FROM profiles)) "
            "ORDER BY points DESC, account_id"
        ).fetchnumpy()
        return time.perf_counter() - started


def again(path: Path, as_of: date) -> int:
    """Every account's standing on a day, nothing new since the last call; answers how many are ready.

    The first call on a world evaluates it and keeps the answer beside it, the next ones take it from there.
    """
    from agent.facts.schema import create_tables
    from agent.facts.version import raise_version, version_of
    from agent.foundation.kept import Kept
    from agent.scoring.setwise import replay

    kept = Kept(path.with_suffix(".standings"))
    with open_warehouse(path) as warehouse:
        counted = version_of(warehouse) is not None
    if not counted:
        # A world of before the facts had a version.
        with open_warehouse(path, write=True) as warehouse:
            create_tables(warehouse.duck)
            raise_version(warehouse.duck)
    with open_warehouse(path) as warehouse:
        return _ranked(replay(warehouse, settings(), [as_of], _contacts, kept=kept))
