"""Our own model client as a provider of inspect: `--model outgrown/standin`, `--model outgrown/openai:gpt-5-mini`.

Inspect's own mock model fetches a tokenizer and so needs the network. The other way round, `port_of` lets the product's
writer and the judges ask any provider of inspect's as they ask our own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import anyio.from_thread
import anyio.to_thread
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    ResponseSchema,
    get_model,
    modelapi,
)
from inspect_ai.model import Model as InspectModel
from inspect_ai.tool import ToolChoice, ToolInfo
from inspect_ai.util import json_schema
from pydantic import BaseModel, Field, ValidationError

from agent.foundation.llm.port import Answer, Line, Model, NoAnswer, Role, T, Task, Usage, Why
from evals.quality.asking import model_named

NAME = "outgrown"
GRADER = "grader"
"Inspect's role for the model that judges; the model that writes, where nobody has it."
STANDIN = "standin"
ROLES = {Role.SYSTEM: ChatMessageSystem, Role.USER: ChatMessageUser, Role.ASSISTANT: ChatMessageAssistant}


class Said(BaseModel):
    """What a model says when no form is asked for."""

    text: str = Field(description="The answer.")


class OutgrownAPI(ModelAPI):
    """The product's client, or the stand-in, as inspect asks a model."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        port: Model | None = None,
        **_: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        self._port = port

    @property
    def port(self) -> Model:
        """The model behind it, opened on first use; raises UsageError when there is no key for it."""
        if self._port is None:
            self._port = model_named(self.model_name)
        return self._port

    async def generate(  # inspect's own signature
        self,
        input: list[ChatMessage],  # noqa: A002
        tools: list[ToolInfo],  # noqa: ARG002
        tool_choice: ToolChoice,  # noqa: ARG002
        config: GenerateConfig,  # noqa: ARG002
    ) -> ModelOutput:
        """The model's answer as text; inspect's own solvers and scorers ask like this."""
        lines = [
            Line(Role(one.role), one.text) for one in input if one.role in ("system", "user", "assistant")
        ]
        answer = await in_thread(partial(self.port.ask, Task.CHECK, lines, Said))
        output = ModelOutput.from_content(self.model_name, answer.value.text)
        output.usage = model_usage(answer.usage)
        return output


@modelapi(name=NAME)
def outgrown() -> type[ModelAPI]:
    """The provider, as inspect finds it."""
    return OutgrownAPI


class Borrowed:
    """A model of inspect's, asked as the product asks its own."""

    def __init__(self, model: InspectModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """As inspect calls it: 'openai/gpt-5-mini'."""
        return str(self._model)

    def ask(self, task: Task, lines: Sequence[Line], answer: type[T], *, about: str = "") -> Answer[T]:  # noqa: ARG002
        """The model's answer in the form asked for; only from a thread that inspect's event loop started.

        Raises NoAnswer for a refusal, an answer cut off or one in another form.
        """
        said = [ROLES[line.role](content=line.text) for line in lines]
        schema = ResponseSchema(name=answer.__name__, json_schema=json_schema(answer), strict=True)
        try:
            output = anyio.from_thread.run(
                partial(self._model.generate, said, config=GenerateConfig(response_schema=schema))
            )
        except Exception as error:
            raise NoAnswer(Why.UNREACHABLE, f"{self.name} gave no answer: {type(error).__name__}") from error
        usage = _usage(output)
        if output.stop_reason in ("max_tokens", "content_filter"):
            why = Why.TRUNCATED if output.stop_reason == "max_tokens" else Why.REFUSED
            raise NoAnswer(why, f"{self.name} stopped: {output.stop_reason}", usage)
        try:
            return Answer(answer.model_validate_json(output.completion), self.name, usage)
        except ValidationError as error:
            raise NoAnswer(
                Why.MALFORMED, f"{self.name} answered in another form than asked.", usage
            ) from error


def port_of(model: InspectModel) -> Model:
    """The model as the product asks it; the stand-in where inspect was given none."""
    if isinstance(model.api, OutgrownAPI):
        return model.api.port
    return model_named(STANDIN) if model.name == "none" else Borrowed(model)


def writing_port() -> Model:
    """The model that writes in this task."""
    return port_of(get_model())


def judging_port() -> Model:
    """The model that judges in this task."""
    return port_of(get_model(role=GRADER))


def as_inspect(port: Model) -> InspectModel:
    """An open model, for inspect's eval()."""
    # What the decorator makes of the factory answers an instance that inspect knows the provider of.
    made: Callable[..., ModelAPI] = outgrown
    return InspectModel(made(port.name, port=port), GenerateConfig())


async def in_thread(work: Callable[[], Any]) -> Any:
    """What `work` answers, computed beside the event loop."""
    return await anyio.to_thread.run_sync(work)


def model_usage(usage: Usage) -> ModelUsage:
    """Tokens as inspect counts them: what was read from the cache stands apart."""
    return ModelUsage(
        input_tokens=usage.tokens_in - usage.tokens_cached,
        input_tokens_cache_read=usage.tokens_cached,
        output_tokens=usage.tokens_out,
        total_tokens=usage.tokens_in + usage.tokens_out,
    )


def _usage(output: ModelOutput) -> Usage:
    told = output.usage or ModelUsage()
    cached = told.input_tokens_cache_read or 0
    return Usage(
        calls=1,
        tokens_in=told.input_tokens + cached,
        tokens_cached=cached,
        tokens_out=told.output_tokens,
        seconds=output.time or 0.0,
    )
