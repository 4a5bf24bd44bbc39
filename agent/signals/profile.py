"""The profile: one wide row per account (and per feature, product or team), every leaf a column.

All leaves of one relation that one pass can answer become aggregates of a single group-by, however many triggers
ask for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce
from typing import Any

import ibis

from agent.signals.expressions import DECIMALS, both, in_window, passes
from agent.signals.formula import ZERO_WHEN_EMPTY, Aggregate, Attribute, Grain, Leaf, Test
from agent.signals.joins import left_join
from agent.signals.parts import FLAGS, How, Part, columns_of, sorted_into_parts
from agent.signals.relations import BESIDE, OF_THE_DAY, Relations, only

WORDS = ("name", "contact_name", "contact_email", "language", "segment", "time_zone")
"Texts about an account that no rule reads."
DECIDED_BY = {Grain.FEATURE: FLAGS, Grain.PRODUCT: {"other_product"}}
"Columns that are the same for all rows of a group, so that a group is asked and not each row."


def profile(relations: Relations, grain: Grain, leaves: list[Leaf]) -> Any:
    """The wide table of one grain: the account's keys, `key` unless the grain is the account, and a column per leaf."""
    wanted = [leaf for leaf in leaves if isinstance(leaf, Aggregate)]
    bare = {leaf: _bare(leaf, grain) for leaf in wanted}
    keys = _keys(relations, grain)
    parts: list[tuple[Part, Any]] = []
    different = list(dict.fromkeys(bare.values()))
    for name in sorted({leaf.relation for leaf in different}):
        of_relation = [leaf for leaf in different if leaf.relation == name]
        for part in sorted_into_parts(of_relation, grain, many_days="as_of" in relations.keys):
            parts.append((part, relations.scratch.view(_answered(relations, name, grain, part))))
    table = relations.base if grain is Grain.ACCOUNT else _every_key(relations, parts, keys)
    for _, found in parts:
        on = [key for key in keys if key in found.columns]
        table = left_join(table, found, on)
    if grain is not Grain.ACCOUNT:
        table = left_join(table, account_columns(relations, leaves), relations.keys)
        if any(leaf != bare[leaf] for leaf in wanted):
            table = relations.flagged(table, *(("key", None) if grain is Grain.FEATURE else (None, "key")))
    return table.mutate(**{leaf.column: _finished(leaf, bare[leaf], table) for leaf in wanted})


def _keys(relations: Relations, grain: Grain) -> list[str]:
    return relations.keys if grain is Grain.ACCOUNT else [*relations.keys, "key"]


def _bare(leaf: Aggregate, grain: Grain) -> Aggregate:
    """The leaf without the tests that its group as a whole passes or fails."""
    decided = DECIDED_BY.get(grain, set())
    return replace(leaf, tests=tuple(test for test in leaf.tests if test[0] not in decided))


def _finished(leaf: Aggregate, bare: Aggregate, table: Any) -> Any:
    """The leaf's column: nothing counted is 0, and what is not over yet or does not apply is unknown or 0."""
    value = table[bare.column]
    empty = ibis.literal(0) if leaf.how in ZERO_WHEN_EMPTY else ibis.null(value.type())
    value = value.fill_null(0) if leaf.how in ZERO_WHEN_EMPTY else value
    tests = [test for test in leaf.tests if test not in bare.tests]
    if tests:
        value = ibis.ifelse(passes(tests, table).fill_null(False), value, empty)
    if leaf.since_start:
        value = ibis.ifelse(table.age_days >= leaf.newest, value, ibis.null(value.type()))
    return value


def _every_key(relations: Relations, parts: list[tuple[Part, Any]], keys: list[str]) -> Any:
    daily = [found.select(*keys) for part, found in parts if part.how is not How.START]
    if not daily:
        daily = [relations.spine.every(found.select("account_id", "key")) for _, found in parts]
    return reduce(lambda left, right: left.union(right), daily).distinct()


def _answered(relations: Relations, name: str, grain: Grain, part: Part) -> Any:
    match part.how:
        case How.START:
            t = relations.since_start(only(relations.undated(name), lambda t: _either(part, t)))
            t = t.filter(t.since_start.between(0, max(leaf.newest for leaf in part.leaves)))
            return _grouped(_keyed(t, grain), ["account_id"], grain, part)
        case How.FIRST:
            return _firsts(relations, name, grain, part)
        case How.FEATURES:
            return _by_feature(relations, name, part)
        case How.WINDOW if _is_about_users(relations, grain, part):
            return _by_user(relations, part)
        case How.MEASURED:
            return relations.measured.answer(part.leaves, part.within)
    t = relations.rows(name, columns_of(part.leaves), part.within, lambda t: _either(part, t))
    if any(leaf.since_start for leaf in part.leaves):
        t = relations.since_start(t)
    return _grouped(_keyed(t, grain), relations.keys, grain, part)


def _keyed(t: Any, grain: Grain) -> Any:
    return t if grain is Grain.ACCOUNT else t.filter(t[grain.value].notnull()).mutate(key=t[grain.value])


def _either(part: Part, t: Any) -> Any:
    """What a row must pass to matter to some leaf, by plain columns alone; None when any row may."""
    either = None
    for leaf in part.leaves:
        plain = [test for test in leaf.tests if test[0] not in BESIDE and test[0] not in OF_THE_DAY]
        if not plain:
            return None
        one = passes(plain, t)
        either = one if either is None else either | one
    return either


def _grouped(t: Any, account: list[str], grain: Grain, part: Part) -> Any:
    keys = account if grain is Grain.ACCOUNT else [*account, "key"]
    if part.of is None:
        return t.group_by(*keys).aggregate(**{leaf.column: _aggregate(leaf, t) for leaf in part.leaves})
    t = t.filter(t[part.of].notnull())
    if "once" not in t.columns or part.of != "user_id":
        return _different(t, keys, part)
    # Who came once is counted as they stand; who came several times must not count twice.
    alone = t.filter(t.once)
    ones = alone.group_by(*keys).aggregate(
        **{leaf.column: alone.count(where=_condition(leaf, alone)) for leaf in part.leaves}
    )
    several = _different(t.filter(~t.once), keys, part)
    sums = ones.union(several.select(*ones.columns))
    return sums.group_by(*keys).aggregate(**{leaf.column: sums[leaf.column].sum() for leaf in part.leaves})


def _different(t: Any, keys: list[str], part: Part) -> Any:
    """Each value once, with what it was seen in; then how many were seen in what."""
    seen = {
        leaf.column: ibis.coalesce(_condition(leaf, t), ibis.literal(False)).any() for leaf in part.leaves
    }
    once = t.group_by(*keys, part_of=t[part.of]).aggregate(**seen)
    return once.group_by(*keys).aggregate(
        **{leaf.column: once.count(where=once[leaf.column]) for leaf in part.leaves}
    )


def _condition(leaf: Aggregate, t: Any) -> Any:
    where = both(in_window(leaf, t), passes(leaf.tests, t))
    return ibis.literal(True) if where is None else where


def _aggregate(leaf: Aggregate, t: Any) -> Any:
    where = both(in_window(leaf, t), passes(leaf.tests, t))
    match leaf.how:
        case "count":
            return t.count(where=where)
        case "ever":
            return t.count(where=where).clip(upper=1)
        case "sum":
            return t[leaf.of].sum(where=where).round(DECIMALS)
        case "mean":
            return t[leaf.of].mean(where=where).round(DECIMALS)
        case "min":
            return t[leaf.of].min(where=where)
        case "newest":
            return t[leaf.of].argmin(t.order, where=both(where, t[leaf.of].notnull()))
        case "oldest":
            return t[leaf.of].argmax(t.order, where=both(where, t[leaf.of].notnull()))
        case "age_of_first":
            return t.age.max(where=where)
    raise ValueError(leaf.how)


def _firsts(relations: Relations, name: str, grain: Grain, part: Part) -> Any:
    """The first rows, found once and looked at from every D."""
    t = relations.with_usage(relations.measured.firsts()) if name == "measures" else relations.undated(name)
    t = _keyed(only(t, lambda t: _either(part, t)), grain)
    keys = ["account_id"] if grain is Grain.ACCOUNT else ["account_id", "key"]
    firsts = t.group_by(*keys).aggregate(
        first_day=t.day.min(),
        **{
            f"first_{place}": t.day.min(where=passes(leaf.tests, t)) for place, leaf in enumerate(part.leaves)
        },
    )
    spine = relations.spine
    known = spine.known(relations.scratch.table(firsts), "first_day")
    columns = {}
    for place, leaf in enumerate(part.leaves):
        age = spine.age(known, f"first_{place}")
        seen = age >= 0
        nothing = ibis.literal(0) if leaf.how == "ever" else ibis.null("int64")
        value = ibis.ifelse(seen.fill_null(False), ibis.literal(1) if leaf.how == "ever" else age, nothing)
        columns[leaf.column] = value
    return known.select(*relations.keys, *keys[1:], **columns)


USED: Test = ("kind", "=", ("used",))


def _is_about_users(relations: Relations, grain: Grain, part: Part) -> bool:
    """Whether the part counts who used the product, at least as far back as anybody asks for a last use."""
    counted = grain is Grain.ACCOUNT and part.of == "user_id" and part.leaves[0].relation == "events"
    if not counted or part.within is None or relations.used_within is None:
        return False
    return part.within >= relations.used_within and all(leaf.tests == (USED,) for leaf in part.leaves)


def _by_user(relations: Relations, part: Part) -> Any:
    """Users counted by what they were seen in; who they are, and when they were last seen, is kept for the members."""
    t = relations.rows("events", (), part.within, lambda t: (t.kind == "used") & t.user_id.notnull())
    seen = {leaf.column: in_window(leaf, t).any() for leaf in part.leaves}
    once = t.group_by(*relations.keys, "user_id").aggregate(used_age=t.age.min(), **seen)
    once = relations.by_user = relations.scratch.table(once)
    return once.group_by(*relations.keys).aggregate(
        **{leaf.column: once.count(where=once[leaf.column]) for leaf in part.leaves}
    )


def counted_by_feature(leaves: Iterable[Leaf], *, many_days: bool) -> list[Leaf]:
    """What the feature grain must count besides, for the account's leaves that ask what the plan says of a feature."""
    wanted = [leaf for leaf in leaves if isinstance(leaf, Aggregate) and leaf.relation == "events"]
    parts = sorted_into_parts(wanted, Grain.ACCOUNT, many_days=many_days)
    return [_count_of(leaf) for part in parts if part.how is How.FEATURES for leaf in part.leaves]


def _count_of(leaf: Aggregate) -> Aggregate:
    return replace(_bare(leaf, Grain.FEATURE), how="count", of="")


def _by_feature(relations: Relations, name: str, part: Part) -> Any:
    """Leaves of the account that ask what the plan says of a feature."""
    bare = {leaf: _count_of(leaf) for leaf in part.leaves}
    counts = list(dict.fromkeys(bare.values()))
    f = relations.by_feature
    if f is None or not {leaf.column for leaf in counts} <= set(f.columns):
        plain = replace(part, how=How.WINDOW, leaves=tuple(counts))
        t = relations.rows(name, columns_of(counts), plain.within, lambda t: _either(plain, t))
        t = t.filter(t.feature.notnull())
        f = t.group_by(*relations.keys, key=t.feature).aggregate(
            **{leaf.column: _aggregate(leaf, t) for leaf in counts}
        )
    if "higher" not in f.columns:
        f = relations.flagged(f, "key", None)
    columns = {}
    for leaf in part.leaves:
        number = f[bare[leaf].column]
        applies = passes([test for test in leaf.tests if test[0] in FLAGS], f)
        if leaf.how == "count":
            columns[leaf.column] = number.sum(where=applies)
        else:
            seen = f.count(where=applies & (number > 0))
            columns[leaf.column] = seen.clip(upper=1) if leaf.how == "ever" else seen
    return f.group_by(*relations.keys).aggregate(**columns)


def account_base(relations: Relations) -> Any:
    """Accounts with the plan in force and what their subscriptions say: the attributes of the account grain."""
    s = relations.subscriptions.plan_now.select(
        *relations.keys,
        "plan_id",
        "seats",
        "mrr_minor",
        "currency",
        "status",
        "term",
        "renews_on",
        "discount_pct",
    )
    a = relations.accounts.select(*relations.keys, "created_on", "is_test", "age_days")
    table = left_join(a, s, relations.keys)
    table = left_join(table, relations.subscriptions.facts, relations.keys)
    table = left_join(table, relations.teams, relations.keys)
    # One row for all: since when the company has had tickets, without which silence means nothing.
    t = relations.source.tables["tickets"]
    support = t.aggregate(support_on=t.opened_at.min().date())
    table = table.cross_join(support)
    table = table.mutate(support_age=relations.spine.age(table, "support_on")).drop("support_on")
    sizes = relations.source.book
    counts = [(table.plan_id == plan.plan_id, len(sizes.features_of(plan.plan_id))) for plan in sizes.plans]
    return table.mutate(
        teams=table.teams.fill_null(0),
        cancelling=ibis.ifelse(table.cancel_on.notnull(), 1, 0).cast("int64"),
        plan_features=ibis.cases(*counts, else_=0) if counts else ibis.literal(0),
        days_to_renewal=-relations.spine.age(table, "renews_on"),
    )


def account_columns(relations: Relations, leaves: list[Leaf]) -> Any:
    """The account's attributes that leaves of a finer grain read."""
    names = sorted({leaf.column for leaf in leaves if isinstance(leaf, Attribute)} | {"age_days"})
    return relations.base.select(*relations.keys, *names)


def with_words(relations: Relations, table: Any, names: list[str]) -> Any:
    """`table` with those of `names` that are texts about the account or its plan: looked up last, for few rows."""
    plans = relations.source.tables["plans"].select("plan_id", plan_name="name")
    if "plan_name" in names:
        table = left_join(table, plans, ["plan_id"])
    words = [name for name in names if name in WORDS]
    if not words:
        return table
    return left_join(table, relations.source.tables["accounts"].select("account_id", *words), ["account_id"])
