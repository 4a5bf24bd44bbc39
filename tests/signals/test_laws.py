"""Laws of rule book §1 and §3 that hold for every world: nothing from after D, monotone bounds, order does not matter."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import Phase, given, settings, strategies

from agent.faces.shapes import scan_shape
from agent.facts.door import add_facts, load
from agent.facts.schema import create_tables
from agent.facts.staged import Staged
from agent.facts.tables import TABLES, Fact
from agent.foundation.warehouse import open_warehouse
from agent.scoring.scan import Scan, scan
from tests import worlds
from tests.signals.random_worlds import future_facts, random_world, with_future_ends
from tests.worlds import MOMENT, READ_AT, D, World

ACCOUNTS = 25
"Accounts a world: one scan costs the same for one as for many, so a law is tried on many at once."
# Without shrinking: a smaller number is not a smaller world.
few = settings(max_examples=4, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
seeds = strategies.integers(0, 10_000)


def whole(result: Scan) -> list[dict[str, Any]]:
    """Everything a scan answers, down to the source rows of every figure."""
    return [one.model_dump(mode="json") for one in result.accounts]


def scanned(facts: list[Fact], *, threads: int, copies: bool = False) -> Scan:
    """A scan by so many threads; with `copies`, of facts whose exports hold every row twice."""
    with open_warehouse(None, write=True) as warehouse:
        warehouse.duck.execute(f"SET threads = {threads}")
        create_tables(warehouse.duck)
        add_facts(warehouse, facts, source="files", read_at=READ_AT)
        if copies:
            for table in TABLES:
                warehouse.duck.execute(
                    f"CREATE TEMP TABLE twice_{table} AS FROM {table} UNION ALL FROM {table}"
                )
                warehouse.duck.execute(f"DELETE FROM {table}")
            twice = [Staged(table, "files", f"FROM twice_{table}") for table in TABLES]
            load(warehouse, "files", twice, read_at=READ_AT, max_rejected=0.0, always_allowed=0)
        return scan(warehouse, worlds.settings(), D, MOMENT, {})


def findings(result: Scan) -> set[tuple[str, str]]:
    """(account, trigger) pairs."""
    return {(one.account_id, finding.trigger) for one in result.accounts for finding in one.findings}


@few
@given(seed=seeds)
def test_nothing_dated_after_the_day_is_read(seed):
    """Future rows of every dated table, and future ends of rows that had begun, change not one byte of the answer."""
    world = random_world(seed, ACCOUNTS)
    before = whole(world.scan(show_rows=True))
    r = Random(seed)
    later = World()
    later.facts = [*with_future_ends(world.facts, r), *future_facts(world, r)]
    assert len(later.facts) > len(world.facts)
    assert whole(later.scan(show_rows=True)) == before


def test_a_ticket_of_tomorrow_does_not_make_support_known():
    """Health is not derived from the silence of a help desk that has not begun by D."""
    world = World()
    world.account("a")
    [before] = world.scan().accounts
    world.ticket("a", -1, "Hello")
    [after] = world.scan().accounts
    assert before.parts["health"].score is None
    assert after == before


BOUNDS = {
    "plan_limit_pressure": {"at_least": 0.9},
    "near_ceiling": {"above": 0.95},
    "limit_hits": {"at_least": 5},
    "feature_utilisation": {"above": 0.99},
    "usage_doubled_since_start": {"times": 2.01},
    "wau_doubled": {"floor": 4},
    "headcount_growth": {"at_least": 0.25},
    "beyond_first_use": {"uses": 8},
    "seats_added": {"at_least": 3},
    "seats_active": {"above": 0.9},
    "guests_accumulating": {"at_least": 4},
    "invites": {"at_least": 3},
    "paywall_attempts": {"at_least": 4},
    "premium_preview": {"features": 3},
    "repeated_workaround": {"at_least": 5},
    "support_time_up": {"times": 1.6},
    "out_of_scope_asks": {"at_least": 3},
    "renewal_window": {"from_days": 75},
    "product_page_visits": {"at_least": 6},
}


@few
@given(seed=seeds)
def test_a_higher_bound_never_adds_a_finding(seed):
    """Raising every bound leaves a subset of the findings."""
    world = random_world(seed, ACCOUNTS)
    stricter = findings(world.scan(given=worlds.settings(triggers=BOUNDS)))
    usual = findings(world.scan())
    assert stricter <= usual
    assert stricter != usual


@few
@given(seed=seeds)
def test_the_order_of_the_rows_does_not_matter(seed):
    """The answer is the same, byte by byte, for any order of rows and whether one thread computes it or two."""
    world = random_world(seed, ACCOUNTS)
    shuffled = World()
    shuffled.facts = list(world.facts)
    Random(seed).shuffle(shuffled.facts)
    answers = [
        json.dumps(scan_shape(scanned(facts, threads=threads)))
        for facts, threads in ((world.facts, 1), (world.facts, 2), (shuffled.facts, 2))
    ]
    assert answers[0] == answers[1] == answers[2]


@few
@given(seed=seeds)
def test_duplicate_rows_do_not_matter(seed):
    """Exports that hold every row twice give the same answer."""
    world = random_world(seed, ACCOUNTS)
    assert scanned(world.facts, threads=2, copies=True).accounts == scanned(world.facts, threads=2).accounts
