"""What billing vendors share: amounts a month, tiers, which price is offered, and the telling of a subscription's life."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from agent.facts.tables import Plan, SubscriptionStatus, Term
from connectors._rows import Version

MAIN = "main"
YEAR_DAYS = 365
_MONTHS = {
    "day": Fraction(12, YEAR_DAYS),
    "week": Fraction(84, YEAR_DAYS),
    "month": Fraction(1),
    "year": Fraction(12),
}
_NO = frozenset({"false", "no", "0", "off"})


def months_of(unit: str, count: int) -> Fraction:
    """How many months a billing period lasts.

    Raises ValueError for a unit nobody knows and for a period of no length.
    """
    if unit not in _MONTHS or count < 1:
        raise ValueError(f"is no billing period: {count} {unit}")
    return _MONTHS[unit] * count


def monthly(amount: int | Fraction, months: Fraction) -> int:
    """An amount for a whole period as an amount a month, in minor units; a half is rounded up."""
    return int(Fraction(amount) / months + Fraction(1, 2))


def term_of(months: Fraction) -> Term:
    """How long one is committed for."""
    return Term.YEAR if months >= 12 else Term.MONTH


def noted(name: str, *notes: Mapping[str, Any] | None) -> str | None:
    """What the founder has noted under a name in the vendor's metadata; of several places the first that says it."""
    for given in notes:
        value = (given or {}).get(name)
        if value is not None and str(value).strip():
            return str(value).strip()
    return None


def is_noted(name: str, *notes: Mapping[str, Any] | None) -> bool | None:
    """The same for a yes or a no; None where nothing is noted."""
    found = noted(name, *notes)
    return None if found is None else found.lower() not in _NO


def tier_noted(*notes: Mapping[str, Any] | None) -> int | None:
    """The tier that is noted.

    Raises ValueError for one that is no whole number from 1.
    """
    found = noted("tier", *notes)
    if found is None:
        return None
    if not found.isdecimal() or int(found) < 1:
        raise ValueError(f"has a tier that is no whole number from 1: {found[:20]}")
    return int(found)


@dataclass(frozen=True)
class Price:
    """One price of one thing that is sold by subscription."""

    plan_id: str
    name: str
    group: str
    "The vendor's product or item: its prices by month, by year and in other currencies are one tier."
    product: str
    amount: int
    "For one period, in minor units; of one seat where it is per seat."
    months: Fraction
    currency: str
    per_seat: bool
    is_sold: bool
    tier: int | None = None
    "As the founder has noted it."

    @property
    def a_month(self) -> int:
        """What it costs a month."""
        return monthly(self.amount, self.months)


def plans_of(prices: Sequence[Price]) -> Iterator[Plan]:
    """A plan for each price.

    Of the prices of one thing in one currency the one for the shortest period is offered: an offer is quoted by the
    month, and a twelfth of a yearly price is not what a month costs.
    """
    tiers = _tiers(prices)
    shortest: dict[tuple[str, str], Fraction] = {}
    for price in prices:
        if price.is_sold:
            key = (price.group, price.currency)
            shortest[key] = min(price.months, shortest.get(key, price.months))
    for price in prices:
        yield Plan(
            plan_id=price.plan_id,
            name=price.name,
            tier=tiers[price.product, price.group],
            price_minor=price.a_month,
            currency=price.currency,
            per_seat=price.per_seat,
            product=price.product,
            sold=price.is_sold and price.months == shortest[price.group, price.currency],
        )


def _tiers(prices: Sequence[Price]) -> dict[tuple[str, str], int]:
    """The tier of each group of a product: as noted, else its place by price.

    Amounts of different currencies do not compare: the place counts in the currency that most of them have.
    """
    found: dict[tuple[str, str], int] = {}
    for product in sorted({price.product for price in prices}):
        own = [price for price in prices if price.product == product]
        costs: dict[str, dict[str, int]] = {}
        "By currency and group, what a month costs: by the shortest period, of those the lowest."
        for price in sorted(own, key=lambda p: (not p.is_sold, p.months, p.a_month)):
            costs.setdefault(price.currency, {}).setdefault(price.group, price.a_month)
        by_use = sorted(costs, key=lambda currency: (-len(costs[currency]), currency))
        for group in sorted({price.group for price in own}):
            told = [price.tier for price in own if price.group == group and price.tier is not None]
            there = costs[next(currency for currency in by_use if group in costs[currency])]
            place = sorted(set(there.values())).index(there[group]) + 1
            found[product, group] = min(told) if told else place
    return found


class Lives:
    """Tells the lives of subscriptions from what is known of them; of each, what is earlier must come first.

    One subscription of a vendor is several of ours where it has several items: the first is called like the vendor's,
    the others `<vendor's>:<item>`. What is open of those is remembered from one reading to the next, so that an item
    that is gone ends.
    """

    def __init__(self, kept: dict[str, Any]) -> None:
        """`kept` is what the stream keeps."""
        self._open: dict[str, list[str]] = kept.setdefault("items", {})
        self._first: dict[str, Sequence[Version]] = {}
        self._earliest: dict[str, Version] = {}
        self._last: dict[str, datetime] = {}

    def known(self, version: Version) -> Version:
        """One item at one moment: from a bill, which says nothing of others, or from what stood then."""
        name = version.subscription_id
        if name not in self._earliest or version.at < self._earliest[name].at:
            self._earliest[name] = version
        self._last[name] = max(version.at, self._last.get(name, version.at))
        return version

    def last(self, subscription_id: str) -> datetime | None:
        """The last moment of which something is known of one of ours."""
        return self._last.get(subscription_id)

    def stands(self, name: str, versions: Sequence[Version], *, is_now: bool = False) -> Iterator[Version]:
        """How the vendor's subscription `name` stood with all its items; items that it had before end."""
        if not versions:
            return
        # How it stands now comes after all that is known, whatever its own moment; what is over is over since then.
        if is_now and versions[0].status is not SubscriptionStatus.CANCELED:
            last = max(self._last.get(one.subscription_id, one.at) for one in versions)
            later = max(versions[0].at, last + timedelta(microseconds=1))
            versions = [version.model_copy(update={"at": later}) for version in versions]
        self._first.setdefault(name, versions)
        for version in versions:
            yield self.known(version)
        items = {version.subscription_id for version in versions}
        for gone in sorted(set(self._open.get(name, ())) - items):
            ended = {"subscription_id": gone, "status": SubscriptionStatus.CANCELED, "cancel_on": None}
            yield versions[0].model_copy(update=ended)
        if items == {name}:
            self._open.pop(name, None)
        else:
            self._open[name] = sorted(items)

    def began(self, name: str, marks: Iterable[tuple[datetime, SubscriptionStatus]]) -> Iterator[Version]:
        """How it was before anything is known of it: like the earliest that is known, from these moments on."""
        for version in self._first.get(name, ()):
            earliest = self._earliest[version.subscription_id]
            for at, status in marks:
                if at < earliest.at:
                    then = {"at": at, "status": status, "renews_on": None, "cancel_on": None}
                    yield earliest.model_copy(update=then)
