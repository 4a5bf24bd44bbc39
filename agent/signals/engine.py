"""The engine: all triggers for all accounts as of one day or many, set-wise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from agent.foundation.warehouse import compiled, fetch_sql, named_table
from agent.signals.catalogue import PlanBook
from agent.signals.cells import SEATS
from agent.signals.formula import Formula, Grain, Leaf
from agent.signals.library import Entry, Library
from agent.signals.offers import RELIEFS, UPGRADES, relief_rows, upgrade_rows
from agent.signals.offers import SCHEMAS as OFFER_SCHEMAS
from agent.signals.plan import KEYED, Plan, Wanted, fires_column, plan_for, value_column
from agent.signals.scratch import Step, staged
from agent.signals.source import ASK_SCHEMA, ASKS, FLAGS, Source
from agent.signals.spine import SCHEMAS, given_rows

NEW_ASKS = "new_asks"
"The asks of tickets that nobody read before, where those of others are kept."
Row = dict[str, Any]
Answer = TypeVar("Answer")


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
    source: Source,
    library: Library,
    as_of: date,
    extra: Sequence[Leaf],
    account_id: str | None = None,
) -> Detection:
    """Evaluate every trigger for every account (or one) as known at the end of `as_of`.

    `extra` names further account-level columns that scoring wants from the same passes.
    """
    plan = plan_for(source, library, Wanted(tuple(extra)), single=account_id is not None)
    asks = [row for row in source.asks if account_id in (None, row["account_id"])]
    plan = plan.about(source.con, as_of, account_id)
    kept = source.kept_asks
    if kept is not None and account_id is not None:
        kept = kept.filter(kept.account_id == account_id)
    with staged(source.con, _given(source, plan, [as_of], asks), [*_kept(source, kept), *plan.steps]):
        keyed = {
            grain: _by_account(fetch_sql(source.con, plan.answers[grain.value]))
            for grain in KEYED
            if grain.value in plan.answers
        }
        return Detection(as_of, fetch_sql(source.con, plan.answers["accounts"]), keyed)


def survey(
    source: Source,
    library: Library,
    days: Sequence[date],
    extra: Sequence[Leaf],
    decided: Mapping[str, Formula],
    shown: Sequence[str],
    ask: Callable[[str], Answer],
) -> Answer:
    """What `ask` makes of the query for the `shown` columns of every account and day on which a trigger fired.

    All of `days` are evaluated together, and the answer has `as_of` where they are several. `decided` names further
    columns that follow from the profile's.
    """
    many = len(days) > 1
    plan = plan_for(source, library, Wanted(tuple(extra), decided, tuple(shown)), many_days=many)
    plan = plan if many else plan.about(source.con, days[0])
    given = _given(source, plan, days, source.asks) | {
        UPGRADES: (upgrade_rows(source.book), OFFER_SCHEMAS[UPGRADES]),
        RELIEFS: (relief_rows(source.book, days), OFFER_SCHEMAS[RELIEFS]),
    }
    with staged(source.con, given, [*_kept(source, source.kept_asks), *plan.steps]):
        return ask(plan.answers["accounts"])


def _given(
    source: Source, plan: Plan, days: Sequence[date], asks: Sequence[Row]
) -> dict[str, tuple[list[Row], Mapping[str, str]]]:
    """The tables that an evaluation brings along, with their columns."""
    used = [name for name in SCHEMAS if any(name in step.sql for step in plan.steps)]
    of_days = given_rows(days, plan.horizon, plan.cuts) if used else {}
    return {
        ASKS if source.kept_asks is None else NEW_ASKS: (list(asks), ASK_SCHEMA),
        FLAGS: (source.book.flag_rows(), PlanBook.FLAG_SCHEMA),
        **{name: (of_days[name], SCHEMAS[name]) for name in used},
    }


def _kept(source: Source, kept: Any | None) -> list[Step]:
    """The table of all asks, where some are kept: they stay in the warehouse, the others are brought along."""
    if kept is None:
        return []
    new = named_table(source.con, NEW_ASKS, kept.schema())
    return [Step("TABLE", ASKS, compiled(source.con, kept.union(new)))]


def _by_account(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["account_id"], []).append(row)
    return found
