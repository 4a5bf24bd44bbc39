"""Periods of subscriptions, made of versions: whatever order they came in, and however often."""

from datetime import datetime, timedelta
from itertools import pairwise

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.facts.identities import How, Identity, Record, State
from connectors._columns import arrow_of, arrow_schema, marked
from connectors._landing import Landing
from connectors._rows import Dated, Version
from connectors._staging import Stage
from tests.vendors.small import SMALL

FIRST = datetime(2026, 1, 1)


class Table:
    """A landed table of versions, and the periods that are made of it."""

    def __init__(self):
        self.duck = duckdb.connect()
        self.duck.execute("SET TimeZone = 'UTC'")
        self.duck.execute("ATTACH ':memory:' AS landing_small")
        self.duck.execute("CREATE SCHEMA landing_small.vendor")
        self.duck.register("nobody", marked(arrow_of("versions", []), 0, 0, ""))
        self.duck.execute("CREATE TABLE landing_small.vendor.versions AS FROM nobody")

    def periods(self, versions, accounts=("cus_1", "cus_2")):
        """`versions` are (Version, when it changed, in which reading)."""
        self.duck.execute("DELETE FROM landing_small.vendor.versions")
        few = [
            marked(arrow_of("versions", [Dated(version, changed)]), pulled, place, "changes")
            for place, (version, changed, pulled) in enumerate(versions)
        ]
        if few:
            self.duck.register("few", pa.concat_tables(few))
            self.duck.execute("INSERT INTO landing_small.vendor.versions FROM few")
        stage = Stage(self.duck, SMALL, Landing.__new__(Landing))
        stage.there = frozenset({"versions"})
        found = [Identity(Record("small", name), State.MATCHED, f"acc_{name}", How.OWN) for name in accounts]
        stage.prepare(found, {}, 0)
        return self.duck.execute(
            "SELECT subscription_id, starts_on, ends_on, account_id, plan_id, mrr_minor, status "
            "FROM temp.periods_small ORDER BY 1, 2"
        ).fetchall()


@pytest.fixture(scope="module")
def table():
    return Table()


def version(number, hours, plan="p1", status="active", customer="cus_1", mrr=100):
    """One version of a subscription, so many hours after the first day."""
    return Version(
        subscription_id=f"sub_{number}", account_id=customer, at=FIRST + timedelta(hours=hours), plan_id=plan,
        mrr_minor=mrr, currency="EUR", status=status, term="month",
    )  # fmt: skip


versions = st.lists(
    st.builds(
        version,
        number=st.integers(1, 2),
        hours=st.integers(0, 200),
        plan=st.sampled_from(("p1", "p2")),
        status=st.sampled_from(("active", "active", "past_due", "canceled")),
        customer=st.sampled_from(("cus_1", "cus_1", "cus_2")),
    ),
    max_size=12,
    unique_by=lambda one: (one.subscription_id, one.at),
)


def expected_on(found, number, day):
    """The last version of a subscription up to the end of a day; None before the first and once it is cancelled."""
    end = datetime.combine(day, datetime.max.time())
    before = sorted(
        (one for one in found if one.subscription_id == number and one.at <= end), key=lambda one: one.at
    )
    return before[-1] if before and before[-1].status != "canceled" else None


@settings(deadline=None, max_examples=60)
@given(found=versions, chance=st.randoms(use_true_random=False))
def test_periods_are_those_of_the_versions(table, found, chance):
    """On every day the period that holds is the day's last version; any order and any copies give the same."""
    rows = [(one, one.at, 1) for one in found]
    periods = table.periods(rows)
    mixed = rows + [(one, at, chance.randint(1, 3)) for one, at, _ in rows if chance.random() < 0.5]
    chance.shuffle(mixed)
    assert table.periods(mixed) == periods
    for name in {one.subscription_id for one in found}:
        mine = [row for row in periods if row[0] == f"small:{name}"]
        for (_, starts, ends, *_), (_, next_starts, *_) in pairwise(mine):
            assert starts < ends <= next_starts
        assert all(ends is None or starts < ends for _, starts, ends, *_ in mine)
        for number in range(-1, 11):
            day = (FIRST + timedelta(days=number)).date()
            holding = [row for row in mine if row[1] <= day and (row[2] is None or day < row[2])]
            wanted = expected_on(found, name, day)
            if wanted is None:
                assert holding == []
            else:
                [(_, _, _, account, plan, mrr, status)] = holding
                assert (account, plan, mrr, status) == (
                    f"acc_{wanted.account_id}", wanted.plan_id, wanted.mrr_minor, wanted.status.value
                )  # fmt: skip


def test_what_does_not_differ_is_one_period(table):
    """A version that changes nothing we keep begins no period."""
    rows = [(version(1, hours), FIRST, 1) for hours in (0, 30, 60)]
    assert [row[1:3] for row in table.periods(rows)] == [(FIRST.date(), None)]


def test_of_two_tellings_of_one_version_the_newer_counts(table):
    """The vendor corrected what it had said of a moment; which reading brought which does not matter."""
    old, new = version(1, 0, plan="p1"), version(1, 0, plan="p2")
    for rows in (
        [(old, FIRST, 1), (new, FIRST + timedelta(hours=1), 2)],
        [(new, FIRST + timedelta(hours=1), 1), (old, FIRST, 2)],
    ):
        assert [row[4] for row in table.periods(rows)] == ["p2"]


def test_a_subscription_that_moves_to_a_customer_nobody_knows_ends(table):
    """It is not the first customer's any more."""
    rows = [(version(1, 0), FIRST, 1), (version(1, 48, customer="cus_9"), FIRST, 1)]
    assert [row[1:3] for row in table.periods(rows)] == [(FIRST.date(), (FIRST + timedelta(days=2)).date())]


def test_a_cancelled_subscription_that_comes_back_has_two_periods(table):
    """With nothing in between."""
    rows = [
        (version(1, 0), FIRST, 1),
        (version(1, 24, status="canceled"), FIRST, 1),
        (version(1, 72), FIRST, 1),
    ]
    day = FIRST.date()
    assert [row[1:3] for row in table.periods(rows)] == [
        (day, day + timedelta(days=1)),
        (day + timedelta(days=3), None),
    ]


def test_the_schema_of_a_landed_table_names_every_column():
    """What marks a row of ours is beside the fact's own columns."""
    assert set(arrow_schema("versions").names) == {*Version.model_fields, "changed_at"}
