"""Whether a quantity or a day said in a text is one of the brief's figures, and on the side it claims."""

from __future__ import annotations

import re

from agent.drafting.brief import Brief
from agent.drafting.guardrails.dates import Day
from agent.drafting.guardrails.entries import Entry, entry_of, offer_price
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.units import SECONDS, Kind, Quantity, Side
from agent.drafting.guardrails.words import WORDS, stem

NO_NOUNS = frozenset({"shar", "ratio", "money", "day", "dat", "tim", "taken", "us"})
PERIODS = {"day": (1, 1), "week": (7, 7), "month": (28, 31), "quarter": (89, 92), "year": (365, 366)}
TAKEN = stem("taken")
STATES = frozenset(map(stem, ("taken", "used", "full", "included", "filled", "gone", "occupied")))
"What may be said of a ceiling that was reached."
KNOWN = WORDS.generic | WORDS.countable | frozenset(map(stem, WORDS.empty | WORDS.small))
"Stems that tell no figure from another."
PEOPLE = frozenset(map(stem, ("people", "person", "colleague", "teammate")))
"Stems that stand before no other noun: 870 people exporting are 870 people."
SEAT = stem("seats")
MORE = frozenset(map(stem, ("more", "extra", "additional", "further")))
ROUNDING_SHARE = 0.5
"Percentage points by which 'a third' or 'half' may miss a share."


class Ledger:
    """Every figure of a brief, ready to be matched."""

    def __init__(self, brief: Brief) -> None:
        self.entries = tuple(entry_of(figure, brief) for figure in brief.figures)
        self._telling = {
            entry.figure_id: entry.counts | {stem(word) for word in entry.figure_id.split("_")}
            for entry in self.entries
        }
        "Stems that tell a figure from the others: of its unit and its id."
        self.today = brief.as_of
        self.offer_price = offer_price(brief)
        self.per = brief.offer.per
        units = [re.findall(r"[a-z]+", plain(figure.unit)) for figure in brief.figures]
        nouns = {
            stem(word) for unit in units for word in unit if len(unit) < 3 or stem(word) in WORDS.countable
        }
        self.nouns = frozenset(noun for noun in nouns if len(noun) > 2) - NO_NOUNS

    def grounds(self, said: Quantity) -> tuple[Entry, ...]:
        """The figures that make a quantity true; empty when none does."""
        if said.is_condition and said.kind is Kind.ORDINAL and (known := self._all(said)):
            return known
        if said.is_condition and said.kind is Kind.ORDINAL:
            # 'A third request' is what comes after 2 of them.
            return self._all(said._replace(values=tuple(value - 1 for value in said.values)))
        if said.is_condition and said.side is not Side.RANGE:
            # The number itself is a figure, or what is said of it is true already.
            exact = self._all(said._replace(side=Side.EXACT))
            if exact or said.kind is not Kind.MULTIPLE:
                return exact
        return self._all(said)

    def _all(self, said: Quantity) -> tuple[Entry, ...]:
        return tuple(entry for entry in (*self.entries, self.offer_price) if self._is(said, entry))

    def same_number(self, said: Quantity) -> bool:
        """Whether some figure has that very number, though as something else."""
        return any(_equal(said, entry) for entry in self.entries if entry.kind is not None)

    def knows(self, day: Day) -> bool:
        """Whether a figure is, or was measured in, the day or period named."""
        return any(self._in_period(entry, day) for entry in self.entries)

    def _is(self, said: Quantity, entry: Entry) -> bool:
        if said.kind is Kind.DURATION:
            if entry.kind is Kind.DURATION and _holds(said, entry):
                return True
            return not entry.is_offer and _is_window(said, entry)
        if said.kind is Kind.ORDINAL:
            if entry.day is not None:
                return entry.day.day == said.values[0]
            # 'The 20th seat' is the last of 20; of another thing's ceiling there is no 20th.
            is_own = bool(entry.counts.intersection(said.nouns)) and not entry.is_offer
            return (
                entry.kind is Kind.COUNT
                and (not entry.is_bound or is_own)
                and _holds(said, entry)
                and self._fits(said, entry)
            )
        if entry.kind is None:
            return False
        if said.kind is Kind.TIMES:
            if entry.kind is Kind.COUNT:
                return (
                    not entry.is_bound
                    and not _of_people(entry)
                    and _holds(said, entry)
                    and _rate_fits(said, entry)
                )
            return entry.kind is Kind.MULTIPLE and (_holds(said, entry) or _doubled(said, entry))
        if said.kind is Kind.MULTIPLE:
            if entry.kind is Kind.SHARE and said.values == (0.5,):
                return abs(entry.exact - 50) <= ROUNDING_SHARE
            if not all(noun in entry.stems or _alike(noun, entry.stems) for noun in said.nouns):
                return False
            return entry.kind is Kind.MULTIPLE and (_holds(said, entry) or _doubled(said, entry))
        if entry.kind is not said.kind:
            if said.kind is Kind.SHARE and said.is_part and entry.kind is Kind.MULTIPLE:
                return said.values == (50.0,) and entry.exact == 0.5
            return False
        if said.kind is Kind.MONEY:
            if said.unit not in (entry.unit, "cents") or (entry.is_offer and not self._per_fits(said.per)):
                return False
            return _holds(said, entry)
        return _holds(said, entry) and self._fits(said, entry) and _rate_fits(said, entry)

    def _per_fits(self, per: tuple[str, ...]) -> bool:
        """Whether what stands after a price is how the offer is paid: a month, per seat, once."""
        if per and "seat" in self.per and "seat" not in per and "once" not in per:
            return False
        return all(one in self.per for one in per)

    def _fits(self, said: Quantity, entry: Entry) -> bool:
        """Whether the words after a number may be what the figure counts."""
        if self._tells_another(said, entry):
            return False
        if said.nouns[:1] and said.nouns[0] in MORE and SEAT in said.nouns[1:2] and not entry.is_offer:
            # '5 more seats' are those on offer, whatever else there are 5 of.
            return False
        known = [
            noun
            for noun in said.nouns
            if noun in WORDS.countable or noun in self.nouns or noun in entry.counts
        ]
        known = [noun for noun in known if noun not in WORDS.generic or noun in entry.counts]
        if not known:
            return True
        head = known[-1]
        if head in entry.counts or _alike(head, entry.counts):
            return True
        # '5 exports' is not '5 times the export limit was hit', where exports are what another figure counts.
        if said.kind is not Kind.SHARE and head in self.nouns:
            return False
        return head in entry.stems or _alike(head, entry.stems)

    def _tells_another(self, said: Quantity, entry: Entry) -> bool:
        """Whether a word after a number is another figure's and not this one's: '19 people joined' of 19 seats."""
        if PEOPLE.intersection(said.nouns) and not entry.stems & WORDS.alike[0] and entry.kind is Kind.COUNT:
            return True
        told = [noun for noun in said.nouns if noun not in KNOWN and noun not in self.nouns]
        if said.predicate and said.predicate not in WORDS.generic:
            told.append(said.predicate)
        for noun in told:
            if noun in entry.stems or (noun in STATES - {TAKEN} and entry.stems & STATES):
                continue
            if (entry.is_bound and noun in STATES) or _alike(noun, entry.stems):
                continue
            if any(
                noun in self._telling[other.figure_id]
                for other in self.entries
                if other is not entry and other.kind is entry.kind and not other.is_offer
            ):
                return True
        return False

    def _in_period(self, entry: Entry, day: Day) -> bool:
        if entry.day is not None and any(low <= entry.day <= high for low, high in day.meant):
            return True
        if entry.is_offer:
            return False
        first, last = entry.window
        if day.is_start:
            return any(low <= first <= high for low, high in day.meant)
        if day.is_end and any(low <= last <= high for low, high in day.meant):
            return True
        if day.rolling and last == self.today and day.rolling[0] <= (last - first).days + 1 <= day.rolling[1]:
            return True
        return any(low <= first and last <= high for low, high in day.meant)


def _alike(noun: str, others: frozenset[str]) -> bool:
    """Whether one of `others` names the same thing as `noun`."""
    return any(noun in group and others & group for group in WORDS.alike)


def _equal(said: Quantity, entry: Entry) -> bool:
    for value in said.values:
        if any(abs(value - one) < 1e-9 * max(1, abs(one)) for one in (*entry.values, entry.exact)):
            return True
        if said.is_part and abs(value - entry.exact) <= ROUNDING_SHARE:
            return True
        if said.decimals > entry.decimals and abs(value - entry.exact) <= 0.5 * 10**-said.decimals + 1e-9:
            return True
    if (
        said.kind is Kind.DURATION
        and entry.kind is Kind.DURATION
        and said.unit in ("month", "quarter", "year")
    ):
        return is_length(said, round(entry.exact / 86400))
    return False


def _holds(said: Quantity, entry: Entry) -> bool:
    """Whether the figure lies where the words before the number say it does."""
    if said.side is Side.EXACT:
        return _equal(said, entry)
    if entry.is_bound and said.side is not Side.ABOUT:
        # A ceiling is no measurement: 'over 88%' is not made true by a mark of 90% to watch for.
        return said.side is Side.AT_MOST and _equal(said, entry)
    for value in said.values:
        exact = entry.exact
        if said.side is Side.BELOW and 0.9 * value <= exact < value:
            return True
        if said.side is Side.ABOUT and abs(exact - value) <= 0.05 * abs(value):
            return True
        if said.side is Side.ABOVE and value < exact <= 1.15 * value + (0 if value > 10 else 1):
            return True
        if said.side is Side.UNDER and 0.85 * value - (0 if value > 10 else 1) <= exact < value:
            return True
        if said.side is Side.AT_LEAST and value <= exact <= 1.15 * value:
            return True
        if said.side is Side.AT_MOST and 0.85 * value <= exact <= value:
            return True
        if said.side is Side.RANGE and value <= exact and (said.high is None or exact <= said.high):
            return True
    return False


def _doubled(said: Quantity, entry: Entry) -> bool:
    """Doubled is true of 2.1 times: a whole multiple that has been reached and not left far behind."""
    if said.decimals:
        return False
    value = said.values[0]
    if said.side in (Side.EXACT, Side.AT_LEAST):
        return value <= entry.exact < (1.15 if said.side is Side.EXACT else 1.25) * value
    return said.side is Side.ABOVE and value < entry.exact <= 1.5 * value


def _is_window(said: Quantity, entry: Entry) -> bool:
    """Whether a duration is how long the figure looked back."""
    return is_length(said, (entry.window[1] - entry.window[0]).days + 1)


def is_length(said: Quantity, days: int) -> bool:
    """Whether a duration is so many days long: two weeks are 14, a month is 28 to 31."""
    seconds = said.values[0]
    if said.side is Side.RANGE:
        return seconds <= days * 86400 <= (said.high or float("inf"))
    if said.unit in ("month", "quarter", "year") and said.side is Side.EXACT:
        months = seconds / SECONDS["month"]
        return months >= 0.9 and 30 * months - 2 <= days <= 30.5 * months + 1
    if said.side in (Side.ABOVE, Side.BELOW, Side.UNDER):
        return False
    return abs(days * 86400 - seconds) < 1


def _rate_fits(said: Quantity, entry: Entry) -> bool:
    """Whether 'a month' after a number is how the figure was counted."""
    if not said.rate:
        return True
    if entry.rates:
        return said.rate in entry.rates
    if entry.is_bound:
        return True
    low, high = PERIODS.get(said.rate, (0, 0))
    return low <= (entry.window[1] - entry.window[0]).days + 1 <= high


def _of_people(entry: Entry) -> bool:
    return bool(entry.stems & WORDS.alike[0]) and not entry.stems & WORDS.alike[2]
