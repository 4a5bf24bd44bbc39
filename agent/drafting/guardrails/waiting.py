"""Leave to wait: where the last paragraph says that not yet is fine, in whatever words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent.drafting.brief import Brief
from agent.drafting.guardrails.figures import days_of, ledger_of, quoted
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.units import Kind
from agent.drafting.guardrails.words import WORDS, stem

UNSAID = re.compile(
    r"(?:not (?:just |quite )?yet|not now|later|waiting)(?:'s|s)? ?(?:is|are|would be|works)?"
    r"(?:(?: not|n't) | no (?:good|option|answer|way))"
    r"|not yet isn't|(?:no time|nothing) to wait"
    r"|(?:can't|cannot|shouldn't|should not|better not(?: to)?|not to) wait"
)
"What takes the leave back: not yet is not fine."
AGAIN = frozenset(
    stem(word)
    for word in ("again", "another", "more", "once", "back", "repeat", "return", "past", "over", "above")
)
TOO_COMMON = frozenset({"day", "plan", "tim", "look", "shar"})
"Stems that name no metric by themselves."


def leave_in(text: Text, last: Part) -> Part | None:
    """Where the last paragraph gives leave to wait; None where it does not, or takes it back."""
    if next(text.find(UNSAID, last), None) is not None:
        return None
    if (said := next(text.find(WORDS.not_yet, last), None)) is not None:
        return said
    sentences = text.sentences(last)
    for place, sentence in enumerate(sentences):
        waits = next(text.find(WORDS.waiting, sentence), None)
        if waits is None:
            continue
        # 'Yes, no, not yet? All three are fine.' says it in two sentences.
        for near in sentences[place : place + 2]:
            if any(True for _ in text.find(WORDS.welcome, near)):
                return waits
    return None


def after_leave(text: Text, last: Part, said: Part) -> Iterator[Part]:
    """The sentences of the last paragraph from the one that says not yet on; the one before it, last."""
    sentences = text.sentences(last)
    yield from [one for one in sentences if one.end > said.start]
    yield from [one for one in sentences if one.end <= said.start][-1:]


def watches(text: Text, brief: Brief, sentence: Part) -> bool:
    """Whether a sentence names a metric of the brief together with its figure."""
    words = {stem(word) for word in re.findall(r"[a-z']+", text.of(sentence))}
    watch = plain(brief.watch.sentence).rstrip(".")
    if watch and watch in " ".join(text.of(sentence).split()):
        return True
    about = _stems(brief.watch.sentence)
    own = {brief.watch.figure_id, *brief.watch.figure_ids}
    for _, entry in quoted(text, brief, sentence):
        if entry is None or words & ((entry.stems | about) - TOO_COMMON):
            return True
        # The very figure to watch: 'more than 6 times in 30 days' needs no noun to be understood.
        if entry.figure_id in own and (entry.kind is not Kind.DURATION or words & AGAIN):
            return True
    # An offer's ceiling is no metric, the ceiling they have is: 'when you pass 1,000 exports'.
    return any(
        sentence.holds(day.start) and bool(words & about) and ledger_of(text, brief).knows(day)
        for day in days_of(text, brief)
    )


def _stems(one: str) -> set[str]:
    return {
        stem(word) for word in re.findall(r"[a-z']+", plain(one)) if len(word) > 2 and word not in WORDS.empty
    }
