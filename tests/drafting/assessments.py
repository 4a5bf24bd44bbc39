"""Assessments as the scoring room hands them over, one per play and trigger, for tests of drafting."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from agent.drafting.vocabulary import Vocabulary
from agent.foundation.settings import Company, Settings
from agent.scoring.assessment import Assessment, Band, Offer, OfferKind, Status, Tier
from agent.signals import display
from agent.signals.finding import Figure, Finding

AS_OF = date(2026, 3, 2)
SETTINGS = Settings(
    company=Company(
        name="Acme Docs",
        product="Acme Docs",
        sender_name="Dana",
        sender_email="dana@acme.example",
        allowed_links=("https://acme.example",),
    )
)
NAMES = Vocabulary(
    labels={"exports": "Exports", "storage": "Storage", "sso": "SSO", "bulk_export": "Bulk export"},
    units={"exports": "exports", "storage": "GB"},
)


def a_figure(figure_id: str, value: float | date, unit: str, noun: tuple[str, str] | None = None) -> Figure:
    """A figure shown the way the engine shows it."""
    if isinstance(value, date):
        shown = display.day(value)
    elif unit == "share":
        shown = display.share(value)
    elif unit == "ratio":
        shown = display.times(value)
    elif unit == "days":
        shown = display.days(int(value))
    else:
        shown = display.count(value, *(noun or ()))
    return Figure(
        figure_id=figure_id,
        label=figure_id,
        value=value,
        unit=noun[1] if noun else unit,
        display=shown.display,
        rounding=shown.rounding,
        formula="as given",
        first_day=AS_OF - timedelta(days=13),
        last_day=AS_OF,
    )


def a_finding(
    trigger: str, group: str, *figures: Figure, key: str | None = None, window: int = 30
) -> Finding:
    """A finding whose value is its first figure's, with its window as a figure."""
    value = figures[0].value if figures and not isinstance(figures[0].value, date) else 3.0
    return Finding(
        trigger=trigger,
        group=group,
        key=key,
        value=float(value),
        threshold=1.0,
        unit=figures[0].unit if figures else "",
        first_day=AS_OF - timedelta(days=window - 1),
        last_day=AS_OF,
        says="Something happened.",
        figures=(*figures, a_figure("window", window, "days")),
    )


def usage(
    trigger: str = "near_ceiling", used: float = 940, ceiling: float = 1000, key: str = "exports"
) -> Finding:
    """A finding about a metric against its ceiling."""
    return a_finding(
        trigger,
        "usage_pressure",
        a_figure("utilisation", used / ceiling, "share"),
        a_figure("used", used, f"{key} used"),
        a_figure("ceiling", ceiling, f"{key} the plan includes"),
        key=key,
    )


COUNTED: dict[str, tuple[str, str, tuple[str, str], int]] = {
    "limit_hits": ("usage_pressure", "limit_hits", ("time", "times"), 14),
    "seats_added": ("team_expansion", "members_joined", ("person", "people"), 14),
    "guests_accumulating": ("team_expansion", "guests", ("guest", "guests"), 30),
    "invites": ("team_expansion", "invitations", ("invitation", "invitations"), 30),
    "new_team": ("team_expansion", "teams", ("team", "teams"), 30),
    "beyond_first_use": ("growth", "feature_uses", ("time", "times"), 30),
    "capability_request": ("feature_interest", "requests", ("time", "times"), 30),
    "paywall_attempts": ("feature_interest", "attempts", ("time", "times"), 14),
    "premium_preview": ("feature_interest", "previews", ("time", "times"), 30),
    "repeated_workaround": ("support_complexity", "workarounds", ("time", "times"), 30),
    "out_of_scope_asks": ("support_complexity", "scope_requests", ("time", "times"), 30),
    "faster_turnaround": ("urgency", "faster_requests", ("time", "times"), 30),
    "budget_language": ("budget", "budget_requests", ("time", "times"), 30),
    "product_page_visits": ("cross_sell", "views", ("time", "times"), 30),
    "product_use_case_ask": ("cross_sell", "use_case_requests", ("time", "times"), 30),
}
"Triggers that count something: group, figure, noun, days; as the trigger library has them."


def counted(trigger: str, number: int, key: str | None = None) -> Finding:
    """A finding that is a number of things in a window."""
    group, figure_id, noun, window = COUNTED[trigger]
    return a_finding(trigger, group, a_figure(figure_id, number, noun[1], noun), key=key, window=window)


def seats(used: int = 19, ceiling: int = 20) -> Finding:
    """Seats taken against seats paid for."""
    return a_finding(
        "seats_active",
        "team_expansion",
        a_figure("seats_share", used / ceiling, "share"),
        a_figure("seats_taken", used, "seats taken"),
        a_figure("seats", ceiling, "seats", ("seat", "seats")),
        a_figure("seats_active", used - 1, "people in seats who used it"),
    )


def support_time(growth: float = 1.6, minutes: int = 340) -> Finding:
    """Support time against the time before."""
    return a_finding(
        "support_time_up",
        "support_complexity",
        a_figure("support_growth", growth, "ratio"),
        a_figure("support_minutes", minutes, "minutes", ("minute", "minutes")),
    )


SUPPORT = {
    "none": (),
    "seats_added": (counted("seats_added", 3),),
    "one joined": (counted("seats_added", 1),),
    "new_team": (counted("new_team", 3, "Marketing"),),
    "hostile team": (counted("new_team", 3, "{{7*7}} https://evil.example"),),
    "wau": (a_finding("wau_doubled", "growth", a_figure("weekly_users_growth", 2.4, "ratio"), window=7),),
    "doubled": (
        a_finding("usage_doubled_since_start", "growth", a_figure("usage_growth", 3.0, "ratio"), window=28),
    ),
    "beyond": (counted("beyond_first_use", 7, "templates"),),
    "budget": (counted("budget_language", 1),),
}


def upgrade(**more: Any) -> Offer:
    """An upgrade to the Growth plan."""
    values: dict[str, Any] = {
        "kind": OfferKind.PLAN_UPGRADE,
        "plan_id": "growth",
        "name": "Growth",
        "price_minor": 14900,
        "currency": "EUR",
        "per": "month",
        "benefit": "exports keep running until the end of the month",
    }
    return Offer(**(values | more))


def extra(
    kind: OfferKind, name: str, price_minor: int, per: str = "month", benefit: str = "", **more: Any
) -> Offer:
    """An offer besides the sold plans."""
    return Offer(
        kind=kind, name=name, price_minor=price_minor, currency="EUR", per=per, benefit=benefit, **more
    )


SEATS = extra(
    OfferKind.SEAT_EXPANSION, "5 more seats", 4500, benefit="everyone who was invited can get in", seats=5
)
SERVICE = extra(
    OfferKind.SERVICE_ADDON,
    "Priority support",
    9900,
    benefit="your questions go to a person who knows your setup",
)
SPRINT = extra(
    OfferKind.SPRINT_PACKAGE, "a launch sprint", 250000, "once", "the open points are done before your date"
)
SCOPE = extra(
    OfferKind.SCOPE_AGREEMENT,
    "Custom work agreement",
    120000,
    benefit="your requests get a fixed place in our week",
)
CROSS = extra(OfferKind.CROSS_SELL, "Acme Sign", 2900, benefit="contracts are signed where they are written")

CASES: dict[str, tuple[str, tuple[Finding, ...], Offer]] = {
    "capacity near": ("capacity", (usage(),), upgrade(ceiling=5000, ceiling_metric="exports")),
    "capacity over": ("capacity", (usage(used=1020),), upgrade(ceiling=5000, ceiling_metric="exports")),
    "capacity full": ("capacity", (usage(used=1000),), upgrade(ceiling=5000, ceiling_metric="exports")),
    "capacity pressure": (
        "capacity",
        (usage("plan_limit_pressure", 9.4, 10, "storage"),),
        upgrade(ceiling=100, ceiling_metric="storage"),
    ),
    "capacity unlimited": ("capacity", (usage("plan_limit_pressure"),), upgrade(ceiling_metric="exports")),
    "capacity hits": (
        "capacity",
        (counted("limit_hits", 5),),
        upgrade(ceiling=5000, ceiling_metric="exports"),
    ),
    "capacity hits about": ("capacity", (counted("limit_hits", 1, "exports"),), upgrade()),
    "capacity both": (
        "capacity",
        (usage(), counted("limit_hits", 4)),
        upgrade(ceiling=5000, ceiling_metric="exports"),
    ),
    "seats": ("seats", (seats(), counted("guests_accumulating", 3)), SEATS),
    "seats full": ("seats", (seats(20, 20), counted("invites", 2)), SEATS),
    "seats over": ("seats", (seats(22, 20), counted("invites", 1)), SEATS),
    "seats added": ("seats", (seats(9, 10), counted("seats_added", 2)), SEATS),
    "feature paywall": (
        "feature",
        (counted("paywall_attempts", 4, "bulk_export"),),
        upgrade(feature="bulk_export"),
    ),
    "feature ask": (
        "feature",
        (counted("capability_request", 1, "sso"),),
        upgrade(feature="sso", per="seat and month", price_minor=1200),
    ),
    "feature preview": ("feature", (counted("premium_preview", 2, "sso"),), upgrade(feature="sso")),
    "service time": ("service", (support_time(),), SERVICE),
    "service workaround": ("service", (counted("repeated_workaround", 3, "bulk_export"),), SERVICE),
    "scope": ("scope", (counted("out_of_scope_asks", 2),), SCOPE),
    "deadline": (
        "deadline",
        (a_finding("hard_deadline", "urgency", a_figure("deadline", date(2026, 3, 20), "date")),),
        SPRINT,
    ),
    "deadline faster": ("deadline", (counted("faster_turnaround", 1),), SPRINT),
    "deadline faster plan": (
        "deadline",
        (counted("faster_turnaround", 2),),
        upgrade(benefit="you have an answer the same day", feature="priority_support"),
    ),
    "cross-sell ask": ("cross_sell", (counted("product_use_case_ask", 1, "sign"),), CROSS),
    "cross-sell visits": ("cross_sell", (counted("product_page_visits", 4, "sign"),), CROSS),
}


def an_assessment(case: str, support: str = "seats_added", **more: Any) -> Assessment:
    """A ready account with the findings and the offer of a case."""
    play, findings, offer = CASES[case]
    values: dict[str, Any] = {
        "account_id": "acc-1",
        "name": "Halden Labs",
        "as_of": AS_OF,
        "status": Status.READY,
        "points": 9,
        "groups": {finding.group: 4 for finding in (*findings, *SUPPORT[support])},
        "band": Band.READY,
        "composite": 80.0,
        "tier": Tier.EXPANSION_READY,
        "parts": {},
        "findings": (*findings, *SUPPORT[support]),
        "play": play,
        "offer": offer,
        "holds": (),
        "plan_id": "starter",
        "plan_name": "Starter",
        "contact_name": "Maya Chen",
        "contact_email": "maya@halden.example",
    }
    return Assessment(**(values | more))
