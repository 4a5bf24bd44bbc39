"""What stands in the last paragraph besides the offer, the question and not yet, and ventures something.

No list of words knows every way to press or to promise. The last paragraph is short and has few things to say,
so a sentence of it that says none of them and has a sign of a promise, a demand or a price in it is held back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent.drafting.brief import Brief
from agent.drafting.guardrails.figures import benefit_in, days_of, ledger_of, quantities_of
from agent.drafting.guardrails.folding import plain
from agent.drafting.guardrails.naming import find_name, own_names
from agent.drafting.guardrails.text import Part, Text
from agent.drafting.guardrails.waiting import is_dear, leave_of, watches
from agent.drafting.guardrails.words import WORDS, stem

BENEFIT_STEMS = 3
"So many stems of the founder's own benefit sentence say it in other words."
AGAINST_WAITING = re.compile(
    r"(?<!\w)(?:i|we|you)(?:'d not|'d never| (?:would|should)(?: not| never|n't)) (?:\w+ )?"
    r"(?:wait|put (?:it|this|that) off|postpone|delay|hold off|leave (?:it|this|that))(?!\w)(?! (?:for|on) )"
)
"Advice of ours against waiting: 'I would not put this off.'"
FEW_WORDS = 3
"A sentence of so many words adds nothing: 'I can.'"


def idle_sentences(text: Text, brief: Brief) -> Iterator[Part]:
    """The venturing sentences of the last of several paragraphs that serve neither offer, nor question, nor not yet."""
    if text.last is None or len(text.paragraphs) < 2:
        return
    for sentence in text.sentences(text.last):
        ventures = next(text.find(WORDS.venturing, sentence), None) is not None
        against = next(text.find(AGAINST_WAITING, sentence), None) is not None
        if against or (ventures and not _serves(text, brief, sentence)):
            yield sentence


def _serves(text: Text, brief: Brief, sentence: Part) -> bool:
    said = text.of(sentence)
    if "?" in said or len(said.split()) <= FEW_WORDS:
        return True
    names = own_names(text, brief)
    if any(sentence.holds(found.start) for name in names.offer for found in find_name(text, name)):
        return True
    if any(sentence.holds(part.start) or sentence.holds(part.end - 1) for part in benefit_in(text, brief)):
        return True
    benefit = {
        stem(word) for word in re.findall(r"[a-z]+", plain(brief.offer.benefit)) if word not in WORDS.empty
    }
    if len(benefit.intersection(map(stem, re.findall(r"[a-z]+", said)))) >= BENEFIT_STEMS:
        return True
    if any(entries and sentence.holds(one.start) for one, entries in quantities_of(text, brief)):
        return True
    if any(sentence.holds(day.start) and ledger_of(text, brief).knows(day) for day in days_of(text, brief)):
        return True
    if is_dear(text, sentence):
        return False
    for leave in (WORDS.not_yet, WORDS.waiting, WORDS.welcome):
        if next(text.find(leave, sentence), None) is not None:
            return True
    return leave_of(text, sentence) is not None or watches(text, brief, sentence)
