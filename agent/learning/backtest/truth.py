"""What really happened: expansions, read from the subscription history.

A subscription's successive periods follow one another, and of several subscriptions to one product that are open at
once, the one of the highest tier counts, the newest of those, as for the plan in force. Trials are no
subscriptions here. Statuses are not looked at besides, because they carry no date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

MAIN = "main"
GAP_DAYS = 30
"A lapse of at most so many days is a late payment; who comes back later is won again, not expanded."
DAY = timedelta(days=1)


class ExpansionKind(StrEnum):
    """The ways an account can come to pay for more."""

    PLAN_UPGRADE = "plan_upgrade"
    SEAT_INCREASE = "seat_increase"
    ADD_ON = "add_on"


@dataclass(frozen=True)
class Expansion:
    """An account began to pay for more on a day."""

    account_id: str
    on: date
    kind: ExpansionKind
    "Of several on one day the first of the enumeration."


@dataclass(frozen=True)
class Period:
    """A stretch of days on which an account pays for one plan, up to and not on `ends_on`."""

    subscription_id: str
    product: str
    tier: int | None
    seats: int | None
    starts_on: date
    ends_on: date
    is_trial: bool = False

    def is_open(self, day: date) -> bool:
        """Whether it covers the day."""
        return self.starts_on <= day < self.ends_on


def paid_periods(
    rows: Iterable[Mapping[str, Any]], plans: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[Period]]:
    """By account, the periods it paid for; a period ends when the next of the same subscription begins."""
    found: dict[str, list[Period]] = {}
    for row in rows:
        plan = plans.get(row["plan_id"], {})
        period = Period(
            subscription_id=row["subscription_id"],
            product=plan.get("product") or MAIN,
            tier=plan.get("tier"),
            seats=row["seats"],
            starts_on=row["starts_on"],
            ends_on=row["ends_on"] or date.max,
            is_trial=row["status"] == "trialing",
        )
        found.setdefault(row["account_id"], []).append(period)
    return {account: _paid(periods) for account, periods in found.items()}


def _paid(periods: list[Period]) -> list[Period]:
    ordered = sorted(periods, key=lambda p: (p.subscription_id, p.starts_on))
    cut = [
        replace(one, ends_on=min(one.ends_on, following.starts_on))
        if one.subscription_id == following.subscription_id
        else one
        for one, following in pairwise(ordered)
    ]
    return [p for p in [*cut, *ordered[-1:]] if not p.is_trial and p.starts_on < p.ends_on]


def expansions_of(account_id: str, periods: list[Period]) -> Iterator[Expansion]:
    """The account's expansions, one a day at most, in the order of days."""
    if len(periods) < 2:
        return
    kinds: dict[date, set[ExpansionKind]] = {}
    for product in {period.product for period in periods}:
        own = [period for period in periods if period.product == product]
        other = [period for period in periods if period.product != product]
        for day in sorted({period.starts_on for period in own}):
            kind = _kind(day, own, other)
            if kind is not None:
                kinds.setdefault(day, set()).add(kind)
    for day in sorted(kinds):
        yield Expansion(account_id, day, min(kinds[day], key=list(ExpansionKind).index))


def _kind(day: date, own: list[Period], other: list[Period]) -> ExpansionKind | None:
    """What the periods of one product that begin on `day` amount to."""
    now = _in_force(own, day)
    if now is None or now.starts_on != day:
        # What began stands beside, or below, the subscription that counts.
        return None
    before = _before(own, day)
    if before is None:
        is_first = all(period.starts_on >= day for period in own)
        holds_another = any(p.is_open(day - DAY) for p in other) and any(p.is_open(day) for p in other)
        return ExpansionKind.ADD_ON if is_first and holds_another else None
    if now.tier is not None and before.tier is not None and now.tier > before.tier:
        return ExpansionKind.PLAN_UPGRADE
    # Another subscription beside one that goes on is not that one with more seats.
    follows = before.subscription_id == now.subscription_id or before.ends_on <= day
    if follows and now.seats is not None and before.seats is not None and now.seats > before.seats:
        return ExpansionKind.SEAT_INCREASE
    return None


def _in_force(periods: list[Period], day: date) -> Period | None:
    return max(
        (period for period in periods if period.is_open(day)),
        key=lambda period: (period.tier or 0, period.starts_on, period.subscription_id),
        default=None,
    )


def _before(own: list[Period], day: date) -> Period | None:
    """The period in force on the day before, or the last one that ended within the gap."""
    held = _in_force(own, day - DAY)
    if held is not None:
        return held
    ended = [period.ends_on for period in own if day - timedelta(days=GAP_DAYS) <= period.ends_on < day]
    return _in_force(own, max(ended) - DAY) if ended else None
