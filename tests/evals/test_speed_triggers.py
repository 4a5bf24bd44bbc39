"""What the benchmark compares does the same work: every contestant finds what the engine finds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from agent.foundation.warehouse import open_warehouse
from agent.scoring.scan import Scan, scan
from agent.signals.library import load_library
from evals.speed import floor, python_loop, queries
from evals.speed.asks import keep_asks
from evals.speed.catalogue import AS_OF, settings
from evals.speed.world import generate

pytestmark = pytest.mark.slow

ACCOUNTS = 1500
"Enough that every trigger fires for somebody."
DAYS = (AS_OF, AS_OF - timedelta(days=17))
TRIGGERS = [entry.name for entry in load_library().entries]
Fired = dict[str, set[str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The facts of a small company, with what its tickets ask for."""
    path = tmp_path_factory.mktemp("speed") / "world.duckdb"
    generate(path, ACCOUNTS)
    keep_asks(path)
    return path


@pytest.fixture(scope="module", params=DAYS, ids=str)
def day(request: pytest.FixtureRequest) -> date:
    """The last day of the world, and one before, whose future must not be seen."""
    chosen: date = request.param
    return chosen


@pytest.fixture(scope="module")
def scanned(world: Path, day: date) -> Scan:
    """The engine's own answer."""
    with open_warehouse(world) as warehouse:
        moment = datetime.combine(day, datetime.min.time()) + timedelta(days=1, hours=8)
        return scan(warehouse, settings(), day, moment, {})


@pytest.fixture(scope="module")
def expected(scanned: Scan) -> Fired:
    """By trigger, the accounts on which the engine says it fires."""
    return _by_trigger((f.trigger, one.account_id) for one in scanned.accounts for f in one.findings)


@pytest.fixture(scope="module")
def by_queries(world: Path, day: date) -> Fired:
    """By trigger, the accounts of its hand-written query."""
    with duckdb.connect(str(world), read_only=True) as duck:
        queries.fire(duck, day)
        return _by_trigger(duck.execute("SELECT trigger, account_id FROM fired").fetchall())


@pytest.fixture(scope="module")
def by_polars(world: Path, day: date) -> Fired:
    """By trigger, the accounts of its lazy frame."""
    pytest.importorskip("polars", reason="polars comes with the bench extra")
    from evals.speed import polars_lazy

    folder = world.parent / "parquet"
    polars_lazy.export(world, folder)
    return _by_trigger(polars_lazy.fired(folder, day).collect().select("trigger", "account_id").rows())


@pytest.fixture(scope="module")
def by_loop(world: Path, day: date) -> Fired:
    """By trigger, the accounts of the plain loop."""
    found = python_loop.fired(world, day)
    return _by_trigger((name, account) for account, names in found.items() for name in names)


def _by_trigger(pairs: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> Fired:
    found: Fired = {name: set() for name in TRIGGERS}
    for trigger, account in pairs:
        found[trigger].add(account)
    return found


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_query_fires_where_the_engine_does(trigger: str, by_queries: Fired, expected: Fired):
    """The analyst's SQL and the engine agree on every account."""
    assert by_queries[trigger] == expected[trigger]


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_lazy_frame_fires_where_the_engine_does(trigger: str, by_polars: Fired, expected: Fired):
    """So does polars."""
    assert by_polars[trigger] == expected[trigger]


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_the_plain_loop_fires_where_the_engine_does(trigger: str, by_loop: Fired, expected: Fired):
    """So does the loop."""
    assert by_loop[trigger] == expected[trigger]


def test_every_trigger_has_something_to_find(world: Path, by_queries: Fired, day: date):
    """No comparison above is of two empty sets on the world's last day."""
    if day == AS_OF:
        assert [name for name, accounts in by_queries.items() if not accounts] == []


def test_the_same_accounts_reach_the_bar(world: Path, day: date, scanned: Scan):
    """Points by group, summed by each contestant, bring the same number of accounts to 9."""
    reached = sum(one.points >= 9 and len(one.groups) >= 2 for one in scanned.accounts)
    assert queries.one_date(world, day) == python_loop.one_date(world, day) == reached


def test_polars_counts_the_same_accounts(world: Path, day: date, by_polars: Fired):
    """Its plan ends in the same number."""
    from evals.speed import polars_lazy

    assert polars_lazy.one_date(world.parent / "parquet", day) == queries.one_date(world, day)


def test_two_to_six_in_a_hundred_are_ready(scanned: Scan, day: date):
    """The generated company looks like one: few accounts are ready, and some of them are held."""
    if day == AS_OF:
        statuses = [one.status for one in scanned.accounts]
        assert 0.02 < statuses.count("ready") / len(statuses) < 0.06
        assert statuses.count("held") > 0


@pytest.mark.parametrize("by_account", [False, True])
def test_the_floor_reads_every_column_it_names(world: Path, day: date, by_account: bool):
    """No column is optimised away: each stands in the plan of what DuckDB scans."""
    with duckdb.connect(str(world), read_only=True) as duck:
        made = floor.statements(day, by_account=by_account)
        for statement, (_, columns) in zip(made, floor.READS.values(), strict=True):
            [(_, plan)] = duck.execute(f"EXPLAIN (FORMAT json) {statement}").fetchall()
            missing = [name for name in columns if f'"{name}"' not in plan]
            assert missing == []
