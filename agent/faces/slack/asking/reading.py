"""A text as the checks read it: names of accounts set aside, its figures, its days, its sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import NamedTuple

from agent.drafting.guardrails.dates import Day, days_named
from agent.drafting.guardrails.folding import fold
from agent.drafting.guardrails.quantities import quantities
from agent.drafting.guardrails.units import Quantity
from agent.drafting.guardrails.words import WORDS

SENTENCE_END = re.compile(r"[.!?:]+[\"')\]]*(?=\s|$)|\n+|;(?=\s)")
LIST_MARK = re.compile(r"^[ ]*(?:[-*•]|\d{1,2}[.)])[ ]+", re.MULTILINE)
WORD = re.compile(r"[^\W\d_][\w]*(?:['-][\w]+)*")
CLAUSE_END = re.compile(r"[;:.!?](?=\s|$|[\"')])|,(?=\s)|\n")
WHOLE = re.compile(
    r"(?:\d%?|percent)\s+(?:of|out of)\s+(?:the |its |your |their |all )*$"
    r"|(?:limit|ceiling|cap|quota)s? (?:of|is|are|at)\s+$|(?:includ(?:es?|ing)|allows?)\s+(?:up to )?$"
)
"What stands before a number that is the whole, not what is used of it."
LAST = re.compile(r"(?<!\w)(?:last|past|previous|within)\s+$")


class Named(NamedTuple):
    """An account's name in the answer."""

    start: int
    end: int
    account_id: str


class Read:
    """A text as the checks read it: folded, its names of accounts set aside, its figures and days found."""

    def __init__(self, text: str, names: Mapping[str, str], today: date) -> None:
        self.folded = LIST_MARK.sub(lambda found: " " * len(found.group()), fold(text).text)
        lower = self.folded.lower()
        self.lower = lower if len(lower) == len(self.folded) else self.folded
        self.named = _names_in(self.lower, names)
        self._today = today

    @cached_property
    def days(self) -> list[Day]:
        """Every day and period named."""
        return days_named(self.lower, self.folded, [(one.start, one.end) for one in self.named], self._today)

    @cached_property
    def quantities(self) -> list[Quantity]:
        """Every quantity said."""
        hidden = [(one.start, one.end) for one in self.named]
        hidden += [(one.start, one.end) for one in self.days]
        hidden += [match.span() for match in WORDS.idioms.finditer(self.lower)]
        return quantities(self.lower, sorted(hidden))

    def clause(self, place: int) -> str:
        """The words around a place, up to the next comma or stop on either side."""
        start = max((match.end() for match in CLAUSE_END.finditer(self.lower, 0, place)), default=0)
        end = CLAUSE_END.search(self.lower, place)
        return self.lower[start : end.start() if end else len(self.lower)]

    def is_whole(self, said: Quantity) -> bool:
        """Whether a number is what there is in all: '870 of the 1,000', 'a limit of 1,000'."""
        return bool(WHOLE.search(self.lower[max(0, said.start - 40) : said.start]))

    def is_last(self, said: Quantity) -> bool:
        """Whether a length of time is one that ends now: 'in the last 14 days', not 'on 3 days'."""
        return bool(LAST.search(self.lower[max(0, said.start - 12) : said.start]))

    @cached_property
    def words(self) -> frozenset[str]:
        """Its words, in lower case."""
        return frozenset(WORD.findall(self.lower))

    @cached_property
    def sentences(self) -> list[tuple[int, int]]:
        """Where each sentence, or line of a list, begins and ends."""
        ends = [match.end() for match in SENTENCE_END.finditer(self.lower)]
        starts = [0, *ends]
        return [(a, b) for a, b in zip(starts, [*ends, len(self.lower)], strict=True) if a < b]


def _names_in(lower: str, names: Mapping[str, str]) -> list[Named]:
    """Where accounts are named, the longest name first; `names` leads from what may be written to the account."""
    found: list[Named] = []
    for name in sorted(names, key=len, reverse=True):
        if name not in lower:
            continue
        for match in name_pattern(name).finditer(lower):
            if not any(one.start < match.end() and match.start() < one.end for one in found):
                found.append(Named(match.start(), match.end(), names[name]))
    return sorted(found)


def name_pattern(name: str) -> re.Pattern[str]:
    """The name, where no letter goes on with it."""
    before = r"(?<!\w)" if name[0].isalnum() else ""
    after = r"(?!\w)" if name[-1].isalnum() else ""
    return re.compile(before + re.escape(name) + after)


def plain_name(text: str) -> str:
    """A name in plain small letters."""
    return " ".join(fold(text).text.lower().split())
