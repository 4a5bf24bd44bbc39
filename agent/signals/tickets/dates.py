"""The days a text names, relative to the day it was written; ambiguous ones are refused, not guessed."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

FAR = timedelta(days=330)
"A day without a year that would lie further ahead is more likely one that has just gone by."

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_COUNTS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_MONTH = (
    r"(?P<month{n}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b"
)
_YEAR = r"(?:,? (?P<year{n}>20\d\d)\b)?"
_DAY = r"(?P<day{n}>\d{{1,2}})(?:st|nd|rd|th)?"
_COUNT = r"\d{1,3}|an?|" + "|".join(_COUNTS[1:])
_NUMERIC = r"(?P<first>\d{1,2})(?P<sign>[./-])(?P<second>\d{1,2})(?P=sign)(?P<year3>20\d\d)"
_UNIT_END = r"(?P<end_next>next )?(?P<end>week|month|quarter|year|[wmqy])\b"
_WEEKDAY = r"(?P<weekday>mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b"
_NO_DAY_AFTER = r"(?!,? (?:the )?(?:\d|(?:" + "|".join(_MONTHS) + r")\w* \d))"
_NAMED = re.compile(
    "|".join(
        (
            r"(?<![\d.,/-])(?P<iso>20\d\d-\d\d-\d\d)(?![\d-])",
            r"(?<![\d.,/:-])" + _DAY.format(n=1) + r"(?: of)? " + _MONTH.format(n=1) + _YEAR.format(n=1),
            r"\b"
            + _MONTH.format(n=2)
            + r"\.? (?:the )?"
            + _DAY.format(n=2)
            + r"(?![\d:%])"
            + _YEAR.format(n=2),
            r"(?<![\d./-])" + _NUMERIC + r"(?!\d|[./-]\d)",
            r"(?<![\d./-])(?P<first4>\d\d)/(?P<second4>\d\d)(?![\d/%])",
            r"\b(?:the )?(?:end of|eo)(?: the| this)? ?" + _UNIT_END,
            r"\bend of q(?P<quarter>[1-4])(?: (?P<year5>20\d\d))?\b",
            r"\b(?:in|within)(?: about| the next| just| only)? (?P<count>"
            + _COUNT
            + r")(?: more)? (?P<unit>days?|weeks?|months?)\b(?!’)",
            r"\b(?P<which>this|next|coming|on|by|due|before|until) " + _WEEKDAY + _NO_DAY_AFTER,
            r"\b(?P<tomorrow>tomorrow)\b",
        )
    )
)
_STILL_AMBIGUOUS = re.compile(r"\b(?:last|since|early|mid|around|previous|past)[ -](?:on )?\Z")


def named_days(text: str, written_on: date) -> Iterator[tuple[int, int, date]]:
    """First place, place after the last, and the day, of each day that plain `text` names for certain."""
    for hit in _NAMED.finditer(text):
        if _STILL_AMBIGUOUS.search(text, max(0, hit.start() - 14), hit.start()):
            continue
        try:
            day = _day(hit, written_on)
        except (ValueError, OverflowError):
            continue
        if day is not None:
            yield hit.start(), hit.end(), day


def _day(hit: re.Match[str], written_on: date) -> date | None:
    """The day that one match means; None when it could be two."""
    part = hit.groupdict()
    if part["iso"]:
        return date.fromisoformat(part["iso"])
    for n in ("1", "2"):
        if part["month" + n]:
            month = _MONTHS.index(part["month" + n][:3]) + 1
            return _in_year(part["year" + n], month, int(part["day" + n]), written_on)
    if part["first"]:
        return _numeric(int(part["first"]), int(part["second"]), part["year3"], written_on)
    if part["first4"]:
        return _numeric(int(part["first4"]), int(part["second4"]), None, written_on)
    if part["end"]:
        return _end_of(part["end"][0], 1 if part["end_next"] else 0, written_on)
    if part["quarter"]:
        month = 3 * int(part["quarter"])
        return _in_year(part["year5"], month, 30 if month in (6, 9) else 31, written_on)
    if part["count"]:
        return _after(part["count"], part["unit"], written_on)
    if part["weekday"]:
        return _weekday(part["which"], part["weekday"][:3], written_on)
    return written_on + timedelta(days=1)


def _in_year(year: str | None, month: int, day: int, written_on: date) -> date | None:
    """The day in that year; without one, the next such day on or after `written_on`."""
    if year:
        return date(int(year), month, day)
    found = date(written_on.year, month, day)
    if found < written_on:
        found = date(written_on.year + 1, month, day)
    return found if found - written_on <= FAR else None


def _numeric(first: int, second: int, year: str | None, written_on: date) -> date | None:
    """Day and month where only one order makes sense; '12/03' could be two days and is refused."""
    if first > 12:
        return _in_year(year, second, first, written_on)
    if second > 12 or first == second:
        return _in_year(year, first, second, written_on)
    return None


def _end_of(unit: str, further: int, written_on: date) -> date:
    """The last day of this or the next week (its Friday), month, quarter or year."""
    if unit == "w":
        return written_on + timedelta(days=(4 - written_on.weekday()) % 7 + 7 * further)
    if unit == "y":
        return date(written_on.year + further, 12, 31)
    months = written_on.year * 12 + written_on.month - 1 + further
    if unit == "q":
        months = (written_on.year * 12 + written_on.month - 1) // 3 * 3 + 2 + 3 * further
    year, month = divmod(months, 12)
    return date(year, month + 1, monthrange(year, month + 1)[1])


def _after(count: str, unit: str, written_on: date) -> date:
    """So many days, weeks or months later."""
    number = int(count) if count.isdigit() else 1 if count in ("a", "an") else _COUNTS.index(count)
    if unit.startswith("month"):
        year, month = divmod(written_on.year * 12 + written_on.month - 1 + number, 12)
        return date(year, month + 1, min(written_on.day, monthrange(year, month + 1)[1]))
    return written_on + timedelta(days=number * (7 if unit.startswith("week") else 1))


def _weekday(which: str, name: str, written_on: date) -> date:
    """The coming one; 'next' means the one of the following calendar week."""
    nth = _WEEKDAYS.index(name)
    if which == "next":
        return written_on + timedelta(days=7 - written_on.weekday() + nth)
    return written_on + timedelta(days=(nth - written_on.weekday() - 1) % 7 + 1)
