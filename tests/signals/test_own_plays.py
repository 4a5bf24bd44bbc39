"""A trigger of one's own satisfies the condition of the play it names, and the play finds its offer."""

from __future__ import annotations

import pytest

from agent.scoring.assessment import Assessment, OfferKind
from tests import worlds
from tests.worlds import World

TABLES: dict[str, dict[str, object]] = {
    "deadline": {"kind": "phrase_in_ticket", "phrases": ["board meeting"]},
    "scope": {"kind": "phrase_in_ticket", "phrases": ["hand this over"]},
    "service": {"kind": "count_in_window", "of": "tickets", "topic": "how to", "days": 30, "at_least": 1},
    "seats": {"kind": "first_seen", "what": "user", "days": 30},
    "feature": {"kind": "count_in_window", "event": "previewed", "days": 30, "at_least": 3},
    "capacity": {"kind": "share_of_ceiling", "metric": "storage", "at_least": 0.5},
    "cross_sell": {"kind": "count_in_window", "event": "viewed", "days": 30, "at_least": 2},
}
OFFERS = {
    "deadline": (OfferKind.SPRINT_PACKAGE, None),
    "scope": (OfferKind.SCOPE_AGREEMENT, None),
    "service": (OfferKind.SERVICE_ADDON, None),
    "seats": (OfferKind.SEAT_EXPANSION, None),
    "feature": (OfferKind.PLAN_UPGRADE, "growth"),
    "capacity": (OfferKind.PLAN_UPGRADE, "growth"),
    "cross_sell": (OfferKind.CROSS_SELL, "insight"),
}


def world() -> World:
    """One account for each play, and two that only look like it."""
    w = World()
    for name in (*TABLES, "has it", "has the other"):
        w.account(name, plan="growth" if name == "has it" else "starter")
    w.ticket("deadline", 3, "We have a board meeting.")
    w.ticket("scope", 3, "Can we hand this over to you?")
    w.ticket("service", 3, "Hello.", topic="how to")
    w.event("seats", "used", 3, user_id="u1")
    for name in ("feature", "has it"):
        w.event(name, "previewed", 3, times=3, feature="sso")
    w.measure("capacity", "storage", {0: 60})
    for name in ("cross_sell", "has the other"):
        w.event(name, "viewed", 3, times=2, product="analytics")
    w.subscribe("has the other", "insight", 100)
    return w


@pytest.fixture(scope="module")
def accounts() -> dict[str, Assessment]:
    """The world, scanned with one trigger for each play."""
    tables = {f"own_{play}": {"group": "growth", "play": play, **table} for play, table in TABLES.items()}
    return {one.account_id: one for one in world().scan(given=worlds.settings(triggers=tables)).accounts}


@pytest.mark.parametrize("play", TABLES)
def test_an_own_trigger_leads_to_the_offer_of_its_play(accounts: dict[str, Assessment], play: str):
    """The whole condition is satisfied by the one trigger."""
    account = accounts[play]
    assert {finding.trigger for finding in account.findings if finding.play} == {f"own_{play}"}
    assert account.play == play
    assert account.offer is not None
    assert (account.offer.kind, account.offer.plan_id) == OFFERS[play]


def test_an_upgrade_brings_what_was_asked_for(accounts: dict[str, Assessment]):
    """The feature that was looked at, and the ceiling that was pressed."""
    assert accounts["feature"].offer is not None
    assert accounts["capacity"].offer is not None
    assert accounts["feature"].offer.feature == "sso"
    assert accounts["capacity"].offer.ceiling_metric == "storage"


@pytest.mark.parametrize("name", ["has it", "has the other"])
def test_what_an_account_has_is_not_offered_again(accounts: dict[str, Assessment], name: str):
    """A feature of the plan in force, and a product that is paid for, are no reason for the play."""
    assert accounts[name].findings == ()
    assert accounts[name].play is None
