"""Figures joined: a number with the stretch of time it was measured in, and two numbers that make one share."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import date, timedelta

from agent.drafting.brief import Brief
from agent.drafting.guardrails.dates import Day
from agent.drafting.guardrails.entries import Entry
from agent.drafting.guardrails.grounding import Ledger, is_length
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.units import Kind, Quantity

Grounded = tuple[Quantity, tuple[Entry, ...]]

WINDOW_UNITS = frozenset({"day", "week", "fortnight", "month", "quarter", "year"})
APART = re.compile(r"[,;:()]|\s(?:and|but|while|whereas|because|so|as)\s")
"What parts a number from the stretch of time after it."
APART_BEFORE = re.compile(r"[;:()]|\s(?:but|while|whereas|because)\s")
"What parts a stretch of time from the number after it."
TODAY = re.compile(r"(?: already| alone)?,? (?:today|this very day|so far today)(?!\w)")
NEAR = 70
SLACK = timedelta(days=3)
IN = re.compile(r"\s+(?:in(?: every)?|out of(?: every)?)\s+")
SMALL_WHOLES = frozenset({3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 100.0})


def windows_of(brief: Brief) -> dict[str, frozenset[int]]:
    """The lengths in days that each measured figure may be told with."""
    found = {figure.figure_id: {(figure.last_day - figure.first_day).days + 1} for figure in brief.figures}
    for finding in brief.findings:
        lengths = {
            round(figure.value)
            for figure in finding.figures
            if figure.unit == "days" and isinstance(figure.value, float | int)
        }
        for figure in finding.figures:
            found.setdefault(figure.figure_id, set()).update(lengths)
    # A window that no finding holds may be any figure's that none holds either.
    held = {figure.figure_id for finding in brief.findings for figure in finding.figures}
    loose = {
        round(figure.value)
        for figure in brief.figures
        if figure.figure_id not in held and figure.unit == "days" and isinstance(figure.value, float | int)
    }
    for figure_id, lengths in found.items():
        if figure_id not in held:
            lengths.update(loose)
    return {figure_id: frozenset(lengths) for figure_id, lengths in found.items()}


def told_with_another_window(
    text: Text, brief: Brief, said: list[Grounded]
) -> Iterator[tuple[Part, Quantity]]:
    """Every (number with its stretch of time, the number) where the stretch is another figure's."""
    lengths = windows_of(brief)
    for place, (length, _) in enumerate(said):
        if length.kind is not Kind.DURATION or length.unit not in WINDOW_UNITS or not said[place][1]:
            continue
        pair = _beside(text, said, length.start, length.end)
        if pair is None:
            continue
        counted, entries = pair
        if not any(is_length(length, days) for entry in entries for days in lengths.get(entry.figure_id, ())):
            yield _both(counted, length.start, length.end), counted


def told_with_another_period(
    text: Text, ledger: Ledger, said: list[Grounded], days: list[Day]
) -> Iterator[tuple[Part, Quantity]]:
    """The same for a period with a name: '5 times this quarter' is not 5 times in 14 days."""
    for one, entries in said:
        # 'Today' may say when a level was read; of times that something happened it is a stretch.
        if one.kind is Kind.TIMES and entries and (match := TODAY.match(text.lower, one.end)):
            yield Part(one.start, match.end()), one
    for day in days:
        if any(entry.day is not None and (entry.day, entry.day) in day.meant for entry in ledger.entries):
            continue
        pair = _beside(text, said, day.start, day.end)
        if pair is not None and not any(_covers(entry, day, ledger.today) for entry in pair[1]):
            yield _both(pair[0], day.start, day.end), pair[0]


def shares_in(text: Text, said: list[Quantity], ledger: Ledger) -> Iterator[tuple[int, Quantity]]:
    """Every (place in `said`, share) of 'nine in ten' and 'nine out of ten' that is no pair of counts."""
    for place, (one, whole) in enumerate(itertools.pairwise(said)):
        if (
            one.kind is Kind.COUNT
            and whole.kind is Kind.COUNT
            and len(one.values) == 1
            and whole.values[0] in SMALL_WHOLES
            and 0 < one.values[0] < whole.values[0]
            and IN.fullmatch(text.lower, one.end, whole.start)
            and not (ledger.grounds(one) and ledger.grounds(whole))
        ):
            share = Quantity(
                one.start, whole.end, Kind.SHARE, (100 * one.values[0] / whole.values[0],), side=one.side
            )
            yield place, share


def _beside(text: Text, said: list[Grounded], start: int, end: int) -> Grounded | None:
    """The measured number that a stretch of time at [start, end) is told with."""
    before = [one for one in said if one[0].end <= start and start - one[0].end <= NEAR]
    for one in reversed(before):
        if re.search(r"[.!?\n](?:\s|$)|\n", text.lower[one[0].end : start]):
            break
        if APART.search(text.lower, max(one[0].end, one[0].span_nouns), start):
            break
        if _is_measured(one):
            return one
    for one in said:
        if one[0].start < end or one[0].start - end > NEAR:
            continue
        between = text.lower[end : one[0].start]
        if re.search(r"[.!?](?:\s|$)|\n\n", between) or APART_BEFORE.search(between):
            break
        if _is_measured(one):
            return one
        break
    return None


def _is_measured(one: Grounded) -> bool:
    said, entries = one
    counted = said.kind in (Kind.COUNT, Kind.TIMES) or (
        said.kind is Kind.DURATION and said.unit not in WINDOW_UNITS
    )
    return counted and bool(entries) and not any(entry.is_bound or entry.is_offer for entry in entries)


def _covers(entry: Entry, day: Day, today: date) -> bool:
    """Whether the figure was measured over just that period, or began in it where 'since' stands before."""
    first, last = entry.window
    if day.is_start:
        return any(low <= first <= high for low, high in day.meant)
    if day.rolling and last == today and day.rolling[0] <= (last - first).days + 1 <= day.rolling[1]:
        return True
    return any(abs(first - low) <= SLACK and abs(last - min(high, today)) <= SLACK for low, high in day.meant)


def _both(said: Quantity, start: int, end: int) -> Part:
    return Part(min(said.start, start), max(said.end, end))
