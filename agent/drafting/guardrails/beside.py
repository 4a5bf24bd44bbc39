"""What stands beside a number: on which side of it the truth lies, what it counts, per what."""

from __future__ import annotations

import re

from agent.drafting.guardrails.numerals import Token
from agent.drafting.guardrails.units import PER_SEAT, RATES, Kind, Quantity, Side
from agent.drafting.guardrails.words import WORDS, any_of, stem

DISTANCE = 60
"How many letters before a number its side may stand."
SENTENCE = 160
"How many letters before a number its 'when' or 'if' may stand."
DETERMINERS = (
    r"(?:(?:the|your|our|these|those|all|its|their|of|an?|only|just|full|whole|first|last|some)\s+)*"
)
SIDES_BEFORE = tuple(
    (Side(side), re.compile(rf"(?<!\w)(?:{any_of(words, whole=False).pattern})\s*(?P<d>{DETERMINERS})$"))
    for side, words in WORDS.sides.items()
)
SETTLED = re.compile(r"(?<!\w)(?:the|your|our|these|those)\s")
CROSSING = re.compile(
    r"(?<!\w)(?:(?:pass|cross|reach|surpass)(?:es|ed|ing)?|exceed(?:s|ed|ing)?|past|tops?|topped|topping)\s+$"
)
AFTER = re.compile(
    r"\s*(?:(?P<plus>\+(?!\d)|or (?:more|above|higher)|plus(?= )|and (?:more|up|counting|above))"
    r"|(?P<so>or so|-?ish|give or take)|(?P<less>or (?:less|fewer|under)))(?!\w)"
)
PERIOD = "day|week|month|mo|quarter|year|yr|hour|annum"
ADVERB = "daily|weekly|monthly|yearly|annually|quarterly"
RATE = re.compile(rf"\s*(?:/|per|an?|each|every)\s*(?P<r>{PERIOD})(?!\w)|[\s-]*(?P<adv>{ADVERB})(?!\w)")
PAID = re.compile(
    r"[\s,(-]*(?:(?:and|billed|paid|charged|invoiced)\s+)?"
    rf"(?:(?:/|per|an?|each|every|for each|for every)\s*(?P<r>{PERIOD}|seat|team|export|{'|'.join(PER_SEAT)})"
    rf"|(?P<adv>{ADVERB})|(?P<once>once|one[- ]off|in total|one[- ]time|all in|flat|altogether)"
    r"|and\s+(?P<also>month|year|seat))(?!\w)"
)
CONDITION = re.compile(
    r"(?<!\w)(?:when|whenever|once|if|until|till|unless|as soon as|the moment|the day|should|whether"
    r"|watch(?: for)?|eye on|look(?:ing)? (?:for|out for)|sign is|sign that)\s(?:[^.!?\n]|(?<=\d)\.(?=\d))*$"
)
CONDITION_AFTER = re.compile(
    r"[^.!?\n]{0,160}(?<!\w)(?:(?:is|are|would be|will be) (?:the|a|your) "
    r"(?:sign|signal|cue|time|moment|point)|(?:tells?|will tell) you)(?!\w)"
)
PAID_BEFORE = re.compile(
    r"(?<!\w)(?:(?P<once>one[- ]off|one[- ]time|once-only|single)|(?P<adv>monthly|yearly|annual|weekly|quarterly))"
    r"(?: (?:price|rate|fee|cost|payment|charge|sum|total))?(?: (?:of|is|would be|at))? ?$"
)
PREDICATE = re.compile(
    r"(?: (?:out )?of (?:the |your )?[\d,]+(?: \w+)?)? (?:is|are|was|were|have been|has been|got)"
    r" (?:(?:already|now|all|being|currently) )?([a-z]+)(?!\w)"
)
OF_THEM = re.compile(r" of (?:them|these|those)(?! \w+s(?!\w))(?!\w)")
BY_SEAT = re.compile(
    r"(?<!\w)(?:per|each|every|for each|for every) (?:seat|user|person|member|head)(?!\w)[^.!?\n]{0,30}$"
)
OF_WHAT = frozenset({"the", "your", "our", "those", "these", "all", "its", "their"})


def text_at(tokens: list[Token], i: int) -> str:
    """The text of token `i`; empty where there is none."""
    return tokens[i].text if 0 <= i < len(tokens) else ""


def is_condition(lower: str, said: Quantity, start: int) -> bool:
    """Whether the sentence speaks of what is to come: 'when', 'if' or 'watch' before, 'is the sign' after."""
    before = lower[max(start, said.start - SENTENCE) : said.start]
    return bool(CONDITION.search(before) or CONDITION_AFTER.match(lower, said.end))


def rate_after(lower: str, place: int) -> str:
    """day, week, month, quarter or year, where 'a week' or 'weekly' stands at `place`; else empty."""
    match = RATE.match(lower, place)
    return RATES[match["r"] or match["adv"]] if match else ""


def finish(lower: str, tokens: list[Token], found: Quantity, i: int) -> Quantity:
    """The quantity with what stands around it: side, rate, and the words it counts."""
    side, settled, start = Side.EXACT, False, found.start
    tail = lower[max(0, start - DISTANCE) : start]
    for candidate, pattern in SIDES_BEFORE:
        if match := pattern.search(tail):
            side = candidate
            settled = bool(SETTLED.search(match["d"] or ""))
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
    if found.kind is Kind.MONEY:
        return found._replace(
            start=start,
            end=end,
            side=side,
            settled=settled,
            per=(*_paid_before(lower, start), *_paid(lower, end)),
        )
    rate = "" if found.kind is Kind.DURATION else rate_after(lower, end)
    nouns, after = _nouns(lower, tokens, i, found.kind)
    if not nouns and OF_THEM.match(lower, end):
        nouns = _meant_by_them(lower, start)
    if not rate and nouns:
        rate = rate_after(lower, after)
    return found._replace(
        start=start, end=end, side=side, rate=rate, nouns=nouns, settled=settled, span_nouns=after,
        predicate=_predicate(lower, max(after, end)),
    )  # fmt: skip


def sided(lower: str, found: Quantity) -> Quantity:
    """The quantity with the side the words before it say."""
    tail = lower[max(0, found.start - DISTANCE) : found.start]
    for side, pattern in SIDES_BEFORE:
        if (match := pattern.search(tail)) and side is not Side.AT_MOST:
            return found._replace(side=side, start=max(0, found.start - DISTANCE) + match.start())
    return found


def _paid(lower: str, place: int) -> tuple[str, ...]:
    """What stands after an amount: per seat and month, a year, once."""
    found: list[str] = []
    while len(found) < 3 and (match := PAID.match(lower, place)):
        word = match["r"] or match["adv"] or match["also"] or "once"
        found.append(PER_SEAT.get(word, RATES.get(word, "once" if match["once"] else word)))
        place = match.end()
    return tuple(found)


def _meant_by_them(lower: str, place: int) -> tuple[str, ...]:
    """The stem of what 'of them' after a number means: the last thing before it that can be counted."""
    before = re.split(r"[.!?\n]", lower[max(0, place - DISTANCE) : place])[-1]
    found = [stem(word) for word in re.findall(r"[a-z]+s(?![\w'])|people", before)]
    return tuple([one for one in found if one in WORDS.countable][-1:])


def _predicate(lower: str, place: int) -> str:
    """The stem of what is said of a count: taken, of '19 of your 20 are taken'."""
    match = PREDICATE.match(lower, place)
    return stem(match[1]) if match and match[1] not in WORDS.small else ""


def _paid_before(lower: str, place: int) -> tuple[str, ...]:
    """What stands before an amount: a one-off, a yearly fee of, for each seat."""
    tail = lower[max(0, place - DISTANCE) : place]
    found: list[str] = []
    if match := PAID_BEFORE.search(tail):
        found.append("once" if match["once"] else RATES.get(match["adv"], "year"))
    if BY_SEAT.search(tail):
        found.append("seat")
    return tuple(found)


def _nouns(lower: str, tokens: list[Token], i: int, kind: Kind) -> tuple[tuple[str, ...], int]:
    """Stems of the words a quantity counts, and where they end."""
    if kind in (Kind.MONEY, Kind.TIMES, Kind.MULTIPLE):
        return (), 0
    after = tokens[i - 1].end if i else 0
    if kind is Kind.DURATION:
        return (), after
    at = i
    if text_at(tokens, at) == "out" and text_at(tokens, at + 1) == "of":
        at += 1
    if text_at(tokens, at) in ("of", "/"):
        at += 1
        while at < len(tokens) and (text_at(tokens, at) in OF_WHAT or tokens[at].kind == "number"):
            at += 1
    elif kind is Kind.SHARE:
        return (), after
    words: list[str] = []
    while at < len(tokens) and len(words) < 4:
        token = tokens[at]
        if token.kind == "name":
            return (), after
        if token.kind not in ("word",) or token.text in WORDS.small:
            if token.text == "-" and words:
                at += 1
                continue
            break
        if lower[after : token.start].count("\n") > 1:
            break
        if token.text in ("run", "runs", "ran") and text_at(tokens, at + 1) in ("out", "dry", "short", "low"):
            break
        words.append(stem(token.text))
        after = token.end
        at += 1
    return tuple(words), after
