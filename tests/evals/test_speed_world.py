"""The generated company: valid facts, the same every time, lying in the order asked for."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from agent.facts.tables import TABLES
from evals.speed.catalogue import AS_OF
from evals.speed.world import generate

ACCOUNTS = 300


def _made(folder: Path, name: str, **how: object) -> Path:
    path = folder / f"{name}.duckdb"
    generate(path, ACCOUNTS, **how)
    return path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clustered world."""
    return _made(tmp_path_factory.mktemp("worlds"), "clustered")


def _rows(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as duck:
        return duck.execute(sql).fetchall()


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_what_the_door_would_let_in(world: Path, table: str):
    """Every 50th row passes the canonical model, and no two rows have one key."""
    model = TABLES[table]
    with duckdb.connect(str(world), read_only=True) as duck:
        answer = duck.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in answer.description]
        rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    assert rows
    for row in rows[::50]:
        model(**row)
    assert len({tuple(row[name] for name in model.KEY) for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("table", "day"), [("measures", "day"), ("events", '"at"'), ("tickets", "opened_at")]
)
def test_nothing_is_dated_after_the_last_day_or_before_the_account(world: Path, table: str, day: str):
    """The facts end where every measurement looks from."""
    sql = f"SELECT count(*), max({day})::DATE, bool_and({day}::DATE >= created_on) FROM {table} JOIN accounts USING (account_id)"
    [(count, last, after_creation)] = _rows(world, sql)
    assert count > 0
    assert last == AS_OF
    assert after_creation


@pytest.mark.parametrize(("table", "day"), [("measures", "day"), ("events", '"at"::DATE')])
def test_clustered_facts_lie_by_month_account_and_day(world: Path, table: str, day: str):
    """The order in which rows are stored is the order asked for."""
    place = f"(date_trunc('month', {day}), account_id, {day})"
    sql = f"SELECT count(*) FROM (SELECT {place} AS here, lag({place}) OVER (ORDER BY rowid) AS before FROM {table})"
    assert _rows(world, f"{sql} WHERE before > here") == [(0,)]


def test_scattered_facts_are_the_same_rows_by_day(world: Path, tmp_path: Path):
    """Only the order differs."""
    other = _made(tmp_path, "scattered", clustered=False)
    for table in ("measures", "events", "tickets", "invoices", "members"):
        sql = f"SELECT * FROM {table} ORDER BY ALL"
        assert _rows(other, sql) == _rows(world, sql)
    days = [day for (day,) in _rows(other, "SELECT day FROM measures")]
    assert days == sorted(days)
    assert _rows(other, "SELECT account_id FROM measures") != _rows(world, "SELECT account_id FROM measures")


def test_the_same_seed_gives_the_same_world(world: Path, tmp_path: Path):
    """And another seed gives another."""
    sql = "SELECT * FROM measures"
    assert _rows(_made(tmp_path, "again"), sql) == _rows(world, sql)
    assert _rows(_made(tmp_path, "other", seed=2), sql) != _rows(world, sql)
