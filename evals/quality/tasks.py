"""The evaluation as tasks of inspect: `inspect eval evals/quality/tasks.py [-T writer=template] [--model …]`.

Without --model, or with --model outgrown/standin, the stand-in answers: no key and no network is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from agent.drafting.message import Message
from agent.drafting.violation import Level, Violation
from agent.foundation.llm.port import Usage
from evals.quality.cases import Case, load_cases
from evals.quality.checker.corpus import Draft, clean_drafts, planted_drafts
from evals.quality.checker.measuring import said, tried
from evals.quality.graders import (
    AGAINST,
    MAKING,
    MESSAGE,
    case_of,
    guardrails,
    judged,
    preferred,
    sameness,
    verdict_as_meant,
    wording,
)
from evals.quality.provider import in_thread, model_usage, writing_port
from evals.quality.shown import facts_of
from evals.quality.writers import Writer, Written, write_case

Pair = tuple[Message, Message]
PASSES, CLEAN = "passes", "clean"


@task
def messages(writer: str = "model", judge: bool = False, cases: str | list[str] = "") -> Task:
    """Every case, written to by a writer and scored; `cases` are ids or tags with commas between."""
    return messages_task(load_cases(_split(cases)), Writer(writer), judge=judge)


@task
def pairwise(writer: str = "model", against: str = "template", cases: str | list[str] = "") -> Task:
    """Every case, written to by two writers, and which of the two a judge prefers."""
    return pairwise_task(load_cases(_split(cases)), Writer(writer), Writer(against))


@task
def checker() -> Task:
    """The guardrails against drafts with a planted fault and clean ones; asks no model."""
    return checker_task()


def messages_task(cases: Sequence[Case], writer: Writer, *, judge: bool) -> Task:
    """The task `messages` over these cases."""
    scorers: list[Scorer] = [guardrails(), wording(), sameness()]
    if judge:
        scorers.append(judged())
    return Task(
        dataset=_dataset(cases),
        solver=written_by(writer.value),
        scorer=scorers,
        name=f"messages_{writer}",
        metadata={"writer": writer.value},
    )


def pairwise_task(
    cases: Sequence[Case], writer: Writer, against: Writer, texts: Mapping[str, Pair] | None = None
) -> Task:
    """The task `pairwise` over these cases; texts that there are already, by case, are not written again."""
    kept = {} if texts is None else {case_id: _kept(*pair) for case_id, pair in texts.items()}
    chosen = cases if texts is None else [case for case in cases if case.case_id in texts]
    return Task(
        dataset=_dataset(chosen, kept),
        solver=[written_by(writer.value), written_by(against.value, AGAINST)],
        scorer=preferred(),
        name=f"pairwise_{writer}_{against}",
        metadata={"writer": writer.value, "against": against.value},
    )


@solver
def written_by(writer: str, name: str = MESSAGE) -> Solver:
    """Leaves the writer's message in the sample's store, unless the sample brings one."""
    who = Writer(writer)

    async def solve(state: TaskState, generate: Generate) -> TaskState:  # noqa: ARG001
        if brought := state.metadata.get(name):
            state.store.set(name, brought)
            return state
        port = None if who is Writer.TEMPLATE else writing_port()
        written: Written = await in_thread(partial(write_case, who, case_of(state), port))
        state.store.set(name, written.message.model_dump() if written.message else None)
        state.store.set(f"{MAKING}:{name}", written.making.model_dump(mode="json"))
        if name == MESSAGE:
            state.output = _output(written, who)
        return state

    return solve


@solver
def as_it_is() -> Solver:
    """Leaves the text as the answer."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:  # noqa: ARG001
        state.output = ModelOutput.from_content("corpus", state.input_text)
        return state

    return solve


def _output(written: Written, who: Writer) -> ModelOutput:
    making = written.making
    text = written.message.text if written.message else ""
    output = ModelOutput.from_content(making.model or who.value, text)
    output.usage = model_usage(
        Usage(tokens_in=making.tokens_in, tokens_cached=making.tokens_cached, tokens_out=making.tokens_out)
    )
    output.time = making.seconds
    return output


def _dataset(cases: Sequence[Case], metadata: Mapping[str, dict[str, object]] | None = None) -> MemoryDataset:
    given = metadata or {}
    samples = [
        Sample(
            id=case.case_id,
            input=facts_of(case.brief),
            metadata={"title": case.title} | given.get(case.case_id, {}),
        )
        for case in cases
    ]
    return MemoryDataset(samples, name="cases")


def _kept(message: Message, against: Message) -> dict[str, object]:
    return {MESSAGE: message.model_dump(), AGAINST: against.model_dump()}


def _split(names: str | list[str]) -> tuple[str, ...]:
    """The names of `-T cases=a,b`, which inspect hands on as a list where there are several."""
    listed = names.split(",") if isinstance(names, str) else names
    return tuple(name.strip() for name in listed if name.strip())


def checker_task() -> Task:
    """The task `checker`: one sample a text, held against the verdict that was meant."""
    samples = []
    for planted in planted_drafts():
        caught = tried(planted)
        samples.append(
            _text(planted.draft, planted.rules[0], caught.by_meant, caught.violations, planted.kind)
        )
    for draft in clean_drafts().values():
        found = tuple(one for one in said(draft) if one.level is Level.BLOCK)
        samples.append(_text(draft, PASSES, not found, found, CLEAN))
    return Task(
        dataset=MemoryDataset(samples, name="corpus"),
        solver=as_it_is(),
        scorer=verdict_as_meant(),
        name="checker",
    )


def _text(draft: Draft, meant: str, as_meant: bool, found: Sequence[Violation], kind: str) -> Sample:
    rules = ", ".join(sorted({one.rule for one in found})) or PASSES
    return Sample(
        id=f"{kind}:{draft.draft_id}",
        input=draft.message.text,
        target=meant,
        metadata={"kind": kind, "half": draft.half.value, "said": rules, "as_meant": as_meant},
    )
