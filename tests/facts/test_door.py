"""The door: what gets in, what stays out, and what a second reading of the same rows does."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from agent.facts.door import add_facts
from agent.facts.staged import Rejection, Staged
from agent.facts.tables import Account, Ceiling, Measure, Plan, Subscription
from agent.foundation.errors import InputError, TooManyRejected
from tests.facts.staging import GOOD, READ_AT, enter, rows, stored


def test_the_same_rows_twice_change_nothing(warehouse):
    """The second reading finds nothing new and nothing changed, and rejections are not doubled."""
    staged = [rows(table, line) for table, line in GOOD.items()]
    staged.append(rows("members", "a v pet 2026-01-01 -"))
    enter(warehouse, *staged)
    before = {table: stored(warehouse, table) for table in GOOD}
    again = enter(warehouse, *staged)
    assert {table: stored(warehouse, table) for table in GOOD} == before
    assert [(r.new, r.changed) for r in again] == [(0, 0)] * len(staged)
    assert sum(r.unchanged for r in again) == len(GOOD)
    assert warehouse.duck.execute("SELECT count(*) FROM rejected_rows").fetchone() == (1,)
    assert warehouse.duck.execute("SELECT count(*) FROM source_reads").fetchone() == (2 * len(staged),)


def test_a_mended_row_leaves_the_rejected_ones(warehouse):
    """What is kept aside is what the last reading refused."""
    enter(warehouse, rows("measures", "a 2026-01-01 m x"))
    enter(warehouse, rows("measures", "a 2026-01-01 m 5"))
    assert warehouse.duck.execute("SELECT count(*) FROM rejected_rows").fetchone() == (0,)


def test_a_row_merges_on_its_key(warehouse):
    """A known key with other values is changed in place; the rest is new or unchanged."""
    enter(warehouse, rows("measures", "a 2026-01-01 m 1", "a 2026-01-02 m 2"))
    lines = ["a 2026-01-01 m 9", "a 2026-01-02 m 2", "a 2026-01-03 m 3"]
    report = enter(warehouse, rows("measures", *lines))[0]
    assert (report.new, report.changed, report.unchanged) == (1, 1, 1)
    assert [row[3] for row in stored(warehouse, "measures")] == [9, 2, 3]


def test_an_empty_key_column_is_a_value(warehouse):
    """Two ceilings that differ only in an empty from_on are two, and one given twice is one."""
    lines = ["p - m 10 - -", "p - m 10 2026-01-01 -"]
    enter(warehouse, rows("ceilings", *lines))
    report = enter(warehouse, rows("ceilings", *lines, "p - m 10 - -"))[0]
    assert (report.unchanged, report.duplicates, len(stored(warehouse, "ceilings"))) == (2, 1, 2)


def test_a_column_nobody_brought_keeps_what_is_known(warehouse):
    """A source without a column does not empty it."""
    add_facts(warehouse, [Account(account_id="a", name="A", created_on=date(2026, 1, 1), owner="Dana")])
    enter(warehouse, rows("accounts", "a B 2026-01-01 -"))
    assert warehouse.duck.execute("SELECT name, owner FROM accounts").fetchall() == [("B", "Dana")]


def test_copies_collapse_and_contradictions_take_the_last(warehouse):
    """Of rows with one key the last wins; earlier ones with other values are kept aside, naming it."""
    lines = [
        "a 2026-01-01 m 1",
        "a 2026-01-01 m 2",
        "b 2026-01-01 m 7",
        "a 2026-01-01 m 2",
        "b 2026-01-01 m 7",
    ]
    report = enter(warehouse, rows("measures", *lines))[0]
    assert (report.read, report.new, report.duplicates, report.rejected) == (5, 2, 2, 1)
    assert [row[3] for row in stored(warehouse, "measures")] == [2, 7]
    found = report.first_rejections[0]
    assert found.line == 1
    assert "given again at line 4" in found.reason


def test_two_files_of_one_table_are_one_reading(warehouse):
    """A later file wins over an earlier one, and reading both again changes nothing."""
    staged = [
        rows("measures", "a 2026-01-01 m 1", "a 2026-01-02 m 1", file="one.csv"),
        rows("measures", "a 2026-01-02 m 2", file="two.csv"),
    ]
    first = enter(warehouse, *staged)
    assert [(r.file, r.new, r.rejected) for r in first] == [("one.csv", 1, 1), ("two.csv", 1, 0)]
    assert "two.csv line 1" in first[0].first_rejections[0].reason
    again = enter(warehouse, *staged)
    assert [(r.new, r.changed, r.unchanged) for r in again] == [(0, 0, 1), (0, 0, 1)]


@pytest.mark.parametrize(("bad", "fails"), [(10, False), (11, True)])
def test_ten_bad_rows_always_pass(warehouse, bad, fails):
    """The share is looked at only above ten bad rows."""
    lines = ["a 2026-01-01 m 1", *(f"a 2026-01-01 m{n} x" for n in range(bad))]
    if fails:
        with pytest.raises(
            TooManyRejected, match=r"f\.csv: 11 of 12 rows for measures are bad and 10 are allowed"
        ):
            enter(warehouse, rows("measures", *lines))
    else:
        assert enter(warehouse, rows("measures", *lines))[0].rejected == 10


def test_too_many_bad_rows_change_nothing_anywhere(warehouse):
    """One table's bad rows undo the whole sync, and the sentence names the first of them."""
    enter(warehouse, rows("accounts", "a A 2026-01-01 -"))
    bad = [f"a 2026-01-01 m{n} x{n}" for n in range(11)]
    with pytest.raises(TooManyRejected) as refused:
        enter(warehouse, rows("accounts", "a B 2026-01-01 -", "c C 2026-01-01 -"), rows("measures", *bad))
    assert "line 1, line 2, line 3: value 'x0', 'x1', 'x2' is not a number" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert warehouse.duck.execute("SELECT account_id, name FROM accounts").fetchall() == [("a", "A")]
    assert warehouse.duck.execute("SELECT count(*) FROM source_reads").fetchone() == (1,)


def test_max_rejected_is_a_share(warehouse):
    """With a higher share more bad rows are let pass."""
    bad = [f"a 2026-01-01 m{n} x" for n in range(30)]
    assert enter(warehouse, rows("measures", *bad), max_rejected=1.0)[0].rejected == 30


def test_rows_without_a_parent_are_kept_and_counted(warehouse):
    """An account, plan or metric nobody gave is said in the report and nothing is thrown away."""
    reports = enter(
        warehouse,
        rows("accounts", "a A 2026-01-15 -"),
        rows("measures", "a 2026-01-14 m 1", "ghost 2026-01-20 m 1", "a 2026-01-20 m 1"),
    )
    notes = reports[1].notes
    assert notes[0] == "1 row names an account_id that is not in accounts (such as 'ghost'); kept"
    assert notes[1].startswith("3 rows name a metric that is not in metrics")
    assert notes[2] == "1 row is dated before the account's created_on; kept"
    assert reports[1].new == 3


def test_metrics_that_need_no_row_of_their_own_are_not_said(warehouse):
    """health_score, nps and headcount are known by name in measures; a ceiling of one is still odd."""
    known = rows("measures", *(f"a 2026-01-02 {name} 1" for name in ("health_score", "nps", "headcount")))
    entered = enter(
        warehouse,
        rows("accounts", "a A 2026-01-01 -"),
        replace(known, relation=known.relation.replace("health score", "health_score")),
        rows("ceilings", "p - headcount 5 - -"),
    )
    assert ("health_score",) in warehouse.duck.execute("SELECT metric FROM measures").fetchall()
    notes = {report.table: report.notes for report in entered}
    assert notes["measures"] == ()
    assert "1 row names a metric that is not in metrics (such as 'headcount'); kept" in notes["ceilings"]
    [again] = enter(warehouse, rows("measures", "a 2026-01-03 nps 1", "a 2026-01-03 docs 1"))
    assert again.notes == ("1 row names a metric that is not in metrics (such as 'docs'); kept",)


def test_several_open_subscriptions_are_said(warehouse):
    """Accounts with more than one open subscription to a product are counted once each."""
    report = enter(
        warehouse,
        rows(
            "subscriptions",
            "s1 a p 1 EUR 2026-01-01 - active month",
            "s2 a p 1 EUR 2026-01-01 - active month",
            "s3 b p 1 EUR 2026-01-01 - active month",
        ),
    )[0]
    assert any(note.startswith("1 account holds several open subscriptions") for note in report.notes)


def test_a_missing_column_is_named(warehouse):
    """A relation without a required column fails with the file and the column."""
    with pytest.raises(InputError, match=r"f\.csv: column 'value' of measures is missing"):
        enter(
            warehouse,
            Staged("measures", "f.csv", "SELECT 'a' AS account_id, '2026-01-01' AS day, 'm' AS metric"),
        )


def test_typed_columns_keep_their_meaning(warehouse):
    """Parquet-like types are converted by type: floats that are whole, zoned times, numbers as ids."""
    select = (
        "SELECT 7 AS event_id, 17.0::DOUBLE AS account_id, TIMESTAMPTZ '2026-01-01 10:00:00+02' AS \"at\", "
        "'used' AS kind"
    )
    enter(warehouse, Staged("events", "f.parquet", select))
    assert warehouse.duck.execute('SELECT event_id, account_id, "at" FROM events').fetchall() == [
        ("7", "17", datetime(2026, 1, 1, 8))
    ]


def test_nested_values_are_refused(warehouse):
    """A list is no value of a cell."""
    select = "SELECT ['a'] AS account_id, DATE '2026-01-01' AS day, 'm' AS metric, 1.0 AS value"
    with pytest.raises(InputError, match="nested or binary"):
        enter(warehouse, Staged("measures", "f.parquet", select))


def test_rows_the_source_could_not_split_count_as_rejected(warehouse):
    """What a source hands over as unread stands with the other rejected rows, in line order."""
    unread = Rejection(line=3, column="(row)", value="a,b", reason="has 2 cells where the header has 4")
    staged = rows("measures", "a 2026-01-01 m 1", "a 2026-01-01 n x")
    report = enter(warehouse, Staged(staged.table, staged.file, staged.relation, unread=(unread,)))[0]
    assert (report.read, report.new, report.rejected) == (3, 1, 2)
    assert [found.line for found in report.first_rejections] == [2, 3]


def test_hostile_text_stays_text(warehouse):
    """SQL in a name is a name."""
    name = "Robert'); DROP TABLE accounts; --"
    add_facts(warehouse, [Account(account_id="a", name=name, created_on=date(2026, 1, 1))])
    assert warehouse.duck.execute("SELECT name FROM accounts").fetchall() == [(name,)]


def test_facts_that_are_models_enter_from_memory(warehouse):
    """Every kind of fact can be given as a model; the last of one key is taken."""
    plan = Plan(plan_id="p", name="P", tier=1, price_minor=0, currency="EUR", per_seat=False)
    subscription = Subscription(
        subscription_id="s", account_id="a", plan_id="p", mrr_minor=0, currency="EUR",
        starts_on=date(2026, 1, 1), status="active", term="month",
    )  # fmt: skip
    readings = [Measure(account_id="a", day=date(2026, 1, 1), metric="m", value=value) for value in (1, 2)]
    reports = add_facts(warehouse, [plan, subscription, *readings], read_at=READ_AT)
    assert [(r.table, r.new) for r in reports] == [("plans", 1), ("subscriptions", 1), ("measures", 1)]
    assert warehouse.duck.execute("SELECT value FROM measures").fetchall() == [(2.0,)]


def test_a_model_the_door_refuses_is_an_error(warehouse):
    """No fact given as a model is dropped silently."""
    with pytest.raises(TooManyRejected, match="not both"):
        add_facts(warehouse, [Ceiling(metric="m", ceiling=1)])
