"""Stripe's amounts as ours: minor units, and what recurs in a month after tiers and discounts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from connectors._stripe_prices import Coupon, Price, Tier

HUNDREDTHS = {"ISK", "UGX"}
"Without decimals everywhere else; Stripe still counts them in hundredths, the last two digits always 00."
WHOLE = {"MGA"}
"Counted in hundredths everywhere else; Stripe counts whole ones."
DAYS_A_MONTH = Fraction(365, 12)


def minor(amount: Fraction | int, currency: str) -> int:
    """Stripe's amount in the currency's minor units, half up; `currency` in capitals."""
    exact = Fraction(amount)
    if currency in HUNDREDTHS:
        exact /= 100
    elif currency in WHOLE:
        exact *= 100
    sign = -1 if exact < 0 else 1
    return sign * int(abs(exact) + Fraction(1, 2))


def months(price: Price) -> Fraction:
    """How many months one period of a recurring price is; a year is 365 days where days and weeks are counted."""
    recurring = price.recurring
    if recurring is None:
        raise ValueError(f"price {price.id} is not recurring")
    length = {
        "day": 1 / DAYS_A_MONTH,
        "week": 7 / DAYS_A_MONTH,
        "month": Fraction(1),
        "year": Fraction(12),
    }[recurring.interval]
    return length * recurring.interval_count


def unit(price: Price, currency: str) -> Fraction | None:
    """What one unit costs per period in Stripe's amounts; None where there is no single such amount."""
    if price.is_metered or price.billing_scheme == "tiered" or price.transform_quantity is not None:
        return None
    option = price.in_currency(currency)
    return None if option is None else _exact(option.unit_amount, option.unit_amount_decimal)


def a_period(price: Price, quantity: int, currency: str) -> Fraction | None:
    """What `quantity` units cost per period before discounts; None for what is billed by use.

    A quantity goes through tiers as the price says. Raises ValueError where Stripe's answer does not hold the amount.
    """
    if price.is_metered:
        return None
    option = price.in_currency(currency)
    if option is not None and price.billing_scheme == "tiered" and option.tiers:
        return _through(option.tiers, quantity, price.tiers_mode or "volume")
    one = None if option is None else _exact(option.unit_amount, option.unit_amount_decimal)
    if one is None or price.billing_scheme == "tiered":
        raise ValueError(f"its price {price.id} has no amount in {currency} in Stripe's answer")
    if price.transform_quantity is not None:
        packs, rest = divmod(quantity, price.transform_quantity.divide_by)
        quantity = packs + (1 if rest and price.transform_quantity.round == "up" else 0)
    return one * quantity


def discounted(
    amounts: list[Fraction],
    own: list[list[tuple[Coupon, datetime | None]]],
    shared: Iterable[tuple[Coupon, datetime | None]],
    currency: str,
    at: datetime,
    bill: Fraction,
) -> list[Fraction]:
    """The monthly amounts of a subscription's items at `at`, after their own discounts and those they share.

    A discount comes with its end. One that is for a single bill (once) does not recur and takes nothing off. One of
    an amount is spread over the items by what they cost; its amount is per bill, and a bill is for `bill` months.
    """
    left = [_less([amount], found, currency, at, bill)[0] for amount, found in zip(amounts, own, strict=True)]
    return _less(left, shared, currency, at, bill)


def _less(
    amounts: list[Fraction],
    discounts: Iterable[tuple[Coupon, datetime | None]],
    currency: str,
    at: datetime,
    bill: Fraction,
) -> list[Fraction]:
    for coupon, end in discounts:
        if coupon.duration == "once" or (end is not None and end <= at):
            continue
        total = sum(amounts, Fraction(0))
        off = coupon.off(currency)
        if coupon.percent_off is not None:
            share = Fraction(Decimal(str(coupon.percent_off))) / 100
        elif off is not None and total > 0:
            share = min(Fraction(1), Fraction(off) / bill / total)
        else:
            continue
        amounts = [amount * (1 - share) for amount in amounts]
    return amounts


def _exact(amount: int | None, text: str | None) -> Fraction | None:
    """An amount that may have more digits than a whole number holds."""
    if text is not None:
        return Fraction(Decimal(text))
    return None if amount is None else Fraction(amount)


def _through(tiers: list[Tier], quantity: int, mode: str) -> Fraction:
    """A quantity taken through tiers: the whole in the one tier it reaches (volume), or part by part (graduated)."""
    total, below = Fraction(0), 0
    for tier in tiers:
        is_last = tier.up_to is None or quantity <= tier.up_to
        if mode == "graduated" or is_last:
            count = quantity if mode != "graduated" else (quantity if is_last else tier.up_to or 0) - below
            total += (_exact(tier.unit_amount, tier.unit_amount_decimal) or 0) * count
            total += _exact(tier.flat_amount, tier.flat_amount_decimal) or 0
        if is_last:
            return total
        below = tier.up_to or 0
    return total
