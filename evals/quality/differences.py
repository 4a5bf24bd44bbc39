"""How far two evaluations differ, with intervals that hold for few cases too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev

from scipy.special import stdtrit

from evals.quality.result import Z

Interval = tuple[float, float]
USUAL = 0.95
FEWEST_PAIRS = 5
"Below this many cases a mean difference is shown without an interval."


def wilson(good: float, of: float, level: float = USUAL) -> Interval:
    """Wilson's interval of a share; `good` may hold halves, for ties."""
    z = _z(level)
    p = good / of
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def of_rates(old: tuple[float, float], new: tuple[float, float], level: float = USUAL) -> Interval:
    """Newcombe's interval of new minus old, for two shares of different things, each (good, of)."""
    return of_estimates(
        old[0] / old[1], wilson(*old, level=level), new[0] / new[1], wilson(*new, level=level)
    )


def of_paired_rates(old: Sequence[bool], new: Sequence[bool], level: float = USUAL) -> Interval:
    """Newcombe's interval of new minus old, for the same cases looked at twice (his method 10)."""
    n = len(new)
    both = sum(a and b for a, b in zip(old, new, strict=True))
    only_new, only_old = sum(new) - both, sum(old) - both
    neither = n - both - only_new - only_old
    under_root = sum(new) * sum(old) * (n - sum(new)) * (n - sum(old))
    together = float(both * neither - only_new * only_old)
    if together > 0:
        together = max(0.0, together - n / 2)
    phi = together / math.sqrt(under_root) if under_root else 0.0
    return of_estimates(
        sum(old) / n, wilson(sum(old), n, level), sum(new) / n, wilson(sum(new), n, level), phi
    )


def of_estimates(
    old: float, around_old: Interval, new: float, around_new: Interval, phi: float = 0.0
) -> Interval:
    """The interval of new minus old from the interval of each; `phi` is how much the two go together."""
    down = _root(new - around_new[0], around_old[1] - old, phi)
    up = _root(around_new[1] - new, old - around_old[0], phi)
    return new - old - down, new - old + up


def of_means(differences: Sequence[float], level: float = USUAL) -> Interval | None:
    """Student's interval of the mean difference, one difference a case; None for too few cases."""
    n = len(differences)
    if n < FEWEST_PAIRS:
        return None
    middle = fmean(differences)
    half = float(stdtrit(n - 1, 0.5 + level / 2)) * stdev(differences) / math.sqrt(n)
    return middle - half, middle + half


def corrected(comparisons: int) -> float:
    """The level at which each of so many intervals must stand for all together to stand at 95% (Bonferroni)."""
    return 1 - (1 - USUAL) / max(1, comparisons)


def _root(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def _z(level: float) -> float:
    return Z if level == USUAL else NormalDist().inv_cdf(0.5 + level / 2)
