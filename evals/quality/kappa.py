"""Cohen's kappa: how far two raters agree beyond chance, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST = 10
"Pairs of ratings below which nothing is said."
RESAMPLES = 2_000
SEED = 20260301
"Fixed, so that the same ratings give the same interval."


class Kappa(NamedTuple):
    """Kappa and its 95% interval; None where there is too little to go by."""

    value: float | None
    interval: tuple[float, float] | None


def kappa(one: Sequence[int], other: Sequence[int], classes: int, *, weighted: bool = False) -> Kappa:
    """Agreement of two raters over the same items, each rated 0 to classes - 1.

    `weighted` is for ratings in an order: a disagreement counts by the square of its distance. None with fewer
    than ten items, or when the first rater, by whom the other is held, knew one class only.
    """
    if len(one) != len(other):
        raise ValueError("Both raters must have rated the same items.")
    if len(one) < LEAST or len(set(one)) < 2:
        return Kappa(None, None)
    table = _table(np.asarray(one), np.asarray(other), classes)
    value = agreement(table, weighted=weighted)
    if value is None:
        return Kappa(None, None)
    return Kappa(round(value, 4), _interval(table, weighted=weighted))


def agreement(table: NDArray[np.float64], *, weighted: bool = False) -> float | None:
    """Kappa of a square table of counts; None when both raters gave one and the same class throughout."""
    size = len(table)
    total = table.sum()
    if not total:
        return None
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size))).astype(float)
    cost = apart**2 if weighted else (apart > 0).astype(float)
    by_chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / total
    expected = float((cost * by_chance).sum())
    return 1 - float((cost * table).sum()) / expected if expected else None


def _table(one: NDArray[np.int64], other: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    table = np.zeros((classes, classes))
    np.add.at(table, (one, other), 1)
    return table


def _interval(table: NDArray[np.float64], *, weighted: bool) -> tuple[float, float] | None:
    """The middle 95% of kappa over resampled items; None when most resamples have none."""
    chance = np.random.default_rng(SEED)
    size, total = len(table), int(table.sum())
    drawn = chance.multinomial(total, (table / total).ravel(), size=RESAMPLES)
    values = [agreement(one.reshape(size, size).astype(float), weighted=weighted) for one in drawn]
    known = [value for value in values if value is not None]
    if len(known) < RESAMPLES / 2:
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)
