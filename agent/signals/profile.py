"""The profile: one wide row per account (and per feature, metric, product or team), every leaf a column.

All leaves of one relation at one grain become aggregates of a single group-by, however many triggers ask for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import ibis

from agent.signals.formula import (
    ZERO_WHEN_EMPTY,
    Aggregate,
    Attribute,
    CeilingOn,
    Const,
    FirstRow,
    Formula,
    Grain,
    Leaf,
    Level,
    Op,
    Reading,
)
from agent.signals.relations import WEEKS, Relations

SEATS = "seats"
DECIMALS = 9
"Sums of fractions are rounded here, so that the order of addition cannot move a value across a threshold."


def expression(formula: Formula, row: Any) -> Any:
    """The Ibis expression of a formula over a profile row."""
    if isinstance(formula, Const):
        return ibis.literal(formula.value)
    if isinstance(formula, Leaf):
        return row[formula.column]
    if isinstance(formula, Op):
        left, right = expression(formula.left, row), expression(formula.right, row)
        if formula.sign == "/":
            return (left.cast("float64") / right.cast("float64").nullif(0.0)).round(DECIMALS)
        return _OPERATIONS[formula.sign](left, right)
    raise TypeError(formula)


_OPERATIONS: dict[str, Any] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
}


def leaves_of(formulas: Iterable[Formula]) -> list[Leaf]:
    """The different leaves below `formulas`, in a stable order."""
    found = {leaf.column: leaf for formula in formulas for leaf in formula.leaves()}
    return [found[name] for name in sorted(found)]


def profile(relations: Relations, grain: Grain, leaves: list[Leaf]) -> Any:
    """The wide table of one grain: account_id, `key` unless the grain is the account, and a column per leaf."""
    if grain is Grain.METRIC:
        return metric_profile(relations, leaves)
    aggregates = [leaf for leaf in leaves if isinstance(leaf, Aggregate)]
    keys = ["account_id"] if grain is Grain.ACCOUNT else ["account_id", "key"]
    parts = [
        _grouped(relations, name, grain, [leaf for leaf in aggregates if leaf.relation == name])
        for name in sorted({leaf.relation for leaf in aggregates})
    ]
    if grain is Grain.ACCOUNT:
        base = relations.base
        table = reduce(lambda left, right: left_join(left, right, keys), parts, base)
    else:
        every_key = reduce(
            lambda left, right: left.union(right), [part.select(*keys) for part in parts]
        ).distinct()
        table = reduce(lambda left, right: left_join(left, right, keys), parts, every_key)
        table = left_join(table, _account_columns(relations, leaves), ["account_id"])
    zero = {
        leaf.column: table[leaf.column].fill_null(0) for leaf in aggregates if leaf.how in ZERO_WHEN_EMPTY
    }
    return table.mutate(**zero)


def _grouped(relations: Relations, name: str, grain: Grain, leaves: list[Aggregate]) -> Any:
    t = getattr(relations, name)
    if grain is not Grain.ACCOUNT:
        t = t.filter(t[grain.value].notnull()).mutate(key=t[grain.value])
    keys = ["account_id"] if grain is Grain.ACCOUNT else ["account_id", "key"]
    return relations.scratch.view(
        t.group_by(*keys).aggregate(**{leaf.column: _aggregate(leaf, t) for leaf in leaves})
    )


def _aggregate(leaf: Aggregate, t: Any) -> Any:
    where = _condition(leaf, t)
    match leaf.how:
        case "count":
            return t.count(where=where)
        case "days":
            return t.day.nunique(where=where)
        case "distinct":
            return t[leaf.of].nunique(where=where)
        case "sum":
            return t[leaf.of].sum(where=where).round(DECIMALS)
        case "mean":
            return t[leaf.of].mean(where=where).round(DECIMALS)
        case "min":
            return t[leaf.of].min(where=where)
        case "newest":
            return t[leaf.of].argmin(t.order, where=where & t[leaf.of].notnull())
        case "oldest":
            return t[leaf.of].argmax(t.order, where=where & t[leaf.of].notnull())
        case "age_of_first":
            return t.age.max(where=where)
    raise ValueError(leaf.how)


def _condition(leaf: Aggregate, t: Any) -> Any:
    where = ibis.literal(True)
    if leaf.since_start:
        where = where & t.since_start.between(leaf.oldest or 0, leaf.newest)
    elif leaf.oldest is not None:
        where = where & t.age.between(leaf.newest, leaf.oldest)
    elif leaf.newest:
        where = where & (t.age >= leaf.newest)
    for column, sign, values in leaf.tests:
        if sign == "=":
            where = where & (t[column].isin(values) if len(values) > 1 else t[column] == values[0])
        else:
            where = where & _OPERATIONS[sign](t[column], values[0])
    return where


def account_base(relations: Relations) -> Any:
    """Accounts with the plan in force and what their subscriptions say: the attributes of the account grain."""
    a = relations.accounts
    s = relations.plan_now.select(
        "account_id", "plan_id", "plan_name", "tier", "product", "per_seat", "seats", "mrr_minor", "currency", "status",
        "term", "renews_on", "discount_pct", "subscription_id",
    )  # fmt: skip
    table = left_join(a, s, ["account_id"])
    table = left_join(table, relations.subscription_facts, ["account_id"])
    table = left_join(table, relations.teams, ["account_id"])
    sizes = relations.source.book
    counts = [(table.plan_id == plan.plan_id, len(sizes.features_of(plan.plan_id))) for plan in sizes.plans]
    return table.mutate(
        teams=table.teams.fill_null(0),
        cancelling=table.cancel_on.notnull().cast("int64"),
        plan_features=ibis.cases(*counts, else_=0) if counts else ibis.literal(0),
        days_to_renewal=table.renews_on.delta(relations.today, unit="day").cast("int64"),
    )


def _account_columns(relations: Relations, leaves: list[Leaf]) -> Any:
    names = sorted({leaf.column for leaf in leaves if isinstance(leaf, Attribute)} | {"age_days"})
    return relations.base.select("account_id", *names)


def metric_profile(relations: Relations, leaves: list[Leaf]) -> Any:
    """(account, metric): readings, levels and ceilings; seats are counted from the members."""
    t = relations.measures.inner_join(relations.metrics, "metric")
    t = t.filter(t.metric != SEATS)
    wanted = {leaf.column: leaf for leaf in leaves if isinstance(leaf, Reading | Level | FirstRow)}
    readings = list((wanted | {Reading(week).column: Reading(week) for week in WEEKS}).values())
    columns = {leaf.column: _metric_column(leaf, t) for leaf in readings}
    grouped = relations.scratch.view(t.group_by("account_id", "metric", "core").aggregate(**columns))
    joined = left_join(grouped, relations.ceilings, ["account_id", "metric"])
    names = [leaf.column for leaf in readings]
    ceilings = [CeilingOn(week).column for week in WEEKS]
    by_week = {column: joined[f"ceiling_{week}"] for week, column in zip(WEEKS, ceilings, strict=True)}
    measured = joined.select("account_id", "core", *names, key=joined.metric, **by_week)
    columns_in_order = ["account_id", "key", "core", *names, *ceilings]
    both = measured[columns_in_order].union(_seats(relations, readings)[columns_in_order])
    attributes = left_join(both, _account_columns(relations, leaves), ["account_id"])
    # An inner sense of "account": facts of accounts that are not in the accounts table are not looked at.
    return attributes.filter(attributes.age_days.notnull())


def _metric_column(leaf: Leaf, t: Any) -> Any:
    flow = t.kind.max() == "flow"
    if isinstance(leaf, FirstRow):
        return t.since_start.min()
    if isinstance(leaf, Reading):
        newest = 7 * leaf.week
        level = t.value.argmin(t.age, where=t.age.between(newest, newest + 6))
        amount = t.value.sum(where=(t.age >= newest) & (t.age < newest + t.period)).fill_null(0.0)
        return ibis.ifelse(
            flow, ibis.ifelse(t.age.max() >= newest, amount, ibis.null("float64")), level
        ).round(DECIMALS)
    assert isinstance(leaf, Level)  # noqa: S101 - the callers pass nothing else
    within = t.since_start if leaf.since_start else t.age
    window = within.between(min(leaf.oldest, leaf.newest), max(leaf.oldest, leaf.newest))
    return ibis.ifelse(flow, t.value.sum(where=window), t.value.mean(where=window)).round(DECIMALS)


def _seats(relations: Relations, readings: Sequence[Leaf]) -> Any:
    m = relations.members
    counts = {}
    for leaf in readings:
        if isinstance(leaf, Reading):
            ago = 7 * leaf.week
            there = m.member & (m.age >= ago) & (m.left_age.isnull() | (m.left_age < ago))
            counts[leaf.column] = m.user_id.nunique(where=there).cast("float64")
        else:
            kind = "int64" if isinstance(leaf, FirstRow) else "float64"
            counts[leaf.column] = ibis.null(kind).cast(kind)
    table = m.group_by("account_id").aggregate(members_ever=m.count(where=m.member), **counts)
    for week in WEEKS:
        seats = relations.in_force(7 * week)
        seats = seats.select(
            "account_id", **{CeilingOn(week).column: seats.seats.cast("float64").nullif(0.0)}
        )
        table = left_join(table, seats, ["account_id"])
    seats_metric = relations.source.book.metric(SEATS)
    core = int(bool(seats_metric and seats_metric.core))
    return table.filter(table.members_ever > 0).mutate(
        key=ibis.literal(SEATS), core=ibis.literal(core, type="int64")
    )


def left_join(left: Any, right: Any, keys: list[str]) -> Any:
    """`left` with the columns of `right` beside it; `right` has one row a key."""
    joined = left.left_join(right, keys)
    names = list(left.columns) + [name for name in right.columns if name not in left.columns]
    return joined.select(*names)
