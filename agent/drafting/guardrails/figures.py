"""Figures: every quantity and day a text names is one of the brief's, and at least one is quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agent.drafting.brief import Brief
from agent.drafting.guardrails.dates import Day, days_named
from agent.drafting.guardrails.entries import Entry
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.grounding import Ledger
from agent.drafting.guardrails.links import links_in, mails_in
from agent.drafting.guardrails.naming import find_name, hidden_numbers
from agent.drafting.guardrails.quantities import quantities
from agent.drafting.guardrails.rule import Fault, rule
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.units import Kind, Quantity, Side
from agent.drafting.guardrails.words import WORDS
from agent.drafting.violation import Level, Surroundings

OF = re.compile(r"\s*(?:of|out of|/|from)\s*(?:the|your|all|our)?\s*")


def ledger_of(text: Text, brief: Brief) -> Ledger:
    """The brief's figures, made ready once per check."""
    return text.memo("ledger", lambda: Ledger(brief))


def hidden_of(text: Text, brief: Brief) -> list[tuple[int, int]]:
    """Stretches in which a number is no figure: names, idioms, links, the founder's own sentence."""

    def make() -> list[tuple[int, int]]:
        found = hidden_numbers(text, brief)
        found += [(part.start, part.end) for part in text.find(WORDS.idioms)]
        found += [(link.start, link.end) for link in links_in(text)]
        found += [(part.start, part.end) for part in mails_in(text)]
        found += [(part.start, part.end) for part in benefit_in(text, brief)]
        merged: list[tuple[int, int]] = []
        for a, b in sorted(found):
            if merged and a < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
            else:
                merged.append((a, b))
        return merged

    return text.memo("hidden", make)


def benefit_in(text: Text, brief: Brief) -> tuple[Part, ...]:
    """Where the founder's own benefit sentence is quoted word for word."""
    benefit = plain(brief.offer.benefit).rstrip(".!")
    return tuple(find_name(text, benefit)) if benefit else ()


def quantities_of(text: Text, brief: Brief) -> list[tuple[Quantity, tuple[Entry, ...]]]:
    """Every quantity of the text with the figures that make it true."""

    def make() -> list[tuple[Quantity, tuple[Entry, ...]]]:
        ledger = ledger_of(text, brief)
        days = [(day.start, day.end) for day in days_of(text, brief)]
        hidden = sorted([*hidden_of(text, brief), *days])
        return [(said, ledger.grounds(said)) for said in quantities(text.lower, hidden)]

    return text.memo("quantities", make)


def days_of(text: Text, brief: Brief) -> list[Day]:
    """Every day and period the text names."""
    return text.memo("days", lambda: days_named(text.lower, text.folded, hidden_of(text, brief), brief.as_of))


def quoted(text: Text, brief: Brief, part: Part) -> Iterator[tuple[Part, Entry | None]]:
    """Every measured figure quoted in a part, price and offer aside; a date comes without its entry."""
    for said, entries in quantities_of(text, brief):
        if part.holds(said.start):
            for entry in entries:
                if not entry.is_offer:
                    yield Part(said.start, said.end), entry
    ledger = ledger_of(text, brief)
    for day in days_of(text, brief):
        if part.holds(day.start) and any(
            entry.day is not None and (entry.day, entry.day) in day.meant for entry in ledger.entries
        ):
            yield Part(day.start, day.end), None


@rule(Level.BLOCK)
def ungrounded_figure(text: Text, brief: Brief, _around: Surroundings) -> Iterable[Fault]:
    """Every number, amount, date, duration and count, in digits or in words, is a figure of the brief."""
    before: tuple[Quantity, tuple[Entry, ...]] | None = None
    for said, entries in quantities_of(text, brief):
        if not entries:
            yield _unfounded(text, brief, said)
        elif before and _is_of_the_offer(text, before, (said, entries)):
            shown = text.folded[before[0].start : said.end]
            yield Fault(
                before[0].start,
                said.end,
                f"'{shown}' sets what they use against what the offer has; use their plan's.",
            )
        before = (said, entries)
    ledger = ledger_of(text, brief)
    for day in days_of(text, brief):
        if not ledger.knows(day):
            shown = text.folded[day.start : day.end]
            yield Fault(
                day.start,
                day.end,
                f"'{shown}' is no day or period of the brief; say one that is, or leave it out.",
            )


def _is_of_the_offer(
    text: Text, part: tuple[Quantity, tuple[Entry, ...]], whole: tuple[Quantity, tuple[Entry, ...]]
) -> bool:
    """Whether a measured figure is said to be out of one that only the offer has: '87% of the 5,000'."""
    if not OF.fullmatch(text.lower, part[0].end, whole[0].start) or part[0].is_condition:
        return False
    measured = bool(part[1]) and not any(entry.is_offer for entry in part[1])
    return measured and all(entry.is_offer for entry in whole[1])


def _unfounded(text: Text, brief: Brief, said: Quantity) -> Fault:
    ledger = ledger_of(text, brief)
    start, end = said.start, said.end
    exact = said._replace(side=Side.EXACT)
    if said.side is not Side.EXACT and ledger.grounds(exact):
        shown = text.folded[start:end]
        return Fault(start, end, f"'{shown}' is not true of the brief's figure; quote the figure as it is.")
    if said.nouns and ledger.grounds(said._replace(nouns=(), rate="")):
        end = max(end, said.span_nouns)
        shown = text.folded[start:end]
        return Fault(
            start, end, f"'{shown}' is a figure of the brief, but it does not count that; say what it counts."
        )
    shown = text.folded[start:end]
    if said.kind is Kind.MONEY and said.per and ledger.grounds(said._replace(per=())):
        paid = " and ".join(said.per)
        return Fault(start, end, f"'{shown}' is the price, but not per {paid}; it is per {brief.offer.per}.")
    return Fault(
        start, end, f"'{shown}' is not a figure of the brief; use one of its figures, or take it out."
    )


@rule(Level.BLOCK)
def real_metric(text: Text, brief: Brief, _around: Surroundings) -> Iterable[Fault]:
    """At least one figure of the brief is quoted."""
    if not any(True for _ in quoted(text, brief, text.body)):
        yield Fault(*text.body, "No figure of the brief is quoted; say at least one that was measured.")
