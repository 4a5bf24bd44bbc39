"""A paying customer's record that becomes another account takes along what is known of writing to it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from agent.facts.identities import OWN_ACCOUNT
from agent.foundation.errors import NotFound
from agent.foundation.settings import open_workspace
from agent.wiring import House
from connectors import VENDORS
from tests.connectors.conftest import COMPANY
from tests.vendors.small import KEY, SMALL, SmallServer

NOW = "2026-03-02T09:00:00"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """A house whose customers come from one small vendor."""
    monkeypatch.setitem(VENDORS, "small", SMALL)
    monkeypatch.setenv("OUTGROWN_NOW", NOW)
    monkeypatch.setenv("SMALL_KEY", KEY)
    with SmallServer(pages=8, page=4) as server:
        (tmp_path / "outgrown.toml").write_text(COMPANY + server.workspace())
        opened = House(open_workspace(tmp_path), "dana")
        opened.sync()
        yield opened, server
        opened.close()


def test_prompts_and_opt_outs_move_with_the_customer(house) -> None:  # type: ignore[no-untyped-def]
    """Otherwise a new id would mean a second prompt within 30 days, or one to somebody who said no."""
    opened, _ = house
    opened.remember_prompt("cus_0000", datetime(2026, 2, 20, 9))
    opened.opt_out("cus_0001", "asked for it")
    assert opened.settle_identity("small", "cus_0000", "acme").account_id == "acme"
    assert opened.settle_identity("small", "cus_0001", "beta").account_id == "beta"
    found = {one.account_id: {hold.hold for hold in one.holds} for one in opened.look().accounts}
    assert "prompted_recently" in found["acme"]
    assert "opted_out" in found["beta"]
    assert "cus_0000" not in found
    assert "cus_0001" not in found


def test_a_new_id_in_metadata_moves_nobody_by_itself(house) -> None:  # type: ignore[no-untyped-def]
    """The customer stays the account it was, and the report says how to move it."""
    opened, server = house
    row = dict(server.tables["/customers"][0], own="acme", updated="2030-01-01T00:00:00")
    server.put("/customers", row)
    opened.sync()
    [one] = [one for one in opened.identities() if one.record.record_id == "cus_0000"]
    assert (one.account_id, one.record.own_id) == ("cus_0000", "acme")
    assert "outgrown identities settle small cus_0000 acme" in one.says
    assert "cus_0000" in {one.account_id for one in opened.look().accounts}


def test_taking_it_back_brings_the_account_back(house) -> None:  # type: ignore[no-untyped-def]
    """With all its facts, and nothing of them is left where they were."""
    opened, _ = house
    before = facts(opened)
    opened.settle_identity("small", "cus_0000", "acme")
    moved = facts(opened)
    assert not any("cus_0000" in account for rows in moved.values() for account in rows)
    opened.unsettle_identity("small", "cus_0000")
    assert facts(opened) == before
    opened.settle_identity("small", "cus_0000", OWN_ACCOUNT)
    assert facts(opened) == before
    with pytest.raises(NotFound):
        opened.unsettle_identity("small", "cus_0002")


def facts(house: House) -> dict[str, list[str]]:
    """Whose every row is, by table."""
    tables = ("accounts", "subscriptions", "invoices", "tickets", "measures", "events", "ceilings")
    with house.warehouse() as warehouse:
        return {
            table: [
                str(row[0])
                for row in warehouse.duck.execute(
                    f"SELECT concat_ws('|', account_id, hash(t)) FROM {table} t WHERE account_id IS NOT NULL ORDER BY 1"
                ).fetchall()
            ]
            for table in tables
        }
