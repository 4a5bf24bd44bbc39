"""Where every account stood on every day of a range: what a backtest counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.scoring.assessment import OfferKind

HOLDS = (
    "unhealthy", "open_escalation", "past_due", "leaving", "trial", "too_new", "just_changed", "prompted_recently",
    "opted_out", "in_conversation", "nothing_to_offer", "no_contact", "test_account", "ambiguous_identity",
    "stale_source", "figure_mismatch", "holdout",
)  # fmt: skip
LOWEST_BAR = 5
"Points below which nobody asks whether an account would be held."
OFFERS = tuple(OfferKind)
NONE = -1
KINDS = (
    "int32",
    "int32",
    "uint64",
    "int32",
    "int32",
    "float64",
    "int32",
    "int32",
    "int32",
    "int64",
    "uint64",
)
"Types of the columns of a replay, in its order."
Array = NDArray[Any]


@dataclass(frozen=True)
class Replay:
    """Columns of equal length, one entry for each day and account on which at least one trigger fired.

    Entries are ordered by day, then account. An account that existed on a day and has no entry scored 0 points.
    """

    days: tuple[date, ...]
    "The as-of dates, ascending."
    triggers: tuple[str, ...]
    "Bit i of `fired` is the i-th trigger."
    groups: tuple[str, ...]
    "The i-th trigger's group."
    worth: dict[str, int]
    "Points by group."
    account_ids: tuple[str, ...]
    "Every account that existed on the last day, sorted."
    first_day: Array
    "int32 by account: index of the first of `days` on which it existed."

    day: Array
    "int32: index into `days`."
    account: Array
    "int32: index into `account_ids`."
    fired: Array
    "uint64: which triggers fired."
    points: Array
    "int32: points of rule book §4."
    group_count: Array
    "int32: how many groups scored."
    composite: Array
    "float64: the composite, nan without any data."
    matched: Array
    "int32: index into PLAYS of the first play that matched, -1 for none."
    play: Array
    "int32: index into PLAYS of the play whose offer is made, -1 for none."
    offer: Array
    "int32: index into OFFERS, -1 for none."
    adds: Array
    "int64: monthly revenue the offer adds, minor units."
    held: Array
    "uint64: which of HOLDS apply, prompts of the replay itself not counted; below LOWEST_BAR only those of the facts."

    def fired_by(self, trigger: str) -> Array:
        """For each entry, whether the trigger fired."""
        return bit_of(self.fired, self.triggers.index(trigger))

    def held_by(self, hold: str) -> Array:
        """For each entry, whether the hold applies."""
        return bit_of(self.held, HOLDS.index(hold))

    def ready_at(self, points: int, groups: int) -> Array:
        """For each entry, whether the account would be ready at that bar."""
        enough = (self.points >= points) & (self.group_count >= groups) & (self.matched != NONE)
        ready: Array = enough & (self.held == 0)
        return ready


def bit_of(column: Array, place: int) -> Array:
    """For each entry of a column of bits, whether the one at that place is set."""
    found: Array = (column >> np.uint64(place)) & np.uint64(1) == 1
    return found
