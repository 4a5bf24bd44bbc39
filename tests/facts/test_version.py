"""The version of the facts goes up with every change of a row, and with nothing else."""

from datetime import datetime, timedelta

import pytest

from agent.facts.door import add_facts, load
from agent.facts.erase import erase
from agent.facts.staged import Staged
from agent.facts.tables import Account
from agent.facts.version import version_of
from agent.foundation.errors import TooManyRejected

READ_AT = datetime(2026, 2, 1, 6)
ONE = "SELECT 'a' AS account_id, 'One' AS name, DATE '2026-01-01' AS created_on"


def account(name="One", account_id="a"):
    """An account."""
    return Account(account_id=account_id, name=name, created_on=READ_AT.date())


def number(warehouse):
    """The version's number."""
    found = version_of(warehouse)
    return found[0] if found else None


def test_nothing_counts_before_the_first_row(warehouse):
    """A file without the table, as a warehouse that is read in place, has no version."""
    assert version_of(warehouse) is None


def test_it_goes_up_with_a_new_and_a_changed_row_only(warehouse):
    """Once a load, however many rows; the same rows again, at another time, leave it."""
    seen = []
    for names in (("One", "Two"), ("One", "Two"), ("One", "Deux"), ("One", "Deux")):
        facts = [account(name, f"a{place}") for place, name in enumerate(names)]
        add_facts(warehouse, facts, read_at=READ_AT + timedelta(hours=len(seen)))
        seen.append(version_of(warehouse))
    assert [version for version, _ in seen] == [1, 1, 2, 2]
    assert seen[0] == seen[1] != seen[2] == seen[3]


def test_it_goes_up_when_an_account_is_erased(warehouse):
    """With rows to erase, and not without."""
    add_facts(warehouse, [account()])
    erase(warehouse, "somebody else")
    assert number(warehouse) == 1
    assert erase(warehouse, "a") == 1
    assert number(warehouse) == 2


def test_a_load_that_is_undone_leaves_it(warehouse):
    """Refused for its bad rows, a load changes neither the facts nor their version."""
    add_facts(warehouse, [account()])
    before = version_of(warehouse)
    bad = [Staged("accounts", "a.csv", f"{ONE} UNION ALL SELECT 'b', 'Two', NULL")]
    with pytest.raises(TooManyRejected):
        load(warehouse, "files", bad, read_at=READ_AT, max_rejected=0.0, always_allowed=0)
    assert version_of(warehouse) == before


def test_a_load_that_breaks_at_its_end_leaves_it(warehouse):
    """The version is part of the transaction: what is undone is not counted."""
    add_facts(warehouse, [account()])
    before = version_of(warehouse)
    warehouse.duck.execute("DROP TABLE source_reads")
    warehouse.duck.execute("CREATE TABLE source_reads (too_few VARCHAR)")
    with pytest.raises(Exception, match="source_reads"):
        load(
            warehouse,
            "files",
            [Staged("accounts", "a.csv", ONE.replace("One", "Two"))],
            read_at=READ_AT,
            max_rejected=0.0,
        )
    assert version_of(warehouse) == before
    assert warehouse.duck.execute("SELECT name FROM accounts").fetchall() == [("One",)]


def test_the_same_number_on_two_paths_is_not_the_same_version(warehouse):
    """A copy that went another way has another mark."""
    add_facts(warehouse, [account()])
    one = version_of(warehouse)
    warehouse.duck.execute("DELETE FROM accounts")
    warehouse.duck.execute("DELETE FROM facts_version")
    add_facts(warehouse, [account("Other")])
    other = version_of(warehouse)
    assert one[0] == other[0]
    assert one[1] != other[1]
