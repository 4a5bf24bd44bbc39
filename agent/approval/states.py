"""The draft's life and the delivery's: closed vocabularies, and the one table of allowed moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from agent.foundation.errors import MoveRefused


class DraftState(StrEnum):
    """Where a draft stands."""

    DRAFTED = "drafted"
    PENDING = "pending"
    APPROVED = "approved"
    SENDING = "sending"
    SENT = "sent"
    SKIPPED = "skipped"
    SNOOZED = "snoozed"
    STALE = "stale"
    EXPIRED = "expired"
    FAILED = "failed"
    UNKNOWN = "unknown"


class DeliveryState(StrEnum):
    """Where a delivery stands; `unknown` waits for a person."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class DecisionKind(StrEnum):
    """What a person decided about a draft."""

    APPROVED = "approved"
    EDITED = "edited"
    SKIPPED = "skipped"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    SETTLED = "settled"
    CALLED_BACK = "called_back"


_D = DraftState

MOVES: Mapping[DraftState, frozenset[DraftState]] = {
    _D.DRAFTED: frozenset({_D.PENDING}),
    _D.PENDING: frozenset({_D.APPROVED, _D.SKIPPED, _D.SNOOZED, _D.STALE, _D.EXPIRED}),
    _D.SNOOZED: frozenset({_D.PENDING, _D.SKIPPED, _D.STALE, _D.EXPIRED}),
    _D.APPROVED: frozenset({_D.SENDING, _D.STALE}),
    # Back to approved after a failure that will pass; stale when the account may no longer be written to.
    _D.SENDING: frozenset({_D.SENT, _D.APPROVED, _D.STALE, _D.FAILED, _D.UNKNOWN}),
    # Only by a person's word.
    _D.UNKNOWN: frozenset({_D.SENT, _D.PENDING, _D.FAILED}),
    _D.SENT: frozenset(),
    _D.SKIPPED: frozenset(),
    _D.STALE: frozenset(),
    _D.EXPIRED: frozenset(),
    _D.FAILED: frozenset(),
}

EDITABLE = frozenset({_D.PENDING, _D.SNOOZED})
"States in which a person may still change the text."

ON_ITS_WAY = frozenset({DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.UNKNOWN})
"Deliveries that count as a prompt although nobody knows yet that they arrived."


def check_move(
    before: DraftState, after: DraftState, said: Callable[[], str], only_from: DraftState | None = None
) -> None:
    """Raise MoveRefused, beginning with `said`, unless the table (and `only_from`) allows the move."""
    if after not in MOVES[before] or only_from not in (None, before):
        raise MoveRefused(f"{said()}; a draft that is {before} cannot become {after}.")
