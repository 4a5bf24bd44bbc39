"""Where accounts stand, read from the state of either database."""

from __future__ import annotations

from datetime import timedelta

from agent.approval.opportunities import record_scan
from agent.faces.slack.asking.standings import Standings
from tests.faces.slack.askings import AS_OF, HOSTILE, NOW, an_account, some_accounts
from tests.postgres import postgres_server, postgres_url
from tests.stores import ready_sqlite, state_url, store

__all__ = ["postgres_server", "postgres_url", "ready_sqlite", "state_url", "store"]


def test_names_and_use_are_picked_out_of_the_documents(store):
    """The database picks them; no whole document is read for a list of names."""
    record_scan(store, AS_OF - timedelta(days=1), [an_account("gone", "Gone", 99.0)], NOW)
    record_scan(store, AS_OF, some_accounts(), NOW)
    seen = Standings(store)
    assert seen.as_of == AS_OF
    assert len(seen.all) == 20
    assert seen.by_id["hostile"].name == HOSTILE
    assert seen.by_id["quiet"][:2] == ("quiet", "Quiet & Söhne GmbH")
    assert [seen.by_id[one].percent for one in ("umbrella", "acme", "quiet")] == [99.5, 87.0, None]
    assert seen.by_id["acme"][2:5] == ("watch", 6, 63.5)


def test_whole_documents_come_in_the_order_asked_for(store):
    """Those that there are."""
    record_scan(store, AS_OF, some_accounts(), NOW)
    found = Standings(store).assessments(["globex", "nobody", "acme"])
    assert [one.account_id for one in found] == ["globex", "acme"]


def test_before_the_first_scan_there_is_nobody(store):
    """And no error."""
    assert (Standings(store).as_of, Standings(store).all) == (None, ())
