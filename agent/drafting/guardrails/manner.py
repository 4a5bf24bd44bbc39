"""The manner of a message: no pressure, nothing from behind the scenes, plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agent.drafting.brief import Brief
from agent.drafting.guardrails.beside_offer import idle_sentences
from agent.drafting.guardrails.figures import benefit_in
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.links import links_in, mails_in
from agent.drafting.guardrails.money import own_money
from agent.drafting.guardrails.naming import COUNTED, find_name, own_names, own_spans
from agent.drafting.guardrails.rule import Fault, rule
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.words import WORDS, stem
from agent.drafting.violation import Level, Surroundings

SNAKE = re.compile(r"(?<![\w/.])_?[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?!\w)")
UUID = re.compile(
    r"(?<!\w)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?!\w)|(?<!\w)(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{12,}(?!\w)"
)
ID = re.compile(r"(?=.*[\d_]).{3,}")
SHORT_NUMBER = re.compile(r"[\d.,-]{1,4}")
CAPITALS = re.compile(r"(?<![\w'])[A-Z][A-Z'’]*[A-Z](?!\w)")
EXCLAMATION = re.compile(r"!+")
WORDS_OF = re.compile(r"[a-z]+(?:'[a-z]+)?")
ACRONYM = 4


@rule(Level.BLOCK)
def no_pressure(text: Text, brief: Brief, _around: Surroundings) -> Iterable[Fault]:
    """No urgency of ours, no discount, no guarantee, no promise that the offer does not contain."""
    excused = [*benefit_in(text, brief), *own_spans(text, brief), *text.find(WORDS.unhurried)]
    advice = {
        "pressure": "presses them; take it out",
        "discounts": "promises a better price than the offer has; take it out",
        "guarantees": "promises more than the offer contains; take it out",
        "promises": "promises what the offer does not contain; take it out",
    }
    idioms = list(text.find(WORDS.free_idioms))
    contained = plain(f"{brief.offer.name} {brief.offer.benefit} {' '.join(brief.features)}")
    for name, what in advice.items():
        for found in text.find(getattr(WORDS, name)):
            said = " ".join(text.of(found).split())
            if _inside(found, excused) or (
                said.startswith("free") and _inside(Part(found.start, found.start + 4), idioms)
            ):
                continue
            if said in ("unlimited", "instant", "exclusive") and re.search(
                rf"(?<!\w){said}(?!\w)", contained
            ):
                continue
            yield Fault(*found, f"'{text.folded[found.start : found.end]}' {what}.")
    for part in idle_sentences(text, brief):
        shown = text.folded[part.start : part.end]
        yield Fault(
            *part,
            f"'{shown}' is neither the offer, nor the question, nor that not yet is fine; "
            "the last paragraph has no room for more: take it out, or say it before.",
        )
    for part in _foreign(text, brief):
        shown = text.folded[part.start : part.end]
        yield Fault(*part, f"'{shown}' is not English, so what it presses or promises cannot be checked.")


def _foreign(text: Text, brief: Brief) -> Iterator[Part]:
    """The sentences in another language, by its small words and by how few words of the sentence are English."""
    tokens = own_names(text, brief).tokens
    for part in (text.subject, *text.paragraphs):
        for sentence in text.sentences(part):
            words = [
                word
                for word in WORDS_OF.findall(text.of(sentence))
                if word not in tokens and word not in COUNTED
            ]
            unknown = [word for word in words if not _is_english(word)]
            hits = sum(word in WORDS.foreign for word in unknown)
            if hits and len(words) > 1 and len(unknown) * 2 >= len(words):
                yield sentence


def _is_english(word: str) -> bool:
    bare = word.removesuffix("'s")
    return (
        bare in WORDS.common or bare in WORDS.everyday or bare in WORDS.small or stem(bare) in WORDS.countable
    )


@rule(Level.BLOCK)
def no_internals(text: Text, brief: Brief, around: Surroundings) -> Iterable[Fault]:
    """No scores, trigger names, ids, or talk of tracking."""
    excused = [
        *own_spans(text, brief),
        *(Part(link.start, link.end) for link in links_in(text)),
        *mails_in(text),
        *benefit_in(text, brief),
    ]
    for pattern, what in (
        (WORDS.internals, "speaks of how you look at your customers"),
        (WORDS.trigger_names, "is a name from behind the scenes"),
        (SNAKE, "is a name from behind the scenes"),
        (UUID, "is an id"),
    ):
        for found in text.find(pattern):
            if not _inside(found, excused):
                yield Fault(
                    *found,
                    f"'{text.folded[found.start : found.end]}' {what}; say it in their terms, or not.",
                )
    for name in around.internal_names:
        for found in find_name(text, plain(name)):
            if not _inside(found, excused):
                shown = text.folded[found.start : found.end]
                yield Fault(
                    *found, f"'{shown}' is a name from behind the scenes; say it in their terms, or not."
                )
    for identity in _ids(text, brief):
        if identity not in text.lower:
            continue
        pattern = re.compile(rf"(?<![\w.-]){re.escape(identity)}(?![\w-])")
        for found in text.find(pattern):
            if not _inside(found, excused) and not SNAKE.fullmatch(identity):
                yield Fault(*found, f"'{text.folded[found.start : found.end]}' is an id; take it out.")


@rule(Level.WARN)
def tone(text: Text, brief: Brief, _around: Surroundings) -> Iterable[Fault]:
    """No capitals for emphasis, at most one exclamation mark, plain words."""
    own = (*own_spans(text, brief), *own_money(text, brief).spans)
    tokens = own_names(text, brief).tokens
    for match in CAPITALS.finditer(text.folded):
        word, part = match.group(), Part(*match.span())
        lower = word.lower().replace("'", "")
        if _inside(part, own) or lower in tokens or lower in WORDS.capitals:
            continue
        if len(lower) > ACRONYM or lower in WORDS.common:
            yield Fault(*part, f"'{word}' is in capitals; write it plainly.")
    marks = list(text.find(EXCLAMATION))
    if sum(mark.end - mark.start for mark in marks) > 1:
        last = marks[-1]
        yield Fault(*last, "There is more than one exclamation mark; one is plenty.")
    for found in text.find(WORDS.jargon):
        if not _inside(found, [*own, *benefit_in(text, brief)]):
            yield Fault(*found, f"'{text.folded[found.start : found.end]}' is a worn word; say it plainly.")


def _inside(part: Part, others: Iterable[Part]) -> bool:
    return any(other.start <= part.start and part.end <= other.end for other in others)


def _ids(text: Text, brief: Brief) -> Iterator[str]:
    """Ids that read as ids: with a digit, an underscore or a hyphen in them, and no name of the brief."""
    names = own_names(text, brief)
    ids = [brief.recipient.account_id, brief.plan_id or "", brief.offer.plan_id or ""]
    ids += [row.key for figure in brief.figures for row in figure.rows]
    for identity in dict.fromkeys(map(plain, ids)):
        if not ID.fullmatch(identity) or SHORT_NUMBER.fullmatch(identity):
            continue
        if identity not in names.everywhere and identity not in names.offer:
            yield identity
