"""Figures: every quantity and day a text names is one of the brief's, and at least one is quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agent.drafting.brief import Brief
from agent.drafting.guardrails.dates import Day, days_named
from agent.drafting.guardrails.entries import Entry
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.grounding import Ledger
from agent.drafting.guardrails.joining import shares_in, told_with_another_period, told_with_another_window
from agent.drafting.guardrails.links import links_in, mails_in
from agent.drafting.guardrails.money import in_own_currency, own_money
from agent.drafting.guardrails.naming import find_name, hidden_numbers, own_spans
from agent.drafting.guardrails.quantities import quantities
from agent.drafting.guardrails.rule import Fault, rule
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.units import Kind, Quantity, Side
from agent.drafting.guardrails.words import WORDS
from agent.drafting.violation import Level, Surroundings

TO_COME = re.compile(
    r"(?<!\w)(?:if|when|once|until|till|upon|after|should|would|could|might|may|watch\w*|wait\w*|see|check|look\w*|eye"
    r"|sign|cue|mark|moment|point|reason|time to|time is|time comes|worth|consider|reconsider|compare|remember|mind|write"
    r"|tell|again|hint|matter\w*|will|above|beyond)(?!\w)|'(?:d|ll)(?!\w)"
)
"What tells that a sentence of the close speaks of what is to come."
ROMAN = re.compile(
    r"(?<![\w'.-])(?=[IVXLC]{2,}(?![\w'-]))(?:C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})(?![\w'-])"
)
ROMAN_DIGITS = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
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
        money = own_money(text, brief)
        read = (
            in_own_currency(said, money.spans, brief.offer.currency)
            for said in quantities(money.lower, hidden)
        )
        found = [_hoped(text, said) for said in read]
        for place, share in reversed(list(shares_in(text, found, ledger))):
            found[place : place + 2] = [share]
        return [(said, ledger.grounds(said)) for said in found]

    return text.memo("quantities", make)


def _hoped(text: Text, said: Quantity) -> Quantity:
    """The quantity as a condition, where the close speaks of what is to come: 'more than 4 would be the sign'."""
    if said.kind is Kind.MONEY or said.is_condition or text.last is None or not text.last.holds(said.start):
        return said
    hoped = text.memo(
        "hoped",
        lambda: [one for one in text.sentences(text.last or text.body) if TO_COME.search(text.of(one))],
    )
    return said._replace(is_condition=True) if any(one.holds(said.start) for one in hoped) else said


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
        elif before and _is_whole_of_itself(text, before, (said, entries)):
            shown = text.folded[before[0].start : said.end]
            yield Fault(before[0].start, said.end, f"'{shown}' says that all of it is used; say how much is.")
        before = (said, entries)
    said_all = quantities_of(text, brief)
    ledger = ledger_of(text, brief)
    joined = [
        *told_with_another_window(text, brief, said_all),
        *told_with_another_period(text, ledger, said_all, days_of(text, brief)),
    ]
    for part, counted in joined:
        shown = text.folded[counted.start : counted.end]
        yield Fault(*part, f"'{shown}' was not measured over that time; say the time it was measured in.")
    for part in text.find(WORDS.unmeasured):
        amounts = [one for one in own_money(text, brief).spans if one.start == part.start]
        if not amounts and not any(
            own.start <= part.start and part.end <= own.end for own in benefit_in(text, brief)
        ):
            shown = text.folded[part.start : part.end]
            yield Fault(
                *part, f"'{shown}' compares without a figure of the brief; quote one, or leave it out."
            )
    yield from _roman(text, brief)
    for day in days_of(text, brief):
        if not ledger.knows(day):
            shown = text.folded[day.start : day.end]
            yield Fault(
                day.start,
                day.end,
                f"'{shown}' is no day or period of the brief; say one that is, or leave it out.",
            )


def _roman(text: Text, brief: Brief) -> Iterator[Fault]:
    """Numbers in Roman numerals that no figure has; names of the brief aside."""
    own = own_spans(text, brief)
    for match in ROMAN.finditer(text.folded):
        digits = [ROMAN_DIGITS[letter] for letter in match.group()]
        worth = sum(
            -one if any(later > one for later in digits[at + 1 :]) else one for at, one in enumerate(digits)
        )
        said = Quantity(*match.span(), Kind.COUNT, (float(worth),))
        if not any(part.holds(match.start()) for part in own) and not ledger_of(text, brief).grounds(said):
            yield Fault(
                *match.span(),
                f"'{match.group()}' is not a figure of the brief; use one of its figures, or take it out.",
            )


def _is_of_the_offer(
    text: Text, part: tuple[Quantity, tuple[Entry, ...]], whole: tuple[Quantity, tuple[Entry, ...]]
) -> bool:
    """Whether a measured figure is said to be out of one that only the offer has: '87% of the 5,000'."""
    if not OF.fullmatch(text.lower, part[0].end, whole[0].start) or part[0].is_condition:
        return False
    measured = bool(part[1]) and not any(entry.is_offer for entry in part[1])
    return measured and all(entry.is_offer for entry in whole[1])


def _is_whole_of_itself(
    text: Text, part: tuple[Quantity, tuple[Entry, ...]], whole: tuple[Quantity, tuple[Entry, ...]]
) -> bool:
    """Whether a ceiling is said to be reached that no figure says is: 'twenty of your twenty seats'."""
    if not OF.fullmatch(text.lower, part[0].end, whole[0].start) or part[0].is_condition:
        return False
    return bool(part[1]) and all(entry.is_bound for entry in part[1])


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
