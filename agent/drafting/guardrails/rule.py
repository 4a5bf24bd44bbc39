"""What a guardrail is: one function over a text, a brief and the surroundings, with its name and level."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from agent.drafting.brief import Brief
from agent.drafting.guardrails.text import Text
from agent.drafting.violation import Level, Surroundings, Violation


class Fault(NamedTuple):
    """Offending words by their place in the folded text, and what to tell the founder."""

    start: int
    end: int
    message: str
    level: Level | None = None
    "None: the rule's own level."
    is_raw: bool = False
    "True when the place is one of Message.text itself: what folding drops has no other."


Finder = Callable[[Text, Brief, Surroundings], Iterable[Fault]]


@dataclass(frozen=True)
class Rule:
    """One row of the rule book's table of guardrails."""

    id: str
    level: Level
    hard: bool
    "True for the rules nobody can confirm past."
    describes: str
    find: Finder

    def __call__(self, text: Text, brief: Brief, around: Surroundings) -> list[Violation]:
        """Every violation of this rule, with offsets into Message.text."""
        found = []
        for fault in self.find(text, brief, around):
            start, end = (fault.start, fault.end) if fault.is_raw else text.origin(fault.start, fault.end)
            level = fault.level or self.level
            found.append(
                Violation(
                    rule=self.id, level=level, message=fault.message, start=start, end=end, hard=self.hard
                )
            )
        return found


def rule(level: Level, *, hard: bool = False) -> Callable[[Finder], Rule]:
    """Make a guardrail of a function: its name is the rule's id, its docstring the description."""

    def made(find: Finder) -> Rule:
        name = str(getattr(find, "__name__", ""))
        return Rule(name, level, hard, (find.__doc__ or "").strip().splitlines()[0], find)

    return made
