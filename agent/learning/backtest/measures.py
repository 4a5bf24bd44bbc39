"""What became of alerts: precision, recall, base rate, lift and lead time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.learning.backtest.draws import Draws
from agent.learning.backtest.field import HORIZONS, NEVER, Alerts, Field
from agent.learning.backtest.result import Bin, Horizon, Lead, Signal, SignalKind, Windows

Array = NDArray[Any]
FEW_ACCOUNTS = 10
FEW_EXPANSIONS = 10
BIN = 7


@dataclass(frozen=True)
class Ground:
    """A field, the draws over its accounts, and the base rates by group."""

    field: Field
    draws: Draws
    base: dict[int, tuple[Array, Array]]
    "By horizon: followed and all paying account-days whose days have passed, by group."

    def base_rate(self, horizon: int) -> float | None:
        """Share of paying account-days that an expansion followed."""
        part, whole = self.base[horizon]
        return float(part.sum() / whole.sum()) if whole.sum() else None


def ground(field: Field, draws: Draws) -> Ground:
    """The base rates over a field."""
    base: dict[int, tuple[Array, Array]] = {}
    everyone = np.arange(field.accounts)
    for horizon in HORIZONS:
        part, whole = np.zeros(field.accounts), np.zeros(field.accounts)
        for number in np.flatnonzero(field.is_finished(horizon)):
            eligible = field.eligible[number]
            whole += eligible
            part += eligible & field.follows(np.full(field.accounts, number), everyone, horizon)
        base[horizon] = (draws.sums(everyone, part), draws.sums(everyone, whole))
    return Ground(field, draws, base)


def measure(
    ground: Ground,
    alerts: Alerts,
    name: str,
    kind: SignalKind,
    *,
    weeks: float,
    is_capped: bool = False,
    group: str | None = None,
    windows: Windows | None = None,
) -> Signal:
    """Every figure of one kind of alerts; `weeks` is how long was looked at."""
    field = ground.field
    eligible = field.eligible[alerts.day, alerts.account]
    episodes = int(alerts.starts.sum())
    return Signal(
        name=name,
        kind=kind,
        group=group,
        alerts=len(alerts.day),
        episodes=episodes,
        accounts=len(np.unique(alerts.account)),
        outside=int((~eligible).sum()),
        per_week=(len(alerts.day) if is_capped else episodes) / weeks,
        horizons=tuple(_horizon(ground, alerts, eligible, days) for days in HORIZONS),
        lead=lead_time(field, alerts),
        windows=windows,
    )


def _horizon(ground: Ground, alerts: Alerts, eligible: Array, days: int) -> Horizon:
    field, draws = ground.field, ground.draws
    finished = field.is_finished(days)[alerts.day]
    judged = eligible & finished
    account = alerts.account[judged]
    hit = field.follows(alerts.day[judged], account, days)
    watched = field.is_watched(days)
    expanding = field.expansion_account[watched]
    caught = _alerted_before(field, alerts, expanding, field.expansion_day[watched], days)
    hits, all_judged = draws.sums(account, hit), draws.sums(account)
    base = ground.base_rate(days)
    precision = float(hit.mean()) if len(hit) else None
    clusters = len(np.unique(account))
    return Horizon(
        days=days,
        judged=len(hit),
        unfinished=int((eligible & ~finished).sum()),
        hits=int(hit.sum()),
        precision=precision,
        precision_range=draws.share(hits, all_judged, clusters),
        expansions=len(caught),
        caught=int(caught.sum()),
        recall=float(caught.mean()) if len(caught) else None,
        recall_range=draws.share(
            draws.sums(expanding, caught), draws.sums(expanding), len(np.unique(expanding))
        ),
        base_rate=base,
        lift=precision / base if precision is not None and base else None,
        lift_range=draws.lift(hits, all_judged, *ground.base[days], clusters),
        is_few=clusters < FEW_ACCOUNTS or len(field.expansion_day) < FEW_EXPANSIONS,
    )


def _alerted_before(field: Field, alerts: Alerts, account: Array, day: Array, days: int) -> Array:
    """For each expansion, whether the account had an alert on one of the so many days before it."""
    wide = np.int64(4_000_000)
    keys = alerts.account.astype(np.int64) * wide + field.days[alerts.day]
    own = account.astype(np.int64) * wide
    found: Array = np.searchsorted(keys, own + day) > np.searchsorted(keys, own + day - days)
    return found


def lead_time(field: Field, alerts: Alerts) -> Lead:
    """Days from the first alert of each episode to the next expansion.

    Counted are episodes of paying accounts that an expansion followed no later than the longest horizon after the
    last alert, where that time is over.
    """
    begins = np.flatnonzero(alerts.starts)
    ends = np.append(begins, len(alerts.day))[1:] - 1
    longest = max(HORIZONS)
    first, last = field.days[alerts.day[begins]], field.days[alerts.day[ends]]
    account = alerts.account[begins]
    following = field.next_expansion[alerts.day[begins], account]
    counts = (
        field.eligible[alerts.day[begins], account]
        & (following < NEVER)
        & (following <= last + longest)
        & (last + longest <= field.last)
    )
    waits = (following - first)[counts]
    if not len(waits):
        return Lead(episodes=0, median=None, lower_quartile=None, upper_quartile=None, bins=())
    lower, median, upper = (float(one) for one in np.quantile(waits, [0.25, 0.5, 0.75]))
    edges = np.arange(1, int(waits.max()) + BIN + 1, BIN)
    counted, _ = np.histogram(waits, np.append(edges, edges[-1] + BIN))
    bins = [
        Bin(first=int(edge), last=int(edge) + BIN - 1, count=int(number))
        for edge, number in zip(edges, counted, strict=True)
    ]
    while bins and bins[-1].count == 0:
        bins.pop()
    return Lead(
        episodes=len(waits), median=median, lower_quartile=lower, upper_quartile=upper, bins=tuple(bins)
    )
