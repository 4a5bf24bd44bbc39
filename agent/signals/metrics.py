"""The metric grain of the profile: readings, levels and ceilings of every metric an account has, seats among them.

Measures are gathered first: for one day by account and metric (`measured`), for many into cells, runs of days that no
window tells apart (`cells`). What windows say follows from those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis

from agent.signals.cells import SEATS
from agent.signals.expressions import DECIMALS
from agent.signals.formula import CeilingOn, FirstRow, Leaf, Level, Reading
from agent.signals.joins import left_join
from agent.signals.profile import account_columns
from agent.signals.relations import Relations

ATTRIBUTES = ["flow", "core", "period"]


def metric_profile(relations: Relations, leaves: list[Leaf]) -> Any:
    """(account, metric): a column for each leaf; the metric is called `key`."""
    weeks = {0} | {leaf.week for leaf in leaves if isinstance(leaf, Reading | CeilingOn)}
    given = {leaf.column: leaf for leaf in leaves if isinstance(leaf, Reading | Level | FirstRow)}
    wanted = list((given | {Reading(week).column: Reading(week) for week in weeks}).values())
    names = [leaf.column for leaf in wanted]
    ceilings = {week: CeilingOn(week).column for week in sorted(weeks)}
    measured = relations.subscriptions.with_ceilings(_measured(relations, wanted), ceilings)
    columns = [*relations.keys, "key", "core", *names, *ceilings.values()]
    rows = measured.select(*columns).union(_seats(relations, wanted, ceilings).select(*columns))
    table = left_join(rows, account_columns(relations, leaves), relations.keys)
    # An inner sense of "account": facts of accounts that are not in the accounts table are not looked at.
    table = table.filter(table.age_days.notnull())
    started = [leaf for leaf in wanted if isinstance(leaf, Level) and leaf.since_start]
    over = {
        leaf.column: ibis.ifelse(
            table.age_days >= max(leaf.oldest, leaf.newest), table[leaf.column], ibis.null("float64")
        )
        for leaf in started
    }
    return table.mutate(**over) if over else table


def _measured(relations: Relations, wanted: Sequence[Leaf]) -> Any:
    grid = (
        relations.measured.firsts()
        .inner_join(relations.metrics, "metric")
        .filter(lambda t: t.metric != SEATS)
    )
    grid = relations.scratch.table(grid.select("account_id", *ATTRIBUTES, key="metric", first_day="day"))
    known = relations.spine.known(grid, "first_day")
    known = known.mutate(first_age=relations.spine.age(known, "first_day"))
    windowed = [leaf for leaf in wanted if not isinstance(leaf, FirstRow) and not _from_start(leaf)]
    found = relations.measured.windowed(windowed)
    table = left_join(known, relations.scratch.view(found), [*relations.keys, "key"])
    table = table.mutate(**{leaf.column: _value(leaf, table) for leaf in windowed})
    for leaf in wanted:
        if isinstance(leaf, Level) and leaf.since_start:
            table = left_join(table, _begun(relations, grid, leaf), ["account_id", "key"])
        elif isinstance(leaf, FirstRow):
            a = relations.source.tables["accounts"].select("account_id", "created_on")
            table = left_join(table, a, ["account_id"])
            first = table.first_day.delta(table.created_on, unit="day").cast("int64")
            table = table.mutate(**{leaf.column: first})
    return table


def _from_start(leaf: Leaf) -> bool:
    return isinstance(leaf, Level) and leaf.since_start


def _value(leaf: Leaf, table: Any) -> Any:
    """A day without a row is zero for a flow that was there before, and unknown for a gauge (rule book §1)."""
    total = _or_unknown(table, f"{leaf.column}_sum")
    if isinstance(leaf, Reading):
        amount = ibis.ifelse(table.first_age >= 7 * leaf.week, total.fill_null(0.0), ibis.null("float64"))
        value = ibis.ifelse(table.flow, amount, _or_unknown(table, f"{leaf.column}_last"))
    else:
        number = _or_unknown(table, f"{leaf.column}_number").cast("float64").nullif(0.0)
        value = ibis.ifelse(table.flow, total, total / number)
    return value.round(DECIMALS)


def _or_unknown(table: Any, name: str) -> Any:
    """A column, or the unknown where no metric of that kind is measured."""
    return table[name] if name in table.columns else ibis.null("float64")


def _begun(relations: Relations, grid: Any, leaf: Level) -> Any:
    """(account, metric): the level of the account's first days, for those that have a row in them."""
    oldest, newest = min(leaf.oldest, leaf.newest), max(leaf.oldest, leaf.newest)
    a = relations.source.tables["accounts"].select("account_id", "created_on")
    started = grid.inner_join(a, "account_id")
    started = started.filter(started.first_day.delta(started.created_on, unit="day") <= newest)
    started = relations.scratch.table(started.select("account_id", "flow", "created_on", metric=started.key))
    t = relations.undated("measures").inner_join(started, ["account_id", "metric"])
    t = t.mutate(since_start=t.day.delta(t.created_on, unit="day").cast("int64"))
    t = t.filter(t.since_start.between(oldest, newest))
    grouped = t.group_by("account_id", "flow", key=t.metric).aggregate(
        total=t.value.sum(), mean=t.value.mean()
    )
    level = ibis.ifelse(grouped.flow, grouped.total, grouped["mean"]).round(DECIMALS)
    return relations.scratch.view(grouped.select("account_id", "key", **{leaf.column: level}))


def _seats(relations: Relations, wanted: Sequence[Leaf], ceilings: dict[int, str]) -> Any:
    """The seats row of every account that ever had a member: how many were there at the end of each week."""
    m = relations.rows("members", (), None).filter(lambda m: m.member)
    readings = [leaf for leaf in wanted if isinstance(leaf, Reading)]
    alone = m.filter(m.once)
    ones = alone.group_by(*relations.keys).aggregate(
        **{leaf.column: alone.count(where=_there(leaf, alone)) for leaf in readings}
    )
    m = m.filter(~m.once)
    people = m.group_by(*relations.keys, "user_id").aggregate(
        **{leaf.column: _there(leaf, m).any() for leaf in readings}
    )
    several = people.group_by(*relations.keys).aggregate(
        **{leaf.column: people.count(where=people[leaf.column]) for leaf in readings}
    )
    both = ones.union(several.select(*ones.columns))
    table = both.group_by(*relations.keys).aggregate(
        **{leaf.column: both[leaf.column].sum().cast("float64") for leaf in readings}
    )
    table = left_join(table, relations.subscriptions.plans_at(ceilings), relations.keys)
    table = table.mutate(
        **{name: table[f"seats_{week}"].cast("float64").nullif(0.0) for week, name in ceilings.items()}
    )
    metric = relations.source.book.metric(SEATS)
    core = int(bool(metric and metric.core))
    others = {
        leaf.column: ibis.null("int64" if isinstance(leaf, FirstRow) else "float64")
        for leaf in wanted
        if not isinstance(leaf, Reading)
    }
    return table.mutate(key=ibis.literal(SEATS), core=ibis.literal(core, type="int64"), **others)


def _there(leaf: Reading, m: Any) -> Any:
    """Whether the person was there at the end of the reading's week."""
    last = 7 * leaf.week
    return (m.age >= last) & (m.left_age.isnull() | (m.left_age < last))
