"""Two sets of settings side by side: who changes, and how the past would have gone."""

from __future__ import annotations

import pytest

from agent.learning.backtest.compare import compare
from agent.learning.backtest.run import backtest
from agent.scoring.assessment import Hold, Status
from agent.scoring.scan import Scan
from tests.drafting.assessments import AS_OF, an_assessment
from tests.learning.planted import planted

HELD = {"status": Status.HELD, "holds": (Hold(hold="unhealthy", says="health is low"),)}


@pytest.fixture(scope="module")
def past():
    """A backtest of a small world."""
    world = planted(3, 80)
    return backtest(world.replay, world.history, world.span, world.bar, {}, permutations=9)


def side_by_side(before, after, past, past_after=None):
    """What changes between accounts given by id."""
    scans = [
        Scan(AS_OF, tuple(one.model_copy(update={"account_id": name}) for name, one in side.items()))
        for side in (before, after)
    ]
    return compare(("scoring.ready_points=8",), *scans, past, past_after or past)


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        pytest.param({}, HELD, "stops_being_ready", id="stops"),
        pytest.param(HELD, {}, "becomes_ready", id="becomes"),
        pytest.param({"points": 9}, {"points": 12}, "changes_otherwise", id="stays ready"),
        pytest.param({"composite": 80.0}, {"composite": 81.0}, "changes_otherwise", id="composite alone"),
        pytest.param({}, {}, None, id="nothing"),
    ],
)
def test_each_account_that_changes_stands_in_one_list(past, before, after, where):
    """Ready before, ready after, or neither way."""
    sides = [{"a": an_assessment("capacity near", **one)} for one in (before, after)]
    found = side_by_side(*sides, past)
    lists = ("becomes_ready", "stops_being_ready", "changes_otherwise")
    assert [name for name in lists if getattr(found, name)] == ([where] if where else [])
    assert found.ready_before == sum(one["a"].status is Status.READY for one in sides[:1])
    assert found.ready_after == sum(one["a"].status is Status.READY for one in sides[1:])


def test_what_changes_is_told_in_words(past):
    """Findings gained and lost, holds, and the play."""
    before = an_assessment("capacity near", "seats_added")
    after = an_assessment("feature preview", "seats_added", **HELD, points=10)
    [change] = side_by_side({"a": before}, {"a": after}, past).stops_being_ready
    lost = {one.trigger for one in before.findings} - {one.trigger for one in after.findings}
    assert f"loses {', '.join(sorted(lost))}" in change.says
    assert "newly held by unhealthy" in change.says
    assert "play capacity becomes feature" in change.says
    assert "9 points become 10" in change.says


def test_a_past_that_is_the_same_is_called_the_same(past):
    """No figures are repeated where nothing moved."""
    found = side_by_side({"a": an_assessment("capacity near")}, {"a": an_assessment("capacity near")}, past)
    assert found.verdict.endswith("the bar would have spoken exactly as it did.")


def test_a_past_that_differs_is_told_with_both_figures(past):
    """Prompts a week and lift, before and after, and whether the difference means anything."""
    world = planted(3, 80)
    lower = world.bar.model_copy(update={"ready_points": 5})
    other = backtest(world.replay, world.history, world.span, lower, {}, permutations=9)
    verdict = side_by_side(
        {"a": an_assessment("capacity near")}, {"a": an_assessment("capacity near")}, past, other
    ).verdict
    assert f"{other.bar.per_week:.2f} prompts a week instead of {past.bar.per_week:.2f}" in verdict
    assert "a lift of" in verdict
    assert verdict.endswith(("overlap.", "chance.", "apart."))
