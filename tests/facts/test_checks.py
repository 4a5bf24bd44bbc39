"""What a row must keep to be let in: rule by rule."""

from datetime import datetime

import pytest

from tests.facts.staging import GOOD, enter, rows, stored


@pytest.mark.parametrize("table", GOOD)
def test_a_good_row_enters(warehouse, table):
    """One row of each table that keeps every rule is taken."""
    report = enter(warehouse, rows(table, GOOD[table]))[0]
    assert (report.read, report.new, report.rejected) == (1, 1, 0)
    assert len(stored(warehouse, table)) == 1


@pytest.mark.parametrize(
    ("table", "line", "column", "reason"),
    [
        ("accounts", "- A 2026-01-01 -", "account_id", "is empty"),
        ("accounts", "a _ 2026-01-01 -", "name", "is empty"),
        ("accounts", "a A - -", "created_on", "is empty"),
        ("accounts", "a A 01/02/2026 -", "created_on", "is not a date like 2026-03-02"),
        ("accounts", "a A 2026-1-2 -", "created_on", "is not a date"),
        ("accounts", "a A 2026-02-30 -", "created_on", "is not a date"),
        ("accounts", "a A 2026-01-01T10:00:00 -", "created_on", "is not a date"),
        ("accounts", "a A infinity -", "created_on", "is not a date"),
        ("accounts", "a A 2026-01-01 maybe", "is_test", "is not true or false"),
        ("plans", "p P 0 4900 EUR true", "tier", "is below 1"),
        ("plans", "p P 1 49.00 EUR true", "price_minor", "scale = { price_minor = 100 }"),
        ("plans", "p P 1 1e3 EUR true", "price_minor", "minor units"),
        ("plans", "p P 1 1_000 EUR true", "price_minor", "minor units"),
        ("plans", "p P 1 0x1F EUR true", "price_minor", "minor units"),
        ("plans", "p P 1 -1 EUR true", "price_minor", "is below 0"),
        ("plans", "p P 1 99999999999999999999 EUR true", "price_minor", "minor units"),
        ("plans", "p P 1 4900 eur true", "currency", "is not a currency code"),
        ("plans", "p P 1 4900 EURO true", "currency", "is not a currency code"),
        ("plans", "p P 1.5 4900 EUR true", "tier", "is not a whole number"),
        ("ceilings", "p a m 10 - -", "plan_id", "not both"),
        ("ceilings", "- - m 10 - -", "plan_id", "not both"),
        ("ceilings", "p - m 10 2026-02-01 2026-01-01", "to_on", "lies before from_on"),
        ("ceilings", "p - m -1 - -", "ceiling", "is below 0"),
        ("subscriptions", "s a p 1 EUR 2026-01-02 2026-01-01 active month", "ends_on", "lies before"),
        (
            "subscriptions",
            "s a p 1 EUR 2026-01-01 - Active month",
            "status",
            "is not one of active, trialing",
        ),
        ("members", "a u member 2026-01-02 2026-01-01", "left_on", "lies before joined_on"),
        ("measures", "a 2026-01-01 m nan", "value", "is not a finite value"),
        ("measures", "a 2026-01-01 m inf", "value", "is not a finite value"),
        ("measures", "a 2026-01-01 m 1,5", "value", "is not a number"),
        ("measures", "a 2026-01-01 m -", "value", "is empty"),
        ("metrics", "m M units flow - true", "per", "a flow needs day, week or month"),
        ("metrics", "m M units gauge day true", "per", "is for flows only"),
        ("events", "e a yesterday used", "at", "is not a time like"),
        ("events", "e a 2026-01-01T25:00:00Z used", "at", "is not a time like"),
        ("events", "e a 2026-01-01T10:00:00_Europe/Paris used", "at", "is not a time like"),
        ("tickets", "t a 2026-01-02 2026-01-01 low -", "closed_at", "lies before opened_at"),
        ("tickets", "t a 2026-01-02 - medium -", "priority", "translate it under values in"),
        ("tickets", "t a 2026-01-02 - low 1.01", "sentiment", "is above 1"),
    ],
)
def test_a_bad_row_stays_out_and_says_why(warehouse, table, line, column, reason):
    """A row that breaks a rule is kept aside with its line, column and reason, and the rest goes on."""
    report = enter(warehouse, rows(table, GOOD[table], line))[0]
    assert (report.read, report.new, report.rejected) == (2, 1, 1)
    found = report.first_rejections[0]
    assert (found.line, found.column) == (2, column)
    assert reason in found.reason
    kept = warehouse.duck.execute("SELECT source, table_name, file, line, column_name FROM rejected_rows")
    assert kept.fetchall() == [("files", table, "f.csv", 2, column)]


@pytest.mark.parametrize(
    ("given", "stored_at"),
    [
        ("2026-01-01T10:00:00Z", datetime(2026, 1, 1, 10)),
        ("2026-01-01T10:00:00+02:00", datetime(2026, 1, 1, 8)),
        ("2026-01-01_10:00:00.5-0530", datetime(2026, 1, 1, 15, 30, 0, 500000)),
        ("2026-01-01_10:00", datetime(2026, 1, 1, 10)),
        ("2026-01-01", datetime(2026, 1, 1)),
        ("_2026-01-01T10:00:00+02_", datetime(2026, 1, 1, 8)),
    ],
)
def test_times_become_utc(warehouse, given, stored_at):
    """An offset is applied, and a time without one is UTC."""
    enter(warehouse, rows("events", f"e a {given} used"))
    assert warehouse.duck.execute('SELECT "at" FROM events').fetchone() == (stored_at,)


@pytest.mark.parametrize(
    ("given", "value"),
    [("TRUE", True), ("yes", True), ("1", True), ("No", False), ("0", False), ("-", False)],
)
def test_booleans_are_read_as_people_write_them(warehouse, given, value):
    """Any case of true, false, yes, no, 1 and 0; an empty optional one takes its default."""
    enter(warehouse, rows("accounts", f"a A 2026-01-01 {given}"))
    assert warehouse.duck.execute("SELECT is_test FROM accounts").fetchone() == (value,)


def test_outer_blanks_are_no_part_of_a_value(warehouse):
    """Ids and names lose blanks at their ends, so that ` a` and `a` are one account."""
    report = enter(warehouse, rows("accounts", "a A 2026-01-01 -", "_a_ _A _2026-01-01 -"))[0]
    assert (report.new, report.duplicates) == (1, 1)
