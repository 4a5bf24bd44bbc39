"""The drafts of an evaluation: whose they are, and what the guardrails made of them."""

from __future__ import annotations

from evals.quality.result import CaseResult, Run
from evals.quality.scorers import GUARDRAILS

ELSEWHERE = {*GUARDRAILS, "passes"}
"Scores that say again what the guardrails say."
CLEAN = "clean"
"The kind of a miss of the checker's that is a false alarm."


def own_drafts(run: Run) -> dict[str, CaseResult]:
    """The drafts of the writer that the evaluation is about, by case; those of others are there to be beaten."""
    return {one.case_id: one for one in run.cases if one.writer == run.writer}


def verdict(case: CaseResult) -> str:
    """'passes', or what blocked it; and why the template stood in for the model."""
    blocked = blocks(case)
    said = f"blocked by {', '.join(sorted(blocked))}" if blocked else "passes"
    return f"{said}; the template stood in ({case.fell_back})" if case.fell_back else said


def blocks(case: CaseResult) -> set[str]:
    """The guardrails that keep a draft from the queue."""
    return {rule for rule, _, level in (one.rpartition(":") for one in case.violations) if level == "block"}
