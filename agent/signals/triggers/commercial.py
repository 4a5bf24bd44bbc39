"""Commercial timing and other products."""

from __future__ import annotations

from agent.signals.formula import ASKS, EVENTS, Attribute, Grain
from agent.signals.rule import Quote, Rule, Show, trigger, window


@trigger
def renewal_window(*, from_days: int, to_days: int) -> Rule:
    """The renewal is near enough to talk about, and not yet upon us."""
    days = Attribute("days_to_renewal")
    return Rule(
        value=days,
        threshold=to_days,
        unit="days",
        fires=(days >= from_days) & (days <= to_days) & (Attribute("cancelling") <= 0),
        says="your subscription renews on {renewal}",
        quotes=(
            Quote("renewal", "the day of renewal", days, Show.DATE),
            Quote("days_to_renewal", "days until renewal", days, Show.DAYS),
        ),
        oldest=0,
        needs=("subscriptions",),
    )


@trigger
def product_page_visits(*, at_least: int, days: int, utilisation: float) -> Rule:
    """People look at another product while they use this one well."""
    seen = EVENTS.last(days).where(kind="viewed", other_product=True).count()
    return Rule(
        grain=Grain.PRODUCT,
        value=seen,
        threshold=at_least,
        unit="views",
        fires=seen >= at_least,
        account_fires=Attribute("core_utilisation") >= utilisation,
        says="your team looked at {product} {views} in the last {window}",
        quotes=(
            Quote("views", "looks at {product}", seen, noun=("time", "times")),
            window(days),
        ),
        oldest=days - 1,
        needs=("events", "plans", "measures"),
    )


@trigger
def product_use_case_ask(*, days: int) -> Rule:
    """A ticket describes what another product is for."""
    asked = ASKS.last(days).where(ticket_class="use_case", other_product=True).distinct("ticket_id")
    return Rule(
        grain=Grain.PRODUCT,
        value=asked,
        threshold=1,
        unit="tickets",
        fires=asked >= 1,
        says="you described something {product} is made for {use_case_requests} in the last {window}",
        quotes=(
            Quote("use_case_requests", "requests that {product} answers", asked, noun=("time", "times")),
            window(days),
        ),
        oldest=days - 1,
        needs=("tickets", "plans"),
    )
