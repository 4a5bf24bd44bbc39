"""The life of a record on its way to a target: a closed vocabulary, and the one table of allowed moves."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from agent.foundation.errors import MoveRefused


class OutwardState(StrEnum):
    """Where a record stands."""

    WAITING = "waiting"
    "It is not there, and will be told."
    LEASED = "leased"
    "Somebody is telling it."
    DONE = "done"
    UNKNOWN = "unknown"
    "It may be there: it will be told again where that makes no second one, or looked for."
    FAILED = "failed"
    "Nothing more is done until somebody asks for it: `outgrown targets retry`."


_S = OutwardState

MOVES: Mapping[OutwardState, frozenset[OutwardState]] = {
    _S.WAITING: frozenset({_S.LEASED}),
    # To itself: a lease that ran out, or whose holder has ended, is taken over.
    _S.LEASED: frozenset({_S.LEASED, _S.WAITING, _S.DONE, _S.UNKNOWN, _S.FAILED}),
    _S.UNKNOWN: frozenset({_S.LEASED}),
    _S.FAILED: frozenset({_S.WAITING, _S.UNKNOWN}),
    _S.DONE: frozenset(),
}


def check_move(before: OutwardState, after: OutwardState) -> None:
    """Raise MoveRefused unless the table allows the move."""
    if after not in MOVES[before]:
        raise MoveRefused(f"A record that is {before} cannot become {after}.")
