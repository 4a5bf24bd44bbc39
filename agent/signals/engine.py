"""The engine: all triggers for all accounts as of one day, set-wise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import ibis

from agent.foundation.warehouse import fetch
from agent.signals.formula import Grain, Leaf, utilisation
from agent.signals.library import Entry, Library
from agent.signals.profile import SEATS, expression, leaves_of, left_join, profile
from agent.signals.relations import Relations, Source
from agent.signals.scratch import scratch

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
        """The keyed rows on which the trigger fired, strongest first, ties by key."""
        rows = self.keyed.get(entry.rule.grain, {}).get(account["account_id"], [])
        fired = [row for row in rows if row[_fires(entry)]]
        return sorted(fired, key=lambda row: (-row[_value(entry)], row["key"]))


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
    if account_id is not None:
        source = _only(source, account_id)
    with scratch(source.con) as space:
        return _detect(Relations(source, as_of, space), library, as_of, extra)


def _detect(relations: Relations, library: Library, as_of: date, extra: list[Leaf]) -> Detection:
    keep = relations.scratch.table
    base = relations.base
    result = base
    keyed: dict[Grain, dict[str, list[Row]]] = {}
    for grain in (Grain.METRIC, Grain.FEATURE, Grain.PRODUCT, Grain.TEAM):
        entries = [entry for entry in library.entries if entry.rule.grain is grain]
        if not entries and grain is not Grain.METRIC:
            continue
        table = relations.scratch.view(profile(relations, grain, _leaves(entries)))
        table = keep(table.mutate(**_verdicts(table, entries)))
        result = left_join(result, keep(_reduced(table, grain, entries)), ["account_id"])
        keyed[grain] = _by_account(table, entries)
    entries = [entry for entry in library.entries if entry.rule.grain is Grain.ACCOUNT]
    fine = [entry for entry in library.entries if entry.rule.grain is not Grain.ACCOUNT]
    wide = keep(profile(relations, Grain.ACCOUNT, _merge(_leaves(entries), extra)))
    new = [name for name in result.columns if name not in wide.columns]
    wide = keep(left_join(wide, result.select("account_id", *new), ["account_id"]))
    wide = wide.mutate(**_verdicts(wide, entries), **_keyed_verdicts(wide, fine))
    rows = fetch(wide.order_by("account_id"))
    return Detection(as_of, rows, keyed)


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


def _by_account(table: Any, entries: list[Entry]) -> dict[str, list[Row]]:
    if not entries:
        return {}
    fired = ibis.or_(*[table[_fires(entry)] for entry in entries])
    rows: dict[str, list[Row]] = {}
    for row in fetch(table.filter(fired).order_by("account_id", "key")):
        rows.setdefault(row["account_id"], []).append(row)
    return rows


def _only(source: Source, account_id: str) -> Source:
    """The same source with one account's rows, reference tables whole."""
    tables = {
        name: table.filter(table.account_id == account_id)
        if "account_id" in table.columns and name != "ceilings"
        else table
        for name, table in source.tables.items()
    }
    return replace(source, tables=tables, asks=source.asks.filter(source.asks.account_id == account_id))
