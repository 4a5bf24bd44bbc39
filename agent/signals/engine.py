"""The engine: all triggers for all accounts as of one day, set-wise."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agent.foundation.warehouse import fetch_sql
from agent.signals.catalogue import PlanBook
from agent.signals.formula import Grain, Leaf
from agent.signals.library import Entry, Library
from agent.signals.plan import fires_column, plan_for, value_column
from agent.signals.profile import SEATS
from agent.signals.relations import ASK_SCHEMA, ASKS, FLAGS, Source
from agent.signals.scratch import staged

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
        return bool(account[fires_column(entry)])

    def rows_of(self, account: Row, entry: Entry) -> list[Row]:
        """The keyed rows on which the trigger fired, strongest first, ties by key; seats, bought apart, come last."""
        rows = self.keyed.get(entry.rule.grain, {}).get(account["account_id"], [])
        fired = [row for row in rows if row[fires_column(entry)]]
        return sorted(fired, key=lambda row: (row["key"] == SEATS, -row[value_column(entry)], row["key"]))


def detect(
    source: Source, library: Library, as_of: date, extra: list[Leaf], account_id: str | None = None
) -> Detection:
    """Evaluate every trigger for every account (or one) as known at the end of `as_of`.

    `extra` names further account-level columns that scoring wants from the same passes.
    """
    plan = plan_for(source, library, extra, single=account_id is not None)
    asks = [row for row in source.asks if account_id in (None, row["account_id"])]
    given = {ASKS: (asks, ASK_SCHEMA), FLAGS: (source.book.flag_rows(), PlanBook.FLAG_SCHEMA)}
    plan = plan.about(source.con, as_of, account_id)
    with staged(source.con, given, plan.steps):
        keyed = {grain: _by_account(fetch_sql(source.con, sql)) for grain, sql in plan.keyed.items()}
        return Detection(as_of, fetch_sql(source.con, plan.accounts), keyed)


def _by_account(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["account_id"], []).append(row)
    return found
