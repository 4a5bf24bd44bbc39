"""Large tables are put in order now and then; nothing else about them changes."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from agent.facts import order
from agent.facts.door import add_facts
from agent.facts.order import put_in_order
from agent.facts.tables import Event, Measure
from agent.facts.version import version_of
from agent.foundation.warehouse import open_warehouse

FIRST = date(2026, 1, 20)
KILLS = 12
SQL = """
    SELECT 'm' AS metric, 'a' || (hash(i) % 900) AS account_id, DATE '2026-01-01' + (i // 9000)::INTEGER AS day,
        i::DOUBLE AS value FROM range(600000) t(i)
"""


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(order, "LARGE", 100)


def facts(days, first=FIRST):
    """Measures and events of five accounts, as a daily export has them."""
    for number in range(days):
        day = first + timedelta(days=number)
        for account in ("c", "a", "e", "b", "d"):
            yield Measure(account_id=account, day=day, metric="exports", value=number)
            at = datetime.combine(day, datetime.min.time()) + timedelta(hours=3)
            yield Event(event_id=f"{account}{day}", account_id=account, at=at, kind="used")


def content(duck, table):
    """The rows, in no order."""
    return sorted(duck.execute(f"SELECT * FROM {table}").fetchall(), key=repr)


def declared(duck):
    """How the tables are declared."""
    return duck.execute("SELECT table_name, sql FROM duckdb_tables() ORDER BY ALL").fetchall()


def test_rows_come_to_lie_by_month_account_and_day(warehouse):
    """The same rows, the same declaration and version; another order."""
    add_facts(warehouse, facts(24))
    duck = warehouse.duck
    before = [content(duck, table) for table in order.DAYS]
    known, tables = version_of(warehouse), declared(duck)
    told = []
    assert put_in_order(warehouse, told.append) == ["measures", "events"]
    assert told == ["putting 120 measures in order", "putting 120 events in order"]
    assert [content(duck, table) for table in order.DAYS] == before
    assert (version_of(warehouse), declared(duck)) == (known, tables)
    for table, day in order.DAYS.items():
        lie = duck.execute(
            f"SELECT date_trunc('month', {day}), account_id, {day} FROM {table} ORDER BY rowid"
        ).fetchall()
        assert lie == sorted(lie)


def test_it_is_done_again_when_a_quarter_is_new(warehouse):
    """Not for a few rows more, and not for none."""
    add_facts(warehouse, facts(24))
    assert put_in_order(warehouse) == ["measures", "events"]
    assert put_in_order(warehouse) == []
    add_facts(warehouse, facts(6, date(2026, 3, 1)))
    assert put_in_order(warehouse) == []
    add_facts(warehouse, facts(3, date(2026, 4, 1)))
    assert put_in_order(warehouse) == ["measures", "events"]
    assert put_in_order(warehouse) == []


def test_a_small_table_is_left_alone(warehouse):
    """At the bound, and below it."""
    add_facts(warehouse, facts(20))
    assert put_in_order(warehouse) == []


def test_rows_can_be_loaded_afterwards(warehouse):
    """A row of the same key changes the row that is there."""
    add_facts(warehouse, facts(24))
    put_in_order(warehouse)
    [report] = add_facts(warehouse, [Measure(account_id="a", day=FIRST, metric="exports", value=99.0)])
    assert (report.new, report.changed) == (0, 1)
    assert len(content(warehouse.duck, "measures")) == 120


@pytest.mark.slow
def test_killed_while_putting_in_order_no_row_is_lost(tmp_path):
    """After each of many kills at random moments, the table holds what it held, and no other table lies about."""
    path = tmp_path / "facts.duckdb"
    with open_warehouse(path, write=True) as warehouse:
        order.create_tables(warehouse.duck)
        warehouse.duck.execute(f"INSERT INTO measures BY NAME ({SQL})")
        want = warehouse.duck.execute(
            "SELECT count(*), sum(value), sum(hash(measures)) FROM measures"
        ).fetchall()
        tables = declared(warehouse.duck)
    chance = random.Random(4711)
    unfinished = 0
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.facts.ordering", str(path)],
            stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        child.stdout.readline()
        time.sleep(chance.uniform(0, 0.8))
        child.kill()
        rest = child.stdout.read().split()
        child.wait()
        child.stdout.close()
        unfinished += len(rest) % 2 == 0
        with open_warehouse(path, write=True) as warehouse:
            ask = warehouse.duck.execute
            assert ask("SELECT count(*), sum(value), sum(hash(measures)) FROM measures").fetchall() == want
            assert declared(warehouse.duck) == tables
    assert unfinished
