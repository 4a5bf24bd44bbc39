"""How many planted faults the guardrails catch, and how many clean drafts they stop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from agent.drafting.guardrails import RULES, check
from agent.drafting.violation import Level, Violation
from evals.quality.checker.briefs import around, briefs
from evals.quality.checker.corpus import Draft, Half, Planted, clean_drafts, planted_drafts
from evals.quality.result import CheckerResult, Miss, Rate, RuleResult

FIGURES = "figures"
OVERALL = "overall"


class Caught(NamedTuple):
    """What came of one planted fault."""

    planted: Planted
    by_meant: bool
    by_any: bool
    violations: tuple[Violation, ...]


class Stopped(NamedTuple):
    """What the rules said of one clean draft."""

    draft: Draft
    violations: tuple[Violation, ...]


def measure(
    progress: Callable[[int, int], None] | None = None, halves: Collection[Half] = tuple(Half)
) -> CheckerResult:
    """The checker's table over the halves asked for; `progress` is told (done, of)."""
    faults = [one for one in planted_drafts() if one.draft.half in halves]
    clean = [one for one in clean_drafts().values() if one.half in halves]
    total = len(faults) + len(clean)
    caught: list[Caught] = []
    stopped: list[Stopped] = []
    for done, fault in enumerate(faults, 1):
        caught.append(tried(fault))
        if progress is not None:
            progress(done, total)
    for done, draft in enumerate(clean, len(faults) + 1):
        stopped.append(Stopped(draft, said(draft)))
        if progress is not None:
            progress(done, total)
    return table(caught, stopped)


def said(draft: Draft) -> tuple[Violation, ...]:
    """What the guardrails say of a draft."""
    brief = briefs()[draft.brief]
    return tuple(check(draft.message, brief, around(brief)))


def tried(planted: Planted) -> Caught:
    """Whether a planted fault was caught."""
    found = said(planted.draft)
    # What the rules already say of the clean draft is a false alarm there, and no merit here.
    before = {(one.rule, one.message) for one in said(planted.clean)}
    counted = [
        one
        for one in found
        if (planted.level is Level.WARN or one.level is Level.BLOCK) and (one.rule, one.message) not in before
    ]
    return Caught(planted, any(one.rule in planted.rules for one in counted), bool(counted), found)


def table(caught: list[Caught], stopped: list[Stopped]) -> CheckerResult:
    """One row a rule, then the figures and everything; what only warns is counted in its own row alone."""
    blocking = [one for one in caught if one.planted.level is Level.BLOCK]
    figures = [one for one in blocking if one.planted.is_figure]
    rows = [
        RuleResult(
            rule=rule.id,
            recall=_rate(one.by_meant for one in caught if one.planted.rules[0] == rule.id),
            false_alarms=_rate(_alarmed(one, rule.id) for one in stopped),
        )
        for rule in RULES
    ]
    rows.append(
        RuleResult(
            rule=FIGURES,
            recall=_rate(one.by_meant for one in figures),
            false_alarms=_rate(_alarmed(one, "ungrounded_figure") for one in stopped),
        )
    )
    rows.append(
        RuleResult(
            rule=OVERALL,
            recall=_rate(one.by_any for one in blocking),
            false_alarms=_rate(any(v.level is Level.BLOCK for v in one.violations) for one in stopped),
        )
    )
    return CheckerResult(
        planted=len(caught), clean=len(stopped), rules=tuple(rows), misses=tuple(_misses(caught, stopped))
    )


def _rate(good: Iterable[bool]) -> Rate:
    answers = list(good)
    return Rate(good=sum(answers), of=len(answers))


def _alarmed(one: Stopped, rule: str) -> bool:
    """Whether a rule stopped a clean draft; the rule that only warns counts by its warnings."""
    return any(v.rule == rule and (v.level is Level.BLOCK or rule == "tone") for v in one.violations)


def _misses(caught: list[Caught], stopped: list[Stopped]) -> Iterable[Miss]:
    for one in caught:
        if not one.by_meant:
            yield Miss(
                draft_id=one.planted.draft.draft_id,
                rule=one.planted.rules[0],
                kind=one.planted.kind,
                text=one.planted.draft.message.text,
                said="; ".join(f"{v.rule}: {v.message}" for v in one.violations),
            )
    for alarm in stopped:
        text = alarm.draft.message.text
        for v in alarm.violations:
            if v.level is Level.BLOCK or v.rule == "tone":
                yield Miss(
                    draft_id=alarm.draft.draft_id,
                    rule=v.rule,
                    kind="clean",
                    text=text,
                    said=f"{text[v.start : v.end]!r}: {v.message}",
                )
