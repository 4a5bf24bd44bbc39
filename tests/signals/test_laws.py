"""Laws of rule book §1 and §3 for every world: nothing from after D, monotone bounds, order does not matter."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
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

ACCOUNTS = 40
"A scan costs about the same for one account as for many, so a law is tried on many at once."
# Without shrinking: a smaller number is not a smaller world.
once = settings(max_examples=1, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
few = settings(once, max_examples=3)
seeds = strategies.integers(0, 10_000)


def whole(result: Scan) -> list[dict[str, Any]]:
    """Everything a scan answers, down to the source rows of every figure."""
    return [one.model_dump(mode="json") for one in result.accounts]


def findings(result: Scan) -> set[tuple[str, str]]:
    """(account, trigger) pairs."""
    return {(one.account_id, finding.trigger) for one in result.accounts for finding in one.findings}


def scanned(facts: list[Fact], *, threads: int, copies: bool = False) -> str:
    """A scan's JSON, computed by so many threads; with `copies`, of exports that hold every row twice."""
    with open_warehouse(None, write=True) as warehouse:
        duck = warehouse.duck
        duck.execute(f"SET threads = {threads}")
        create_tables(duck)
        add_facts(warehouse, facts, source="files", read_at=READ_AT)
        if copies:
            for table in TABLES:
                duck.execute(f"CREATE TEMP TABLE twice_{table} AS FROM {table} UNION ALL FROM {table}")
                duck.execute(f"DELETE FROM {table}")
            twice = [Staged(table, "files", f"FROM twice_{table}") for table in TABLES]
            load(warehouse, "files", twice, read_at=READ_AT, max_rejected=0.0, always_allowed=0)
        return json.dumps(scan_shape(scan(warehouse, worlds.settings(), D, MOMENT, {})))


def nothing_from_later(seed: int) -> None:
    """Future rows of every dated table, and future ends of rows that had begun, change not one byte."""
    world = random_world(seed, ACCOUNTS)
    before = whole(world.scan(show_rows=True))
    r = Random(seed)
    later = World()
    later.facts = [*with_future_ends(world.facts, r), *future_facts(world, r)]
    assert len(later.facts) > len(world.facts)
    assert whole(later.scan(show_rows=True)) == before


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


def higher_bounds_add_nothing(seed: int) -> None:
    """Raising every bound leaves a part of the findings."""
    world = random_world(seed, ACCOUNTS)
    stricter = findings(world.scan(given=worlds.settings(triggers=BOUNDS)))
    usual = findings(world.scan())
    assert stricter < usual


def order_and_copies_do_not_matter(seed: int) -> None:
    """The same JSON from run to run, for any order of rows, rows given twice, and one thread or two."""
    facts = random_world(seed, ACCOUNTS).facts
    shuffled = list(facts)
    Random(seed).shuffle(shuffled)
    assert shuffled != facts
    usual = scanned(facts, threads=1)
    assert scanned(facts, threads=2) == usual
    assert scanned(shuffled, threads=2, copies=True) == usual


@few
@given(seed=seeds)
@pytest.mark.slow
def test_nothing_dated_after_the_day_is_read(seed):
    """Rule book §1: as known at the end of D, whatever the tables hold."""
    nothing_from_later(seed)


@once
@given(seed=seeds)
def test_a_higher_bound_never_adds_a_finding(seed):
    """Every trigger is monotone in its bounds."""
    higher_bounds_add_nothing(seed)


@pytest.mark.slow
@once
@given(seed=seeds)
def test_the_order_of_rows_and_their_copies_do_not_matter(seed):
    """Byte-identical JSON."""
    order_and_copies_do_not_matter(seed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "law", [nothing_from_later, higher_bounds_add_nothing, order_and_copies_do_not_matter]
)
@pytest.mark.parametrize("seed", range(20_000, 20_006))
def test_the_laws_hold_at_length(law, seed):
    """More worlds than the default run has time for."""
    law(seed)


def test_a_ticket_of_tomorrow_does_not_make_support_known():
    """Health is not derived from the silence of a help desk that has not begun by D."""
    world = World()
    world.account("a")
    [before] = world.scan().accounts
    world.ticket("a", -1, "Hello")
    [after] = world.scan().accounts
    assert before.parts["health"].score is None
    assert after == before
