"""Measures as of one day: every window of every metric from a single pass, one row an account and metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import ibis

from agent.signals.cells import OF_THE_METRIC, PERIODS, fits, sums_of
from agent.signals.expressions import DECIMALS, both, in_window, passes
from agent.signals.formula import Aggregate, Leaf, Level, Reading
from agent.signals.relations import Relations


class OneDay:
    """The measures as of the one D: `cells.Cells` does the same for many."""

    def __init__(self, relations: Relations, leaves: Iterable[Leaf]) -> None:
        self.relations = relations
        leaves = list(leaves)
        self.account_leaves = [leaf for leaf in leaves if isinstance(leaf, Aggregate) and fits(leaf)]
        self.metric_leaves = [leaf for leaf in leaves if isinstance(leaf, Reading)]
        self.metric_leaves += [leaf for leaf in leaves if isinstance(leaf, Level) and not leaf.since_start]

    @cached_property
    def table(self) -> Any:
        """(account, metric): first day, and what each leaf comes to in its window."""
        t = self.relations.rows("measures", (), None)
        columns: dict[str, Any] = {"first_day": t.day.min()}
        for leaf in self.metric_leaves:
            columns |= sums_of(leaf, t, t.value, lambda where: t.count(where=where), t.age, self._kinds(t, leaf))
        for leaf in self.account_leaves:
            columns |= self._columns(leaf, t)
        return self.relations.scratch.table(t.group_by("account_id", "metric").aggregate(**columns))

    def _kinds(self, t: Any, leaf: Leaf) -> tuple[Any, Any]:
        """Whether a row is of a flow and in the leaf's window, and whether it is of a gauge."""
        metrics = self.relations.source.book.metrics
        gauges = sorted(metric.metric for metric in metrics if metric.kind != "flow")
        is_gauge = t.metric.isin(gauges) if gauges else ibis.literal(False)
        if not isinstance(leaf, Reading):
            return ibis.literal(True), is_gauge
        first = 7 * leaf.week
        windows = []
        for name, days in PERIODS.items():
            flows = sorted(m.metric for m in metrics if m.kind == "flow" and (m.per or "month") == name)
            if flows:
                windows.append(t.age.between(first, first + days - 1) & t.metric.isin(flows))
        return ibis.or_(*windows) if windows else ibis.literal(False), is_gauge

    def _columns(self, leaf: Aggregate, t: Any) -> dict[str, Any]:
        where = both(in_window(leaf, t), passes(leaf.tests, t))
        name = leaf.column
        match leaf.how:
            case "count" | "ever" | "days":
                return {name: t.count(where=where)}
            case "sum":
                return {name: t.value.sum(where=where)}
            case "mean":
                return {f"{name}_sum": t.value.sum(where=where), f"{name}_n": t.count(where=where)}
            case "newest":
                return {name: t.value.argmin(t.age, where=where), f"{name}_age": t.age.min(where=where)}
            case "oldest":
                return {name: t.value.argmax(t.age, where=where), f"{name}_age": t.age.max(where=where)}
        raise ValueError(leaf.how)

    def firsts(self) -> Any:
        """(account, metric): the day of the first row."""
        return self.table.select("account_id", "metric", day="first_day")

    def windowed(self, leaves: Sequence[Leaf]) -> Any:
        """(account, metric): the sums that readings and levels follow from."""
        names = [name for name in self.table.columns if name not in ("account_id", "metric", "first_day")]
        return self.table.select("account_id", *names, key="metric")

    def answer(self, leaves: tuple[Aggregate, ...], within: int | None) -> Any:
        """The leaves' columns, by account."""
        t = self.relations.with_usage(self.table)
        columns = {}
        for leaf in leaves:
            where = passes([test for test in leaf.tests if test[0] in OF_THE_METRIC], t)
            columns[leaf.column] = self._value(leaf, t, where)
        return t.group_by("account_id").aggregate(**columns)

    def _value(self, leaf: Aggregate, t: Any, where: Any) -> Any:
        name = leaf.column
        match leaf.how:
            case "count" | "days":
                return t[name].sum(where=where)
            case "ever":
                return t[name].sum(where=where).clip(upper=1)
            case "sum":
                return t[name].sum(where=where).round(DECIMALS)
            case "mean":
                number = t[f"{name}_n"].sum(where=where).cast("float64").nullif(0.0)
                return (t[f"{name}_sum"].sum(where=where) / number).round(DECIMALS)
            case "newest":
                return t[name].argmin(t[f"{name}_age"], where=both(where, t[name].notnull()))
            case "oldest":
                return t[name].argmax(t[f"{name}_age"], where=both(where, t[name].notnull()))
        raise ValueError(leaf.how)
