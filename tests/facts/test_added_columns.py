"""A facts file of an earlier version: read as it is, and brought up to date when it is next written to."""

import pytest

from agent.facts.door import add_facts
from agent.facts.schema import ADDED, create_tables
from agent.facts.tables import Account
from agent.foundation.warehouse import fetch, open_warehouse
from agent.signals.views import with_every_column
from tests.facts.test_version import READ_AT, account


@pytest.fixture
def old(tmp_path):
    """A file from before the columns that were added."""
    path = tmp_path / "facts.duckdb"
    with open_warehouse(path, write=True) as warehouse:
        create_tables(warehouse.duck)
        for column in ADDED:
            warehouse.duck.execute(f"ALTER TABLE accounts DROP COLUMN {column}")
        columns = {row[0] for row in warehouse.duck.execute("DESCRIBE accounts").fetchall()}
        assert not columns & set(ADDED)
        warehouse.duck.execute(
            "INSERT INTO accounts (account_id, name, created_on, is_test) VALUES ('old', 'Old', '2025-01-01', false)"
        )
    return path


def test_what_it_does_not_have_is_empty_to_a_reader(old):
    """The other tables are as they are."""
    with open_warehouse(old) as warehouse:
        seen = with_every_column(warehouse)
        [row] = fetch(seen.table("accounts"))
        assert set(row) == set(Account.model_fields)
        assert (row["account_id"], row["time_zone"]) == ("old", None)
        assert seen.has("facts_version", "tickets")
        assert not seen.has("nothing_of_the_kind")


def test_the_next_load_adds_it_and_keeps_the_rows(old):
    """From then on nothing stands between a reader and the file."""
    with open_warehouse(old, write=True) as warehouse:
        there = account("New", "new").model_copy(update={"time_zone": "Asia/Tokyo"})
        add_facts(warehouse, [there], read_at=READ_AT)
        rows = fetch(warehouse.table("accounts").order_by("account_id"))
        assert [(row["account_id"], row["time_zone"]) for row in rows] == [
            ("new", "Asia/Tokyo"),
            ("old", None),
        ]
    with open_warehouse(old) as warehouse:
        assert with_every_column(warehouse) is warehouse
