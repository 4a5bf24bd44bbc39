"""Many days in one plan: each day of a replay is the scan of that day, account by account."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from agent.facts.door import add_facts
from agent.facts.schema import create_tables
from agent.foundation.warehouse import open_warehouse
from agent.scoring.replay import LOWEST_BAR, Replay
from agent.scoring.scan import scan
from agent.scoring.setwise import replay
from agent.signals.library import load_library
from tests.replays import replay_by_scans
from tests.signals.random_worlds import random_world
from tests.worlds import MEMO, READ_AT, D, World, ago, settings

GRIDS = {
    "neighbours, weeks and gaps": (90, 41, 40, 30, 14, 7, 1, 0),
    "one day": (0,),
}
EXACT = ("first_day", "day", "account", "fired", "points", "group_count", "matched", "play", "offer", "adds")


def both(world: World, days_ago: tuple[int, ...]) -> tuple[Replay, Replay]:
    """The replay in one plan, and as a loop of scans."""
    days = [ago(number) for number in days_ago]
    given = settings()
    with open_warehouse(None, write=True, memo=MEMO) as warehouse:
        create_tables(warehouse.duck)
        add_facts(warehouse, world.facts, source="files", read_at=READ_AT)

        def end(day):
            return datetime.combine(day + timedelta(days=1), datetime.min.time())

        at_once = replay(warehouse, given, days, lambda day: (end(day), {}))
        one_by_one = replay_by_scans(
            lambda day: scan(warehouse, given, day, end(day), {}), days, load_library()
        )
    return at_once, one_by_one


def assert_equal(one: Replay, other: Replay) -> None:
    """The same entries with the same standing; holds where anybody asks for them."""
    assert one.account_ids == other.account_ids
    for name in EXACT:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    # Four decimals, of which the last may be rounded the other way.
    np.testing.assert_allclose(one.composite, other.composite, atol=1.5e-4)
    near = one.points >= LOWEST_BAR
    np.testing.assert_array_equal(one.held[near], other.held[near])


@pytest.mark.parametrize(
    "grid",
    [
        pytest.param(grid, id=name, marks=pytest.mark.slow if len(grid) == 1 else ())
        for name, grid in GRIDS.items()
    ],
)
def test_each_day_is_the_scan_of_that_day(grid):
    """Fired triggers, points, composite, play, offer and holds, for every account on every day."""
    at_once, one_by_one = both(random_world(31 + len(grid), 60), grid)
    assert len(at_once.day) > 20
    assert_equal(at_once, one_by_one)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 210))
def test_each_day_is_the_scan_of_that_day_at_length(seed):
    """More worlds, every grid, more accounts than the default run has time for."""
    for grid in GRIDS.values():
        assert_equal(*both(random_world(seed, 120), grid))


def test_no_account_no_entry():
    """A world before its first account replays to nothing."""
    at_once, one_by_one = both(random_world(2, 5), (700, 690))
    assert at_once.account_ids == one_by_one.account_ids == ()
    assert len(at_once.day) == 0


@pytest.mark.slow
def test_a_day_does_not_know_of_later_days():
    """Replayed with later days beside it, a day stands as it did alone."""
    world = random_world(77, 40)
    alone, _ = both(world, (30,))
    together, _ = both(world, (30, 10, 0))
    first = together.day == 0
    assert [alone.account_ids[a] for a in alone.account] == [
        together.account_ids[a] for a in together.account[first]
    ]
    for name in ("fired", "points", "play", "offer"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(together, name)[first], err_msg=name)
    assert together.days[-1] == D
