"""Numbers as people write them: 1,000 and 1.000, 1k, eighty-seven, half a dozen, two thirds."""

from __future__ import annotations

import re
from typing import NamedTuple

from agent.drafting.guardrails.words import WORDS

TOKEN = re.compile(
    r"(?P<number>\d{1,3}([,.' ])\d{3}(?:\2\d{3})*(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"|(?P<word>[a-z]+(?:'[a-z]+)?)|(?P<sign>[^\s\w]|_)|(?P<other>[^\W\d_a-z]+|\w)"
)
ONES = {word: value for value, word in enumerate(WORDS.ones)}
TENS = {word: 20 + 10 * place for place, word in enumerate(WORDS.tens)} | {"fourty": 40}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
GROUPS = {"dozen": 12, "couple": 2, "pair": 2, "score": 20}
SUFFIXES = {"k": 10**3, "m": 10**6, "mn": 10**6, "mio": 10**6, "bn": 10**9, "b": 10**9, "grand": 10**3}
ORDINALS = (
    {word: value for value, word in enumerate(WORDS.ordinals)}
    | {word: 20 + 10 * place for place, word in enumerate(WORDS.tens_ordinals)}
    | {"hundredth": 100, "thousandth": 1000}
)
PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4} | {
    form: value for word, value in ORDINALS.items() if value > 2 for form in (word, f"{word}s")
}
OF_A_WHOLE = frozenset(
    {
        "of",
        "your",
        "the",
        "is",
        "are",
        "has",
        "have",
        "remains",
        "remain",
        "left",
        "gone",
        "more",
        "less",
        "used",
    }
)
"What stands after 'a quarter' that is no stretch of time."
MOST_DIGITS = 18


class Token(NamedTuple):
    """A word, a number in digits, or a sign, with its place; `kind` is a group of TOKEN or 'name'."""

    text: str
    kind: str
    start: int
    end: int


class Number(NamedTuple):
    """A number read from tokens `first` up to, not with, `after`."""

    values: tuple[float, ...]
    "What it may mean: 1.000 is a thousand or one."
    first: int
    after: int
    decimals: int = 0
    in_words: bool = False
    is_part: bool = False
    "A fraction: half, two thirds, 3/4."
    is_ordinal: bool = False


def tokens_of(
    lower: str, hidden: list[tuple[int, int]], start: int = 0, end: int | None = None
) -> list[Token]:
    """The tokens of a folded lower-case text; a hidden stretch becomes one token of kind 'name'."""
    found: list[Token] = []
    place = start
    for a, b in [*hidden, (len(lower) if end is None else end,) * 2]:
        if a < place:
            place = max(place, b)
            continue
        for match in TOKEN.finditer(lower, place, a):
            found.append(Token(match.group(), match.lastgroup or "other", *match.span()))
        if b > a:
            found.append(Token(lower[a:b], "name", a, b))
        place = b
    return found


def read_number(tokens: list[Token], i: int) -> Number | None:
    """The number that begins at token `i`, if one does."""
    token = tokens[i]
    if token.kind == "number":
        return _digits(tokens, i)
    if token.kind != "word":
        return None
    word = token.text
    if word in ("a", "an", "one") and (after := _word(tokens, i + 1)) and _gap(tokens, i):
        if (
            after in SCALES
            or after in ("dozen", "couple", "pair")
            or (after == "score" and _word(tokens, i + 2) == "of")
        ):
            return _words(tokens, i)
        if after in PARTS and after not in ("second", "halves") and not after.endswith("s"):
            if after in ORDINALS and _word(tokens, i + 2) in WORDS.in_order:
                return Number((ORDINALS[after],), i, i + 2, in_words=True, is_ordinal=True)
            if after == "quarter" and word != "one" and _word(tokens, i + 2) not in OF_A_WHOLE:
                return None
            return Number((1 / PARTS[after],), i, i + 2, in_words=True, is_part=True)
    if word == "half":
        if _word(tokens, i + 1) in ("a", "the") and _word(tokens, i + 2) == "dozen":
            return Number((6,), i, i + 3, in_words=True)
        return Number((0.5,), i, i + 1, in_words=True, is_part=True)
    if word in ("halfway", "midway"):
        return Number((0.5,), i, i + 1, in_words=True, is_part=True)
    if word in ONES or word in TENS or word in SCALES or word in ("dozen",):
        return _words(tokens, i)
    if word == "second" and _word(tokens, i + 1) not in WORDS.in_order:
        return None
    if word in ORDINALS and word != "first":
        return Number((ORDINALS[word],), i, i + 1, in_words=True, is_ordinal=True)
    return None


def _word(tokens: list[Token], i: int) -> str:
    return tokens[i].text if 0 <= i < len(tokens) and tokens[i].kind in ("word", "sign") else ""


def _gap(tokens: list[Token], i: int) -> bool:
    """Whether token i + 1 stands close enough to belong to token i."""
    return i + 1 < len(tokens) and tokens[i + 1].start - tokens[i].end <= 1


def _digits(tokens: list[Token], i: int) -> Number:
    values, decimals = meanings(tokens[i].text)
    after = i + 1
    follow = _word(tokens, after)
    if (
        follow in SUFFIXES
        and _gap(tokens, i)
        and (tokens[after].start == tokens[i].end or follow not in ("m", "b"))
    ):
        if follow != "m" or tokens[after].start == tokens[i].end:
            values = tuple(round(value * SUFFIXES[follow], 6) for value in values)
            decimals = 0
            after += 1
    elif follow in SCALES:
        while _word(tokens, after) in SCALES:
            scale = SCALES[_word(tokens, after)]
            values = tuple(round(value * scale, 6) for value in values)
            decimals = 0
            after += 1
    elif follow == "dozen":
        return Number(tuple(value * 12 for value in values), i, after + 1)
    elif follow in ("st", "nd", "rd", "th") and tokens[after].start == tokens[i].end:
        return Number(values, i, after + 1, is_ordinal=True)
    elif follow in PARTS and all(value == int(value) for value in values) and follow != "half":
        return Number(tuple(value / PARTS[follow] for value in values), i, after + 1, is_part=True)
    elif (
        follow == "/"
        and after + 1 < len(tokens)
        and tokens[after + 1].kind == "number"
        and _gap(tokens, after)
    ):
        below = meanings(tokens[after + 1].text)[0]
        if below[0] and tokens[after].start == tokens[i].end:
            return Number((values[0] / below[0],), i, after + 2, is_part=True)
    elif after + 2 < len(tokens) and tokens[after].kind == "number" and _word(tokens, after + 1) == "/":
        # 2 1/2: a whole and a part.
        below = meanings(tokens[after + 2].text)[0] if tokens[after + 2].kind == "number" else (0.0,)
        if below[0]:
            whole = values[0] + meanings(tokens[after].text)[0][0] / below[0]
            return Number((whole,), i, after + 3, decimals=2)
    return Number(values, i, after, decimals)


def meanings(text: str) -> tuple[tuple[float, ...], int]:
    """What digits may mean, and how many decimals are written: '1.000' is 1000 or 1, '49,00' is 49."""
    marks = [c for c in text if not c.isdigit()]
    bare = re.sub(r"[^\d]", "", text)
    if len(bare) > MOST_DIGITS:
        # No figure is that large, and a float of it would be infinite.
        return (float(bare[:MOST_DIGITS]),), 0
    if not marks:
        return (float(bare),), 0
    grouped = re.fullmatch(r"\d{1,3}([,.' ])\d{3}(?:\1\d{3})*", text)
    if grouped:
        whole = float(bare)
        if len(marks) == 1 and marks[0] == ".":
            return (whole, float(text)), 0
        return (whole,), 0
    head, tail = re.split(r"[,.](?=\d+$)", text)
    return (float(f"{re.sub(r'[^0-9]', '', head)}.{tail}"),), len(tail)


def _words(tokens: list[Token], i: int) -> Number:
    """A number in words from token `i` on: twenty-one, one hundred and five, two dozen, three quarters."""
    total = current = 0.0
    at = i
    took = False
    last = ""
    while at < len(tokens):
        word = tokens[at].text
        if took and word in ("-", "and") and _gap_words(tokens, at, last):
            at += 1
            continue
        if word in ("a", "an") and not took and _word(tokens, at + 1) in SCALES | GROUPS:
            current = 1
        elif word in TENS and last not in (*TENS, *ONES):
            current += TENS[word]
        elif word in ONES and (
            last in ("", "hundred", "thousand", "million", "and") or (last in TENS and 0 < ONES[word] < 10)
        ):
            current += ONES[word]
        elif word == "hundred" and last not in SCALES:
            current = (current or 1) * 100
        elif word in SCALES and word != "hundred":
            total += (current or 1) * SCALES[word]
            current = 0
        elif word in GROUPS and last in (*ONES, *TENS, "a", "an", ""):
            return Number(((current or 1) * GROUPS[word],), i, at + 1, in_words=True)
        elif took and word in PARTS and (total + current) < 100 and word not in ("half", "second"):
            if word.endswith("s") or (total + current) == 1:
                return Number(((total + current) / PARTS[word],), i, at + 1, in_words=True, is_part=True)
            return Number(
                (total + current + ORDINALS.get(word, 0),), i, at + 1, in_words=True, is_ordinal=True
            )
        elif took and word in ORDINALS and last in TENS:
            return Number((total + current + ORDINALS[word],), i, at + 1, in_words=True, is_ordinal=True)
        else:
            break
        took, last = True, word
        at += 1
    while at > i + 1 and tokens[at - 1].text in ("-", "and"):
        at -= 1
    value = total + current
    if _word(tokens, at) == "point" and _word(tokens, at + 1) in ONES:
        digits = ""
        at += 1
        while _word(tokens, at) in ONES and ONES[_word(tokens, at)] < 10:
            digits += str(ONES[_word(tokens, at)])
            at += 1
        return Number((float(f"{int(value)}.{digits or 0}"),), i, at, decimals=len(digits), in_words=True)
    if _word(tokens, at) == "and" and _word(tokens, at + 1) == "a" and _word(tokens, at + 2) == "half":
        return Number((value + 0.5,), i, at + 3, decimals=1, in_words=True)
    return Number((value,), i, at, in_words=True)


def _gap_words(tokens: list[Token], at: int, last: str) -> bool:
    """Whether 'and' or a hyphen at `at` goes on with the number that stands before it."""
    follow = _word(tokens, at + 1)
    if tokens[at].text == "-":
        glued = (
            at + 1 < len(tokens)
            and tokens[at].start == tokens[at - 1].end
            and tokens[at + 1].start == tokens[at].end
        )
        return glued and (
            follow in PARTS or follow in ORDINALS or follow in SCALES or (last in TENS and follow in ONES)
        )
    return last in SCALES and (follow in ONES or follow in TENS)
