"""What a rule finds in a text, as the words it points at."""

from __future__ import annotations

from typing import Any

from agent.drafting.brief import Brief
from agent.drafting.guardrails import RULES, check, read
from agent.drafting.message import Message
from agent.drafting.violation import Surroundings, Violation
from tests.builders import a_brief, a_message, surroundings

BY_ID = {rule.id: rule for rule in RULES}


def violations(rule: str, message: Message, brief: Brief | None = None, **around: Any) -> list[Violation]:
    """What one rule says of a message."""
    held = brief or a_brief()
    return BY_ID[rule](read(message, held), held, surroundings(**around))


def words(rule: str, message: Message, brief: Brief | None = None, **around: Any) -> list[str]:
    """The words one rule points at."""
    return [message.text[one.start : one.end] for one in violations(rule, message, brief, **around)]


def said(sentence: str, **parts: Any) -> Message:
    """A message whose one paragraph is `sentence`."""
    return a_message(body=f"Hi Maya,\n\n{sentence}", **parts)


def closing(
    last: str, first: str = "Your team ran into the export limit 5 times in the last 14 days."
) -> Message:
    """A message with a problem, and `last` as its last paragraph."""
    return a_message(body=f"Hi Maya,\n\n{first}\n\n{last}\n\nBest,\nDana")


def all_of(
    message: Message, brief: Brief | None = None, around: Surroundings | None = None
) -> set[tuple[str, str]]:
    """Every (rule, level) found in a message."""
    return {
        (one.rule, one.level.value) for one in check(message, brief or a_brief(), around or surroundings())
    }
