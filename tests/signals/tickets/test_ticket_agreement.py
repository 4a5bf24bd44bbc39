"""How far two engines agree."""

from __future__ import annotations

import pytest

from agent.signals.tickets.agreement import Agreement, agreement
from agent.signals.tickets.port import TicketClass
from tests.signals.tickets.answering import by_rules, ticket

ONE = [ticket("Do you support SSO?", "1"), ticket("Budget is approved.", "2"), ticket("Hello", "3")]


@pytest.mark.parametrize(
    ("counts", "share", "kappa"),
    [
        ((20, 5, 10, 15), 0.70, 0.40),  # the textbook's table
        ((45, 15, 25, 15), 0.60, 0.1304),
        ((10, 0, 0, 10), 1.0, 1.0),
        ((0, 10, 10, 0), 0.0, -1.0),
        ((0, 0, 0, 10), 1.0, None),
        ((0, 0, 0, 0), None, None),
    ],
)
def test_kappa_is_agreement_beyond_chance(counts, share, kappa):
    """Published tables, and those where it is not defined."""
    found = Agreement(*counts)
    assert found.share == (None if share is None else pytest.approx(share))
    assert found.kappa == (None if kappa is None else pytest.approx(kappa, abs=1e-4))


def test_engines_that_say_the_same_agree():
    """On every class and every ticket."""
    asks = by_rules(*ONE)
    found = agreement("123", asks, asks)
    assert (found.same, found.tickets, found.overall.kappa) == (3, 3, 1.0)
    assert found.by_class[TicketClass.BUDGET] == Agreement(1, 0, 0, 2)


def test_a_ticket_that_one_engine_says_nothing_of_is_compared_too():
    """Silence is a judgement; tickets nobody asked about are not."""
    found = agreement("12", by_rules(*ONE), [])
    assert found.tickets == 2
    assert found.by_class[TicketClass.BUDGET] == Agreement(0, 1, 0, 1)
    assert found.overall.tickets == 2 * len(TicketClass)
    assert found.same == 0


def test_two_features_of_one_class_count_once():
    """Classes are compared, not what they are about."""
    two = by_rules(ticket("Do you support SSO and webhooks?", "1"))
    one = by_rules(ticket("Do you support SSO?", "1"))
    assert len(two) == 2
    assert agreement("1", two, one).same == 1
