"""Plays and offers of rule book §5: the first that matches and has something to sell, and never two."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from agent.facts.tables import Ceiling, Metric, Plan, PlanFeature
from agent.foundation.settings import Settings
from agent.scoring.assess import ranked
from agent.scoring.assessment import Assessment, Band, Offer, OfferKind, Status
from agent.scoring.plays import Choice, Seller
from agent.signals.catalogue import PlanBook
from agent.signals.finding import Figure, Finding
from tests import worlds
from tests.worlds import SETTINGS, D, World, ago


def plan(plan_id: str, tier: int, price: int, **more: Any) -> Plan:
    """A plan in euros at a flat price unless said otherwise."""
    fields = {"currency": "EUR", "per_seat": False, **more}
    return Plan(plan_id=plan_id, name=plan_id.title(), tier=tier, price_minor=price, **fields)


STARTER, GROWTH, SCALE = plan("starter", 1, 4900), plan("growth", 2, 9900), plan("scale", 3, 29900)
FEATURES = {
    "starter": ("reports",),
    "legacy": ("reports", "sso", "fax"),
    "growth": ("reports", "sso"),
    "growth_usd": ("reports", "sso"),
    "scale": ("reports", "sso", "api_access", "fast_lane"),
}
CEILINGS = {"starter": 1000.0, "growth": 3000.0, "scale": None}


def book(*plans: Plan, ceilings: dict[str, float | None] | None = None, **more: Any) -> PlanBook:
    """A plan book with these plans above Starter, their features and their ceilings on exports."""
    every = (STARTER, *plans)
    stated = CEILINGS if ceilings is None else ceilings
    return PlanBook(
        plans=every,
        features=tuple(
            PlanFeature(plan_id=p.plan_id, feature=f) for p in every for f in FEATURES.get(p.plan_id, ())
        ),
        ceilings=tuple(
            Ceiling(plan_id=p.plan_id, metric="exports", ceiling=stated[p.plan_id])
            for p in every
            if p.plan_id in stated
        )
        + more.pop("more_ceilings", ()),
        metrics=(
            Metric(metric="exports", label="exports", unit="exports", kind="flow", per="month", core=True),
        ),
        **more,
    )


USUAL = book(GROWTH, SCALE)


def figure(figure_id: str, value: float) -> Figure:
    """A figure that says no more than its value."""
    return Figure(
        figure_id=figure_id,
        label=figure_id,
        value=value,
        unit=figure_id,
        display=str(value),
        rounding="exact",
        formula="given",
        first_day=D,
        last_day=D,
    )


def found(trigger: str, key: str | None = None, used: float | None = None) -> Finding:
    """A finding of a trigger; `used` is how much of its metric is in use."""
    return Finding(
        trigger=trigger,
        group="any",
        key=key,
        value=1,
        threshold=1,
        unit="times",
        first_day=D,
        last_day=D,
        says="so it is",
        figures=() if used is None else (figure("used", used),),
    )


def selling(*without: str, **sections: Any) -> Settings:
    """The test company's settings, without offers of some kinds."""
    offers = [offer for offer in SETTINGS["offers"] if offer["kind"] not in without]
    return worlds.settings(**{"offers": offers, **sections})


def choose(
    *findings: Finding, given: Settings | None = None, plans: PlanBook = USUAL, day: date = D, **row: Any
) -> Choice:
    """What is chosen for an account on Starter."""
    profile = {
        "plan_id": "starter",
        "seats": None,
        "mrr_minor": 4900,
        "currency": "EUR",
        "fullest_metric": None,
        "fullest_used": None,
    } | row
    return Seller(plans, given or worlds.settings()).choose(profile, findings, day)


def names(*triggers: str) -> list[Finding]:
    """Findings that need no key to match a play."""
    return [found(trigger) for trigger in triggers]


CASES: dict[str, tuple[list[Finding], tuple[str, ...], str | None, str | None]] = {
    # Findings, kinds not sold, play and what is offered.
    "nothing found": ([], (), None, None),
    "nothing that a play is for": (
        names("wau_doubled", "renewal_window", "feature_utilisation"),
        (),
        None,
        None,
    ),
    "deadline by a date": (names("hard_deadline"), (), "deadline", "Launch sprint"),
    "deadline by a faster answer": (names("faster_turnaround"), (), "deadline", "Launch sprint"),
    "deadline, no sprint sold": (names("hard_deadline"), ("sprint_package",), "deadline", None),
    "deadline, no sprint, next play": (
        names("hard_deadline", "out_of_scope_asks"),
        ("sprint_package",),
        "scope",
        "Custom work",
    ),
    "deadline goes before scope": (
        names("out_of_scope_asks", "hard_deadline"),
        (),
        "deadline",
        "Launch sprint",
    ),
    "scope": (names("out_of_scope_asks"), (), "scope", "Custom work"),
    "scope, not sold": (names("out_of_scope_asks"), ("scope_agreement",), "scope", None),
    "scope, not sold, next play": (
        [*names("out_of_scope_asks", "repeated_workaround"), found("seats_added")],
        ("scope_agreement",),
        "service",
        "Priority support",
    ),
    "service by minutes and people": (
        names("support_time_up", "seats_added"),
        (),
        "service",
        "Priority support",
    ),
    "service by workarounds and a team": (
        names("repeated_workaround", "new_team"),
        (),
        "service",
        "Priority support",
    ),
    "service without growth": (names("support_time_up", "repeated_workaround"), (), None, None),
    "service without complexity": (names("seats_added", "new_team"), (), None, None),
    "service, not sold, next play": (
        [*names("support_time_up", "seats_added", "seats_active")],
        ("service_addon",),
        "seats",
        "5 more seats",
    ),
    "seats and people": (names("seats_active", "seats_added"), (), "seats", "5 more seats"),
    "seats and invitations": (names("seats_active", "invites"), (), "seats", "5 more seats"),
    "seats and guests": (names("seats_active", "guests_accumulating"), (), "seats", "5 more seats"),
    "seats without more people": (names("seats_active", "new_team"), (), None, None),
    "more people without full seats": (names("invites", "guests_accumulating"), (), None, None),
    "seats, not sold, next play": (
        [*names("seats_active", "invites"), found("paywall_attempts", "sso")],
        ("seat_expansion",),
        "feature",
        "Growth",
    ),
    "feature asked for": ([found("capability_request", "sso")], (), "feature", "Growth"),
    "feature tried": ([found("paywall_attempts", "api_access")], (), "feature", "Scale"),
    "feature looked at": ([found("premium_preview", "sso")], (), "feature", "Growth"),
    "a feature asked for goes before one tried": (
        [found("paywall_attempts", "sso"), found("capability_request", "api_access")],
        (),
        "feature",
        "Scale",
    ),
    "a feature nothing sold has": ([found("capability_request", "fax")], (), "feature", None),
    "a feature nothing sold has, next play": (
        [found("capability_request", "fax"), found("near_ceiling", "exports", 950)],
        (),
        "capacity",
        "Growth",
    ),
    "feature goes before capacity": (
        [found("near_ceiling", "exports", 950), found("paywall_attempts", "api_access")],
        (),
        "feature",
        "Scale",
    ),
    "capacity by weeks": ([found("plan_limit_pressure", "exports", 900)], (), "capacity", "Growth"),
    "capacity by the last days": ([found("near_ceiling", "exports", 950)], (), "capacity", "Growth"),
    "capacity by limit hits of no known metric": (names("limit_hits"), (), "capacity", None),
    "capacity goes before another product": (
        [found("product_page_visits", "analytics"), found("near_ceiling", "exports", 950)],
        (),
        "capacity",
        "Growth",
    ),
    "another product, nothing sold of it": (
        [found("product_page_visits", "analytics")],
        (),
        "cross_sell",
        None,
    ),
}


@pytest.mark.parametrize(("findings", "without", "play", "name"), CASES.values(), ids=CASES)
def test_the_first_play_that_matches_and_has_an_offer_is_chosen(findings, without, play, name):
    """In the rule book's order; one whose offer is not sold is passed over, and named where nothing else is left."""
    chosen = choose(*findings, given=selling(*without))
    assert (chosen.play, chosen.offer and chosen.offer.name) == (play, name)


def test_no_account_is_offered_two_things():
    """With every trigger fired there is one play and one offer."""
    every = names(
        "hard_deadline",
        "faster_turnaround",
        "out_of_scope_asks",
        "support_time_up",
        "seats_added",
        "seats_active",
        "invites",
    )
    chosen = choose(*every, found("capability_request", "sso"), found("near_ceiling", "exports", 950))
    assert isinstance(chosen.offer, Offer)
    assert (chosen.play, chosen.offer.kind) == ("deadline", OfferKind.SPRINT_PACKAGE)


# A faster answer without a sprint.

FASTER = {
    "the lowest plan with such a feature": (["fast_lane"], ["faster_turnaround"], "Scale", "fast_lane"),
    "none of the features is sold": (["hotline"], ["faster_turnaround"], None, None),
    "the plan has it already": (["reports"], ["faster_turnaround"], None, None),
    "a date is not met by a faster answer": (["fast_lane"], ["hard_deadline"], None, None),
    "the lower plan goes first": (["fast_lane", "sso"], ["faster_turnaround"], "Growth", "sso"),
}


@pytest.mark.parametrize(("features", "triggers", "name", "feature"), FASTER.values(), ids=FASTER)
def test_faster_service_stands_in_for_a_sprint(features, triggers, name, feature):
    """Only for faster_turnaround, and only where no sprint is sold."""
    given = selling("sprint_package", scoring={"faster_service": features})
    offer = choose(*names(*triggers), given=given).offer
    assert (offer and offer.name, offer and offer.feature) == (name, feature)
    with_sprint = choose(*names(*triggers), given=selling(scoring={"faster_service": features})).offer
    assert with_sprint is not None
    assert with_sprint.kind is OfferKind.SPRINT_PACKAGE


# Which plan brings a feature.

FEATURE_PLANS = {
    "the lowest that has it": (USUAL, "starter", "sso", "growth"),
    "a legacy plan is never offered": (
        book(plan("legacy", 2, 100, sold=False), SCALE),
        "starter",
        "sso",
        "scale",
    ),
    "from a legacy plan up": (
        book(plan("legacy", 1, 100, sold=False), GROWTH, SCALE),
        "legacy",
        "api_access",
        "scale",
    ),
    "an equal tier is an alternative, not a step up": (book(plan("growth", 1, 9900)), "starter", "sso", None),
    "of equal tiers, the account's currency": (
        book(plan("growth_usd", 2, 100, currency="USD"), GROWTH),
        "starter",
        "sso",
        "growth",
    ),
    "of equal tiers, priced the same way": (
        book(plan("growth_usd", 2, 100, per_seat=True), GROWTH),
        "starter",
        "sso",
        "growth",
    ),
    "of equal tiers, the cheaper": (
        book(plan("growth_usd", 2, 9800), GROWTH),
        "starter",
        "sso",
        "growth_usd",
    ),
    "already at the top": (USUAL, "scale", "sso", None),
    "no plan": (USUAL, None, "sso", None),
    "a plan nobody knows": (USUAL, "gone", "sso", None),
    "another product's plan is no upgrade": (
        book(plan("scale", 3, 1, product="analytics")),
        "starter",
        "api_access",
        None,
    ),
}


@pytest.mark.parametrize(("plans", "now", "feature", "offered"), FEATURE_PLANS.values(), ids=FEATURE_PLANS)
def test_a_feature_is_offered_with_the_lowest_sold_plan_that_has_it(plans, now, feature, offered):
    """The offer names the feature it brings."""
    offer = choose(found("paywall_attempts", feature), plans=plans, plan_id=now).offer
    assert (offer and offer.plan_id) == offered
    if offer is not None:
        assert (offer.kind, offer.feature, offer.ceiling) == (OfferKind.PLAN_UPGRADE, feature, None)


# Which plan brings room.

SEAT_CEILING = (Ceiling(plan_id="growth", metric="seats", ceiling=20.0),)
MORE = plan("more", 2, 9900)
CAPACITY = {
    "exactly 80% of the next plan": (USUAL, 2400.0, "growth", 3000),
    "just above 80% of the next plan": (USUAL, 2400.1, "scale", None),
    "unlimited is always enough": (USUAL, 1e9, "scale", None),
    "no plan is large enough": (book(GROWTH), 2500.0, None, None),
    "a plan that is silent promises nothing": (book(MORE, SCALE), 900.0, "scale", None),
    "nothing above speaks of it": (book(MORE), 900.0, None, None),
    "a ceiling of 0 relieves nothing": (book(GROWTH, ceilings={"growth": 0.0}), 900.0, None, None),
    "a plan that allows less": (
        book(GROWTH, SCALE, ceilings={"growth": 500.0, "scale": 5000.0}),
        900.0,
        "scale",
        5000,
    ),
    "a sum of fractions at 80%": (book(GROWTH, ceilings={"growth": 0.3}), 0.08 * 3, "growth", 0.3),
}


@pytest.mark.parametrize(("plans", "used", "offered", "ceiling"), CAPACITY.values(), ids=CAPACITY)
def test_capacity_is_offered_with_the_lowest_plan_that_brings_use_to_80_percent(
    plans, used, offered, ceiling
):
    """The offer says how much it includes; unlimited says nothing."""
    offer = choose(found("near_ceiling", "exports", used), plans=plans).offer
    assert (offer and offer.plan_id) == offered
    if offer is not None:
        assert (offer.ceiling_metric, offer.ceiling) == ("exports", ceiling)


def test_a_ceiling_counts_from_its_day_on():
    """An offer promises what the plan includes on D, not what it will."""
    later = (Ceiling(plan_id="growth", metric="exports", ceiling=9000.0, from_on=ago(-1)),)
    plans = book(GROWTH, ceilings={"growth": 1000.0}, more_ceilings=later)
    pressed = found("near_ceiling", "exports", 900)
    assert choose(pressed, plans=plans).offer is None
    tomorrow = choose(pressed, plans=plans, day=D + timedelta(days=1)).offer
    assert tomorrow is not None
    assert tomorrow.ceiling == 9000


def test_two_metrics_under_pressure_are_both_relieved():
    """Growth would do for the exports, and only Scale for the storage."""
    storage = (
        Ceiling(plan_id="growth", metric="storage", ceiling=100.0),
        Ceiling(plan_id="scale", metric="storage", ceiling=None),
    )
    plans = book(GROWTH, SCALE, more_ceilings=storage)
    pressed = (found("plan_limit_pressure", "exports", 900), found("near_ceiling", "storage", 95))
    offer = choose(*pressed, plans=plans).offer
    assert offer is not None
    assert (offer.plan_id, offer.ceiling_metric) == ("scale", "exports")


def test_seats_that_no_plan_speaks_of_do_not_stand_in_the_way():
    """Exports are relieved though seats, which are bought apart, are full as well."""
    pressed = (found("plan_limit_pressure", "exports", 900), found("near_ceiling", "seats", 10))
    offer = choose(*pressed).offer
    assert offer is not None
    assert (offer.plan_id, offer.ceiling_metric) == ("growth", "exports")


def test_full_seats_alone_are_relieved_only_by_a_plan_that_has_more():
    """A plan with a ceiling on seats can promise room; others cannot."""
    assert choose(found("near_ceiling", "seats", 10)).offer is None
    offer = choose(
        found("near_ceiling", "seats", 10), plans=book(GROWTH, SCALE, more_ceilings=SEAT_CEILING)
    ).offer
    assert offer is not None
    assert (offer.plan_id, offer.ceiling_metric, offer.ceiling) == ("growth", "seats", 20)


def test_limit_hits_mean_the_fullest_metric():
    """An event names no metric, so the one nearest to its ceiling is taken."""
    offer = choose(found("limit_hits"), fullest_metric="exports", fullest_used=990).offer
    assert offer is not None
    assert (offer.plan_id, offer.ceiling_metric, offer.ceiling) == ("growth", "exports", 3000)
    named = choose(
        found("limit_hits"), found("near_ceiling", "exports", 2500), fullest_metric="calls", fullest_used=1
    ).offer
    assert named is not None
    assert (named.plan_id, named.ceiling_metric) == ("scale", "exports")


# What it adds, and in which currency.

SEAT_PLAN = plan("growth", 2, 900, per_seat=True)
ADDS = {
    "the price beyond what is paid": (USUAL, {}, 5000),
    "a discount now": (USUAL, {"mrr_minor": 4000}, 5900),
    "paying more already": (USUAL, {"mrr_minor": 20000}, 0),
    "per seat": (book(SEAT_PLAN), {"seats": 10}, 9000 - 4900),
    "per seat, seats unknown": (book(SEAT_PLAN), {"mrr_minor": 100}, 800),
    "paid in another currency": (USUAL, {"currency": "USD"}, 9900),
}


@pytest.mark.parametrize(("plans", "row", "adds"), ADDS.values(), ids=ADDS)
def test_what_an_upgrade_adds_a_month(plans, row, adds):
    """The plan's price, times the seats where it is per seat, less what is paid now."""
    offer = choose(found("paywall_attempts", "sso"), plans=plans, **row).offer
    assert offer is not None
    assert offer.adds_monthly_minor == adds
    assert offer.per == ("seat and month" if plans.plan("growth").per_seat else "month")


OFFERS = [
    {
        "kind": "seat_expansion",
        "name": "5 more seats",
        "price_minor": 4500,
        "currency": "EUR",
        "per": "month",
    },
    {
        "kind": "seat_expansion",
        "name": "Room to grow",
        "price_minor": 5000,
        "currency": "USD",
        "seats": 7,
        "benefit": "all get in",
    },
    {"kind": "sprint_package", "name": "Sprint", "price_minor": 90000, "currency": "EUR", "per": "once"},
]


def test_a_listed_offer_in_the_accounts_currency_is_preferred():
    """In another currency only where there is no other; its seats come from the setting or from its name."""
    given = worlds.settings(offers=OFFERS)
    seats = names("seats_active", "invites")
    euros, dollars, pounds = (choose(*seats, given=given, currency=c).offer for c in ("EUR", "USD", "GBP"))
    assert euros is not None
    assert dollars is not None
    assert (euros.name, euros.seats, euros.adds_monthly_minor, euros.plan_id) == (
        "5 more seats",
        5,
        4500,
        None,
    )
    assert (dollars.name, dollars.seats, dollars.benefit) == ("Room to grow", 7, "all get in")
    assert pounds == euros


def test_what_is_paid_once_adds_nothing_a_month():
    """A sprint orders no account before another."""
    offer = choose(found("hard_deadline"), given=worlds.settings(offers=OFFERS)).offer
    assert offer is not None
    assert (offer.adds_monthly_minor, offer.per) == (0, "once")


def test_a_plan_brings_the_benefit_the_founder_wrote():
    """Empty where none was written."""
    growth, scale = (choose(found("paywall_attempts", feature)).offer for feature in ("sso", "api_access"))
    assert growth is not None
    assert scale is not None
    assert growth.benefit == SETTINGS["benefits"]["growth"]
    assert scale.benefit == ""


# Another product.

INSIGHT = plan("insight", 1, 3900, product="analytics")
DEARER = plan("insight_plus", 2, 100, product="analytics")
LISTED = [
    {
        "kind": "cross_sell",
        "name": "Analytics entry",
        "price_minor": 1000,
        "currency": "EUR",
        "product": "analytics",
    }
]
CROSS = {
    "its entry plan": (book(DEARER, INSIGHT), [], "Insight", 3900),
    "the entry plan goes before a listed offer": (book(INSIGHT), LISTED, "Insight", 3900),
    "an entry plan that is not sold": (
        book(plan("insight", 1, 3900, product="analytics", sold=False), DEARER),
        [],
        "Insight_Plus",
        100,
    ),
    "a listed offer": (book(), LISTED, "Analytics entry", 1000),
    "a listed offer of any product": (book(), [LISTED[0] | {"product": None}], "Analytics entry", 1000),
    "a listed offer of a third product": (book(), [LISTED[0] | {"product": "crm"}], None, None),
    "nothing": (book(), [], None, None),
}


@pytest.mark.parametrize("trigger", ["product_page_visits", "product_use_case_ask"])
@pytest.mark.parametrize(("plans", "offers", "name", "adds"), CROSS.values(), ids=CROSS)
def test_another_product_is_entered_by_its_lowest_sold_plan(plans, offers, name, adds, trigger):
    """Else by a listed offer; all of its price is added revenue."""
    chosen = choose(found(trigger, "analytics"), plans=plans, given=worlds.settings(offers=offers))
    assert chosen.play == "cross_sell"
    assert (chosen.offer and chosen.offer.name) == name
    if chosen.offer is not None:
        assert (chosen.offer.kind, chosen.offer.adds_monthly_minor) == (OfferKind.CROSS_SELL, adds)


# Order.


def assessed(
    name: str, status: Status, composite: float | None, points: int = 9, adds: int | None = None
) -> Assessment:
    """An account with what orders it."""
    offer = None
    if adds is not None:
        offer = Offer(
            kind=OfferKind.PLAN_UPGRADE,
            name="Growth",
            price_minor=1,
            currency="EUR",
            per="month",
            adds_monthly_minor=adds,
        )
    return Assessment(
        account_id=name,
        name=name,
        as_of=D,
        status=status,
        points=points,
        groups={},
        band=Band.READY,
        composite=composite,
        tier=None,
        parts={},
        findings=(),
        play=None,
        offer=offer,
        holds=(),
    )


def test_ready_accounts_are_ordered_by_composite_then_revenue_then_id():
    """Points do not order ready accounts; what is not ready follows, the closest first."""
    expected = [
        assessed("z", Status.READY, 80.0, points=9, adds=0),
        assessed("c", Status.READY, 70.0, points=9, adds=500),
        assessed("a", Status.READY, 70.0, points=20, adds=100),
        assessed("b", Status.READY, 70.0, points=9, adds=100),
        assessed("y", Status.READY, None, adds=900),
        assessed("h", Status.HELD, 99.0, points=12),
        assessed("w2", Status.WATCH, 10.0, points=8),
        assessed("w1", Status.WATCH, 90.0, points=7),
        assessed("s", Status.STABLE, 100.0, points=0),
    ]
    assert ranked(reversed(expected)) == expected
    assert ranked(expected[4:] + expected[:4]) == expected


# From facts to offers.


def test_facts_lead_to_offers():
    """One account for each play, from its rows to its offer."""
    w = World()
    w.account("deadline")
    w.ticket("deadline", 3, "Our launch is on 2026-03-01, can you help?")
    w.account("scope")
    for day in (3, 4):
        w.ticket("scope", day, "Hello", topic="out_of_scope")
    w.account("service")
    for day in (1, 2, 3):
        w.event("service", "workaround", day, feature="api_access")
    for user in ("u1", "u2"):
        w.member("service", user, 5)
    w.account("seats", seats=10)
    for person in range(9):
        w.member("seats", f"u{person}", 100)
        w.event("seats", "used", 3, user_id=f"u{person}")
    w.event("seats", "invited", 3, times=2, user_id="u1")
    w.account("feature")
    for day in (1, 2, 3):
        w.event("feature", "blocked", day, feature="api_access")
    w.account("capacity")
    w.measure("capacity", "storage", {0: 95, 7: 95})
    w.account("hits")
    w.measure("hits", "storage", {0: 30})
    w.measure("hits", "calls", {0: 49})
    for day in (1, 2, 3):
        w.event("hits", "limit_hit", day)
    for person in range(4):
        w.member("hits", f"u{person}", 100)
    w.account("cross_sell")
    w.measure("cross_sell", "storage", {0: 60})
    w.event("cross_sell", "viewed", 3, times=3, product="analytics")
    offers = {one.account_id: (one.play, one.offer and one.offer.name) for one in w.scan().accounts}
    assert offers == {
        "deadline": ("deadline", "Launch sprint"),
        "scope": ("scope", "Custom work"),
        "service": ("service", "Priority support"),
        "seats": ("seats", "5 more seats"),
        "feature": ("feature", "Scale"),
        "capacity": ("capacity", "Growth"),
        "hits": ("capacity", "Growth"),
        "cross_sell": ("cross_sell", "Insight"),
    }
    [hits] = w.scan(account_id="hits").accounts
    assert hits.offer is not None
    assert hits.offer.ceiling_metric == "calls"
