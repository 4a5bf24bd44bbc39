"""What counts as an expansion, and what only looks like one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agent.learning.backtest.truth import ExpansionKind, expansions_of, paid_periods

START = date(2025, 1, 1)
PLANS = {
    "basic": {"tier": 1, "product": "main"},
    "pro": {"tier": 2, "product": "main"},
    "top": {"tier": 3, "product": "main"},
    "insight": {"tier": 1, "product": "analytics"},
    "insight_plus": {"tier": 2, "product": "analytics"},
}
UP, SEATS, ADD_ON = ExpansionKind


def row(subscription, plan, starts, ends=None, seats=None, status="active"):
    """A subscription row; days are counted from the first of January 2025."""
    return {
        "subscription_id": subscription,
        "account_id": "acme",
        "plan_id": plan,
        "seats": seats,
        "starts_on": START + timedelta(days=starts),
        "ends_on": None if ends is None else START + timedelta(days=ends),
        "status": status,
    }


CASES = {
    "one period": ([row("s", "basic", 0)], []),
    "next period names a higher tier": ([row("s", "basic", 0, 60), row("s", "pro", 60)], [(60, UP)]),
    "another subscription takes over": ([row("s", "basic", 0, 60), row("t", "pro", 60)], [(60, UP)]),
    "the end of the earlier row was not written down": (
        [row("s", "basic", 0), row("s", "pro", 60), row("s", "basic", 90), row("s", "pro", 120)],
        [(60, UP), (120, UP)],
    ),
    "renewed on the same plan": ([row("s", "pro", 0, 60), row("s", "pro", 60)], []),
    "an equal tier is an alternative": ([row("s", "pro", 0, 60), row("s", "pro", 60)], []),
    "downgrade": ([row("s", "pro", 0, 60), row("s", "basic", 60)], []),
    "paid a fortnight late": ([row("s", "basic", 0, 60), row("s", "pro", 74)], [(74, UP)]),
    "a lapse of 30 days is still late": ([row("s", "basic", 0, 60), row("s", "pro", 90)], [(90, UP)]),
    "back after 31 days is won again": ([row("s", "basic", 0, 60), row("s", "pro", 91)], []),
    "more seats, same plan": ([row("s", "pro", 0, 60, 5), row("s", "pro", 60, None, 8)], [(60, SEATS)]),
    "more seats, lower plan": ([row("s", "pro", 0, 60, 5), row("s", "basic", 60, None, 8)], [(60, SEATS)]),
    "fewer seats": ([row("s", "pro", 0, 60, 8), row("s", "pro", 60, None, 5)], []),
    "seats never told": ([row("s", "pro", 0, 60), row("s", "pro", 60, None, 5)], []),
    "higher tier with more seats counts once": (
        [row("s", "basic", 0, 60, 5), row("s", "pro", 60, None, 8)],
        [(60, UP)],
    ),
    "another subscription beside it, higher": ([row("s", "basic", 0), row("t", "pro", 60)], [(60, UP)]),
    "another subscription beside it, lower": ([row("s", "pro", 0), row("t", "basic", 60)], []),
    "another beside it with more seats is no increase of the first": (
        [row("s", "pro", 0, None, 5), row("t", "pro", 60, None, 50)],
        [],
    ),
    "many at once rise only as far as the highest": (
        [
            row("a", "basic", 0),
            row("b", "pro", 10),
            row("c", "basic", 20),
            row("d", "pro", 30),
            row("e", "top", 40),
        ],
        [(10, UP), (40, UP)],
    ),
    "falling back when the higher one ends, then up again": (
        [row("a", "basic", 0), row("b", "pro", 10, 50), row("c", "pro", 70)],
        [(10, UP), (70, UP)],
    ),
    "a lower one that stays when the higher one ends is no expansion": (
        [row("a", "basic", 0, None, 50), row("b", "pro", 10, 50, 5)],
        [(10, UP)],
    ),
    "trial to paid": ([row("s", "pro", 0, 14, None, "trialing"), row("s", "pro", 14)], []),
    "trial to a higher plan, paid": ([row("s", "basic", 0, 14, None, "trialing"), row("s", "top", 14)], []),
    "a trial of a higher plan beside": (
        [row("s", "basic", 0), row("t", "top", 30, 60, None, "trialing")],
        [],
    ),
    "an add-on": ([row("s", "pro", 0), row("t", "insight", 60)], [(60, ADD_ON)]),
    "two products from the first day": ([row("s", "pro", 0), row("t", "insight", 0)], []),
    "the other product after the first had ended": (
        [row("s", "pro", 0, 30), row("t", "insight", 60)],
        [],
    ),
    "changed over on one day": ([row("s", "pro", 0, 60), row("t", "insight", 60)], []),
    "the add-on a second time": (
        [row("s", "pro", 0), row("t", "insight", 60, 90), row("t", "insight", 200)],
        [(60, ADD_ON)],
    ),
    "an upgrade of the add-on": (
        [row("s", "pro", 0), row("t", "insight", 0, 60), row("t", "insight_plus", 60)],
        [(60, UP)],
    ),
    "upgrade and add-on on one day count once": (
        [row("s", "basic", 0, 60), row("s", "pro", 60), row("t", "insight", 60)],
        [(60, UP)],
    ),
    "a plan nobody knows": ([row("s", "basic", 0, 60), row("s", "mystery", 60)], []),
    "an empty period": ([row("s", "basic", 0, 60), row("t", "top", 60, 60)], []),
}


@pytest.mark.parametrize(("rows", "expected"), CASES.values(), ids=CASES.keys())
def test_an_expansion_is_more_of_what_counts(rows, expected):
    """Higher tier in force, more seats in what follows, a product not held before: and nothing else."""
    periods = paid_periods(rows, PLANS)["acme"]
    found = [((one.on - START).days, one.kind) for one in expansions_of("acme", periods)]
    assert found == expected


def test_the_order_of_the_rows_does_not_matter():
    """Rows come as the source gives them."""
    for rows, expected in CASES.values():
        periods = paid_periods(reversed(rows), PLANS)["acme"]
        found = [((one.on - START).days, one.kind) for one in expansions_of("acme", periods)]
        assert found == expected
