"""The sorts of quantity, and the units they come in."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from agent.drafting.guardrails.words import WORDS


class Kind(StrEnum):
    """What sort of quantity it is; one sort never grounds another."""

    SHARE = "share"
    MONEY = "money"
    DURATION = "duration"
    TIMES = "times"
    MULTIPLE = "multiple"
    COUNT = "count"
    ORDINAL = "ordinal"


class Side(StrEnum):
    """How the figure lies to the number said."""

    EXACT = "exact"
    BELOW = "below"
    ABOUT = "about"
    ABOVE = "above"
    UNDER = "under"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    RANGE = "range"


class Quantity(NamedTuple):
    """A quantity said in a text; shares in percent, durations in seconds, money in whole units."""

    start: int
    end: int
    kind: Kind
    values: tuple[float, ...]
    side: Side = Side.EXACT
    unit: str = ""
    "The currency sign or code, the time unit, or empty."
    decimals: int = 0
    nouns: tuple[str, ...] = ()
    "Stems of the words after it, up to the next small word."
    per: tuple[str, ...] = ()
    "What an amount is said to be paid per or how often: month, year, seat, once."
    rate: str = ""
    "day, week, month, quarter or year, where the quantity is said to be per that."
    settled: bool = False
    "True with 'the' or 'your' between: over the 1,000 in your plan; the number itself must be a figure."
    predicate: str = ""
    "Stem of what is said of it: '19 of 20 are taken'."
    span_nouns: int = 0
    "Where the words after it end."
    high: float = 0
    "Upper end, for a range."
    is_part: bool = False
    is_condition: bool = False
    "True after 'when', 'if' or 'until': what is to come, not what is."


DAY = 86_400
MONTH = 30.4375 * DAY
SECONDS: dict[str, float] = {
    "second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "hr": 3600, "day": DAY, "weekday": DAY,
    "workday": DAY, "night": DAY, "week": 7 * DAY, "fortnight": 14 * DAY, "month": MONTH,
    "quarter": 3 * MONTH, "year": 12 * MONTH, "yr": 12 * MONTH, "decade": 120 * MONTH,
    "century": 1200 * MONTH,
}  # fmt: skip
TIME_UNITS = {unit: unit for unit in SECONDS} | {f"{unit}s": unit for unit in SECONDS}
RATES = {
    "day": "day", "week": "week", "month": "month", "mo": "month", "quarter": "quarter", "year": "year",
    "yr": "year", "hour": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year",
    "annually": "year", "quarterly": "quarter", "annum": "year",
}  # fmt: skip
PER_SEAT = dict.fromkeys(("user", "member", "person", "head", "license", "licence"), "seat")
OWN_SIGN, OWN_CURRENCY = "\x1b", "XXX"
"Stand for the offer's own currency, however it is written; no folded text holds the sign."
CURRENCY_SIGNS = WORDS.currency_signs | {OWN_SIGN: OWN_CURRENCY}
CURRENCY_WORDS = WORDS.currency_words
DOLLARS = {
    "us": "USD", "a": "AUD", "au": "AUD", "c": "CAD", "ca": "CAD", "nz": "NZD", "hk": "HKD", "s": "SGD",
}  # fmt: skip
CENTS = frozenset({"cent", "cents", "pence", "¢"})
