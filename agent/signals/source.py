"""Where an evaluation's rows come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agent.foundation.memo import Memo
from agent.signals.catalogue import PlanBook

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
