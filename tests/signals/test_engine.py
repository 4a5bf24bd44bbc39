"""The engine against the second computation, on random worlds: set-wise and row by row they say the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.signals.random_worlds import random_world
from tests.signals.second_opinion import disagreements
from tests.worlds import D


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_engine_and_evidence_agree(seed):
    """Every trigger, fired or not, every key, value and column that scores read, for every account."""
    assert disagreements(random_world(seed, 40)) == []


def test_they_agree_on_another_day():
    """The same world looked at three weeks earlier, when much of it lay ahead."""
    assert disagreements(random_world(3, 40), D - timedelta(days=20)) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_engine_and_evidence_agree_at_length(seed):
    """More worlds than the default run has time for."""
    assert disagreements(random_world(seed, 60)) == []


def test_figures_agree_with_their_source_rows():
    """A scan that shows its rows computes every figure twice, and the two never differ."""
    result = random_world(4, 40).scan(show_rows=True)
    assert result.mismatches == ()
    figures = [figure for one in result.accounts for found in one.findings for figure in found.figures]
    assert len(figures) > 200
    assert any(figure.rows_total > 10 for figure in figures)


def test_one_account_alone_is_assessed_as_among_the_others():
    """`scan --account` and `explain` say what the scan of all says."""
    world = random_world(5, 25)
    together = {one.account_id: one for one in world.scan(show_rows=True).accounts}
    name = max(together, key=lambda name: len(together[name].findings))
    [alone] = world.scan(show_rows=True, account_id=name).accounts
    assert len(alone.findings) > 2
    assert alone == together[name]
