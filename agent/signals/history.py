"""A metric against its ceiling, week by week: what a chart shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from agent.signals.evidence import Evidence
from agent.signals.formula import CeilingOn, Grain, Reading


@dataclass(frozen=True)
class Week:
    """One week: its last day, the metric's level and the ceiling on that day; None where unknown or unlimited."""

    ending: date
    value: float | None
    ceiling: float | None


@dataclass(frozen=True)
class History:
    """A metric of one account over some weeks, the oldest first."""

    label: str
    unit: str
    weeks: tuple[Week, ...]


def history_of(evidence: Evidence, metric: str | None) -> History | None:
    """The history of a metric, or of the one most worth showing; None when there is nothing to show."""
    name = metric or metric_to_show(evidence)
    if name is None:
        return None
    known = evidence.book.metric(name)
    label = known.label if known else name
    return History(
        label=label[:1].upper() + label[1:], unit=known.unit if known else name, weeks=weeks(evidence, name)
    )


def weeks(evidence: Evidence, metric: str, number: int = 12) -> tuple[Week, ...]:
    """The last `number` weeks of a metric, the oldest first."""
    return tuple(
        Week(
            ending=evidence.as_of - timedelta(days=7 * week),
            value=evidence.compute(Reading(week), Grain.METRIC, metric).value,
            ceiling=evidence.compute(CeilingOn(week), Grain.METRIC, metric).value,
        )
        for week in reversed(range(number))
    )


def metric_to_show(evidence: Evidence) -> str | None:
    """The metric worth a chart: the fullest core one, else the fullest, else a core one with data; ties by name."""
    names = sorted({row["metric"] for row in evidence.tables["measures"]} | {"seats"})
    known = [name for name in names if name == "seats" or evidence.book.metric(name) is not None]

    def order(name: str) -> tuple[bool, bool, float, str]:
        level = evidence.compute(Reading(0), Grain.METRIC, name).value
        ceiling = evidence.compute(CeilingOn(0), Grain.METRIC, name).value
        share = level / ceiling if level is not None and ceiling else None
        metric = evidence.book.metric(name)
        return (share is None, not (metric and metric.core), -(share or 0.0), name)

    with_data = [name for name in known if evidence.compute(Reading(0), Grain.METRIC, name).value is not None]
    return min(with_data, key=order, default=None)
