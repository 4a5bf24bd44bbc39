"""Who can write to a case: the template, the model that falls back to it, and a plain prompt to compare with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from pydantic import BaseModel, Field

from agent.drafting import guardrails
from agent.drafting.brief import Brief
from agent.drafting.making import MODEL, TEMPLATE, Making
from agent.drafting.message import Message
from agent.drafting.violation import Surroundings, Violation
from agent.drafting.writer import write
from agent.foundation.errors import UsageError
from agent.foundation.llm.port import Model, NoAnswer, Task, Usage
from agent.foundation.prompts import prompt
from evals.quality.cases import Case
from evals.quality.shown import facts_of

PLAIN_PROMPT = "plain"


class Writer(StrEnum):
    """A writer of messages."""

    TEMPLATE = "template"
    MODEL = "model"
    PLAIN = "plain"


@dataclass(frozen=True)
class Written:
    """What a writer wrote, and how; no message where a plain prompt got no answer."""

    message: Message | None
    making: Making


class PlainEmail(BaseModel):
    """An email as a plain prompt gets it: free text, no slots."""

    subject: str = Field(description="The subject line.")
    body: str = Field(description="The whole body, greeting and sign-off included.")


def write_case(writer: Writer, case: Case, model: Model | None) -> Written:
    """The writer's message to a case; seconds, tokens and money are in the making.

    Raises UsageError for a writer that asks a model where there is none.
    """
    if writer is Writer.TEMPLATE:
        return Written(write(case.brief), Making(writer=TEMPLATE))
    if model is None:
        raise UsageError(
            f"The writer '{writer}' needs a model; set one in outgrown.toml, or use the stand-in."
        )
    return _WITH_MODEL[writer](case, model)


def checking(brief: Brief, around: Surroundings) -> Callable[[Message], list[Violation]]:
    """The guardrails' verdict on a message to a case."""
    return lambda message: guardrails.check(message, brief, around)


def _by_model(case: Case, model: Model) -> Written:
    from agent.drafting.model_writer import write_with_model

    drafted = write_with_model(case.brief, model, checking(case.brief, case.around))
    return Written(drafted.message, drafted.making)


def _by_plain_prompt(case: Case, model: Model) -> Written:
    asked = prompt(PLAIN_PROMPT)
    prompts = {PLAIN_PROMPT: asked.content_hash}
    about = case.brief.recipient.account_id
    try:
        answer = model.ask(Task.DRAFT, asked.lines(facts=facts_of(case.brief)), PlainEmail, about=about)
    except NoAnswer as none:
        return Written(None, _making(model.name, prompts, none.usage, none.why.value))
    email = answer.value
    message = Message.parse(f"{' '.join(email.subject.split())}\n\n{email.body}")
    return Written(message, _making(answer.model, prompts, answer.usage))


def _making(model: str, prompts: dict[str, str], usage: Usage, why: str | None = None) -> Making:
    return Making(writer=MODEL, model=model, prompts=prompts, why=why, **asdict(usage))


_WITH_MODEL: dict[Writer, Callable[[Case, Model], Written]] = {
    Writer.MODEL: _by_model,
    Writer.PLAIN: _by_plain_prompt,
}
