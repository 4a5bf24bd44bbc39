"""Every quantity a text states: how much, of what, and on which side of it the truth must lie."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from agent.drafting.guardrails.numerals import SCALES, Number, Token, read_number, tokens_of
from agent.drafting.guardrails.words import WORDS, stem

INFINITY = float("inf")


class Kind(StrEnum):
    """What sort of quantity it is; one sort never grounds another."""

    SHARE = "share"
    MONEY = "money"
    DURATION = "duration"
    TIMES = "times"
    MULTIPLE = "multiple"
    COUNT = "count"
    ORDINAL = "ordinal"


class Side(StrEnum):
    """How the figure lies to the number said."""

    EXACT = "exact"
    BELOW = "below"
    ABOUT = "about"
    ABOVE = "above"
    UNDER = "under"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    RANGE = "range"


class Quantity(NamedTuple):
    """A quantity said in a text; shares in percent, durations in seconds, money in whole units."""

    start: int
    end: int
    kind: Kind
    values: tuple[float, ...]
    side: Side = Side.EXACT
    unit: str = ""
    "The currency sign or code, the time unit, or empty."
    decimals: int = 0
    nouns: tuple[str, ...] = ()
    "Stems of the words after it, up to the next small word."
    per: tuple[str, ...] = ()
    "What an amount is said to be paid per or how often: month, year, seat, once."
    rate: str = ""
    "day, week, month, quarter or year, where the quantity is said to be per that."
    settled: bool = False
    "True with 'the' or 'your' between: over the 1,000 in your plan; the number itself must be a figure."
    span_nouns: int = 0
    "Where the words after it end."
    high: float = 0
    "Upper end, for a range."
    is_part: bool = False
    is_condition: bool = False
    "True after 'when', 'if' or 'until': what is to come, not what is."


SECONDS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "hr": 3600, "day": 86400, "weekday": 86400,
           "workday": 86400, "night": 86400, "week": 604800, "fortnight": 1209600, "month": 2629800, "quarter": 7889400,
           "year": 31557600, "yr": 31557600, "decade": 315576000, "century": 3155760000}  # fmt: skip
TIME_UNITS = {unit: unit for unit in SECONDS} | {f"{unit}s": unit for unit in SECONDS}
RATES = {"day": "day", "week": "week", "month": "month", "mo": "month", "quarter": "quarter", "year": "year", "yr": "year",
         "hour": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year", "annually": "year",
         "quarterly": "quarter", "annum": "year"}  # fmt: skip
CURRENCY_SIGNS = {
    "€": "EUR",
    "$": "USD",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₽": "RUB",
    "₺": "TRY",
    "₩": "KRW",
    "₪": "ILS",
}
CURRENCY_WORDS = {
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "usd": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD", "gbp": "GBP",
    "pound": "GBP", "pounds": "GBP", "quid": "GBP", "sterling": "GBP", "jpy": "JPY", "yen": "JPY", "chf": "CHF", "francs": "CHF",
    "franken": "CHF", "sek": "SEK", "nok": "NOK", "dkk": "DKK", "kr": "SEK", "kronor": "SEK", "kroner": "NOK", "pln": "PLN",
    "zloty": "PLN", "czk": "CZK", "huf": "HUF", "inr": "INR", "rupees": "INR", "cad": "CAD", "aud": "AUD", "nzd": "NZD",
    "sgd": "SGD", "hkd": "HKD", "kwd": "KWD", "brl": "BRL", "mxn": "MXN", "cny": "CNY", "rmb": "CNY", "yuan": "CNY", "zar": "ZAR",
    "aed": "AED", "ils": "ILS", "try": "TRY", "krw": "KRW",
}  # fmt: skip
CENTS = {"cent", "cents", "pence", "¢"}
MULTIPLES = {"doubl": 2, "doubled": 2, "tripl": 3, "trebl": 3, "quadrupl": 4, "quintupl": 5}
MULTIPLE_WORD = re.compile(
    r"(?<!\w)(?:(?P<m>doubl|tripl|trebl|quadrupl|quintupl)(?:e|es|ed|ing|y)|(?P<halve>halv(?:e|es|ed|ing))|(?P<twice>twice)|(?P<thrice>thrice)"
    r"|(?P<fold>[a-z]+|\d+)-?fold|(?P<both>both)|(?P<most>most of|the majority of|the bulk of|a majority of)|x(?P<x>\d+))(?!\w)"
)
FOLDS = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "hundred": 100,
}
VAGUE = re.compile(
    r"(?<!\w)(?:(?P<n>dozens|tens|hundreds|thousands|millions|billions)(?: of thousands| of millions)?|for (?P<t>days|weeks|months|years|quarters|hours)|(?P<past>days|weeks|months|years|quarters)(?=\s+(?:ago|running|in a row|on end|now\b)))(?!\w)"
)
VAGUE_RANGES = {
    "dozens": (24, 120),
    "tens": (20, 100),
    "hundreds": (200, 1000),
    "thousands": (2000, 10**6),
    "millions": (2 * 10**6, 10**9),
    "billions": (2 * 10**9, 10**13),
}
BARE_UNIT = re.compile(
    r"(?<!\w)(?P<lead>(?:in|within|for|over|after|about|around|nearly|almost|the (?:last|past|previous)|past|than|under|during|half|every other)\s+(?:the |the (?:last|past|previous) )?)"
    r"?(?:(?P<art>an?|one|this past|whole|full|entire)\s+)?(?:whole |full )?(?P<unit>second|minute|hour|day|week|fortnight|month|quarter|year|decade|century)(?!\w)"
    r"(?P<tail>\s+(?:ago|later|earlier|from now|or so|running|left|early|straight|in a row|now))?"
)
SMALL = frozenset(
    "of in on at a an the and or but for to with by from per each every is are was were be been has have had will would can "
    "could should may might so that this these those it its you your we our i they them their as if when while until since "
    "than then too also not no do does did against across over under before after within into out up down off about between "
    "last next past already still now".split()
)
DETERMINERS = (
    r"(?:(?:the|your|our|these|those|all|its|their|of|an?|only|just|full|whole|first|last|some)\s+)*"
)
SIDE_BEFORE = [
    (Side(side), re.compile(r"(?<!\w)(?:" + "|".join(p.replace(" ", r"\s+") for p in sorted(words, key=len, reverse=True)) + rf")\s*(?P<d>{DETERMINERS})$"))
    for side, words in WORDS.sides.items()
]  # fmt: skip
CROSSING = re.compile(
    r"(?<!\w)(?:pass(?:es|ed|ing)?|past|cross(?:es|ed|ing)?|reach(?:es|ed|ing)?|exceed(?:s|ed|ing)?|tops?|topped|topping|surpass(?:es|ed|ing)?)\s+$"
)
AFTER = re.compile(
    r"\s*(?:(?P<plus>\+(?!\d)|or (?:more|above|higher)|plus(?= )|and (?:more|up|counting|above))|(?P<so>or so|-?ish|give or take)|(?P<less>or (?:less|fewer|under)))(?!\w)"
)
RATE = re.compile(
    r"\s*(?:/|per|an?|each|every)\s*(?P<r>day|week|month|mo|quarter|year|yr|hour|annum)(?!\w)|[\s-]*(?P<adv>daily|weekly|monthly|yearly|annually|quarterly)(?!\w)"
)
PAID = re.compile(
    r"[\s,(-]*(?:(?:and|billed|paid|charged|invoiced)\s+)?(?:(?:/|per|an?|each|every|for each|for every)\s*(?P<r>day|week|month|mo|quarter|year|yr|hour|annum|seat|user|member|person|head|license|licence|team|export)"
    r"|(?P<adv>daily|weekly|monthly|yearly|annually|quarterly)|(?P<once>once|one[- ]off|in total|one[- ]time|all in|flat|altogether)|and\s+(?P<also>month|year|seat))(?!\w)"
)
PER_SEAT = {
    "user": "seat",
    "member": "seat",
    "person": "seat",
    "head": "seat",
    "license": "seat",
    "licence": "seat",
}
CONDITION = re.compile(
    r"(?<!\w)(?:when|whenever|once|if|until|till|unless|as soon as|the moment|the day|should|whether|watch(?: for)?|eye on|look(?:ing)? (?:for|out for)|sign is|sign that)\s(?:[^.!?\n]|(?<=\d)\.(?=\d))*$"
)
CONDITION_AFTER = re.compile(
    r"[^.!?\n]{0,160}(?<!\w)(?:(?:is|are|would be|will be) (?:the|a|your) (?:sign|signal|cue|time|moment|point)|(?:tells?|will tell) you)(?!\w)"
)
DISTANCE = 60


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
    found += [
        one
        for one in _by_pattern(lower, start, end)
        if not any(a < one.end and one.start < b for a, b in used)
    ]
    return sorted(
        one._replace(is_condition=True) if _is_condition(lower, one, start) else one for one in found
    )


def _is_condition(lower: str, said: Quantity, start: int) -> bool:
    """Whether the sentence speaks of what is to come: 'when', 'if' or 'watch' before, 'is the sign' after."""
    before = lower[max(start, said.start - 160) : said.start]
    return bool(CONDITION.search(before) or CONDITION_AFTER.match(lower, said.end))


def _text(tokens: list[Token], i: int) -> str:
    return tokens[i].text if 0 <= i < len(tokens) else ""


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
    before = _text(tokens, number.first - 1)
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
    if _text(tokens, j) == "-" and _near(tokens, j, lower):
        j += 1
    follow = _text(tokens, j)
    if values == (1.0,) and (share := _one_in(tokens, i)):
        values, i = share
        found = Quantity(start, tokens[i - 1].end, Kind.SHARE, values, is_part=True)
        return _finish(lower, tokens, found, i), i
    if follow in ("a", "an") and number.is_part and _text(tokens, j + 1) in TIME_UNITS:
        j += 1
        follow = _text(tokens, j)
    if follow == "%" or follow in ("percent", "pct", "percentage"):
        kind, i = Kind.SHARE, j + 1
    elif follow == "per" and _text(tokens, j + 1) == "cent":
        kind, i = Kind.SHARE, j + 2
    elif beside and (before in CURRENCY_SIGNS or before in CURRENCY_WORDS):
        kind = Kind.MONEY
        unit = CURRENCY_SIGNS.get(before) or CURRENCY_WORDS[before]
        start = tokens[number.first - 1].start
        if unit == "USD" and (match := re.search(r"(?<!\w)(us|a|au|c|ca|nz|hk|s)$", lower[:start])):
            start = match.start()
            unit = {
                "us": "USD",
                "a": "AUD",
                "au": "AUD",
                "c": "CAD",
                "ca": "CAD",
                "nz": "NZD",
                "hk": "HKD",
                "s": "SGD",
            }[match[1]]
        if _text(tokens, j) in CURRENCY_WORDS and CURRENCY_WORDS[_text(tokens, j)] == unit:
            i = j + 1
    elif follow in CURRENCY_SIGNS or follow in CURRENCY_WORDS:
        kind, i = Kind.MONEY, j + 1
        unit = CURRENCY_SIGNS.get(follow) or CURRENCY_WORDS[follow]
    elif follow in CENTS:
        kind, i, unit = Kind.MONEY, j + 1, "cents"
        values = tuple(value / 100 for value in values)
    elif follow in ("x", "times", "fold") and kind is not Kind.ORDINAL:
        kind, i = (Kind.TIMES if follow == "times" else Kind.MULTIPLE), j + 1
        if number.is_part:
            values = tuple(value / 100 for value in values)
    elif kind is not Kind.ORDINAL and (at := _time_unit(tokens, j)) is not None:
        unit = TIME_UNITS[_text(tokens, at)]
        scale = SECONDS[unit] / (100 if number.is_part else 1)
        kind, i = Kind.DURATION, at + 1
        values = tuple(value * scale for value in values)
    if kind is Kind.COUNT and number.in_words and values == (1.0,) and not _counts_one(tokens, i):
        return None, number.after
    if kind is Kind.SHARE and number.is_part and beside and before in ("second", "other", "first", "better"):
        return None, number.after
    end = tokens[i - 1].end
    return _finish(
        lower,
        tokens,
        Quantity(start, end, kind, values, Side.EXACT, unit, decimals, is_part=number.is_part),
        i,
    ), i


def _one_in(tokens: list[Token], i: int) -> tuple[tuple[float, ...], int] | None:
    """The share of 'one in five' and 'one out of five', in percent, and the token after it."""
    at = (
        i + 2
        if (_text(tokens, i), _text(tokens, i + 1)) == ("out", "of")
        else i + 1
        if _text(tokens, i) == "in"
        else 0
    )
    below = read_number(tokens, at) if 0 < at < len(tokens) else None
    if below is None or below.is_part or not below.values[0] or _text(tokens, below.after) in TIME_UNITS:
        return None
    return (100 / below.values[0],), below.after


def _time_unit(tokens: list[Token], j: int) -> int | None:
    """The token of the time unit after a number, over at most one word: '14 calendar days'."""
    if _text(tokens, j) in TIME_UNITS:
        return j
    if (
        _text(tokens, j)
        in (
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
            "short",
        )
        and _text(tokens, j + 1) in TIME_UNITS
    ):
        return j + 1
    return None


def _counts_one(tokens: list[Token], i: int) -> bool:
    """Whether the word 'one' before token `i` counts something."""
    return any(
        stem(_text(tokens, at)) in WORDS.countable or _text(tokens, at) in SCALES
        for at in (i, i + 1)
        if at < len(tokens) and (at == i or _text(tokens, i) not in SMALL)
    )


def _finish(lower: str, tokens: list[Token], found: Quantity, i: int) -> Quantity:
    """The quantity with what stands around it: side, rate, and the words it counts."""
    side, settled, start = Side.EXACT, False, found.start
    tail = lower[max(0, start - DISTANCE) : start]
    for candidate, pattern in SIDE_BEFORE:
        if match := pattern.search(tail):
            side = candidate
            settled = bool(re.search(r"(?<!\w)(?:the|your|our|these|those)\s", match["d"] or ""))
            start = max(0, start - DISTANCE) + match.start()
            break
    if side is Side.EXACT and (match := CROSSING.search(tail)):
        # 'You passed 90%' is a claim; after 'when' it is a condition, and the number itself must be a figure.
        side, start = Side.AT_LEAST, max(0, start - DISTANCE) + match.start()
    if settled:
        side, start = Side.EXACT, found.start
    end = found.end
    if match := AFTER.match(lower, end):
        side = Side.AT_LEAST if match["plus"] else Side.ABOUT if match["so"] else Side.AT_MOST
        end = match.end()
        while i < len(tokens) and tokens[i].start < end:
            i += 1
    rate = ""
    if found.kind is Kind.MONEY:
        return found._replace(start=start, end=end, side=side, settled=settled, per=_paid(lower, end))
    if found.kind is not Kind.DURATION and (match := RATE.match(lower, end)):
        rate = RATES[match["r"] or match["adv"]]
    nouns, after = _nouns(lower, tokens, i, found.kind)
    if not rate and nouns and (match := RATE.match(lower, after)):
        rate = RATES[match["r"] or match["adv"]]
    return found._replace(
        start=start, end=end, side=side, rate=rate, nouns=nouns, settled=settled, span_nouns=after
    )


def _paid(lower: str, place: int) -> tuple[str, ...]:
    """What stands after an amount: per seat and month, a year, once."""
    found: list[str] = []
    while len(found) < 3 and (match := PAID.match(lower, place)):
        word = match["r"] or match["adv"] or match["also"] or "once"
        found.append(PER_SEAT.get(word, RATES.get(word, "once" if match["once"] else word)))
        place = match.end()
    return tuple(found)


def _nouns(lower: str, tokens: list[Token], i: int, kind: Kind) -> tuple[tuple[str, ...], int]:
    """Stems of the words a quantity counts, and where they end."""
    if kind in (Kind.MONEY, Kind.TIMES, Kind.MULTIPLE):
        return (), 0
    after = tokens[i - 1].end if i else 0
    if kind is Kind.DURATION:
        return (), after
    at = i
    if _text(tokens, at) == "out" and _text(tokens, at + 1) == "of":
        at += 1
    if _text(tokens, at) in ("of", "/"):
        at += 1
        while at < len(tokens) and (
            _text(tokens, at) in ("the", "your", "our", "those", "these", "all", "its", "their")
            or tokens[at].kind == "number"
        ):
            at += 1
    elif kind is Kind.SHARE:
        return (), after
    words: list[str] = []
    while at < len(tokens) and len(words) < 4:
        token = tokens[at]
        if token.kind == "name":
            return (), after
        if token.kind not in ("word",) or token.text in SMALL:
            if token.text == "-" and words:
                at += 1
                continue
            break
        if lower[after : token.start].count("\n") > 1:
            break
        words.append(stem(token.text))
        after = token.end
        at += 1
    return tuple(words), after


def _by_pattern(lower: str, start: int, end: int) -> list[Quantity]:
    """Quantities without a number: doubled, twice, both, most of, hundreds, for weeks, in a month."""
    found: list[Quantity] = []
    for match in MULTIPLE_WORD.finditer(lower, start, end):
        a, b = match.span()
        if match["m"]:
            found.append(_sided(lower, Quantity(a, b, Kind.MULTIPLE, (float(MULTIPLES[match["m"]]),))))
        elif match["halve"]:
            found.append(_sided(lower, Quantity(a, b, Kind.MULTIPLE, (0.5,))))
        elif match["twice"] or match["thrice"]:
            rate = RATE.match(lower, b)
            times = Quantity(
                a,
                b,
                Kind.TIMES,
                (2.0 if match["twice"] else 3.0,),
                rate=RATES[rate["r"] or rate["adv"]] if rate else "",
            )
            found.append(_sided(lower, times))
        elif match["x"]:
            found.append(Quantity(a, b, Kind.MULTIPLE, (float(match["x"]),)))
        elif match["fold"]:
            worth = float(match["fold"]) if match["fold"].isdigit() else FOLDS.get(match["fold"])
            if worth is not None:
                found.append(_sided(lower, Quantity(a, b, Kind.MULTIPLE, (worth,))))
        elif match["both"]:
            rest = lower[b : b + 60]
            if not re.match(r"[^.!?\n]{0,50}\band\b", rest):
                nouns = tuple(
                    stem(word)
                    for word in re.findall(r"^\s+(?:of )?(?:the |your |our )?([a-z]+)", rest)
                    if word not in SMALL
                )
                found.append(Quantity(a, b, Kind.COUNT, (2.0,), nouns=nouns))
        else:
            found.append(Quantity(a, b, Kind.SHARE, (50.0,), Side.RANGE, high=100.0))
    for match in VAGUE.finditer(lower, start, end):
        a, b = match.span()
        if match["n"]:
            low, high = VAGUE_RANGES[match["n"]]
            noun = re.match(r"\s+of\s+(?:the |your |our )?([a-z]+)", lower[b : b + 40])
            counted = (stem(noun[1]),) if noun and noun[1] not in SMALL else ()
            found.append(
                Quantity(a, b, Kind.COUNT, (float(low),), Side.RANGE, high=float(high), nouns=counted)
            )
        else:
            found.append(
                Quantity(
                    a,
                    b,
                    Kind.DURATION,
                    (2.0 * SECONDS[TIME_UNITS[match["t"] or match["past"]]],),
                    Side.RANGE,
                    high=INFINITY,
                )
            )
    for match in BARE_UNIT.finditer(lower, start, end):
        lead, art, tail = (match["lead"] or "").strip(), match["art"], match["tail"]
        unit = match["unit"]
        if unit in ("fortnight", "decade", "century") or (
            (lead and (art or "last" in lead or "past" in lead or "previous" in lead)) or (art and tail)
        ):
            a = match.start("art") if art else match.start("unit")
            b = match.end("unit")
            if unit == "second":
                continue
            found.append(_sided(lower, Quantity(a, b, Kind.DURATION, (float(SECONDS[unit]),), unit=unit)))
    return found


def _sided(lower: str, found: Quantity) -> Quantity:
    """The quantity with the side the words before it say."""
    tail = lower[max(0, found.start - DISTANCE) : found.start]
    for side, pattern in SIDE_BEFORE:
        if (match := pattern.search(tail)) and side is not Side.AT_MOST:
            return found._replace(side=side, start=max(0, found.start - DISTANCE) + match.start())
    return found
