"""What a model is told of a brief: its play, its slots and how they read; never a name that came from a customer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from agent.drafting.brief import Brief
from agent.drafting.phrases import SPOKEN, plan_words, say, slots
from agent.drafting.slots import BODY, EARLY, LAST, Slot, slots_of
from agent.drafting.standing import TOLD, standing
from agent.drafting.templating import picker
from agent.drafting.unslotting import is_free, names_a_customer, unslotted
from agent.drafting.violation import Violation
from agent.drafting.voice import NOBODY, Example
from agent.drafting.wording import clean

LONGEST_VALUE = 200
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]{2,4})?")
MOST_COMPLAINTS = 20
UNKNOWN_NAME = "There is a name that you were not given; leave it out."
QUIET = "This breaks the rule."


def told(brief: Brief) -> str:
    """The brief as lines of data, with every angle bracket made harmless."""
    return "\n".join(harmless(line) for line in _lines(brief))


def shown(examples: Sequence[Example]) -> str:
    """The examples, each in a block of its own."""
    return "\n".join(f"<example>\n{harmless(one.text)}\n</example>" for one in examples)


def complaints(violations: Sequence[Violation], text: str, brief: Brief) -> str:
    """What is wrong, one line each: rule, message and offending words, with names turned back into slots."""
    said = dict.fromkeys((one.rule, one.message, text[one.start : one.end]) for one in violations)
    return "\n".join(_complaint(*one, brief) for one in list(said)[:MOST_COMPLAINTS])


def _complaint(rule: str, message: str, words: str, brief: Brief) -> str:
    # Who else is a customer is not for a model to learn.
    told = UNKNOWN_NAME if rule == "wrong_name" else _discreet(message, brief)
    quoted = _discreet(words, brief) if len(words) <= LONGEST_VALUE else ""
    line = f"- {rule}: {told or QUIET}"
    return harmless(f"{line} Words: {json.dumps(quoted, ensure_ascii=False)}" if quoted else line)


def harmless(text: str) -> str:
    """Text that cannot close the block it stands in."""
    return text.replace("<", "‹").replace(">", "›")


def _lines(brief: Brief) -> Iterator[str]:
    yield f"play: {clean(brief.play)}"
    yield f"kind of offer: {brief.offer.kind.value}"
    if side := standing(brief):
        yield f"where they stand: {TOLD[side]}"
    if plainly := _said_in_slots(brief.problem, brief):
        yield f"the problem, said plainly: {plainly}"
    for also in _beside(brief):
        yield f"also true, to be mentioned at most once: {also}"
    language = brief.recipient.language or ""
    if LANGUAGE.fullmatch(language) and not language.startswith("en"):
        yield f"their language: {language}; write English that is easy for them"
    yield "slots:"
    for slot in slots_of(brief):
        yield _slot_line(slot)


def _slot_line(slot: Slot) -> str:
    line = f"  {{{slot.name}}}: {clean(slot.says, LONGEST_VALUE)}"
    if slot.reads is not None:
        line += f"; reads {json.dumps(clean(slot.reads, LONGEST_VALUE), ensure_ascii=False)}"
    if not set(BODY) <= set(slot.places):
        line += f"; only in {', '.join(slot.places)}"
    return line


def _beside(brief: Brief) -> Iterator[str]:
    """What could be said of the findings beside the leading one."""
    pick = picker(NOBODY, brief.play)
    for finding in brief.findings[1:]:
        said = say("support", finding, slots(finding, brief.plan_name, brief.sender.product), pick)
        if said and (text := _said_in_slots(said.text, brief)):
            yield text


def _said_in_slots(text: str, brief: Brief) -> str:
    """A sentence of the brief in slots; empty when it holds anything that has none."""
    plain = clean(text, 400)
    for number, word in SPOKEN.items():
        plain = re.sub(rf"(?<!\w){word}(?!\w)", number, plain)
    plan = plan_words(brief.plan_name)
    plain = plain.replace(f"the {plan.removeprefix('your ')}", plan)
    back = unslotted(plain, brief, EARLY)
    return back if is_free(back, brief) else ""


def _discreet(text: str, brief: Brief) -> str:
    """`text` with names in slots; empty when a customer's name is left in it."""
    back = unslotted(clean(text, LONGEST_VALUE), brief, LAST)
    return "" if names_a_customer(back, brief) else back
