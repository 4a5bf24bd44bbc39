"""Tickets that a vendor names as deleted by their ids alone: whose they were is what earlier readings landed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from agent.facts.tables import Priority, Ticket
from connectors import _sql
from connectors._api import Api
from connectors._rows import Dated

AT_ONCE = 1000


def gone(api: Api, deleted: Mapping[str, datetime]) -> Iterator[Dated]:
    """The tickets deleted at these moments (UTC), closed and without what they said; none that never landed."""
    ids = sorted(deleted)
    for first in range(0, len(ids), AT_ONCE):
        some = ", ".join(_sql.literal(one) for one in ids[first : first + AT_ONCE])
        for ticket_id, account_id, opened_at, priority in api.landed(
            "SELECT ticket_id, account_id, CAST(opened_at AS TIMESTAMP), priority FROM vendor.tickets "
            f"WHERE ticket_id IN ({some}) "
            "QUALIFY row_number() OVER (PARTITION BY ticket_id ORDER BY changed_at DESC, pulled DESC) = 1"
        ):
            closed = Ticket(
                ticket_id=ticket_id,
                account_id=account_id,
                opened_at=opened_at,
                closed_at=max(deleted[ticket_id], opened_at),
                priority=Priority(priority),
            )
            yield Dated(closed, deleted[ticket_id])
