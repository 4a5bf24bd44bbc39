"""A brief, the assessment behind it and a message about it, each changeable where a test needs it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from agent.approval.queue import Queued, queue_draft
from agent.drafting.brief import Brief, Recipient, Sender, Watch
from agent.drafting.message import Message
from agent.drafting.violation import Level, Surroundings, Violation
from agent.foundation.store import Store
from agent.scoring.assessment import Assessment, Band, Offer, OfferKind, Status, Tier
from agent.signals.finding import Figure, Finding

AS_OF = date(2026, 3, 1)
NOW = datetime(2026, 3, 2, 9, 0)
DAY = timedelta(days=1)


def a_figure(display: str = "5", **changes: Any) -> Figure:
    """How often exports hit the limit."""
    values: dict[str, Any] = {
        "figure_id": "limit_hits",
        "label": "export limit hits in 14 days",
        "value": float(display) if display.isdigit() else 0.0,
        "unit": "limit hits",
        "display": display,
        "rounding": "exact",
        "formula": "count of limit_hit events",
        "first_day": AS_OF - 13 * DAY,
        "last_day": AS_OF,
    }
    return Figure(**{**values, **changes})


def a_finding(display: str = "5", **changes: Any) -> Finding:
    """Limit hits that keep coming back."""
    values: dict[str, Any] = {
        "trigger": "limit_hits",
        "group": "usage_pressure",
        "value": 5,
        "threshold": 3,
        "unit": "limit hits",
        "first_day": AS_OF - 13 * DAY,
        "last_day": AS_OF,
        "says": f"{display} limit hits in the last 14 days",
        "figures": (a_figure(display),),
    }
    return Finding(**{**values, **changes})


def an_offer(**changes: Any) -> Offer:
    """An upgrade to Growth."""
    values: dict[str, Any] = {
        "kind": OfferKind.PLAN_UPGRADE,
        "plan_id": "growth",
        "name": "Growth",
        "price_minor": 4900,
        "currency": "EUR",
        "per": "month",
        "adds_monthly_minor": 2000,
    }
    return Offer(**{**values, **changes})


def an_assessment(account_id: str = "acme", **changes: Any) -> Assessment:
    """A ready account."""
    values: dict[str, Any] = {
        "account_id": account_id,
        "name": account_id.title(),
        "as_of": AS_OF,
        "status": Status.READY,
        "points": 9,
        "groups": {"usage_pressure": 4, "growth": 2, "feature_interest": 3},
        "band": Band.READY,
        "composite": 78.0,
        "tier": Tier.EXPANSION_READY,
        "parts": {},
        "findings": (a_finding(),),
        "play": "capacity",
        "offer": an_offer(),
        "holds": (),
        "plan_id": "starter",
        "plan_name": "Starter",
        "contact_name": "Ann",
        "contact_email": f"ann@{account_id}.example",
    }
    return Assessment(**{**values, **changes})


def a_brief(account_id: str = "acme", **changes: Any) -> Brief:
    """What may be said to that account."""
    values: dict[str, Any] = {
        "as_of": AS_OF,
        "sender": Sender(name="Dana", email="dana@docs.example", company="Docs", product="Docs"),
        "recipient": Recipient(
            account_id=account_id,
            account_name=account_id.title(),
            contact_name="Ann",
            contact_email=f"ann@{account_id}.example",
        ),
        "plan_id": "starter",
        "plan_name": "Starter",
        "play": "capacity",
        "groups": ("usage_pressure", "growth", "feature_interest"),
        "problem": "Exports stop before the month ends.",
        "findings": (a_finding(),),
        "figures": (a_figure(),),
        "offer": an_offer(),
        "watch": Watch(figure_id="limit_hits", sentence="when exports stop again"),
    }
    return Brief(**{**values, **changes})


def a_message(**changes: Any) -> Message:
    """A text that quotes the figure."""
    values: dict[str, Any] = {
        "subject": "Exports that stop",
        "body": "Hi Ann,\n\nexports stopped 5 times.\n\nGrowth would end that; not yet is fine.\n\nDana",
    }
    return Message(**{**values, **changes})


def a_violation(rule: str = "no_pressure", **changes: Any) -> Violation:
    """A guardrail that blocks."""
    values: dict[str, Any] = {
        "rule": rule,
        "level": Level.BLOCK,
        "message": "it presses",
        "start": 0,
        "end": 1,
    }
    return Violation(**{**values, **changes})


def finds_nothing(message: Message, brief: Brief, around: Surroundings) -> list[Violation]:
    """Guardrails without a complaint."""
    return []


def finds(*violations: Violation) -> Any:
    """Guardrails with these complaints about any text."""
    return lambda message, brief, around: list(violations)


def nothing_around(account_id: str) -> Surroundings:
    """An account nobody has written to."""
    return Surroundings(now=NOW)


def queued(store: Store, account_id: str = "acme", *, now: datetime = NOW, **changes: Any) -> Queued:
    """A draft of that account, waiting for an answer."""
    return queue_draft(
        store,
        a_brief(account_id, **changes),
        a_message(),
        [],
        an_assessment(account_id),
        author="template",
        now=now,
    )
