"""Measures as of one day: all windows of a metric in one grouping, one row an account and metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, reduce
from typing import Any

import ibis

from agent.signals.cells import GAUGE_DAYS, OF_THE_METRIC, PERIODS, SEATS, asks_ever, fits, sums_of
from agent.signals.expressions import DECIMALS, both, in_window, passes
from agent.signals.formula import Aggregate, Leaf, Level, Reading
from agent.signals.joins import left_join
from agent.signals.relations import NOT_USAGE, Relations

MOST_METRICS = 16
"Metrics above which they are gathered all at once."


def _reach(leaf: Leaf) -> int | None:
    """Days back that the leaf looks; None without bound."""
    if isinstance(leaf, Reading):
        return 7 * leaf.week + max(GAUGE_DAYS, *PERIODS.values())
    if isinstance(leaf, Level):
        return max(leaf.oldest, leaf.newest) + 1
    assert isinstance(leaf, Aggregate)  # noqa: S101 - the callers pass nothing else
    return None if leaf.oldest is None else leaf.oldest + 1


def _of_any(leaf: Aggregate) -> bool:
    """Whether the leaf asks for any metric whatever, known or not."""
    return not any(column in OF_THE_METRIC for column, _, _ in leaf.tests)


def _counter(t: Any) -> Any:
    return lambda where: t.count(where=where)


class OneDay:
    """The measures as of the one D: `cells.Cells` does the same for many."""

    def __init__(self, relations: Relations, leaves: Iterable[Leaf]) -> None:
        self.relations = relations
        self._views: dict[int | None, Any] = {}
        leaves = list(leaves)
        self.account_leaves = [leaf for leaf in leaves if isinstance(leaf, Aggregate) and fits(leaf)]
        self.metric_leaves: list[Leaf] = [leaf for leaf in leaves if isinstance(leaf, Reading)]
        self.metric_leaves += [leaf for leaf in leaves if isinstance(leaf, Level) and not leaf.since_start]

    @cached_property
    def table(self) -> Any:
        """(account, metric): first day, and what each leaf comes to in its window."""
        names = sorted({m.metric for m in self.relations.source.book.metrics} | self._named())
        if not names or len(names) > MOST_METRICS or any(_of_any(leaf) for leaf in self.account_leaves):
            return self._kept(self._gathered(None))
        # Metric by metric: grouping by the account alone is several times cheaper, and each reads no older rows than
        # its own windows need.
        each = [self._gathered(name) for name in names]
        columns = {name: kind for one in each for name, kind in one.schema().items()}
        whole = [
            one.mutate(**{n: ibis.null(kind) for n, kind in columns.items() if n not in one.columns}).select(
                *columns
            )
            for one in each
        ]
        return self._kept(reduce(lambda one, other: one.union(other), whole))

    def _kept(self, t: Any) -> Any:
        return self.relations.scratch.table(self.relations.numbered(t))

    def _named(self) -> set[str]:
        return {
            str(name)
            for leaf in self.account_leaves
            for column, _, values in leaf.tests
            if column == "metric"
            for name in values
        }

    def _gathered(self, metric: str | None) -> Any:
        """The rows of one metric, or of all."""
        t = self._rows(None)
        keys = ["account_id"] if metric else ["account_id", "metric"]
        if metric:
            t = t.filter(t.metric == metric).drop("usage")
        columns: dict[str, Any] = {}
        recent = t
        metric_leaves, account_leaves = self._of(metric)
        if metric and metric_leaves:
            # Usage comes daily and its windows are short: what is older is read for its first day alone.
            reach = [_reach(leaf) for leaf in (*metric_leaves, *account_leaves)]
            if None not in reach:
                days = max([one for one in reach if one is not None], default=1)
                recent = self._rows(days)
                recent = recent.filter(recent.metric == metric)
        for leaf in metric_leaves:
            columns |= sums_of(
                leaf, recent, recent.value, _counter(recent), recent.age, self._kinds(recent, leaf, metric)
            )
        for leaf in account_leaves:
            columns |= self._columns(leaf, recent, metric)
        if recent is t:
            columns["first_day"] = t.day.min()
            firsts = t.group_by(*keys).aggregate(**columns)
        else:
            firsts = t.group_by(*keys).aggregate(first_day=t.day.min())
            firsts = left_join(firsts, recent.group_by(*keys).aggregate(**columns), keys)
        return firsts.mutate(metric=ibis.literal(metric)) if metric else firsts

    def _rows(self, within: int | None) -> Any:
        # A view, since what a query names twice DuckDB would put aside in memory.
        if within not in self._views:
            relations = self.relations
            t = relations.spine.known(relations.by_name, "day", within)
            t = relations.with_usage(t).mutate(age=relations.spine.age(t, "day"))
            self._views[within] = relations.scratch.view(t)
        return self._views[within]

    def _of(self, metric: str | None) -> tuple[list[Leaf], list[Aggregate]]:
        """The leaves that a metric, or any, has a part in."""
        if metric is None:
            return self.metric_leaves, self.account_leaves
        known = self.relations.source.book.metric(metric)
        usage = known is not None and metric not in NOT_USAGE
        account_leaves = [
            leaf
            for leaf in self.account_leaves
            if not asks_ever(leaf)
            and all(
                metric in values if column == "metric" else usage in values
                for column, _, values in leaf.tests
                if column in OF_THE_METRIC
            )
        ]
        return (self.metric_leaves if known and metric != SEATS else []), account_leaves

    def _kinds(self, t: Any, leaf: Leaf, metric: str | None) -> tuple[Any, Any]:
        """Whether a row is of a flow and in the leaf's window, and whether it is of a gauge; None where none can be."""
        metrics = [m for m in self.relations.source.book.metrics if metric in (None, m.metric)]
        gauges = sorted(m.metric for m in metrics if m.kind != "flow")
        is_gauge = (ibis.literal(True) if metric else t.metric.isin(gauges)) if gauges else None
        if not isinstance(leaf, Reading):
            return ibis.literal(True), is_gauge
        first = 7 * leaf.week
        windows = []
        for name, days in PERIODS.items():
            flows = sorted(m.metric for m in metrics if m.kind == "flow" and (m.per or "month") == name)
            if flows:
                within = t.age.between(first, first + days - 1)
                windows.append(within if metric else within & t.metric.isin(flows))
        return ibis.or_(*windows) if windows else None, is_gauge

    def _columns(self, leaf: Aggregate, t: Any, metric: str | None) -> dict[str, Any]:
        tests = [test for test in leaf.tests if metric is None or test[0] not in OF_THE_METRIC]
        where = both(in_window(leaf, t), passes(tests, t))
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

    def windowed(self, _leaves: Sequence[Leaf]) -> Any:
        """(account, metric): the sums that readings and levels follow from."""
        names = [name for name in self.table.columns if name not in ("account_id", "metric", "first_day")]
        return self.table.select("account_id", *names, key="metric")

    def answer(self, leaves: tuple[Aggregate, ...], _within: int | None) -> Any:
        """The leaves' columns, by account."""
        t = self.relations.with_usage(self.table).mutate(nothing=ibis.null("float64"))
        columns = {}
        for leaf in leaves:
            where = passes([test for test in leaf.tests if test[0] in OF_THE_METRIC], t)
            columns[leaf.column] = self._value(leaf, t, where)
        return t.group_by("account_id").aggregate(**columns)

    def _value(self, leaf: Aggregate, t: Any, where: Any) -> Any:
        name = leaf.column
        if name not in t.columns and f"{name}_n" not in t.columns and not asks_ever(leaf):
            # No metric that the leaf asks about is measured here.
            counts = leaf.how in ("count", "ever", "days")
            return t.count(where=ibis.literal(False)) if counts else t.nothing.max()
        match leaf.how:
            case "count" | "days":
                return t[name].sum(where=where)
            case "ever":
                number = t[name].sum(where=where) if name in t.columns else t.count(where=where)
                return number.clip(upper=1)
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
