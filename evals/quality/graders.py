"""The scorers as inspect knows them: what scorers.py and judges.py say of the message a solver left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, partial

from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, mean, metric, scorer
from inspect_ai.solver import TaskState

from agent.drafting.guardrails import check
from agent.drafting.message import Message
from evals.quality import sameness as alike
from evals.quality.cases import Case, load_cases
from evals.quality.judges import Verdict, grade, prefer, rubrics
from evals.quality.provider import in_thread, judging_port
from evals.quality.scorers import guarded, worded

MESSAGE, AGAINST, MAKING = "message", "against", "making"
"Where a solver leaves what it wrote."
VIOLATIONS = "violations"
"What the guardrails' score tells besides: 'rule:level' of each."
NOTHING = Score.unscored(explanation="There is no message.")

Given = Mapping[str, float | None]


@cache
def cases_by_id() -> dict[str, Case]:
    """Every case, by id."""
    return {case.case_id: case for case in load_cases()}


def case_of(state: TaskState) -> Case:
    """The case a sample is about."""
    return cases_by_id()[str(state.sample_id)]


def message_in(state: TaskState, name: str = MESSAGE) -> Message | None:
    """The message a solver left under a name."""
    kept = state.store.get(name)
    return Message.model_validate(kept) if kept else None


def value_of(scores: Given) -> dict[str, str | int | float | bool | None]:
    """Scores as inspect takes them: NaN is its mark for what cannot be scored."""
    return {name: math.nan if score is None else score for name, score in scores.items()}


@metric
def known_mean() -> Metric:
    """The mean of the scores that there are."""

    def measured(scores: list[SampleScore]) -> float:
        known = [one for score in scores if not math.isnan(one := score.score.as_float())]
        return sum(known) / len(known) if known else math.nan

    return measured


@metric
def nearest_overlap() -> Metric:
    """The mean overlap of each draft with its nearest neighbour among other accounts' drafts."""

    def measured(scores: list[SampleScore]) -> float:
        drafts = [
            (
                str(one.sample_id),
                Message.model_validate(one.score.metadata),
                cases_by_id()[str(one.sample_id)].brief,
            )
            for one in scores
            if one.score.metadata
        ]
        found = alike.sameness(alike.alike(drafts))
        return math.nan if found is None else found

    return measured


@scorer(metrics={"*": [known_mean()]})
def guardrails() -> Scorer:
    """One score a guardrail, `passes` and `warnings`."""

    async def measured(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        message, case = message_in(state), case_of(state)
        if message is None:
            return NOTHING
        violations = check(message, case.brief, case.around)
        said = "\n".join(f"{one.rule} ({one.level}): {one.message}" for one in violations)
        kept = {VIOLATIONS: [f"{one.rule}:{one.level}" for one in violations]}
        return Score(value=value_of(guarded(violations)), explanation=said or None, metadata=kept)

    return measured


@scorer(metrics={"*": [known_mean()]})
def wording() -> Scorer:
    """What can be counted in the wording: facts, reading ease, lengths."""

    async def measured(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        message = message_in(state)
        return NOTHING if message is None else Score(value=value_of(worded(message, case_of(state).brief)))

    return measured


@scorer(metrics=[nearest_overlap()])
def sameness() -> Scorer:
    """Whether the drafts are one template with the names changed; a figure of all of them together."""

    async def measured(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        message = message_in(state)
        return NOTHING if message is None else Score(value=0.0, metadata=message.model_dump())

    return measured


@scorer(metrics={"*": [known_mean()]})
def judged() -> Scorer:
    """A judge's score by each rubric, 1 to 5."""

    async def measured(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        message = message_in(state)
        if message is None:
            return NOTHING
        brief, port = case_of(state).brief, judging_port()
        found = {by.score: await in_thread(partial(grade, by, message, brief, port)) for by in rubrics()}
        return Score(
            value=value_of({name: one.score for name, one in found.items()}),
            explanation="\n".join(f"{name}: {one.reason}" for name, one in found.items()),
        )

    return measured


@scorer(metrics={"*": [known_mean()]})
def preferred() -> Scorer:
    """Which of two messages a judge prefers, asked in both orders."""

    async def measured(state: TaskState, target: Target) -> Score:  # noqa: ARG001
        message, against = message_in(state), message_in(state, AGAINST)
        if message is None or against is None:
            return NOTHING
        found = await in_thread(partial(prefer, message, against, case_of(state).brief, judging_port()))
        if found.verdict is None:
            return Score.unscored(explanation="The judge gave no answer.")
        value = {verdict.value: float(found.verdict is verdict) for verdict in Verdict}
        return Score(
            value=value_of(value | {"flipped": float(found.flipped)}),
            answer=found.verdict.value,
            explanation="\n".join(found.reasons),
        )

    return measured


@scorer(metrics=[mean()])
def verdict_as_meant() -> Scorer:
    """Whether the checker does to a text of the corpus what was meant: block it by that rule, or let it pass."""

    async def measured(state: TaskState, target: Target) -> Score:
        said = state.metadata["said"]
        return Score(
            value=float(state.metadata["as_meant"]), answer=said, explanation=f"meant: {target.text}"
        )

    return measured
