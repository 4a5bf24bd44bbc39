"""Growth: the account does more than it used to."""

from __future__ import annotations

from agent.signals.formula import EVENTS, MEASURES, Attribute, FirstRow, Grain, IsCore, Level
from agent.signals.rule import Quote, Rule, Show, trigger, window


@trigger
def usage_doubled_since_start(
    *, times: float, days: int, floor: float, account_days: int, latest_start: int
) -> Rule:
    """Core usage of the last weeks against the account's first full weeks."""
    now = Level(days - 1, 0)
    start = Level(1, days, since_start=True)
    return Rule(
        grain=Grain.METRIC,
        value=now / start,
        threshold=times,
        unit="times",
        # Rows that begin long after the account did say nothing about its first weeks.
        fires=(IsCore() >= 1)
        & (Attribute("age_days") >= account_days)
        & (start >= floor)
        & (FirstRow() <= latest_start)
        & (now / start >= times),
        says="{metric} came to {usage_now} in the last {window}, {usage_growth} the {usage_start} of your first weeks",
        quotes=(
            Quote("usage_now", "{metric} in the last {days} days", now),
            Quote("usage_start", "{metric} in the first {days} full days", start),
            Quote("usage_growth", "{metric} now against the start", now / start, Show.TIMES),
            window(days),
        ),
        oldest=days - 1,
        needs=("measures", "metrics"),
    )


@trigger
def wau_doubled(*, times: float, floor: float) -> Rule:
    """Twice as many people a week as in the month before."""
    used = EVENTS.where(kind="used")
    now = used.week(0).distinct("user_id")
    before = [used.week(k).distinct("user_id") for k in (1, 2, 3, 4)]
    mean = (before[0] + before[1] + before[2] + before[3]) / 4
    return Rule(
        value=now / mean,
        threshold=times,
        unit="times",
        fires=(mean >= floor)
        & (now / mean >= times)
        & (used.age_of_first() >= 28)
        & (Attribute("age_days") >= 34),
        says="{weekly_users} used it in the last {window}, against {weekly_users_before} a week in the four weeks before",
        quotes=(
            Quote("weekly_users", "people active in the last 7 days", now, noun=("person", "people")),
            Quote("weekly_users_before", "people active a week, mean of the four weeks before", mean),
            Quote(
                "weekly_users_growth",
                "people active now against the four weeks before",
                now / mean,
                Show.TIMES,
            ),
            window(7),
        ),
        oldest=34,
        needs=("events",),
    )


@trigger
def headcount_growth(*, at_least: float, days: int) -> Rule:
    """The company itself has grown."""
    readings = MEASURES.last(days).where(metric="headcount")
    newest, oldest = readings.newest_value("value"), readings.oldest_value("value")
    return Rule(
        value=(newest - oldest) / oldest,
        threshold=at_least,
        unit="share",
        fires=(readings.days() >= 2) & ((newest - oldest) / oldest >= at_least),
        says="your company grew from {headcount_before} to {headcount_now} in the last {window}",
        quotes=(
            Quote("headcount_now", "people in the company now", newest, noun=("person", "people")),
            Quote("headcount_before", "people in the company before", oldest),
            Quote("headcount_growth", "growth of the company", (newest - oldest) / oldest, Show.SHARE),
            window(days),
        ),
        oldest=days - 1,
        needs=("measures",),
    )


@trigger
def beyond_first_use(*, features: int, uses: int, days: int, first_days: int, account_days: int) -> Rule:
    """Features in regular use now that the account's first weeks did not know."""
    used = EVENTS.where(kind="used")
    now = used.last(days).count()
    start = used.first(first_days).count()
    return Rule(
        grain=Grain.FEATURE,
        at_least_keys=features,
        value=now,
        threshold=features,
        unit="features",
        fires=(now >= uses) & (start <= 0) & (Attribute("age_days") >= account_days),
        says="your team now works with {features} it did not use in its first weeks",
        quotes=(
            Quote("feature_uses", "uses of {feature}", now, noun=("time", "times")),
            window(days),
        ),
        oldest=days - 1,
        needs=("events",),
    )
