"""A formula in words that a person can check against the rows."""

from __future__ import annotations

from datetime import date, timedelta

from agent.facts.tables import Metric
from agent.signals.formula import (
    Aggregate,
    Attribute,
    CeilingOn,
    Const,
    FirstRow,
    Formula,
    IsCore,
    Leaf,
    Level,
    Op,
    Reading,
)

PERIOD_DAYS = {"day": 1, "week": 7, "month": 30}
ATTRIBUTES = {
    "age_days": "days since the account was created",
    "seats": "seats of the subscription in force",
    "plan_features": "features of the plan in force",
    "days_to_renewal": "days until the subscription renews",
    "teams": "different teams with a use or a present member",
    "plan_days": "days since the plan last changed",
    "core_utilisation": "highest utilisation of a core metric",
    "cancelling": "whether a cancellation date is set",
}


def describe(formula: Formula, as_of: date, key: str = "", metric: Metric | None = None) -> str:
    """The formula as a sentence fragment, with its dates; `metric` is what `key` means where it is one."""
    if isinstance(formula, Const):
        number = isinstance(formula.value, int | float)
        return f"{formula.value:g} (set by the rule)" if number else str(formula.value)
    if isinstance(formula, Op):
        left, right = (describe(side, as_of, key, metric) for side in (formula.left, formula.right))
        return f"({left}) {formula.sign} ({right})"
    assert isinstance(formula, Leaf)  # noqa: S101 - the tree has no other nodes
    return _leaf(formula, as_of, key, metric)


def days_of(
    formula: Formula, as_of: date, created_on: date, metric: Metric | None = None
) -> tuple[date, date]:
    """First and last day that the formula looks at; D itself when it looks at no window."""
    firsts, lasts = [], []
    for leaf in formula.leaves():
        if isinstance(leaf, Aggregate | Level):
            low, high = sorted((leaf.oldest or 0, leaf.newest))
            if leaf.since_start:
                firsts.append(created_on + timedelta(days=low))
                lasts.append(created_on + timedelta(days=high))
            else:
                open_start = isinstance(leaf, Aggregate) and leaf.oldest is None
                firsts.append(created_on if open_start else as_of - timedelta(days=high))
                lasts.append(as_of - timedelta(days=leaf.newest))
        elif isinstance(leaf, Reading | CeilingOn):
            length = reading_days(metric) if isinstance(leaf, Reading) else 1
            firsts.append(as_of - timedelta(days=7 * leaf.week + length - 1))
            lasts.append(as_of - timedelta(days=7 * leaf.week))
    return min(firsts, default=as_of), max(lasts, default=as_of)


def reading_days(metric: Metric | None) -> int:
    """How many days a reading looks at: a flow's period, a gauge's week, a single day for seats."""
    if metric is None:
        return 1
    return PERIOD_DAYS[metric.per or "month"] if metric.kind == "flow" else 7


def _leaf(leaf: Leaf, as_of: date, key: str, metric: Metric | None) -> str:
    match leaf:
        case Reading(week):
            last = 7 * week
            if metric is None:
                return f"{key} on {_on(as_of, last)}"
            what = "sum of" if metric.kind == "flow" else "last value of"
            return f"{what} {key} from {_on(as_of, last + reading_days(metric) - 1)} to {_on(as_of, last)}"
        case CeilingOn(week):
            return f"ceiling of {key} on {_on(as_of, 7 * week)}"
        case Level(oldest, newest, True):
            low, high = sorted((oldest, newest))
            what = "mean of" if metric and metric.kind == "gauge" else "sum of"
            return f"{what} {key} from day {low} to day {high} of the account"
        case Level(oldest, newest, _):
            what = "mean of" if metric and metric.kind == "gauge" else "sum of"
            return f"{what} {key} from {_on(as_of, oldest)} to {_on(as_of, newest)}"
        case FirstRow():
            return f"days from the account's start to the first row of {key}"
        case IsCore():
            return f"whether {key} is a core metric"
        case Attribute(name):
            return ATTRIBUTES.get(name, name)
        case Aggregate():
            return _aggregate(leaf, as_of, key)
    raise TypeError(leaf)


def _aggregate(leaf: Aggregate, as_of: date, key: str) -> str:
    what = {
        "count": f"number of {leaf.relation}",
        "days": f"number of different days of {leaf.relation}",
        "distinct": f"number of different {leaf.of} of {leaf.relation}",
        "age_of_first": f"days since the first of {leaf.relation}",
    }.get(leaf.how, f"{leaf.how} of {leaf.of} of {leaf.relation}")
    tests = [f"{column} {sign} {' or '.join(str(v) for v in values)}" for column, sign, values in leaf.tests]
    tests += [f"about {key}"] if key else []
    where = f" where {', '.join(tests)}" if tests else ""
    if leaf.since_start:
        return f"{what}{where} in days {leaf.oldest or 0} to {leaf.newest} of the account"
    if leaf.oldest is None:
        return f"{what}{where} up to {_on(as_of, leaf.newest)}"
    return f"{what}{where} from {_on(as_of, leaf.oldest)} to {_on(as_of, leaf.newest)}"


def _on(as_of: date, days_ago: int) -> str:
    return (as_of - timedelta(days=days_ago)).isoformat()
