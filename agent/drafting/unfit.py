"""What may not stand outside the slots of a worded text: numbers, days, money, links, markup, odd letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from agent.drafting.guardrails.dates import days_named
from agent.drafting.guardrails.folding import fold
from agent.drafting.guardrails.links import LINK, LINK_HINT, MAIL, MAIL_HINT
from agent.drafting.guardrails.numerals import SUFFIXES
from agent.drafting.guardrails.quantities import PERCENT, quantities
from agent.drafting.guardrails.units import CENTS, CURRENCY_WORDS
from agent.drafting.guardrails.words import WORDS, any_of

SPOT = re.compile(r"\{([^{}\n]{1,60})\}")
MASK = "\x1a"
"Stands for each letter of a slot while the words around it are read."
SPOKEN_SIGNS = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "."}
ODD = re.compile(r"[^A-Za-z0-9 .,;:!?'\"()\-/&’‘“”–—…€$£¥%" + MASK + "]")
COUNTABLE = "exports"
"Stands for a slot that is no figure while what counts it is read."
DIGITS = re.compile(r"\d[\d.,]*")
MONEY_WORD = re.compile(rf"(?<!\w)(?:{'|'.join(sorted({*CURRENCY_WORDS, *CENTS} - {'¢'}))})(?!\w)")
PERCENT_WORD = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(PERCENT - {'%'}))}|per cent)(?!\w)|%")
ROMAN = re.compile(
    r"(?<![\w'])(?=[IVXLCDM]{2}|[ivx]{2})(?:M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
    r"|x{0,3}(?:ix|iv|v?i{0,3}))(?![\w'])"
)
SHORT_DAYS = re.compile(
    r"(?<!\w)(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thurs?|Thu|Fri|(?<=[\w,] )(?:May|Sat|Sun))(?![\w'])"
)
AS_A_CONDITION = "you|your|it|they|their|that|this|these|those|the|there|somebody|someone|we|i"
ONCE = re.compile(rf"(?<!\w)(?<!at )once(?! more(?!\w))(?! (?:(?:{AS_A_CONDITION})(?!\w)|{MASK}))(?!\w)")
"A count of one; 'once you pass it' and 'at once' are none."
ONE = re.compile(
    r"(?<!\w)(?:(?:only|just|exactly|at least|at most) one(?! (?:way|thing|question|option|step|of)(?!\w))"
    r"|(?<!no )(?<!any )(?<!some )(?<!this )(?<!that )one (?:is |was )?(?:left|remaining|remains|free|taken)"
    r"|(?:a|one|every|each) single)(?!\w)"
)
"A count of one that the guardrails read as a pronoun."
ENTITY = re.compile(r"&#?\w{1,8};")
CONDITION = re.compile(
    r"(?<!\w)(?:when|whenever|if|until|till|once|before|unless|should)(?!\w)[^.!?]*$", re.IGNORECASE
)
"What speaks of a time to come, in which a figure may be passed."
BENT = re.compile(
    rf"(?<!\w)(?:{any_of({word for words in WORDS.sides.values() for word in words} - {'within'}, whole=False).pattern})\s+$"
)
BEFORE_SLOT = re.compile(r"(?:^|[\s(\"“'‘:]|\w[—–])$")
AFTER_SLOT = re.compile(
    r"$|[\s;:!?)\"”—–…]|[.,](?=$|[\s\"”'’)])|['’](?:s(?!\w)|(?=$|[\s.,;:!?)]))|-(?=[A-Za-z])"
)
AFTER_FIGURE = re.compile(rf"[ -](?:{'|'.join(SUFFIXES)}|x|fold|st|nd|rd|th)(?!\w)|-")
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Unfit(NamedTuple):
    """Words that may not stand where they do, by their place, with the guardrail they offend."""

    start: int
    end: int
    rule: str
    message: str


def spots(text: str) -> list[re.Match[str]]:
    """Everything in `text` that is written as a slot."""
    return list(SPOT.finditer(text))


def unfit(text: str, figures: frozenset[str], today: date) -> Iterator[Unfit]:
    """Everything outside the slots of `text` that only a slot may say; `figures` are the slots that read as numbers."""
    slots = spots(text)
    masked = SPOT.sub(lambda spot: MASK * len(spot.group()), text)
    if odd := list(_odd(masked)):
        yield from odd
        # What hides behind odd letters is read as an eye would read it; its place is then the text as a whole.
        folded = fold(masked.replace(MASK, "x")).text
        for fault in _numbers(folded, [], today):
            yield Unfit(0, len(text), fault.rule, fault.message)
        return
    plain = "".join(SPOKEN_SIGNS.get(letter, letter) for letter in masked)
    hidden = [spot.span() for spot in slots]
    numbers = list(_numbers(plain, hidden, today))
    yield from numbers
    told = [(fault.start, fault.end) for fault in numbers]
    yield from (
        fault for fault in _counting(plain, slots, figures) if not hits((fault.start, fault.end), told)
    )
    yield from _money(text, plain)
    yield from _addresses(plain)
    yield from _joints(text, slots, figures)


def _odd(masked: str) -> Iterator[Unfit]:
    for match in ODD.finditer(masked):
        letter = match.group()
        a, b = match.span()
        if letter in "{}":
            yield Unfit(
                a,
                b,
                "unfilled",
                f"There is a stray '{letter}'; write a slot as {{slot}}, and no other brace.",
            )
        elif letter == "\n":
            yield Unfit(a, b, "no_injection", "There is a line break; each part is one line.")
        elif unicodedata.category(letter) in UNSEEN:
            message = f"There is an unseen character (U+{ord(letter):04X}); leave it out."
            yield Unfit(a, b, "no_injection", message)
        elif unicodedata.numeric(letter, None) is not None:
            yield Unfit(a, b, "ungrounded_figure", f"'{letter}' is a number; use a slot, or leave it out.")
        elif unicodedata.category(letter) == "Sc":
            yield Unfit(a, b, "price_last", f"'{letter}' is money; use {{price}}, in the offer.")
        else:
            yield Unfit(
                a,
                b,
                "no_injection",
                f"'{letter}' (U+{ord(letter):04X}) is no plain letter or sign of a message; leave it out.",
            )


def _numbers(plain: str, hidden: Sequence[tuple[int, int]], today: date) -> Iterator[Unfit]:
    """Digits, number words, shares, days and periods, as the guardrails read them."""
    lower = plain.lower()
    quiet = sorted(
        [*hidden, *(match.span() for match in WORDS.idioms.finditer(lower) if not hits(match.span(), hidden))]
    )
    seen: list[tuple[int, int]] = []
    days = [(day.start, day.end) for day in days_named(lower, plain, quiet, today)]
    days += [match.span() for match in SHORT_DAYS.finditer(plain) if not hits(match.span(), [*hidden, *days])]
    for a, b in days:
        seen.append((a, b))
        yield Unfit(
            a, b, "ungrounded_figure", f"'{plain[a:b]}' is a day or a time; use a slot, or leave it out."
        )
    read = [(said.start, said.end) for said in quantities(lower, sorted([*quiet, *seen]))]
    read += [match.span() for match in (*DIGITS.finditer(plain), *PERCENT_WORD.finditer(lower))]
    read += [match.span() for match in (*ROMAN.finditer(plain), *ONCE.finditer(lower), *ONE.finditer(lower))]
    for a, b in read:
        if not hits((a, b), seen):
            seen.append((a, b))
            message = (
                f"'{plain[a:b].replace(MASK, '')}' says a number or a share; use a slot, or leave it out."
            )
            yield Unfit(a, b, "ungrounded_figure", message)


def _counting(plain: str, slots: list[re.Match[str]], figures: frozenset[str]) -> Iterator[Unfit]:
    """Words that say how many there are of what a slot names, as the guardrails read them: most {things}."""
    read, places, hidden, done = "", list[int](), list[tuple[int, int]](), 0
    for spot in slots:
        a, b = spot.span()
        said = plain[a:b] if spot[1] in figures else COUNTABLE
        read += plain[done:a]
        places += range(done, a)
        if spot[1] in figures:
            hidden.append((len(read), len(read) + len(said)))
        read += said
        places += [a] * (len(said) - 1) + [b - 1]
        done = b
    read = (read + plain[done:]).lower()
    places += range(done, len(plain))
    hidden += [match.span() for match in WORDS.idioms.finditer(read) if not hits(match.span(), hidden)]
    for one in quantities(read, sorted(hidden)):
        a, b = places[one.start], places[one.end - 1] + 1
        message = f"'{plain[a:b].replace(MASK, '')}' says how many; use a slot, or leave it out."
        yield Unfit(a, b, "ungrounded_figure", message)


def _money(text: str, plain: str) -> Iterator[Unfit]:
    found = [match.span() for match in MONEY_WORD.finditer(plain.lower())]
    found += [
        (place, place + 1) for place, letter in enumerate(plain) if unicodedata.category(letter) == "Sc"
    ]
    for a, b in found:
        yield Unfit(a, b, "price_last", f"'{text[a:b]}' is money; use {{price}}, in the offer.")


def _addresses(plain: str) -> Iterator[Unfit]:
    lower = plain.lower()
    found = [match.span() for match in MAIL.finditer(lower)] if MAIL_HINT.search(lower) else []
    found += [match.span() for match in LINK.finditer(lower)] if LINK_HINT.search(lower) else []
    found += [match.span() for match in ENTITY.finditer(lower)]
    for a, b in found:
        yield Unfit(
            a, b, "no_injection", f"'{plain[a:b].replace(MASK, '')}' is an address or a link; leave it out."
        )


def _joints(text: str, slots: list[re.Match[str]], figures: frozenset[str]) -> Iterator[Unfit]:
    """What is glued to a slot, or follows a figure, so that the two would read as something else."""
    for place, spot in enumerate(slots):
        a, b = spot.span()
        is_figure = spot[1] in figures
        glued = not BEFORE_SLOT.search(text, max(0, a - 2), a) or not AFTER_SLOT.match(text, b)
        if glued or (is_figure and AFTER_FIGURE.match(text, b)):
            yield Unfit(
                a, b, "ungrounded_figure", f"Something is glued to {spot.group()}; put whole words around it."
            )
        before = text[:a].lower()
        if is_figure and (bent := BENT.search(before)) and not CONDITION.search(before):
            yield Unfit(
                bent.start(),
                b,
                "ungrounded_figure",
                f"'{text[bent.start() : b]}' bends a figure; say it as it is.",
            )
        if is_figure and place and slots[place - 1][1] in figures:
            between = text[slots[place - 1].end() : a]
            if len(between) < 2:
                whole = text[slots[place - 1].start() : b]
                yield Unfit(
                    slots[place - 1].start(),
                    b,
                    "ungrounded_figure",
                    f"'{whole}' runs two figures together; put words between.",
                )


def hits(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    """Whether a stretch shares a letter with one of `others`."""
    return any(a < span[1] and span[0] < b for a, b in others)
