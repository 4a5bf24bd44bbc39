"""A detection as SQL: written once from the trigger library, run for any day."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import ibis

from agent.foundation.memo import Memo
from agent.signals.formula import Grain, Leaf, utilisation
from agent.signals.library import Entry, Library
from agent.signals.profile import SEATS, expression, leaves_of, left_join, profile
from agent.signals.relations import Relations, Source
from agent.signals.scratch import Script, Step

SOME_DAY = date(1789, 7, 14)
SOME_ACCOUNT = "some account, 1789-07-14"


@dataclass(frozen=True)
class Plan:
    """A detection as SQL, written once for `SOME_DAY` and `SOME_ACCOUNT`."""

    steps: list[Step]
    keyed: dict[Grain, str]
    accounts: str

    def as_text(self) -> str:
        """The plan as a text that can be kept."""
        return json.dumps(
            {"steps": [vars(step) for step in self.steps], "keyed": self.keyed, "accounts": self.accounts}
        )

    @classmethod
    def from_text(cls, text: str) -> Plan:
        """The plan of a kept text; ValueError, KeyError or TypeError for any other text."""
        document = json.loads(text)
        keyed = {Grain(grain): sql for grain, sql in document["keyed"].items()}
        return cls([Step(**step) for step in document["steps"]], keyed, document["accounts"])

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


def plan_for(source: Source, library: Library, extra: list[Leaf], *, single: bool) -> Plan:
    """The plan for these rules, this catalogue and this backend, from the memo where it was written before.

    Building the expressions is most of a small scan's time.
    """
    schemas = [(name, repr(source.tables[name].schema())) for name in sorted(source.tables)]
    columns = [leaf.column for leaf in extra]
    key = Memo.key(source.con.name, schemas, library, source.book, columns, single, _makers())
    text = source.memo.get(key)
    if text is not None:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return Plan.from_text(text)
    plan = _written(_only(source) if single else source, library, extra)
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
            fired = ibis.or_(*[table[fires_column(entry)] for entry in entries])
            keyed[grain] = source.con.compile(table.filter(fired).order_by("account_id", "key"))
    entries = [entry for entry in library.entries if entry.rule.grain is Grain.ACCOUNT]
    fine = [entry for entry in library.entries if entry.rule.grain is not Grain.ACCOUNT]
    wide = keep(profile(relations, Grain.ACCOUNT, _merge(_leaves(entries), extra)))
    new = [name for name in result.columns if name not in wide.columns]
    wide = keep(left_join(wide, result.select("account_id", *new), ["account_id"]))
    wide = wide.mutate(**_verdicts(wide, entries), **_keyed_verdicts(wide, fine))
    return Plan(script.steps, keyed, source.con.compile(wide.order_by("account_id")))


def fires_column(entry: Entry) -> str:
    """The column that says whether a trigger fired."""
    return f"fires_{entry.name}"


def value_column(entry: Entry) -> str:
    """The column of a trigger's value."""
    return f"value_{entry.name}"


def _leaves(entries: list[Entry]) -> list[Leaf]:
    return leaves_of(
        formula
        for entry in entries
        for formula in (entry.rule.value, entry.rule.fires, *[quote.formula for quote in entry.rule.quotes])
    )


def _merge(leaves: list[Leaf], extra: list[Leaf]) -> list[Leaf]:
    return list({leaf.column: leaf for leaf in (*leaves, *extra)}.values())


def _verdicts(table: Any, entries: list[Entry]) -> dict[str, Any]:
    fires = {fires_column(entry): expression(entry.rule.fires, table).fill_null(False) for entry in entries}
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


def _reduced(table: Any, grain: Grain, entries: list[Entry]) -> Any:
    columns = {f"keys_{entry.name}": table.count(where=table[fires_column(entry)]) for entry in entries}
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
    return table.group_by("account_id").aggregate(**columns)


def _only(source: Source) -> Source:
    """The same source with one account's rows, reference tables whole."""
    tables = {
        name: table.filter(table.account_id == SOME_ACCOUNT)
        if "account_id" in table.columns and name != "ceilings"
        else table
        for name, table in source.tables.items()
    }
    return replace(source, tables=tables)
