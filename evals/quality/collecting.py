"""What inspect's log of a task tells, as the result tells it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agent.drafting.making import TEMPLATE, Making
from agent.drafting.message import Message
from agent.foundation.llm.port import Usage
from evals.quality.judges import Judged, Verdict
from evals.quality.result import CaseResult
from evals.quality.writers import Writer

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample


def samples(log: EvalLog) -> list[EvalSample]:
    """The samples of a log, by id."""
    return sorted(log.samples or [], key=lambda sample: str(sample.id))


def result_of(sample: EvalSample, writer: Writer) -> CaseResult:
    """A case of inspect's log as the result tells it."""
    from evals.quality.graders import MAKING, MESSAGE, VIOLATIONS

    given = sample.store.get(MESSAGE)
    message = Message.model_validate(given) if given else Message(subject="", body="")
    making = Making.model_validate(sample.store[f"{MAKING}:{MESSAGE}"])
    scores, violations = _scores(sample), ()
    for score in (sample.scores or {}).values():
        violations = tuple((score.metadata or {}).get(VIOLATIONS, violations))
    fell_back = making.why if making.writer == TEMPLATE or not given else None
    return CaseResult(
        case_id=str(sample.id),
        writer=writer.value,
        subject=message.subject,
        body=message.body,
        scores=scores,
        violations=violations,
        fell_back=fell_back,
        **making.model_dump(
            include={"calls", "tokens_in", "tokens_cached", "tokens_out", "seconds", "cost_micro"}
        ),
    )


def _scores(sample: EvalSample) -> dict[str, float | None]:
    """Every figure that the scorers gave a sample, by the name it has in the result."""
    found: dict[str, float | None] = {}
    for score in (sample.scores or {}).values():
        if isinstance(score.value, Mapping):
            found |= {one: _number(value) for one, value in score.value.items()}
    return found


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def judged_in(sample: EvalSample) -> Judged:
    """How a pair came out."""
    (score,) = (sample.scores or {}).values()
    if not isinstance(score.value, Mapping) or score.answer is None:
        return Judged(None, False, (), Usage())
    return Judged(Verdict(score.answer), bool(score.value["flipped"]), (), Usage())


def message_of(result: CaseResult) -> Message:
    """The message of a result."""
    return Message(subject=result.subject, body=result.body)
