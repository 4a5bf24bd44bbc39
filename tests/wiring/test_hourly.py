"""The hourly case: a workspace that is looked at again and again, with little or nothing new in between."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from agent.approval.suppressions import suppress
from agent.facts.tables import Ticket
from agent.foundation.settings import open_workspace
from agent.foundation.warehouse import open_warehouse
from agent.scoring.replay import LOWEST_BAR
from agent.signals.world import read_source
from agent.wiring.house import House
from tests.exports import write_workspace
from tests.signals.random_worlds import random_world
from tests.worlds import MOMENT, D

BEFORE = MOMENT - timedelta(days=3)


@pytest.fixture
def world():
    """The facts that the sources give."""
    return random_world(8, 25)


@pytest.fixture
def house(tmp_path, monkeypatch, world):
    """A workspace whose sources were read an hour ago."""
    monkeypatch.setenv("OUTGROWN_NOW", MOMENT.isoformat())
    opened = House(open_workspace(write_workspace(tmp_path, world.facts)))
    opened.sync()
    yield opened
    opened.close()


def look(house):
    """The live day's replay, and whether it was evaluated."""
    told = []
    return house.replay([D], told.append), bool(told)


def kept_rows(house):
    """Asks and readings that are kept."""
    with open_warehouse(house.workspace.facts_file) as warehouse:
        return warehouse.duck.execute(
            "SELECT (SELECT count(*) FROM ticket_asks), (SELECT count(*) FROM ticket_readings)"
        ).fetchall()[0]


def test_a_sync_that_brings_nothing_new_costs_no_evaluation(house):
    """The first look evaluates, those after it do not, whether the sources were read in between or not."""
    first, evaluated = look(house)
    assert evaluated
    for _ in range(2):
        again, evaluated = look(house)
        assert not evaluated
        np.testing.assert_array_equal(first.held, again.held)
        house.sync()


@pytest.mark.slow
def test_a_suppressed_address_holds_at_once(house):
    """Without evaluating anything, and for that address alone."""
    plain, _ = look(house)
    with house.warehouse() as warehouse:
        addresses = house._addresses(warehouse, None)
    entry = next(
        e
        for e in np.flatnonzero(plain.points >= LOWEST_BAR)
        if plain.account_ids[plain.account[e]] in addresses
    )
    address = addresses[plain.account_ids[plain.account[entry]]]
    with house.store.writing() as session:
        suppress(session, account_id=None, address=address.upper(), reason="bounced", who="Dana", now=BEFORE)
    found, evaluated = look(house)
    assert not evaluated
    assert np.flatnonzero(found.held_by("opted_out")).tolist() == [entry]


def test_a_sync_reads_the_tickets_once(house):
    """A scan classifies none of them; a sync without new ones reads none."""
    asks, readings = kept_rows(house)
    assert asks >= readings > 30
    with house.warehouse() as warehouse:
        source = read_source(warehouse, house.settings, D)
    assert source.asks == ()
    told = []
    house.sync(progress=told.append)
    assert not [sentence for sentence in told if "ask for" in sentence]
    assert kept_rows(house) == (asks, readings)


@pytest.mark.slow
def test_forgetting_an_account_leaves_nothing_of_it(house, world):
    """Neither what its tickets asked nor where it stood."""
    look(house)
    folder = house.workspace.private / "standings"
    assert list(folder.iterdir())
    account = next(one.account_id for one in world.facts if isinstance(one, Ticket))
    asks, readings = kept_rows(house)
    house.forget(account)
    assert list(folder.iterdir()) == []
    assert kept_rows(house) < (asks, readings)
    found, evaluated = look(house)
    assert evaluated
    assert account not in found.account_ids
