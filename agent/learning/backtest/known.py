"""The history a backtest is judged by: expansions, paying days, and from when to when anything is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from agent.facts.tables import MODELS
from agent.foundation import clock
from agent.foundation.errors import OutgrownError
from agent.foundation.warehouse import Warehouse, fetch, scalar
from agent.learning.backtest.truth import Expansion, expansions_of, paid_periods


@dataclass(frozen=True)
class Spell:
    """Days on which an account pays for something, up to and not on `ends_on`."""

    account_id: str
    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class History:
    """What is known of the past of all accounts."""

    expansions: tuple[Expansion, ...]
    "Up to the last day known."
    spells: tuple[Spell, ...]
    tests: frozenset[str]
    "Accounts that are marked as tests."
    first: date
    "The first day of the subscription history."
    last: date
    "The last day of known history: the newest fact, and no later than the last read."
    first_days: Mapping[str, date | None]
    "The first day of each dated table; None for an empty one."
    empty: frozenset[str]
    "Tables without a row."
    notes: tuple[str, ...] = ()


def read_history(warehouse: Warehouse, live_day: date) -> History:
    """The history as the facts tell it, up to `live_day`.

    Raises OutgrownError when there are no subscriptions.
    """
    rows = fetch(
        warehouse.table("subscriptions").select(
            "subscription_id", "account_id", "plan_id", "seats", "starts_on", "ends_on", "status"
        )
    )
    if not rows:
        raise OutgrownError(
            "There are no subscriptions in the facts, so no expansion can be told; add them and run `outgrown sync`."
        )
    t = warehouse.table("plans")
    plans = {row["plan_id"]: row for row in fetch(t.select("plan_id", "tier", product=t["product"]))}
    accounts = warehouse.table("accounts")
    tests = frozenset(
        row["account_id"] for row in fetch(accounts.filter(accounts.is_test).select("account_id"))
    )
    first_days, newest, empty = _extent(warehouse)
    last = min(max(newest), _read_until(warehouse), live_day)
    periods = paid_periods(rows, plans)
    found = [one for account in sorted(periods) for one in expansions_of(account, periods[account])]
    first = min(row["starts_on"] for row in rows)
    if first > last:
        raise OutgrownError(
            f"The subscription history begins on {first} and the facts end on {last}: there is no past to look at; "
            "read older facts with `outgrown sync`."
        )
    notes = () if plans else ("No plans are known, so no plan upgrade can be told.",)
    return History(
        expansions=tuple(one for one in found if one.on <= last),
        spells=tuple(
            Spell(account, one.starts_on, one.ends_on)
            for account in sorted(periods)
            for one in periods[account]
        ),
        tests=tests,
        first=first,
        last=last,
        first_days=first_days,
        empty=empty,
        notes=notes,
    )


def _extent(warehouse: Warehouse) -> tuple[dict[str, date | None], list[date], frozenset[str]]:
    """(first day by dated table, newest days, tables without rows)."""
    first: dict[str, date | None] = {}
    newest: list[date] = []
    empty: set[str] = set()
    for model in MODELS:
        table = warehouse.table(model.TABLE)
        if model.KNOWN_FROM is None:
            if not scalar(table.count()):
                empty.add(model.TABLE)
            continue
        known = table[model.KNOWN_FROM]
        [row] = fetch(table.aggregate(first=known.min(), newest=known.max()))
        first[model.TABLE] = _day(row["first"])
        if row["newest"] is None:
            empty.add(model.TABLE)
        else:
            newest.append(_day(row["newest"]) or date.min)
    return first, newest, frozenset(empty)


def _day(value: date | datetime | None) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def _read_until(warehouse: Warehouse) -> date:
    """The last day that was over when subscriptions were last read."""
    reads = warehouse.table("source_reads")
    newest = scalar(reads.filter(reads.table_name == "subscriptions").read_at.max())
    return date.max if newest is None else clock.last_complete_day(newest)
