"""Could the lift be chance? Histories are shuffled among accounts, and the precision looked at again.

Accounts are ordered by their first and last paying date and cut into blocks of similar tenure. Within a block each
account is given the whole expansion history of another, and its alerts stay: both keep their own rhythm and the
calendar, and only the tie between them is cut. (Shifting histories in time would keep telling accounts that expand
apart from those that never do, and so would miss a trigger that finds the former.) The precision is taken over the
days on which the other account paid, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.learning.backtest.field import HORIZONS, Alerts, Field

Array = NDArray[Any]
PERMUTATIONS = 1_999
BLOCK = 40
"Accounts a block: enough ways to shuffle, little enough difference in tenure."
MOST_BLOCKS = 120
"Above so many blocks a random choice of them is looked at."


@dataclass(frozen=True)
class Shuffled:
    """p-values by alert kind and horizon; nan without alerts."""

    p: Array
    accounts: int
    blocks: int
    permutations: int


def shuffle(
    field: Field, signals: list[Alerts], seed: int, permutations: int = PERMUTATIONS, block: int = BLOCK
) -> Shuffled:
    """For each kind of alerts and horizon: how often shuffled histories give at least the precision found."""
    rng = np.random.default_rng(seed)
    blocks = _blocks(field, rng, block)
    wanted = 2 * len(HORIZONS)
    found = np.zeros((permutations + 1, len(signals), wanted))
    for members in blocks:
        _add(found, field, signals, members, rng)
    hits, judged = found[..., : len(HORIZONS)], found[..., len(HORIZONS) :]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(judged > 0, hits / judged, np.nan)
    # A shuffle in which no alert could be judged counts against the finding.
    as_good = (np.nan_to_num(precision[1:], nan=np.inf) >= precision[0] - 1e-12).sum(axis=0)
    p = (as_good + 1) / (permutations + 1)
    p[np.isnan(precision[0])] = np.nan
    return Shuffled(p, int(sum(len(members) for members in blocks)), len(blocks), permutations)


def _blocks(field: Field, rng: np.random.Generator, size: int) -> list[Array]:
    """Accounts that ever paid, in blocks of similar first and last paying date."""
    ever = np.flatnonzero(field.eligible.any(axis=0))
    if len(ever) < 2:
        return []
    first = field.eligible[:, ever].argmax(axis=0)
    last = len(field.days) - 1 - field.eligible[::-1, ever].argmax(axis=0)
    # Equal tenures in random order, so that ids, which often tell age or origin, make no blocks of their own.
    order = ever[np.lexsort((rng.permutation(len(ever)), last, first))]
    blocks = np.array_split(order, max(1, round(len(order) / size)))
    if len(blocks) > MOST_BLOCKS:
        chosen = sorted(rng.choice(len(blocks), MOST_BLOCKS, replace=False))
        blocks = [blocks[number] for number in chosen]
    return blocks


def _add(found: Array, field: Field, signals: list[Alerts], members: Array, rng: np.random.Generator) -> None:
    """Add a block's hits and judged alerts, as found (row 0) and shuffled."""
    permutations = len(found) - 1
    eligible = field.eligible[:, members]
    wait = field.next_expansion[:, members] - field.days[:, None]
    judged = [eligible & field.is_finished(days)[:, None] for days in HORIZONS]
    hit = [one & (wait <= days) for one, days in zip(judged, HORIZONS, strict=True)]
    donors = np.concatenate([*hit, *judged], axis=1).astype(np.float32)
    size = len(members)
    order = rng.permuted(np.broadcast_to(np.arange(size), (permutations, size)), axis=1)
    order = np.vstack([np.arange(size), order])
    place = np.full(field.accounts, -1)
    place[members] = np.arange(size)
    for number, alerts in enumerate(signals):
        own = place[alerts.account]
        inside = (own >= 0) & field.eligible[alerts.day, alerts.account]
        if not inside.any():
            continue
        there = np.unique(own[inside])
        fired = np.zeros((len(there), len(field.days)), dtype=np.float32)
        fired[np.searchsorted(there, own[inside]), alerts.day[inside]] = 1
        # What each account's alerts would find in each other account's history.
        table = (fired @ donors).reshape(len(there), 2 * len(HORIZONS), size)
        given = order[:, there]
        for column in range(table.shape[1]):
            found[:, number, column] += table[np.arange(len(there)), column, given].sum(axis=1)
