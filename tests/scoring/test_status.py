"""Points, bands, status, and what is missing to be ready (rule book §4)."""

from __future__ import annotations

import pytest

from agent.foundation.settings import Scoring
from agent.scoring.assessment import Assessment, Band, Status
from agent.scoring.points import band, groups
from agent.signals.finding import Finding
from agent.signals.library import load_library
from tests import worlds
from tests.worlds import D, World, ago


def found(trigger: str, group: str) -> Finding:
    """A finding that matters by its group alone."""
    return Finding(
        trigger=trigger,
        group=group,
        value=1,
        threshold=1,
        unit="times",
        first_day=D,
        last_day=D,
        says="so it is",
        figures=(),
    )


def test_a_group_scores_once_however_many_of_its_triggers_fire():
    """Five usage triggers do not make 20 points."""
    points = load_library().points
    pressure = [
        found(name, "usage_pressure") for name in ("limit_hits", "near_ceiling", "plan_limit_pressure")
    ]
    assert groups(pressure, points) == {"usage_pressure": 4}
    both = groups(
        [found("invites", "team_expansion"), *pressure, found("seats_added", "team_expansion")], points
    )
    assert both == {"usage_pressure": 4, "team_expansion": 2}
    assert list(both) == ["usage_pressure", "team_expansion"]
    assert groups([], points) == {}


@pytest.mark.parametrize(
    ("points", "expected"),
    [(0, Band.STABLE), (4, Band.STABLE), (5, Band.WATCH), (8, Band.WATCH), (9, Band.READY), (26, Band.READY)],
)
def test_bands(points, expected):
    """0-4 stable, 5-8 watch, 9 and more ready."""
    assert band(points, Scoring()) is expected


def test_bands_follow_the_settings():
    """A founder may move the bar."""
    assert band(6, Scoring(ready_points=6)) is Band.READY
    assert band(3, Scoring(watch_points=3)) is Band.WATCH


def pressed(w: World, a: str) -> None:
    """Usage pressure: 4 points and a play."""
    w.measure(a, "storage", {0: 95, 7: 95, 14: 95})


def blocked(w: World, a: str) -> None:
    """Feature interest: 3 points and a play."""
    for day in (0, 1, 2):
        w.event(a, "blocked", day, feature="sso")


def joined(w: World, a: str) -> None:
    """Team expansion: 2 points and no play of its own."""
    for user in ("u1", "u2"):
        w.member(a, user, joined=3)


def budget(w: World, a: str) -> None:
    """Budget: 4 points and no play of its own."""
    w.ticket(a, 3, "Please send us a quote for 20 more seats.")


def doubled(w: World, a: str) -> None:
    """Growth: 2 points and no play of its own."""
    w.measure(a, "headcount", {100: 50, 0: 60})


def renewing(w: World, a: str) -> None:
    """Commercial: 1 point and no play of its own."""
    w.subscribe(a, "starter", 200, renews_on=ago(-75))


STORIES = {
    "ready": (pressed, blocked, joined),
    "eight": (pressed, joined, doubled),
    "seven": (pressed, blocked),
    "five": (blocked, joined),
    "four": (pressed,),
    "nothing": (),
    "no_play": (budget, joined, doubled, renewing),
    "held": (pressed, blocked, joined),
    "eight_and_held": (pressed, joined, doubled),
    "top": (pressed, blocked, joined),
}


@pytest.fixture(scope="module")
def world() -> World:
    """Accounts by what was found for them."""
    w = World()
    for name, stories in STORIES.items():
        w.account(name, subscribed=renewing not in stories, is_test=name in ("held", "eight_and_held"))
        for story in stories:
            story(w, name)
    return w


@pytest.fixture(scope="module")
def assessed(world) -> dict[str, Assessment]:
    """One scan of them all."""
    return {one.account_id: one for one in world.scan().accounts}


STATUS = {
    "ready": (9, Band.READY, Status.READY),
    "eight": (8, Band.WATCH, Status.WATCH),
    "five": (5, Band.WATCH, Status.WATCH),
    "four": (4, Band.STABLE, Status.STABLE),
    "nothing": (0, Band.STABLE, Status.STABLE),
    "no_play": (9, Band.READY, Status.WATCH),
    "held": (9, Band.READY, Status.HELD),
    "eight_and_held": (8, Band.WATCH, Status.WATCH),
}


@pytest.mark.parametrize(("account", "expected"), STATUS.items(), ids=STATUS)
def test_status(assessed, account, expected):
    """Ready takes points, groups, an offer and no hold; held is what would be ready without its holds."""
    one = assessed[account]
    assert (one.points, one.band, one.status) == expected


NEEDS = {
    "ready": (),
    "eight": (
        "1 more point (now 8 of 9); one finding in feature_interest, support_complexity, urgency, budget, commercial or "
        "cross_sell would do",
    ),
    "seven": (
        "2 more points (now 7 of 9); one finding in growth, team_expansion, support_complexity, urgency, budget or "
        "cross_sell would do",
    ),
    "five": ("4 more points (now 5 of 9); one finding in usage_pressure or budget would do",),
    "four": ("5 more points (now 4 of 9)",),
    "nothing": (
        "9 more points (now 0 of 9)",
        "a play: nothing found so far points to something that could be offered",
    ),
    "no_play": ("a play: nothing found so far points to something that could be offered",),
    "held": ("test_account lifted: the account is marked as a test",),
    "eight_and_held": (
        "1 more point (now 8 of 9); one finding in feature_interest, support_complexity, urgency, budget, commercial or "
        "cross_sell would reach the bar",
        "test_account lifted: the account is marked as a test",
    ),
}


@pytest.mark.parametrize(("account", "needs"), NEEDS.items(), ids=NEEDS)
def test_needs_name_the_change_that_would_make_the_account_ready(assessed, account, needs):
    """A finding 'would do' only where it alone is missing; holds are named with their reason."""
    assert assessed[account].needs == needs


def test_what_would_do_does(world):
    """Adding the one finding that was named makes each of those accounts ready."""
    w = World()
    w.facts = list(world.facts)
    blocked(w, "eight")
    joined(w, "seven")
    budget(w, "five")
    after = {one.account_id: one for one in w.scan().accounts}
    assert [after[name].status for name in ("eight", "seven", "five")] == [Status.READY] * 3


def test_points_in_one_group_are_not_enough(world):
    """Nine points by a single group are watched, and say that a second group is missing."""
    alone = {name: {"group": "usage_pressure"} for name in ("paywall_attempts", "seats_added")}
    given = worlds.settings(triggers=alone, scoring={"ready_points": 4})
    one = {a.account_id: a for a in world.scan(given=given).accounts}
    assert (one["ready"].points, one["ready"].band, one["ready"].status) == (4, Band.READY, Status.STABLE)
    assert one["ready"].needs == ("findings in 2 groups (now 1)",)
    assert one["eight"].status is Status.READY
    single = worlds.settings(triggers=alone, scoring={"ready_points": 4, "ready_groups": 1})
    assert {a.account_id: a.status for a in world.scan(given=single).accounts}["ready"] is Status.READY


def test_a_group_with_nothing_switched_on_is_not_recommended(world):
    """What is not looked for cannot be found."""
    given = worlds.settings(triggers={"renewal_window": {"enabled": False}})
    one = {a.account_id: a for a in world.scan(given=given).accounts}
    assert "commercial" not in one["eight"].needs[0]
    assert "budget" in one["eight"].needs[0]
