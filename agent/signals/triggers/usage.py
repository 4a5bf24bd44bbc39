"""Usage pressure: how close an account comes to what its plan allows."""

from __future__ import annotations

from agent.signals.formula import EVENTS, Attribute, CeilingOn, Grain, IsCore, Reading, utilisation
from agent.signals.rule import Quote, Rule, Show, trigger, window

USED = Quote("used", "{metric} used", Reading(0))
CEILING = Quote("ceiling", "{metric} the plan includes", CeilingOn(0))
UTILISATION = Quote("utilisation", "share of the plan's {metric} in use", utilisation(0), Show.SHARE)
WEEK_BEFORE = Quote("utilisation_week1", "the same share one week earlier", utilisation(1), Show.SHARE)
TWO_WEEKS_BEFORE = Quote("utilisation_week2", "the same share two weeks earlier", utilisation(2), Show.SHARE)
METRIC_TABLES = ("measures", "metrics", "ceilings", "subscriptions")


@trigger
def plan_limit_pressure(*, at_least: float) -> Rule:
    """A core metric at or above the bound at the end of three weeks running."""
    return Rule(
        grain=Grain.METRIC,
        value=utilisation(0),
        threshold=at_least,
        unit="share",
        fires=(IsCore() >= 1)
        & (utilisation(0) >= at_least)
        & (utilisation(1) >= at_least)
        & (utilisation(2) >= at_least),
        says="you use {utilisation} of the {ceiling} {metric} in the {plan} plan; a week earlier it was "
        "{utilisation_week1}, and a week before that {utilisation_week2}",
        quotes=(USED, CEILING, UTILISATION, WEEK_BEFORE, TWO_WEEKS_BEFORE, window(21)),
        oldest=20,
        needs=METRIC_TABLES,
    )


@trigger
def near_ceiling(*, above: float, week_before: float) -> Rule:
    """A limited metric almost at its ceiling now, and already high a week ago."""
    return Rule(
        grain=Grain.METRIC,
        value=utilisation(0),
        threshold=above,
        unit="share",
        fires=(utilisation(0) > above) & (utilisation(1) >= week_before),
        says="you use {utilisation} of the {ceiling} {metric} in the {plan} plan; a week earlier it was {utilisation_week1}",
        quotes=(USED, CEILING, UTILISATION, WEEK_BEFORE, window(14)),
        oldest=13,
        needs=METRIC_TABLES,
    )


@trigger
def limit_hits(*, at_least: int, days: int, different_days: int) -> Rule:
    """Limit hits that keep coming back, not one bad loop."""
    hits = EVENTS.last(days).where(kind="limit_hit")
    return Rule(
        value=hits.count(),
        threshold=at_least,
        unit="limit hits",
        fires=(hits.count() >= at_least) & (hits.days() >= different_days),
        says="you ran into a limit {limit_hits} on {limit_hit_days} in the last {window}",
        quotes=(
            Quote("limit_hits", "times a limit was hit", hits.count(), noun=("time", "times")),
            Quote("limit_hit_days", "different days with a limit hit", hits.days(), noun=("day", "days")),
            window(days),
        ),
        oldest=days - 1,
        needs=("events",),
    )


@trigger
def feature_utilisation(*, above: float, days: int, plan_features: int) -> Rule:
    """Nearly every feature of the plan is in use."""
    used = EVENTS.last(days).where(kind="used", in_plan=True).distinct("feature")
    included = Attribute("plan_features")
    return Rule(
        value=used / included,
        threshold=above,
        unit="share",
        fires=(used / included > above) & (included >= plan_features),
        says="your team used {features_used} of the {features_included} the {plan} plan has in the last {window}",
        quotes=(
            Quote("features_used", "features of the plan used", used),
            Quote("features_included", "features the plan has", included, noun=("feature", "features")),
            Quote("feature_share", "share of the plan's features in use", used / included, Show.SHARE),
            window(days),
        ),
        oldest=days - 1,
        needs=("events", "plan_features", "subscriptions"),
    )
