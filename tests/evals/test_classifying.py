"""The two ticket classifiers against a person's classes, and against each other."""

from __future__ import annotations

import pytest

from agent.signals.tickets.phrases import PhraseClassifier
from agent.signals.tickets.port import TicketClass
from evals.quality.classifying import against_gold, between, classed_tickets, classifier_table, said_by

BUG, OTHER, BUDGET = (frozenset({one}) for one in (TicketClass.BUG, TicketClass.OTHER, TicketClass.BUDGET))


def test_every_class_has_tickets_and_there_are_near_misses():
    """At least 60 in all, at least 4 a class, and a fifth that no class applies to."""
    gold = [one.gold for one in classed_tickets().tickets]
    assert len(gold) >= 60
    assert all(sum(name in one for one in gold) >= 4 for name in TicketClass)
    assert sum(one == OTHER for one in gold) >= len(gold) / 5


def test_precision_and_recall_by_hand():
    """Of three classes said two are right; of four meant two were found; `other` is no find."""
    said = [BUG, BUG, BUDGET, OTHER, OTHER]
    gold = [BUG, OTHER, BUDGET, BUG | BUDGET, OTHER]
    table = against_gold("engine", said, gold)
    assert table["engine precision"] == pytest.approx(2 / 3, abs=1e-4)
    assert table["engine recall"] == 0.5
    assert table["engine precision: bug"] == 0.5
    assert table["engine recall: faster"] is None


def test_agreement_between_engines():
    """Full with itself, less with another."""
    said = said_by(PhraseClassifier(), classed_tickets())
    gold = [one.gold for one in classed_tickets().tickets]
    itself, other = between(said, said), between(said, gold)
    assert itself["kappa"] == 1.0
    assert itself["agreeing"] == len(said)
    assert other["kappa low"] < other["kappa"] < other["kappa high"] <= 1.0
    assert other["kappa"] < 1.0


def test_without_a_model_the_phrase_rules_stand_alone():
    """No agreement is told where there is nobody to agree with."""
    table = classifier_table(None)
    assert table["phrases precision"] > 0.8
    assert "agreeing" not in table
