"""The engine: all triggers for all accounts as of one day, set-wise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import ibis

from agent.foundation.warehouse import fetch_sql
from agent.signals.catalogue import PlanBook
from agent.signals.formula import Grain, Leaf, utilisation
from agent.signals.library import Entry, Library
from agent.signals.profile import SEATS, expression, leaves_of, left_join, profile
from agent.signals.relations import ASK_SCHEMA, ASKS, FLAGS, Relations, Source
from agent.signals.scratch import Script, Step, staged

Row = dict[str, Any]


@dataclass
class Detection:
    """What the triggers found: the accounts' wide rows, and the finer rows on which a trigger fired."""

    as_of: date
    accounts: list[Row]
    keyed: dict[Grain, dict[str, list[Row]]] = field(default_factory=dict)
    "Grain, then account, then the rows that fired, by key."

    def fired(self, account: Row, entry: Entry) -> bool:
        """Whether a trigger fired for the account of this row."""
        return bool(account[_fires(entry)])

    def rows_of(self, account: Row, entry: Entry) -> list[Row]:
        """The keyed rows on which the trigger fired, strongest first, ties by key; seats, bought apart, come last."""
        rows = self.keyed.get(entry.rule.grain, {}).get(account["account_id"], [])
        fired = [row for row in rows if row[_fires(entry)]]
        return sorted(fired, key=lambda row: (row["key"] == SEATS, -row[_value(entry)], row["key"]))


def _fires(entry: Entry) -> str:
    return f"fires_{entry.name}"


def _value(entry: Entry) -> str:
    return f"value_{entry.name}"


def detect(
    source: Source, library: Library, as_of: date, extra: list[Leaf], account_id: str | None = None
) -> Detection:
    """Evaluate every trigger for every account (or one) as known at the end of `as_of`.

    `extra` names further account-level columns that scoring wants from the same passes.
    """
    plan = _plan(source, library, extra, single=account_id is not None)
    asks = [row for row in source.asks if account_id in (None, row["account_id"])]
    given = {ASKS: (asks, ASK_SCHEMA), FLAGS: (source.book.flag_rows(), PlanBook.FLAG_SCHEMA)}
    plan = plan.about(source.con, as_of, account_id)
    with staged(source.con, given, plan.steps):
        keyed = {grain: _by_account(fetch_sql(source.con, sql)) for grain, sql in plan.keyed.items()}
        return Detection(as_of, fetch_sql(source.con, plan.accounts), keyed)


SOME_DAY = date(1789, 7, 14)
SOME_ACCOUNT = "some account, 1789-07-14"


@dataclass(frozen=True)
class Plan:
    """A detection as SQL, written once for `SOME_DAY` and `SOME_ACCOUNT`."""

    steps: list[Step]
    keyed: dict[Grain, str]
    accounts: str

    def about(self, con: Any, as_of: date, account_id: str | None) -> Plan:
        """The same plan for another day and account."""
        swaps = [(_literal(con, SOME_DAY, "date"), _literal(con, as_of, "date"))]
        if account_id is not None:
            swaps.append((_literal(con, SOME_ACCOUNT, "string"), _literal(con, account_id, "string")))

        def swapped(sql: str) -> str:
            for before, after in swaps:
                sql = sql.replace(before, after)
            return sql

        return Plan(
            [replace(step, sql=swapped(step.sql)) for step in self.steps],
            {grain: swapped(sql) for grain, sql in self.keyed.items()},
            swapped(self.accounts),
        )


def _literal(con: Any, value: date | str, kind: str) -> str:
    """A value as the backend writes it in SQL."""
    query = con.compile(ibis.literal(value, type=kind).name("value").as_table())
    return str(query[query.index("SELECT") + 6 : query.rindex(" AS ")]).strip()


def _plan(source: Source, library: Library, extra: list[Leaf], *, single: bool) -> Plan:
    """The plan for these rules, this catalogue and this backend; building it is most of a small scan's time."""
    schemas = tuple((name, repr(source.tables[name].schema())) for name in sorted(source.tables))
    key = (
        source.con.name,
        schemas,
        repr(library),
        repr(source.book),
        tuple(leaf.column for leaf in extra),
        single,
    )
    if key not in _plans:
        while len(_plans) >= PLANS_KEPT:
            _plans.pop(next(iter(_plans)))
        _plans[key] = _written(_only(source) if single else source, library, extra)
    return _plans[key]


PLANS_KEPT = 16
_plans: dict[Any, Plan] = {}


def _written(source: Source, library: Library, extra: list[Leaf]) -> Plan:
    script = Script(source.con)
    relations = Relations(source, SOME_DAY, script)
    keep = script.table
    result = relations.base
    keyed: dict[Grain, str] = {}
    for grain in (Grain.METRIC, Grain.FEATURE, Grain.PRODUCT, Grain.TEAM):
        entries = [entry for entry in library.entries if entry.rule.grain is grain]
        if not entries and grain is not Grain.METRIC:
            continue
        table = script.view(profile(relations, grain, _leaves(entries)))
        table = keep(table.mutate(**_verdicts(table, entries)))
        result = left_join(result, keep(_reduced(table, grain, entries)), ["account_id"])
        if entries:
            fired = ibis.or_(*[table[_fires(entry)] for entry in entries])
            keyed[grain] = source.con.compile(table.filter(fired).order_by("account_id", "key"))
    entries = [entry for entry in library.entries if entry.rule.grain is Grain.ACCOUNT]
    fine = [entry for entry in library.entries if entry.rule.grain is not Grain.ACCOUNT]
    wide = keep(profile(relations, Grain.ACCOUNT, _merge(_leaves(entries), extra)))
    new = [name for name in result.columns if name not in wide.columns]
    wide = keep(left_join(wide, result.select("account_id", *new), ["account_id"]))
    wide = wide.mutate(**_verdicts(wide, entries), **_keyed_verdicts(wide, fine))
    return Plan(script.steps, keyed, source.con.compile(wide.order_by("account_id")))


def _leaves(entries: list[Entry]) -> list[Leaf]:
    return leaves_of(
        formula
        for entry in entries
        for formula in (entry.rule.value, entry.rule.fires, *[quote.formula for quote in entry.rule.quotes])
    )


def _merge(leaves: list[Leaf], extra: list[Leaf]) -> list[Leaf]:
    return list({leaf.column: leaf for leaf in (*leaves, *extra)}.values())


def _verdicts(table: Any, entries: list[Entry]) -> dict[str, Any]:
    fires = {_fires(entry): expression(entry.rule.fires, table).fill_null(False) for entry in entries}
    return fires | {_value(entry): expression(entry.rule.value, table).cast("float64") for entry in entries}


def _keyed_verdicts(table: Any, entries: list[Entry]) -> dict[str, Any]:
    verdicts = {}
    for entry in entries:
        fires = table[f"keys_{entry.name}"].fill_null(0) >= entry.rule.at_least_keys
        if entry.rule.account_fires is not None:
            fires = fires & expression(entry.rule.account_fires, table).fill_null(False)
        verdicts[_fires(entry)] = fires
    return verdicts


def _reduced(table: Any, grain: Grain, entries: list[Entry]) -> Any:
    columns = {f"keys_{entry.name}": table.count(where=table[_fires(entry)]) for entry in entries}
    if grain is Grain.METRIC:
        share = expression(utilisation(0), table)
        # Seats last: a plan's limit was hit, and seats are bought, not planned.
        order = [
            ibis.desc(share.notnull()), table.key == SEATS, ibis.desc(share), ibis.desc(table.core), table.key,
        ]  # fmt: skip
        table = table.mutate(
            share=share, place=ibis.row_number().over(group_by=table.account_id, order_by=order)
        )
        share, fullest = table.share, (table.place == 0) & table.share.notnull()
        columns = {name: table.count(where=table[f"fires_{name[5:]}"]) for name in columns}
        columns["fullest_metric"] = table.key.max(where=fullest)
        columns["fullest_used"] = table.reading_0.max(where=fullest)
        columns["core_utilisation"] = share.max(where=table.core >= 1)
        columns["any_utilisation"] = share.max()
        columns["metrics_known"] = table.count()
    return table.group_by("account_id").aggregate(**columns)


def _by_account(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["account_id"], []).append(row)
    return found


def _only(source: Source) -> Source:
    """The same source with one account's rows, reference tables whole."""
    tables = {
        name: table.filter(table.account_id == SOME_ACCOUNT)
        if "account_id" in table.columns and name != "ceilings"
        else table
        for name, table in source.tables.items()
    }
    return replace(source, tables=tables)
