"""How a figure reads to a customer: display text, with the rounding that led to it."""

from __future__ import annotations

import re
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

from babel.dates import format_date
from babel.numbers import format_currency

LOCALE = "en"
WIDE = Context(prec=700)
"Room for any float: the usual 28 digits would refuse a share of a nearly empty ceiling."

# ISO 4217 where the minor unit is not a hundredth. Babel's own table is about how amounts are
# shown, which differs from what a minor unit is (IQD, RSD, LBP), so it cannot be used to divide.
CODES_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS = {code: exponent for exponent, codes in CODES_BY_EXPONENT.items() for code in codes.split()}


class Shown(NamedTuple):
    """Display text, and how it follows from the value."""

    display: str
    rounding: str


def share(value: float) -> Shown:
    """0.87 as '87%'; short of the whole it never reads 100%, and above nothing it never reads 0%."""
    percent = _round(_exact(value) * 100, 0)
    if percent >= 100 and value < 1:
        return Shown("99%", "whole percent, half up, 99% at most while below the whole")
    if percent == 0 and value > 0:
        return Shown("under 1%", "whole percent, half up, 'under 1%' while above nothing")
    return Shown(f"{_grouped(percent)}%", "whole percent, half up")


def count(value: float, singular: str | None = None, plural: str | None = None) -> Shown:
    """1200 as '1,200', with a noun as '1,200 exports'; what is not whole keeps one decimal.

    The plural of a noun without one is the noun with an s.
    """
    number = _exact(value)
    whole = number == number.to_integral_value()
    shown = _grouped(number if whole else _round(number, 1))
    if singular is not None:
        noun = singular if shown == "1" else (plural if plural is not None else f"{singular}s")
        shown = f"{shown} {noun}"
    return Shown(shown, "exact" if whole else "one decimal, half up")


def times(value: float) -> Shown:
    """2.13 as '2.1 times'."""
    number = _exact(value)
    rounded = _round(number, 1)
    return Shown(f"{_grouped(rounded)} times", "exact" if rounded == number else "one decimal, half up")


def money(minor: int, currency: str) -> Shown:
    """4900 EUR as '€49', 4950 EUR as '€49.50', 4900 JPY as '¥4,900', 12500 KWD as 'KWD 12.500'."""
    exponent = EXPONENTS.get(currency, 2)
    amount = Decimal(minor).scaleb(-exponent)
    digits = 0 if amount == amount.to_integral_value() else exponent
    pattern = f"¤#,##0{'.' * (digits > 0)}{'0' * digits}"
    shown = str(format_currency(amount, currency, format=pattern, locale=LOCALE, currency_digits=False))
    return Shown(re.sub(r"(?<=[A-Za-z])(?=\d)", " ", shown), "exact")


def day(value: date) -> Shown:
    """A date as '12 March 2026'."""
    return Shown(format_date(value, "d MMMM y", locale=LOCALE), "exact")


def days(number: int) -> Shown:
    """A duration as '14 days'."""
    return count(number, "day", "days")


def _exact(value: float) -> Decimal:
    """The decimal a person would write for `value`: 0.825 is 825 thousandths, not its binary neighbour."""
    return Decimal(repr(float(value)))


def _round(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=WIDE)


def _grouped(value: Decimal) -> str:
    shown = f"{value:,f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
