"""Quantities without a number: doubled, twice, both, most of, hundreds, for weeks, in a month."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent.drafting.guardrails.beside import rate_after, sided
from agent.drafting.guardrails.numerals import ONES
from agent.drafting.guardrails.units import SECONDS, TIME_UNITS, Kind, Quantity, Side
from agent.drafting.guardrails.words import WORDS, stem

MULTIPLES = {"doubl": 2, "tripl": 3, "trebl": 3, "quadrupl": 4, "quintupl": 5}
FOLDS = {word: value for word, value in ONES.items() if value > 1} | {"hundred": 100}
MULTIPLE = re.compile(
    rf"(?<!\w)(?:(?P<m>{'|'.join(MULTIPLES)})(?:e|es|ed|ing|y)|(?P<halve>halv(?:e|es|ed|ing))"
    r"|(?P<twice>twice)|(?P<thrice>thrice)|(?P<fold>[a-z]+|\d{1,9})-?fold|(?P<both>both)"
    r"|(?P<most>(?:most|the bulk|(?:a|the) (?:vast |large |great )?majority) of|(?:a|the) (?:vast |large )?majority"
    r"|(?<!the )most(?= [a-z]+))|x(?P<x>\d{1,9}))(?!\w)"
)
PLURALS = "days|weeks|months|years|quarters"
VAGUE = re.compile(
    r"(?<!\w)(?:(?P<n>dozens|scores(?= of)|tens|hundreds|thousands|millions|billions)(?: of thousands| of millions)?"
    rf"|(?:few|several|handful of) (?P<few>{PLURALS})"
    rf"|for (?P<t>{PLURALS}|hours)|(?P<past>{PLURALS})(?=\s+(?:ago|running|in a row|on end|now\b)))(?!\w)"
)
VAGUE_RANGES = {
    "dozens": (24, 120), "scores": (40, 200), "tens": (20, 100), "hundreds": (200, 999), "thousands": (2000, 10**6),
    "millions": (2 * 10**6, 10**9), "billions": (2 * 10**9, 10**13),
}  # fmt: skip
FEW = 6.0
"A few is more than one and no more than this."
BARE_UNIT = re.compile(
    r"(?<!\w)(?P<lead>(?:in|within|for|over|after|about|around|nearly|almost|the (?:last|past|previous)|past"
    r"|than|under|during|half|every other)\s+(?:the |the (?:last|past|previous) )?)?"
    r"(?:(?P<art>an?|one|this past|whole|full|entire)\s+)?(?:whole |full )?"
    r"(?P<unit>minute|hour|day|week|fortnight|month|quarter|year|decade|century)(?!\w)"
    r"(?P<tail>\s+(?:ago|later|earlier|from now|or so|running|left|early|straight|in a row|now))?"
)
ALWAYS_A_LENGTH = frozenset({"fortnight", "decade", "century"})
NOUN = re.compile(r"\s+(?:of )?(?:the |your |our )?([a-z]+)")
COMPARED = re.compile(
    r"\s+(?:as (?:many|much|often|big|large|long|high|fast|busy)|the (?:number|amount|size|volume))(?!\w)"
)
"After 'twice' or '5 times': a ratio, and no count of times."
COMPARED_THINGS = re.compile(r"\s+(?:as (?:many|much)|the (?:number|amount) of)\s+([a-z]+)")
AND = re.compile(r"[^.!?\n]{0,50}\band\b")


def implied(lower: str, start: int, end: int) -> Iterator[Quantity]:
    """Every quantity that a word without a number states."""
    yield from _multiples(lower, start, end)
    yield from _vague(lower, start, end)
    yield from _lengths(lower, start, end)


def _multiples(lower: str, start: int, end: int) -> Iterator[Quantity]:
    for match in MULTIPLE.finditer(lower, start, end):
        a, b = match.span()
        if match["m"]:
            yield sided(lower, Quantity(a, b, Kind.MULTIPLE, (float(MULTIPLES[match["m"]]),)))
        elif match["halve"]:
            yield sided(lower, Quantity(a, b, Kind.MULTIPLE, (0.5,)))
        elif match["twice"] or match["thrice"]:
            times = (2.0,) if match["twice"] else (3.0,)
            kind = Kind.MULTIPLE if COMPARED.match(lower, b) else Kind.TIMES
            nouns = compared(lower, b)
            yield sided(lower, Quantity(a, b, kind, times, rate=rate_after(lower, b), nouns=nouns))
        elif match["x"]:
            yield Quantity(a, b, Kind.MULTIPLE, (float(match["x"]),))
        elif match["fold"]:
            worth = int(match["fold"]) if match["fold"].isdigit() else FOLDS.get(match["fold"])
            if worth is not None:
                yield sided(lower, Quantity(a, b, Kind.MULTIPLE, (float(worth),)))
        elif match["both"]:
            # 'Both exports and imports' joins two words; 'both teams' counts.
            if not AND.match(lower, b, b + 60):
                yield Quantity(a, b, Kind.COUNT, (2.0,), nouns=_noun(lower, b))
        else:
            # A bare majority is one of people.
            nouns = (stem("people"),) if match["most"].endswith("majority") else _noun(lower, b)
            if match["most"] != "most" or _are_things(lower, b):
                yield Quantity(a, b, Kind.SHARE, (50.0,), Side.RANGE, high=100.0, nouns=nouns)


def _vague(lower: str, start: int, end: int) -> Iterator[Quantity]:
    for match in VAGUE.finditer(lower, start, end):
        a, b = match.span()
        if match["n"]:
            low, high = VAGUE_RANGES[match["n"]]
            nouns = _noun(lower, b)
            yield Quantity(a, b, Kind.COUNT, (float(low),), Side.RANGE, high=float(high), nouns=nouns)
        elif match["few"]:
            one = SECONDS[TIME_UNITS[match["few"]]]
            yield Quantity(a, b, Kind.DURATION, (2.0 * one,), Side.RANGE, high=FEW * one)
        else:
            length = 2.0 * SECONDS[TIME_UNITS[match["t"] or match["past"]]]
            yield Quantity(a, b, Kind.DURATION, (length,), Side.RANGE, high=float("inf"))


def _lengths(lower: str, start: int, end: int) -> Iterator[Quantity]:
    for match in BARE_UNIT.finditer(lower, start, end):
        lead, art, unit = (match["lead"] or "").strip(), match["art"], match["unit"]
        looks_back = any(word in lead for word in ("last", "past", "previous"))
        # 'A month' after a price is a rate; 'in a month', 'a month ago' and 'the last month' are lengths.
        if unit in ALWAYS_A_LENGTH or (lead and (art or looks_back)) or (art and match["tail"]):
            a = match.start("art") if art else match.start("unit")
            length = Quantity(a, match.end("unit"), Kind.DURATION, (float(SECONDS[unit]),), unit=unit)
            yield sided(lower, length)


def _are_things(lower: str, place: int) -> bool:
    """Whether 'most' stands before things that can be counted: most people, most teams; not most days."""
    match = NOUN.match(lower, place)
    word = match[1] if match else ""
    return (
        (word == "people" or word.endswith("s")) and word not in TIME_UNITS and stem(word) in WORDS.countable
    )


def compared(lower: str, place: int) -> tuple[str, ...]:
    """The stem of what there is twice as many of, if it can be counted."""
    match = COMPARED_THINGS.match(lower, place)
    return (stem(match[1]),) if match and stem(match[1]) in WORDS.countable else ()


def _noun(lower: str, place: int) -> tuple[str, ...]:
    """The stem of what is counted, if a noun follows."""
    match = NOUN.match(lower, place)
    return (stem(match[1]),) if match and match[1] not in WORDS.small else ()
