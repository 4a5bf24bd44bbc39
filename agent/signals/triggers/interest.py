"""Feature interest: what people reach for that their plan does not have."""

from __future__ import annotations

from agent.signals.formula import ASKS, EVENTS, Grain
from agent.signals.rule import Quote, Rule, trigger, window


@trigger
def capability_request(*, days: int) -> Rule:
    """A ticket asks for a feature that a higher plan has."""
    asked = ASKS.last(days).where(ticket_class="capability_request", higher=True).distinct("ticket_id")
    return Rule(
        grain=Grain.FEATURE,
        value=asked,
        threshold=1,
        unit="tickets",
        fires=asked >= 1,
        says="you asked about {feature} {requests} in the last {window}",
        quotes=(
            Quote("requests", "requests for {feature}", asked, noun=("time", "times")),
            window(days),
        ),
        oldest=days - 1,
        needs=("tickets", "plan_features", "subscriptions"),
    )


@trigger
def paywall_attempts(*, at_least: int, days: int, different_days: int) -> Rule:
    """People keep trying one feature of a higher plan."""
    tries = EVENTS.last(days).where(kind="blocked", higher=True)
    return Rule(
        grain=Grain.FEATURE,
        value=tries.count(),
        threshold=at_least,
        unit="attempts",
        fires=(tries.count() >= at_least) & (tries.days() >= different_days),
        says="your team tried to use {feature} {attempts} in the last {window}",
        quotes=(
            Quote("attempts", "attempts to use {feature}", tries.count(), noun=("time", "times")),
            Quote("attempt_days", "different days with an attempt", tries.days(), noun=("day", "days")),
            window(days),
        ),
        oldest=days - 1,
        needs=("events", "plan_features", "subscriptions"),
    )


@trigger
def premium_preview(*, features: int, days: int) -> Rule:
    """Several features of a higher plan were looked at."""
    seen = EVENTS.last(days).where(kind="previewed", higher=True).count()
    return Rule(
        grain=Grain.FEATURE,
        at_least_keys=features,
        value=seen,
        threshold=features,
        unit="features",
        fires=seen >= 1,
        says="your team looked at {features} in the last {window}",
        quotes=(
            Quote("previews", "previews of {feature}", seen, noun=("time", "times")),
            window(days),
        ),
        oldest=days - 1,
        needs=("events", "plan_features", "subscriptions"),
    )
