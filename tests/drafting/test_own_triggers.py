"""Messages about triggers of the founder's own: worded by their sentence, checked like any other."""

from __future__ import annotations

import pytest

from agent.drafting.brief import Brief
from agent.drafting.guardrails import check
from agent.drafting.ledger import make_brief
from agent.drafting.message import Message
from agent.drafting.violation import Surroundings
from agent.drafting.vocabulary import Vocabulary
from agent.drafting.writer import framings, write
from agent.scoring.assessment import Offer, OfferKind
from agent.signals.library import internal_names, library_of
from tests import worlds
from tests.worlds import MOMENT, World

AROUND = Surroundings(now=MOMENT)
NAMES = Vocabulary(
    {"sso": "SSO", "export_csv": "export csv", "storage": "storage", "analytics": "Acme Analytics"},
    {"storage": "GB"},
)
COUNT = {"kind": "count_in_window", "event": "used", "days": 30, "at_least": 3}
BY_PLAY: dict[str, dict[str, object]] = {
    "deadline": {"kind": "phrase_in_ticket", "phrases": ["board meeting"]},
    "scope": {"kind": "phrase_in_ticket", "phrases": ["board meeting"], "says": "you asked us {tickets} in the last {window} for help with a meeting"},
    "service": {"kind": "count_in_window", "of": "tickets", "days": 30, "at_least": 1},
    "seats": {"kind": "first_seen", "what": "user", "days": 30},
    "feature": {"kind": "count_in_window", "event": "previewed", "days": 30, "at_least": 3},
    "capacity": {"kind": "share_of_ceiling", "metric": "storage", "at_least": 0.5},
    "cross_sell": {"kind": "count_in_window", "event": "viewed", "days": 30, "at_least": 2},
}  # fmt: skip
OTHERS: dict[str, dict[str, object]] = {
    "streak": {"kind": "streak", "metric": "storage", "at_least": 0.5, "weeks": 3, "play": "capacity"},
    "level": {"kind": "streak", "metric": "storage", "measure": "level", "at_least": 5, "weeks": 2, "play": "capacity"},
    "metric growth": {
        "kind": "growth_against_baseline", "metric": "storage", "days": 14, "times": 1.1, "floor": 1, "play": "capacity",
    },
    "event growth": {
        "kind": "growth_against_baseline", "event": "used", "days": 20, "times": 1.5, "floor": 1, "play": "capacity",
    },
    "first feature": {"kind": "first_seen", "what": "feature", "days": 30, "play": "capacity"},
    "first team": {"kind": "first_seen", "what": "team", "days": 30, "play": "capacity"},
    "founder's words": {
        **COUNT, "noun": ["export", "exports"], "says": "your team made {count} in the last {window}", "play": "capacity",
    },
    "joined": {"kind": "count_in_window", "of": "members", "days": 30, "at_least": 1, "play": "seats"},
    "different users": {**COUNT, "different": "users", "at_least": 1, "play": "seats"},
    "different days": {**COUNT, "different": "days", "at_least": 1, "play": "capacity"},
}  # fmt: skip
OFFERS = {
    "deadline": Offer(kind=OfferKind.SPRINT_PACKAGE, name="Launch sprint", price_minor=90000, currency="EUR", per="once"),
    "scope": Offer(kind=OfferKind.SCOPE_AGREEMENT, name="Custom work", price_minor=200000, currency="EUR", per="once"),
    "service": Offer(kind=OfferKind.SERVICE_ADDON, name="Priority support", price_minor=15000, currency="EUR", per="month"),
    "seats": Offer(
        kind=OfferKind.SEAT_EXPANSION, name="5 more seats", price_minor=4500, currency="EUR", per="month", seats=5
    ),
    "feature": Offer(
        kind=OfferKind.PLAN_UPGRADE, plan_id="growth", name="Growth", price_minor=9900, currency="EUR", per="month",
        feature="sso",
    ),
    "capacity": Offer(
        kind=OfferKind.PLAN_UPGRADE, plan_id="growth", name="Growth", price_minor=9900, currency="EUR", per="month",
        ceiling=300, ceiling_metric="storage",
    ),
    "cross_sell": Offer(
        kind=OfferKind.CROSS_SELL, plan_id="insight", name="Insight", price_minor=3900, currency="EUR", per="month"
    ),
}  # fmt: skip
TRIGGERS = {play: {**table, "play": play} for play, table in BY_PLAY.items()} | OTHERS


def world() -> World:
    """One account with a little of everything."""
    w = World()
    a = w.account("acme")
    w.measure(a, "storage", {0: 95, 7: 90, 14: 85, 21: 60, 28: 60, 40: 60})
    for day in (1, 2, 3, 5, 8, 13):
        w.event(a, "used", day, user_id="u1", feature="export_csv", team="Ops")
    w.event(a, "used", 25, user_id="u0", feature="reports", team="Sales", times=1)
    w.event(a, "used", 100, user_id="u0", feature="reports", team="Sales", times=1)
    w.event(a, "used", 30, user_id="u0", feature="reports", team="Sales", times=2)
    w.event(a, "previewed", 2, times=3, feature="sso")
    w.event(a, "viewed", 2, times=3, product="analytics")
    w.member(a, "u1", 5)
    w.ticket(a, 3, "Could you help us before the board meeting?")
    return w


@pytest.fixture(scope="module")
def briefs() -> dict[str, Brief]:
    """A brief that rests on each trigger alone."""
    tables = {f"own_trigger_{n}": {"group": "extras", **table} for n, table in enumerate(TRIGGERS.values())}
    given = worlds.settings(triggers=tables, groups={"extras": 3})
    [account] = world().scan(given=given).accounts
    by_name = {finding.trigger: finding for finding in account.findings}
    found = {}
    for number, (case, table) in enumerate(TRIGGERS.items()):
        play = str(table["play"])
        alone = {"findings": (by_name[f"own_trigger_{number}"],), "play": play, "offer": OFFERS[play]}
        found[case] = make_brief(account.model_copy(update=alone), given, NAMES)
    return found


@pytest.mark.parametrize("case", TRIGGERS)
def test_a_message_about_an_own_trigger_passes_the_guardrails(briefs: dict[str, Brief], case: str):
    """Every kind and every play, in each of the play's framings."""
    brief = briefs[case]
    for framing in framings(brief.play):
        message = write(brief, framing)
        assert [(one.rule, one.message) for one in check(message, brief, AROUND)] == [], message.body


PROBLEMS = {
    "deadline": "You wrote to us about this once in the last 30 days.",
    "scope": "You asked us once in the last 30 days for help with a meeting.",
    "service": "You sent us 1 ticket in the last 30 days.",
    "seats": "1 person started working with it in the last 30 days.",
    "feature": "Your team looked at SSO 3 times in the last 30 days.",
    "capacity": "You are at 95% of the storage in the Starter plan.",
    "cross_sell": "Your team looked at Acme Analytics 3 times in the last 30 days.",
    "streak": "You are at 95% of the storage in the Starter plan, and were at 85% in the first of these 3 weeks.",
    "level": "Your storage came to 95, after 90 in the first of these 2 weeks.",
    "metric growth": "Storage came to 92.5 in the last 14 days, against the 72.5 of the 14 days before.",
    "event growth": "Your team used it 6 times in the last 20 days, against 3 in the 20 days before.",
    "first feature": "Your team started using export csv in the last 30 days: 6 times so far.",
    "first team": "The Ops team started using it in the last 30 days: 6 times so far.",
    "founder's words": "Your team made 7 exports in the last 30 days.",
    "joined": "1 person joined in the last 30 days.",
    "different users": "2 people used it in the last 30 days.",
    "different days": "Your team used it on 7 days in the last 30 days.",
}  # fmt: skip
"The sentence each message opens with."


def test_the_problem_is_told_in_the_trigger_s_own_sentence(briefs: dict[str, Brief]):
    """Default sentences of the kinds, and the founder's."""
    assert {case: brief.problem for case, brief in briefs.items()} == PROBLEMS


def test_a_team_s_name_passes_the_finer_sieve(briefs: dict[str, Brief]):
    """A customer's own word that is no name is left out of the sentence."""
    from agent.drafting.phrases import own_words, slots

    finding = briefs["first team"].findings[0].model_copy(update={"key": "buy now <a>"})
    named = NAMES.named(finding)
    assert named.key is None
    filled = slots(named, "Starter", "Acme Docs")
    assert (
        own_words(named, filled, "Starter")
        == "the new team started using it in the last 30 days: 6 times so far"
    )


def test_a_figure_beside_the_brief_is_refused_for_an_own_trigger_too(briefs: dict[str, Brief]):
    """Its figures are the only ones."""
    brief = briefs["founder's words"]
    message = write(brief)
    changed = Message(subject=message.subject, body=message.body.replace("7 exports", "9 exports"))
    assert "ungrounded_figure" in {one.rule for one in check(changed, brief, AROUND)}


@pytest.mark.parametrize("name", ["heavy_exporters", "heavy exporters", "Heavy Exporters", "odd habits"])
def test_no_message_speaks_of_an_own_trigger_or_group_by_name(briefs: dict[str, Brief], name: str):
    """What we call it among ourselves is nothing for a customer."""
    table = {"kind": "share_of_ceiling", "group": "odd_habits", "at_least": 0.5}
    library = library_of(worlds.settings(triggers={"heavy_exporters": table}, groups={"odd_habits": 1}))
    around = AROUND.model_copy(update={"internal_names": internal_names(library)})
    brief = briefs["capacity"]
    message = write(brief)
    spoken = Message(
        subject=message.subject, body=message.body.replace("\n\n", f"\n\nYou belong to our {name}. ", 1)
    )
    assert [one.rule for one in check(spoken, brief, around) if one.rule == "no_internals"] == [
        "no_internals"
    ]
    assert check(message, brief, around) == []
