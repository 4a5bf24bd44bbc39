"""Whose names a text uses: those of the brief, those of others, and those nobody knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from agent.drafting.brief import Brief
from agent.drafting.guardrails.dates import DAYS, MONTHS
from agent.drafting.guardrails.folding import fold, plain
from agent.drafting.guardrails.numerals import ONES, ORDINALS, SCALES, TENS
from agent.drafting.guardrails.rule import Fault, rule
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.words import WORDS, stem
from agent.drafting.violation import Level, Surroundings

WORD = re.compile(r"[^\W\d_][\w]*(?:['’-][\w]+)*|(?<!\w)\d{1,9}[a-z][\w-]*")
PLAN_WORD = re.compile(r"\s+(?:plans?|tiers?|packages?|subscriptions?|editions?|bundles?)(?!\w)")
ARTICLE = re.compile(r"^(?:an?|the|our)\s+(?=\S)")
BEFORE_START = re.compile(r"(?:^|[.!?:\n]|\.\.\.|(?<=\s)-|[.!?]['\")]+)[\s\"'(*-]*$")
INNER = re.compile(r"['-]")
COUNTED = frozenset(
    (
        *ONES,
        *TENS,
        *SCALES,
        *ORDINALS,
        *MONTHS,
        *(f"{day}s" for day in DAYS),
        *DAYS,
        "half",
        "double",
        "dozen",
    )
)
IN_WORDS = {str(value): word for word, value in ONES.items()}


class Own(NamedTuple):
    """The names a message may use."""

    everywhere: tuple[str, ...]
    "Folded, lower case: people, companies, products, the plan they have, features."
    offer: tuple[str, ...]
    "The offer's name without an article before it, with and without 'plan' after it, its number in digits and in words."
    tokens: frozenset[str]
    "Every single word of them."


def own_names(text: Text, brief: Brief) -> Own:
    """The brief's names, gathered once per check."""
    return text.memo("own_names", lambda: _own_names(brief))


def _own_names(brief: Brief) -> Own:
    recipient, sender = brief.recipient, brief.sender
    people = [name for name in (recipient.contact_name, sender.name) if name]
    names = [
        sender.company,
        sender.product,
        recipient.account_name,
        brief.plan_name or "",
        *people,
        *brief.features,
    ]
    first = [word for name in people for word in re.split(r"[\s,]+", name) if len(word) > 1]
    everywhere = tuple(dict.fromkeys(name for one in (*names, *first) if (name := plain(one))))
    offered = ARTICLE.sub("", plain(brief.offer.name))
    spelled = " ".join(IN_WORDS.get(word, word) for word in offered.split())
    offer = tuple(dict.fromkeys(one for one in (offered, PLAN_WORD.sub("", offered), spelled) if one))
    tokens = frozenset(word for name in (*everywhere, *offer) for word in re.findall(r"[\w'-]+", name))
    return Own(everywhere, offer, tokens)


@lru_cache(maxsize=2048)
def pattern_of(name: str) -> re.Pattern[str]:
    """A folded lower-case name as a whole word; spaces stand for any space or hyphen."""
    inner = r"[\s-]+".join(re.escape(word) for word in name.split())
    return re.compile(rf"(?<![\w@]){inner}(?!\w)")


def find_name(text: Text, name: str) -> Iterator[Part]:
    """Where a folded lower-case name stands as a whole word."""

    def make() -> tuple[Part, ...]:
        return tuple(text.find(pattern_of(name))) if name.split(" ", 1)[0] in text.lower else ()

    return iter(text.memo(f"name {name}", make))


def own_spans(text: Text, brief: Brief) -> tuple[Part, ...]:
    """Where the brief's names stand in the text."""

    def make() -> tuple[Part, ...]:
        own = own_names(text, brief)
        return tuple(sorted(part for name in (*own.everywhere, *own.offer) for part in find_name(text, name)))

    return text.memo("own_spans", make)


def hidden_numbers(text: Text, brief: Brief) -> list[tuple[int, int]]:
    """The brief's names that hold a number, month or day: names, not figures."""
    own = own_names(text, brief)
    found = []
    for name in (*own.everywhere, *own.offer):
        # A name of digits alone would vouch for any figure it happens to equal.
        if not any(c.isalpha() for c in name):
            continue
        if any(c.isdigit() for c in name) or set(re.findall(r"[a-z]+", name)) & COUNTED:
            found += [(part.start, part.end) for part in find_name(text, name)]
    return found


def is_start(text: Text, place: int) -> bool:
    """Whether a capital at `place` is owed to its place: sentence, line, quotation, after a colon."""
    if place in (text.subject.start, text.body.start):
        return True
    after = text.greeting.end if text.greeting else len(text.folded)
    if place >= after and not text.folded[after:place].strip():
        return True
    return bool(BEFORE_START.search(text.folded, max(0, place - 12), place))


def names_in(text: Text, name: str, *, common: bool) -> Iterator[Part]:
    """Where `name` (folded, lower case) stands as a name; a common word needs its capital or 'plan' after it."""
    for part in find_name(text, name):
        if not common or PLAN_WORD.match(text.lower, part.end):
            yield part
        elif (
            text.folded[part.start].isupper()
            and not is_start(text, part.start)
            and not (text.greeting and text.greeting.holds(part.start))
        ):
            yield part


def is_common(name: str) -> bool:
    """Whether a name is made of everyday words."""
    words = name.split()
    return (
        len(words) == 1 and (len(name) <= 3 or name in WORDS.common or stem(name) in WORDS.countable)
    ) or name in MONTHS


def is_common_offer(name: str) -> bool:
    """Whether an offer's name could be an everyday word in a sentence: 'Growth', 'Team'."""
    return is_common(name)


class Others(NamedTuple):
    """Other customers' names, plans and features, by their first word."""

    by_first: dict[str, tuple[tuple[str, str, bool], ...]]
    "first word: (whole name, what it is, whether it is of everyday words)."
    heads: frozenset[str]
    "First words of longer names that are no everyday words: 'northwind' of Northwind Traders."


@lru_cache(maxsize=8)
def _others(names: tuple[str, ...], plans: tuple[str, ...], features: tuple[str, ...]) -> Others:
    found: dict[str, list[tuple[str, str, bool]]] = {}
    heads = set()
    for kind, given in (("customer", names), ("plan", plans), ("feature", features)):
        for raw in given:
            spelled = raw.replace("_", " ") if kind == "feature" else raw
            # Folding without the cache: there may be thousands, and each is needed once.
            name = " ".join(fold(spelled).text.lower().split())
            words = re.findall(r"\w+", name)
            if not words or len(name) < 2:
                continue
            common = is_common(name) or (kind == "plan" and all(word in WORDS.common for word in words))
            found.setdefault(words[0], []).append((name, kind, common))
            if kind == "customer" and len(words) > 1 and len(words[0]) > 3 and words[0] not in WORDS.common:
                heads.add(words[0])
    return Others({first: tuple(dict.fromkeys(rest)) for first, rest in found.items()}, frozenset(heads))


@rule(Level.BLOCK)
def wrong_name(text: Text, brief: Brief, around: Surroundings) -> Iterable[Fault]:
    """People, companies, plans and features are those of the brief; no other customer is named."""
    own = own_spans(text, brief)
    found: list[Fault] = [*_greeted(text, brief)]
    found += _of_others(text, brief, around, own)
    taken = [(fault.start, fault.end) for fault in found]
    found += [
        fault
        for fault in _unknown(text, brief, own)
        if not any(a < fault.end and fault.start < b for a, b in taken)
    ]
    return found


def _greeted(text: Text, brief: Brief) -> Iterator[Fault]:
    """The greeting names the contact, their company, or nobody."""
    if text.greeting is None:
        return
    greeting = text.of(text.greeting)
    lead = max(
        (word for word in WORDS.greeting_words if re.match(rf"{word}\b", greeting)), key=len, default=""
    )
    rest = greeting[len(lead) :].strip(" ,!.:;-\n")
    for name in sorted(own_names(text, brief).everywhere, key=len, reverse=True):
        rest = pattern_of(name).sub(" ", rest)
    for match in re.finditer(r"[^\s,!.:;]+", rest):
        word = match.group().removesuffix("'s")
        if (
            word in WORDS.neutral_greetings
            or word.rstrip(".") in WORDS.titles
            or word in ("and", "the", "at", "to", "-", "&")
        ):
            continue
        at = text.lower.find(match.group(), text.greeting.start + len(lead))
        whom = brief.recipient.contact_name or brief.recipient.account_name
        yield Fault(
            at,
            at + len(match.group()),
            f"The greeting is to '{word}', but the message goes to {whom}; greet them by their name.",
        )


def _of_others(text: Text, brief: Brief, around: Surroundings, own: tuple[Part, ...]) -> Iterator[Fault]:
    others = _others(around.other_names, around.other_plans, around.other_features)
    allowed = own_names(text, brief)
    vocabulary = text.memo("vocabulary", lambda: _vocabulary(brief))
    for word in WORD.finditer(text.lower):
        start = word.start()
        found_whole = False
        bare = INNER.split(word.group())[0]
        for first in (word.group(), bare) if bare != word.group() else (bare,):
            for name, kind, common in others.by_first.get(first, ()):
                if name in allowed.everywhere or name in allowed.offer:
                    continue
                if kind == "feature" and all(stem(one) in vocabulary for one in name.split()):
                    continue
                match = pattern_of(name).match(text.lower, start)
                if not match or any(part.start <= start and match.end() <= part.end for part in own):
                    continue
                if common and not any(part.start == start for part in names_in(text, name, common=True)):
                    continue
                found_whole = True
                what = {
                    "customer": "another customer",
                    "plan": "a plan that this message does not offer",
                    "feature": "a feature that the brief does not hold",
                }[kind]
                yield Fault(
                    start, match.end(), f"'{text.folded[start : match.end()]}' is {what}; take the name out."
                )
        head = bare
        if (
            not found_whole
            and head in others.heads
            and text.folded[start].isupper()
            and head not in allowed.tokens
            and head not in vocabulary
        ):
            if not any(part.holds(start) for part in own):
                yield Fault(
                    start,
                    start + len(head),
                    f"'{text.folded[start : start + len(head)]}' begins another customer's name; take it out.",
                )


def _unknown(text: Text, brief: Brief, own: tuple[Part, ...]) -> Iterator[Fault]:
    """Names, by their capital, that the brief does not hold."""
    allowed = own_names(text, brief).tokens
    offer = own_names(text, brief).offer
    vocabulary = text.memo("vocabulary", lambda: _vocabulary(brief))
    is_title = _is_title_case(text)
    for word in WORD.finditer(text.folded):
        start, end = word.span()
        shown = word.group()
        inner = shown[1:].lower() != shown[1:]
        if not (shown[0].isupper() or inner) or any(part.start <= start < part.end for part in own):
            continue
        if text.greeting and text.greeting.holds(start):
            continue
        lower = text.lower[start:end].removesuffix("'s")
        bare = INNER.split(lower)[0]
        if lower in allowed or bare in allowed or lower in WORDS.capitals or bare in WORDS.capitals:
            continue
        in_sign_off = bool(text.sign_off and text.sign_off.holds(start))
        if in_sign_off and any(lower in line.split() for line in (*WORDS.closings, *WORDS.roles)):
            continue
        if (
            PLAN_WORD.match(text.lower, end)
            and not is_start(text, start)
            and lower not in offer
            and lower not in ("plan", "the", "this", "your", "our")
        ):
            yield Fault(
                start, end, f"'{shown}' is not the plan they have or the one offered; name one of those."
            )
            continue
        if not in_sign_off and is_start(text, start) and not inner:
            continue
        if all(part in MONTHS or part in WORDS.common for part in INNER.split(lower)):
            continue
        if (
            lower.rstrip("0123456789") in WORDS.capitals
            or lower in MONTHS
            or lower.rstrip("s") in DAYS
            or lower in COUNTED
            or lower in WORDS.common
            or bare in WORDS.common
        ):
            continue
        if stem(lower) in vocabulary or all(
            stem(one) in vocabulary or one in WORDS.common for one in lower.split("-")
        ):
            continue
        if (
            text.subject.holds(start)
            and is_title
            and stem(lower) in {stem(one) for one in re.findall(r"\w+", text.of(text.body))}
        ):
            continue
        if (
            WORDS.holidays.match(text.lower, start)
            or re.match(r"[qh][1-4]$", lower)
            or (shown.isupper() and len(shown) > 4 and stem(lower) in vocabulary)
        ):
            continue
        yield Fault(
            start, end, f"'{shown}' is a name the brief does not hold; take it out or use one of the brief's."
        )


def _vocabulary(brief: Brief) -> frozenset[str]:
    """Stems of the words the brief itself uses for its figures, problem and features."""
    texts = [brief.problem, brief.watch.sentence, brief.offer.benefit, *brief.features]
    texts += [f"{figure.label} {figure.unit}" for figure in brief.figures]
    return frozenset(stem(word) for one in texts for word in re.findall(r"[^\W\d_]+", plain(one)))


def _is_title_case(text: Text) -> bool:
    words = [word for word in re.findall(r"[^\W\d_]{4,}", text.folded[text.subject.start : text.subject.end])]
    return len(words) > 1 and sum(word[0].isupper() for word in words) * 2 > len(words)
