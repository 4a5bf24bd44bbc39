"""The replay as a loop of scans: what the evaluation of many days at once must equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np

from agent.scoring.plays import PLAYS
from agent.scoring.replay import HOLDS, KINDS, NONE, OFFERS, Replay
from agent.scoring.scan import Scan
from agent.signals.library import Library


def replay_by_scans(look: Callable[[date], Scan], days: Sequence[date], library: Library) -> Replay:
    """Each day scanned by itself, and what the scans say gathered."""
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


def _play(name: str | None) -> int:
    return NONE if name is None else PLAYS.index(name)
