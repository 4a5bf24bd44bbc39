"""The shape of a message: problem first, offer and price last, one question, and a not-yet that is fine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agent.drafting.brief import Brief
from agent.drafting.guardrails.figures import benefit_in, ledger_of, quantities_of, quoted
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.links import foreign_links, links_in
from agent.drafting.guardrails.naming import AS_A_PLAN, is_common, names_in, own_names, own_spans
from agent.drafting.guardrails.rule import Fault, rule
from agent.drafting.guardrails.text import LETTERS_READ, Part, Text
from agent.drafting.guardrails.units import Kind
from agent.drafting.guardrails.waiting import after_leave, leave_in, watches
from agent.drafting.guardrails.words import WORDS, stem
from agent.drafting.violation import Level, Surroundings

PROBLEM_STEMS = 2
WORDS_TO_WARN = 120
WORDS_TO_BLOCK = 180
SUBJECT_LETTERS = 60
QUESTION = re.compile(r"\?+")
COUNTED_WORD = re.compile(r"(?<!\S)[^\w\s]*\w\S*")
AS_WELL = re.compile(r"option|as well$")
TELLING = re.compile(r"(?:tell|let|write)(?!\w)")
EVERYDAY_HEADS = frozenset({"support", "help", "service", "plan", "team", "time", "work", "room", "more"})
"Last words of an offer's name that a message may need for something else."
LEFT_AS_IT_IS = re.compile(r"(?<!\w)(?:wait\w*|stay\w*|later|not (?:yet|now)|leav\w+|nothing)(?!\w)")
"What makes an option of waiting, and no second offer."


@rule(Level.BLOCK)
def problem_first(text: Text, brief: Brief, _around: Surroundings) -> Iterable[Fault]:
    """The first sentence after the greeting names the problem; nothing before the last paragraph sells."""
    if not text.paragraphs:
        yield Fault(*text.body, "There is no text after the greeting; begin with the problem.")
        return
    first = text.sentences(text.paragraphs[0])[0]
    if not _names_problem(text, brief, first):
        yield Fault(
            *first, "The first sentence does not name the problem; begin with what gets in their way."
        )
    for part in text.before_last():
        for offered in _offer_named(text, brief, part):
            yield Fault(
                *offered, f"'{_shown(text, offered)}' is what you offer; keep it for the last paragraph."
            )
        for sold in text.find(WORDS.selling, part):
            if not _is_own(text, brief, sold):
                yield Fault(
                    *sold,
                    f"'{_shown(text, sold)}' sells before the last paragraph; say it there, or leave it out.",
                )


@rule(Level.BLOCK)
def price_last(text: Text, brief: Brief, _around: Surroundings) -> Iterable[Fault]:
    """Offer, tier and price appear in the last paragraph and nowhere else, subject included."""
    elsewhere = [
        text.subject,
        *text.paragraphs[:-1],
        *(part for part in (text.greeting, text.sign_off) if part),
    ]
    for part in elsewhere:
        where = "the subject" if part == text.subject else "the last paragraph"
        advice = f"take it out of {where}" if part == text.subject else f"say it in {where} only"
        for offered in _offer_named(text, brief, part):
            yield Fault(*offered, f"'{_shown(text, offered)}' is the offer; {advice}.")
        for amount in _amounts(text, brief, part):
            yield Fault(*amount, f"'{_shown(text, amount)}' is a price; {advice}.")
    if text.last is None:
        yield Fault(*text.body, "There is no last paragraph to hold the offer and its price; write one.")
        return
    if not any(True for _ in _offer_named(text, brief, text.last, strict=False)):
        yield Fault(
            *text.last, f"The last paragraph does not name the offer; name '{brief.offer.name}' there."
        )
    if brief.offer.price_minor and not _has_price(text, brief, text.last):
        yield Fault(*text.last, "The last paragraph does not say what the offer costs; give its price there.")


@rule(Level.BLOCK)
def not_yet_close(text: Text, brief: Brief, _around: Surroundings) -> Iterable[Fault]:
    """The last paragraph says that not yet is fine, and what real metric to watch for."""
    if text.last is None:
        yield Fault(*text.body, "There is no last paragraph to say that not yet is fine; write one.")
        return
    said = leave_in(text, text.last)
    if said is None:
        yield Fault(
            *text.last, "The last paragraph does not say that not yet is fine; say so, and what to watch for."
        )
        return
    if not any(watches(text, brief, part) for part in after_leave(text, text.last, said)):
        yield Fault(
            *text.last,
            "After 'not yet is fine' there is no metric with its figure to watch for; name one.",
        )


@rule(Level.BLOCK)
def one_ask(text: Text, brief: Brief, _around: Surroundings) -> Iterable[Fault]:
    """One offer, one question, at most one link, and the link is on the allowed list."""
    links = links_in(text)
    spans = [(link.start, link.end) for link in links]
    questions = [q for q in text.find(QUESTION) if not any(a <= q.start < b for a, b in spans)]
    asking = [_sentence_at(text, question.start) for question in questions]
    if not questions:
        yield Fault(*(text.last or text.body), "There is no question; ask one, in the last paragraph.")
    for extra in asking[:-1]:
        yield Fault(*extra, "This is a question too many; keep the one in the last paragraph.")
    close = _close_of(text, brief)
    for ask in text.find(WORDS.second_asks):
        if any(one.holds(ask.start) for one in close) and TELLING.match(text.of(ask)):
            continue
        if not any(a <= ask.start < b for a, b in asking) and not any(
            part.start <= ask.start < part.end for part in benefit_in(text, brief)
        ):
            yield Fault(
                *ask,
                f"'{_shown(text, ask)}' asks for something else besides the question; ask for one thing.",
            )
    for other in text.find(WORDS.second_offers):
        before = text.of(Part(_sentence_at(text, other.start).start, other.end))
        if AS_WELL.search(text.of(other)) and LEFT_AS_IT_IS.search(before):
            continue
        yield Fault(*other, f"'{_shown(text, other)}' sounds like a second offer; make one.")
    for link in links[1:]:
        yield Fault(link.start, link.end, "This is a second link; keep one at most.")
    for link in foreign_links(text, brief):
        yield Fault(
            link.start,
            link.end,
            f"The link '{link.written}' is not on the allowed list; use one that is, or none.",
        )


@rule(Level.BLOCK)
def length(text: Text, _brief: Brief, _around: Surroundings) -> Iterable[Fault]:
    """A body of 120 words at most (180 block), a subject of one line and 60 characters at most."""
    words = [Part(*one.span()) for one in COUNTED_WORD.finditer(text.lower, text.body.start, text.body.end)]
    if len(words) > WORDS_TO_BLOCK:
        yield Fault(
            words[WORDS_TO_BLOCK].start,
            words[-1].end,
            f"The message has {len(words)} words; cut it to 120, 180 at most.",
        )
    elif len(words) > WORDS_TO_WARN:
        yield Fault(
            words[WORDS_TO_WARN].start,
            words[-1].end,
            f"The message has {len(words)} words; 120 read better.",
            Level.WARN,
        )
    if not words:
        yield Fault(*text.body, "The message has no text; write one.")
    if len(text.message.text) > LETTERS_READ:
        yield Fault(
            *text.body, f"Only the first {LETTERS_READ} characters were read; cut the message to 120 words."
        )
    subject = text.message.subject
    if not subject.strip():
        yield Fault(*text.subject, "The subject is empty; write one of 60 characters at most.")
    elif len(subject) > SUBJECT_LETTERS:
        yield Fault(*text.subject, f"The subject has {len(subject)} characters; cut it to 60.")
    if len(subject.splitlines()) > 1:
        yield Fault(*text.subject, "The subject has more than one line; write it on one.")


def _shown(text: Text, part: Part) -> str:
    return text.folded[part.start : part.end]


def _names_problem(text: Text, brief: Brief, sentence: Part) -> bool:
    """Whether a sentence has a figure and a word of the problem, or two such words, or trouble and one."""
    said = text.of(sentence)
    problem = plain(brief.problem).rstrip(".")
    if problem and problem in " ".join(said.split()):
        return True
    about = _stems([brief.problem]) | _stems(brief.features)
    for figure in brief.figures:
        if not figure.figure_id.startswith("offer"):
            about |= _stems([figure.label, figure.unit])
    words = re.findall(r"[a-z']+", said)
    named = {stem(word) for word in words if word not in WORDS.empty} & about
    has_figure = any(True for _ in quoted(text, brief, sentence))
    if not has_figure and next(text.find(WORDS.pleasantries, sentence), None) is not None:
        return False
    in_trouble = any(word in WORDS.trouble for word in words)
    return (
        (has_figure and (bool(named) or in_trouble))
        or len(named) >= PROBLEM_STEMS
        or (bool(named) and in_trouble)
    )


def _stems(texts: Iterable[str]) -> set[str]:
    return {
        stem(word)
        for one in texts
        for word in re.findall(r"[a-z']+", plain(one))
        if len(word) > 2 and word not in WORDS.empty
    }


def _offer_named(text: Text, brief: Brief, part: Part, *, strict: bool = True) -> Iterator[Part]:
    """Where the offer is named in a part; `strict` asks an everyday word to be written as a name."""
    own = own_names(text, brief)
    had = plain(brief.plan_name or "")
    seen: list[Part] = []
    if strict and (head := _head_of(text, brief)) is not None:
        yield from (found for found in text.find(head, part))
    for name in sorted(own.offer, key=len, reverse=True):
        if name == had:
            continue
        common = strict and is_common(name)
        for found in names_in(text, name, common=common, at_start=AS_A_PLAN):
            # 'Acme Pro' as the product's name is not the offer 'Pro'.
            inside = any(
                other.start <= found.start and found.end <= other.end and other != found
                for other in own_spans(text, brief)
                if text.of(other) not in own.offer
            )
            if (
                part.holds(found.start)
                and not inside
                and not any(one.start <= found.start < one.end for one in seen)
            ):
                seen.append(found)
                yield found


def _head_of(text: Text, brief: Brief) -> re.Pattern[str] | None:
    """What the offer is called for short: 'our sprint' of a launch sprint; None for one of everyday words."""
    words = plain(brief.offer.name).split()
    if len(words) < 2 or not words[-1].isalpha() or stem(words[-1]) in WORDS.countable:
        return None
    known = _stems([brief.problem, *brief.features]) | _stems(own_names(text, brief).everywhere)
    if stem(words[-1]) in known or words[-1] in EVERYDAY_HEADS:
        return None
    return re.compile(rf"(?<!\w)(?:our|an?|this|the) {re.escape(words[-1])}(?!\w)")


def _amounts(text: Text, brief: Brief, part: Part) -> Iterator[Part]:
    for said, entries in quantities_of(text, brief):
        if (
            part.holds(said.start)
            and said.kind is Kind.MONEY
            and (not entries or any(entry.is_offer for entry in entries))
        ):
            yield Part(said.start, said.end)


def _has_price(text: Text, brief: Brief, part: Part) -> bool:
    price = ledger_of(text, brief).offer_price.exact
    return any(
        part.holds(said.start) and any(entry.is_offer and entry.exact == price for entry in entries)
        for said, entries in quantities_of(text, brief)
        if said.kind is Kind.MONEY
    )


def _sentence_at(text: Text, place: int) -> Part:
    for part in (
        text.subject,
        *((text.greeting,) if text.greeting else ()),
        *text.paragraphs,
        *((text.sign_off,) if text.sign_off else ()),
    ):
        for sentence in text.sentences(part):
            if sentence.holds(place):
                return sentence
    return Part(place, place + 1)


def _close_of(text: Text, brief: Brief) -> list[Part]:
    """The sentences of the close that say what to watch for; 'tell me when' is part of it there."""
    said = leave_in(text, text.last) if text.last else None
    if text.last is None or said is None:
        return []
    return [one for one in text.sentences(text.last) if one.end > said.start and watches(text, brief, one)]


def _is_own(text: Text, brief: Brief, part: Part) -> bool:
    """Whether words of selling are part of a name: a product called Buy Buttons."""
    return any(own.start <= part.start and part.end <= own.end for own in own_spans(text, brief))
