"""Somebody's own warehouse for the tests: the facts of a world in PostgreSQL, Spark or a DuckDB file of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import numpy as np

from agent.facts.schema import column_rules
from agent.facts.tables import MODELS, Fact
from agent.foundation import clock
from agent.foundation.warehouse import Warehouse, open_remote, open_warehouse
from agent.scoring.replay import Replay
from agent.scoring.scan import Scan, scan
from agent.scoring.setwise import replay
from agent.signals.views import canonical_views
from tests.worlds import MEMO, MOMENT, READ_AT, D, World, settings

POSTGRES_TYPES = {
    str: "text", int: "bigint", float: "double precision", bool: "boolean", date: "date", datetime: "timestamp",
}  # fmt: skip


def fill_postgres(url: str, facts: Iterable[Fact], tables: Sequence[str] = ()) -> None:
    """Make the canonical tables (or those named) in a PostgreSQL database and fill them."""
    import psycopg

    facts = list(facts)
    with psycopg.connect(url, autocommit=True) as connection:
        for model in MODELS:
            if tables and model.TABLE not in tables:
                continue
            rules = column_rules(model)
            columns = ", ".join(f'"{rule.name}" {POSTGRES_TYPES[rule.type]}' for rule in rules)
            connection.execute(f"CREATE TABLE {model.TABLE} ({columns})")
            with connection.cursor() as cursor, cursor.copy(f"COPY {model.TABLE} FROM STDIN") as copy:
                for fact in facts:
                    if fact.TABLE == model.TABLE:
                        copy.write_row([getattr(fact, rule.name) for rule in rules])


def fill_spark(session: Any, facts: Iterable[Fact]) -> None:
    """Make the canonical tables as views of a Spark session."""
    from pyspark.sql import types

    kinds = {
        str: types.StringType(), int: types.LongType(), float: types.DoubleType(), bool: types.BooleanType(),
        date: types.DateType(), datetime: types.TimestampNTZType(),
    }  # fmt: skip
    facts = list(facts)

    def plain(value: Any, kind: type) -> Any:
        return (
            None if value is None else str(value) if kind is str else float(value) if kind is float else value
        )

    for model in MODELS:
        rules = column_rules(model)
        fields = types.StructType([types.StructField(rule.name, kinds[rule.type]) for rule in rules])
        rows = [
            tuple(plain(getattr(fact, rule.name), rule.type) for rule in rules)
            for fact in facts
            if fact.TABLE == model.TABLE
        ]
        session.createDataFrame(rows, fields).createOrReplaceTempView(model.TABLE)


@contextmanager
def in_place(url: str, *, now: datetime = READ_AT, place: str = "", **more: Any) -> Iterator[Warehouse]:
    """The warehouse of that URL, its tables seen as the canonical ones."""
    with open_remote(url, more.pop("options", {})) as opened:
        yield Warehouse(opened.con, MEMO, canonical_views(opened.con, more.pop("names", {}), place, now))


def scan_in_place(url: str, as_of: date = D, *, show_rows: bool = True, **more: Any) -> Scan:
    """A scan of the warehouse at a URL."""
    with in_place(url, **more) as warehouse:
        return scan(warehouse, settings(), as_of, MOMENT, {}, show_rows=show_rows)


def replay_on(warehouse: Warehouse, days: Sequence[date]) -> Replay:
    """A replay of some days, of accounts nobody has written to."""
    return replay(warehouse, settings(), days, lambda day: (clock.end_of(day), {}))


def replay_at_home(world: World, days: Sequence[date]) -> Replay:
    """The same on our own fact store."""
    from agent.facts.door import add_facts
    from agent.facts.schema import create_tables

    with open_warehouse(None, write=True, memo=MEMO) as warehouse:
        create_tables(warehouse.duck)
        add_facts(warehouse, world.facts, source="files", read_at=READ_AT)
        return replay_on(warehouse, days)


def differences(one: Scan, other: Scan) -> list[str]:
    """Where two scans differ: an account, its status, its scores, a finding, one of its figures or their rows."""
    found = (
        []
        if [a.account_id for a in one.accounts] == [a.account_id for a in other.accounts]
        else ["the order"]
    )
    there = {account.account_id: account.model_dump() for account in other.accounts}
    for account in one.accounts:
        name, mine = account.account_id, account.model_dump()
        theirs = there.get(name)
        if theirs is None:
            found.append(f"{name} is missing")
            continue
        found += [
            f"{name}: {key} is {mine[key]} and {theirs[key]}"
            for key in mine
            if key != "findings" and mine[key] != theirs[key]
        ]
        ours = {finding["trigger"]: finding for finding in mine["findings"]}
        hers = {finding["trigger"]: finding for finding in theirs["findings"]}
        found += [
            f"{name}: {trigger} is {ours.get(trigger)} and {hers.get(trigger)}"
            for trigger in sorted({*ours, *hers})
            if ours.get(trigger) != hers.get(trigger)
        ]
    return found + [f"mismatch: {sentence}" for sentence in other.mismatches]


def replay_differences(one: Replay, other: Replay) -> list[str]:
    """The columns in which two replays differ."""
    found = []
    for field in dataclasses.fields(Replay):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        same = (
            np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f")
            if isinstance(mine, np.ndarray)
            else mine == theirs
        )
        if not same:
            found.append(field.name)
    return found
