"""What is measured of a message in code: pure functions of a message, its brief and its surroundings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from agent.drafting.brief import Brief
from agent.drafting.guardrails import RULES, blocks, check
from agent.drafting.guardrails.folding import plain
from agent.drafting.message import Message
from agent.drafting.violation import Level, Surroundings, Violation
from evals.quality.reading import reading_ease

WORDS_AT_LEAST, WORDS_AT_MOST = 60, 120
"Words of a body that is neither curt nor long (rule book §7)."

GUARDRAILS: tuple[str, ...] = tuple(rule.id for rule in RULES)
"One score each: 1 when the guardrail blocks nothing."

MEASURES: Mapping[str, int] = {
    "passes": 1,
    "warnings": -1,
    "facts_used": 1,
    "facts_quoted": 0,
    "reading_ease": 1,
    "words": 0,
    "good_length": 1,
    "subject_length": 0,
    "sameness": -1,
    "sameness_mean": -1,
    "edit_distance": -1,
}
"Every other score in code, and which way is better: up (1), down (-1), neither (0)."


def guarded(violations: Iterable[Violation]) -> dict[str, float | None]:
    """One score per guardrail (1: it blocks nothing), `passes` (1: none blocks) and how many `warnings`."""
    found = list(violations)
    blocking = {one.rule for one in found if one.level is Level.BLOCK}
    scores: dict[str, float | None] = {rule: float(rule not in blocking) for rule in GUARDRAILS}
    scores["passes"] = float(not blocks(found))
    scores["warnings"] = float(sum(1 for one in found if one.level is Level.WARN))
    return scores


def worded(message: Message, brief: Brief) -> dict[str, float | None]:
    """What can be counted in the wording."""
    quoted, quotable = facts(message, brief)
    words = len(message.body.split())
    return {
        "facts_used": round(quoted / quotable, 4) if quotable else None,
        "facts_quoted": float(quoted),
        "reading_ease": reading_ease(message.body),
        "words": float(words),
        "good_length": float(WORDS_AT_LEAST <= words <= WORDS_AT_MOST),
        "subject_length": float(len(message.subject)),
    }


def facts(message: Message, brief: Brief) -> tuple[int, int]:
    """(figures quoted, figures that may be quoted), by what a customer reads; two that read alike are one."""
    said = plain(message.text)
    displays = {plain(figure.display) for figure in brief.figures if figure.display.strip()}
    return sum(1 for one in displays if _is_said(one, said)), len(displays)


def _is_said(display: str, text: str) -> bool:
    """Whether a figure stands in a text by itself, not inside a longer number or word."""
    return re.search(rf"(?<![\w$€£¥-])(?<!\d[.,]){re.escape(display)}(?![\w%])(?![.,]\d)", text) is not None


def scored(
    message: Message, brief: Brief, around: Surroundings
) -> tuple[dict[str, float | None], list[Violation]]:
    """Every score that one message has by itself, and the violations found."""
    violations = check(message, brief, around)
    return guarded(violations) | worded(message, brief), violations


def edit_distance(drafted: str, sent: str) -> float:
    """How much of a text was changed before it was sent: Levenshtein's distance over the longer one's letters.

    0 for the same text, 1 for one with nothing in common.
    """
    longer = max(len(drafted), len(sent))
    return round(_levenshtein(drafted, sent) / longer, 4) if longer else 0.0


def _levenshtein(one: str, other: str) -> int:
    """Letters to put in, take out or change."""
    while one and other and one[0] == other[0]:
        one, other = _without_common_start(one, other)
    while one and other and one[-1] == other[-1]:
        one, other = (part[::-1] for part in _without_common_start(one[::-1], other[::-1]))
    if not one or not other:
        return len(one) + len(other)
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        here = [row]
        for column, against in enumerate(other, start=1):
            here.append(min(above[column] + 1, here[-1] + 1, above[column - 1] + (letter != against)))
        above = here
    return above[-1]


def _without_common_start(one: str, other: str) -> tuple[str, str]:
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    cut = min(len(one), len(other)) if same is None else same
    return one[cut:], other[cut:]
