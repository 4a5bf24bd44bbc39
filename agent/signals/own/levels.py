"""Levels: a share of a ceiling on D, and a level that lasts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.signals.formula import Const, Formula, Grain, IsCore, Reading, utilisation
from agent.signals.own.kind import Kind, Share, Words, metric_tables
from agent.signals.own.unfit import Unfit
from agent.signals.rule import Quote, Rule, Show, window
from agent.signals.triggers.usage import CEILING, USED, UTILISATION


class ShareOfCeiling(Kind):
    """A metric at or above a share of its ceiling on D."""

    metric: Words = ()
    core: bool = False
    at_least: Share

    def rule(self, _name: str, /) -> Rule:
        """Utilisation of one of the metrics (or of any with a ceiling) at the bound on D."""
        fires = utilisation(0) >= self.at_least
        return Rule(
            grain=Grain.METRIC,
            value=utilisation(0),
            threshold=self.at_least,
            unit="share",
            fires=(IsCore() >= 1) & fires if self.core else fires,
            says=self.says or "you are at {utilisation} of the {metric} in the {plan} plan",
            quotes=(USED, CEILING, UTILISATION, window(7)),
            oldest=6,
            needs=metric_tables(self.metric, ceilings=True),
            only=self.metric,
        )


class Streak(Kind):
    """A share of a ceiling, or a metric's level, at the end of so many weeks running."""

    metric: Words = ()
    core: bool = False
    measure: Literal["share", "level"] = "share"
    at_least: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    weeks: Annotated[int, Field(ge=2, le=26)]

    def rule(self, _name: str, /) -> Rule:
        """The bound met at the end of week 0, 1, 2 …, each of them known."""
        share = self.measure == "share"
        if share and self.at_least > 10:
            raise Unfit(
                "at_least",
                f"must be 10 or less for a share; {self.at_least:g} is that many times the ceiling",
            )
        if not share and not self.metric:
            raise Unfit("metric", "is missing; a level is one of a named metric")
        levels = [utilisation(week) if share else Reading(week) for week in range(self.weeks)]
        fires: Formula = levels[0] >= self.at_least
        for level in levels[1:]:
            fires = fires & (level >= self.at_least)
        now = (USED, CEILING, UTILISATION) if share else (Quote("level", "{metric} now", Reading(0)),)
        shown = Show.SHARE if share else Show.COUNT
        said = (
            "you are at {utilisation} of the {metric} in the {plan} plan, and were at {before} in the first of these {weeks}"
            if share
            else "your {metric} came to {level}, after {before} in the first of these {weeks}"
        )
        return Rule(
            grain=Grain.METRIC,
            value=levels[0],
            threshold=self.at_least,
            unit="share" if share else "level",
            fires=(IsCore() >= 1) & fires if self.core else fires,
            says=self.says or said,
            quotes=(
                *now,
                Quote("before", "the same at the end of the first week", levels[-1], shown),
                Quote(
                    "threshold",
                    "what {metric} stayed at or above",
                    Const(self.at_least),
                    shown,
                ),
                Quote("weeks", "weeks running", Const(self.weeks), noun=("week", "weeks")),
                window(7 * self.weeks),
            ),
            oldest=7 * self.weeks - 1,
            needs=metric_tables(self.metric, ceilings=share),
            only=self.metric,
        )  # fmt: skip
