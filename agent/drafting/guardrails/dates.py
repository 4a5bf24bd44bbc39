"""Every day and period a text names: 12 March, since spring, last month, yesterday, by Friday, Q3."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import NamedTuple

from agent.drafting.guardrails.words import WORDS

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
SHORT = {month[:3]: i for i, month in enumerate(MONTHS, 1)} | {"sept": 9}
MONTH_OF = {month: i for i, month in enumerate(MONTHS, 1)} | SHORT
DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}

_MONTH = "(?:" + "|".join([*MONTHS, *(rf"{short}\.?" for short in SHORT)]) + ")"
_FULL = "(?:" + "|".join(MONTHS) + ")"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_WEEKDAY = "(?:" + "|".join(DAYS) + ")s?"
_ON = rf"(?:(?P<on>{_WEEKDAY}),? (?:the )?)?"
_SEASON = "(?:spring|summer|autumn|winter|fall)"
_LEAD = (
    r"(?P<lead>(?:in|since|on|by|until|till|from|before|after|of|during|for|this|last|next|late|early|mid|previous"
    r"|coming|past|over)[ -](?:the )?(?:early |late |mid-?|end of )?)"
)
PATTERNS = [
    re.compile(p)
    for p in (
        r"(?<!\w)(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})(?!\w)",
        r"(?<![\w.,/-])(?P<a>\d{1,2})(?P<s>[./-])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})(?!\w)",
        rf"(?<!\w){_ON}(?P<d>{_DAY})(?: of)?[ -](?P<n>{_MONTH})(?!\w)(?:,? (?P<y>\d{{4}})(?!\w))?",
        rf"(?<!\w){_ON}(?P<n>{_MONTH}) (?:the )?(?P<d>{_DAY})(?![\w%])(?:,? (?P<y>\d{{4}})(?!\w))?",
        rf"(?<!\w)(?P<n>{_MONTH}) (?P<y>(?:19|20)\d\d)(?!\w)",
        rf"(?<!\w){_LEAD}?(?P<n>{_FULL})(?!\w)",
        rf"(?<!\w)(?:{_LEAD})(?P<season>{_SEASON})(?: (?P<y>(?:19|20)\d\d))?(?!\w)",
        r"(?<!\w)(?P<which>this|(?<!the )last|next|(?<!the )previous|coming|current)[ -]"
        r"(?P<period>week|month|quarter|year|weekend)(?!\w)",
        rf"(?<!\w)(?P<wd>{_WEEKDAY})(?!\w)",
        r"(?<!\w)(?P<rel>yesterday|tomorrow|tonight"
        r"|(?:this|last|yesterday) (?:morning|afternoon|evening)|last night)(?!\w)",
        r"(?<!\w)(?P<q>[qh][1-4])(?:[ -/]?(?P<y>(?:19|20)\d\d))?(?!\w)",
        r"(?<!\w)(?:in|since|of|by|during|until|from|before|after|for|late|early|mid) ?-?"
        r"(?P<y>(?:19|20)\d\d)(?![\w,.]*\d)(?! [a-z]*(?:s|ed)\b)",
        WORDS.holidays.pattern,
    )
]
PART_OF_MONTH = re.compile(
    r"(?:(?P<early>early|(?:start|beginning) of)|(?P<mid>mid-?|middle of)|(?P<late>late|end of)) ?(?:in )?$"
)
SINCE = re.compile(r"(?<!\w)(?:since|from)\s+(?:the |early |late |mid-?|last |this )*$")
UNTIL = re.compile(r"(?<!\w)(?:until|till|to|through|up to)\s+(?:the |early |late |mid-?)*$")


class Day(NamedTuple):
    """A day or period named in a text, with the stretches of days it may mean; none: no day at all."""

    start: int
    end: int
    meant: tuple[tuple[date, date], ...]
    is_start: bool
    "'since' or 'from' stands before it: something must have begun in it."
    is_end: bool
    "'until', 'to' or 'through' stands before it: something must have ended in it."
    rolling: tuple[int, int] | None = None
    "For 'last week' and the like: the length in days that a stretch up to the brief's day may have."


def days_named(
    lower: str, folded: str, hidden: list[tuple[int, int]], today: date, start: int = 0
) -> list[Day]:
    """Every day or period named outside the hidden stretches, in order."""
    found: list[Day] = []
    taken = list(hidden)
    for pattern in PATTERNS:
        for match in pattern.finditer(lower, start):
            a, b = _inner(match)
            if any(x < b and a < y for x, y in taken) or not _is_day(match, folded):
                continue
            meant, rolling = _meaning(match, today)
            before = lower[max(0, a - 24) : a]
            if match.groupdict().get("n") and not match.groupdict().get("d"):
                meant = _part_of(meant, before)
            found.append(Day(a, b, meant, bool(SINCE.search(before)), bool(UNTIL.search(before)), rolling))
            taken.append((a, b))
    return sorted(found)


def _part_of(meant: tuple[tuple[date, date], ...], before: str) -> tuple[tuple[date, date], ...]:
    """The third of a month that 'early', 'mid' or 'the end of' before its name means."""
    part = PART_OF_MONTH.search(before)
    if part is None:
        return meant
    which = 0 if part["early"] else 1 if part["mid"] else 2
    return tuple(
        (low + timedelta(days=10 * which), low + timedelta(days=10 * which + 9) if which < 2 else high)
        for low, high in meant
    )


def _inner(match: re.Match[str]) -> tuple[int, int]:
    """The match without the small word before it, except 'last', 'this' and 'next'."""
    groups = match.groupdict()
    lead = groups.get("lead")
    if lead and not lead.startswith(("last", "this", "next", "previous")):
        return match.start() + len(lead), match.end()
    if set(groups) == {"y"}:
        return match.start("y"), match.end()
    return match.span()


def _is_day(match: re.Match[str], folded: str) -> bool:
    """Whether 'may', 'march' and 'august' are the month: with a day or a year, or with their capital."""
    groups = match.groupdict()
    if "n" not in groups or groups.get("d") or groups.get("y"):
        return True
    word = folded[match.start("n") : match.end("n")]
    if word.lower() not in ("may", "march", "august"):
        return True
    return word[0].isupper() and (bool(groups.get("lead")) or word.lower() != "may")


def _meaning(
    match: re.Match[str], today: date
) -> tuple[tuple[tuple[date, date], ...], tuple[int, int] | None]:
    groups = match.groupdict()
    year = int(groups["y"]) if groups.get("y") else None
    if year is not None and year < 100:
        year += 2000
    if groups.get("a"):
        pairs = [(int(groups["b"]), int(groups["a"])), (int(groups["a"]), int(groups["b"]))]
        return tuple((one, one) for m, d in pairs if (one := _day(year or today.year, m, d))), None
    if groups.get("m"):
        one = _day(year or today.year, int(groups["m"]), int(groups["d"]))
        return (((one, one),) if one else ()), None
    if groups.get("n"):
        month = MONTH_OF[groups["n"].rstrip(".")]
        years = [year] if year else [today.year - 1, today.year, today.year + 1]
        if groups.get("d"):
            number = int(re.sub(r"\D", "", groups["d"]))
            days = [one for y in years if (one := _day(y, month, number))]
            if groups.get("on"):
                days = [one for one in days if DAYS[one.weekday()] == groups["on"].rstrip("s")]
            return tuple((one, one) for one in days), None
        return tuple(_month(y, month) for y in years if y), None
    if groups.get("season"):
        first = SEASONS[groups["season"]]
        years = [year] if year else [today.year - 1, today.year]
        return tuple((_month(y, first)[0], _month(*_later(y, first, 2))[1]) for y in years if y), None
    if groups.get("period"):
        return _period(groups["which"], groups["period"], today)
    if groups.get("wd"):
        number = DAYS.index(groups["wd"].rstrip("s"))
        near = [today + timedelta(days=offset) for offset in range(-8, 15)]
        return tuple((one, one) for one in near if one.weekday() == number), None
    if groups.get("rel"):
        shift = {"y": -1, "t": 0, "l": -1}[groups["rel"][0]]
        one = today + timedelta(
            days=1 if groups["rel"] == "tomorrow" else 0 if groups["rel"][:4] == "this" else shift
        )
        return ((one, one),), None
    if groups.get("q"):
        span, number = (3 if groups["q"][0] == "q" else 6), int(groups["q"][1])
        if span * number > 12:
            return (), None
        years = [year] if year else [today.year - 1, today.year]
        return tuple(
            (_month(y, span * (number - 1) + 1)[0], _month(y, span * number)[1]) for y in years if y
        ), None
    if year:
        return ((date(year, 1, 1), date(year, 12, 31)),), None
    return (), None


def _period(
    which: str, period: str, today: date
) -> tuple[tuple[tuple[date, date], ...], tuple[int, int] | None]:
    step = {"this": 0, "current": 0, "last": -1, "previous": -1, "next": 1, "coming": 1}[which]
    if period in ("week", "weekend"):
        monday = today - timedelta(days=today.weekday()) + timedelta(weeks=step)
        first = monday if period == "week" else monday + timedelta(days=5)
        rolling = (1 if step == 0 else 7, 7) if period == "week" and step <= 0 else None
        return ((first, monday + timedelta(days=6)),), rolling
    if period == "month":
        y, m = _later(today.year, today.month, step)
        return (_month(y, m),), None
    if period == "quarter":
        y, m = _later(today.year, (today.month - 1) // 3 * 3 + 1, 3 * step)
        return ((_month(y, m)[0], _month(*_later(y, m, 2))[1]),), None
    return ((date(today.year + step, 1, 1), date(today.year + step, 12, 31)),), None


def _later(year: int, month: int, months: int) -> tuple[int, int]:
    number = year * 12 + month - 1 + months
    return number // 12, number % 12 + 1


def _month(year: int, month: int) -> tuple[date, date]:
    first = date(year, month, 1)
    y, m = _later(year, month, 1)
    return first, date(y, m, 1) - timedelta(days=1)


def _day(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None
