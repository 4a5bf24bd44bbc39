"""The composite of rule book §4, line by line."""

from __future__ import annotations

from datetime import datetime

import pytest

from agent.scoring.assessment import Assessment, Part, Tier
from agent.scoring.composite import commercial, composite, growth, health, parts, tier, usage
from tests.scoring.rows import row
from tests.worlds import World, ago

IN_USE = {"AMOUNTS": 5, "AMOUNTS_EVER": 9}
USAGE = {
    "at a ceiling, two teams, a higher plan's feature tried": (
        {"core_utilisation": 1.0, "teams": 2, "HIGHER_TRIED": 1},
        10,
    ),
    "above a ceiling": ({"core_utilisation": 1.4, "teams": 5, "HIGHER_TRIED": 3}, 10),
    "another metric at its ceiling": (
        {"core_utilisation": 0.6, "any_utilisation": 1.0, "teams": 2, "HIGHER_TRIED": 1},
        10,
    ),
    "just below the ceiling": ({"core_utilisation": 0.999, "teams": 2, "HIGHER_TRIED": 1}, 8),
    "at a ceiling, nothing tried": ({"core_utilisation": 1.0, "teams": 2}, 8),
    "at a ceiling, one team": ({"core_utilisation": 1.0, "teams": 1, "HIGHER_TRIED": 1}, 7),
    "above 80%, two teams": ({"core_utilisation": 0.8001, "teams": 2}, 8),
    "above 80%, one team": ({"core_utilisation": 0.8001, "teams": 1}, 7),
    "exactly 80%": ({"core_utilisation": 0.8, "teams": 2}, 6),
    "between 50% and 80%": ({"core_utilisation": 0.65}, 5),
    "exactly 50%": ({"core_utilisation": 0.5}, 4),
    "just below 50%": ({"core_utilisation": 0.4999}, 2.9996),
    "a quarter": ({"core_utilisation": 0.25}, 2),
    "nothing of a ceiling": ({"core_utilisation": 0.0}, 1),
    "a limited metric that is not core, where no core one has a ceiling": ({"any_utilisation": 0.65}, 5),
    "a core metric goes before a fuller other one": ({"core_utilisation": 0.65, "any_utilisation": 0.95}, 5),
    "no use in 30 days": ({"core_utilisation": 0.9, "AMOUNTS": 0}, 0),
    "events are use too": (
        {"core_utilisation": 0.65, "AMOUNTS": 0, "AMOUNTS_EVER": 0, "USES": 1, "USES_EVER": 1},
        5,
    ),
    "used long ago, unlimited plan": ({"AMOUNTS": 0, "USES_EVER": 1}, 0),
    "unlimited plan in use": ({}, None),
    "never any sign of use": ({"core_utilisation": 0.9, "AMOUNTS": 0, "AMOUNTS_EVER": 0}, None),
}


@pytest.mark.parametrize(("values", "score"), USAGE.values(), ids=USAGE)
def test_usage(values, score):
    """10, 8, 7, then linear 4 to 6 and 1 to 3, 0 without use, none without data."""
    found, terms = usage(row(**IN_USE | values))
    assert found == pytest.approx(score) if score is not None else found is None
    assert bool(terms) is (score is not None)


HEALTH = {
    "measured": ({"HEALTH_SCORE": 73}, True, 7.3),
    "measured goes before NPS and tickets": (
        {"HEALTH_SCORE": 73, "NPS": 2, "SENTIMENT": -1, "URGENT_OPEN_LONG": 1},
        True,
        7.3,
    ),
    "measured nothing": ({"HEALTH_SCORE": 0}, True, 0),
    "measured above 100 is clipped": ({"HEALTH_SCORE": 130}, True, 10),
    "measured below 0 is clipped": ({"HEALTH_SCORE": -5}, True, 0),
    "nothing said, help desk known": ({}, True, 7),
    "nothing said, no help desk": ({}, False, None),
    "NPS alone is enough data": ({"NPS": 7}, False, 7),
    "NPS 9": ({"NPS": 9}, True, 8),
    "NPS 8.9": ({"NPS": 8.9}, True, 7),
    "NPS 6": ({"NPS": 6}, True, 4),
    "NPS 6.1": ({"NPS": 6.1}, True, 7),
    "sentiment just below -0.3": ({"SENTIMENT": -0.31}, True, 5),
    "sentiment exactly -0.3": ({"SENTIMENT": -0.3}, True, 7),
    "an urgent ticket open long": ({"URGENT_OPEN_LONG": 1}, True, 6),
    "two of them cost no more": ({"URGENT_OPEN_LONG": 2}, True, 6),
    "an urgent ticket open not yet long": ({"URGENT_OPEN": 1}, True, 7),
    "all that is bad": ({"NPS": 0, "SENTIMENT": -1, "URGENT_OPEN_LONG": 1}, True, 1),
}


@pytest.mark.parametrize(("values", "support_known", "score"), HEALTH.values(), ids=HEALTH)
def test_health(values, support_known, score):
    """The health score where there is one, else 7 and what NPS, sentiment and urgent tickets add."""
    found, terms = health(row(**values), support_known=support_known)
    assert found == (pytest.approx(score) if score is not None else None)
    if score is not None and "HEALTH_SCORE" not in values:
        assert sum(term.amount for term in terms) == pytest.approx(score)


GROWTH = {
    "nothing": (set(), 0),
    "seats_added": ({"seats_added"}, 3),
    "new_team": ({"new_team"}, 2),
    "headcount_growth": ({"headcount_growth"}, 2),
    "wau_doubled": ({"wau_doubled"}, 3),
    "usage_doubled_since_start": ({"usage_doubled_since_start"}, 3),
    "both kinds of doubling count once": ({"wau_doubled", "usage_doubled_since_start"}, 3),
    "other triggers add nothing": ({"limit_hits", "invites", "beyond_first_use"}, 0),
    "everything": (
        {"seats_added", "new_team", "headcount_growth", "wau_doubled", "usage_doubled_since_start"},
        10,
    ),
}


@pytest.mark.parametrize(("fired", "score"), GROWTH.values(), ids=GROWTH)
def test_growth(fired, score):
    """+3 seats, +2 team, +2 headcount, +3 doubled, 10 at most."""
    found, terms = growth(row(MEMBERS_EVER=1), fired)
    assert found == score
    assert sum(term.amount for term in terms) == score


@pytest.mark.parametrize("name", ["MEMBERS_EVER", "EVENTS_EVER", "AMOUNTS_EVER", "HEADCOUNTS_EVER"])
def test_growth_is_known_where_any_sign_of_it_could_show(name):
    """One row of members, events, usage or headcount makes 'no growth' a finding; none makes it unknown."""
    assert growth(row(**{name: 1}), set())[0] == 0
    assert growth(row(), set())[0] is None


COMMERCIAL = {
    "base, with no discount": ({}, set(), False, 5),
    "renewal window": ({}, {"renewal_window"}, False, 8),
    "yearly": ({"term": "year"}, set(), False, 7),
    "a discount of 20%": ({"discount_pct": 20.0}, set(), False, 5),
    "a discount above 20%": ({"discount_pct": 20.1}, set(), False, 3),
    "everything": ({"term": "year", "days_to_renewal": 70}, {"renewal_window"}, False, 10),
    "past due": ({"term": "year"}, {"renewal_window"}, True, 0),
    "no subscription": ({"plan_id": None}, set(), False, None),
    "no subscription and past due": ({"plan_id": None}, set(), True, None),
}


@pytest.mark.parametrize(("values", "fired", "past_due", "score"), COMMERCIAL.values(), ids=COMMERCIAL)
def test_commercial(values, fired, past_due, score):
    """3, +3 renewal window, +2 yearly, +2 no discount above 20%; 0 when past due."""
    found, terms = commercial(row(**values), fired, past_due=past_due)
    assert found == score
    assert sum(term.amount for term in terms) == (score or 0)


def made(**scores: float | None) -> dict[str, Part]:
    """Dimensions with these scores."""
    return {name: Part(score=score, weight=0) for name, score in scores.items()}


COMPOSITES = {
    "all of ten": ({"usage": 10, "health": 10, "growth": 10, "commercial": 10}, 100),
    "all of nothing": ({"usage": 0, "health": 0, "growth": 0, "commercial": 0}, 0),
    "each with its weight": ({"usage": 10, "health": 0, "growth": 0, "commercial": 0}, 40),
    "health weighs 25": ({"usage": 0, "health": 10, "growth": 0, "commercial": 0}, 25),
    "growth weighs 20": ({"usage": 0, "health": 0, "growth": 10, "commercial": 0}, 20),
    "commercial weighs 15": ({"usage": 0, "health": 0, "growth": 0, "commercial": 10}, 15),
    "usage missing": ({"usage": None, "health": 10, "growth": 0, "commercial": 0}, 41.6667),
    "all but one missing": ({"usage": None, "health": 7, "growth": None, "commercial": None}, 70),
    "all missing": ({"usage": None, "health": None, "growth": None, "commercial": None}, None),
}


@pytest.mark.parametrize(("scores", "expected"), COMPOSITES.values(), ids=COMPOSITES)
def test_composite_weighs_what_is_known(scores, expected):
    """0.40, 0.25, 0.20 and 0.15; what is missing is left out and the rest share its weight."""
    assert composite(made(**scores)) == expected


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0.0, Tier.NOT_READY),
        (24.99, Tier.NOT_READY),
        (25.0, Tier.POTENTIAL),
        (49.99, Tier.POTENTIAL),
        (50.0, Tier.LIKELY),
        (74.99, Tier.LIKELY),
        (75.0, Tier.EXPANSION_READY),
        (100.0, Tier.EXPANSION_READY),
        (None, None),
    ],
)
def test_tiers(score, expected):
    """75, 50 and 25 begin a tier."""
    assert tier(score) is expected


def test_weights_of_the_known_parts_make_one():
    """A part without data weighs nothing; the others share its weight in proportion."""
    found = parts(row(HEALTH_SCORE=70, MEMBERS_EVER=1), set(), past_due=False, support_known=False)
    weights = {name: part.weight for name, part in found.items()}
    assert weights["usage"] == 0
    assert weights["health"] == pytest.approx(0.25 / 0.60, abs=1e-6)
    assert sum(weights.values()) == pytest.approx(1, abs=1e-5)


# The columns that feed them, from facts.


@pytest.fixture(scope="module")
def assessed() -> dict[str, Assessment]:
    """One scan of accounts that each show where one column comes from."""
    w = World()
    w.account("full", term="year", renews_on=ago(-75))
    w.measure("full", "storage", {0: 100, 7: 100, 14: 100})
    w.measure("full", "health_score", {89: 90})
    w.event("full", "used", 3, user_id="u1", team="ops")
    w.event("full", "previewed", 29, user_id="u1", feature="sso")
    w.member("full", "u1", 150, team="design")
    for name, day in (("stale_health", 90), ("two_scores", 80)):
        w.account(name)
        w.measure(name, "health_score", {day: 30})
    w.measure("two_scores", "health_score", {79: 88})
    w.account("promoter")
    w.measure("promoter", "nps", {150: 2, 149: 9})
    w.account("sad")
    w.ticket("sad", 29, sentiment=-0.5)
    w.ticket("sad", 20, sentiment=-0.2)
    w.ticket("sad", 30, sentiment=1)
    for name, day, closed in (
        ("urgent3", 3, None),
        ("urgent4", 4, None),
        ("urgent_later", 4, -1),
        ("urgent_done", 4, 0),
    ):
        w.account(name)
        at = None if closed is None else datetime.combine(ago(closed), datetime.min.time())
        w.ticket(name, day, priority="urgent", closed_at=at)
    w.account("quiet")
    w.measure("quiet", "storage", {30: 60})
    w.account("tried_long_ago")
    w.measure("tried_long_ago", "storage", {0: 100})
    for name, day in (("ops", 100), ("sales", 100)):
        w.event("tried_long_ago", "used", day, team=name)
    w.event("tried_long_ago", "blocked", 30, feature="sso")
    w.event("tried_long_ago", "blocked", 1, feature="reports")
    w.account("owing", status="past_due")
    w.account("never", subscribed=False)
    w.account("counted")
    w.measure("counted", "headcount", {3: 10})
    return {one.account_id: one for one in w.scan().accounts}


def test_every_part_is_fed_by_the_facts(assessed):
    """Storage at its ceiling with two teams (one new, by its use), and a preview."""
    full = assessed["full"]
    assert {name: part.score for name, part in full.parts.items()} == {
        "usage": 10,
        "health": 9,
        "growth": 2,
        "commercial": 10,
    }
    assert full.composite == 81.5
    assert full.tier is Tier.EXPANSION_READY
    assert full.missing == ()


FED = {
    "stale_health": ("health", 7, "a health score older than 90 days does not count"),
    "two_scores": ("health", 8.8, "the newest counts"),
    "promoter": ("health", 8, "the newest NPS counts, however old"),
    "sad": ("health", 5, "the mean sentiment of 30 days"),
    "urgent3": ("health", 7, "open for three days"),
    "urgent4": ("health", 6, "open for more than three days"),
    "urgent_later": ("health", 6, "closed after D is open on D"),
    "urgent_done": ("health", 7, "closed on D"),
    "quiet": ("usage", 0, "no use in 30 days"),
    "tried_long_ago": ("usage", 8, "a try 31 days ago, or of a feature the plan has, is none"),
    "owing": ("commercial", 0, "past due"),
    "never": ("commercial", None, "no subscription"),
    "counted": ("usage", None, "headcount is no use of the product"),
}


@pytest.mark.parametrize(
    ("account", "part", "score", "_why"), [(a, *rest) for a, rest in FED.items()], ids=FED
)
def test_a_part_reads_its_own_facts(assessed, account, part, score, _why):
    """Each account shows one column at one bound."""
    assert assessed[account].parts[part].score == score


def test_what_is_missing_is_said(assessed):
    """An account with nothing but its name has the health of a silent help desk, and says what it lacks."""
    assert assessed["never"].missing == ("usage", "growth", "commercial")
    assert assessed["never"].composite == 70
    assert assessed["never"].parts["health"].weight == 1
