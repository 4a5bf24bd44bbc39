"""95% intervals that respect that alerts of one account are not independent.

Accounts are drawn with replacement, each with all its days, alerts and expansions (cluster bootstrap, percentiles):
successive days of one account stand and fall together, and the base rate varies along with the precision. Where all
that was judged came out the same way, drawing says nothing, and the interval is Wilson's over accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from agent.learning.backtest.result import Range

Array = NDArray[Any]
DRAWS = 2_000
LEVEL = 0.95
MOST_GROUPS = 2_000
"Above so many accounts, whole accounts are pooled at random: sums of so many groups vary like sums of accounts."


@dataclass(frozen=True)
class Draws:
    """Bootstrap weights over groups of whole accounts."""

    group: Array
    "The group of each account."
    weights: Array
    "How often each draw holds each group."

    def sums(self, account: Array, values: Array | None = None) -> Array:
        """Sums by group of one value an entry, or counts."""
        given = None if values is None else np.asarray(values, dtype=np.float64)
        return np.bincount(self.group[account], weights=given, minlength=self.weights.shape[1]).astype(float)

    def share(self, part: Array, whole: Array, clusters: int) -> Range | None:
        """Interval of sum(part) / sum(whole), given by group; `clusters` accounts have any."""
        all_of, some = float(whole.sum()), float(part.sum())
        if all_of == 0:
            return None
        if some in (0.0, all_of):
            return _wilson(int(some > 0) * clusters, clusters)
        return _percentiles(_divided(self.weights @ part, self.weights @ whole))

    def lift(
        self, part: Array, whole: Array, base_part: Array, base_whole: Array, clusters: int
    ) -> Range | None:
        """Interval of the share over the base share."""
        if whole.sum() == 0 or base_part.sum() == 0:
            return None
        base = float(base_part.sum() / base_whole.sum())
        if part.sum() in (0.0, whole.sum()):
            ends = _wilson(int(part.sum() > 0) * clusters, clusters)
            low, high = (None if end is None else end / base for end in (ends.low, ends.high))
            return Range(low=low, high=high)
        precision = _divided(self.weights @ part, self.weights @ whole)
        return _percentiles(
            _divided(precision, _divided(self.weights @ base_part, self.weights @ base_whole))
        )


def draw(accounts: int, seed: int, draws: int = DRAWS) -> Draws:
    """Weights for so many accounts, the same for the same seed."""
    rng = np.random.default_rng(seed)
    groups = max(1, min(accounts, MOST_GROUPS))
    group = np.arange(accounts) if accounts <= MOST_GROUPS else rng.permutation(np.arange(accounts) % groups)
    weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(np.float64)
    return Draws(group, weights)


def _divided(part: Array, whole: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        divided: Array = np.where(whole > 0, part / whole, np.nan)
    return divided


def _percentiles(values: Array) -> Range:
    tail = (1 - LEVEL) / 2
    known = values[np.isfinite(values)]
    if not len(known):
        return Range(low=None, high=None)
    low, high = np.quantile(known, [tail, 1 - tail])
    return Range(low=float(low), high=float(high))


def _wilson(hits: int, of: int) -> Range:
    found = stats.binomtest(hits, max(of, 1)).proportion_ci(LEVEL, method="wilson")
    return Range(low=max(0.0, float(found.low)), high=min(1.0, float(found.high)))
