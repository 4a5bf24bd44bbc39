"""How a subscription stood, and when: out of events, out of what it says of itself now, and out of its bills."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

from agent.facts.tables import SubscriptionStatus, Term
from connectors._rows import Version
from connectors._shapes import day_of
from connectors._stripe_events import Happening
from connectors._stripe_money import a_period, discounted, minor, months
from connectors._stripe_plans import Catalogue
from connectors._stripe_prices import Coupon, Discount, Price
from connectors._stripe_shapes import Item, Line, Standing

V = TypeVar("V")
Terms = Callable[[Discount], tuple[Coupon, datetime | None] | None]
"From a discount to what it takes off and until when; None where Stripe no longer says."


class Bought(NamedTuple):
    """What one item of a subscription is for, and what it brings a month."""

    plan_id: str
    seats: int | None
    mrr_minor: int
    currency: str
    term: Term
    discount_pct: float | None


class Phase(NamedTuple):
    """Where the subscription as a whole stands."""

    status: SubscriptionStatus
    cancel_on: date | None


@dataclass
class Known:
    """Everything that one reading has heard of one subscription."""

    listed: Standing | None = None
    "As it stood in the listing."
    happened: list[tuple[datetime, Standing | None, Standing]] = field(default_factory=list)
    "Events in order: when, how it stood before (None for its first one), and after."
    lines: list[Line] = field(default_factory=list)
    "Lines of its bills."
    seen: list[tuple[datetime, Standing]] = field(default_factory=list)
    "How it stands now, asked for because something happened to it at that moment."


def name_of(standing: Standing, item: Item) -> str:
    """The id of one item's subscription in the facts.

    The oldest item carries the subscription's own id, every further one the item's besides. So the usual
    subscription, with one item, keeps one name whatever is exchanged in it, and what is added to it or taken away
    never changes the name of what was there before it.
    """
    return standing.id if item.id == standing.ordered[0].id else f"{standing.id}:{item.id}"


def names(standing: Standing | None) -> set[str]:
    """The ids in the facts of all items of a subscription."""
    return set() if standing is None else {name_of(standing, item) for item in standing.items}


class Historian:
    """Makes versions.

    `now` is the moment of reading, `horizon` the one from which on events are complete, `read_until` the end of the
    last reading.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        terms: Terms,
        now: datetime,
        horizon: datetime,
        read_until: datetime,
    ) -> None:
        self.catalogue, self.terms = catalogue, terms
        self.now, self.horizon, self.read_until = now, horizon, read_until

    def versions(self, known: Known, landed: set[str] | None) -> Iterator[Version]:
        """The versions of one subscription, one of each name and second; raises ValueError for what makes no sense.

        `landed` are the names of it that were open at the last reading, which end if nothing carries them any more;
        None where nothing was ever told of it: then its past is told as well.
        """
        found: dict[tuple[str, datetime], Version] = {}
        if known.listed is not None:
            first = known.happened[0] if known.happened else None
            stood = known.listed if first is None else first[1]
            # One that began while we read is told as well.
            now = max(self.now, known.listed.start_date + timedelta(seconds=1))
            until = now if first is None else first[0]
            if stood is not None and stood.stands is not None:
                past = self._past(stood, known.lines, until) if landed is None else self._since(stood, until)
                found |= {(one.subscription_id, one.at): one for one in past}
                for name in sorted((landed or set()) - names(stood)):
                    at = max(stood.start_date, min(self.horizon, until))
                    found[name, at] = self._ended(stood, name, at)
        for at, before, after in known.happened:
            found |= {(one.subscription_id, at): one for one in self._change(before, after, at)}
        last = known.happened[-1] if known.happened else None
        seen = [(at, standing) for at, standing in known.seen if last is None or at > last[0]]
        if known.listed is not None and last is not None and last[0] < self.now:
            seen.append((self.now, known.listed))
        for at, standing in seen:
            if last is None or self._picture(standing, at) != self._picture(last[2], last[0]):
                before = last[2] if last else None
                found |= {(one.subscription_id, at): one for one in self._change(before, standing, at)}
        yield from found.values()

    def _change(self, before: Standing | None, after: Standing, at: datetime) -> Iterator[Version]:
        """The items as they stand after a change, and the end of those that are gone."""
        if after.stands is None:
            return
        for name, (bought, renews_on) in self._all(after, at).items():
            yield self._version(after, name, at, bought, Phase(after.stands, after.leaves_on), renews_on)
        if before is not None and before.stands is not None:
            for name in sorted(names(before) - names(after)):
                yield self._ended(before, name, at)

    def _picture(self, standing: Standing, at: datetime) -> object:
        return standing.stands, standing.leaves_on, self._all(standing, at)

    def _all(self, standing: Standing, at: datetime) -> dict[str, tuple[Bought, date | None]]:
        """What each item of a subscription is for at a moment, and when it renews, by name."""
        ordered = standing.ordered
        bought = self._bought(standing, [(item.price, item.quantity) for item in ordered], at)
        end = standing.current_period_end
        return {
            name_of(standing, item): (one, day_of(item.current_period_end or end))
            for item, one in zip(ordered, bought, strict=True)
        }

    def _bought(
        self, standing: Standing, parts: list[tuple[Price, int | None]], at: datetime
    ) -> list[Bought]:
        prices = [self.catalogue.full(price) for price, _ in parts]
        currency = standing.currency or prices[0].currency
        # What is billed by use is not agreed beforehand: it is no recurring revenue.
        full = [
            (a_period(price, 1 if count is None else count, currency) or Fraction(0)) / months(price)
            for price, (_, count) in zip(prices, parts, strict=True)
        ]
        own = [list(self._terms(item.discounts)) for item in standing.ordered]
        bill = min(months(price) for price in prices)
        own += [[]] * (len(full) - len(own))
        left = discounted(full, own[: len(full)], list(self._terms(standing.discounts)), currency, at, bill)
        return [
            self._one(price, count, currency, before, after)
            for price, (_, count), before, after in zip(prices, parts, full, left, strict=True)
        ]

    def _one(self, price: Price, count: int | None, currency: str, full: Fraction, left: Fraction) -> Bought:
        share = 1 - left / full if full else Fraction(0)
        return Bought(
            self.catalogue.plan_id(price, currency),
            count if self.catalogue.is_per_seat(price) else None,
            minor(left, currency),
            currency,
            Term.YEAR if months(price) >= 12 else Term.MONTH,
            round(float(share * 100), 2) if share else None,
        )

    def _terms(self, discounts: Iterable[Discount]) -> Iterator[tuple[Coupon, datetime | None]]:
        for one in discounts:
            found = self.terms(one)
            if found is not None:
                yield found

    def _past(self, stood: Standing, lines: list[Line], until: datetime) -> Iterator[Version]:
        """What a subscription and its bills say of the time before `until`."""
        lines = [line for line in lines if line.start < until]
        phases, renewals = _phases(stood, until), _renewals(stood, lines)
        current = self._all(stood, min(self.now, until))
        for name, (bought, _) in current.items():
            item = next(item for item in stood.items if name_of(stood, item) == name)
            is_main = name == stood.id
            told = self._billed(stood, [line for line in lines if _is_of(line, item, is_main, stood)])
            start = stood.start_date if is_main else max(stood.start_date, item.created or stood.start_date)
            if told and _is_as(told[-1][1], bought):
                told[-1] = (told[-1][0], bought)
            elif told:
                # It is otherwise now than on its last bill, and nothing says since when: surely when events begin.
                told.append((max(told[-1][0], start, min(self.horizon, until)), bought))
            if not told or told[0][0] > start:
                told.insert(0, (start, told[0][1] if told else bought))
            moments = {start, *(at for series in (phases, renewals, told) for at, _ in series)}
            for at in sorted(at for at in moments if start <= at < until):
                version = self._version(
                    stood, name, at, _as_of(told, at), _as_of(phases, at), _as_of(renewals, at)
                )
                yield version
                if version.status is SubscriptionStatus.CANCELED:
                    break

    def _since(self, stood: Standing, until: datetime) -> Iterator[Version]:
        """How a subscription stood when events begin, and what it dates itself since the last reading."""
        base = max(stood.start_date, min(self.horizon, until))
        phases, renewals = _phases(stood, until), _renewals(stood, [])
        dated = {at for at, _ in (*phases, *renewals) if self.read_until < at < until}
        is_over = _as_of(phases, base).status is SubscriptionStatus.CANCELED
        for name, (bought, _) in self._all(stood, base).items():
            for at in sorted(dated if is_over else {base, *dated}):
                yield self._version(stood, name, at, bought, _as_of(phases, at), _as_of(renewals, at))

    def _billed(self, stood: Standing, lines: list[Line]) -> list[tuple[datetime, Bought]]:
        """What was bought according to bills, by the day it began: a regular line, or the dearer half of a change."""
        told: dict[datetime, Bought] = {}
        for line in sorted(lines, key=lambda line: (line.start, line.proration, line.amount)):
            price = self.catalogue.prices.get(line.price_id or "") or line.price
            if price is None or price.recurring is None or (line.proration and line.amount <= 0):
                continue
            # A tiered price has a line for each tier, none of which holds the whole quantity.
            if price.billing_scheme == "tiered":
                continue
            bare = stood.model_copy(update={"discounts": [], "items": stood.ordered[:1]})
            bare.items[0] = bare.items[0].model_copy(update={"discounts": []})
            try:
                [bought] = self._bought(bare, [(price, line.quantity)], line.start)
            except ValueError:
                # A bill only adds to what the subscription says.
                continue
            off = sum(self._recurring(one) for one in line.discount_amounts)
            if not line.proration and line.amount > 0 and off:
                share = min(Fraction(1), Fraction(off, line.amount))
                left = Fraction(bought.mrr_minor) * (1 - share)
                bought = bought._replace(
                    mrr_minor=int(left + Fraction(1, 2)), discount_pct=round(float(share * 100), 2)
                )
            told[line.start] = bought
        return sorted(told.items())

    def _recurring(self, taken_off: dict[str, object]) -> int:
        """What a discount took off a line; nothing for one that was for that bill only."""
        found = self.terms(Discount.model_validate(taken_off.get("discount") or {}))
        amount = taken_off.get("amount")
        return amount if isinstance(amount, int) and not (found and found[0].duration == "once") else 0

    def _version(
        self,
        standing: Standing,
        name: str,
        at: datetime,
        bought: Bought,
        phase: Phase,
        renews_on: date | None,
    ) -> Version:
        return Version(
            subscription_id=name,
            account_id=standing.customer,
            at=at,
            status=phase.status,
            cancel_on=phase.cancel_on,
            renews_on=renews_on,
            **bought._asdict(),
        )

    def _ended(self, standing: Standing, name: str, at: datetime) -> Version:
        [bought, *_] = self._bought(standing, [(standing.ordered[0].price, None)], at)
        return self._version(standing, name, at, bought, Phase(SubscriptionStatus.CANCELED, None), None)


def _phases(stood: Standing, until: datetime) -> list[tuple[datetime, Phase]]:
    """Where a subscription stood, as far as it dates that itself.

    Since when it is past due or paused it does not say: the current period is taken for it, whose bill was the last
    to be due.
    """
    begun = stood.start_date
    trial_end = stood.trial_end if stood.trial_start is not None and stood.trial_end is not None else None
    is_over = trial_end is not None and trial_end <= begun
    trial = (
        SubscriptionStatus.TRIALING if trial_end is not None and not is_over else SubscriptionStatus.ACTIVE
    )
    points: list[tuple[datetime, SubscriptionStatus]] = [(begun, trial)]
    now = stood.stands or SubscriptionStatus.ACTIVE
    if trial_end is not None and begun < trial_end < until and now is not SubscriptionStatus.TRIALING:
        points.append((trial_end, SubscriptionStatus.ACTIVE))
    if now in (SubscriptionStatus.PAST_DUE, SubscriptionStatus.PAUSED):
        points.append((max(points[-1][0], stood.period[0] or begun), now))
    ended = stood.ended_at or (stood.canceled_at if now is SubscriptionStatus.CANCELED else None)
    if now is SubscriptionStatus.CANCELED:
        points.append((max(begun, ended or until), now))
    asked = stood.canceled_at
    leaves = (
        stood.leaves_on
        if ended is None
        else (day_of(ended) if asked and asked.date() < ended.date() else None)
    )
    since = max(begun, asked or begun) if leaves is not None else None
    moments = sorted({at for at, _ in points} | ({since} if since is not None else set()))
    return [
        (at, Phase(_as_of(points, at), leaves if since is not None and at >= since else None))
        for at in moments
    ]


def _renewals(stood: Standing, lines: list[Line]) -> list[tuple[datetime, date | None]]:
    """When it would renew, period by period; nothing is said of a time of which there is no bill."""
    start, end = stood.period
    periods = {line.start: line.end for line in lines if not line.proration and line.end > line.start}
    if start is not None and end is not None:
        periods[start] = end
    found: list[tuple[datetime, date | None]] = [(stood.start_date, None)]
    for begins in sorted(periods):
        if begins > stood.start_date:
            found.append((begins, day_of(periods[begins])))
        else:
            found[0] = (stood.start_date, day_of(periods[begins]))
    return found


def _is_as(one: Bought, other: Bought) -> bool:
    """Whether two ways of working out what was bought come to the same, but for rounding."""
    return one._replace(mrr_minor=0, discount_pct=None) == other._replace(
        mrr_minor=0, discount_pct=None
    ) and (abs(one.mrr_minor - other.mrr_minor) <= 1)


def _is_of(line: Line, item: Item, is_main: bool, stood: Standing) -> bool:
    """Whether a bill's line is for an item: the one it names, else for the oldest, as long as no other one is meant."""
    if line.subscription_item == item.id:
        return True
    return is_main and line.subscription_item not in {one.id for one in stood.items} and len(stood.items) == 1


def _as_of(series: list[tuple[datetime, V]], at: datetime) -> V:
    """The value in force at a moment."""
    place = bisect_right([moment for moment, _ in series], at)
    return series[max(0, place - 1)][1]


def told_by(
    happening: Happening, made: Callable[[dict[str, Any]], Iterable[Standing]]
) -> Iterator[tuple[datetime, Standing | None, Standing]]:
    """An event about a subscription as (when, before, after); nothing where its object makes no sense."""
    for after in made(happening.object):
        before: Standing | None = after
        if happening.type.endswith(".created"):
            before = None
        elif happening.previous:
            before = next(iter(made(happening.before)), None)
        yield happening.created, before, after
