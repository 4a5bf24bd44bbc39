"""The ground alerts are judged on: for every as-of date and account, who pays, and when the next expansion comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.learning.backtest.known import History

Array = NDArray[Any]
HORIZONS = (30, 60, 90)
"Days within which an expansion counts as following an alert."
NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Alerts:
    """Alerts as places on the ground, ordered by account, then day."""

    day: Array
    "Index of the as-of date."
    account: Array
    "Index of the account."

    @classmethod
    def of(cls, day: Array, account: Array) -> Alerts:
        """Alerts in any order."""
        order = np.lexsort((day, account))
        return cls(np.asarray(day)[order], np.asarray(account)[order])

    @cached_property
    def starts(self) -> Array:
        """For each alert, whether the account had none on the as-of date before: an episode begins."""
        new = np.ones(len(self.day), dtype=bool)
        new[1:] = (self.account[1:] != self.account[:-1]) | (self.day[1:] != self.day[:-1] + 1)
        return new


@dataclass(frozen=True)
class Field:
    """Everything that is the same for all alerts."""

    days: Array
    "int32: the as-of dates as ordinals, ascending."
    every: int
    last: int
    "Ordinal of the last day of known history."
    eligible: Array
    "bool by date and account: exists, pays, is no test."
    next_expansion: Array
    "int32 by date and account: ordinal of the next expansion after the date, NEVER if none is known."
    expansion_account: Array
    "Index of the account of each expansion, ordered by account, then day."
    expansion_day: Array
    "Ordinal of each expansion."

    @property
    def accounts(self) -> int:
        """How many accounts there are."""
        return int(self.eligible.shape[1])

    def is_finished(self, horizon: int) -> Array:
        """By date: whether so many days have passed since, in known history."""
        done: Array = self.days + horizon <= self.last
        return done

    def follows(self, day: Array, account: Array, horizon: int) -> Array:
        """For each (date, account): whether an expansion follows within the horizon, strictly after the day."""
        soon: Array = self.next_expansion[day, account] - self.days[day] <= horizon
        return soon

    def is_watched(self, horizon: int) -> Array:
        """By expansion: whether the as-of dates cover the so many days before it."""
        begins = self.expansion_day - horizon
        ends = self.expansion_day - 1
        covered = (begins >= self.days[0]) & (ends < self.days[-1] + self.every)
        seen = np.searchsorted(self.days, ends, side="right") > np.searchsorted(
            self.days, begins, side="left"
        )
        watched: Array = covered & seen
        return watched


def lay_out(
    days: Sequence[date], every: int, account_ids: Sequence[str], first_day: Array, history: History
) -> Field:
    """The ground for these dates and accounts; `first_day` is the index of the first date an account existed."""
    place = {account: number for number, account in enumerate(account_ids)}
    ordinal = np.array([day.toordinal() for day in days], dtype=np.int32)
    shape = (len(days), len(account_ids))
    paying = _paying(history, place, ordinal, shape)
    exists = np.arange(len(days))[:, None] >= np.asarray(first_day)[None, :]
    real = np.array([account not in history.tests for account in account_ids], dtype=bool)
    events = sorted(
        (place[one.account_id], one.on.toordinal())
        for one in history.expansions
        if one.account_id in place and one.account_id not in history.tests
    )
    account = np.array([one for one, _ in events], dtype=np.int64)
    day = np.array([one for _, one in events], dtype=np.int32)
    return Field(
        days=ordinal,
        every=every,
        last=history.last.toordinal(),
        eligible=paying & exists & real[None, :],
        next_expansion=next_after(ordinal, account, day, len(account_ids)),
        expansion_account=account,
        expansion_day=day,
    )


def next_after(days: Array, account: Array, day: Array, accounts: int) -> Array:
    """By date and account: the ordinal of the first expansion strictly after the date."""
    found = np.full((len(days) + 1, accounts), NEVER, dtype=np.int32)
    np.minimum.at(found, (np.searchsorted(days, day, side="left"), account), day)
    # Row r holds what lies between dates r-1 and r: the date before sees it, and so do all before that.
    for number in range(len(days) - 1, -1, -1):
        np.minimum(found[number], found[number + 1], out=found[number])
    return found[1:]


def _paying(history: History, place: dict[str, int], days: Array, shape: tuple[int, int]) -> Array:
    spells = [one for one in history.spells if one.account_id in place]
    account = np.array([place[one.account_id] for one in spells], dtype=np.int64)
    starts = np.searchsorted(days, np.array([one.starts_on.toordinal() for one in spells]), side="left")
    ends = np.searchsorted(days, np.array([one.ends_on.toordinal() for one in spells]), side="left")
    change = np.zeros((shape[0] + 1, shape[1]), dtype=np.int32)
    np.add.at(change, (starts, account), 1)
    np.add.at(change, (ends, account), -1)
    paying: Array = np.cumsum(change, axis=0)[: shape[0]] > 0
    return paying
