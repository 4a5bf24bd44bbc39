"""Until when: a day named in a person's words, read against today."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from agent.drafting.guardrails.dates import DAYS, MONTH_OF, SEASONS
from agent.drafting.guardrails.folding import plain

NUMBERS = {
    word: number
    for number, word in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"],
        start=1,
    )
} | {"a": 1, "an": 1, "a couple of": 2, "couple of": 2}
_NUMBER = r"(?P<n>\d{1,3}|" + "|".join(sorted(NUMBERS, key=len, reverse=True)) + ")"
_MONTH = "(?P<month>" + "|".join(sorted(MONTH_OF, key=len, reverse=True)) + r")\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:,? (?P<year>20\d\d))?"
_WEEKDAY = "(?P<weekday>" + "|".join([*DAYS, *(day[:3] for day in DAYS), "tues", "thur", "thurs"]) + ")"
_PART = r"(?P<part>(?:the )?(?:end|middle|beginning|start) of|late|early|mid) ?-?"
LEAD = re.compile(r"^(?:until|till|til|for|to|in|on|by|before|after|from now for)\s+(?:the\s+(?=\d))?")
FORMS = {
    name: re.compile(pattern)
    for name, pattern in {
        "span": rf"{_NUMBER} ?(?:more |whole |full )?(?P<unit>day|week|month|year|quarter)s?(?: from (?:now|today)| or so)?",
        "iso": r"(?P<year>20\d\d)-(?P<m>\d{1,2})-(?P<day>\d{1,2})",
        "dotted": r"(?P<day>\d{1,2})\.(?P<m>\d{1,2})\.(?P<year>20\d\d)?",
        "day": rf"(?:{_WEEKDAY},? )?(?:the )?{_DAY}(?: of)? {_MONTH}{_YEAR}",
        "day_after": rf"(?:{_WEEKDAY},? )?{_MONTH} (?:the )?{_DAY}{_YEAR}",
        "month": rf"(?:{_PART})?(?:next )?{_MONTH}{_YEAR}",
        "weekday": rf"(?P<next>next |this |coming |on )?{_WEEKDAY}",
        "tomorrow": r"tomorrow",
        "next": r"(?:the )?(?:next|coming|following) (?P<unit>week|month|quarter|year)",
        "end": r"(?:the )?end of (?:the |this )?(?P<unit>week|month|quarter|year)",
        "quarter": r"(?:next )?q(?P<q>[1-4])(?: (?P<year>20\d\d))?",
        "season": rf"(?:next )?(?P<season>{'|'.join(SEASONS)})(?: (?P<year>20\d\d))?",
        "new_year": r"(?:the )?new year(?:'s)?(?: day)?",
    }.items()
}  # fmt: skip


def day_meant(text: str, today: date) -> date | None:
    """The first day on which it is to be there again; None where the words name no day to come.

    A month means its first day, a day without a year the next one there is.
    """
    said = plain(text).rstrip(".!?, ")
    said = LEAD.sub("", LEAD.sub("", said))
    for name, form in FORMS.items():
        found = form.fullmatch(said)
        if found:
            given = {key: value for key, value in found.groupdict().items() if value}
            try:
                meant = _meant(name, given, today)
            except (ValueError, OverflowError):
                return None
            return meant if meant is not None and meant > today else None
    return None


def _meant(name: str, given: dict[str, str], today: date) -> date | None:
    year = int(given["year"]) if "year" in given else None
    if name == "span":
        return _later(today, given["unit"], NUMBERS.get(given["n"]) or int(given["n"]))
    if name in ("iso", "dotted"):
        return _coming(int(given["m"]), int(given["day"]), year, today)
    if name in ("day", "day_after"):
        meant = _coming(MONTH_OF[given["month"]], int(given["day"]), year, today)
        # A weekday that is not that day's is a slip, and nobody knows of which.
        return meant if "weekday" not in given or meant.weekday() == _weekday(given) else None
    if name == "month":
        return _in_month(given.get("part", ""), MONTH_OF[given["month"]], year, today)
    if name == "weekday":
        ahead = (_weekday(given) - today.weekday() - 1) % 7 + 1
        monday = today + timedelta(days=7 - today.weekday())
        is_next = given.get("next") == "next "
        return monday + timedelta(days=_weekday(given)) if is_next else today + timedelta(days=ahead)
    if name == "tomorrow":
        return today + timedelta(days=1)
    if name == "next":
        return _first_of_next(given["unit"], today)
    if name == "end":
        if given["unit"] == "week":
            return today + timedelta(days=(4 - today.weekday()) % 7 or 7)
        return _first_of_next(given["unit"], today) - timedelta(days=1)
    if name == "quarter":
        return _coming(3 * int(given["q"]) - 2, 1, year, today)
    if name == "season":
        return _coming(SEASONS[given["season"]], 1, year, today)
    return date(today.year + 1, 1, 1)


def _weekday(given: dict[str, str]) -> int:
    return next(number for number, day in enumerate(DAYS) if day.startswith(given["weekday"][:3]))


def _coming(month: int, day: int, year: int | None, today: date) -> date:
    """That day of that year, or the next one after today; 29 February waits for a year that has one."""
    if year is not None:
        return date(year, month, day)
    for ahead in range(9):
        if day > calendar.monthrange(today.year + ahead, month)[1] and (month, day) == (2, 29):
            continue
        meant = date(today.year + ahead, month, day)
        if meant > today:
            return meant
    raise ValueError


def _in_month(part: str, month: int, year: int | None, today: date) -> date:
    if "end" in part or "late" in part:
        for ahead in range(2):
            last = calendar.monthrange(year or today.year + ahead, month)[1]
            meant = date(year or today.year + ahead, month, last)
            if year or meant > today:
                return meant
    return _coming(month, 15 if "mid" in part else 1, year, today)


def _first_of_next(unit: str, today: date) -> date:
    if unit == "week":
        return today + timedelta(days=7 - today.weekday())
    if unit == "year":
        return date(today.year + 1, 1, 1)
    months = 1 if unit == "month" else 3 - (today.month - 1) % 3
    return _later(today.replace(day=1), "month", months)


def _later(today: date, unit: str, number: int) -> date:
    """So much later; a month from 31 January is the last day of February."""
    if unit in ("day", "week"):
        return today + timedelta(days=number * (7 if unit == "week" else 1))
    months = number * {"month": 1, "quarter": 3, "year": 12}[unit]
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    return date(year, month + 1, min(today.day, calendar.monthrange(year, month + 1)[1]))
