"""The model as writer: it words a brief in slots, is told what is wrong, and gives way to the template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import NamedTuple

from agent.drafting.brief import Brief
from agent.drafting.briefing import complaints, shown, told
from agent.drafting.making import MODEL, TEMPLATE, Making
from agent.drafting.message import Message
from agent.drafting.slotted import PARTS, Slotted, faults, laid_out, rendered, tidied
from agent.drafting.violation import Level, Violation
from agent.drafting.voice import Example, of_templates
from agent.drafting.writer import framing_of, write
from agent.foundation.llm.port import Line, Model, NoAnswer, Role, Task, Usage
from agent.foundation.prompts import prompt

REPAIRS = 2
BLOCKED = "blocked"
LONGEST_ECHO = 1_000
"Letters of a part that are handed back: what is longer was no message."

Check = Callable[[Message], list[Violation]]


class Drafted(NamedTuple):
    """A message, how it came to be, and what the guardrails still say of it."""

    message: Message
    making: Making
    violations: list[Violation]


class _Tried(NamedTuple):
    """A model's answer: filled where it could be, with everything that keeps it from being used."""

    message: Message | None
    violations: list[Violation]
    complaints: str


def write_with_model(brief: Brief, model: Model, check: Check, examples: Sequence[Example] = ()) -> Drafted:
    """The brief as the model words it, after at most two repairs, or else as the template does.

    `check` gives the guardrails' verdict on a finished message; without `examples` the templates show the voice.
    """
    lines = prompt("draft").lines(examples=shown(examples or of_templates(brief)), brief=told(brief))
    prompts = {"draft": prompt("draft").content_hash}
    about, usage, rounds = brief.recipient.account_id, Usage(), 0
    blocked: tuple[str, ...] = ()
    why: str = BLOCKED
    try:
        while True:
            task = Task.REPAIR if rounds else Task.DRAFT
            answer = model.ask(task, lines, Slotted, about=about)
            usage += answer.usage
            tried = _tried(tidied(answer.value), brief, check)
            if tried.message is not None and not _blocking(tried.violations):
                making = _making(MODEL, model, prompts, examples, rounds, usage)
                return Drafted(tried.message, making, tried.violations)
            blocked = tuple(dict.fromkeys(one.rule for one in _blocking(tried.violations)))
            if rounds == REPAIRS:
                break
            rounds += 1
            prompts["repair"] = prompt("repair").content_hash
            lines = [
                *lines,
                Line(Role.ASSISTANT, _echo(answer.value)),
                *prompt("repair").lines(faults=tried.complaints),
            ]
    except NoAnswer as none:
        usage += none.usage
        why = none.why.value
    message = write(brief)
    making = _making(TEMPLATE, model, prompts, examples, rounds, usage)
    stands_in = {"framing": framing_of(brief), "why": why, "blocked_by": blocked}
    return Drafted(message, making.model_copy(update=stands_in), check(message))


def _tried(draft: Slotted, brief: Brief, check: Check) -> _Tried:
    if wrong := faults(draft, brief):
        return _Tried(None, wrong, complaints(wrong, laid_out(draft), brief))
    message = rendered(draft, brief)
    found = check(message)
    return _Tried(message, found, complaints(_textual(found), message.text, brief))


def _blocking(violations: Sequence[Violation]) -> list[Violation]:
    """What keeps the text from being used; what no text could mend is the caller's to see."""
    return [one for one in _textual(violations) if one.level is Level.BLOCK]


def _textual(violations: Sequence[Violation]) -> list[Violation]:
    return [one for one in violations if not one.hard]


def _echo(draft: Slotted) -> str:
    """The model's own answer, as it is handed back to it."""
    parts = {part: str(getattr(draft, part))[:LONGEST_ECHO] for part in PARTS}
    # A model can answer half a letter, which no wire carries.
    return Slotted(
        **{part: said.encode("utf-8", "replace").decode() for part, said in parts.items()}
    ).model_dump_json()


def _making(
    writer: str,
    model: Model,
    prompts: Mapping[str, str],
    examples: Sequence[Example],
    rounds: int,
    usage: Usage,
) -> Making:
    return Making(
        writer=writer,
        model=model.name,
        prompts=dict(prompts),
        examples=tuple(one.draft_id for one in examples if one.draft_id),
        rounds=rounds,
        **asdict(usage),
    )
