"""That the cases of the evaluation are true: their figures agree, their triggers fire, their play is the rule book's."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cache

import pytest

pytest.importorskip("yaml", reason="pyyaml comes with the extra 'evals'")

from agent.scoring.assessment import OfferKind
from agent.signals import display
from agent.signals.finding import Figure, Finding
from evals.quality.cases import FOLDER, Case, companies, load_case

NAMES = sorted(path.stem for path in FOLDER.iterdir())
PLAYS = ("deadline", "scope", "service", "seats", "feature", "capacity", "cross_sell")
KINDS = {
    "deadline": {OfferKind.SPRINT_PACKAGE, OfferKind.PLAN_UPGRADE},
    "scope": {OfferKind.SCOPE_AGREEMENT},
    "service": {OfferKind.SERVICE_ADDON},
    "seats": {OfferKind.SEAT_EXPANSION},
    "feature": {OfferKind.PLAN_UPGRADE},
    "capacity": {OfferKind.PLAN_UPGRADE},
    "cross_sell": {OfferKind.CROSS_SELL},
}


@cache
def the(name: str) -> Case:
    """The case of that name."""
    return load_case(FOLDER / f"{name}.yaml")


Values = dict[str, float]
FIRES: dict[str, Callable[[Values], bool]] = {
    "plan_limit_pressure": lambda v: min(v["utilisation"], v["utilisation_week1"], v["utilisation_week2"]) >= 0.8,
    "near_ceiling": lambda v: v["utilisation"] > 0.9 and v["utilisation_week1"] >= 0.8,
    "limit_hits": lambda v: v["limit_hits"] >= 3 and 2 <= v["limit_hit_days"] <= min(14, v["limit_hits"]),
    "usage_doubled_since_start": lambda v: v["usage_growth"] >= 2 and v["usage_start"] >= 10,
    "wau_doubled": lambda v: v["weekly_users_growth"] >= 2 and v["weekly_users_before"] >= 3,
    "seats_added": lambda v: v["members_joined"] >= 2,
    "seats_active": lambda v: v["seats_share"] > 0.8 and v["seats_active"] / v["seats_taken"] > 0.8,
    "guests_accumulating": lambda v: v["guests"] >= 3 and 2 <= v["guests_new"] <= v["guests"],
    "invites": lambda v: v["invitations"] >= 2,
    "new_team": lambda v: v["teams"] >= 2,
    "headcount_growth": lambda v: v["headcount_growth"] >= 0.2,
    "capability_request": lambda v: v["requests"] >= 1,
    "paywall_attempts": lambda v: v["attempts"] >= 3 and 2 <= v["attempt_days"] <= v["attempts"],
    "premium_preview": lambda v: v["previews"] >= 1,
    "beyond_first_use": lambda v: v["feature_uses"] >= 5,
    "repeated_workaround": lambda v: v["workarounds"] >= 3,
    "support_time_up": lambda v: v["support_growth"] >= 1.3 and v["support_minutes_before"] >= 60,
    "out_of_scope_asks": lambda v: v["scope_requests"] >= 2,
    "hard_deadline": lambda v: v["days_to_deadline"] > 0,
    "faster_turnaround": lambda v: v["faster_requests"] >= 1,
    "budget_language": lambda v: v["budget_requests"] >= 1,
    "renewal_window": lambda v: 60 <= v["days_to_renewal"] <= 90,
    "product_page_visits": lambda v: v["views"] >= 3,
    "product_use_case_ask": lambda v: v["use_case_requests"] >= 1,
}  # fmt: skip
"Rule book §3, written once more by hand."
QUOTIENTS = {
    "utilisation": ("used", "ceiling"),
    "seats_share": ("seats_taken", "seats"),
    "usage_growth": ("usage_now", "usage_start"),
    "weekly_users_growth": ("weekly_users", "weekly_users_before"),
    "support_growth": ("support_minutes", "support_minutes_before"),
}
DAYS = {
    "plan_limit_pressure": 21, "near_ceiling": 14, "limit_hits": 14, "usage_doubled_since_start": 28, "wau_doubled": 7,
    "seats_added": 14, "paywall_attempts": 14, "headcount_growth": 180,
}  # fmt: skip
"The windows that are not 30 days."


def values_of(finding: Finding) -> Values:
    return {f.figure_id: float(f.value) for f in finding.figures if not isinstance(f.value, date)}


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_of_every_finding_agree_and_fire(name: str):
    """Shares and ratios follow from their parts, every bound of the rule book is met, every window is its own."""
    for finding in the(name).assessment.findings:
        values = values_of(finding)
        for quotient, (above, below) in QUOTIENTS.items():
            if quotient in values and above in values:
                assert values[quotient] == pytest.approx(values[above] / values[below]), (
                    finding.trigger,
                    quotient,
                )
        if not finding.wording:
            assert FIRES[finding.trigger](values), (finding.trigger, values)
            if "window" in values:
                assert values["window"] == DAYS.get(finding.trigger, 30), finding.trigger
        assert all(value >= 0 for value in values.values())
        assert finding.last_day == the(name).brief.as_of


def shown_again(figure: Figure, offer_currency: str) -> str:
    """The display that the product's own rounding gives for a figure."""
    if isinstance(figure.value, date):
        return display.day(figure.value).display
    match figure.unit:
        case "share":
            return display.share(figure.value).display
        case "ratio":
            return display.times(figure.value).display
        case "days":
            return display.days(int(figure.value)).display
        case "money":
            return display.money(int(figure.value), offer_currency).display
    return display.count(figure.value).display


@pytest.mark.parametrize("name", NAMES)
def test_every_display_is_the_product_s_own(name: str):
    """What a customer reads is made from the value, never typed."""
    brief = the(name).brief
    for figure in brief.figures:
        again = shown_again(figure, brief.offer.currency)
        assert re.fullmatch(rf"{re.escape(again)}( [a-z]+)?", figure.display), figure
    assert len({figure.figure_id for figure in brief.figures}) == len(brief.figures)


CONDITIONS: dict[str, Callable[[set[str]], object]] = {
    "deadline": lambda t: t & {"hard_deadline", "faster_turnaround"},
    "scope": lambda t: "out_of_scope_asks" in t,
    "service": lambda t: t & {"support_time_up", "repeated_workaround"} and t & {"seats_added", "new_team"},
    "seats": lambda t: "seats_active" in t and t & {"seats_added", "invites", "guests_accumulating"},
    "feature": lambda t: t & {"capability_request", "paywall_attempts", "premium_preview"},
    "capacity": lambda t: t & {"plan_limit_pressure", "near_ceiling", "limit_hits"},
    "cross_sell": lambda t: t & {"product_page_visits", "product_use_case_ask"},
}
"Rule book §5, written once more by hand."


@pytest.mark.parametrize("name", NAMES)
def test_the_play_and_its_offer_are_those_of_the_rule_book(name: str):
    """The first play that matches, with an offer of its kind that answers what was found."""
    case, brief = the(name), the(name).brief
    fired = {finding.trigger for finding in case.assessment.findings}
    own = {finding.play for finding in case.assessment.findings if finding.play}
    assert next(play for play in PLAYS if play in own or CONDITIONS[play](fired)) == brief.play
    assert brief.offer.kind in KINDS[brief.play]
    home = next(home for home in companies().values() if home.company.name == brief.sender.company)
    if brief.offer.kind is OfferKind.PLAN_UPGRADE:
        plans = list(home.plans)
        assert brief.plan_name is None or plans.index(brief.plan_name) < plans.index(brief.offer.name)
    if brief.play == "feature":
        assert brief.offer.feature in home.features
        wanted = [
            f.key for f in case.assessment.findings if f.trigger in ("capability_request", "paywall_attempts")
        ]
        assert brief.offer.feature in wanted or not wanted
    if brief.play == "capacity":
        assert brief.offer.ceiling_metric in home.metrics
        for finding in case.assessment.findings:
            if (
                finding.key == brief.offer.ceiling_metric
                and brief.offer.ceiling
                and "used" in values_of(finding)
            ):
                assert values_of(finding)["used"] / brief.offer.ceiling <= 0.8
    if brief.play == "cross_sell":
        product = next(f.key for f in case.assessment.findings if f.about == "product")
        assert home.products[product or ""].name == brief.offer.name


@pytest.mark.parametrize("name", NAMES)
def test_the_brief_names_what_it_is_about_and_nobody_else(name: str):
    """Own names are not among the others, and every case brings other customers, plans and features."""
    brief, around = the(name).brief, the(name).around
    assert not {brief.recipient.account_name, brief.recipient.contact_name} & set(around.other_names)
    assert not {brief.plan_name, brief.offer.name} & set(around.other_plans)
    assert around.other_names
    assert around.other_plans
    assert around.now.date() > brief.as_of
    assert around.suppressed is None
