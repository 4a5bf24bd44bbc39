"""The triggers on a real Spark, on two threads of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from agent.foundation.warehouse import fetch, memory_table, open_remote
from agent.foundation.warehouse.remote import spark_session
from tests.signals.random_worlds import random_world
from tests.spark import spark_options
from tests.warehouses import (
    differences,
    fill_spark,
    in_place,
    replay_at_home,
    replay_differences,
    replay_on,
    scan_in_place,
)
from tests.worlds import D

__all__ = ["spark_options"]

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
DAYS = [D - timedelta(days=21), D]
LOCAL = "spark://local[2]"


@pytest.fixture(scope="module")
def session(spark_options: dict[str, Any]) -> Iterator[Any]:
    """A session on two threads of this machine."""
    session = spark_session(LOCAL, spark_options)
    yield session
    session.stop()


def test_a_scan_and_a_replay_on_spark_find_what_they_find_at_home(session):
    """Account by account, finding by finding, figure by figure; and what a backtest counts, column by column."""
    world = random_world(61, 12)
    fill_spark(session, world.facts)
    at_home = world.scan(show_rows=True)
    assert sum(len(one.findings) for one in at_home.accounts) > 20
    assert differences(at_home, scan_in_place(LOCAL)) == []
    with in_place(LOCAL) as warehouse:
        there = replay_on(warehouse, DAYS)
    assert replay_differences(replay_at_home(world, DAYS), there) == []
    assert not [
        table.name for table in session.catalog.listTables() if table.name.startswith(("scratch_", "given_"))
    ]


def test_rows_brought_along_arrive_as_they_are(session):
    """Whatever a customer wrote."""
    records = [
        {"text": text, "day": D, "number": 1} for text in ("it's", "back\\slash", "ümläut 🦊", "", None)
    ]
    with open_remote(LOCAL) as warehouse:
        memory_table(warehouse.con, "brought", records, {"text": "string", "day": "date", "number": "int64"})
        assert sorted(fetch(warehouse.con.table("brought")), key=str) == sorted(records, key=str)
