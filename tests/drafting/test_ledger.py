"""From an assessment to the brief."""

from __future__ import annotations

import hashlib
import json

import pytest

from agent.drafting.ledger import SUPPORTING, make_brief
from agent.foundation.errors import OutgrownError
from agent.signals.finding import Finding
from tests.drafting.assessments import (
    CASES,
    NAMES,
    SEATS,
    SETTINGS,
    SUPPORT,
    a_figure,
    a_finding,
    an_assessment,
    counted,
    support_time,
    upgrade,
    usage,
)


def brief(case: str = "capacity near", support: str = "seats_added", **more):
    """The brief of a case."""
    return make_brief(an_assessment(case, support, **more), SETTINGS, NAMES)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("support", SUPPORT)
def test_every_figure_has_its_own_id_and_the_watch_is_real(case, support):
    """Ids are unique, and what tells the customer that it is time rests on figures of the ledger."""
    made = brief(case, support)
    ids = [figure.figure_id for figure in made.figures]
    assert len(ids) == len(set(ids))
    assert made.watch.figure_id in made.watch.figure_ids
    for figure_id in made.watch.figure_ids:
        assert made.figure(figure_id).display.split()[0] in made.watch.sentence


@pytest.mark.parametrize("case", CASES)
def test_the_problem_quotes_a_figure_and_never_the_offer(case):
    """The first sentence names a real number, and neither price nor plan."""
    made = brief(case)
    quoted = [
        f
        for f in made.figures
        if not f.figure_id.startswith("offer_") and f.display.split()[0] in made.problem
    ]
    assert quoted
    assert made.offer.name not in made.problem
    assert made.figure("offer_price").display not in made.problem


def test_the_plays_own_findings_come_first_and_at_most_two_others_follow():
    """A message has one subject and little beside it."""
    beside = tuple(
        finding for name in ("seats_added", "wau", "doubled", "beyond") for finding in SUPPORT[name]
    )
    made = brief(findings=(*beside, usage()))
    assert made.findings[0].trigger == "near_ceiling"
    assert len(made.findings) == 1 + SUPPORTING


@pytest.mark.parametrize(
    "finding",
    [
        a_finding("renewal_window", "commercial", a_figure("days_to_renewal", 75, "days")),
        a_finding("headcount_growth", "growth", a_figure("headcount_growth", 0.4, "share")),
        counted("product_page_visits", 4, "sign"),
        counted("capability_request", 1, "sso"),
        support_time(),
    ],
    ids=lambda finding: finding.trigger,
)
def test_what_a_customer_should_not_read_stays_out(finding):
    """Renewals, headcounts, page visits and asks for another offer do not stand beside a capacity problem."""
    made = brief(support="none", findings=(usage(), finding))
    assert [f.trigger for f in made.findings] == ["near_ceiling"]
    assert finding.figures[0].figure_id not in {figure.figure_id for figure in made.figures}


def test_of_several_metrics_the_one_the_offer_relieves_leads():
    """The problem is the one the offer removes."""
    findings = (usage(key="storage", used=10, ceiling=10), usage())
    made = brief(support="none", findings=findings, offer=upgrade(ceiling=5000, ceiling_metric="exports"))
    assert [finding.key for finding in made.findings] == ["exports"]
    assert made.figure("offer_ceiling").display == "5,000"


def test_equal_ids_of_different_figures_are_told_apart():
    """Two windows of different length get two ids, each quoted by its own finding."""
    made = brief("capacity both", "none")
    assert {made.figure("window").display, made.figure("limit_hits_window").display} == {"30 days", "14 days"}


def test_a_finding_without_a_window_gets_one():
    """The days looked at may be quoted even where the trigger did not list them."""
    plain = counted("limit_hits", 5, "exports")
    bare = plain.model_copy(update={"figures": plain.figures[:1]})
    assert (
        brief(support="none", findings=(bare,), offer=upgrade()).figure("limit_hits_window").display
        == "14 days"
    )


def test_offer_figures_are_as_the_catalogue_states_them():
    """Price by the currency's own minor unit, seats as a count."""
    made = brief("seats", offer=SEATS.model_copy(update={"price_minor": 4900, "currency": "JPY"}))
    assert (made.figure("offer_price").display, made.figure("offer_seats").display) == ("¥4,900", "5")


@pytest.mark.parametrize("key", ["{{7*7}}", "x" * 90, "a\nb http://evil.example", "\u202etxt.exe@"])
def test_a_hostile_key_is_left_unnamed(key):
    """A name that cannot stand in a sentence is dropped, and the sentence does without it."""
    made = brief("capacity hits", "none", findings=(counted("limit_hits", 5, key),))
    assert made.findings[0].key is None
    assert made.problem.count("5 times") == 1


def test_a_trigger_nobody_has_words_for_speaks_for_itself():
    """Without a fitting wording the finding's own sentence is the problem."""
    odd: Finding = usage().model_copy(
        update={"figures": (a_figure("window", 14, "days"),), "says": "Exports are close to their ceiling"}
    )
    made = brief(support="none", findings=(odd,), offer=upgrade())
    assert made.problem == "Exports are close to their ceiling."
    assert made.watch.sentence == "when the same comes up again within 14 days"


@pytest.mark.parametrize("change", [{"play": None}, {"offer": None}, {"findings": ()}])
def test_no_brief_without_a_play_an_offer_and_a_finding(change):
    """A message without a reason or an offer cannot be made."""
    with pytest.raises(OutgrownError, match="acc-1"):
        brief(support="none", **change)


def test_equal_assessments_make_equal_briefs():
    """The brief is a function of the assessment."""
    assert brief().brief_id == brief().brief_id


def test_a_time_zone_is_part_of_a_brief_where_it_is_known():
    """A brief from before zones were known keeps its id."""
    plain = brief()
    there = plain.recipient.model_copy(update={"time_zone": "Asia/Tokyo"})
    old = plain.model_dump(mode="json")
    del old["recipient"]["time_zone"]
    digest = hashlib.sha256(json.dumps(old, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
    assert plain.brief_id == digest[:16]
    assert plain.model_copy(update={"recipient": there}).brief_id != plain.brief_id
