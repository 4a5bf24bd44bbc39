"""Names: people, companies, plans and features are those of the brief."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agent.drafting.brief import Brief
from agent.drafting.guardrails.dates import DAYS, MONTHS
from agent.drafting.guardrails.figures import days_of, ledger_of
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.money import own_money
from agent.drafting.guardrails.naming import (
    AS_A_PLAN,
    AS_SOMEBODY,
    COUNTED,
    NOTHING,
    PLAN_WORD,
    find_name,
    is_start,
    names_in,
    own_names,
    own_spans,
    pattern_of,
)
from agent.drafting.guardrails.others import Others
from agent.drafting.guardrails.rule import Fault, rule
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.words import WORDS, stem
from agent.drafting.violation import Level, Surroundings

WORD = re.compile(r"[^\W\d_][\w]*(?:['’-][\w]+)*|(?<!\w)\d{1,9}[a-z][\w-]*")
AT_START = {"plan": AS_A_PLAN, "offer": AS_A_PLAN, "feature": NOTHING}
EDGES = " ,!.:;-\n"
FOLLOWING = re.compile(r" ([A-Z][a-z]{2,})(?![\w'])")
INNER = re.compile(r"['-]")


@rule(Level.BLOCK)
def wrong_name(text: Text, brief: Brief, around: Surroundings) -> Iterable[Fault]:
    """People, companies, plans and features are those of the brief; no other customer is named."""
    own = (*own_spans(text, brief), *own_money(text, brief).spans)
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
    rest = greeting[len(lead) :].strip(EDGES)
    # A name that begins or ends with a sign is greeted without it.
    names = list(own_names(text, brief).everywhere)
    bare = [name.strip(EDGES) for name in names if name.strip(EDGES)]
    for name in sorted((*names, *bare), key=len, reverse=True):
        rest = pattern_of(name).sub(" ", rest)
    for match in re.finditer(r"[^\s,!.:;]+", rest):
        word = match.group().removesuffix("'s")
        if (
            word in WORDS.neutral_greetings
            or word.rstrip(".") in WORDS.titles
            or word in WORDS.greeting_words
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
    others = Others(around)
    allowed = own_names(text, brief)
    vocabulary = text.memo("vocabulary", lambda: _vocabulary(brief))
    for word in WORD.finditer(text.lower):
        start = word.start()
        found_whole = False
        bare = INNER.split(word.group())[0]
        for first in (word.group(), bare) if bare != word.group() else (bare,):
            for _, name, kind, common, _, _ in others.beginning(first):
                if name in allowed.everywhere or name in allowed.offer:
                    continue
                if kind == "feature" and all(stem(one) in vocabulary for one in name.split()):
                    continue
                match = pattern_of(name).match(text.lower, start)
                if not match or any(part.start <= start and match.end() <= part.end for part in own):
                    continue
                if (
                    kind == "customer"
                    and text.folded[start].islower()
                    and _is_inside(start, _quoted(text, brief))
                ):
                    continue
                if common and kind == "customer":
                    if not _is_somebody(text, brief, Part(start, match.end()), own):
                        continue
                elif common and not any(
                    part.start == start for part in names_in(text, name, common=True, at_start=AT_START[kind])
                ):
                    continue
                found_whole = True
                what = {
                    "customer": "another customer",
                    "plan": "a plan that this message does not offer",
                    "offer": "something else that is sold, and not offered here",
                    "feature": "a feature that the brief does not hold",
                }[kind]
                yield Fault(
                    start, match.end(), f"'{text.folded[start : match.end()]}' is {what}; take the name out."
                )
        head = bare
        if (
            not found_whole
            and head not in allowed.tokens
            and any(
                other.head_in_any_case or (other.head and text.folded[start].isupper())
                for other in others.beginning(head)
            )
            and head not in vocabulary
            and not _is_inside(start, own)
            and not (text.folded[start].islower() and _is_inside(start, _quoted(text, brief)))
        ):
            shown = text.folded[start : start + len(head)]
            yield Fault(start, start + len(head), f"'{shown}' begins another customer's name; take it out.")


def _is_somebody(text: Text, brief: Brief, part: Part, own: tuple[Part, ...]) -> bool:
    """Whether everyday words that are another customer's name are meant as one, and not as the words they are.

    They are where each has a capital that it owes neither to its place, nor to a date or a text of the brief.
    """
    first, *others = WORD.findall(text.folded, *part)
    others = [word for word in others if word.lower() not in WORDS.small]
    if not first[0].isupper() or any(word[0].islower() for word in others) or (first == "I" and not others):
        return False
    if text.greeting and text.greeting.holds(part.start):
        return False
    if is_start(text, part.start) and not others:
        said = first.lower()
        is_needed = said in WORDS.small or said in WORDS.empty or stem(said) in _vocabulary(brief)
        if is_needed or not AS_SOMEBODY.match(text.lower, part.end):
            return False
    if text.subject.holds(part.start) and _is_title_case(text):
        return False
    if text.sign_off and text.sign_off.holds(part.start):
        line = next(one for one in text.lines(text.sign_off) if one.holds(part.start))
        if text.of(line).strip(" -,.!*") in WORDS.closings:
            return False
    ledger = ledger_of(text, brief)
    dates = [Part(day.start, day.end) for day in days_of(text, brief) if ledger.knows(day)]
    return not any(
        one.start < part.end and part.start < one.end for one in (*own, *dates, *_quoted(text, brief))
    )


def _is_inside(place: int, parts: Iterable[Part]) -> bool:
    return any(part.holds(place) for part in parts)


def _quoted(text: Text, brief: Brief) -> tuple[Part, ...]:
    """Where the texts of the brief are repeated word for word."""

    def make() -> tuple[Part, ...]:
        texts = (brief.problem, brief.watch.sentence, brief.offer.benefit)
        whole = [words for one in texts if (words := plain(one).rstrip(".!?;,: "))]
        return tuple(part for words in whole for part in find_name(text, words))

    return text.memo("quoted", make)


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
        if (
            not in_sign_off
            and is_start(text, start)
            and not inner
            and not _begins_a_name(text, brief, word.end())
        ):
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


def _begins_a_name(text: Text, brief: Brief, end: int) -> bool:
    """Whether the word after a sentence's first has a capital too, and is no name of the brief's: 'Marlowe Group'."""
    follow = FOLLOWING.match(text.folded, end)
    if follow is None:
        return False
    word = follow[1].lower()
    allowed = own_names(text, brief).tokens
    return word not in allowed and word not in WORDS.capitals and word not in COUNTED and word not in MONTHS


def _vocabulary(brief: Brief) -> frozenset[str]:
    """Stems of the words the brief itself uses for its figures, problem and features."""
    texts = [brief.problem, brief.watch.sentence, brief.offer.benefit, *brief.features]
    texts += [f"{figure.label} {figure.unit}" for figure in brief.figures]
    return frozenset(stem(word) for one in texts for word in re.findall(r"[^\W\d_]+", plain(one)))


def _is_title_case(text: Text) -> bool:
    words = re.findall(r"[^\W\d_]{4,}", text.folded[text.subject.start : text.subject.end])
    return len(words) > 1 and sum(word[0].isupper() for word in words) * 2 > len(words)
