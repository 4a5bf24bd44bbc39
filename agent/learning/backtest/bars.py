"""Which account-days a bar would have spoken on, with and without the cap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.learning.backtest.field import Alerts
from agent.scoring.holds import PROMPT_DAYS
from agent.scoring.plays import PLAYS
from agent.scoring.replay import HOLDS, LOWEST_BAR, NONE, Replay

Array = NDArray[Any]
CURVE = range(LOWEST_BAR, 13)
"Points of the bars of the curve: 5 to 12."
UNDATED = ("leaving", "past_due", "trial")
"Holds that may rest on `cancel_on` or a status, which do not say since when they are so."
REPLACED = ("prompted_recently",)
"The cap is simulated as if every ready account had been prompted, in place of the prompts that were sent."


def mask(holds: Sequence[str]) -> np.uint64:
    """The bits of these holds."""
    return np.uint64(sum(1 << HOLDS.index(hold) for hold in holds))


def reached(replay: Replay, points: int, groups: int) -> Array:
    """For each entry, whether the account would be ready but for holds."""
    enough: Array = (replay.points >= points) & (replay.group_count >= groups) & (replay.matched != NONE)
    return enough


def ready(replay: Replay, points: int, groups: int, set_aside: Sequence[str] = ()) -> Array:
    """For each entry, whether the account is ready at that bar with some holds not applied."""
    is_free: Array = (replay.held & ~mask(set_aside)) == 0
    return reached(replay, points, groups) & is_free


def alerts_of(replay: Replay, chosen: Array) -> Alerts:
    """The chosen entries as alerts."""
    return Alerts.of(replay.day[chosen].astype(np.int64), replay.account[chosen].astype(np.int64))


def capped(alerts: Alerts, days: Array) -> Alerts:
    """The alerts that would have become a prompt: the next one at least 30 days after the last; `days` are ordinals."""
    kept = np.zeros(len(alerts.day), dtype=bool)
    # Alerts are ordered by account, then day, so one search over both finds the next that is allowed.
    keys = alerts.account.astype(np.int64) * _WIDE + days[alerts.day]
    begins: Array = np.flatnonzero(np.diff(alerts.account, prepend=-1))
    ends: Array = np.append(begins, len(kept))[1:]
    place = begins
    # One prompt of every account at a time: as many rounds as the busiest account has prompts.
    while len(place):
        kept[place] = True
        place = np.searchsorted(keys, keys[place] + PROMPT_DAYS)
        is_there = place < ends
        place, ends = place[is_there], ends[is_there]
    return Alerts(alerts.day[kept], alerts.account[kept])


_WIDE = np.int64(4_000_000)
"More than any ordinal of a day."


def play_of(replay: Replay) -> Array:
    """For each entry, the play whose offer is made, else the first that matched."""
    chosen: Array = np.where(replay.play != NONE, replay.play, replay.matched)
    return chosen


def plays(replay: Replay) -> dict[str, Alerts]:
    """Alerts by play, whatever the points."""
    chosen = play_of(replay)
    return {play: alerts_of(replay, chosen == number) for number, play in enumerate(PLAYS)}


def triggers(replay: Replay) -> dict[str, Alerts]:
    """Alerts by trigger."""
    return {name: alerts_of(replay, replay.fired_by(name)) for name in replay.triggers}


def held_by(replay: Replay, points: int, groups: int) -> dict[str, int]:
    """How many account-days at the bar each hold covers, most first."""
    there = reached(replay, points, groups)
    counts = {hold: int((there & replay.held_by(hold)).sum()) for hold in HOLDS}
    return dict(sorted(((hold, n) for hold, n in counts.items() if n), key=lambda one: -one[1]))


def nobody_reachable(replay: Replay, points: int) -> bool:
    """Whether no account has an address on any day on which it comes near a bar, of `points` or of the curve."""
    near = replay.points >= min(LOWEST_BAR, points)
    return bool(near.any()) and bool(replay.held_by("no_contact")[near].all())
