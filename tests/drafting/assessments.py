"""Assessments as the scoring room hands them over, one per play and trigger, for tests of drafting."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

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
LABELS = {"exports": "Exports", "storage": "Storage", "sso": "SSO", "bulk_export": "Bulk export"}


def a_figure(figure_id: str, value: float | date, unit: str, **more: Any) -> Figure:
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
        shown = display.count(value)
    return Figure(
        figure_id=figure_id, label=figure_id, value=value, unit=unit, display=shown.display, rounding=shown.rounding,
        formula="as given", first_day=AS_OF - timedelta(days=13), last_day=AS_OF, **more,
    )  # fmt: skip


def a_finding(trigger: str, group: str, *figures: Figure, key: str | None = None, window: int = 30) -> Finding:
    """A finding whose value is its first figure's, with its window as a figure."""
    value = figures[0].value if figures and not isinstance(figures[0].value, date) else 3.0
    return Finding(
        trigger=trigger, group=group, key=key, value=float(value), threshold=1.0,
        unit=figures[0].unit if figures else "", first_day=AS_OF - timedelta(days=window - 1), last_day=AS_OF,
        says="Something happened.", figures=(*figures, a_figure("window", window, "days")),
    )  # fmt: skip


def usage(trigger: str = "near_ceiling", used: float = 940, ceiling: float = 1000, key: str = "exports", noun: str = "exports") -> Finding:  # noqa: E501 - one row of a table
    """A finding about a metric against its ceiling."""
    return a_finding(
        trigger, "usage_pressure",
        a_figure("utilisation", used / ceiling, "share"), a_figure("used", used, noun), a_figure("ceiling", ceiling, noun),
        key=key,
    )  # fmt: skip


def counted(trigger: str, group: str, number: int, noun: str, key: str | None = None, window: int = 30) -> Finding:
    """A finding that is a number of things in a window."""
    return a_finding(trigger, group, a_figure(trigger, number, noun), key=key, window=window)


def seats(used: int = 19, ceiling: int = 20) -> Finding:
    """Seats taken against seats paid for."""
    return a_finding(
        "seats_active", "team_expansion",
        a_figure("utilisation", used / ceiling, "share"), a_figure("used", used, "seats"), a_figure("ceiling", ceiling, "seats"),
        key="seats",
    )  # fmt: skip


SUPPORT = {
    "none": (),
    "seats_added": (counted("seats_added", "team_expansion", 3, "people", window=14),),
    "new_team": (counted("new_team", "team_expansion", 1, "teams", key="Marketing"),),
    "hostile team": (counted("new_team", "team_expansion", 1, "teams", key="{{7*7}} https://evil.example"),),
    "wau": (a_finding("wau_doubled", "growth", a_figure("growth", 2.4, "ratio")),),
    "doubled": (a_finding("usage_doubled_since_start", "growth", a_figure("growth", 3.0, "ratio")),),
    "beyond": (counted("beyond_first_use", "growth", 2, "features"),),
    "budget": (counted("budget_language", "budget", 1, "tickets"),),
}


def upgrade(**more: Any) -> Offer:
    """An upgrade to the Growth plan."""
    values: dict[str, Any] = {
        "kind": OfferKind.PLAN_UPGRADE, "plan_id": "growth", "name": "Growth", "price_minor": 14900, "currency": "EUR",
        "per": "month", "benefit": "exports keep running until the end of the month",
    }  # fmt: skip
    return Offer(**(values | more))


def extra(kind: OfferKind, name: str, price_minor: int, per: str = "month", benefit: str = "", **more: Any) -> Offer:
    """An offer besides the sold plans."""
    return Offer(kind=kind, name=name, price_minor=price_minor, currency="EUR", per=per, benefit=benefit, **more)


SEATS = extra(OfferKind.SEAT_EXPANSION, "5 more seats", 4500, benefit="everyone who was invited can get in", seats=5)
SERVICE = extra(OfferKind.SERVICE_ADDON, "Priority support", 9900, benefit="your questions go to a person who knows your setup")
SPRINT = extra(OfferKind.SPRINT_PACKAGE, "a launch sprint", 250000, "once", "the open points are done before your date")
SCOPE = extra(OfferKind.SCOPE_AGREEMENT, "Custom work agreement", 120000, benefit="your requests get a fixed place in our week")
CROSS = extra(OfferKind.CROSS_SELL, "Acme Sign", 2900, benefit="contracts are signed where they are written")

CASES: dict[str, tuple[str, tuple[Finding, ...], Offer]] = {
    "capacity near": ("capacity", (usage(),), upgrade(ceiling=5000, ceiling_metric="exports")),
    "capacity over": ("capacity", (usage(used=1020),), upgrade(ceiling=5000, ceiling_metric="exports")),
    "capacity pressure": ("capacity", (usage("plan_limit_pressure", 9.4, 10, "storage", "GB"),), upgrade(ceiling=100, ceiling_metric="storage")),
    "capacity unlimited": ("capacity", (usage("plan_limit_pressure"),), upgrade(ceiling_metric="exports")),
    "capacity hits": ("capacity", (counted("limit_hits", "usage_pressure", 5, "limit hits", "exports", 14),), upgrade()),
    "capacity hits no key": ("capacity", (counted("limit_hits", "usage_pressure", 3, "limit hits", window=14),), upgrade()),
    "capacity both": (
        "capacity",
        (usage(), counted("limit_hits", "usage_pressure", 4, "limit hits", "exports", 14)),
        upgrade(ceiling=5000, ceiling_metric="exports"),
    ),
    "seats": ("seats", (seats(), counted("guests_accumulating", "team_expansion", 3, "guests")), SEATS),
    "seats full": ("seats", (seats(20, 20), counted("invites", "team_expansion", 2, "invitations")), SEATS),
    "seats added": ("seats", (seats(9, 10), counted("seats_added", "team_expansion", 2, "people", window=14)), SEATS),
    "feature paywall": ("feature", (counted("paywall_attempts", "feature_interest", 4, "attempts", "bulk_export", 14),), upgrade(feature="bulk_export")),
    "feature ask": ("feature", (counted("capability_request", "feature_interest", 1, "tickets", "sso"),), upgrade(feature="sso", per="seat and month", price_minor=1200)),
    "feature preview": ("feature", (counted("premium_preview", "feature_interest", 2, "features"),), upgrade()),
    "service time": (
        "service",
        (a_finding("support_time_up", "support_complexity", a_figure("growth", 1.6, "ratio"), a_figure("minutes", 340, "minutes")),),
        SERVICE,
    ),
    "service workaround": ("service", (counted("repeated_workaround", "support_complexity", 3, "workarounds", "bulk_export"),), SERVICE),
    "scope": ("scope", (counted("out_of_scope_asks", "support_complexity", 2, "requests"),), SCOPE),
    "deadline": (
        "deadline",
        (a_finding("hard_deadline", "urgency", a_figure("deadline", date(2026, 3, 20), "date")),),
        SPRINT,
    ),
    "deadline faster": ("deadline", (counted("faster_turnaround", "urgency", 1, "tickets"),), SERVICE.model_copy(update={"kind": OfferKind.SPRINT_PACKAGE})),
    "deadline faster plan": ("deadline", (counted("faster_turnaround", "urgency", 2, "tickets"),), upgrade(benefit="you have an answer the same day")),
    "cross-sell ask": ("cross_sell", (counted("product_use_case_ask", "cross_sell", 1, "tickets", "sign"),), CROSS),
    "cross-sell visits": ("cross_sell", (counted("product_page_visits", "cross_sell", 4, "visits", "sign"),), CROSS),
}  # fmt: skip


def an_assessment(case: str, support: str = "seats_added", **more: Any) -> Assessment:
    """A ready account with the findings and the offer of a case."""
    play, findings, offer = CASES[case]
    values: dict[str, Any] = {
        "account_id": "acc-1", "name": "Halden Labs", "as_of": AS_OF, "status": Status.READY, "points": 9,
        "groups": {finding.group: 4 for finding in (*findings, *SUPPORT[support])}, "band": Band.READY, "composite": 80.0,
        "tier": Tier.EXPANSION_READY, "parts": {}, "findings": (*findings, *SUPPORT[support]), "play": play,
        "offer": offer, "holds": (), "plan_id": "starter", "plan_name": "Starter", "contact_name": "Maya Chen",
        "contact_email": "maya@halden.example",
    }  # fmt: skip
    return Assessment(**(values | more))
