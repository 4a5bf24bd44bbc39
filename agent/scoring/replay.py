"""Where every account stood on every day of a range: what a backtest counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.scoring.assessment import OfferKind
from agent.scoring.plays import PLAYS
from agent.scoring.scan import Scan
from agent.signals.library import Library

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
        return _bit(self.fired, self.triggers.index(trigger))

    def held_by(self, hold: str) -> Array:
        """For each entry, whether the hold applies."""
        return _bit(self.held, HOLDS.index(hold))

    def ready_at(self, points: int, groups: int) -> Array:
        """For each entry, whether the account would be ready at that bar."""
        enough = (self.points >= points) & (self.group_count >= groups) & (self.matched != NONE)
        ready: Array = enough & (self.held == 0)
        return ready


def replay_by_scans(look: Callable[[date], Scan], days: Sequence[date], library: Library) -> Replay:
    """The replay as a loop of scans: slow, and what any faster way must equal."""
    names = [entry.name for entry in library.entries]
    bit = {name: 1 << place for place, name in enumerate(names)}
    first: dict[str, int] = {}
    entries: list[tuple[Any, ...]] = []
    for number, day in enumerate(days):
        for one in sorted(look(day).accounts, key=lambda one: one.account_id):
            first.setdefault(one.account_id, number)
            if not one.findings:
                continue
            entries.append(
                (
                    number,
                    one.account_id,
                    sum(bit[finding.trigger] for finding in one.findings),
                    one.points,
                    len(one.groups),
                    float("nan") if one.composite is None else one.composite,
                    _play(one.matched),
                    _play(one.play),
                    OFFERS.index(one.offer.kind) if one.offer else NONE,
                    one.offer.adds_monthly_minor if one.offer else 0,
                    sum(1 << HOLDS.index(hold) for hold in {hold.hold for hold in one.holds}),
                )
            )
    account_ids = tuple(sorted(first))
    place = {account_id: number for number, account_id in enumerate(account_ids)}
    columns: list[tuple[Any, ...]] = list(zip(*entries, strict=True)) if entries else [()] * len(KINDS)
    columns[1] = tuple(place[account_id] for account_id in columns[1])
    arrays = [np.array(column, dtype=kind) for column, kind in zip(columns, KINDS, strict=True)]
    return Replay(
        tuple(days),
        tuple(names),
        tuple(entry.group for entry in library.entries),
        dict(library.points),
        account_ids,
        np.array([first[account_id] for account_id in account_ids], dtype=np.int32),
        *arrays,
    )


def _bit(column: Array, place: int) -> Array:
    found: Array = (column >> np.uint64(place)) & np.uint64(1) == 1
    return found


def _play(name: str | None) -> int:
    return NONE if name is None else PLAYS.index(name)
