"""Documents for tests: a full, plausible one each, any part of it to be overridden by name."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from agent.drafting.brief import Brief, Recipient, Sender, Watch
from agent.drafting.message import Message
from agent.drafting.violation import Surroundings
from agent.scoring.assessment import Offer, OfferKind
from agent.signals.finding import Figure, Finding

AS_OF = date(2026, 3, 1)
NOW = datetime(2026, 3, 2, 9, 0)
WINDOW = 14

BODY = """Hi Maya,

Your team ran into the export limit 5 times in the last 14 days. \
You are at 87% of the 1,000 exports in Starter.

Growth includes 5,000 exports for €99 per month, so exports keep running until the end of the month. \
Shall I switch you over? Not yet is fine: come back to me when exports pass 90% of the 1,000 in your plan.

Best,
Dana"""


def a_figure(
    figure_id: str = "limit_hits",
    value: float | date = 5,
    unit: str = "times",
    display: str | None = None,
    label: str = "export limit hits",
    **overrides: Any,
) -> Figure:
    """A figure looked at over the 14 days that end at the brief's day."""
    given: dict[str, Any] = {
        "figure_id": figure_id,
        "label": label,
        "value": value,
        "unit": unit,
        "display": display if display is not None else str(value),
        "rounding": "exact",
        "formula": "counted",
        "first_day": AS_OF - timedelta(days=WINDOW - 1),
        "last_day": AS_OF,
    }
    return Figure(**(given | overrides))


def some_figures() -> tuple[Figure, ...]:
    """The figures of an account at 87% of its exports."""
    percent = {"rounding": "whole percent, half up"}
    offered = {"first_day": AS_OF, "last_day": AS_OF}
    return (
        a_figure("utilisation", 0.87, "share", "87%", "share of the exports in the plan", **percent),
        a_figure("used", 870, "exports", "870", "exports used"),
        a_figure("ceiling", 1000, "exports", "1,000", "exports a month the plan includes"),
        a_figure("limit_hits", 5, "times", "5 times", "times the export limit was hit"),
        a_figure("window", WINDOW, "days", "14 days", "the days looked at"),
        a_figure("watch_threshold", 0.90, "share", "90%", "share of the exports to watch for", **percent),
        a_figure("offer_price", 9900, "money", "€99", "price of Growth in EUR", **offered),
        a_figure("offer_ceiling", 5000, "exports", "5,000", "exports in Growth", **offered),
    )


def a_finding(trigger: str = "limit_hits", group: str = "usage_pressure", **overrides: Any) -> Finding:
    """A finding of five limit hits in 14 days."""
    given: dict[str, Any] = {
        "trigger": trigger,
        "group": group,
        "key": None,
        "value": 5,
        "threshold": 3,
        "unit": "times",
        "first_day": AS_OF - timedelta(days=WINDOW - 1),
        "last_day": AS_OF,
        "says": "you ran into a limit 5 times in the last 14 days",
        "figures": (),
    }
    return Finding(**(given | overrides))


def an_offer(**overrides: Any) -> Offer:
    """The Growth plan at €99 per month."""
    given: dict[str, Any] = {
        "kind": OfferKind.PLAN_UPGRADE,
        "plan_id": "growth",
        "name": "Growth",
        "price_minor": 9900,
        "currency": "EUR",
        "per": "month",
        "benefit": "exports keep running until the end of the month",
    }
    return Offer(**(given | overrides))


def a_sender(**overrides: Any) -> Sender:
    """Dana of Acme Docs."""
    given = {"name": "Dana", "email": "dana@acme.example", "company": "Acme Docs", "product": "Acme Docs"}
    return Sender(**(given | overrides))


def a_recipient(**overrides: Any) -> Recipient:
    """Maya of Fernleaf Studio."""
    given = {
        "account_id": "acc_0042",
        "account_name": "Fernleaf Studio",
        "contact_name": "Maya Chen",
        "contact_email": "maya@fernleaf.example",
    }
    return Recipient(**(given | overrides))


def a_brief(**overrides: Any) -> Brief:
    """A brief for the Growth plan: 87% of 1,000 exports used, five limit hits in 14 days.

    `extra_figures` are added to the default ones; `recipient`, `sender` and `offer` may be
    dictionaries of overrides.
    """
    given: dict[str, Any] = {
        "as_of": AS_OF,
        "sender": a_sender(),
        "recipient": a_recipient(),
        "plan_id": "starter",
        "plan_name": "Starter",
        "play": "capacity",
        "groups": ("usage_pressure", "team_expansion"),
        "problem": "Your team ran into the export limit 5 times in the last 14 days.",
        "findings": (a_finding(),),
        "figures": some_figures(),
        "offer": an_offer(),
        "watch": Watch(
            figure_id="utilisation",
            sentence="when exports pass 90% of the 1,000 in your plan",
            figure_ids=("watch_threshold", "ceiling"),
        ),
        "features": ("exports",),
        "allowed_links": ("https://acme.example",),
    }
    makers = {"recipient": a_recipient, "sender": a_sender, "offer": an_offer}
    for name, make in makers.items():
        if isinstance(overrides.get(name), dict):
            overrides[name] = make(**overrides[name])
    extra = tuple(overrides.pop("extra_figures", ()))
    given |= overrides
    given["figures"] = (*given["figures"], *extra)
    return Brief(**given)


def surroundings(**overrides: Any) -> Surroundings:
    """The morning after the brief's day, with nobody else about."""
    return Surroundings(**({"now": NOW} | overrides))


def a_message(body: str = BODY, subject: str = "Your exports keep hitting the limit") -> Message:
    """A message that passes every guardrail of `a_brief()`, or one with another body or subject."""
    return Message(subject=subject, body=body)
