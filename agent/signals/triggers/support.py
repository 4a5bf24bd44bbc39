"""Support complexity, urgency and budget: what tickets say, and how much time they take."""

from __future__ import annotations

from agent.signals.formula import ASKS, EVENTS, TICKETS, Attribute, Grain
from agent.signals.rule import Quote, Rule, Show, trigger, window


@trigger
def repeated_workaround(*, at_least: int, days: int) -> Rule:
    """The same workaround again and again."""
    seen = EVENTS.last(days).where(kind="workaround").count()
    told = ASKS.last(days).where(ticket_class="workaround").distinct("ticket_id")
    return Rule(
        grain=Grain.FEATURE,
        value=seen + told,
        threshold=at_least,
        unit="workarounds",
        fires=seen + told >= at_least,
        says="your team worked around {feature} {workarounds} in the last {window}",
        quotes=(
            Quote("workarounds", "workarounds for {feature}", seen + told, noun=("time", "times")),
            window(days),
        ),
        oldest=days - 1,
        needs=("events", "tickets"),
    )


@trigger
def support_time_up(*, times: float, days: int, floor: float) -> Rule:
    """Support takes clearly more time than the month before, on the same plan."""
    now = TICKETS.last(days).sum("minutes")
    before = TICKETS.last(days, ending=days).sum("minutes")
    return Rule(
        value=now / before,
        threshold=times,
        unit="times",
        fires=(before >= floor) & (now / before >= times) & (Attribute("plan_days") >= 2 * days - 1),
        says="we spent {support_minutes} on your questions in the last {window}, against {support_minutes_before} "
        "in the {window} before",
        quotes=(
            Quote("support_minutes", "minutes of support lately", now, noun=("minute", "minutes")),
            Quote("support_minutes_before", "minutes of support before that", before),
            Quote("support_growth", "support time now against before", now / before, Show.TIMES),
            window(days),
        ),
        oldest=2 * days - 1,
        needs=("tickets", "subscriptions"),
    )


@trigger
def out_of_scope_asks(*, at_least: int, days: int) -> Rule:
    """Requests for work that no plan covers."""
    asked = ASKS.last(days).where(ticket_class="out_of_scope").distinct("ticket_id")
    return Rule(
        value=asked,
        threshold=at_least,
        unit="tickets",
        fires=asked >= at_least,
        says="you asked {scope_requests} in the last {window} for work that the plan does not cover",
        quotes=(
            Quote("scope_requests", "requests outside the plan", asked, noun=("time", "times")),
            window(days),
        ),
        oldest=days - 1,
        needs=("tickets",),
    )


@trigger
def hard_deadline(*, days: int) -> Rule:
    """A ticket names a date that lies ahead."""
    ahead = ASKS.last(days).where(ticket_class="deadline").above("days_ahead", 0)
    return Rule(
        value=ahead.least("days_ahead"),
        threshold=1,
        unit="days",
        fires=ahead.count() >= 1,
        says="you have a date to meet: {deadline}",
        quotes=(
            Quote("deadline", "the date you named", ahead.least("days_ahead"), Show.DATE),
            Quote("days_to_deadline", "days until that date", ahead.least("days_ahead"), Show.DAYS),
        ),
        oldest=days - 1,
        needs=("tickets",),
    )


@trigger
def faster_turnaround(*, days: int) -> Rule:
    """A ticket asks for a faster answer or delivery."""
    asked = ASKS.last(days).where(ticket_class="faster").distinct("ticket_id")
    return Rule(
        value=asked,
        threshold=1,
        unit="tickets",
        fires=asked >= 1,
        says="you asked {faster_requests} in the last {window} for a faster answer",
        quotes=(
            Quote("faster_requests", "requests for a faster answer", asked, noun=("time", "times")),
            window(days),
        ),
        oldest=days - 1,
        needs=("tickets",),
    )


@trigger
def budget_language(*, days: int) -> Rule:
    """A ticket confirms a budget, or asks for a quote for more."""
    asked = ASKS.last(days).where(ticket_class="budget").distinct("ticket_id")
    return Rule(
        value=asked,
        threshold=1,
        unit="tickets",
        fires=asked >= 1,
        says="you asked {budget_requests} in the last {window} what more would cost",
        quotes=(
            Quote("budget_requests", "questions about a budget or a quote", asked, noun=("time", "times")),
            window(days),
        ),
        oldest=days - 1,
        needs=("tickets",),
    )
