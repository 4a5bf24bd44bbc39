"""The names a message may use, where they stand in a text, and what a name is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from agent.drafting.brief import Brief
from agent.drafting.guardrails.dates import DAYS, MONTHS
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.numerals import ONES, ORDINALS, SCALES, TENS
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.words import WORDS, stem

PLAN_WORD = re.compile(r"\s+(?:plans?|tiers?|packages?|subscriptions?|editions?|bundles?)(?!\w)")
AS_A_PLAN = re.compile(
    r"(?:'ll|'d)(?!\w)|:\s|,\s+(?:our|for|with|which|at|\d|[€$£])|\s+for\s(?![€$£\d])|\s+was (?:made|built|meant|designed)"
    r"|\s+(?:would|will|can|could|might|may|should|does|gives?|includes?|costs?|comes|offers|adds?|brings?"
    r"|holds?|covers?|lets?|allows?|raises|lifts|removes|takes|fits|suits|solves|helps|fixes|works|makes|keeps"
    r"|starts at|has(?! been| grown)|is(?! \w+ing\b))(?!\w)"
)
"What follows a plan's name, and seldom the everyday word, at the start of a sentence."
AS_SOMEBODY = re.compile(
    r"\s+(?:had|told|asked|said|did|tried|uses|used|bought|switched|upgraded|moved|ran|hit)(?!\w)"
)
"What follows a customer's name there."
NOTHING = re.compile(r"(?!)")
ARTICLE = re.compile(r"^(?:an?|the|our)\s+(?=\S)")
BEFORE_START = re.compile(r"(?:^|[.!?:\n]|\.\.\.|(?<=\s)-|[.!?]['\")]+)[\s\"'(*-]*$")
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
    "The offer's name without its article, with and without 'plan' after it, with its number in words too."
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


def names_in(text: Text, name: str, *, common: bool, at_start: re.Pattern[str] = NOTHING) -> Iterator[Part]:
    """Where a folded name stands as a name; a common word needs its capital, or 'plan' after it.

    At the start of a sentence, where a capital tells nothing, it needs `at_start` after it.
    """
    for part in find_name(text, name):
        is_written_as_one = (
            text.folded[part.start].isupper()
            and (not is_start(text, part.start) or bool(at_start.match(text.lower, part.end)))
            and not (text.greeting and text.greeting.holds(part.start))
        )
        if not common or is_written_as_one or PLAN_WORD.match(text.lower, part.end):
            yield part


def is_everyday(name: str) -> bool:
    """Whether every word of a name is an everyday one, so that a text may need it for something else."""
    return all(
        word in WORDS.common
        or word in WORDS.small
        or word in WORDS.empty
        or word in COUNTED
        or word in WORDS.ours
        or stem(word) in WORDS.countable
        for word in re.findall(r"[\w']+", name)
    )


def is_common(name: str) -> bool:
    """Whether a name is made of everyday words."""
    words = name.split()
    return (
        len(words) == 1 and (len(name) <= 3 or name in WORDS.common or stem(name) in WORDS.countable)
    ) or name in MONTHS
