"""Laws of the merge: the order of rows, and rows that stand twice, make no difference."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.facts.door import load
from agent.facts.schema import create_tables
from agent.facts.staged import Staged
from agent.foundation.warehouse import open_warehouse

READ_AT = datetime(2026, 3, 2)
KEYS = st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.sampled_from(["m", "n"]))
FACTS = st.dictionaries(KEYS, st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=20)


def staged(rows):
    """Measures as text rows."""
    values = ", ".join(
        f"('{account}', '{date(2026, 1, 1) + timedelta(days=day)}', '{metric}', '{value!r}')"
        for (account, day, metric), value in rows
    )
    return Staged(
        "measures", "measures.csv", f"SELECT * FROM (VALUES {values}) t(account_id, day, metric, value)"
    )


@pytest.fixture(scope="module")
def store():
    """One fact store for all examples."""
    with open_warehouse(None, write=True) as opened:
        create_tables(opened.duck)
        yield opened


def after(store, *loads):
    """The measures after the loads into an empty store, and the last report."""
    store.duck.execute("DELETE FROM measures")
    for rows in loads:
        report = load(store, "files", [staged(rows)], read_at=READ_AT, max_rejected=0)[0]
    return store.duck.execute("SELECT * FROM measures ORDER BY ALL").fetchall(), report


@settings(max_examples=15, deadline=None)
@given(facts=FACTS, data=st.data())
def test_order_and_copies_make_no_difference(store, facts, data):
    """Shuffled, with copies, and in two loads instead of one: the facts are the same."""
    rows = list(facts.items())
    plain, _ = after(store, rows)
    copies = data.draw(st.lists(st.sampled_from(rows), max_size=10))
    mixed = data.draw(st.permutations(rows + copies))
    shuffled, report = after(store, mixed)
    assert shuffled == plain
    assert (report.new, report.duplicates, report.rejected) == (len(rows), len(copies), 0)
    cut = data.draw(st.integers(1, len(mixed)))
    split, _ = after(store, mixed[:cut], mixed)
    assert split == plain


@settings(max_examples=15, deadline=None)
@given(old=FACTS, new=FACTS)
def test_a_later_load_wins_key_by_key(store, old, new):
    """After two loads each key holds what was said last, and the report counts what that changed."""
    facts, report = after(store, list(old.items()), list(new.items()))
    expected = {**old, **new}
    assert len(facts) == len(expected)
    assert {(a, (day - date(2026, 1, 1)).days, m): v for a, day, m, v in facts} == expected
    assert report.new == len(new.keys() - old.keys())
    assert report.changed == sum(old[key] != new[key] for key in old.keys() & new.keys())
