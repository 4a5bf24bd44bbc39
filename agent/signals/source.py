"""Where an evaluation's rows come from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import ibis

from agent.foundation.memo import Memo
from agent.signals.catalogue import PlanBook
from agent.signals.scratch import Script

ASKS, FLAGS = "given_asks", "given_flags"
"Tables that a run brings along: what the tickets ask for, and what the plans say about features."
ASK_SCHEMA = {
    "ticket_id": "string", "account_id": "string", "opened_on": "date", "ticket_class": "string", "feature": "string",
    "product": "string", "deadline_on": "date",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where the rows come from: Ibis tables by canonical name, the asks of the tickets, the plans."""

    con: Any
    tables: dict[str, Any]
    asks: tuple[dict[str, Any], ...]
    book: PlanBook
    memo: Memo = field(default_factory=Memo, compare=False)
    kept_asks: Any | None = None
    "Further asks, those of tickets that were read before: an Ibis table of the warehouse itself."


class Numbered:
    """Accounts by number instead of by id, for evaluations so large that comparing texts is most of the work.

    The number is the account's place among all accounts by id, from 1.
    """

    def __init__(self, source: Source, script: Script) -> None:
        a = source.tables["accounts"].select("account_id")
        number = 1 + ibis.row_number().over(order_by=a.account_id)
        self.ids = script.table(a.select(known_as=a.account_id, number=number.cast("int32")))
        self.source = replace(
            source, tables={name: self._table(name, t) for name, t in source.tables.items()}
        )

    def _table(self, name: str, t: Any) -> Any:
        # Measures are numbered when they have become few.
        return (
            t if "account_id" not in t.columns or name == "measures" else self.of(t, every=name == "ceilings")
        )

    def of(self, t: Any, *, every: bool = False) -> Any:
        """`t` with numbers for ids; rows of accounts that are not known, or of none, only with `every`."""
        names = list(t.columns)
        on = [t.account_id == self.ids.known_as]
        joined = t.left_join(self.ids, on) if every else t.inner_join(self.ids, on)
        return joined.select(
            *[joined[name] for name in names if name != "account_id"], account_id=joined.number
        ).select(*names)
