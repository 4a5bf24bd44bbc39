"""Triggers of one's own over the past: each day of a replay is the scan of that day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from agent.facts.door import add_facts
from agent.facts.schema import create_tables
from agent.foundation.settings import Settings
from agent.foundation.warehouse import open_warehouse
from agent.scoring.scan import scan
from agent.scoring.setwise import replay
from agent.signals.library import library_of
from tests import worlds
from tests.replays import replay_by_scans
from tests.signals.random_worlds import random_world
from tests.signals.test_own_kinds import CASES, KINDS
from tests.worlds import MEMO, READ_AT, World, ago

TABLES = {name: {"group": "extras", **table} for name, table in KINDS.items()}
PLAYING = {
    "previews": {
        "kind": "count_in_window",
        "event": "previewed",
        "days": 30,
        "at_least": 1,
        "play": "feature",
    },
    "filling": {"kind": "share_of_ceiling", "metric": "storage", "at_least": 0.4, "play": "capacity"},
    "looks": {"kind": "count_in_window", "event": "viewed", "days": 30, "at_least": 1, "play": "cross_sell"},
    "use": {"kind": "count_in_window", "event": "used", "days": 7, "at_least": 4, "play": "capacity"},
}
GRID = (63, 28, 14, 7, 1, 0)


def cases() -> World:
    """The world in which every kind fires for somebody."""
    w = World()
    for number, (_, _, _, story) in enumerate(CASES):
        story(w, f"a{number:03d}")
    return w


def end(day: date) -> datetime:
    """The moment a day is over."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time())


@pytest.mark.slow
@pytest.mark.parametrize("world", [cases, lambda: random_world(77, 50)], ids=["cases", "random"])
def test_each_day_of_a_replay_is_the_scan_of_that_day(world):
    """Which own triggers fired, the points they gave, and the plays and offers they led to."""
    playing = {name: {"group": "habits", **table} for name, table in PLAYING.items()}
    given: Settings = worlds.settings(triggers={**TABLES, **playing}, groups={"extras": 3, "habits": 9})
    days = [ago(number) for number in GRID]
    with open_warehouse(None, write=True, memo=MEMO) as warehouse:
        create_tables(warehouse.duck)
        add_facts(warehouse, world().facts, source="files", read_at=READ_AT)
        at_once = replay(warehouse, given, days, lambda day: (end(day), {}))
        by_scans = replay_by_scans(
            lambda day: scan(warehouse, given, day, end(day), {}), days, library_of(given)
        )
    assert at_once.triggers == by_scans.triggers
    assert {*KINDS, *PLAYING} <= set(at_once.triggers)
    for name in at_once.triggers:
        np.testing.assert_array_equal(at_once.fired_by(name), by_scans.fired_by(name), err_msg=name)
    for name in ("day", "account", "points", "matched", "play", "offer", "adds"):
        np.testing.assert_array_equal(getattr(at_once, name), getattr(by_scans, name), err_msg=name)
    assert any(at_once.fired_by(name).any() for name in TABLES)
