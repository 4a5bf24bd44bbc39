"""Growth: the last days against a baseline that is whole."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.signals.formula import Attribute, FirstRow, Grain, Level
from agent.signals.own.counts import Counted
from agent.signals.own.kind import SEATS, Days, Kind, Words, metric_tables
from agent.signals.own.unfit import Unfit
from agent.signals.rule import Quote, Rule, Show, window


class GrowthAgainstBaseline(Counted):
    """A metric, or a count, against the days before or against the account's first days."""

    metric: Words = ()
    days: Days
    times: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
    against: Literal["before", "start"] = "before"
    floor: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10.0

    def rule(self, _name: str, /) -> Rule:
        """The last days at least so many times the baseline, which is whole and at or above the floor."""
        if self.metric:
            return self._of_metric()
        before = self.against == "before"
        chosen = self.selection()
        if not before and self.of != "events":
            raise Unfit("against", f'must be "before" where {self.of} are counted')
        now = self.count(chosen.last(self.days))
        base = self.count(chosen.last(self.days, ending=self.days) if before else chosen.first(self.days))
        # A baseline that began before the first row is not whole: it would make any growth look large.
        whole = chosen.age_of_first() if before else Attribute("age_days")
        fires = (base >= self.floor) & (whole >= 2 * self.days - 1) & (now / base >= self.times)
        singular, plural = self.nouns()
        ending = "in the {window} before" if before else "in your first {window}"
        return Rule(
            grain=self.grain(),
            value=now / base,
            threshold=self.times,
            unit="times",
            fires=fires,
            says=self.says or f"{self.did('now')} in the last {{window}}, against {{before}} {ending}",
            quotes=(
                Quote("now", f"{plural} lately", now, noun=(singular, plural)),
                Quote("before", f"{plural} {'before that' if before else 'in the beginning'}", base),
                Quote("growth", f"{plural} now against before", now / base, Show.TIMES),
                window(self.days),
            ),
            oldest=(2 if before else 1) * self.days - 1,
            needs=(self.of,),
        )

    def _of_metric(self) -> Rule:
        for key in ("of", *Counted.model_fields.keys() - Kind.model_fields.keys() - {"of"}):
            if key in self.model_fields_set:
                raise Unfit(key, "does not go with a metric; take out one of the two")
        if SEATS in self.metric:
            raise Unfit("metric", 'cannot be "seats", which is counted from the members; say of = "members"')
        before = self.against == "before"
        now = Level(self.days - 1, 0)
        base = Level(2 * self.days - 1, self.days) if before else Level(1, self.days, since_start=True)
        age = Attribute("age_days")
        whole = (
            (age - FirstRow() >= 2 * self.days - 1) if before else (FirstRow() <= 7) & (age >= 2 * self.days)
        )
        ending = "of the {window} before" if before else "of your first {window}"
        return Rule(
            grain=Grain.METRIC,
            value=now / base,
            threshold=self.times,
            unit="times",
            fires=(base >= self.floor) & whole & (now / base >= self.times),
            says=self.says
            or f"{{metric}} came to {{now}} in the last {{window}}, against the {{before}} {ending}",
            quotes=(
                Quote("now", "{metric} lately", now),
                Quote("before", f"{{metric}} {'before that' if before else 'in the beginning'}", base),
                Quote("growth", "{metric} now against before", now / base, Show.TIMES),
                window(self.days),
            ),
            oldest=(2 if before else 1) * self.days - 1,
            needs=metric_tables(self.metric, ceilings=False),
            only=self.metric,
        )
