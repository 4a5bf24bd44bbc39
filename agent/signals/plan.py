"""A detection as SQL: written once from the trigger library, run for any day or days."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, partial, reduce
from importlib import metadata
from pathlib import Path
from typing import Any

import ibis

from agent.foundation.memo import Memo
from agent.foundation.warehouse import compiled as compiled_for
from agent.foundation.warehouse import title_of
from agent.signals.backends import written
from agent.signals.cells import SEATS, Cells
from agent.signals.expressions import expression, leaves_of
from agent.signals.formula import Aggregate, Formula, Grain, Leaf, Reading, utilisation
from agent.signals.joins import left_join
from agent.signals.library import Entry, Library
from agent.signals.measured import OneDay
from agent.signals.metrics import metric_profile
from agent.signals.offers import Pointers
from agent.signals.profile import WORDS, account_base, counted_by_feature, profile, with_words
from agent.signals.relations import Relations
from agent.signals.scratch import Script, Step
from agent.signals.source import Numbered, Source
from agent.signals.spine import Spine

SOME_DAY = date(1789, 7, 14)
SOME_ACCOUNT = "some account, 1789-07-14"
KEYED = (Grain.METRIC, Grain.FEATURE, Grain.PRODUCT, Grain.TEAM)


@dataclass(frozen=True)
class Wanted:
    """What an evaluation is asked for besides the triggers."""

    leaves: tuple[Leaf, ...] = ()
    "Account-level columns that scoring wants from the same passes."
    columns: Mapping[str, Formula] = field(default_factory=dict)
    "Account-level columns that follow from the others, in an order in which each may read those before it."
    shown: tuple[str, ...] = ()
    "The columns to answer with, of accounts on which a trigger fired; empty for all columns and accounts."


@dataclass(frozen=True)
class Plan:
    """A detection as SQL, written once for `SOME_DAY` and `SOME_ACCOUNT`, or for many days."""

    steps: list[Step]
    answers: dict[str, str]
    "The queries to ask once the steps are made: one a keyed grain, and `accounts`."
    horizon: int
    cuts: list[int]

    def as_text(self) -> str:
        """The plan as a text that can be kept."""
        return json.dumps({**vars(self), "steps": [vars(step) for step in self.steps]})

    @classmethod
    def from_text(cls, text: str) -> Plan:
        """The plan of a kept text; ValueError, KeyError or TypeError for any other text."""
        document = json.loads(text)
        return cls(**{**document, "steps": [Step(**step) for step in document["steps"]]})

    def about(self, con: Any, as_of: date, account_id: str | None = None) -> Plan:
        """The same plan for another day and account."""
        swaps = [(_literal(con, SOME_DAY, "date"), _literal(con, as_of, "date"))]
        if account_id is not None:
            swaps.append((_literal(con, SOME_ACCOUNT, "string"), _literal(con, account_id, "string")))

        def swapped(sql: str) -> str:
            for before, after in swaps:
                sql = sql.replace(before, after)
            return sql

        return replace(
            self,
            steps=[replace(step, sql=swapped(step.sql)) for step in self.steps],
            answers={name: swapped(sql) for name, sql in self.answers.items()},
        )


def _literal(con: Any, value: date | str, kind: str) -> str:
    """A value as the backend writes it in SQL."""
    query = compiled_for(con, ibis.literal(value, type=kind).name("value").as_table())
    return str(query[query.index("SELECT") + 6 : query.rindex(" AS ")]).strip()


def plan_for(
    source: Source, library: Library, wanted: Wanted, *, single: bool = False, many_days: bool = False
) -> Plan:
    """The plan for these rules, this catalogue and this backend, from the memo where it was written before.

    Building the expressions is most of a small scan's time. `single` looks at one account, `many_days` at as many
    as-of dates as the run brings along.
    """
    # Read in place, the same columns may come from other tables: the whole of how they are read counts.
    tables = [(name, repr(source.tables[name])) for name in sorted(source.tables)]
    key = Memo.key(source.con.name, tables, library, source.book, wanted, single, many_days, _makers())
    text = source.memo.get(key)
    if text is not None:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return Plan.from_text(text)
    read, day = _only(source) if single else source, None if many_days else SOME_DAY
    plan = written(
        title_of(source.con),
        library,
        _Writer(read, library, wanted, day).plan,
        lambda rules: _Writer(read, rules, Wanted(), day).plan(),
    )
    source.memo.put(key, plan.as_text())
    return plan


@cache
def _makers() -> str:
    """What else a plan depends on: our own code, and the libraries that write SQL."""
    code = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        code.update(path.read_bytes())
    versions = [metadata.version(name) for name in ("ibis-framework", "sqlglot", "duckdb")]
    return f"{code.hexdigest()} {versions}"


class _Writer:
    """Writes one plan."""

    def __init__(self, source: Source, library: Library, wanted: Wanted, day: date | None) -> None:
        self.source = source
        self.library = library
        self.wanted = wanted
        self.script = Script(source.con)
        self.spine = Spine(self.script, day)
        numbered = Numbered(source, self.script) if wanted.shown else None
        self.relations = Relations(numbered.source if numbered else source, self.spine, self.script, numbered)
        self.relations.base = self.script.table(account_base(self.relations))
        self.keys = list(self.spine.keys)
        self.one_day = day is not None
        self.fired: dict[Grain, Any] = {}
        self.account_leaves: list[Leaf] = []

    def plan(self) -> Plan:
        """The steps and questions of the whole evaluation."""
        every = self._leaves_of(self.library.entries) + list(self.wanted.leaves)
        self.relations.used_within = _used_within(every)
        every.append(Reading(0))
        self.relations.measured = (OneDay if self.one_day else Cells)(self.relations, every)
        own = [entry for entry in self.library.entries if entry.rule.grain is Grain.ACCOUNT]
        leaves = {leaf.column: leaf for leaf in (*self._leaves_of(own), *self.wanted.leaves)}
        self.account_leaves = list(leaves.values())
        finer = reduce(
            self._joined, [self._keyed(grain) for grain in KEYED], self.relations.base.select(*self.keys)
        )
        wide = self._joined(profile(self.relations, Grain.ACCOUNT, self.account_leaves), finer)
        wide = self.script.view(wide)
        fine = [entry for entry in self.library.entries if entry.rule.grain is not Grain.ACCOUNT]
        wide = wide.mutate(**_verdicts(wide, own), **_keyed_verdicts(wide, fine))
        wide = wide.mutate(**_points(wide, self.library))
        for name, formula in self.wanted.columns.items():
            wide = wide.mutate(**{name: expression(formula, wide)})
        return self._asked(wide)

    def _asked(self, wide: Any) -> Plan:
        compiled = partial(compiled_for, self.source.con)
        answers = {}
        if self.wanted.shown:
            wide = self.script.table(wide.filter(wide.fired_triggers > 0))
            wide = Pointers(self.script, self.keys, self.library).with_places(wide, self.fired)
            wide = with_words(self.relations, wide, list(self.wanted.shown))
            answers["accounts"] = compiled(wide.select(*self.keys, *self.wanted.shown).order_by(*self.keys))
        else:
            for grain, table in self.fired.items():
                answers[grain.value] = compiled(table.order_by(*self.keys, "key"))
            answers["accounts"] = compiled(
                with_words(self.relations, wide, [*WORDS, "plan_name"]).order_by(*self.keys)
            )
        return Plan(self.script.steps, answers, self.spine.horizon, sorted(self.spine.cuts))

    def _joined(self, left: Any, right: Any) -> Any:
        return left if right is None else left_join(left, right, self.keys)

    def _leaves_of(self, entries: Any) -> list[Leaf]:
        rules = [entry.rule for entry in entries]
        formulas = [
            formula
            for rule in rules
            for formula in (
                rule.value,
                rule.fires,
                *([] if self.wanted.shown else [q.formula for q in rule.quotes]),
            )
        ]
        return leaves_of(formulas)

    def _keyed(self, grain: Grain) -> Any:
        """What the triggers of a finer grain come to for the account; None where there is none."""
        entries = [entry for entry in self.library.entries if entry.rule.grain is grain]
        if not entries and grain is not Grain.METRIC:
            return None
        leaves = self._leaves_of(entries)
        if grain is Grain.FEATURE:
            more = counted_by_feature(self.account_leaves, many_days=not self.one_day)
            leaves = list({leaf.column: leaf for leaf in (*leaves, *more)}.values())
        make = (
            metric_profile(self.relations, leaves)
            if grain is Grain.METRIC
            else profile(self.relations, grain, leaves)
        )
        table = self.script.view(make)
        table = self.script.table(table.mutate(**_verdicts(table, entries)))
        if grain is Grain.FEATURE:
            self.relations.by_feature = table
        reduced = self.script.table(_reduced(table, self.keys, grain, entries))
        if entries:
            fired = table.filter(ibis.or_(*[table[fires_column(entry)] for entry in entries]))
            self.fired[grain] = fired
        return reduced


def fires_column(entry: Entry) -> str:
    """The column that says whether a trigger fired."""
    return f"fires_{entry.name}"


def value_column(entry: Entry) -> str:
    """The column of a trigger's value."""
    return f"value_{entry.name}"


def _used_within(leaves: list[Leaf]) -> int | None:
    """How far back anybody asks for a member's last use; None where that has no bound."""
    tests = [
        test for leaf in leaves if isinstance(leaf, Aggregate) for test in leaf.tests if test[0] == "used_age"
    ]
    if any(sign not in ("<=", "<") for _, sign, _ in tests):
        return None
    return max((int(values[0]) + 1 for _, _, values in tests), default=1)


def _verdicts(table: Any, entries: list[Entry]) -> dict[str, Any]:
    fires = {}
    for entry in entries:
        one = expression(entry.rule.fires, table).fill_null(False)
        if entry.rule.only:
            one = one & table.key.isin(entry.rule.only)
        fires[fires_column(entry)] = one
    return fires | {
        value_column(entry): expression(entry.rule.value, table).cast("float64") for entry in entries
    }


def _keyed_verdicts(table: Any, entries: list[Entry]) -> dict[str, Any]:
    verdicts = {}
    for entry in entries:
        fires = table[f"keys_{entry.name}"].fill_null(0) >= entry.rule.at_least_keys
        if entry.rule.account_fires is not None:
            fires = fires & expression(entry.rule.account_fires, table).fill_null(False)
        verdicts[fires_column(entry)] = fires
    return verdicts


def _points(table: Any, library: Library) -> dict[str, Any]:
    """Points of rule book §4: a group scores once; and which triggers fired, as bits in the library's order."""
    zero = ibis.literal(0, type="int64")
    bits = [
        ibis.ifelse(table[fires_column(entry)], ibis.literal(1 << place, type="int64"), zero)
        for place, entry in enumerate(library.entries)
    ]
    scored, counted = [zero], [zero]
    for group, worth in library.points.items():
        fires = [table[fires_column(entry)] for entry in library.entries if entry.group == group]
        if fires:
            scored.append(ibis.ifelse(ibis.or_(*fires), ibis.literal(worth, type="int64"), zero))
            counted.append(ibis.ifelse(ibis.or_(*fires), ibis.literal(1, type="int64"), zero))
    return {
        "points": reduce(lambda a, b: a + b, scored),
        "group_count": reduce(lambda a, b: a + b, counted),
        "fired_triggers": reduce(lambda a, b: a + b, bits, zero),
    }


def _reduced(table: Any, keys: list[str], grain: Grain, entries: list[Entry]) -> Any:
    columns = {f"keys_{entry.name}": table.count(where=table[fires_column(entry)]) for entry in entries}
    if grain is Grain.METRIC:
        share = expression(utilisation(0), table)
        # Seats last: a plan's limit was hit, and seats are bought, not planned.
        order = [
            ibis.desc(share.notnull()), table.key == SEATS, ibis.desc(share), ibis.desc(table.core), table.key,
        ]  # fmt: skip
        by = [table[key] for key in keys]
        table = table.mutate(share=share, place=ibis.row_number().over(group_by=by, order_by=order))
        share, fullest = table.share, (table.place == 0) & table.share.notnull()
        columns = {name: table.count(where=table[f"fires_{name[5:]}"]) for name in columns}
        columns["fullest_metric"] = table.key.max(where=fullest)
        columns["fullest_used"] = table.reading_0.max(where=fullest)
        columns["core_utilisation"] = share.max(where=table.core >= 1)
        columns["any_utilisation"] = share.max()
    return table.group_by(*keys).aggregate(**columns)


def _only(source: Source) -> Source:
    """The same source with one account's rows, reference tables whole."""
    tables = {
        name: table.filter(table.account_id == SOME_ACCOUNT)
        if "account_id" in table.columns and name != "ceilings"
        else table
        for name, table in source.tables.items()
    }
    return replace(source, tables=tables)
