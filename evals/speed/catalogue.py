"""What the generated company sells, and the settings it is scanned with."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from agent.facts.tables import Ceiling, Fact, Metric, Plan, PlanFeature
from agent.foundation.settings import Settings

AS_OF = date(2026, 1, 31)
"The last day of every generated world."
READ_AT = datetime(2026, 2, 1, 6)  # noqa: DTZ001 - times are UTC and carry no mark
MOMENT = datetime(2026, 2, 1, 8)  # noqa: DTZ001

_STARTER = ("reports", "sharing", "comments", "export_csv", "templates")
_GROWTH = (*_STARTER, "sso", "audit_log")
FEATURES = {"starter": _STARTER, "growth": _GROWTH, "scale": (*_GROWTH, "api_access", "custom_roles")}
OTHER_PRODUCT = "analytics"

_OFFERS = (
    ("seat_expansion", "5 more seats", 4500, "month"),
    ("service_addon", "Priority support", 15000, "month"),
    ("sprint_package", "Launch sprint", 90000, "once"),
    ("scope_agreement", "Custom work", 200000, "once"),
)


def settings() -> Settings:
    """The company's outgrown.toml: the default rule book, four offers, one other product."""
    document: dict[str, Any] = {
        "company": {
            "name": "Acme Docs",
            "product": "Acme Docs",
            "sender_name": "Dana",
            "sender_email": "dana@acme.example",
            "allowed_links": ["https://acme.example"],
        },
        "connectors": {"files": {}},
        "offers": [
            {"kind": kind, "name": name, "price_minor": price, "currency": "EUR", "per": per}
            for kind, name, price, per in _OFFERS
        ],
        "benefits": {"growth": "exports keep running until the end of the month"},
        "products": {OTHER_PRODUCT: {"name": "Acme Analytics", "use_cases": ["dashboard for our board"]}},
    }
    return Settings.model_validate(document)


def reference_facts() -> list[Fact]:
    """Three sold tiers, one legacy plan, a second product, and what the plans include."""
    facts: list[Fact] = [
        Plan(
            plan_id=plan_id,
            name=plan_id.title(),
            tier=tier,
            price_minor=price,
            currency="EUR",
            per_seat=False,
        )
        for plan_id, tier, price in (("starter", 1, 4900), ("growth", 2, 9900), ("scale", 3, 29900))
    ]
    facts += [
        Plan(plan_id="old", name="Old", tier=2, price_minor=100, currency="EUR", per_seat=False, sold=False),
        Plan(
            plan_id="insight", name="Insight", tier=1, price_minor=3900, currency="EUR", per_seat=False,
            product=OTHER_PRODUCT,
        ),
        PlanFeature(plan_id="old", feature="reports"),
        PlanFeature(plan_id="old", feature="fax"),
    ]  # fmt: skip
    facts += [PlanFeature(plan_id=plan, feature=name) for plan, names in FEATURES.items() for name in names]
    facts += [
        Metric(metric="exports", label="exports", unit="exports", kind="flow", per="month", core=True),
        Metric(metric="storage", label="storage", unit="GB", kind="gauge", core=True),
    ]
    lately = AS_OF - timedelta(days=400)
    for plan_id, exports, storage in (("starter", 1000, 100), ("growth", 3000, 300), ("scale", None, None)):
        facts.append(Ceiling(plan_id=plan_id, metric="storage", ceiling=storage))
        facts.append(Ceiling(plan_id=plan_id, metric="exports", ceiling=exports, from_on=lately))
    facts.append(Ceiling(plan_id="growth", metric="exports", ceiling=2500, to_on=lately))
    return facts
