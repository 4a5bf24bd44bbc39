"""Every quantity a text states: how much, of what, and on which side of it the truth must lie."""

from __future__ import annotations

import re

from agent.drafting.guardrails.beside import finish, is_condition, text_at
from agent.drafting.guardrails.implied import COMPARED, compared, implied
from agent.drafting.guardrails.numerals import SCALES, Number, Token, read_number, tokens_of
from agent.drafting.guardrails.units import (
    CENTS,
    CURRENCY_SIGNS,
    CURRENCY_WORDS,
    DOLLARS,
    SECONDS,
    TIME_UNITS,
    Kind,
    Quantity,
)
from agent.drafting.guardrails.words import WORDS, stem

DOLLAR_OF = re.compile(r"(?<!\w)(us|a|au|c|ca|nz|hk|s)$")
WHICH_HALF = frozenset({"second", "other", "first", "better"})
PERCENT = frozenset({"%", "percent", "pct", "percentage"})
BEFORE_UNIT = frozenset(
    {
        "full",
        "whole",
        "calendar",
        "working",
        "business",
        "straight",
        "consecutive",
        "different",
        "separate",
        "more",
    }
)


def quantities(
    lower: str, hidden: list[tuple[int, int]], start: int = 0, end: int | None = None
) -> list[Quantity]:
    """Every quantity of a folded lower-case text outside the hidden stretches, in order."""
    end = len(lower) if end is None else end
    found: list[Quantity] = []
    used = list(hidden)
    tokens = tokens_of(lower, hidden, start, end)
    i = 0
    while i < len(tokens):
        number = read_number(tokens, i)
        if number is None:
            i += 1
            continue
        made, i = _quantity(lower, tokens, number)
        if made is not None:
            found.append(made)
            used.append((made.start, made.end))
    for one in implied(lower, start, end):
        if not any(a < one.end and one.start < b for a, b in used):
            found.append(one)
    return sorted(one._replace(is_condition=is_condition(lower, one, start)) for one in found)


def _near(tokens: list[Token], i: int, lower: str) -> bool:
    """Whether token i follows its predecessor with nothing but a space between them."""
    return (
        0 < i < len(tokens)
        and not lower[tokens[i - 1].end : tokens[i].start].strip(" ")
        and tokens[i].start - tokens[i - 1].end <= 1
    )


def _quantity(lower: str, tokens: list[Token], number: Number) -> tuple[Quantity | None, int]:
    """The quantity around a number, and the token after it."""
    i, values, decimals = number.after, number.values, number.decimals
    start, end = tokens[number.first].start, tokens[i - 1].end
    before = text_at(tokens, number.first - 1)
    beside = number.first > 0 and start - tokens[number.first - 1].end <= 1
    if before in ("minus", "negative"):
        start = tokens[number.first - 1].start
        values, beside, before = tuple(-value for value in values), False, ""
    if (
        before in ("-", "+")
        and start == tokens[number.first - 1].end
        and (number.first < 2 or lower[tokens[number.first - 1].start - 1] in " \n(")
    ):
        start = tokens[number.first - 1].start
        if before == "-":
            values = tuple(-value for value in values)
        beside, before = False, ""
    kind, unit = Kind.COUNT, ""
    if number.is_ordinal:
        kind = Kind.ORDINAL
    elif number.is_part:
        kind = Kind.SHARE
        values = tuple(value * 100 for value in values)
    j = i
    if text_at(tokens, j) == "-" and _near(tokens, j, lower):
        j += 1
    follow = text_at(tokens, j)
    if values == (1.0,) and (share := _one_in(tokens, i)):
        values, i = share
        found = Quantity(start, tokens[i - 1].end, Kind.SHARE, values, is_part=True)
        return finish(lower, tokens, found, i), i
    if follow in ("a", "an") and number.is_part and text_at(tokens, j + 1) in TIME_UNITS:
        j += 1
        follow = text_at(tokens, j)
    if follow in PERCENT:
        kind, i = Kind.SHARE, j + 1
    elif follow == "per" and text_at(tokens, j + 1) == "cent":
        kind, i = Kind.SHARE, j + 2
    elif beside and (before in CURRENCY_SIGNS or before in CURRENCY_WORDS):
        kind = Kind.MONEY
        unit = CURRENCY_SIGNS.get(before) or CURRENCY_WORDS[before]
        start = tokens[number.first - 1].start
        if unit == "USD" and (match := DOLLAR_OF.search(lower, max(0, start - 4), start)):
            start, unit = match.start(), DOLLARS[match[1]]
        if text_at(tokens, j) in CURRENCY_WORDS and CURRENCY_WORDS[text_at(tokens, j)] == unit:
            i = j + 1
    elif follow in CURRENCY_SIGNS or follow in CURRENCY_WORDS:
        kind, i = Kind.MONEY, j + 1
        unit = CURRENCY_SIGNS.get(follow) or CURRENCY_WORDS[follow]
    elif follow in CENTS:
        kind, i, unit = Kind.MONEY, j + 1, "cents"
        values = tuple(value / 100 for value in values)
    elif follow in ("x", "times", "fold") and kind is not Kind.ORDINAL:
        is_ratio = follow != "times" or COMPARED.match(lower, tokens[j].end)
        kind, i = (Kind.MULTIPLE if is_ratio else Kind.TIMES), j + 1
        if number.is_part:
            values = tuple(value / 100 for value in values)
    elif kind is not Kind.ORDINAL and (at := _time_unit(tokens, j)) is not None:
        unit = TIME_UNITS[text_at(tokens, at)]
        scale = SECONDS[unit] / (100 if number.is_part else 1)
        kind, i = Kind.DURATION, at + 1
        values = tuple(value * scale for value in values)
    if kind is Kind.COUNT and number.in_words and values == (1.0,) and not _counts_one(tokens, i):
        return None, number.after
    if kind is Kind.SHARE and number.is_part and beside and before in WHICH_HALF:
        return None, number.after
    end = tokens[i - 1].end
    found = Quantity(start, end, kind, values, unit=unit, decimals=decimals, is_part=number.is_part)
    made = finish(lower, tokens, found, i)
    return (made._replace(nouns=compared(lower, end)) if kind is Kind.MULTIPLE else made), i


def _one_in(tokens: list[Token], i: int) -> tuple[tuple[float, ...], int] | None:
    """The share of 'one in five' and 'one out of five', in percent, and the token after it."""
    at = 0
    if text_at(tokens, i) == "in":
        at = i + 1
    elif (text_at(tokens, i), text_at(tokens, i + 1)) == ("out", "of"):
        at = i + 2
    below = read_number(tokens, at) if 0 < at < len(tokens) else None
    if below is None or below.is_part or not below.values[0] or text_at(tokens, below.after) in TIME_UNITS:
        return None
    return (100 / below.values[0],), below.after


def _time_unit(tokens: list[Token], j: int) -> int | None:
    """The token of the time unit after a number, over at most one word: '14 calendar days'."""
    if text_at(tokens, j) in TIME_UNITS:
        return j
    over_one = text_at(tokens, j) in BEFORE_UNIT and text_at(tokens, j + 1) in TIME_UNITS
    return j + 1 if over_one else None


def _counts_one(tokens: list[Token], i: int) -> bool:
    """Whether the word 'one' before token `i` counts something."""
    return any(
        stem(text_at(tokens, at)) in WORDS.countable or text_at(tokens, at) in SCALES
        for at in (i, i + 1)
        if at < len(tokens) and (at == i or text_at(tokens, i) not in WORDS.small)
    )
