"""Measures in cells: what an account's values of a metric come to in runs of days that no window tells apart.

Measures are the longest table by far. They are read once; every window of every trigger, score and hold follows
from the cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

from agent.signals.expressions import DECIMALS, both, in_window, passes
from agent.signals.formula import Aggregate, Leaf, Level, Reading, Test
from agent.signals.relations import Relations
from agent.signals.spine import Spine

SEATS = "seats"
GAUGE_DAYS = 7
PERIODS = {"day": 1, "week": 7, "month": 30}
OF_THE_METRIC = {"metric", "usage"}
"Columns that are the same for every row of a cell."


def asks_ever(leaf: Aggregate) -> bool:
    """Whether the leaf asks no more than that there is a row of some metric, however old."""
    return (
        leaf.how == "ever"
        and leaf.oldest is None
        and not leaf.newest
        and all(column in OF_THE_METRIC for column, _, _ in leaf.tests)
    )


def fits(leaf: Aggregate) -> bool:
    """Whether the leaf follows from cells: its tests are about the metric, or about a value that is only counted."""
    if leaf.relation != "measures" or leaf.since_start:
        return False
    others = [test for test in leaf.tests if test[0] not in OF_THE_METRIC]
    if any(column != "value" for column, _, _ in others):
        return False
    one_metric = any(column == "metric" and len(values) == 1 for column, _, values in leaf.tests)
    match leaf.how:
        case "count" | "ever":
            return True
        case "days":
            return one_metric and not others
        case "sum" | "mean" | "newest" | "oldest":
            return leaf.of == "value" and not others
    return False


def sums_of(
    leaf: Leaf, t: Any, value: Any, number: Callable[[Any], Any], age: Any, kinds: tuple[Any, Any]
) -> dict[str, Any]:
    """What rows come to in the leaf's window: a sum for flows, a last value or a number for gauges.

    `kinds` says of each row whether it is a flow's and in the window, and whether it is a gauge's; None where no row is.
    """
    name, (is_flow, is_gauge) = leaf.column, kinds
    if isinstance(leaf, Reading):
        newest = 7 * leaf.week
        last = t.newest if "newest" in t.columns else value
        columns = {} if is_flow is None else {f"{name}_sum": value.sum(where=is_flow)}
        if is_gauge is not None:
            week = is_gauge & age.between(newest, newest + GAUGE_DAYS - 1)
            columns[f"{name}_last"] = last.argmin(age, where=week)
        return columns
    assert isinstance(leaf, Level)  # noqa: S101 - the callers pass nothing else
    within = age.between(min(leaf.oldest, leaf.newest), max(leaf.oldest, leaf.newest))
    columns = {f"{name}_sum": value.sum(where=within)}
    return columns if is_gauge is None else columns | {f"{name}_number": number(within & is_gauge)}


class Cells:
    """The cells of all measures, and what leaves come to in them."""

    def __init__(self, relations: Relations, leaves: Iterable[Leaf]) -> None:
        self.relations = relations
        self.spine: Spine = relations.spine
        leaves = list(leaves)
        self.account_leaves = [leaf for leaf in leaves if isinstance(leaf, Aggregate) and fits(leaf)]
        tests = {_of_the_value(leaf) for leaf in self.account_leaves}
        self.counted = {test: f"counted_{place}" for place, test in enumerate(sorted(tests - {()}, key=repr))}
        for leaf in leaves:
            self.spine.cuts |= self._cuts(leaf)

    def _cuts(self, leaf: Leaf) -> set[int]:
        if isinstance(leaf, Reading):
            metrics = self.relations.source.book.metrics
            flows = {PERIODS[metric.per or "month"] for metric in metrics if metric.kind == "flow"}
            return {7 * leaf.week} | {7 * leaf.week + length for length in flows | {GAUGE_DAYS}}
        if isinstance(leaf, Level) and not leaf.since_start:
            return {min(leaf.oldest, leaf.newest), max(leaf.oldest, leaf.newest) + 1}
        if isinstance(leaf, Aggregate) and fits(leaf):
            return {leaf.newest} if leaf.oldest is None else {leaf.newest, leaf.oldest + 1}
        return set()

    @cached_property
    def table(self) -> Any:
        """(account, metric, cell): sum, number, newest and oldest value, first and last day."""
        t = self.spine.celled(self.relations.undated("measures").drop("usage"), "day")
        counted = {name: t.count(where=passes(tests, t)) for tests, name in self.counted.items()}
        grouped = t.group_by("account_id", "metric", "cell").aggregate(
            total=t.value.sum(), number=t.count(), newest=t.value.argmax(t.day), oldest=t.value.argmin(t.day),
            first=t.day.min(), last=t.day.max(), **counted,
        )  # fmt: skip
        return self.relations.scratch.table(grouped)

    def firsts(self) -> Any:
        """(account, metric): the day of the first row."""
        t = self.table
        return t.group_by("account_id", "metric").aggregate(day=t["first"].min())

    def windowed(self, leaves: Sequence[Leaf]) -> Any:
        """(account, metric) on every D: the sums that readings and levels follow from."""
        t = self.table.inner_join(self.relations.metrics, "metric")
        s = self.spine.spread(t, max(self._reach(leaf) for leaf in leaves))
        columns: dict[str, Any] = {}

        def number(where: Any) -> Any:
            return s.number.sum(where=where)

        for leaf in leaves:
            first = 7 * leaf.week if isinstance(leaf, Reading) else 0
            is_flow = s.flow & (s.age >= first) & (s.age < first + s.period)
            columns |= sums_of(leaf, s, s.total, number, s.age, (is_flow, ~s.flow))
        return s.group_by(*self.spine.keys, key=s.metric).aggregate(**columns)

    def _reach(self, leaf: Leaf) -> int:
        """Days back that the leaf looks."""
        return max(self._cuts(leaf))

    def answer(self, leaves: tuple[Aggregate, ...], within: int | None) -> Any:
        """The leaves' columns, by account."""
        t = self.relations.with_usage(self.table)
        either = None
        for leaf in leaves:
            tests = [test for test in leaf.tests if test[0] in OF_THE_METRIC]
            if not tests:
                either = None
                break
            one = passes(tests, t)
            either = one if either is None else either | one
        t = t if either is None else t.filter(either)
        if within is None:
            t = self.spine.known(t, "last")
            t = t.mutate(age=self.spine.age(t, "last"))
        else:
            t = self.spine.spread(t, within)
        t = t.mutate(newest_age=self.spine.age(t, "last"), oldest_age=self.spine.age(t, "first"))
        return t.group_by(*self.spine.keys).aggregate(
            **{leaf.column: self._value(leaf, t) for leaf in leaves}
        )

    def _value(self, leaf: Aggregate, t: Any) -> Any:
        where = both(in_window(leaf, t), passes([test for test in leaf.tests if test[0] in OF_THE_METRIC], t))
        counted = _of_the_value(leaf)
        match leaf.how:
            case "count" | "ever":
                number = (t[self.counted[counted]] if counted else t.number).sum(where=where).fill_null(0)
                return number.clip(upper=1) if leaf.how == "ever" else number
            case "days":
                return t.number.sum(where=where).fill_null(0)
            case "sum":
                return t.total.sum(where=where).round(DECIMALS)
            case "mean":
                mean = t.total.sum(where=where) / t.number.sum(where=where).cast("float64").nullif(0.0)
                return mean.round(DECIMALS)
            case "newest":
                return t.newest.argmin(t.newest_age, where=where)
            case "oldest":
                return t.oldest.argmax(t.oldest_age, where=where)
        raise ValueError(leaf.how)


def _of_the_value(leaf: Aggregate) -> tuple[Test, ...]:
    return tuple(test for test in leaf.tests if test[0] not in OF_THE_METRIC)
